"""A data set as an experiment asks for it: training, validation and test splits, preprocessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.data.adaptation import known_parts, random_parts, rows_by_group
from isolet_nn.data.columns import MAX_NUMBERS
from isolet_nn.data.fitting import fit, groups_to_adapt_to, require_usable
from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.data.raw import BLOCK, RawDataset, Rows
from isolet_nn.data.scaling import Floats
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.data.table import listing
from isolet_nn.errors import DataError
from isolet_nn.seeding import Stream, generator

Part: TypeAlias = tuple[Rows, Rows]
"""Places of rows that are measured, and of those that are standardised by what was measured."""


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
    varied
        The training part several times, one after another, each time standardised by random parts
        of the groups' rows: what is learned from instead of `train`, which is standardised by all.
        None where it is learned from itself.
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
    varied: Split | None = None

    @property
    def learned_from(self) -> Split:
        """What steps are taken on: the training part, or several copies of it that differ."""
        return self.train if self.varied is None else self.varied

    @property
    def copies(self) -> int:
        """How often each training row is in `learned_from`."""
        return 1 if self.varied is None else len(self.varied) // len(self.train)

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
    varied = _subsets_of_groups(raw, train, config, seed) if preprocessing is None else []
    if preprocessing is None:
        preprocessing = fit(raw, train, config)
    _require_width(raw, preprocessing, len(train) * len(varied))
    make = partial(_split, raw, preprocessing=preprocessing, dtype=dtype)

    def split(rows: Rows) -> Split:
        if config.by_group is None:
            return make(rows)
        groups = rows_by_group(groups_to_adapt_to(raw, rows, config))
        return make(rows, parts=[(places, places) for places in groups])

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
        varied=_joined([make(train, parts=parts) for parts in varied]) if varied else None,
    )


def split_by_known_rows(
    raw: RawDataset,
    rows: Rows,
    config: DatasetConfig,
    preprocessing: Preprocessing,
    dtype: DTypeLike,
    known: int,
    rng: np.random.Generator,
) -> Split:
    """Rows standardised each by `known` rows of its group, itself among them, drawn at random.

    By all of its group where that has no more. Raises as `make_dataset`.
    """
    groups = rows_by_group(groups_to_adapt_to(raw, rows, config))
    parts = [part for places in groups for part in known_parts(places, known, rng)]
    return _split(raw, rows, preprocessing=preprocessing, dtype=dtype, parts=parts)


def _subsets_of_groups(
    raw: RawDataset, rows: Rows, config: DatasetConfig, seed: int
) -> list[list[Part]]:
    """For each copy of the training rows: which rows of a group are standardised together."""
    if config.by_group is None or config.by_group.subset is None:
        return []
    seed = seed if config.split_seed is None else config.split_seed
    groups = list(rows_by_group(groups_to_adapt_to(raw, rows, config)))
    copies = []
    for copy in range(config.by_group.copies):
        rng = generator(seed, Stream.SUBSETS, copy)
        drawn = [random_parts(places, config.by_group.subset, rng) for places in groups]
        copies.append([(part, part) for parts in drawn for part in parts])
    return copies


def _joined(copies: Sequence[Split]) -> Split:
    x = np.concatenate([copy.x for copy in copies])
    groups = None if copies[0].groups is None else np.tile(copies[0].groups, len(copies))
    return Split(x, np.tile(copies[0].y, len(copies)), groups)


def _require_width(raw: RawDataset, preprocessing: Preprocessing, varied: int) -> None:
    """Refuse features of 0 and 1, or copies of rows, that fill the memory, before they do."""
    most = max(MAX_NUMBERS, raw.stored.size)
    if len(raw.y) * preprocessing.n_features > most:
        widest = max(preprocessing.inputs, key=lambda column: len(column.categories))
        raise DataError(
            f"{raw.source}: {len(raw.y):,} rows of {preprocessing.n_features:,} features are more "
            f"than {MAX_NUMBERS:,} numbers; column {widest.name!r} alone becomes "
            f"{len(widest.feature_names):,} features, one a category; put rare ones together with "
            "dataset.columns.min_frequency, or leave it out with "
            f"dataset.columns: {{drop: [{listing([widest.name])}]}}"
        )
    if varied * preprocessing.n_features > most:
        raise DataError(
            f"{raw.source}: {varied:,} rows in all copies, of {preprocessing.n_features:,} "
            f"features, are more than {MAX_NUMBERS:,} numbers; set a smaller "
            "dataset.standardize.copies"
        )


def _split(
    raw: RawDataset,
    rows: Rows,
    *,
    preprocessing: Preprocessing,
    dtype: DTypeLike,
    parts: Sequence[Part] | None = None,
) -> Split:
    """The split of `rows`; raises DataError if a number is too large for `dtype`.

    `parts` are places among `rows`: those that are measured, and those that are standardised by
    these. None where the preprocessing standardises all alike.
    """
    # Block by block: a copy of all rows in float64 would double the memory.
    x = np.empty((len(rows), preprocessing.n_features), dtype)
    read = preprocessing.reader(raw.columns, raw.source)
    if parts is None:
        start = 0
        for block in raw.blocks(rows):
            stop = start + len(block)
            preprocessing.transform_block(read(block), x[start:stop])
            _require_finite(raw, rows[start:stop], preprocessing, x[start:stop])
            start = stop
    for measured, places in parts or ():
        scaler = preprocessing.group_scaler(map(read, raw.blocks(rows[measured])))
        if scaler is not None:
            require_usable(raw, rows[measured], preprocessing, scaler)
        for start in range(0, len(places), BLOCK):
            some = places[start : start + BLOCK]
            out = np.empty((len(some), preprocessing.n_features), dtype)
            preprocessing.transform_block(read(raw.values(rows[some])), out, scaler)
            _require_finite(raw, rows[some], preprocessing, out)
            x[some] = out
    groups = None if raw.groups is None else raw.groups[rows]
    return Split(x, raw.y[rows], groups)


def _require_finite(raw: RawDataset, rows: Rows, preprocessing: Preprocessing, x: Floats) -> None:
    if not np.isfinite(x).all():
        row, feature = np.argwhere(~np.isfinite(x))[0]
        _refuse(raw, rows[row], preprocessing, int(feature), x.dtype)


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
