"""Folders of runs and sweeps.

Each gets a name of its own, and is locked while a process works on it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from isolet_nn.errors import RunError, short_repr
from isolet_nn.system.files import parse_json, read_bytes

CONFIG, ENVIRONMENT, SUMMARY, PLOTS = "config.yaml", "environment.json", "summary.json", "plots"
METRICS, INSPECTION = "metrics.csv", "inspection.csv"
LABELS = "labels.json"
RANGE_TEST = "range_test.json"
SWEEP, JOURNAL, MODELS = "sweep.yaml", "trials.jsonl", "models"
TABLE, SETTINGS, OUTER_FOLDS = "trials.csv", "settings.csv", "outer_folds.csv"
_LOCK = ".lock"
_PROBE_SECONDS = 0.1
"""How long a lock is waited for, since `is_locked` takes it for an instant."""


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder ``<date>-<time>-<name>``, with a suffix where that exists already.

    Raises
    ------
    RunError
        If the folder cannot be made.
    """
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for candidate in _candidates(stem):
            folder = parent / candidate
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise RunError(f"{parent}: cannot make a folder here: {error.strerror}") from None
    raise AssertionError("the candidates never end")


def _candidates(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def current_folder() -> Path:
    """The current folder; where it was removed, one in which there is nothing either."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/", "the current folder was removed").absolute()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from working on a folder; the lock dies with its holder.

    Raises
    ------
    RunError
        If another process holds the lock, or the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK, timeout=_PROBE_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{folder}: another process is working on it") from None
    except OSError as error:
        raise RunError(f"{folder}: cannot be written to: {error.strerror}") from None
    try:
        yield
    finally:
        if sys.platform == "win32":  # where a file that is open cannot be removed
            lock.release()
            with contextlib.suppress(OSError):
                (folder / _LOCK).unlink()
        else:  # while it is held: nobody may lock a file that is about to go
            (folder / _LOCK).unlink(missing_ok=True)
            lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a process works on a folder; one that died holds no lock, although its file stays."""
    path = folder / _LOCK
    if not path.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):  # a file that we may not open is another user's
        return True


def now() -> str:
    """Local time with its offset, ISO 8601, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    RunError
        If the file is missing or is not a JSON object.
    """
    try:
        content = parse_json(read_bytes(path))
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
    if not isinstance(content, dict):
        raise RunError(f"{path}: damaged: found {short_repr(content)}, expected an object")
    return content
