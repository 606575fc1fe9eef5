"""How a cell of a table goes to the network.

1. The columns that are features are found by name, in the order in which the model learned them.
2. A categorical cell is the place of its category among those of the training rows (`recoded`); a
   category that is not among them, as it is rare or was never seen, is -1.
3. What is missing takes `InputColumn.fill`, which `dataset.missing` says how to find.
4. Numbers are standardised: (x - mean) / scale; by `shrinkage`, where there is one, with the mean
   and deviation of the rows of each group (`adaptation`).
5. A category becomes a 1 among 0s, one feature a category, named ``column=category``. One that is
   -1 has its 1 at ``column=(other)`` where rare categories were put together, else it is all 0.
6. After the features of a column stands its indicator, ``column is missing``, where one was asked
   for: 1 where step 3 put something in, else 0.

Everything that is learned for this is learned from the training rows alone, by scikit-learn
(SimpleImputer, OneHotEncoder); only means and deviations are measured in blocks by `scaling`, which
gives StandardScaler's numbers without a second copy of the data. What was learned is plain numbers
and names, kept as JSON: a model needs no library to be read, and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.data.adaptation import Shrinkage, rows_by_group
from isolet_nn.data.raw import BLOCK
from isolet_nn.data.scaling import Floats, Moments, Scaler
from isolet_nn.data.table import Column, Kind, listing
from isolet_nn.errors import DataError, suggestion

OTHER = "(other)"
"""What the feature of rare categories is called, in the place of a category."""


@dataclass(frozen=True)
class InputColumn:
    """A column that is a feature, and what was learned of it.

    Attributes
    ----------
    name, kind
        As the table has them.
    categories
        Those that have a feature of their own, in order; a cell's code is its place here.
    other
        Whether all other categories share one feature more.
    fill
        What a missing cell becomes: a number, or a code (-1 for no category of its own); None
        where nothing takes its place.
    indicator
        Whether a feature says that a cell was missing.
    mean, scale
        What numbers are standardised with; None where they are left as they are.
    """

    name: str
    kind: Kind = "numeric"
    categories: tuple[str, ...] = ()
    other: bool = False
    fill: float | None = None
    indicator: bool = False
    mean: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, with ValueError."""
        numeric = self.kind == "numeric"
        if numeric and (self.categories or self.other):
            raise ValueError(f"column {self.name!r}: is numeric, but has categories")
        if not numeric and (self.mean is not None or self.scale is not None):
            raise ValueError(f"column {self.name!r}: is categorical, but has a mean or scale")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"column {self.name!r}: has a category twice")
        if (self.mean is None) != (self.scale is None):
            raise ValueError(f"column {self.name!r}: has a mean or a scale, but not both")
        numbers = [n for n in (self.fill, self.mean, self.scale) if n is not None]
        if not all(map(math.isfinite, numbers)) or (self.scale is not None and self.scale <= 0):
            raise ValueError(
                f"column {self.name!r}: fill, mean and scale are finite, and scale is above zero"
            )
        codes = [None, *range(-1, len(self.categories))]
        if not numeric and self.fill not in codes:
            raise ValueError(f"column {self.name!r}: fill is the code of no category")

    @property
    def feature_names(self) -> list[str]:
        """The network's inputs that the column becomes."""
        names = [self.name]
        if self.kind == "categorical":
            categories = [*self.categories, *([OTHER] if self.other else [])]
            names = [f"{self.name}={category}" for category in categories]
        return names + ([f"{self.name} is missing"] if self.indicator else [])


