"""What a person sees of many runs at once: a list of them, and a comparison of some.

The list is plain text in columns, because a framed table of thousands takes many seconds to draw.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from isolet_nn.errors import counted, one_line, rounded
from isolet_nn.results.filters import NUMBERS, column_text
from isolet_nn.results.listing import Entry
from isolet_nn.terminal.streams import RESULTS, print_text

if TYPE_CHECKING:
    from isolet_nn.results.comparison import Comparison
    from isolet_nn.results.duels import Duel

LEVEL = 0.05
"""A p-value below is called a difference."""
_FACTS = ("status", "epochs", "parameters")
"""Results that are said once where all runs have the same."""
_UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def print_entries(entries: Sequence[Entry], asked: Sequence[str] = ()) -> None:
    """Print a line for each entry; columns in which nothing stands are left out.

    Parameters
    ----------
    asked
        Columns or settings that are not always shown.
    """
    rows = [_cells(entry, asked) for entry in entries]
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    columns = [
        # A heading is a column's name in two lines: test_accuracy is test over accuracy.
        _Column(
            tuple(name.rsplit("_", 1)),
            [row[name] for row in rows],
            numbers=name in NUMBERS - {"age"},
        )
        for name in shown
    ]
    print_text("\n".join(_aligned(columns)) + "\n")


def _cells(entry: Entry, asked: Sequence[str]) -> dict[str, str]:
    """The columns of an entry as text, named as they are sorted and filtered by."""
    usual = {
        "kind": entry.kind or "?",
        "status": entry.status,
        "test_accuracy": _percent(entry.test_accuracy),
        "validation_accuracy": _percent(entry.validation_accuracy),
        "epochs": _text(entry.epochs),
        "trials": "" if entry.trials is None else f"{_text(entry.completed)}/{entry.trials}",
        "failed": _text(entry.failed or None),
        "seconds": "" if entry.seconds is None else f"{entry.seconds:.1f}",
        "age": ago(entry.age),
        "folder": entry.folder,
        "problem": " ".join((entry.problem or "").split()),
    }
    hidden = ("name", "started", "completed", *usual)
    more = {
        name: _percent(entry.train_accuracy)
        if name == "train_accuracy"
        else column_text(entry, name)
        for name in asked
        if name not in hidden
    }
    last = {name: usual.pop(name) for name in ("folder", "problem")}
    return usual | more | last


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100.0 * share:.2f} %"


def ago(seconds: float) -> str:
    """An age in its largest unit: ``3 min ago``."""
    for size, unit in _UNITS:
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{int(seconds // size)} {unit} ago"
    return "now"


def print_comparison(comparison: Comparison) -> None:
    """Print what differs in the configs, then the results: a line a run, a column a key."""
    width = RESULTS.width if RESULTS.is_terminal else sys.maxsize
    labels = list(comparison.runs)
    first = _Column(("run",), _names_to_fit(comparison.names, width))
    settings = [
        _Column(
            tuple(re.findall(r"[^.]+\.?", key)) if RESULTS.is_terminal else (key,),
            [_setting_text(values[label]) if label in values else "" for label in labels],
            numbers=all(_is_number(value) for value in values.values()),
        )
        for key, values in comparison.config.items()
        if key != "name" or dict(values) != comparison.names
    ]
    differing, common = _split_results(comparison)
    if settings:
        RESULTS.print("settings that differ", style="bold")
        _print_side_by_side(first, settings, width)
    else:
        RESULTS.print("the configs are equal")
    RESULTS.print("\nresults", style="bold")
    _print_side_by_side(first, differing, width)
    if common:
        RESULTS.print(f"all runs: {', '.join(common)}", soft_wrap=True)
    _print_groups(comparison)
    if not comparison.same_data:
        RESULTS.print("not comparable: the runs were trained on different data", style="bold red")
        for label, checksum in comparison.checksums.items():
            RESULTS.print(f"  {checksum}  {comparison.names[label]}", soft_wrap=True)


def _names_to_fit(names: Mapping[str, str], width: int) -> list[str]:
    """The runs' names; numbers, once it is said whose, if names would leave no room."""
    if max(map(cell_len, names.values())) <= width // 2:
        return list(names.values())
    for number, name in enumerate(names.values(), 1):
        RESULTS.print(f"{number:>3}  {name}", soft_wrap=True)
    RESULTS.print()
    return [str(number) for number in range(1, len(names) + 1)]


