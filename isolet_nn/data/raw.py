"""A data set as it was read: a row of cells and a class each, not yet divided or preprocessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data.cache import release
from isolet_nn.data.table import Column, numbered
from isolet_nn.errors import DataError

Rows = NDArray[np.int64]
"""Numbers of rows."""

BLOCK = 256
"""Rows converted at a time: of 617 float64 features they are 1.3 MB and stay in the cache."""

_RELEASED = 256 * BLOCK
"""After so many rows the pages of a mapped file are let go of."""


@dataclass(frozen=True, eq=False)
class RawDataset:
    """A data set as it was read, before splitting and preprocessing.

    Attributes
    ----------
    name
        Name of the data set.
    stored
        (n, n_columns) cells as they are kept: floats, or integers in units of 1 / quantum.
    y
        (n,) class indices.
    classes
        Names of the classes, by index.
    checksum
        SHA-256 of the content in the order it was read: equal checksums train equal networks.
    source
        Where the data lies, for people.
    groups
        (n,) speaker or group of each row; None where the data has none.
    group_name
        What a group is ("speaker", or the name of its column).
    group_names
        Names of the groups, by number; None where their numbers are all there is.
    strata
        (n,) of what kind the group of each row is: parts by groups take the same share of each
        kind. None where all are alike.
    test_rows
        Rows of the test part where the source fixes one, else None.
    quantum
        What `stored` is divided by to get the values.
    train_rows
        Rows to train on where they are not simply all rows outside the test part.
    columns
        What each column is; numbers, named by their position, where the source says nothing.
    label
        Name of the column of the classes, where there is one.
    place_of
        Says in which file and line a row is, None where it cannot be told.
    """

    name: str
    stored: NDArray[Any]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    checksum: str
    source: str
    groups: NDArray[np.int64] | None = None
    group_name: str | None = None
    group_names: tuple[str, ...] | None = None
    strata: NDArray[np.int64] | None = None
    test_rows: Rows | None = None
    quantum: int = 1
    train_rows: Rows | None = None
    columns: tuple[Column, ...] = ()
    label: str | None = None
    place_of: Callable[[int], str | None] | None = None

    def __post_init__(self) -> None:
        """Name columns that have no name."""
        if not self.columns:
            object.__setattr__(self, "columns", numbered(self.n_columns))

    @property
    def n_columns(self) -> int:
        """Number of columns that are features."""
        return int(self.stored.shape[1])

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns that are features."""
        return tuple(column.name for column in self.columns)

    @property
    def x(self) -> NDArray[np.float64]:
        """All cells (n, n_columns) as a new float64 array; decimals are exact."""
        return self.values(np.arange(len(self.y)))

    def values(self, rows: Rows, column: int | None = None) -> NDArray[np.float64]:
        """Cells of some rows (len(rows), n_columns), or of one column, as a new float64 array."""
        # Dividing two whole numbers gives the double nearest to the decimal that was written.
        cells = self.stored[rows] if column is None else self.stored[rows, column]
        values = cells.astype(np.float64)
        if self.quantum != 1:
            values /= self.quantum
        return values

    def blocks(self, rows: Rows) -> Iterator[NDArray[np.float64]]:
        """Cells of `rows`, some hundred rows at a time."""
        for start in range(0, len(rows), BLOCK):
            yield self.values(rows[start : start + BLOCK])
            if start % _RELEASED == 0:
                release(self.stored)

    def error(
        self, row: int | np.integer[Any], column: int | np.integer[Any], problem: str
    ) -> DataError:
        """An error that says where a number lies and what it is."""
        value = float(self.values(np.array([row]))[0, column])
        part, number = "", int(row)
        if self.test_rows is not None and row in self.test_rows and self.train_rows is None:
            part, number = " of the test part", int(np.searchsorted(self.test_rows, row))
        place = self.place_of(int(row)) if self.place_of is not None else None
        place = place or f"{self.source}: data row {number + 1}{part}"
        name = self.columns[column].name
        return DataError(f"{place}: column {name!r}: found {value!r}, {problem}")
