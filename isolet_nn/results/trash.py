"""Runs and sweeps that are deleted: moved into a folder ``.trash`` beside them.

That is one renaming within one disk: it takes no time, is done whole or not at all, and works on
a server without a desktop, in a container and on a network disk, where the system's trash may be
on another disk or not there at all. Moving a folder back restores it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from isolet_nn.errors import RunError
from isolet_nn.results.listing import is_listed
from isolet_nn.system.folders import is_locked

TRASH = ".trash"


def require_deletable(folders: Sequence[Path]) -> None:
    """Refuse what is no run or sweep, a link to one, in use, or deleted already.

    Raises
    ------
    RunError
        Naming all that cannot be deleted.
    """
    reasons = [f"{folder}: {why}" for folder in folders if (why := _why_not(folder)) is not None]
    if reasons:
        raise RunError("\n".join([*reasons, "nothing was deleted"]))


def delete(folder: Path) -> Path:
    """Move a run or sweep into the trash; returns where it lies now.

    Raises
    ------
    RunError
        If it cannot be deleted.
    """
    require_deletable([folder])
    parent, name = folder.resolve().parent, folder.resolve().name  # of `.` too
    trash = parent / TRASH
    if trash.is_symlink():
        raise RunError(f"{trash}: is a link, and nothing is moved out of {parent}")
    try:
        trash.mkdir(exist_ok=True)
        names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
        target = next(trash / name for name in names if not (trash / name).exists())
        (parent / name).rename(target)
    except OSError as error:
        raise RunError(f"{folder}: cannot be moved to {trash}: {error.strerror}") from None
    return target


def _why_not(folder: Path) -> str | None:
    if folder.is_symlink():
        return "is a link, which is left alone, as what it leads to may lie anywhere"
    if not folder.is_dir() or not folder.resolve().name:
        return "no such folder"
    if not is_listed(folder):
        return "is no run or sweep"
    if folder.resolve().parent.name == TRASH:
        return "is in the trash already; remove the folder to free its disk space"
    if is_locked(folder):
        return "a process is working on it; end that first"
    return None
