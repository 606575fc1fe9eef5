"""The epoch loop, and the two backends that do its arithmetic."""
