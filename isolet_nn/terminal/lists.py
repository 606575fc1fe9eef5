"""A list of runs and sweeps, in plain columns: a frame would take seconds for thousands."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isolet_nn.terminal.streams import print_text
from isolet_nn.terminal.tables import Column, aligned
from isolet_nn.terminal.words import ago, number, percent

if TYPE_CHECKING:
    from isolet_nn.results.listing import Entry


@dataclass(frozen=True)
class _EntryColumn:
    """A column of the list, under the name that entries are sorted and filtered by."""

    name: str
    text: Callable[[Entry], str]
    numbers: bool = False


def _trials(entry: Entry) -> str:
    return "" if entry.trials is None else f"{number(entry.completed)}/{entry.trials}"


def _seconds(entry: Entry) -> str:
    return "" if entry.seconds is None else f"{entry.seconds:.1f}"


_USUAL = (
    _EntryColumn("kind", lambda entry: entry.kind or "?"),
    _EntryColumn("status", lambda entry: entry.status),
    _EntryColumn("test_accuracy", lambda entry: percent(entry.test_accuracy), numbers=True),
    _EntryColumn(
        "validation_accuracy", lambda entry: percent(entry.validation_accuracy), numbers=True
    ),
    _EntryColumn("epochs", lambda entry: number(entry.epochs), numbers=True),
    _EntryColumn("trials", _trials, numbers=True),
    _EntryColumn("failed", lambda entry: number(entry.failed or None), numbers=True),
    _EntryColumn("seconds", _seconds, numbers=True),
    _EntryColumn("age", lambda entry: ago(entry.age)),
)
_WHEN_ASKED = (
    _EntryColumn("train_accuracy", lambda entry: percent(entry.train_accuracy), numbers=True),
    _EntryColumn("test_loss", lambda entry: number(entry.test_loss), numbers=True),
    _EntryColumn("validation_loss", lambda entry: number(entry.validation_loss), numbers=True),
    _EntryColumn("train_loss", lambda entry: number(entry.train_loss), numbers=True),
)
_LAST = (
    _EntryColumn("folder", lambda entry: entry.folder),
    _EntryColumn("problem", lambda entry: " ".join((entry.problem or "").split())),
)
_TOLD_BY_OTHERS = ("name", "started", "completed")
"""Folder, age and trials say it."""


def print_entries(entries: Sequence[Entry], asked: Sequence[str] = ()) -> None:
    """Print a line for each entry; columns in which nothing stands are left out.

    Parameters
    ----------
    asked
        Columns or settings that are not always shown.
    """
    there = {column.name for column in (*_USUAL, *_LAST)}.union(_TOLD_BY_OTHERS)
    known = {column.name: column for column in _WHEN_ASKED}
    more = [known.get(name) or _setting(name) for name in asked if name not in there]
    columns = [
        # A heading is a column's name in two lines: test_accuracy is test over accuracy.
        Column(tuple(column.name.rsplit("_", 1)), cells, column.numbers)
        for column in (*_USUAL, *more, *_LAST)
        if any(cells := [column.text(entry) for entry in entries])
    ]
    print_text("\n".join(aligned(columns)) + "\n")


def _setting(key: str) -> _EntryColumn:
    def text(entry: Entry) -> str:
        value = (entry.settings or {}).get(key, "")
        if isinstance(value, float):
            return number(value)
        return value if isinstance(value, str) else json.dumps(value)

    return _EntryColumn(key, text)
