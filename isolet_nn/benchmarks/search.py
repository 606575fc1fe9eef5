"""How many epochs of training a search needs until it is as good as random settings.

Of each repetition, random settings are trained to the end, cross-validated by speaker; then a
search goes on until one of its settings is at least as good as the best of these. Epochs are
counted and not seconds, so it can be run on a busy machine, and in parts: what is there already in
the folder is gone on with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import read_journal
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from isolet_nn.system.folders import JOURNAL, SWEEP
from isolet_nn.system.statuses import COMPLETED, PENDING

SPACE: dict[str, Any] = {
    "optimizer.name": {"choice": ["sgd", "adam"]},
    "optimizer.learning_rate": {"log_uniform": [1e-4, 1.0]},
    "optimizer.momentum": {"uniform": [0.0, 0.99], "when": {"optimizer.name": "sgd"}},
    "optimizer.beta1": {"uniform": [0.5, 0.99], "when": {"optimizer.name": "adam"}},
    "optimizer.weight_decay": {"log_uniform": [1e-6, 1e-1]},
    "training.batch_size": {"choice": [64, 128, 256]},
}
"""What a person would search first: all of the optimizer, and the size of a batch."""


@dataclass(frozen=True)
class Race:
    """What is compared.

    Attributes
    ----------
    trials
        Random settings of a repetition.
    most
        Settings that the search may ask for.
    """

    dataset: str = "isolet"
    hidden: int = 128
    epochs: int = 20
    folds: int = 5
    trials: int = 100
    most: int = 400
    sampler: str = "tpe"
    pruner: str = "successive_halving"
    batch: int = 8


@dataclass(frozen=True)
class Repetition:
    """How one repetition went.

    Attributes
    ----------
    target
        The mean validation accuracy of the best random setting.
    random_epochs
        Epochs of all random settings, and up to the best of them.
    search_epochs
        Epochs of the search until it was as good; None where it never was.
    settings
        How many it had asked for by then.
    """

    seed: int
    target: float
    random_epochs: int
    until_best: int
    search_epochs: int | None
    settings: int

    @property
    def share(self) -> float:
        """The search's epochs as a share of those of all random settings."""
        return np.inf if self.search_epochs is None else self.search_epochs / self.random_epochs


def run_repetition(
    race: Race, seed: int, into: Path, should_stop: Callable[[], bool] = lambda: False
) -> Repetition | None:
    """Run a repetition, or the rest of one; None if it was stopped.

    Parameters
    ----------
    race
        What is compared.
    seed
        Of both samplers.
    into
        The folder of the repetition.
    should_stop
        Asked again and again; what was done by then is gone on with the next time.
    """
    content = _content(race, seed, sampler="random", trials=race.trials, batch=race.trials)
    drawn = _run(content, into / "random", SweepObserver(), should_stop)
    if drawn.count(PENDING):
        return None
    target = drawn.best(1)[0].scores["validation_accuracy"].mean
    until_best, _, _ = _reached(drawn, target)
    content = _content(
        race, seed, sampler=race.sampler, trials=race.most, batch=race.batch, pruner=race.pruner
    )
    watching = _Watching(target)
    searched = _run(content, into / "search", watching, lambda: should_stop() or watching.reached)
    epochs, settings, was_reached = _reached(searched, target)
    if not was_reached and should_stop():
        return None
    random_epochs = int(drawn.results.epochs.sum())
    found = epochs if was_reached else None
    return Repetition(seed, target, random_epochs, until_best, found, settings)


class _Watching(SweepObserver):
    """Sees when a setting is as good as the target."""

    def __init__(self, target: float) -> None:
        self._target = target
        self._folder: SweepFolder | None = None
        self.reached = False

    def on_start(self, folder: SweepFolder, plan: Any) -> None:
        self._folder = folder
        self.on_results([], 0.0)

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        assert self._folder is not None
        best = _best_mean(self._folder)
        self.reached = best is not None and best >= self._target


def _best_mean(folder: SweepFolder) -> float | None:
    """The best mean of the settings of which all folds are done."""
    own = folder.trial_table.per_setting
    scores = folder.results.metric("validation_accuracy").reshape(-1, own)
    whole = scores[np.isfinite(scores).all(axis=1)]
    return float(whole.mean(axis=1).max()) if len(whole) else None


def _reached(folder: SweepFolder, target: float) -> tuple[int, int, bool]:
    """Epochs trained, and settings begun, until one was as good as the target, if one was."""
    own = folder.trial_table.per_setting
    scores: dict[int, list[float]] = {}
    begun, epochs = set[int](), 0
    for result in read_journal(folder.path / JOURNAL)[1]:
        epochs += result.epochs
        setting = result.trial // own
        begun.add(setting)
        if result.status == COMPLETED:
            of_setting = scores.setdefault(setting, [])
            of_setting.append(result.metrics["validation_accuracy"])
            if len(of_setting) == own and float(np.mean(of_setting)) >= target - 1e-12:
                return epochs, len(begun), True
    return epochs, len(begun), False


def _run(
    content: dict[str, Any], folder: Path, observer: SweepObserver, should_stop: Callable[[], bool]
) -> SweepFolder:
    """Run a sweep in a folder of its own, or what is left of it."""
    begun = sorted(path.parent for path in folder.glob(f"*/{SWEEP}"))
    options: dict[str, Any] = {"observer": observer, "should_stop": should_stop}
    if begun:
        return resume_sweep(begun[0], **options)
    return sweep(load_sweep(content), runs_dir=folder, **options)


def _content(race: Race, seed: int, **search: Any) -> dict[str, Any]:
    """The sweep of one of the two."""
    return {
        "name": "bench-search",
        "experiment": {
            "dataset": {"name": race.dataset, "split_seed": 0},
            "model": {"hidden_layers": [race.hidden]},
            "training": {"epochs": race.epochs},
        },
        "search": {"seed": seed, "space": SPACE, **search},
        "cross_validation": {
            "folds": race.folds,
            "by": "speaker" if race.dataset == "isolet" else "rows",
        },
        "save_models": "none",
        "save_curves": "none",
    }
