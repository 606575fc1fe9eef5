"""Observers that keep trackers up to date with a run or a sweep."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from isolet_nn.config.tracking import Mlflow
from isolet_nn.config.user_settings import user_settings
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import RunError
from isolet_nn.runs.folder import Run
from isolet_nn.runs.observers import Observer
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.curves import CURVES, CurveReader
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import PENDING_CODE
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.plan import Plan
from isolet_nn.tracking.content import (
    Content,
    content_at_work,
    content_of_run,
    content_of_sweep,
    content_of_trial,
)
from isolet_nn.tracking.journal import Journal
from isolet_nn.tracking.mlflow import MlflowTracker
from isolet_nn.tracking.sender import Pause, Sender
from isolet_nn.tracking.settings import Tracker as TrackerConfig
from isolet_nn.tracking.settings import require_trackers, trackers_of, tracking_of_sweep
from isolet_nn.tracking.tensorboard import TensorBoardTracker
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row


class Tracker(Protocol):
    """A tracker of one run or sweep."""

    @property
    def name(self) -> str:
        """What it is called in a config."""

    @property
    def where(self) -> str:
        """Where it keeps what it is sent, for a person."""

    @property
    def seconds_to_begin(self) -> float:
        """Time of a processor that beginning takes."""

    def send(self, content: Content, pause: Pause) -> None:
        """Bring it up to date with a run, or with a sweep as a whole."""

    def send_trial(self, sweep: Content, trial: int, content: Content) -> None:
        """Tell it of a trial that has ended."""


def make_trackers(journal: Journal, configs: Sequence[TrackerConfig]) -> list[Tracker]:
    """The trackers of a folder: those asked for, and those that it remembers."""
    by_name: dict[str, TrackerConfig] = {config.name: config for config in configs}
    trackers: list[Tracker] = []
    for name in dict.fromkeys([*by_name, *journal.trackers]):
        if name == "mlflow":
            config = by_name.get(name)
            default = config if isinstance(config, Mlflow) else Mlflow(name="mlflow")
            trackers.append(MlflowTracker(journal, default))
        else:
            trackers.append(TensorBoardTracker(journal))
    return trackers


@dataclass
class _Told:
    """A tracker, and the thread that tells it."""

    tracker: Tracker
    sender: Sender
    is_warned: bool = False


class _Senders:
    """The threads of a folder's trackers, and one warning for each that fails.

    Parameters
    ----------
    warn
        Called with what a person should know.
    clock
        Tells how much time of a processor the work has taken.
    """

    def __init__(
        self, folder: Path, warn: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._warn = warn
        self._told: list[_Told] = []

    def trackers(self, configs: Sequence[TrackerConfig]) -> list[Tracker]:
        """The folder's trackers; none, and a warning, if what it remembers cannot be read."""
        try:
            return make_trackers(Journal(self._folder), configs)
        except RunError as error:
            self._warn(f"{error}; this is not tracked")
            return []

    def begin(self, tracker: Tracker, send: Callable[[Pause], None]) -> None:
        """Begin to tell a tracker."""
        self._told.append(_Told(tracker, Sender(send, tracker.seconds_to_begin, self._clock)))

    def tell(self) -> None:
        """There is something to send."""
        for told in self._told:
            told.sender.tell()

    def warn_once(self) -> None:
        """Warn of each tracker that has failed, once."""
        for told in self._told:
            if told.sender.error is not None:
                self._warn_of(told, told.sender.error)

    def end(self) -> None:
        """Wait for what is left to be sent, as long as that is of use."""
        for told in self._told:
            told.sender.end()
        for told in self._told:
            told.sender.wait()
            if not told.sender.complete:
                self._warn_of(told, told.sender.error or f"{told.tracker.where}: takes too long")

    def _warn_of(self, told: _Told, error: str) -> None:
        if not told.is_warned:
            told.is_warned = True
            self._warn(
                f"{told.tracker.name}: {error}; nothing is lost: what is missing there is sent by "
                f"`isolet-nn track {shlex.quote(str(self._folder))}`"
            )


