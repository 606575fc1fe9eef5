"""A look at a table before there is a config: what its columns hold, and what is doubtful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.config.tables import is_parquet
from isolet_nn.data.categories import are_dates
from isolet_nn.data.cells import Block, Words
from isolet_nn.data.columns import MAX_NUMBERS, encode, is_quantity
from isolet_nn.data.layout import column_position, is_a_row, table_format
from isolet_nn.data.reading import (
    DelimiterError,
    TableFormat,
    likely_kinds,
    looks_decimal,
    open_table,
    ragged_row,
)
from isolet_nn.errors import DataError

Holds = Literal["numbers", "names", "dates", "numbers and words", "lists or bytes", "nothing"]


@dataclass(frozen=True, eq=False)
class InspectedColumn:
    """A column of a table, read as a whole.

    Attributes
    ----------
    name, position
        What it is called, and where it stands, from 0.
    holds
        What its cells are.
    missing
        In how many rows nothing is there.
    codes
        (n,) a number for each different value, -1 where it is missing.
    values
        The different values: numbers in order, or names as they occur.
    words
        What stands among numbers in place of one, and in how many rows.
    """

    name: str
    position: int
    holds: Holds
    missing: int
    codes: NDArray[np.int64]
    values: Sequence[Any]
    words: Counter[str]

    @property
    def is_of_numbers(self) -> bool:
        """Whether it is numbers that its cells are."""
        return self.holds in ("numbers", "numbers and words", "nothing")

    @property
    def different(self) -> int:
        """How many different values there are."""
        return len(self.values)

    def determines(self, label: InspectedColumn) -> bool:
        """Whether each of its values, most of which occur again, goes with one class."""
        there = (self.codes >= 0) & (label.codes >= 0)
        mine, classes = self.codes[there], label.codes[there]
        if self.different < 2 or 2 * self.different > len(mine):
            return False
        of_value = np.zeros(self.different, np.int64)
        of_value[mine] = classes
        return bool((of_value[mine] == classes).all())

    def is_one_to_one_with(self, label: InspectedColumn) -> bool:
        """Whether it says what the label says, in other words."""
        return self.different == label.different and self.determines(label)


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a table holds.

    Attributes
    ----------
    path
        The file.
    how
        How it is written, as far as that could be told.
    rows
        Number of its rows.
    columns
        All of them, in order.
    label
        The column of the classes.
    classes
        How many rows are of each class, by its name, in order.
    ragged
        Line and number of cells of the first row that has too many or too few; their number.
    is_guessed
        Whether nobody said which column is the label.
    """

    path: Path
    how: TableFormat
    rows: int
    columns: Sequence[InspectedColumn]
    label: InspectedColumn
    classes: dict[str, int]
    ragged: tuple[int, int, int] | None
    is_guessed: bool = False

    @property
    def features(self) -> list[InspectedColumn]:
        """The columns beside the label."""
        return [column for column in self.columns if column is not self.label]


def inspect(config: CsvDataset) -> Inspection:
    """Read all of a table.

    What divides its columns, the sign before decimals, and whether the first line names the columns
    are told from the file where `config` has the defaults.

    Raises
    ------
    DataError
        If it cannot be read, or has no rows.
    ConfigError
        If there is no such column as the label.
    """
    path = Path(config.path).expanduser()
    how = _guessed(path, table_format(config))
    table = _read(path, how, config.label)
    is_guessed = "label" not in config.model_fields_set
    if is_guessed:
        label = _likely_label(table)
        if label is not table.label:  # it was read as names, which it may not be
            table = _read(path, how, label.position)
    if how.header and "header" not in config.model_fields_set and _begins_with_a_row(table):
        table = _read(path, replace(how, header=False), table.label.position)
    return replace(table, is_guessed=is_guessed)


def _begins_with_a_row(table: Inspection) -> bool:
    """Whether the first line, which should name the columns, is like the others."""
    values = [None if column.is_of_numbers else column.values for column in table.features]
    names = [column.name for column in table.features]
    label, is_number = table.label, table.how.numbers.is_number
    return not is_parquet(table.path.name) and is_a_row(
        names, values, label.name, label.values, is_number
    )


