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
class _Kind:
    """A column of the list, under the name that entries are sorted and filtered by."""

    name: str
    text: Callable[[Entry], str]
    numbers: bool = False


def _trials(entry: Entry) -> str:
    return "" if entry.trials is None else f"{number(entry.completed)}/{entry.trials}"


def _seconds(entry: Entry) -> str:
    return "" if entry.seconds is None else f"{entry.seconds:.1f}"


_USUAL = (
    _Kind("kind", lambda entry: entry.kind or "?"),
    _Kind("status", lambda entry: entry.status),
    _Kind("test_accuracy", lambda entry: percent(entry.test_accuracy), numbers=True),
    _Kind("validation_accuracy", lambda entry: percent(entry.validation_accuracy), numbers=True),
    _Kind("epochs", lambda entry: number(entry.epochs), numbers=True),
    _Kind("trials", _trials, numbers=True),
    _Kind("failed", lambda entry: number(entry.failed or None), numbers=True),
    _Kind("seconds", _seconds, numbers=True),
    _Kind("age", lambda entry: ago(entry.age)),
)
_WHEN_ASKED = (
    _Kind("train_accuracy", lambda entry: percent(entry.train_accuracy), numbers=True),
    _Kind("test_loss", lambda entry: number(entry.test_loss), numbers=True),
    _Kind("validation_loss", lambda entry: number(entry.validation_loss), numbers=True),
    _Kind("train_loss", lambda entry: number(entry.train_loss), numbers=True),
)
_LAST = (
    _Kind("folder", lambda entry: entry.folder),
    _Kind("problem", lambda entry: " ".join((entry.problem or "").split())),
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
    there = {kind.name for kind in (*_USUAL, *_LAST)}.union(_TOLD_BY_OTHERS)
    known = {kind.name: kind for kind in _WHEN_ASKED}
    more = [known.get(name) or _setting(name) for name in asked if name not in there]
    columns = [
        # A heading is a column's name in two lines: test_accuracy is test over accuracy.
        Column(tuple(kind.name.rsplit("_", 1)), cells, kind.numbers)
        for kind in (*_USUAL, *more, *_LAST)
        if any(cells := [kind.text(entry) for entry in entries])
    ]
    print_text("\n".join(aligned(columns)) + "\n")


def _setting(key: str) -> _Kind:
    def text(entry: Entry) -> str:
        value = (entry.settings or {}).get(key, "")
        if isinstance(value, float):
            return number(value)
        return value if isinstance(value, str) else json.dumps(value)

    return _Kind(key, text)
