"""Who hears of a training, and may end it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from isolet_nn.data.dataset import Dataset
from isolet_nn.runs.folder import Run
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row


@dataclass(frozen=True)
class Stop:
    """What `Observer.on_epoch` returns to end the training with the epoch just done.

    The run is completed: it is evaluated, and its model kept, as if that epoch had been the last.

    Attributes
    ----------
    reason
        Why, which the summary keeps as ``stopped``.
    """

    reason: str


class Observer:
    """Hears of a training's progress; this one does nothing.

    It is called in the process and the thread that trains, which wait for it. What it raises ends
    the training: nothing is lost, the run's status is ``failed`` with the error in its summary,
    and `resume` goes on with it.
    """

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        """The run folder exists and training is about to begin, or to go on.

        Where it goes on, ``training.members[0].history`` has the rows of the epochs before.
        """

    def on_step(self, training: Training) -> None:
        """A training step is done; called often."""

    def on_epoch(self, training: Training, row: Row) -> Stop | None:
        """An epoch is done.

        Parameters
        ----------
        training
            Its ``epoch`` is the number of completed epochs, its ``members[0].history`` has all
            rows so far.
        row
            The epoch's row of metrics.csv, by column; None where the epoch was not evaluated.

        Returns
        -------
        None to go on, or why training is to end here.
        """
        return None

    def on_end(self, run: Run, training: Training) -> None:
        """Training is over, completed or not, and ``run.summary`` says how."""


class Observers(Observer):
    """Several observers, each told of everything in turn."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = list(observers)

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        with ExitStack() as started:
            for observer in self._observers:
                observer.on_start(run, dataset, training)
                started.callback(observer.on_end, run, training)
            started.pop_all()

    def on_step(self, training: Training) -> None:
        for observer in self._observers:
            observer.on_step(training)

    def on_epoch(self, training: Training, row: Row) -> Stop | None:
        stops = [observer.on_epoch(training, row) for observer in self._observers]
        return next((stop for stop in stops if stop is not None), None)

    def on_end(self, run: Run, training: Training) -> None:
        with ExitStack() as ending:  # each is told, even if another raises
            for observer in reversed(self._observers):
                ending.callback(observer.on_end, run, training)
