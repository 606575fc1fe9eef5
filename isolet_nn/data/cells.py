"""Cells of a table as they were read, some rows at a time: numbers, or words.

What they mean is decided later: which words stand for a missing name, what is a category.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Asked = Mapping[int, Literal["numeric", "categorical"]]
"""What the cells of a column are to be read as, by its position; others are not read."""

MISSING_NUMBERS = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""Words for a missing number, in any case; a name may well be one of them."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """Cells of a column of numbers.

    Attributes
    ----------
    values
        (n,) NaN where a number is missing or bad.
    missing
        The first row where it is missing, and what stands there.
    bad
        What stands where there is no finite number, by row.
    """

    values: NDArray[np.float64]
    missing: tuple[int, str] | None = None
    bad: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Words:
    """Cells of a column of words, without blanks around them: words[codes], codes (n,)."""

    codes: NDArray[np.int64]
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a table.

    Attributes
    ----------
    lines
        (n,) number of the line, or of the row, of each.
    cells
        The cells of each column that was asked for, by position.
    ragged
        Line and number of cells of rows that have too many or too few, and are left out.
    """

    lines: NDArray[np.int64]
    cells: Mapping[int, Numbers | Words]
    ragged: Sequence[tuple[int, int]] = ()

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written: the sign before their decimals, and words where one is missing."""

    decimal: str = "."
    missing: frozenset[str] = MISSING_NUMBERS

    def numbers(self, cells: Sequence[str]) -> Numbers:
        """The numbers that cells hold."""
        values = self._values(cells)
        if values is not None:
            return Numbers(np.array(values))
        found = np.full(len(cells), np.nan)
        missing, bad = None, {}
        for row, cell in enumerate(cells):
            number = self._values([cell])
            if number is not None:
                found[row] = number[0]
            elif cell.strip().lower() in self.missing:
                missing = missing or (row, cell)
            else:
                bad[row] = cell
        return Numbers(found, missing, bad)

    def is_number(self, cell: str) -> bool:
        """Whether a cell holds a finite number."""
        return self._values([cell]) is not None

    def _values(self, cells: Sequence[str]) -> list[float] | None:
        """The numbers if all cells hold finite ones."""
        if self.decimal == ",":
            if "." in "".join(cells):  # would be the sign between thousands
                return None
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            values = list(map(float, cells))
        except ValueError:
            return None
        if "_" in "".join(cells):  # Python's 1_000 is nobody else's
            return None
        # The sum is a quick look: it overflows of finite numbers, too.
        if not math.isfinite(sum(values)) and not all(map(math.isfinite, values)):
            return None
        return values


def block_of(
    rows: Iterable[tuple[int, Sequence[str]]], width: int, asked: Asked, numbers: NumberFormat
) -> Block:
    """The cells of rows, each with the number of its line, of which `width` cells are expected."""
    lines: list[int] = []
    kept: list[Sequence[str]] = []
    ragged: list[tuple[int, int]] = []
    for line, cells in rows:
        if len(cells) == width:
            lines.append(line)
            kept.append(cells)
        else:
            ragged.append((line, len(cells)))
    columns = list(zip(*kept, strict=True)) or [()] * width
    read: dict[int, Numbers | Words] = {}
    for position, kind in asked.items():
        column = columns[position]
        read[position] = numbers.numbers(column) if kind == "numeric" else words_of(column)
    return Block(np.array(lines, np.int64), read, ragged)


def words_of(cells: Sequence[str]) -> Words:
    """The words of cells, in the order in which they first occur."""
    codes: dict[str, int] = {}
    stripped = [cell.strip() for cell in cells]
    found = [codes.setdefault(word, len(codes)) for word in stripped]
    return Words(np.array(found, np.int64), tuple(codes))
