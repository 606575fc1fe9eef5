"""How a run, a sweep or a trial stands, in the words of its files and of lists."""

from __future__ import annotations

from typing import Final, Literal

RUNNING: Final = "running"
INTERRUPTED: Final = "interrupted"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
PRUNED: Final = "pruned"
"""Of trials that a search ended before their time, since others were better."""
PENDING: Final = "pending"
"""Of trials that are still to be done."""
KILLED: Final = "killed"
"""Of what its files say that it runs, while no process works on it."""
DAMAGED: Final = "damaged"
"""Of what cannot be read."""

TrialEnd = Literal["completed", "failed", "pruned"]
FolderStatus = Literal["running", "completed", "interrupted", "failed"]
"""What summary.json says."""