class TrainingTracker(Observer):
    """Tells trackers of a training.

    Parameters
    ----------
    chosen
        Names of trackers, instead of what the run's file or the user's own settings say.
    warn
        Called, in the thread that trains, with what a person should know.

    Raises
    ------
    ConfigError
        If the file of the user's own settings is wrong.
    """

    def __init__(self, chosen: Sequence[str] | None, warn: Callable[[str], None]) -> None:
        require_trackers(chosen, "track")
        self._chosen = chosen
        self._warn = warn
        self._own = user_settings()
        self._senders: _Senders | None = None
        self._is_over = False

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        configs = trackers_of(run.experiment.tracking, self._own, self._chosen)
        self._senders = _Senders(run.path, self._warn, time.process_time)
        for tracker in self._senders.trackers(configs):
            self._senders.begin(tracker, self._sending(tracker, run, training))
        self._senders.tell()

    def _sending(self, tracker: Tracker, run: Run, training: Training) -> Callable[[Pause], None]:
        def send(pause: Pause) -> None:
            if self._is_over:
                tracker.send(content_of_run(run), pause)
            else:  # a row that is there does not change
                tracker.send(content_at_work(run, training.members[0].history[:]), pause)

        return send

    def on_epoch(self, training: Training, row: Row) -> None:
        if self._senders is not None:
            self._senders.tell()
            self._senders.warn_once()

    def on_end(self, run: Run, training: Training) -> None:
        self._is_over = True
        if self._senders is not None:
            self._senders.end()


class SweepTracker(SweepObserver):
    """Tells trackers of a sweep and its trials, in the process that plans it.

    Parameters that are not named here are those of `TrainingTracker`.
    """

    def __init__(self, chosen: Sequence[str] | None, warn: Callable[[str], None]) -> None:
        require_trackers(chosen, "track")
        self._chosen = chosen
        self._warn = warn
        self._own = user_settings()
        self._senders: _Senders | None = None
        self._waiting: list[deque[int]] = []
        """Of each tracker, the trials that ended and of which it does not know."""
        self._is_over = False

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        configs = trackers_of(tracking_of_sweep(folder), self._own, self._chosen)
        # Workers, wherever they are, take no less than one processor all the time.
        self._senders = _Senders(folder.path, self._warn, time.monotonic)
        for tracker in self._senders.trackers(configs):
            waiting = deque(ended_trials(folder))
            self._waiting.append(waiting)
            self._senders.begin(tracker, self._sending(tracker, folder, waiting))
        self._senders.tell()

    def _sending(
        self, tracker: Tracker, folder: SweepFolder, waiting: deque[int]
    ) -> Callable[[Pause], None]:
        curves = CurveReader(folder.path / CURVES)

        def send(pause: Pause) -> None:
            is_over = self._is_over
            send_sweep(tracker, folder, waiting, curves, pause, at_work=not is_over)

        return send

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        if self._senders is not None:
            for waiting in self._waiting:
                waiting.extend(result.trial for result in results)
            self._senders.tell()
            self._senders.warn_once()

    def on_wait(self) -> None:
        if self._senders is not None:
            self._senders.warn_once()

    def on_end(self, folder: SweepFolder) -> None:
        self._is_over = True
        if self._senders is not None:
            self._senders.end()


def ended_trials(folder: SweepFolder) -> list[int]:
    """Numbers of the trials that have ended."""
    ended: list[int] = np.flatnonzero(folder.status != PENDING_CODE).tolist()
    return ended


def send_sweep(
    tracker: Tracker,
    folder: SweepFolder,
    waiting: deque[int],
    curves: CurveReader,
    pause: Pause,
    *,
    at_work: bool,
) -> None:
    """Bring a tracker up to date with a sweep: first the trials, then what there is of the whole.

    Parameters
    ----------
    waiting
        Trials that it does not know; those that it is told of are taken out.
    curves
        Their metrics by epoch.
    at_work
        Whether the sweep goes on.
    """
    sweep = content_of_sweep(folder, at_work=at_work)
    while waiting:
        trial = waiting[0]
        content = content_of_trial(folder, trial, curves.rows(trial), sweep.started)
        tracker.send_trial(sweep, trial, content)
        waiting.popleft()
        pause()
    tracker.send(sweep, pause)
