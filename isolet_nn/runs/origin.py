"""The run that another one grew from: epochs that are trained again are compared with its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import RunError
from isolet_nn.runs.folder import Run
from isolet_nn.system.folders import CONFIG
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row


@dataclass(frozen=True)
class Origin:
    """A run that is completed, and how many of its epochs are the first of another one."""

    run: Run
    epochs: int

    @cached_property
    def rows(self) -> list[Row]:
        """Its epochs."""
        return self.run.history()[: self.epochs]

    @property
    def ends_with_an_extra_evaluation(self) -> bool:
        """Whether its last epoch was evaluated as the last one, which it is no more."""
        return self.epochs % self.run.experiment.training.evaluate_every != 0

    def require_same_epoch(self, training: Training) -> None:
        """Refuse an epoch just trained that is not what it was, to the last bit.

        At the last of its epochs the weights are compared, too.

        Raises
        ------
        RunError
            Saying which epoch differs, and in what.
        """
        row = training.members[0].history[-1]
        epoch = len(training.members[0].history)
        if epoch > self.epochs:
            return
        before = self.rows[epoch - 1]
        is_last = epoch == self.epochs
        for name, value in before.items():
            left_out = is_last and row.get(name) is None and self.ends_with_an_extra_evaluation
            if name != "seconds" and not left_out and repr(value) != repr(row.get(name)):
                raise self._differs(epoch, f"{name} was {value}, is {row.get(name)}")
        if is_last and (changed := self._weights_changed(training)) is not None:
            raise self._differs(epoch, f"the weights {changed} are others")

    def _weights_changed(self, training: Training) -> str | None:
        """The first of the weights that are not those of its model; None if all are."""
        best = training.members[0].best_weights
        if best is not None and self.ends_with_an_extra_evaluation:
            return None  # of which the model may be, and nothing here
        weights = training.weights(0) if best is None else best
        return _first_difference(self.run.model().weights, weights)

    def _differs(self, epoch: int, how: str) -> RunError:
        return RunError(
            f"{self.run.path}: epoch {epoch}, trained again, is not what it was: {how}; what it "
            "was trained with has changed: train a new run instead, or --force goes on without "
            "comparing"
        )


def origin_of(run: Run, training: Training) -> Origin | Path | None:
    """What a run grew from, if epochs of that are still to be trained again.

    Only its path where there is no run any more.
    """
    grown = run.summary.get("grown_from")
    if grown is None or training.epoch >= grown["epochs"]:
        return None
    path = Path(grown["run"])
    return Origin(Run.open(path), grown["epochs"]) if (path / CONFIG).exists() else path


def _first_difference(
    before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]
) -> str | None:
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            return name
        if not np.array_equal(before[name], after[name], equal_nan=True):
            return name
    return None
