"""A data set as it was read: a row of numbers and a class each, not yet divided or scaled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import DataError

Rows = NDArray[np.int64]
"""Numbers of rows."""

BLOCK = 256
"""Rows converted at a time: of 617 float64 features they are 1.3 MB and stay in the cache."""


@dataclass(frozen=True, eq=False)
class RawDataset:
    """A data set as it was read, before splitting and scaling.

    Attributes
    ----------
    name
        Name of the data set.
    stored
        (n, n_features) features as they are kept: floats, or integers in units of 1 / quantum.
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
    test_rows
        Rows of the test part where the source fixes one, else None.
    quantum
        What `stored` is divided by to get the values.
    train_rows
        Rows to train on where they are not simply all rows outside the test part.
    feature_names
        Names of the features, where the source has some.
    """

    name: str
    stored: NDArray[Any]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    checksum: str
    source: str
    groups: NDArray[np.int64] | None = None
    group_name: str | None = None
    test_rows: Rows | None = None
    quantum: int = 1
    train_rows: Rows | None = None
    feature_names: tuple[str, ...] | None = None

    @property
    def n_features(self) -> int:
        """Number of features."""
        return int(self.stored.shape[1])

    @property
    def x(self) -> NDArray[np.float64]:
        """All features (n, n_features) as a new float64 array; decimals are exact."""
        return self.values(np.arange(len(self.y)))

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """Features of some rows (len(rows), n_features) as a new float64 array."""
        # Dividing two whole numbers gives the double nearest to the decimal that was written.
        values = self.stored[rows].astype(np.float64)
        if self.quantum != 1:
            values /= self.quantum
        return values

    def blocks(self, rows: Rows) -> Iterator[NDArray[np.float64]]:
        """Features of `rows`, some hundred rows at a time."""
        for start in range(0, len(rows), BLOCK):
            yield self.values(rows[start : start + BLOCK])

    def error(self, row: np.integer[Any], feature: np.integer[Any], problem: str) -> DataError:
        """An error that says where a number lies and what it is."""
        value = float(self.values(np.array([row]))[0, feature])
        part, number = "", int(row)
        if self.test_rows is not None and row in self.test_rows and self.train_rows is None:
            part, number = " of the test part", int(np.searchsorted(self.test_rows, row))
        column = f"feature {feature + 1}"
        if self.feature_names is not None:
            column = f"column {self.feature_names[feature]!r}"
        return DataError(
            f"{self.source}: data row {number + 1}{part}: {column}: found {value!r}, {problem}"
        )
