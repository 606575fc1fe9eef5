"""Tables in files and on standard input, read block by block: text, gzip of it, or Parquet.

`open_table` names the columns and reads blocks of cells; `read_blocks` makes each block a `Table`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.tables import default_delimiter, is_parquet
from isolet_nn.data.categories import are_dates
from isolet_nn.data.cells import MISSING_NUMBERS, Asked, Block, NumberFormat, Words
from isolet_nn.data.columns import BadCells, column_error
from isolet_nn.data.csv_pieces import Division, blocks_by_piece, blocks_by_row
from isolet_nn.data.csv_text import Text, open_text, rows_of
from isolet_nn.data.table import Column, Kind, Table, listing
from isolet_nn.errors import DataError, short_repr, suggestion

Source = Path | IO[bytes]
"""A file, or a stream that is read once."""

_DELIMITERS = ",;\t|:"
_SAMPLE = 100
# $1,200.50, 1 000, '7', 50 %, <0.01, inf: meant as a number, and read as none.
_LIKE_A_NUMBER = re.compile(
    r"""[ "'$\u20ac\u00a3\u00a5<>~=+-]*(\d[\d.,_ '\u2019\u00a0]*|inf(inity)?)"""
    r"""[ %$\u20ac\u00a3\u00a5"']*""",
    re.IGNORECASE,
)
_LONGEST = 60
"""No number that a person writes is longer."""
_COMMA_NUMBER = re.compile(r"\s*[+-]?[0-9]+,[0-9]+\s*")


@dataclass(frozen=True)
class TableFormat:
    """How a table is written; of text, not of Parquet.

    Attributes
    ----------
    delimiter
        Character between two columns; None takes the tab in files that are called so (.tsv), else
        the comma.
    decimal
        Sign before the decimals of a number.
    encoding
        How characters are written.
    header
        Whether the first line names the columns; their names are their positions else.
    na_values
        Words in place of a missing name, in any case; an empty cell is missing, too.
    """

    delimiter: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    header: bool = True
    na_values: tuple[str, ...] = ("NA", "N/A", "NaN", "?")

    def delimiter_of(self, source: Source) -> str:
        """The character between two columns of a file."""
        if self.delimiter is not None:
            return self.delimiter
        return default_delimiter(source.name if isinstance(source, Path) else "")

    @property
    def missing_names(self) -> frozenset[str]:
        """Words in place of a missing name, in lower case."""
        return frozenset({"", *(word.strip().lower() for word in self.na_values)})

    @property
    def numbers(self) -> NumberFormat:
        """How numbers are written."""
        return NumberFormat(self.decimal, MISSING_NUMBERS | self.missing_names)


class DelimiterError(DataError):
    """A text is not divided as it was said to be, but at another `delimiter`."""

    def __init__(self, message: str, delimiter: str) -> None:
        super().__init__(message)
        self.delimiter = delimiter


class OpenTable(Protocol):
    """A table whose columns are known and whose rows are to be read, once."""

    where: str
    """What messages call it."""
    before_row: str
    """What messages put before the number of a line or row."""
    columns: tuple[str, ...]
    """Names of the columns."""
    unreadable: Mapping[int, str]
    """What columns hold that is neither numbers nor words, by position."""

    @property
    def share(self) -> float | None:
        """How much of it was read, 0 to 1; None where nobody knows how much there is."""

    def blocks(self, asked: Asked) -> Iterator[Block]:
        """The cells of some columns, some rows at a time; there may be none."""


@contextlib.contextmanager
def open_table(source: Source, how: TableFormat, *, is_bounded: bool = True) -> Iterator[OpenTable]:
    """Open a table: Parquet where the file is called so, else text.

    `is_bounded` is whether a file is refused that is larger than what fits into memory.

    Raises
    ------
    DataError
        If it is missing, is no table, or cannot be read, also while it is read.
    """
    if isinstance(source, Path) and is_parquet(source.name):
        from isolet_nn.data.parquet import open_parquet

        with open_parquet(source, how.numbers) as parquet:
            yield parquet
        return
    with open_text(source, how.encoding, is_bounded=is_bounded) as text:
        yield _TextTable(text, how, how.delimiter_of(source))


