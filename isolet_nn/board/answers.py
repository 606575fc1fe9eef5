"""Documents as answers: made when something has changed, else told to be as they were."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isolet_nn.board.index import RunsIndex
from isolet_nn.board.table import Query, SettingsInUse, table_document
from isolet_nn.errors import RunError, short_repr
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.following import FollowedSweep
from isolet_nn.system.files import finite
from isolet_nn.system.folders import is_locked
from isolet_nn.version import __version__

_KEPT = 12
"""Documents in memory."""
_SWEEPS_KEPT = 2
_MOST_COMPARED = 50
_SHARE, _SOONEST, _LATEST = 50.0, 2.0, 30.0
"""What a document took of the processor, times 50, is waited until it is asked for again."""
_FIRST_LOOK = 0.2
"""Seconds that the first page waits for what was not read yet, and then for more of it."""


@dataclass(frozen=True)
class Answer:
    """A document that is ready to be sent.

    Attributes
    ----------
    tag
        Equal for equal documents.
    content
        JSON.
    poll_after
        Seconds after which it is worth to ask again.
    """

    tag: str
    content: bytes
    poll_after: float


class Answers:
    """The documents of a board.

    Parameters
    ----------
    index
        Which runs and sweeps there are.
    """

    def __init__(self, index: RunsIndex) -> None:
        self.index = index
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._sweeps: OrderedDict[Path, FollowedSweep] = OrderedDict()
        self._in_use = SettingsInUse()
        self._lock = threading.Lock()

    def table(self, query: Query) -> Answer:
        """A page of the table; raises as `table_document`."""
        # The newest are there at once; what is sorted or searched has to be whole.
        looked = self.index.known(_FIRST_LOOK if query == Query() else math.inf)
        now = time.time()
        stamp = _digest(looked.version, repr(query), now // 60 if query.asks_for_age else None)

        def make() -> Any:
            return {
                **table_document(looked.known, query, now, self._in_use),
                "unread": looked.unread,
            }

        answer = self._answer("table", stamp, make, self.index.seconds)
        return replace(answer, poll_after=_FIRST_LOOK) if looked.unread else answer

    def document(self, kind: str, paths: Sequence[str]) -> Answer:
        """A document of runs, trials or sweeps, each by its path within the runs folder.

        Raises
        ------
        RunError
            If there is no such run, trial or sweep.
        ValueError
            If there is no such kind of document.
        """
        if len(paths) > _MOST_COMPARED:
            raise ValueError(f"at most {_MOST_COMPARED} runs are compared")
        # These import much.
        from isolet_nn.pages.documents import make_document

        of = [(self._folder(path), path) for path in paths]
        stamp = _digest(kind, paths, [_state_of(self.index.folder(_name(p))) for p in paths])

        def make() -> Any:
            return make_document(kind, of, self._followed)

        return self._answer(f"{kind} {json.dumps(paths)}", stamp, make)

    def _followed(self, folder: Path) -> SweepFolder:
        """A sweep, of which only what is new is read; the last ones that were asked for."""
        if folder not in self._sweeps:
            self._sweeps[folder] = FollowedSweep(folder)
        self._sweeps.move_to_end(folder)
        while len(self._sweeps) > _SWEEPS_KEPT:
            self._sweeps.popitem(last=False)
        return self._sweeps[folder].now()

    def _folder(self, path: str) -> Path:
        name, *trial = path.split("/")
        is_trial = len(trial) == 2 and trial[0] == "trials" and trial[1].isdecimal()
        if trial and not (is_trial and trial[1].isascii() and len(trial[1]) < 10):
            raise RunError(f"{short_repr(path)}: no such run or sweep here")
        return self.index.folder(name, *trial)

    def _answer(self, name: str, stamp: str, make: Callable[[], Any], also: float = 0.0) -> Answer:
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept.tag != stamp:
                begun = time.thread_time()
                document = finite(make())
                content = json.dumps(document, ensure_ascii=True, allow_nan=False).encode()
                took = time.thread_time() - begun + also
                poll_after = min(max(_SOONEST, _SHARE * took), _LATEST)
                kept = Answer(stamp, content, round(poll_after, 1))
                self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return kept


def _name(path: str) -> str:
    return path.partition("/")[0]


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps([__version__, *parts]).encode()).hexdigest()[:32]


def _state_of(folder: Path) -> list[Any]:
    """What changes when anything in a folder does."""
    files = []
    with os.scandir(folder) as inside:
        for entry in inside:
            with contextlib.suppress(FileNotFoundError):  # it was written, and has its name now
                status = entry.stat(follow_symlinks=False)
                files.append([entry.name, status.st_size, status.st_mtime_ns])
    return [sorted(files), is_locked(folder)]
