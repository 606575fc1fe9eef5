"""A list of runs and sweeps, in plain columns: a frame would take seconds for thousands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from isolet_nn.config.metrics import METRICS, measure_of
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable, setting_column
from isolet_nn.terminal.words import ago, number, percent

if TYPE_CHECKING:
    from isolet_nn.results.listing import Entry


_USUAL: dict[str, Callable[[Any], str]] = {
    "kind": lambda kind: kind or "?",
    "status": str,
    "test_accuracy": percent,
    "validation_accuracy": percent,
    "epochs": number,
    "trials": number,
    "failed": lambda failed: number(failed or None),
    "seconds": lambda seconds: "" if seconds is None else f"{seconds:.1f}",
    "age": ago,
}
"""How a person reads the columns, which are called what entries are sorted and filtered by."""
_WHEN_ASKED: dict[str, Callable[[Any], str]] = {
    metric: percent if measure_of(metric).in_percent else number for metric in METRICS
}
_LAST: dict[str, Callable[[Any], str]] = {
    "folder": str,
    "problem": lambda problem: " ".join((problem or "").split()),
}
_FIRST_LEFT_OUT = ("seconds", "kind", "age", "failed", "epochs", "trials", "validation_accuracy")
"""Columns that a narrow terminal lacks, so that it shows a whole folder in a line."""
_TOLD_BY_OTHERS = ("name", "started", "completed")
"""Folder, age and trials say it."""


def print_entries(
    entries: Sequence[Entry], asked: Sequence[str] = (), printer: Printer = FOR_TERMINAL
) -> None:
    """Print a line for each entry; columns in which nothing stands are left out.

    A terminal too narrow for all of them shows the most important, and those that are asked for.

    Parameters
    ----------
    asked
        Columns or settings that are not always shown.
    """
    there = {*_USUAL, *_LAST, *_TOLD_BY_OTHERS}
    more = [name for name in asked if name not in there]
    columns = [
        *(_column(entries, name, say) for name, say in _USUAL.items()),
        *(
            _column(entries, name, _WHEN_ASKED[name])
            if name in _WHEN_ASKED
            else _setting(entries, name)
            for name in more
        ),
        *(_column(entries, name, say) for name, say in _LAST.items()),
    ]
    there_is = [column for column in columns if any(column.texts)]
    if printer.is_for_terminal and RESULTS.is_terminal:
        there_is = _that_fit(there_is, asked)
    printer.tables(PrintedTable(there_is, look="plain"))


def _that_fit(columns: Sequence[PrintedColumn], asked: Sequence[str]) -> list[PrintedColumn]:
    """Columns of which a terminal has room for all but the last, a problem in words."""
    from isolet_nn.terminal.layouts import width_beside

    kept = {column.name: column for column in columns}
    for name in (name for name in _FIRST_LEFT_OUT if name not in asked):
        if width_beside([kept[name] for name in kept if name != "problem"]) <= RESULTS.width:
            break
        kept.pop(name, None)
    return [*kept.values()]


def _column(entries: Sequence[Entry], name: str, say: Callable[[Any], str]) -> PrintedColumn:
    if name == "trials":
        return _trials(entries)
    # A heading is a column's name in two lines: test_accuracy is test over accuracy.
    heading = tuple(name.rsplit("_", 1))
    return PrintedColumn(name, [*map(attrgetter(name), entries)], say, heading=heading)


def _trials(entries: Sequence[Entry]) -> PrintedColumn:
    """How many trials of a sweep are completed, and how many there are."""
    completed = [None if e.trials is None else e.completed for e in entries]
    trials = [entry.trials for entry in entries]
    texts = [
        "" if n is None else f"{number(done)}/{n}"
        for done, n in zip(completed, trials, strict=True)
    ]
    return PrintedColumn(
        "trials", texts, str, {"completed": completed, "trials": trials}, numbers=True
    )


def _setting(entries: Sequence[Entry], key: str) -> PrintedColumn:
    return setting_column(
        key, [entry.settings or {} for entry in entries], heading=tuple(key.rsplit("_", 1))
    )
