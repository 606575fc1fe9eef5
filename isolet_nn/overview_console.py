"""What a person sees of many runs at once: a list of them, and a comparison of some.

The list is plain text in columns, because a framed table of thousands takes many seconds to draw.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from isolet_nn.listing import NUMBERS, Entry

if TYPE_CHECKING:
    from rich.table import Table

    from isolet_nn.comparison import Comparison
    from isolet_nn.duels import Duel

LEVEL = 0.05
"""A p-value below is called a difference."""
_UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def print_entries(entries: Sequence[Entry]) -> None:
    """Print a line for each entry; columns in which nothing stands are left out."""
    rows = [_cells(entry) for entry in entries]
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    # A heading is a column's name in two lines: test_accuracy is test over accuracy.
    above, below = zip(*((name.rpartition("_")[::2]) for name in shown), strict=True)
    lines = [above, below] if any(above) else [below]
    lines += [tuple(row[name] for name in shown) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [str.rjust if name in NUMBERS - {"age"} else str.ljust for name in shown]
    cells = (zip(aligned, line, widths, strict=True) for line in lines)
    texts = ("  ".join(align(cell, width) for align, cell, width in line) for line in cells)
    typer.echo("\n".join(text.rstrip() for text in texts))


def _cells(entry: Entry) -> dict[str, str]:
    """The columns of an entry as text, named as they are sorted and filtered by."""
    return {
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
    """Print what differs in the configs, then the results side by side."""
    from isolet_nn.console import RESULTS

    labels = list(comparison.runs)
    settings = {
        key: {label: _setting_text(value) for label, value in values.items()}
        for key, values in comparison.config.items()
    }
    results = {
        name: {label: _result_text(name, value) for label, value in values.items()}
        for name, values in comparison.results.items()
    }
    if settings:
        RESULTS.print(_comparison_table("config", labels, settings))
    else:
        RESULTS.print("the configs are equal")
    RESULTS.print(_comparison_table("results", labels, results))
    _print_groups(comparison)
    if not comparison.same_data:
        RESULTS.print("not comparable: the runs were trained on different data", style="bold red")
        for label, checksum in comparison.checksums.items():
            RESULTS.print(f"  {checksum}  {label}", soft_wrap=True)


def _print_groups(comparison: Comparison) -> None:
    """Print the mean over seeds, and its range, of runs that differ in nothing else."""
    from isolet_nn.comparison import group_label
    from isolet_nn.console import RESULTS

    split = comparison.split
    accuracies = comparison.results.get(f"{split}_accuracy", {})
    for labels in comparison.groups:
        values = [value for label in labels if (value := accuracies.get(label)) is not None]
        if len(values) > 1:
            mean, low, high = sum(values) / len(values), min(values), max(values)
            RESULTS.print(
                f"{group_label(labels)}: {split} accuracy {_percent(mean)} on average, "
                f"{_percent(low)} to {_percent(high)}",
                soft_wrap=True,
            )


def print_duels(duels: Sequence[Duel]) -> None:
    """Say in words how each two models differ on the test split, and how sure that is."""
    from isolet_nn.console import RESULTS

    for duel in duels:
        result = duel.result
        RESULTS.print(
            f"McNemar's test on {duel.n} test rows: only {duel.first} is right in "
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


def _comparison_table(
    title: str, labels: Sequence[str], rows: Mapping[str, Mapping[str, str]]
) -> Table:
    from rich.table import Column, Table
    from rich.text import Text

    table = Table("", *(Column(label, overflow="fold") for label in labels), title=title)
    for name, values in rows.items():
        table.add_row(name, *(Text(values.get(label, "")) for label in labels))
    return table


def _setting_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _result_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("accuracy"):
        return _percent(value)
    return f"{value:#.4g}" if isinstance(value, float) else str(value)
