"""What trackers have missed of a run or a sweep, sent later."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from isolet_nn.config.user_settings import user_settings
from isolet_nn.errors import ConfigError, TrackingError
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.curves import CURVES, CurveReader
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.system.folders import locked
from isolet_nn.tracking.content import content_of_run, is_sweep
from isolet_nn.tracking.journal import Journal
from isolet_nn.tracking.observers import Tracker, ended_trials, make_trackers, send_sweep
from isolet_nn.tracking.settings import trackers_of, tracking_of_sweep


def send_missed(
    path: Path, chosen: Sequence[str] | None = None
) -> Iterator[tuple[Tracker, TrackingError | None]]:
    """Bring the trackers of a run or a sweep up to date with it, one after another.

    Parameters
    ----------
    path
        The folder, on which no process may be working.
    chosen
        Names of trackers beside those that know the folder, instead of what its file or the user's
        own settings say.

    Yields
    ------
    Each tracker, once it has everything, or with what kept it from that.

    Raises
    ------
    RunError
        If it is no such folder, or a process works on it.
    ConfigError
        If nothing says which tracker is meant.
    """
    own = user_settings()
    opened = SweepFolder.open(path) if is_sweep(path) else Run.open(path)
    with locked(path):
        of_file = (
            tracking_of_sweep(opened)
            if isinstance(opened, SweepFolder)
            else opened.experiment.tracking
        )
        journal = Journal(path)
        trackers = make_trackers(journal, trackers_of(of_file, own, chosen))
        if not trackers:
            raise ConfigError(f"{path}: nothing tracks it; name a tracker: --track mlflow")
        for tracker in trackers:
            try:
                _send(tracker, opened)
            except TrackingError as error:
                yield tracker, error
            else:
                yield tracker, None


def _send(tracker: Tracker, opened: Run | SweepFolder) -> None:
    if isinstance(opened, SweepFolder):
        waiting, curves = deque(ended_trials(opened)), CurveReader(opened.path / CURVES)
        send_sweep(tracker, opened, waiting, curves, lambda: None, at_work=False)
        return
    tracker.send(content_of_run(opened), lambda: None)
