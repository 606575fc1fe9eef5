"""How far one experiment of a training is: its rows, its best epoch, its patience, its end.

A training has failed if the training loss of an epoch is not finite, or if the weights it ends with
are worthless: they, or a loss evaluated with them, are not finite. An evaluation on the way that is
not finite decides nothing, since how often one is made is a setting: it is never the best one, and
to early stopping it is one without improvement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isolet_nn.config.metrics import is_better
from isolet_nn.config.training import TrainingConfig
from isolet_nn.nn.schedules import ReduceOnPlateau
from isolet_nn.training.backend import Layout, Weights, layout_of
from isolet_nn.training.components import make_plateau

Row = dict[str, float | None]
"""One epoch's metrics under the names of metrics.csv; None where it was not evaluated."""


@dataclass
class Member:
    """One experiment of a training, a network or an ensemble, which watches itself.

    Attributes
    ----------
    settings
        The experiment's training section: how many epochs there are, and when to stop early.
    history
        A row for every completed epoch.
    finished
        Whether training is over, for whatever reason.
    error
        Why training failed, or None.
    best_epoch
        Epoch of the best validation metric so far (of the lowest validation loss, unless early
        stopping names another metric); None without validation.
    best_value
        The metric there.
    best_weights
        The weights there, kept where early stopping is to restore them.
    weights
        The final weights, once finished without an error.
    plateau
        Lowers the learning rate where the schedule follows the validation metric; else None.
    """

    settings: TrainingConfig
    history: list[Row] = field(default_factory=list)
    finished: bool = False
    error: str | None = None
    best_epoch: int | None = None
    best_value: float = math.nan
    evaluations_since_best: int = 0
    best_weights: Weights | None = None
    weights: Weights | None = None
    plateau: ReduceOnPlateau | None = field(init=False)

    def __post_init__(self) -> None:
        self.plateau = make_plateau(self.settings.schedule)

    @property
    def rate_factor(self) -> float:
        """By what evaluations so far multiply the learning rate of the coming epoch."""
        return 1.0 if self.plateau is None else self.plateau.current

    def record(self, row: Row, copy_weights: Callable[[], Weights]) -> None:
        """Take in the row of the epoch just trained, and decide whether it was the last.

        Parameters
        ----------
        row
            The metrics; left alone if the experiment is finished, while others of its stack go on.
        copy_weights
            Gives the weights as they are now.
        """
        if self.finished:
            return
        epoch = len(self.history) + 1
        loss = row["train_loss"]
        if loss is None or not math.isfinite(loss):
            self.error = (
                f"training diverged: the training loss of epoch {epoch} is {loss}; "
                "a smaller optimizer.learning_rate may help"
            )
            self.finished = True
            return
        self._watch_validation(epoch, row, copy_weights)
        self._watch_plateau(epoch, row)
        if epoch >= self.settings.epochs:
            self.finished = True
        if self.finished:
            self._end(epoch, row, copy_weights)
        if self.error is None:
            self.history.append(row)

    def stop(self, copy_weights: Callable[[], Weights]) -> None:
        """End with the epoch just recorded, as if it had been the last: no failure by itself."""
        if self.finished or not self.history:
            return
        self.finished = True
        self._end(len(self.history), self.history[-1], copy_weights)

    def _watch_validation(self, epoch: int, row: Row, copy_weights: Callable[[], Weights]) -> None:
        """Follow the best validation epoch; finish when patience is used up."""
        stopping = self.settings.early_stopping
        metric = stopping.metric if stopping else "validation_loss"
        value = row.get(metric)
        if value is None:
            return
        min_delta = stopping.min_delta if stopping else 0.0
        improves = self.best_epoch is None or is_better(metric, value, self.best_value, min_delta)
        if improves and math.isfinite(value):
            self.best_epoch, self.best_value = epoch, value
            self.evaluations_since_best = 0
            if stopping and stopping.restore_best:
                self.best_weights = copy_weights()
            return
        self.evaluations_since_best += 1
        if stopping and self.evaluations_since_best >= stopping.patience:
            self.finished = True

    def _watch_plateau(self, epoch: int, row: Row) -> None:
        """Let the schedule see the evaluations that are made whatever the number of epochs.

        The last epoch, and those at which others are read off a training, may be evaluated besides.
        """
        if self.plateau is None or epoch % self.settings.evaluate_every:
            return
        value = row.get(self.settings.watched["training.schedule"])
        if value is not None:
            self.plateau.observe(value)

    def _end(self, epoch: int, row: Row, copy_weights: Callable[[], Weights]) -> None:
        """Settle on the weights to end with, or on the error with which training has failed."""
        weights = self.best_weights
        if weights is None:
            weights = copy_weights()
        elif self.best_epoch is not None and self.best_epoch < epoch:
            row = self.history[self.best_epoch - 1]  # the row just trained is not there yet
        self.error = why_worthless(weights, row)
        self.weights = weights if self.error is None else None

    @property
    def final_row(self) -> Row | None:
        """The metrics of the epoch that the weights are from; None before the first."""
        if not self.history:
            return None
        if self.finished and self.best_weights is not None and self.best_epoch is not None:
            return self.history[self.best_epoch - 1]
        return self.history[-1]

    def state(self) -> dict[str, Any]:
        """What `load_state` needs beside the history and the best weights, as JSON."""
        return {
            "finished": self.finished,
            "error": self.error,
            "best_epoch": self.best_epoch,
            "best_value": None if math.isnan(self.best_value) else self.best_value,
            "evaluations_since_best": self.evaluations_since_best,
            "plateau": None if self.plateau is None else self.plateau.state(),
        }

    def load_state(
        self, state: Mapping[str, Any], history: list[Row], best_weights: Weights | None
    ) -> None:
        """Go on from what `state` gave."""
        self.finished, self.error = state["finished"], state["error"]
        self.best_epoch = state["best_epoch"]
        self.best_value = math.nan if state["best_value"] is None else state["best_value"]
        self.evaluations_since_best = state["evaluations_since_best"]
        if self.plateau is not None:
            self.plateau.load_state(state["plateau"])
        self.history, self.best_weights = history, best_weights

    def layout_of_best_weights(
        self, state: Mapping[str, Any], copy_weights: Callable[[], Weights]
    ) -> Layout:
        """Shapes and types of the best weights that belong to a state."""
        stopping = self.settings.early_stopping
        if stopping and stopping.restore_best and state["best_epoch"] is not None:
            return layout_of(copy_weights())
        return {}


def why_worthless(weights: Weights, row: Row) -> str | None:
    """Why weights, with which an epoch ended whose row this is, are worthless; None if not.

    The training loss of an epoch tells nothing of its last step.
    """
    wrong = [
        f"the {name.replace('_', ' ')} is {value}"
        for name, value in row.items()
        if name.endswith("_loss") and value is not None and not math.isfinite(value)
    ]
    if not all(np.isfinite(array).all() for array in weights.values()):
        wrong = ["weights are no longer finite"]
    if not wrong:
        return None
    return (
        f"training diverged: after epoch {row['epoch']} {wrong[0]}; "
        "a smaller optimizer.learning_rate may help"
    )
