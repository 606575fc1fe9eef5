"""A table of numbers with a class for every row becomes training, validation and test splits.

Splits are drawn by rows (stratified by class) or by whole groups, such as speakers, and the
scaling of the features is measured on the training split alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.config.datasets import DatasetConfig, IsoletDataset, XorDataset
from isolet_nn.config.holdouts import (
    GroupFold,
    GroupHoldout,
    RowFold,
    RowHoldout,
    SpeakerFold,
    SpeakerHoldout,
)
from isolet_nn.errors import ConfigError, DataError
from isolet_nn.seeding import Stream, generator

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.int64]
Holdout = RowHoldout | SpeakerHoldout | GroupHoldout
Fold = RowFold | SpeakerFold | GroupFold

# Rows converted at a time: a block of 617 float64 features is 1.3 MB and stays in the cache.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set, ready for a network.

    Attributes
    ----------
    x
        (n, n_features) features, C-contiguous, in the training dtype, standardised if asked for.
    y
        (n,) class indices.
    groups
        (n,) speaker or group of each row; None where the data has none.
    """

    x: Floats
    y: NDArray[np.int64]
    groups: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Scaler:
    """Mean and standard deviation of every feature, as scikit-learn's StandardScaler has them.

    Attributes
    ----------
    mean
        (n_features,) mean.
    scale
        (n_features,) population standard deviation, 1 where a feature is constant; or the same
        number for all, the root mean square of their standard deviations. Not finite where
        squares of the values overflow, of which `make_dataset` makes an error.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, x: NDArray[Any]) -> Self:
        """Measure the rows of `x` (n, n_features), in float64 and without copying all of it."""
        return cls.fit_blocks(
            np.asarray(x[start : start + _BLOCK], dtype=np.float64)
            for start in range(0, len(x), _BLOCK)
        )

    @classmethod
    def fit_blocks(cls, blocks: Iterable[NDArray[np.float64]], *, one_scale: bool = False) -> Self:
        """Measure rows that come in blocks of shape (rows, n_features).

        With `one_scale` all features are divided by the same number, which keeps how much they
        vary in proportion to each other.

        Means and sums of squares of the blocks are merged pairwise (Chan, Golub and LeVeque,
        1979), which needs one pass and loses no digits to a large mean.

        Raises
        ------
        ValueError
            If there are no rows.
        """
        n = 0
        mean: Any = 0.0
        squares: Any = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for block in blocks:
                m = len(block)
                block_mean = block.mean(axis=0)
                centred = block - block_mean
                block_squares = np.einsum("ij,ij->j", centred, centred)
                delta = block_mean - mean
                squares = squares + block_squares + np.square(delta) * (n * m / (n + m))
                mean = mean + delta * (m / (n + m))
                n += m
            if n == 0:
                raise ValueError("cannot measure the scale of no rows")
            variance = squares / n
            if one_scale:
                common = float(np.sqrt(np.mean(variance)))
                return cls(mean, np.full_like(mean, common or 1.0))
            # A constant feature's variance is rounding noise; the bound is scikit-learn's.
            epsilon = np.finfo(np.float64).eps
            noise = n * epsilon * variance + np.square(n * mean * epsilon)
            constant = np.isfinite(variance) & (variance <= noise)
            return cls(mean, np.where(constant, 1.0, np.sqrt(variance)))

    def transform(self, x: NDArray[Any], dtype: DTypeLike) -> Floats:
        """(x - mean) / scale for `x` (n, n_features), computed in float64, as a `dtype` array."""
        out = np.empty(x.shape, dtype)
        for start in range(0, len(x), _BLOCK):
            block = np.array(x[start : start + _BLOCK], dtype=np.float64)
            self.apply(block)
            out[start : start + _BLOCK] = block
        return out

    def apply(self, x: NDArray[np.float64]) -> None:
        """Replace `x` (n, n_features) by (x - mean) / scale."""
        x -= self.mean
        x /= self.scale


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
    groups
        (n,) speaker or group of each row; None where the data has none.
    group_name
        What a group is ("speaker", or the name of its column).
    test_rows
        Rows of the test part where the source fixes one, else None.
    checksum
        SHA-256 of the content in the order it was read: equal checksums train equal networks.
    source
        Where the data lies, for people.
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
    groups: NDArray[np.int64] | None
    group_name: str | None
    test_rows: Rows | None
    checksum: str
    source: str
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
        for start in range(0, len(rows), _BLOCK):
            yield self.values(rows[start : start + _BLOCK])

    def split(self, rows: Rows, scaler: Scaler | None, dtype: DTypeLike) -> Split:
        """Make a split of `rows` with features in `dtype`, scaled if a scaler is given.

        Raises
        ------
        DataError
            If a number is too large for `dtype`.
        """
        x = np.empty((len(rows), self.n_features), dtype)
        start = 0
        for block in self.blocks(rows):
            stop = start + len(block)
            with np.errstate(over="ignore"):
                if scaler is not None:
                    scaler.apply(block)
                x[start:stop] = block
            if not np.isfinite(x[start:stop]).all():
                row, feature = np.argwhere(~np.isfinite(x[start:stop]))[0]
                scaled = None if scaler is None else float(block[row, feature])
                self._refuse(rows[start + row], feature, _too_large(scaled, x.dtype))
            start = stop
        groups = None if self.groups is None else self.groups[rows]
        return Split(x, self.y[rows], groups)

    def require_finite(self, scaler: Scaler, rows: Rows) -> None:
        """Refuse a scaling, measured on `rows`, that overflowed.

        Raises
        ------
        DataError
            Naming the largest number that is to blame.
        """
        overflowed = ~(np.isfinite(scaler.mean) & np.isfinite(scaler.scale))
        if overflowed.any():
            sizes = np.where(overflowed, np.abs(self.values(rows)), -1.0)
            row, feature = np.unravel_index(sizes.argmax(), sizes.shape)
            self._refuse(
                rows[row], feature, "too large to standardize: the sum of squares overflows"
            )

    def _refuse(self, row: np.integer[Any], feature: np.integer[Any], problem: str) -> NoReturn:
        value = float(self.values(np.array([row]))[0, feature])
        part, number = "", int(row)
        if self.test_rows is not None and row in self.test_rows and self.train_rows is None:
            part, number = " of the test part", int(np.searchsorted(self.test_rows, row))
        column = f"feature {feature + 1}"
        if self.feature_names is not None:
            column = f"column {self.feature_names[feature]!r}"
        raise DataError(
            f"{self.source}: row {number + 1}{part}: {column}: found {value!r}, {problem}"
        )


def _too_large(scaled: float | None, dtype: np.dtype[Any]) -> str:
    """What is wrong with a number that does not fit a number type, as it is or scaled."""
    found = "" if scaled is None else f"which is {scaled:.4g} once it is standardized, "
    remedies = [] if scaled is not None else ["dataset.standardize: true"]
    remedies += ["training.dtype: float64"] if dtype == np.float32 else []
    remedy = f"; {' or '.join(remedies)} has room for it" if remedies else ""
    return f"{found}too large for {dtype} numbers{remedy}"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set split and scaled, as an experiment asks for it.

    Attributes
    ----------
    name
        Name of the data set.
    classes
        Names of the classes, by index.
    train, validation, test
        The splits; validation is None where none was asked for.
    scaler
        What the features were scaled with; None if they were not.
    checksum
        Checksum of the data the splits come from.
    group_name
        What a group is ("speaker", or the name of its column); None where there are none.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split | None
    test: Split
    scaler: Scaler | None
    checksum: str
    group_name: str | None

    @property
    def n_features(self) -> int:
        """Number of features."""
        return int(self.train.x.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


def split_rows(
    y: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Draw a share of the rows of every class.

    Parameters
    ----------
    y
        (n,) class indices; a class that occurs at all must occur twice.
    fraction
        Share to hold out, between 0 and 1. Each class gives its share rounded to the nearest
        row, but at least one row and never all.

    Returns
    -------
    kept, held
        Ascending row numbers; together all rows.

    Raises
    ------
    ValueError
        If a class has a single row, or there are no rows.
    """
    held = [_draw(np.flatnonzero(y == label), fraction, rng) for label in np.unique(y)]
    return _two_parts(len(y), np.concatenate(held) if held else np.arange(0))