class _TextTable:
    def __init__(self, text: Text, how: TableFormat, delimiter: str) -> None:
        self.where, self.before_row = text.where, f"{text.where}:"
        self.text, self.how, self.delimiter = text, how, delimiter
        self.is_linewise = text.is_linewise
        lines = text.lines() if self.is_linewise else text.rest()
        self.rows = rows_of(text.where, lines, delimiter)
        line, self.first = next(self.rows, (0, []))
        if not self.first:
            raise DataError(f"{text.where}: holds no rows")
        self.before = [] if how.header else [(line, self.first)]
        names = self.first if how.header else map(str, range(len(self.first)))
        self.columns = tuple(name.strip() for name in names)
        self.unreadable: Mapping[int, str] = {}
        self._require_delimiter()

    @property
    def share(self) -> float | None:
        return self.text.share

    def blocks(self, asked: Asked) -> Iterator[Block]:
        division = Division(self.delimiter, len(self.columns), asked, self.how.numbers)
        if not self.is_linewise:
            return blocks_by_row(chain(self.before, self.rows), division)
        return chain(
            blocks_by_row(iter(self.before), division), blocks_by_piece(self.text, division)
        )

    def _require_delimiter(self) -> None:
        """Refuse a line of one cell that another character divides."""
        if len(self.first) > 1:
            return
        found = self.first[0]
        counts = {sign: found.count(sign) for sign in _DELIMITERS if sign != self.delimiter}
        likely = max(counts, key=counts.__getitem__)
        if counts[likely]:
            name = "tab" if likely == "\t" else f"'{likely}'"
            raise DelimiterError(
                f"{self.where}: divided at {self.delimiter!r}, its first line is one column, "
                f"{short_repr(found)}, which contains {counts[likely]} times {likely!r}; if that "
                f"divides the columns, set dataset.delimiter: {name}",
                likely,
            )


def before_row(path: Path) -> str:
    """What messages put before the number of a line or row of a file."""
    return f"{path}: data row " if is_parquet(path.name) else f"{path}:"


def likely_kinds(source: Source, how: TableFormat) -> dict[int, Kind]:
    """What the cells of each column seem to be, by the first hundred rows of a file.

    A column is numeric if any of its cells is a number, or looks like one that is written in
    another way (a price, a decimal comma), or if all of them are missing. One of dates is not.
    """
    numbers = how.numbers
    return {i: _kind_of(words, numbers) for i, words in enumerate(_first_words(source, how))}


def _kind_of(words: Iterable[str], numbers: NumberFormat) -> Kind:
    there = [word for word in words if word.lower() not in numbers.missing]
    if there and not any(map(numbers.is_number, there)):
        is_numeric = any(map(_is_like_a_number, there)) and not are_dates(there)
        return "numeric" if is_numeric else "categorical"
    return "numeric"


def _is_like_a_number(word: str) -> bool:
    return len(word) <= _LONGEST and _LIKE_A_NUMBER.fullmatch(word) is not None


def looks_decimal(source: Source, how: TableFormat, decimal: str) -> bool:
    """Whether more cells of the first rows are numbers if a sign stands before their decimals."""
    cells = [cell for words in _first_words(source, how) for cell in words]
    here, there = how.numbers, replace(how, decimal=decimal).numbers
    return sum(map(there.is_number, cells)) > sum(map(here.is_number, cells))


def _first_words(source: Source, how: TableFormat) -> list[dict[str, None]]:
    """The different cells of each column in the first hundred rows."""
    with open_table(source, how) as table:
        found: list[dict[str, None]] = [{} for _ in table.columns]
        readable = [i for i in range(len(found)) if i not in table.unreadable]
        rows = 0
        for block in table.blocks(dict.fromkeys(readable, "categorical")):
            for position in readable:
                cells, words = block.cells[position], found[position]
                assert isinstance(cells, Words)
                codes = dict.fromkeys(cells.codes[: _SAMPLE - rows].tolist())
                words |= dict.fromkeys(cells.words[code] for code in codes)
            rows += len(block)
            if rows >= _SAMPLE:
                break
    return found


