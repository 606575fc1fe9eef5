"""Which runs and sweeps there are, kept in memory and brought up to date at little cost.

A look takes two calls of the system for each folder; only what has changed is read again, of a
journal only what was appended. Nothing is looked at while nobody asks. What nobody has read yet is
read from the newest on, as far as whoever asks has time for.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from isolet_nn.errors import RunError, short_repr
from isolet_nn.results.columns import with_settings
from isolet_nn.results.ended_trials import EndedTrials
from isolet_nn.results.listing import Entry, names_in, read_entry
from isolet_nn.system.folders import JOURNAL, METRICS, MODELS, SUMMARY, is_locked
from isolet_nn.system.statuses import DAMAGED, RUNNING

_UNSURE = 2_500_000_000
"""Nanoseconds within which a file may change again without another time on its disk."""
_SHARE = 100.0
"""Times that a look takes, until the next one: a processor gives a hundredth to it."""
_LONGEST_WAIT = 10.0


@dataclass(frozen=True)
class Known:
    """What is known of a run or a sweep.

    Attributes
    ----------
    entry
        Its entry in the list, with its settings.
    begun
        When it was started, in seconds since 1970.
    """

    entry: Entry
    begun: float


class Looked(NamedTuple):
    """What there is.

    Attributes
    ----------
    version
        Another number whenever something has changed.
    known
        Newest first, by the names of folders.
    unread
        How many folders were not read yet; all are older by their names.
    """

    version: int
    known: dict[str, Known]
    unread: int


@dataclass(frozen=True)
class _Seen:
    stamp: tuple[int, ...]
    is_sure: bool
    """Whether an equal stamp means that nothing has changed."""
    known: Known | None
    """None for a folder that is neither a run's nor a sweep's."""

    @property
    def is_settled(self) -> bool:
        """Whether a change of it shows in the first part of its stamp."""
        return self.known is None or self.known.entry.status != RUNNING


def key_of(name: str) -> str:
    """What a browser calls a folder: its name, with bytes that are no UTF-8 as ``%ff``."""
    return re.sub("[%\udc80-\udcff]", lambda found: f"%{ord(found[0]) & 0xFF:02x}", name)


def name_of(key: str) -> str:
    """The name of the folder that a browser calls so."""

    def character(found: re.Match[str]) -> str:
        byte = int(found[1], 16)
        return chr(0xDC00 + byte) if byte >= 0x80 else chr(byte)

    return re.sub("%([0-9a-f]{2})", character, key)


class RunsIndex:
    """The runs and sweeps in a folder, by the names of their folders.

    Parameters
    ----------
    runs_dir
        The folder, which is only read.

    Raises
    ------
    RunError
        If there is no such folder, or it is a run's or a sweep's own.
    """

    def __init__(self, runs_dir: Path) -> None:
        names_in(runs_dir)
        self.runs_dir = runs_dir
        self.seconds = 0.0
        """What the last look took of a processor."""
        self._root = os.path.realpath(runs_dir)
        self._seen: dict[str, _Seen] = {}
        self._journals: dict[str, EndedTrials] = {}
        self._looked = Looked(0, {}, 0)
        self._lock = threading.Lock()
        self._next_look = 0.0

    def known(self, within: float = math.inf) -> Looked:
        """All there is now; looks if that is due.

        Parameters
        ----------
        within
            Seconds after which no more of what is new is read: the newest are there, at least one.
        """
        with self._lock:
            is_short = self._looked.unread > 0 and within == math.inf
            if is_short or time.monotonic() >= self._next_look:
                begun = time.thread_time()
                self._looked = self._look(time.monotonic() + within)
                self.seconds = time.thread_time() - begun
                wait = 0.0 if self._looked.unread else min(_SHARE * self.seconds, _LONGEST_WAIT)
                self._next_look = time.monotonic() + wait
            return self._looked

    def folder(self, key: str, *inside: str) -> Path:
        """The folder of a run or a sweep that is listed.

        Parameters
        ----------
        key
            What a browser calls it; see `key_of`.
        inside
            Names that lead on to a trial in it, whose own folder need not be there.

        Raises
        ------
        RunError
            If there is none of that name, or a link in it leads out of the runs folder.
        """
        name = name_of(key)
        # Those that a look has found are taken as long as they are there; others may be new.
        is_there = name in self._looked.known and (self.runs_dir / name).exists()
        if not is_there and name not in self.known().known:
            raise RunError(f"{short_repr(name)}: no such run or sweep here (any more)")
        folder = self.runs_dir / name
        read = (folder, folder / MODELS, folder.joinpath(*inside)) if inside else (folder,)
        for each in read:
            if (leading_out := self._leads_out(each)) is not None:
                raise RunError(f"{each}: {leading_out}")
        return folder.joinpath(*inside)

    def _look(self, until: float) -> Looked:
        """Look at all folders; if the last look had no time for some, at those alone."""
        try:
            names = names_in(self.runs_dir)
        except RunError:  # it was removed, and may come back
            names = []
        before, self._seen = self._seen, {}
        changed = has_read = False
        unread = 0
        for name in names:
            seen = before.pop(name, None)
            if seen is None:
                if has_read and time.monotonic() > until:
                    unread += 1
                    continue
                has_read = True
            now = seen if seen and self._looked.unread else self._seen_now(name, seen)
            changed |= now.known != (None if seen is None else seen.known)
            self._seen[name] = now
        for name in before:
            self._journals.pop(name, None)
        changed |= any(seen.known for seen in before.values())
        if not changed and unread == self._looked.unread:
            return self._looked
        there = [(name, seen.known) for name, seen in self._seen.items() if seen.known]
        known = dict(sorted(there, key=lambda item: -item[1].begun))
        return Looked(self._looked.version + 1, known, unread)

    def _seen_now(self, name: str, before: _Seen | None) -> _Seen:
        path = f"{self._root}{os.sep}{name}"
        if before is not None and before.is_sure:
            stamp = _stamp(path) if before.is_settled else _whole_stamp(path)
            if stamp == before.stamp[: len(stamp)]:
                return before
        stamp = _whole_stamp(path)  # before it is read: what changes meanwhile is seen next time
        is_sure = max(stamp) < time.time_ns() - _UNSURE
        known = self._read(name, None if before is None else before.known)
        return _Seen(stamp, is_sure, known)

    def _read(self, name: str, before: Known | None) -> Known | None:
        folder, now = self.runs_dir / name, datetime.now().astimezone()
        if (leading_out := self._leads_out(folder)) is not None:
            entry = Entry(folder=str(folder), kind=None, status=DAMAGED, age=0.0)
            begun = now.timestamp() if before is None else before.begun
            return Known(replace(entry, problem=leading_out, settings={}), begun)
        found = read_entry(folder, now, lambda journal: self._ended_in(name, journal))
        if found is None:
            return None
        settings = None
        if before is not None and found.kind == before.entry.kind == "run":
            settings = before.entry.settings or None  # those of a run never change
        (entry,) = with_settings([replace(found, settings=settings, age=0.0)])
        # Differences of times are exact to microseconds only.
        return Known(entry, round(now.timestamp() - found.age, 3))

    def _ended_in(self, name: str, journal: Path) -> dict[str, int]:
        if name not in self._journals:
            self._journals[name] = EndedTrials(journal)
        return self._journals[name].counts()

    def _leads_out(self, folder: Path) -> str | None:
        """Which link leads out of the runs folder: the folder itself, or a file right in it."""
        try:
            with os.scandir(folder) as inside:
                links = [entry.path for entry in inside if entry.is_symlink()]
        except OSError:
            links = []
        for link in [*([str(folder)] if folder.is_symlink() else []), *links]:
            if not Path(os.path.realpath(link)).is_relative_to(self._root):
                return f"{Path(link).name} is a link that leads out of the runs folder"
        return None


def _stamp(path: str) -> tuple[int, ...]:
    """What changes when a file of the folder is made, replaced or removed."""
    return (*_times(path), *_times(f"{path}{os.sep}{SUMMARY}"))


def _whole_stamp(path: str) -> tuple[int, ...]:
    """The same, and what changes while a process works on it and when it ends."""
    growing = (*_times(f"{path}{os.sep}{METRICS}"), *_times(f"{path}{os.sep}{JOURNAL}"))
    return (*_stamp(path), *growing, is_locked(Path(path)))


def _times(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of them
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size