def _read(path: Path, how: TableFormat, wanted: str | int) -> Inspection:
    kinds = likely_kinds(path, how)
    rows = 0
    ragged: list[tuple[int, int]] = []
    with open_table(path, how) as table:
        place = column_position(path, table.columns, wanted, how.header, "label")
        kinds[place] = "categorical"
        for position in {*table.unreadable} - {place}:
            del kinds[position]
        collected = {position: _Cells() for position in kinds}
        for block in table.blocks(kinds):
            rows += len(block)
            ragged += block.ragged
            if rows * len(kinds) > MAX_NUMBERS:
                raise DataError(f"{path}: holds more than {MAX_NUMBERS:,} cells")
            for position, cells in collected.items():
                cells.take(block, position)
    if not rows and ragged:
        line, width = ragged[0]
        raise DataError(f"{path}:{line}: {ragged_row(width, len(table.columns), how)}")
    if not rows:
        raise DataError(f"{path}: holds no rows below the names of the columns")
    columns = [
        collected[position].inspected(name, position, how)
        if position in collected
        else _unread(name, position, rows)
        for position, name in enumerate(table.columns)
    ]
    label = columns[place]
    counts = np.bincount(label.codes + 1, minlength=label.different + 1)[1:]
    return Inspection(
        path,
        how,
        rows,
        columns,
        label,
        _by_class(label.values, counts.tolist()),
        (*ragged[0], len(ragged)) if ragged else None,
    )


def _unread(name: str, position: int, rows: int) -> InspectedColumn:
    """A column of which the cells were not read."""
    codes = np.full(rows, -1, np.int64)
    return InspectedColumn(name, position, "lists or bytes", 0, codes, [], Counter())


def _likely_label(table: Inspection) -> InspectedColumn:
    """The last column, or the last one of names where that cannot be classes."""
    rows, last = table.rows, table.label
    if last.holds == "names" and not is_quantity(last.values, rows) and last.different < rows:
        return last
    names = [c for c in table.columns if c.holds == "names" and 2 <= c.different <= rows / 2]
    return names[-1] if names else last


def _by_class(names: Sequence[str], counts: Iterable[int]) -> dict[str, int]:
    """Number of rows by class; 1 and 1.0 are one."""
    if not names:
        return {}
    classes, indices = encode(names)
    sums = np.bincount(indices, weights=[*counts], minlength=len(classes))
    return dict(zip(classes, sums.astype(int).tolist(), strict=True))


def _guessed(path: Path, how: TableFormat) -> TableFormat:
    """How a table is written, by its first rows, where nothing else is said."""
    if is_parquet(path.name):
        return how
    try:
        with open_table(path, how) as table:
            names = table.columns
    except DelimiterError as error:
        if how.delimiter is not None:
            raise
        how = replace(how, delimiter=error.delimiter)
        with open_table(path, how) as table:
            names = table.columns
    if how.header and all(how.numbers.is_number(name) for name in names):
        how = replace(how, header=False)
    if how.decimal == "." and how.delimiter_of(path) != "," and looks_decimal(path, how, ","):
        how = replace(how, decimal=",")
    return how


class _Cells:
    """The cells of a column, taken block by block."""

    def __init__(self) -> None:
        self.numbers: list[NDArray[np.float64]] = []
        self.bad: Counter[str] = Counter()
        self.codes: list[NDArray[np.int64]] = []
        self.words: dict[str, int] = {}

    def take(self, block: Block, position: int) -> None:
        cells = block.cells[position]
        if isinstance(cells, Words):
            places = [self.words.setdefault(word, len(self.words)) for word in cells.words]
            self.codes.append(np.array(places, np.int64)[cells.codes])
        else:
            self.numbers.append(cells.values)
            self.bad.update(cell.strip() for cell in cells.bad.values())

    def inspected(self, name: str, position: int, how: TableFormat) -> InspectedColumn:
        if self.codes:
            return self._names(name, position, how)
        numbers = np.concatenate(self.numbers)
        there = ~np.isnan(numbers)
        values, indices = np.unique(numbers[there], return_inverse=True)
        codes = np.full(len(numbers), -1, np.int64)
        codes[there] = indices
        missing = len(numbers) - len(indices) - self.bad.total()
        holds: Holds = "numbers and words" if self.bad else "numbers"
        if not len(values) and not self.bad:
            holds = "nothing"
        return InspectedColumn(name, position, holds, missing, codes, values.tolist(), self.bad)

    def _names(self, name: str, position: int, how: TableFormat) -> InspectedColumn:
        names = [word for word in self.words if word.lower() not in how.missing_names]
        places = {word: place for place, word in enumerate(names)}
        recoded = np.array([places.get(word, -1) for word in self.words], np.int64)
        codes = recoded[np.concatenate(self.codes)]
        missing = int(np.count_nonzero(codes < 0))
        holds: Holds = "dates" if are_dates(names) else "names" if names else "nothing"
        return InspectedColumn(name, position, holds, missing, codes, names, Counter())