def split_groups(
    groups: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Draw a share of the groups, with all their rows.

    Parameters
    ----------
    groups
        (n,) group of each row; at least two different ones.
    fraction
        Share of the groups to hold out, rounded to the nearest group, but at least one and
        never all.

    Returns
    -------
    kept, held
        Ascending row numbers; together all rows. No group is in both.

    Raises
    ------
    ValueError
        If there are fewer than two groups.
    """
    held = _draw(np.unique(groups), fraction, rng)
    return _two_parts(len(groups), np.flatnonzero(np.isin(groups, held)))


def folds_of_rows(y: NDArray[np.int64], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Divide the rows of every class evenly among folds.

    Parameters
    ----------
    y
        (n,) class indices.
    folds
        Number of folds, at most n.

    Returns
    -------
    The fold (n,) of each row, 0 .. folds - 1. The rows of a class, and all rows, are as many in
    each fold, up to one.

    Raises
    ------
    ValueError
        If there are fewer rows than folds.
    """
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    fold = np.empty(len(y), np.int64)
    # Dealt out like cards, the next class beginning where the last one ended.
    fold[by_class] = np.arange(len(y)) % _at_most(folds, len(y))
    return fold


def folds_of_groups(
    groups: NDArray[np.int64], folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Divide groups among folds, so that all have about as many rows.

    Groups in random order, the larger ones first, each join the fold with the fewest rows so far
    (R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM Journal on Applied
    Mathematics 17 (1969) 416-429). Where groups are of one size, so are folds, up to one group.

    Parameters
    ----------
    groups
        (n,) group of each row.
    folds
        Number of folds, at most the number of different groups.

    Returns
    -------
    The fold (n,) of each row, 0 .. folds - 1. All rows of a group are in the same one.

    Raises
    ------
    ValueError
        If there are fewer groups than folds.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    rows = np.zeros(_at_most(folds, len(sizes)), np.int64)
    fold_of_group = np.empty(len(sizes), np.int64)
    shuffled = rng.permutation(len(sizes))
    for number in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of_group[number] = rows.argmin()
        rows[fold_of_group[number]] += sizes[number]
    return fold_of_group[group]


def _at_most(folds: int, members: int) -> int:
    if members < folds:
        raise ValueError(f"cannot divide {members} members among {folds} folds")
    return folds


def _draw(
    members: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    if len(members) < 2:
        raise ValueError("cannot divide fewer than two members between two parts")
    count = min(max(1, round(len(members) * fraction)), len(members) - 1)
    return rng.permutation(members)[:count]


def _two_parts(n: int, held: NDArray[np.int64]) -> tuple[Rows, Rows]:
    is_held = np.zeros(n, dtype=bool)
    is_held[held] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def make_dataset(
    raw: RawDataset, config: DatasetConfig, seed: int, dtype: DTypeLike, scaler: Scaler | None
) -> Dataset:
    """Split and scale a data set as `config` says.

    Parameters
    ----------
    seed
        Seed of the splits where the config has no ``split_seed``.
    scaler
        Used as it is if given (a stored model brings its own), else fitted on the training part.

    Raises
    ------
    ConfigError
        If the config asks for groups and the data has none.
    DataError
        If there are too few rows or groups, if a number is too large to be scaled or for `dtype`,
        or if the scaler is for another number of features.
    """
    train, validation, test = rows_of_splits(raw, config, seed)
    if scaler is None and config.standardize:
        one_scale = config.standardize == "global"
        scaler = Scaler.fit_blocks(raw.blocks(train), one_scale=one_scale)
        raw.require_finite(scaler, train)
    if scaler is not None and len(scaler.mean) != raw.n_features:
        raise DataError(
            f"{raw.source}: found {raw.n_features} features, but the model was trained on "
            f"{len(scaler.mean)}"
        )
    return Dataset(
        name=raw.name,
        classes=raw.classes,
        train=raw.split(train, scaler, dtype),
        validation=None if validation is None else raw.split(validation, scaler, dtype),
        test=raw.split(test, scaler, dtype),
        scaler=scaler,
        checksum=raw.checksum,
        group_name=raw.group_name,
    )


def rows_of_splits(
    raw: RawDataset, config: DatasetConfig, seed: int
) -> tuple[Rows, Rows | None, Rows]:
    """Row numbers of the training, validation and test splits; raises as `make_dataset`."""
    if not isinstance(config, XorDataset) and config.split_seed is not None:
        seed = config.split_seed
    rows = np.arange(len(raw.y))
    if raw.test_rows is not None:
        test = raw.test_rows
        train = _two_parts(len(rows), test)[0] if raw.train_rows is None else raw.train_rows
    else:
        assert not isinstance(config, (IsoletDataset, XorDataset))
        train, test = _hold_out(raw, rows, config.test, seed, "test")
    match config.validation:
        case str():
            return train, None, test
        case RowFold() | SpeakerFold() | GroupFold():
            train, validation = _hold_out_fold(raw, train, config.validation, seed)
        case _:
            train, validation = _hold_out(raw, train, config.validation, seed, "validation")
    return train, validation, test


def _hold_out(
    raw: RawDataset, rows: Rows, holdout: Holdout, seed: int, part: str
) -> tuple[Rows, Rows]:
    """Divide `rows` of a data set; errors speak of the key ``dataset.<part>``."""
    # A stream for each part, so that asking for a validation split does not move the test split.
    rng = generator(seed, Stream.TEST_SPLIT if part == "test" else Stream.VALIDATION_SPLIT)
    if holdout.by == "rows":
        _require_two_rows_a_class(raw, rows, part)
        kept, held = split_rows(raw.y[rows], holdout.fraction, rng)
        return rows[kept], rows[held]
    groups = _groups_of(raw, rows, holdout, part)
    kept, held = split_groups(groups, holdout.fraction, rng)
    _require_all_classes(raw, rows, kept, holdout, part)
    return rows[kept], rows[held]


def _hold_out_fold(raw: RawDataset, rows: Rows, fold: Fold, seed: int) -> tuple[Rows, Rows]:
    """Divide `rows` of a data set into a fold and all others."""
    rng = generator(seed, Stream.FOLDS)
    part = "validation"
    if fold.by == "rows":
        _require_two_rows_a_class(raw, rows, part)
        _require_enough(raw, len(rows), "row", fold)
        folds = folds_of_rows(raw.y[rows], fold.folds, rng)
    else:
        groups = _groups_of(raw, rows, fold, part)
        _require_enough(raw, len(np.unique(groups)), fold.by, fold)
        folds = folds_of_groups(groups, fold.folds, rng)
    kept, held = _two_parts(len(rows), np.flatnonzero(folds == fold.fold))
    _require_all_classes(raw, rows, kept, fold, part)
    return rows[kept], rows[held]


def _require_enough(raw: RawDataset, members: int, name: str, fold: Fold) -> None:
    if members < fold.folds:
        raise DataError(
            f"dataset.validation.folds: found {fold.folds}, but the training part of "
            f"{raw.source} has only {members} {name}s to divide among them"
        )


def _require_all_classes(
    raw: RawDataset, rows: Rows, kept: Rows, holdout: Holdout | Fold, part: str
) -> None:
    """Refuse a division that leaves a class without a row to train on."""
    lost = np.setdiff1d(raw.y[rows], raw.y[rows[kept]])
    if len(lost):
        remedy = "more folds" if isinstance(holdout, Fold) else "a smaller fraction"
        raise DataError(
            f"dataset.{part}: no row of class {_names(raw, lost)} is left to train on, all are "
            f"of {holdout.by}s held out; choose {remedy} or another dataset.split_seed"
        )


def _require_two_rows_a_class(raw: RawDataset, rows: Rows, part: str) -> None:
    counts = np.bincount(raw.y[rows], minlength=len(raw.classes))
    scarce = np.flatnonzero(counts < 2)
    if len(scarce):
        raise DataError(
            f"dataset.{part}: too few rows of class {_names(raw, scarce)} in {raw.source}: a "
            f"split by rows needs two of every class, one to train on and one to hold out "
            f"(found {counts.min()} among {len(rows)} rows)"
        )


def _groups_of(
    raw: RawDataset, rows: Rows, holdout: Holdout | Fold, part: str
) -> NDArray[np.int64]:
    if raw.groups is None:
        remedy = "set dataset.group" if holdout.by == "group" else "use by: rows"
        raise ConfigError(
            f"dataset.{part}.by: found {holdout.by}, but {raw.source} has no {holdout.by}s that "
            f"can be told apart; {remedy}"
        )
    groups = raw.groups[rows]
    if len(np.unique(groups)) < 2:
        raise DataError(
            f"dataset.{part}: only one {raw.group_name} is left in {raw.source}; holding out "
            f"by {holdout.by} needs two"
        )
    return groups


def _names(raw: RawDataset, labels: NDArray[np.int64]) -> str:
    names = [raw.classes[label] for label in labels[:5]]
    return ", ".join(names) + (", ..." if len(labels) > 5 else "")
