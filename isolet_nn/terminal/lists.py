"""A list of runs and sweeps, in plain columns: a frame would take seconds for thousands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from isolet_nn.config.metrics import METRICS, is_metric, measure_of
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable, setting_column
from isolet_nn.terminal.words import ago, number, percent

if TYPE_CHECKING:
    from isolet_nn.results.groups import Group
    from isolet_nn.results.listing import Entry


_USUAL: dict[str, Callable[[Any], str]] = {
    "kind": lambda kind: kind or "?",
    "status": str,
    "test_accuracy": percent,
    "validation_accuracy": percent,
    "adapted_to": lambda group: group or "",
    "epochs": number,
    "trials": number,
    "failed": lambda failed: number(failed or None),
    "seconds": lambda seconds: "" if seconds is None else f"{seconds:.1f}",
    "age": ago,
    "tags": ", ".join,
}
"""How a person reads the columns, which are called what entries are sorted and filtered by."""
_WHEN_ASKED: dict[str, Callable[[Any], str]] = {
    metric: percent if measure_of(metric).in_percent else number for metric in METRICS
}
_LAST: dict[str, Callable[[Any], str]] = {
    "folder": str,
    "note": lambda note: " ".join((note or "").split()),
    "problem": lambda problem: " ".join((problem or "").split()),
}
_IN_WORDS = ("note", "problem")
"""Columns that may end beyond a narrow terminal."""
_OTHERS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(
        ("best_validation_epoch", "parameters", "completed", "pruned", "reused"), number
    ),
    **dict.fromkeys(("name", "started", "ended"), lambda text: text or ""),
}
_FIRST_LEFT_OUT = ("seconds", "kind", "age", "failed", "epochs", "trials", "validation_accuracy")
"""Columns that a narrow terminal lacks, so that it shows a whole folder in a line."""
_TOLD_BY_OTHERS = ("name", "started", "completed", "pruned", "reused")
"""Folder, age and trials say it; or only few ask for it."""


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
    printer.tables(entries_table(entries, asked, RESULTS.width if _is_read(printer) else None))


def print_columns(
    entries: Sequence[Entry], columns: Sequence[str], printer: Printer = FOR_TERMINAL
) -> None:
    """Print a line for each entry, with these columns and no other."""
    printer.tables(columns_table(entries, columns))


def columns_table(entries: Sequence[Entry], columns: Sequence[str]) -> PrintedTable:
    """Entries by the columns that are asked for."""
    say = _USUAL | _WHEN_ASKED | _LAST | _OTHERS
    return PrintedTable(
        [
            _column(entries, name, say[name]) if name in say else _setting(entries, name)
            for name in columns
        ],
        look="plain",
    )


def print_groups(groups: Sequence[Group], printer: Printer = FOR_TERMINAL) -> None:
    """Print a line for each group: what its runs have in common, how many, means, deviations."""
    keys, names = list(groups[0].by), list(groups[0].means)
    heading = {name: tuple(name.rsplit("_", 1)) for name in (*keys, *names)}
    columns = [setting_column(key, [group.by for group in groups], heading[key]) for key in keys]
    columns.append(PrintedColumn("runs", [group.runs for group in groups]))
    for name in names:
        means = [group.means[name] for group in groups]
        exact: dict[str, list[Any]] = {
            name: [None if mean is None else mean.mean for mean in means],
            f"{name}_deviation": [None if mean is None else mean.deviation for mean in means],
            f"{name}_n": [0 if mean is None else mean.n for mean in means],
        }
        texts = [_mean_text(name, group) for group in groups]
        columns.append(PrintedColumn(name, texts, str, exact, heading[name], numbers=True))
    printer.tables(PrintedTable(columns, look="plain"))


def _mean_text(name: str, group: Group) -> str:
    """A mean with its deviation; and of how many runs, where that is not all of the group."""
    mean = group.means[name]
    if mean is None:
        return ""
    factor, unit, digits = 1.0, "", ".4f" if is_metric(name) else ".4g"
    if is_metric(name) and measure_of(name).in_percent:
        factor, unit, digits = 100.0, " %", ".2f"
    text = f"{factor * mean.mean:{digits}}"
    if mean.deviation is not None:
        text += f" +- {factor * mean.deviation:{digits}}"
    return f"{text}{unit}" + (f" ({mean.n})" if mean.n < group.runs else "")


def _is_read(printer: Printer) -> bool:
    """Whether it is read in a terminal, which may be narrow."""
    return printer.is_for_terminal and RESULTS.is_terminal


def entries_table(
    entries: Sequence[Entry], asked: Sequence[str], width: int | None
) -> PrintedTable:
    """A line for each entry, in a terminal of a width if one is given; see `print_entries`."""
    there = {*_USUAL, *_LAST, *_TOLD_BY_OTHERS}
    more = [name for name in asked if name not in there]
    columns = [
        *(_column(entries, name, say) for name, say in _USUAL.items()),
        *columns_table(entries, more).columns,
        *(_column(entries, name, say) for name, say in _LAST.items()),
    ]
    there_is = [column for column in columns if any(column.texts)]
    if width is not None:
        there_is = _that_fit(there_is, asked, width)
    return PrintedTable(there_is, look="plain")


def _that_fit(
    columns: Sequence[PrintedColumn], asked: Sequence[str], width: int
) -> list[PrintedColumn]:
    """Columns of which a terminal has room for all but the last, which are in words."""
    from isolet_nn.terminal.layouts import width_beside

    kept = {column.name: column for column in columns}
    for name in (name for name in _FIRST_LEFT_OUT if name not in asked):
        if width_beside([kept[name] for name in kept if name not in _IN_WORDS]) <= width:
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
