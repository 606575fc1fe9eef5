"""Runs and sweeps in TensorBoard: a file of events for each, in the folder ``tensorboard``.

Of a sweep, each trial has a folder of its own there, with a file that appears whole; a file says
in its name how the trial ended, as one that failed may be tried again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from isolet_nn.errors import TrackingError
from isolet_nn.system.files import whole_file
from isolet_nn.system.statuses import COMPLETED, RUNNING
from isolet_nn.tracking.content import EVENTS, Content, epochs_after
from isolet_nn.tracking.events import EventFile, protos
from isolet_nn.tracking.journal import Journal, TensorBoardRecord


class TensorBoardTracker:
    """Keeps a file of events up to date with one run or sweep.

    Parameters
    ----------
    journal
        What the folder remembers.
    """

    name = "tensorboard"
    seconds_to_begin = 0.5
    """Time of a processor that beginning takes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._file: EventFile | None = None
        self._sent = 0

    @property
    def where(self) -> str:
        """The folder for a person."""
        return str(self._journal.folder / EVENTS)

    def send(self, content: Content, pause: Callable[[], None]) -> None:
        """Bring the file up to date with what there is to say of a run or a sweep."""
        try:
            file = self._opened(content)
            _write_rows(file, content, self._sent)
            self._sent = len(content.rows)
            if content.status != RUNNING:
                for path in content.pictures:
                    file.picture(self._sent, _end(content), f"plots/{path.stem}", path)
                    pause()
                _write_end(file, content)
            file.flush()
        except (OSError, TrackingError) as error:
            self._close()
            raise error if isinstance(error, TrackingError) else _in_words(error) from None
        if content.status != RUNNING:
            self._close()
            noted = self._journal.tensorboard
            if noted is not None and noted.sent != content.status:
                self._journal.note(noted.model_copy(update={"sent": content.status}))

    def send_trial(self, sweep: Content, trial: int, content: Content) -> None:
        """Write the file of a trial that has ended."""
        folder = self._journal.folder / EVENTS / f"trial-{trial}"
        path = folder / f"{_PREFIX}{int(content.started)}.{content.status}"
        try:
            self._opened(sweep)
            if path.exists():
                return
            folder.mkdir(parents=True, exist_ok=True)
            for outdated in folder.glob(f"{_PREFIX}*"):
                outdated.unlink()
            with whole_file(path) as temporary:
                file = EventFile(temporary, content.started)
                with contextlib.closing(file):
                    _write_rows(file, content, 0)
                    _write_end(file, content)
        except OSError as error:
            raise _in_words(error) from None

    def _opened(self, content: Content) -> EventFile:
        """The file, gone on with or begun."""
        if self._file is None:
            protos()
            noted = self._journal.tensorboard
            if noted is None:
                name = f"{_PREFIX}{int(content.started)}.{content.folder.name}"
                noted = TensorBoardRecord(file=name)
                self._journal.note(noted)
            self._file = EventFile(content.folder / EVENTS / noted.file, content.started)
            self._sent = 0
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


_PREFIX = "events.out.tfevents."
"""By which TensorBoard knows its files."""


def _write_rows(file: EventFile, content: Content, sent: int) -> None:
    """Write settings, and the epochs after those that were sent."""
    if sent == 0 and content.parameters:
        if content.kind != "sweep":
            file.settings(content.started, {k: _number(v) for k, v in content.parameters.items()})
        lines = [f"    {key}: {value}" for key, value in content.parameters.items()]
        file.text(0, content.started, "settings", "\n".join(lines))
    for epoch, time, metrics in epochs_after(content, sent):
        file.scalars(epoch, time, metrics)


def _write_end(file: EventFile, content: Content) -> None:
    finals = {f"final/{name}": value for name, value in content.final.items()}
    file.scalars(len(content.rows), _end(content), finals)
    if finals and content.kind != "sweep":
        file.columns(_end(content), list(content.parameters), list(finals))
    if finals or content.kind == "trial":
        file.ended(_end(content), failed=content.status != COMPLETED)


def _end(content: Content) -> float:
    return content.started + content.seconds


def _number(text: str) -> str | float:
    """A setting as a number where it is one, so that TensorBoard draws an axis of it."""
    try:
        return float(text)
    except ValueError:
        return text


def _in_words(error: OSError) -> TrackingError:
    return TrackingError(f"{error.filename or EVENTS}: {error.strerror or error}")


def event_files(folder: Path) -> list[Path]:
    """The files of events in a folder and below."""
    return sorted(folder.rglob(f"{_PREFIX}*"))
