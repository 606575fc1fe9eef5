"""A table that was looked at: its columns, what is doubtful, and a config to begin with."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from isolet_nn.config.yaml_files import write_yaml
from isolet_nn.errors import short_repr
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable

if TYPE_CHECKING:
    from isolet_nn.data.advice import Advice, Doubt
    from isolet_nn.data.inspection import InspectedColumn, Inspection

_SHOWN = 4
"""So many values of a column say what it holds."""
_WHOLE = 1e15
"""Up to here all digits of a whole number are known."""
_CLASSES = 50
"""So many fill a screen."""


def print_inspection(table: Inspection, advice: Advice, printer: Printer = FOR_TERMINAL) -> None:
    """Print what a table holds, what is doubtful, and a config that would train on it."""
    columns = table.columns
    names = [*table.classes]
    printer.say(
        f"{advice.config['dataset']['path']}: {table.rows:,} rows of {len(columns):,} columns"
    )
    printer.tables(
        PrintedTable(
            [
                PrintedColumn("column", [column.name for column in columns]),
                PrintedColumn("holds", [_holds(column, table) for column in columns]),
                PrintedColumn("missing", [column.missing for column in columns]),
                PrintedColumn("different", [column.different for column in columns]),
                PrintedColumn("values", [_values(column) for column in columns]),
            ],
            "columns",
        ),
        PrintedTable(
            [
                PrintedColumn("class", names[:_CLASSES]),
                PrintedColumn("rows", [table.classes[name] for name in names[:_CLASSES]]),
            ],
            "classes",
        ),
    )
    if len(names) > _CLASSES:
        printer.say(f"and {len(names) - _CLASSES:,} more classes")
    if advice.doubts:
        printer.say("doubtful:")
    for doubt in advice.doubts:
        printer.say(_item(f"{_place(doubt, table)}{doubt.says}"))
    what = "that trains on it" if advice.trains else "for it, once it can be learned from"
    printer.say(f"\na config {what}:")
    printer.say(write_yaml(dict(advice.config)).rstrip("\n"))


def inspection_json(table: Inspection, advice: Advice) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "path": str(table.path),
        "rows": table.rows,
        "columns": [
            {
                "name": column.name,
                "holds": column.holds,
                "is_label": column is table.label,
                "missing": column.missing,
                "different": column.different,
                "words": dict(column.words),
            }
            for column in table.columns
        ],
        "label": table.label.name,
        "classes": table.classes,
        "doubts": [{"column": doubt.column, "says": doubt.says} for doubt in advice.doubts],
        "config": dict(advice.config),
        "trains": advice.trains,
    }


def _item(text: str) -> str:
    """A line of a list, which goes on in as many as a terminal needs."""
    if not RESULTS.is_terminal:
        return f"- {text}"
    return textwrap.fill(
        text, RESULTS.width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
    )


def _place(doubt: Doubt, table: Inspection) -> str:
    if doubt.column is None:
        return ""
    is_name = any(column.name == doubt.column for column in table.columns)
    return f"column {short_repr(doubt.column)}: " if is_name else f"{doubt.column}: "


def _holds(column: InspectedColumn, table: Inspection) -> str:
    return f"{column.holds} (label)" if column is table.label else column.holds


def _values(column: InspectedColumn) -> str:
    """The least and largest number, or some of the names."""
    values = column.values
    if not values:
        return ""
    if column.is_of_numbers:
        return f"{_number(values[0])} to {_number(values[-1])}"
    more = ", ..." if len(values) > _SHOWN else ""
    return ", ".join(short_repr(value)[1:-1] for value in values[:_SHOWN]) + more


def _number(value: float) -> str:
    """A whole number as it is, as ids and years are; all else with six significant digits."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < _WHOLE else f"{value:.6g}"