def _split_results(comparison: Comparison) -> tuple[list[_Column], list[str]]:
    """Columns of the results that differ or are measured, and in words those that are the same."""
    columns, common = [], []
    for name, values in comparison.results.items():
        cells = [_result_text(name, values[label]) for label in comparison.runs]
        if name in _FACTS and len(set(cells)) == 1:
            common.append(f"{name.replace('_', ' ')} {cells[0]}")
        else:
            words = tuple(name.replace("best_validation", "best").split("_"))
            heading = words if RESULTS.is_terminal else (name,)
            columns.append(_Column(heading, cells, numbers=name != "status"))
    return columns, common


@dataclass(frozen=True)
class _Column:
    """A column of a plain table: a heading of some lines, and a cell a row."""

    heading: tuple[str, ...]
    cells: Sequence[str]
    numbers: bool = False
    """Whether they stand at the right."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", [one_line(cell) for cell in self.cells])

    def lines(self, heading_lines: int) -> list[str]:
        """Heading, at the bottom of so many lines, and cells, all of one width."""
        above = [""] * (heading_lines - len(self.heading))
        texts = [*above, *self.heading, *self.cells]
        width = max(map(cell_len, texts))
        gaps = [" " * (width - cell_len(text)) for text in texts]
        return [g + t if self.numbers else t + g for t, g in zip(texts, gaps, strict=True)]


def _print_side_by_side(first: _Column, others: Sequence[_Column], width: int) -> None:
    """Print columns, below each other with the first repeated where a line has no more room."""
    rest = list(others)
    while rest:
        block = [rest.pop(0)]
        while rest:
            taken = sum(_width(column) + 2 for column in (first, *block, rest[0])) - 2
            if taken > width:
                break
            block.append(rest.pop(0))
        for line in _aligned((first, *block)):
            RESULTS.print(line, soft_wrap=True)
        if rest:
            RESULTS.print()


def _width(column: _Column) -> int:
    return max(map(cell_len, (*column.heading, *column.cells)))


def _aligned(columns: Sequence[_Column]) -> list[str]:
    """The lines of a plain table."""
    heading_lines = max(len(column.heading) for column in columns)
    lines = zip(*(column.lines(heading_lines) for column in columns), strict=True)
    return ["  ".join(line).rstrip() for line in lines]


def _print_groups(comparison: Comparison) -> None:
    """Print the mean over seeds, and its range, of runs that differ in nothing else."""
    from isolet_nn.results.comparison import group_label

    split = comparison.split
    accuracies = comparison.results.get(f"{split}_accuracy", {})
    for labels in comparison.groups:
        values = [value for label in labels if (value := accuracies.get(label)) is not None]
        if len(values) > 1:
            mean, low, high = sum(values) / len(values), min(values), max(values)
            name = group_label([comparison.names[label] for label in labels])
            RESULTS.print(
                f"{name}: {split} accuracy {_percent(mean)} on average, "
                f"{_percent(low)} to {_percent(high)}",
                soft_wrap=True,
            )


def print_duels(duels: Sequence[Duel]) -> None:
    """Say in words how each two models differ on the test split, and how sure that is."""
    for duel in duels:
        result = duel.result
        RESULTS.print(
            f"McNemar's test on {counted(duel.n, 'test row')}: only {duel.first} is right in "
            f"{result.only_first}, only {duel.second} in {result.only_second}; "
            f"p = {result.p_value:.2g}: {_verdict(duel)}",
            soft_wrap=True,
        )
    if len(duels) > 1:
        RESULTS.print(
            f"each p is of one test alone; of {len(duels)} tests some come out small by chance, "
            f"so ask for p below {LEVEL / len(duels):.2g}",
            soft_wrap=True,
        )


def _verdict(duel: Duel) -> str:
    if duel.result.p_value >= LEVEL:
        return "the difference may well be chance"
    better = duel.first if duel.result.only_first > duel.result.only_second else duel.second
    return f"{better} is better, at the level of {100 * LEVEL:.0f} %"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _setting_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(rounded(value))


def _result_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("accuracy"):
        return _percent(value)
    return f"{value:#.4g}" if isinstance(value, float) else str(value)
