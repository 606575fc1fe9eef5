"""A data set as an experiment asks for it: training, validation and test splits, preprocessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.data.columns import MAX_NUMBERS
from isolet_nn.data.fitting import fit
from isolet_nn.data.preprocessing import CellReader, Preprocessing
from isolet_nn.data.raw import RawDataset, Rows
from isolet_nn.data.scaling import Floats
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.data.table import listing
from isolet_nn.errors import DataError


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set, ready for a network.

    Attributes
    ----------
    x
        (n, n_features) inputs of the network, C-contiguous, in the training dtype.
        A training part that was given to the estimator may be sparse (CSR): backends make dense
        what they take a step on.
    y
        (n,) class indices.
    groups
        (n,) speaker or group of each row; None where the data has none.
    weights
        (n,) how much each row counts, above 0; None where all count the same.
    """

    x: Floats
    y: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set split and preprocessed, as an experiment asks for it.

    Attributes
    ----------
    name
        Name of the data set.
    classes
        Names of the classes, by index.
    train, validation, test
        The splits; validation is None where none was asked for.
    preprocessing
        What made the network's inputs of the cells.
    checksum
        Checksum of the data the splits come from.
    group_name
        What a group is ("speaker", or the name of its column); None where there are none.
    group_names
        Names of the groups, by number; None where their numbers are all there is.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split | None
    test: Split
    preprocessing: Preprocessing
    checksum: str
    group_name: str | None
    group_names: tuple[str, ...] | None = None

    @property
    def n_features(self) -> int:
        """Number of the network's inputs."""
        return int(self.train.x.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


def make_dataset(
    raw: RawDataset,
    config: DatasetConfig,
    seed: int,
    dtype: DTypeLike,
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Split and preprocess a data set as `config` says.

    Parameters
    ----------
    seed
        Seed of the splits where the config has no ``split_seed``.
    preprocessing
        Used as it is if given (a stored model brings its own), else fitted on the training part.

    Raises
    ------
    ConfigError
        If the config asks for groups and the data has none.
    DataError
        If there are too few rows or groups, if a number is too large to be scaled or for `dtype`,
        or if the preprocessing asks for columns that are not there.
    """
    train, validation, test = rows_of_splits(raw, config, seed)
    if preprocessing is None:
        preprocessing = fit(raw, train, config)
    _require_width(raw, preprocessing)
    cells = preprocessing.reader(raw.columns, raw.source)

    def split(rows: Rows) -> Split:
        return _split(raw, rows, preprocessing, cells, dtype)

    return Dataset(
        name=raw.name,
        classes=raw.classes,
        train=split(train),
        validation=None if validation is None else split(validation),
        test=split(test),
        preprocessing=preprocessing,
        checksum=raw.checksum,
        group_name=raw.group_name,
        group_names=raw.group_names,
    )


def _require_width(raw: RawDataset, preprocessing: Preprocessing) -> None:
    """Refuse features of 0 and 1 that fill the memory, before they do."""
    if len(raw.y) * preprocessing.n_features > max(MAX_NUMBERS, raw.stored.size):
        widest = max(preprocessing.inputs, key=lambda column: len(column.categories))
        raise DataError(
            f"{raw.source}: {len(raw.y):,} rows of {preprocessing.n_features:,} features are more "
            f"than {MAX_NUMBERS:,} numbers; column {widest.name!r} alone becomes "
            f"{len(widest.feature_names):,} features, one a category; put rare ones together with "
            "dataset.columns.min_frequency, or leave it out with "
            f"dataset.columns: {{drop: [{listing([widest.name])}]}}"
        )


def _split(
    raw: RawDataset, rows: Rows, preprocessing: Preprocessing, read: CellReader, dtype: DTypeLike
) -> Split:
    """The split of `rows`; raises DataError if a number is too large for `dtype`."""
    # Block by block: a copy of all rows in float64 would double the memory.
    x = np.empty((len(rows), preprocessing.n_features), dtype)
    start = 0
    for block in raw.blocks(rows):
        stop = start + len(block)
        preprocessing.transform_block(read(block), x[start:stop])
        if not np.isfinite(x[start:stop]).all():
            row, feature = np.argwhere(~np.isfinite(x[start:stop]))[0]
            _refuse(raw, rows[start + row], preprocessing, int(feature), x.dtype)
        start = stop
    groups = None if raw.groups is None else raw.groups[rows]
    return Split(x, raw.y[rows], groups)


def _refuse(
    raw: RawDataset,
    row: np.integer[Any],
    preprocessing: Preprocessing,
    feature: int,
    dtype: np.dtype[Any],
) -> NoReturn:
    """Say what is wrong with a cell of which no finite number can be made."""
    column = preprocessing.column_of(feature)
    position = raw.feature_names.index(column.name)
    value = float(raw.values(np.array([row]))[0, position])
    if np.isnan(value):
        raise raw.error(row, position, "so the value is missing; set dataset.missing to fill it in")
    scaled = None
    if column.mean is not None and column.scale is not None:
        with np.errstate(over="ignore"):
            scaled = float((np.float64(value) - column.mean) / column.scale)
    raise raw.error(row, position, _too_large(scaled, dtype))


def _too_large(scaled: float | None, dtype: np.dtype[Any]) -> str:
    """What is wrong with a number that does not fit a number type, as it is or scaled."""
    found = "" if scaled is None else f"which is {scaled:.4g} once it is standardized, "
    remedies = [] if scaled is not None else ["dataset.standardize: true"]
    remedies += ["training.dtype: float64"] if dtype == np.float32 else []
    remedy = f"; {' or '.join(remedies)} has room for it" if remedies else ""
    return f"{found}too large for {dtype} numbers{remedy}"
