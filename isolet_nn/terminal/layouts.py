"""Tables as a person reads them in a terminal: in a frame, in plain columns, or as pairs."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import rich.table
from rich.cells import cell_len

from isolet_nn.errors import one_line
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable

_TEXT_WIDTH = 24
"""Columns that a text beside its name needs to be readable."""


def print_tables(tables: Sequence[PrintedTable]) -> None:
    """Print tables, each as it wants to look, and an empty line where no frame divides them."""
    for number, table in enumerate(tables):
        if number and table.look == "divided":
            RESULTS.print()
        _print(table)


def _print(table: PrintedTable) -> None:
    if table.look == "framed":
        RESULTS.print(_framed(table))
        return
    if table.title:
        RESULTS.print(table.title, style="bold", soft_wrap=True)
    if table.look == "pairs":
        names, texts = (column.texts for column in table.columns)
        _print_pairs(names, texts)
    else:
        RESULTS.write_lines(lines_of(table))


def lines_of(table: PrintedTable) -> list[str]:
    """The lines of a table without a frame."""
    columns = [_Aligned.of(column) for column in table.columns]
    is_divided = table.look == "divided" and RESULTS.is_terminal
    return _divided(columns, RESULTS.width) if is_divided else _beside(columns)


def _framed(table: PrintedTable) -> rich.table.Table:
    framed = rich.table.Table(title=table.title or None)
    widths = [max(map(cell_len, _lines_of(column))) for column in table.columns]
    has_room = sum(widths) + 3 * len(widths) + 1 <= RESULTS.width
    names = [column.name if has_room else _in_lines(column) for column in table.columns]
    narrow = [None] * len(names) if has_room else _narrow_widths(table.columns, names)
    for column, name, width in zip(table.columns, names, narrow, strict=True):
        justify = "right" if column.is_numeric else "left"
        # A number or a name is not cut; what is in words goes on in the next line.
        framed.add_column(name, justify=justify, overflow="fold", width=width)  # type: ignore[arg-type]
    for row in zip(*(column.texts for column in table.columns), strict=True):
        framed.add_row(*row)
    return framed


def _narrow_widths(
    columns: Sequence[PrintedColumn], headings: Sequence[str]
) -> Sequence[int | None]:
    """Widths at which no word is cut, and as few columns as can be need several lines.

    None where a terminal has no room even for the words.
    """
    lines = [
        [line for text in (heading, *column.texts) for line in text.split("\n")]
        for column, heading in zip(columns, headings, strict=True)
    ]
    wanted = [max(map(cell_len, of_column)) for of_column in lines]
    widths = [
        max((cell_len(word) for line in of_column for word in line.split()), default=0)
        for of_column in lines
    ]
    room = RESULTS.width - 3 * len(widths) - 1 - sum(widths)
    if room < 0:
        return [None] * len(widths)
    for place in sorted(range(len(widths)), key=lambda place: wanted[place] - widths[place]):
        more = min(room, wanted[place] - widths[place])
        widths[place] += more
        room -= more
    return widths


def _lines_of(column: PrintedColumn) -> list[str]:
    return [column.name, *(line for text in column.texts for line in text.split("\n"))]


def _in_lines(column: PrintedColumn) -> str:
    """A heading wider than its column in some lines, divided where a name can be."""
    heading, *cells = _lines_of(column)
    if cell_len(heading) <= max(map(cell_len, cells), default=0):
        return heading
    if "." in heading:
        return heading.replace(".", ".\n")
    return "_\n".join(heading.rsplit("_", 1))


@dataclass(frozen=True)
class _Aligned:
    """A column as texts of one line each, all brought to one width."""

    heading: tuple[str, ...]
    cells: Sequence[str]
    is_numeric: bool

    @classmethod
    def of(cls, column: PrintedColumn) -> _Aligned:
        return cls(
            column.heading or (column.name,),
            [one_line(text) for text in column.texts],
            column.is_numeric,
        )

    @property
    def width(self) -> int:
        """Of the widest line of heading and cells."""
        return max(map(cell_len, (*self.heading, *self.cells)))

    def lines(self, heading_lines: int) -> list[str]:
        """Heading, at the bottom of so many lines, and cells, all of one width."""
        above = [""] * (heading_lines - len(self.heading))
        texts = [*above, *self.heading, *self.cells]
        width = self.width
        gaps = [" " * (width - cell_len(text)) for text in texts]
        return [g + t if self.is_numeric else t + g for t, g in zip(texts, gaps, strict=True)]


def width_beside(columns: Sequence[PrintedColumn]) -> int:
    """How wide columns are that stand beside each other without a frame."""
    return sum(_Aligned.of(column).width + 2 for column in columns) - 2


def _beside(columns: Sequence[_Aligned]) -> list[str]:
    """Lines of columns, all beside each other."""
    heading_lines = max(len(column.heading) for column in columns)
    lines = zip(*(column.lines(heading_lines) for column in columns), strict=True)
    return ["  ".join(line).rstrip() for line in lines]


def _divided(columns: Sequence[_Aligned], width: int) -> list[str]:
    """Lines of columns, below each other with the first repeated where a line has no more room."""
    lines: list[str] = []
    first, *rest = columns
    while rest:
        block = [rest.pop(0)]
        while rest:
            taken = sum(column.width + 2 for column in (first, *block, rest[0])) - 2
            if taken > width:
                break
            block.append(rest.pop(0))
        lines += _beside((first, *block)) + [""] * bool(rest)
    return lines


def _print_pairs(names: Sequence[str], texts: Sequence[str]) -> None:
    """Print names and what belongs to them; beside each other where there is room."""
    indent = max(map(len, names)) + 2
    beside = not RESULTS.is_terminal or RESULTS.width - indent >= _TEXT_WIDTH
    width = RESULTS.width - (indent if beside else 2) if RESULTS.is_terminal else sys.maxsize
    for name, text in zip(names, texts, strict=True):
        lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
        if beside:
            lines[0] = f"{name:<{indent}}{lines[0]}"
        else:
            RESULTS.print(name, soft_wrap=True)
            lines[0] = f"  {lines[0]}"
        for number, line in enumerate(lines):
            margin = " " * (indent if beside else 2) if number else ""
            RESULTS.print(f"{margin}{line}", soft_wrap=True)