@dataclass(frozen=True, eq=False)
class CellReader:
    """Makes the cells of a table those of `Preprocessing.inputs`."""

    positions: NDArray[np.int64] | None
    """Of the inputs among the table's columns; None where they are all of them, in order."""
    recodings: Mapping[int, NDArray[np.float64]]
    """By input: the code here of each of the table's codes; the last is that of -1."""

    def __call__(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows, n_inputs) of `cells` (rows, n_columns), which are used up."""
        if self.positions is not None:
            cells = cells[:, self.positions]
        for i, recoding in self.recodings.items():
            there = ~np.isnan(cells[:, i])
            cells[there, i] = recoding[cells[there, i].astype(np.int64)]
        return cells


def codes_of(categories: Sequence[str]) -> dict[str, int]:
    """Code of each category; of true and false also as other programs write them.

    CSV files have TRUE (spreadsheets, R) or True (pandas), Parquet files and data frames booleans.
    """
    codes = {category: code for code, category in enumerate(categories)}
    for word in ("true", "false"):
        written = [category for category in categories if category.lower() == word]
        if len(written) == 1:
            for spelling in (word, word.title(), word.upper()):
                codes.setdefault(spelling, codes[written[0]])
    return codes


def _recoding(mine: InputColumn, theirs: Column) -> NDArray[np.float64]:
    codes = codes_of(mine.categories)
    return np.array([*(codes.get(category, -1) for category in theirs.categories), -1.0])


@dataclass(frozen=True)
class Preprocessing:
    """All that a new row needs before the network, and what its answers are called.

    Attributes
    ----------
    inputs
        The columns that are features, in order.
    classes
        Names of the classes, by index.
    label, group
        Names of these columns, where the data has them as columns.
    shrinkage
        Where each group's rows are standardised by its own mean and deviation: how these are
        shrunk to `InputColumn.mean` and `InputColumn.scale`, which then are the mean of the
        training rows and the deviation within their groups. None: these are for all rows.
    """

    inputs: tuple[InputColumn, ...]
    classes: tuple[str, ...]
    label: str | None = None
    group: str | None = None
    shrinkage: Shrinkage | None = None

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the network's inputs, in order."""
        return tuple(name for column in self.inputs for name in column.feature_names)

    @property
    def n_features(self) -> int:
        """Number of the network's inputs."""
        return len(self.feature_names)

    @cached_property
    def numeric(self) -> NDArray[np.int64]:
        """Positions of the numeric columns among `inputs`."""
        return np.array([i for i, c in enumerate(self.inputs) if c.kind == "numeric"], np.int64)

    @cached_property
    def scaler(self) -> Scaler | None:
        """Mean and scale of the numeric columns, in order; None where they are left as they are."""
        columns = [column for column in self.inputs if column.mean is not None]
        if not columns:
            return None
        scaled = [column for column in self.inputs if column.kind == "numeric"]
        # Zero and one change no bit.
        mean = [0.0 if column.mean is None else column.mean for column in scaled]
        scale = [1.0 if column.scale is None else column.scale for column in scaled]
        return Scaler(np.array(mean), np.array(scale))

    @property
    def adapted_to(self) -> str | None:
        """Whose own rows standardise them ("speaker", or the column's name); None: all rows."""
        return None if self.shrinkage is None else (self.group or "group")

    @cached_property
    def fills(self) -> NDArray[np.float64]:
        """(n_inputs,) what a missing cell becomes; NaN where nothing takes its place."""
        return np.array([np.nan if c.fill is None else c.fill for c in self.inputs])

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(n_inputs + 1,) number of the first feature of each column, and of all features."""
        widths = [len(column.feature_names) for column in self.inputs]
        return np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)

    def column_of(self, feature: int) -> InputColumn:
        """The column that a network's input comes from."""
        return self.inputs[int(np.searchsorted(self.starts, feature, side="right")) - 1]

    def reader(self, columns: Sequence[Column], source: str) -> CellReader:
        """What makes `inputs`' cells of a table's: columns found by name, categories recoded.

        Parameters
        ----------
        columns
            The table's; those that are no input are left out.
        source
            Where they come from, for messages.

        Raises
        ------
        DataError
            If columns are missing, or numbers where there were categories or the other way round;
            names all of them.
        """
        names = [column.name for column in columns]
        missing = [column.name for column in self.inputs if column.name not in names]
        if missing:
            raise DataError(
                f"{source}: has no column {listing(missing)}, which the model was trained with; "
                f"found {listing(names)}{suggestion(missing[0], names)}"
            )
        positions = [names.index(column.name) for column in self.inputs]
        pairs = [(mine, columns[i]) for mine, i in zip(self.inputs, positions, strict=True)]
        differ = [mine for mine, theirs in pairs if mine.kind != theirs.kind]
        if differ:
            raise DataError(
                f"{source}: column {listing([mine.name for mine in differ])}: expected "
                f"{differ[0].kind} cells, as the model was trained with; set dataset.columns: "
                f"{{{differ[0].kind}: [...]}}"
            )
        return CellReader(
            None if positions == [*range(len(columns))] else np.array(positions),
            {
                i: _recoding(mine, theirs)
                for i, (mine, theirs) in enumerate(pairs)
                if mine.kind == "categorical" and mine.categories != theirs.categories
            },
        )

    @cached_property
    def _is_plain(self) -> bool:
        """Whether each column is a number that becomes a feature."""
        return len(self.numeric) == len(self.inputs) == self.n_features

    @cached_property
    def _can_fill(self) -> bool:
        return any(column.fill is not None for column in self.inputs)

    def transform(
        self, cells: NDArray[Any], dtype: DTypeLike, groups: NDArray[np.int64] | None = None
    ) -> Floats:
        """The network's inputs.

        Parameters
        ----------
        cells
            (n, n_inputs) floats: numbers, or codes of categories in `InputColumn.categories`
            (-1: no category of its own); NaN: missing.
        dtype
            Type of the result; all is computed in float64.
        groups
            (n,) group of each row, whose own rows here standardise it where there is `shrinkage`;
            None: all are of one.

        Returns
        -------
        ndarray
            (n, n_features). NaN stays where a cell is missing for which nothing was learned, and
            what is too large for `dtype` is infinite.
        """
        out = np.empty((len(cells), self.n_features), dtype)
        if self.shrinkage is None:
            for start in range(0, len(cells), BLOCK):
                block = np.array(cells[start : start + BLOCK], dtype=np.float64)
                self.transform_block(block, out[start : start + BLOCK])
            return out
        for rows in rows_by_group(np.zeros(len(cells), np.int64) if groups is None else groups):
            blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
            scaler = self.group_scaler(np.array(cells[some], np.float64) for some in blocks)
            for some in blocks:
                block_out = np.empty((len(some), self.n_features), dtype)
                self.transform_block(np.array(cells[some], np.float64), block_out, scaler)
                out[some] = block_out
        return out

    def group_scaler(self, blocks: Iterable[NDArray[np.float64]]) -> Scaler | None:
        """What some rows of a group, in blocks of cells that are used up, are standardised with."""
        if self.shrinkage is None or self.scaler is None:
            return self.scaler
        return self.shrinkage.scaler(self.scaler, self.moments(blocks))

    def moments(self, blocks: Iterable[NDArray[np.float64]]) -> Moments:
        """Of the numeric columns of blocks of cells, which are used up, missing ones filled."""

        def filled(cells: NDArray[np.float64]) -> NDArray[np.float64]:
            self.fill(cells)
            return self.numbers(cells)

        return Moments.of_blocks(map(filled, blocks))

    def fill(self, cells: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Put something in where cells are missing; return where, None if nothing ever is."""
        if not self._can_fill:
            return None
        missing = np.isnan(cells)
        if missing.any():
            np.copyto(cells, self.fills, where=missing)
        return missing

    def numbers(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """The numeric columns of cells, which are those themselves where there are no others."""
        return cells if len(self.numeric) == len(self.inputs) else cells[:, self.numeric]

    def transform_block(
        self, cells: NDArray[np.float64], out: Floats, scaler: Scaler | None = None
    ) -> None:
        """Write the network's inputs of some rows into `out`; `cells` are used up.

        `scaler` is that of the rows' group, instead of the one for all.
        """
        missing = self.fill(cells)
        numbers = self.numbers(cells)
        scaler = self.scaler if scaler is None else scaler
        with np.errstate(over="ignore", invalid="ignore"):
            if scaler is not None:
                scaler.apply(numbers)
            if self._is_plain:
                out[:] = numbers
                return
            out[:, self.starts[self.numeric]] = numbers
        for i, column in enumerate(self.inputs):
            stop = int(self.starts[i + 1])
            if column.indicator:
                stop -= 1
                out[:, stop] = 0.0 if missing is None else missing[:, i]
            if column.kind == "categorical":
                codes = [*range(len(column.categories)), *([-1] if column.other else [])]
                hot = out[:, int(self.starts[i]) : stop]
                hot[:] = cells[:, i, None] == np.array(codes)
                if column.fill is None:
                    hot[np.isnan(cells[:, i])] = np.nan

    def to_json(self) -> dict[str, Any]:
        """As plain values that JSON can hold; `from_json` makes the same of them to the bit."""
        return {
            "inputs": [
                {**vars(column), "categories": [*column.categories]} for column in self.inputs
            ],
            "classes": [*self.classes],
            "label": self.label,
            "group": self.group,
            **({} if self.shrinkage is None else {"shrinkage": vars(self.shrinkage)}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises
        ------
        ValueError
            If values contradict each other.
        """
        inputs = tuple(
            InputColumn(**{**column, "categories": tuple(column["categories"])})
            for column in content["inputs"]
        )
        names = [column.name for column in inputs]
        if len(set(names)) != len(names):
            raise ValueError("two columns have the same name")
        weights = content.get("shrinkage")
        shrinkage = None if weights is None else Shrinkage(**weights)
        label, group = content["label"], content["group"]
        return cls(inputs, tuple(content["classes"]), label, group, shrinkage)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the content."""
        text = json.dumps(self.to_json(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def plain(columns: Sequence[Column], classes: Sequence[str]) -> Preprocessing:
    """Nothing but names: numbers go to the network as they are."""
    inputs = tuple(InputColumn(column.name) for column in columns)
    return Preprocessing(inputs, tuple(classes))
