"""Neural-network experiments from YAML files, trained from scratch in NumPy or by PyTorch.

The public API, each name loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module

# What is not imported here cannot be taken from the current folder before `__main__` leaves it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from isolet_nn.config import Experiment
    from isolet_nn.execution import evaluate, resume, train
    from isolet_nn.loading import load_experiment
    from isolet_nn.runs import Run, load_run
    from isolet_nn.sweeps.config import Sweep, load_sweep
    from isolet_nn.sweeps.folder import SweepFolder
    from isolet_nn.sweeps.run import resume_sweep, sweep

__version__ = "0.1.0"

_HOMES = {
    "Experiment": "config",
    "load_experiment": "loading",
    "train": "execution",
    "resume": "execution",
    "evaluate": "execution",
    "Run": "runs",
    "load_run": "runs",
    "Sweep": "sweeps.config",
    "load_sweep": "sweeps.config",
    "SweepFolder": "sweeps.folder",
    "sweep": "sweeps.run",
    "resume_sweep": "sweeps.run",
}

__all__ = [
    "Experiment",
    "Run",
    "Sweep",
    "SweepFolder",
    "evaluate",
    "load_experiment",
    "load_run",
    "load_sweep",
    "resume",
    "resume_sweep",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"isolet_nn.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
