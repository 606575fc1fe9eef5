"""What a search costs besides training, and how fast it is beside Optuna with a plain loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isolet_nn.benchmarks.loop import make_network, make_torch_optimizer, train
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.sweeps.cohort import CohortTask, TrialResult
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.parameters import setting_of
from isolet_nn.sweeps.search.study import Outcome, Study, direction, quiet
from isolet_nn.sweeps.sweep import sweep
from isolet_nn.sweeps.workers import Outcome as Done
from isolet_nn.system.machine import available_cores, peak_memory_bytes
from isolet_nn.system.statuses import COMPLETED

ASKED_SPACE: dict[str, Any] = {
    "optimizer.name": {"choice": ["sgd", "adam"]},
    "optimizer.learning_rate": {"log_uniform": [1e-4, 1.0]},
    "optimizer.weight_decay": {"log_uniform": [1e-6, 1e-1]},
    "model.dropout": {"uniform": [0.0, 0.7]},
    "model.hidden_layers": {"choice": [[16], [32], [64], [16, 16]]},
}
SMALL: dict[str, Any] = {
    "name": "small-networks",
    "experiment": {
        "dataset": {"name": "isolet", "validation": {"fraction": 0.2}},
        "model": {"hidden_layers": [16], "initializer": "uniform_fan_in"},
        "training": {"epochs": 10, "batch_size": 128},
    },
    "search": {
        "sampler": "tpe",
        "batch": 16,
        "space": {
            "optimizer.learning_rate": {"log_uniform": [1e-4, 1e-1]},
            "optimizer.beta1": {"uniform": [0.5, 0.99]},
            "optimizer.weight_decay": {"log_uniform": [1e-7, 1e-3]},
        },
    },
    "save_models": "none",
    "save_curves": "none",
}
"""Settings of 617-16-26 that differ in their optimizer."""


@dataclass(frozen=True)
class Asking:
    """What a search cost whose trials were not trained.

    Attributes
    ----------
    seconds
        Of the sampler alone: asking and telling.
    whole_seconds
        Of the whole search: checked, planned, journalled and tabulated.
    peak_megabytes
        Largest memory of this process so far.
    """

    sampler: str
    trials: int
    seconds: float
    whole_seconds: float
    peak_megabytes: float


class _MadeUp:
    """Takes any cohort and claims at once to have trained it."""

    def __init__(
        self, n_workers: int, data_folder: Path, pack: Callable[[Experiment], PackedDataset]
    ) -> None:
        self._n_workers = n_workers
        self._done: list[Done] = []

    def free(self) -> int:
        return self._n_workers - len(self._done)

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        results = [
            TrialResult(trial, COMPLETED, _made_up(trial), epochs, 0.1)
            for line in task.lines
            for trial, epochs in zip(line.trials, line.epochs, strict=True)
        ]
        self._done.append(Done(ticket, results))

    def wait(self, seconds: float) -> list[Done]:
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        self._done.clear()


def _made_up(trial: int) -> dict[str, float]:
    metrics = dict.fromkeys(("train_loss", "validation_loss"), 0.1)
    accuracy = trial * 0.6180339887498949 % 1.0  # all over the place, and the same every time
    return metrics | {"train_accuracy": 0.9, "validation_accuracy": accuracy}


def measure_asking(sampler: str, trials: int, runs_dir: str | Path, batch: int = 8) -> Asking:
    """Ask for so many settings, and tell of each, without and with all that a search does."""
    swept = load_sweep(
        {
            "name": "asking",
            "experiment": {
                "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
                "model": {"hidden_layers": [8]},
            },
            "search": {"sampler": sampler, "trials": trials, "batch": batch, "space": ASKED_SPACE},
            "save_models": "none",
        }
    )
    assert swept.search is not None
    started = time.perf_counter()
    study, n_asked = Study(swept.search), 0
    while n_asked < trials:
        asked = study.ask(min(batch, trials - n_asked))
        values = [_made_up(n_asked + n)["validation_accuracy"] for n in range(len(asked))]
        study.tell([Outcome(COMPLETED, value) for value in values])
        n_asked += len(asked)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    sweep(swept, runs_dir=runs_dir, make_workers=_MadeUp, workers=8)
    whole = time.perf_counter() - started
    return Asking(sampler, trials, seconds, whole, peak_memory_bytes() / 1024.0**2)


@dataclass(frozen=True)
class LoopTimes:
    """Seconds of a search, and of Optuna with a plain PyTorch loop, for as many epochs."""

    trials: int
    search_seconds: float
    loop_seconds: float
    search_best: float
    loop_best: float

    @property
    def speedup(self) -> float:
        """How many times as fast the search was."""
        return self.loop_seconds / self.search_seconds


def time_beside_loop(trials: int, runs_dir: str | Path, threads: int | None = None) -> LoopTimes:
    """Search settings of small networks, then do the same with Optuna and a plain PyTorch loop."""
    swept = load_sweep(SMALL, {"search.trials": trials})
    started = time.perf_counter()
    done = sweep(swept, runs_dir=runs_dir)
    search_seconds = time.perf_counter() - started
    best = done.best(1)[0].scores[done.metric].mean
    loop_seconds, loop_best = _optuna_with_loop(trials, threads or available_cores())
    return LoopTimes(trials, search_seconds, loop_seconds, best, loop_best)


def _optuna_with_loop(trials: int, threads: int) -> tuple[float, float]:
    """What a person would write: an objective that trains a network, given to a study."""
    import optuna
    import torch

    swept = load_sweep(SMALL, {"search.trials": trials})
    search = swept.search
    assert search is not None
    torch.set_num_threads(threads)
    first = load_experiment(swept.experiment)
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    assert dataset.validation is not None
    x, y = torch.from_numpy(dataset.train.x), torch.from_numpy(dataset.train.y)
    held_x = torch.from_numpy(dataset.validation.x)
    held_y = torch.from_numpy(dataset.validation.y)

    def objective(trial: optuna.Trial) -> float:
        parameters = {
            "optimizer.learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "optimizer.beta1": trial.suggest_float("beta1", 0.5, 0.99),
            "optimizer.weight_decay": trial.suggest_float("weight_decay", 1e-7, 1e-3, log=True),
        }
        one = load_experiment(swept.experiment, setting_of(search, parameters))
        network = make_network(dataset.n_features, *one.model.hidden_layers, dataset.n_classes)
        optimizer = make_torch_optimizer(one.optimizer, network)
        train(network, optimizer, x, y, one.training.epochs, one.training.batch_size)
        with torch.no_grad():
            return float((network(held_x).argmax(dim=1) == held_y).double().mean())

    started = time.perf_counter()
    with quiet():
        sampler = optuna.samplers.TPESampler(seed=0)
        study = optuna.create_study(direction=direction(search), sampler=sampler)
        study.optimize(objective, n_trials=trials)
    return time.perf_counter() - started, study.best_value