def read_blocks(
    source: Source,
    kinds: Mapping[str, Kind],
    how: TableFormat | None = None,
    optional: Collection[str] = (),
    on_share: Callable[[float], None] | None = None,
) -> Iterator[Table]:
    """Columns of a table, some thousand rows at a time, in memory that does not grow with it.

    Parameters
    ----------
    source
        A file, or a stream such as standard input, which is given on as it comes.
    kinds
        The columns to read, by name, and what their cells are. The categories of a block are those
        that occur in it, as they are written.
    how
        How the table is written.
    optional
        Columns that are left out where they are not there, or there twice.
    on_share
        Hears with each block how much of the table was read, 0 to 1, where that is known.

    Yields
    ------
    Table
        Its columns in the order of `kinds`; NaN where a cell is missing.

    Raises
    ------
    DataError
        If the table cannot be read or a column is not there; names all of them. Or if a cell is no
        number, or a row has too many or too few: names file, line and column.
    """
    how = how or TableFormat()
    with open_table(source, how, is_bounded=False) as table:
        names = [n for n in kinds if n not in optional or table.columns.count(n) == 1]
        missing = [name for name in names if name not in table.columns]
        if missing:
            raise DataError(
                f"{table.where}: has no column {listing(missing)}; found {listing(table.columns)}"
                f"{suggestion(missing[0], table.columns)}"
            )
        repeated = [name for name in names if table.columns.count(name) > 1]
        if repeated:
            raise DataError(f"{table.where}: has more than one column {listing(repeated)}")
        asked: Asked = {table.columns.index(name): kinds[name] for name in names}
        for block in table.blocks(asked):
            _refuse_bad_cells(table, block, asked, how)
            if on_share is not None and table.share is not None:
                on_share(table.share)
            yield _table_of(block, names, asked, how.missing_names)


def bad_number(cell: str, decimal: str) -> str:
    """What is wrong with a cell that is no finite number."""
    hint = ""
    if decimal == "." and _COMMA_NUMBER.fullmatch(cell):
        hint = '; of decimal commas dataset.decimal: "," makes numbers'
    return f"found {cell[:60]!r}, expected a finite number{hint}"


def ragged_row(cells: int, expected: int, how: TableFormat) -> str:
    """What is wrong with a row of too many or too few cells."""
    hint = ""
    if how.header and cells == expected + 1:
        hint = (
            " (do rows begin with a number or name that the header has no name for, or end with "
            "what divides the columns?)"
        )
    return f"found {cells} cells, expected {expected}{hint}"


def _refuse_bad_cells(table: OpenTable, block: Block, asked: Asked, how: TableFormat) -> None:
    bad = BadCells()
    for line, width in block.ragged:
        bad.add(-1, "cells", line, ragged_row(width, len(table.columns), how))
    for position in asked:
        cells = block.cells[position]
        for row, cell in () if isinstance(cells, Words) else cells.bad.items():
            says = column_error(table.columns[position], bad_number(cell, how.decimal))
            bad.add(position, "number", int(block.lines[row]), says)
    if bad:
        raise DataError(bad.message(table.before_row, table.columns, ()))


def _table_of(block: Block, names: Sequence[str], asked: Asked, missing: Collection[str]) -> Table:
    columns = []
    cells = np.empty((len(block), len(names)))
    for i, (name, position) in enumerate(zip(names, asked, strict=True)):
        found = block.cells[position]
        if isinstance(found, Words):
            categories, codes = categories_of(found, missing)
            columns.append(Column(name, "categorical", categories))
            cells[:, i] = codes
        else:
            columns.append(Column(name))
            cells[:, i] = found.values
    return Table(tuple(columns), cells)


def categories_of(
    cells: Words, missing: Collection[str]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The words that are not missing, sorted, and the place of each cell among them, or NaN."""
    categories = sorted(word for word in cells.words if word.lower() not in missing)
    places: dict[str, float] = {word: place for place, word in enumerate(categories)}
    found = [places.get(word, np.nan) for word in cells.words]
    return tuple(categories), np.array(found, dtype=np.float64)[cells.codes]
