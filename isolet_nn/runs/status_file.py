"""status.json: how far a work of many parts is, such as a reproduction, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from isolet_nn.config.problems import validate
from isolet_nn.config.section import Section
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.errors import RunError
from isolet_nn.runs.records import FORMAT, Instant, Record, read_record, require_format
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import now
from isolet_nn.system.statuses import COMPLETED, INTERRUPTED, RUNNING

STATUS = "status.json"
Content = TypeVar("Content", bound=Section)


class WorkStatus(Record):
    """How far a work is."""

    format: Literal[1]
    status: Literal["running", "completed", "interrupted"]
    started: Instant
    ended: Instant | None = None


class Work:
    """A work in progress, which is interrupted unless it is said to be completed."""

    def __init__(self) -> None:
        self.is_completed = False


@contextmanager
def at_work(folder: Path) -> Iterator[Work]:
    """Note that a work runs, and when the block ends how far it came."""
    started = read_status(folder).started if (folder / STATUS).exists() else now()
    _write(folder, RUNNING, started, None)
    work = Work()
    try:
        yield work
    finally:
        _write(folder, COMPLETED if work.is_completed else INTERRUPTED, started, now())


def read_status(folder: Path) -> WorkStatus:
    """How far a work is.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    return read_record(folder / STATUS, WorkStatus)


def read_content(folder: Path, file: str, model: type[Content], what: str) -> Content:
    """What a work's own file says of it.

    Parameters
    ----------
    folder
        The work's.
    file
        Name of the file, which no other folder has.
    model
        What it holds.
    what
        What such works are called.

    Raises
    ------
    RunError
        If it is no such folder.
    """
    path = folder / file
    if not path.exists():
        why = f"no {file} in it, so no {what}" if folder.exists() else "no such folder"
        raise RunError(f"{folder}: {why}")
    content = read_mapping(path)
    require_format(content, path)
    return validate(model, content, str(path))


def _write(folder: Path, status: str, started: str, ended: str | None) -> None:
    content = {"format": FORMAT, "status": status, "started": started, "ended": ended}
    write_json(folder / STATUS, content)
