"""What reads runs and sweeps alike: lists, comparisons, pictures drawn anew."""
