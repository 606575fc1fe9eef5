"""Numbers beyond which a count is a slip of the finger, and would only be noticed after long."""

MOST = 1_000_000_000
"""Epochs, rows of a batch, folds: a billion steps of the quickest kind take hours."""
MOST_POINTS = 1_000_000
"""Rows of a data set that is made by a formula, anew by each program that reads it."""
MOST_THREADS = 1024
"""Threads of the linear algebra: more than any one machine has cores."""
MOST_WORKERS = 1024
"""Processes on one machine, likewise."""
MOST_LAYERS = 1000
"""Hidden layers."""
MOST_SETTINGS = 1_000_000
"""Settings of a sweep: each is checked before the first is trained."""
MOST_SEEDS = 1_000_000
"""Seeds of each setting."""
MOST_TRIALS = 10_000_000
"""Trials of a sweep, each with a line in its journal."""
