"""What commands print with: streams, tables, progress."""
