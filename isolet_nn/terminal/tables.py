"""Plain tables: columns without a frame, of which thousands of rows are drawn at once."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from isolet_nn.errors import one_line
from isolet_nn.terminal.streams import RESULTS

_TEXT_WIDTH = 24
"""Columns that a text beside its name needs to be readable."""


@dataclass(frozen=True)
class Column:
    """A column of a plain table: a heading of some lines, and a cell a row."""

    heading: tuple[str, ...]
    cells: Sequence[str]
    numbers: bool = False
    """Whether they stand at the right."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", [one_line(cell) for cell in self.cells])

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
        return [g + t if self.numbers else t + g for t, g in zip(texts, gaps, strict=True)]


def aligned(columns: Sequence[Column]) -> list[str]:
    """The lines of a plain table."""
    heading_lines = max(len(column.heading) for column in columns)
    lines = zip(*(column.lines(heading_lines) for column in columns), strict=True)
    return ["  ".join(line).rstrip() for line in lines]


def fitted(first: Column, others: Sequence[Column], width: int) -> list[str]:
    """Lines of columns, below each other with the first repeated where a line has no more room."""
    lines: list[str] = []
    rest = list(others)
    while rest:
        block = [rest.pop(0)]
        while rest:
            taken = sum(column.width + 2 for column in (first, *block, rest[0])) - 2
            if taken > width:
                break
            block.append(rest.pop(0))
        lines += aligned((first, *block)) + [""] * bool(rest)
    return lines


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and what belongs to them; beside each other where there is room."""
    indent = max(map(len, pairs)) + 2
    beside = not RESULTS.is_terminal or RESULTS.width - indent >= _TEXT_WIDTH
    width = RESULTS.width - (indent if beside else 2) if RESULTS.is_terminal else sys.maxsize
    for name, text in pairs.items():
        lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
        if beside:
            lines[0] = f"{name:<{indent}}{lines[0]}"
        else:
            RESULTS.print(name, soft_wrap=True)
            lines[0] = f"  {lines[0]}"
        for number, line in enumerate(lines):
            margin = " " * (indent if beside else 2) if number else ""
            RESULTS.print(f"{margin}{line}", soft_wrap=True)
