"""Neural-network experiments from YAML files, trained from scratch in NumPy or by PyTorch.

The public API, each name loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module

from isolet_nn.version import __version__

# What is not imported here cannot be taken from the current folder before `__main__` leaves it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from isolet_nn.api import compare, extend, resume, resume_sweep, sweep, train
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.config.loading import load_experiment
    from isolet_nn.estimator.classifier import NeuralNetworkClassifier
    from isolet_nn.results.models import TrainedModel, load_model
    from isolet_nn.results.runs_frame import runs_frame
    from isolet_nn.results.selection import load_run
    from isolet_nn.results.shown import Run, SweepFolder
    from isolet_nn.runs.execution import evaluate
    from isolet_nn.runs.learning_rates import find_learning_rate
    from isolet_nn.runs.observers import Observer, Stop
    from isolet_nn.sweeps.config import Sweep
    from isolet_nn.sweeps.loading import load_sweep
    from isolet_nn.sweeps.observers import SweepObserver


_HOMES = {
    "Experiment": "config.experiment",
    "load_experiment": "config.loading",
    "NeuralNetworkClassifier": "estimator.classifier",
    "train": "api",
    "compare": "api",
    "resume": "api",
    "extend": "api",
    "find_learning_rate": "runs.learning_rates",
    "evaluate": "runs.execution",
    "Observer": "runs.observers",
    "Run": "results.shown",
    "load_run": "results.selection",
    "TrainedModel": "results.models",
    "load_model": "results.models",
    "Stop": "runs.observers",
    "Sweep": "sweeps.config",
    "load_sweep": "sweeps.loading",
    "SweepFolder": "results.shown",
    "runs_frame": "results.runs_frame",
    "SweepObserver": "sweeps.observers",
    "sweep": "api",
    "resume_sweep": "api",
}

__all__ = [
    "Experiment",
    "NeuralNetworkClassifier",
    "Observer",
    "Run",
    "Stop",
    "Sweep",
    "SweepFolder",
    "SweepObserver",
    "TrainedModel",
    "__version__",
    "compare",
    "evaluate",
    "extend",
    "find_learning_rate",
    "load_experiment",
    "load_model",
    "load_run",
    "load_sweep",
    "resume",
    "resume_sweep",
    "runs_frame",
    "sweep",
    "train",
]


def __dir__() -> list[str]:  # what a prompt and a notebook complete
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"isolet_nn.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
