"""One training of one contestant, and what came of it.

Settings are compared on folds of the training speakers; the one that is chosen is trained on all of
them, and answers the test set once a seed.
"""

from __future__ import annotations

import functools
import statistics
import time
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from isolet_nn.baselines.contestants import Contestant, Settings
from isolet_nn.baselines.learners import experiment_of, make_learner
from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_raw
from isolet_nn.data.dataset import Dataset, make_dataset
from isolet_nn.data.raw import RawDataset
from isolet_nn.runs.records import Record, Seconds, Share, Whole

QUICK_EVERY = 10
"""Every tenth training speaker takes part in a quick run: as many of each of the four blocks."""
_PREDICTIONS = 3
"""Of the test set, of which the median time counts: the first loads what a library loads late."""


@dataclass(frozen=True)
class Division:
    """Which rows train: all speakers of isolet1 to 4, or all but a fold of them.

    Attributes
    ----------
    folds
        Folds of the cross-validation, by speaker.
    quick
        Whether only some of the speakers take part.
    data_dir
        Folder of the ISOLET files.
    """

    folds: int
    quick: bool
    data_dir: str | None


@dataclass(frozen=True)
class Task:
    """One training: of a setting on all speakers outside a fold, or of the chosen one on all.

    Attributes
    ----------
    contestant
        Who is trained.
    setting
        Which of its candidates.
    fold
        The fold that is held out and answered; None trains on all, and answers the test set.
    seed
        Of what is drawn.
    """

    contestant: Contestant
    setting: int
    fold: int | None
    seed: int = 0

    @property
    def settings(self) -> Settings:
        """All settings of the learner and of the data."""
        return self.contestant.settings(self.setting)

    @property
    def name(self) -> str:
        """Of the file that the outcome is kept in, without its ending."""
        if self.fold is None:
            return f"{self.contestant.name}/setting-{self.setting}-test-seed-{self.seed}"
        return f"{self.contestant.name}/setting-{self.setting}-fold-{self.fold}"


class Fit(Record):
    """What came of one training, as it is kept."""

    format: Literal[1]
    rows: Whole
    """Trained on."""
    n: Whole
    """Answered."""
    correct: Whole
    train_seconds: Seconds
    """Of the processor, on one thread: waiting for it does not count."""
    predict_seconds: Seconds
    """The same, to answer all rows; of a fold, with what a library loads late."""
    predicted: list[Whole] | None = None
    """Class of each row of the test set, of one that was trained on all speakers."""
    probability: list[Share] | None = None
    """Of each of these, where the learner has one."""

    @property
    def accuracy(self) -> float:
        """Share of the rows that are right."""
        return self.correct / self.n

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in ("predicted", "probability"):
            found = getattr(self, name)
            if found is not None and len(found) != self.n:
                raise ValueError(f"{name}: found {len(found)} rows of {self.n}")
        if not self.n > 0 or self.correct > self.n:
            raise ValueError(f"correct: found {self.correct} of {self.n}")
        return self


def carry_out(task: Task, division: Division) -> dict[str, Any]:
    """Train and answer, on one thread; what came of it, as a `Fit` is kept."""
    from threadpoolctl import threadpool_limits

    dataset = make_data(task, division)
    held = dataset.test if task.fold is None else dataset.validation
    assert held is not None, "a fold is a validation part"
    learner = make_learner(task.contestant, task.settings, task.seed)
    with threadpool_limits(1):
        started = time.process_time()
        learner.fit(dataset)
        trained = time.process_time() - started
        seconds = []
        for _ in range(_PREDICTIONS if task.fold is None else 1):
            started = time.process_time()
            predicted, probability = learner.answer(held.x)
            seconds.append(time.process_time() - started)
    outcome: dict[str, Any] = {
        "format": 1,
        "rows": len(dataset.train),
        "n": len(held),
        "correct": int(np.count_nonzero(predicted == held.y)),
        "train_seconds": trained,
        "predict_seconds": statistics.median(seconds),
    }
    if task.fold is None:
        outcome["predicted"] = predicted.tolist()
        outcome["probability"] = None if probability is None else probability.tolist()
    return outcome


def make_data(task: Task, division: Division) -> Dataset:
    """What a task trains on and is asked about: in the same fold, the same rows for all."""
    config = _dataset_config(task, division)
    return make_dataset(load_rows(division), config, seed=0, dtype="float32")


def _dataset_config(task: Task, division: Division) -> DatasetConfig:
    held: object = "none"
    if task.fold is not None:
        held = {"folds": division.folds, "fold": task.fold, "by": "speaker"}
    section = experiment_of(task.settings).dataset.model_dump(mode="json")
    # The partition into folds is that of the project's own search.
    changes = {"name": "isolet", "dir": division.data_dir, "split_seed": 0, "validation": held}
    return load_experiment({"dataset": {**section, **changes}}).dataset


@functools.lru_cache(maxsize=1)
def load_rows(division: Division) -> RawDataset:
    """ISOLET, or what a quick run sees of it: the test set is the same."""
    config = {"name": "isolet", "dir": division.data_dir, "validation": _SPEAKERS}
    raw = load_raw(load_experiment({"dataset": config}).dataset)
    if not division.quick:
        return raw
    assert raw.groups is not None, "or loading would have been refused"
    assert raw.test_rows is not None, "isolet5"
    train = np.setdiff1d(np.arange(len(raw.y)), raw.test_rows)
    return replace(raw, train_rows=train[raw.groups[train] % QUICK_EVERY == 0])


_SPEAKERS = {"folds": 2, "fold": 0, "by": "speaker"}
"""Asks for data whose speakers can be told."""
