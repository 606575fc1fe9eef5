"""A data set as an experiment asks for it: training, validation and test splits, scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.data.raw import RawDataset, Rows
from isolet_nn.data.scaling import Floats, Scaler, measure
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.errors import DataError


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
        scaler = measure(raw, train, one_scale=config.standardize == "global")
    if scaler is not None and len(scaler.mean) != raw.n_features:
        raise DataError(
            f"{raw.source}: found {raw.n_features} features, but the model was trained on "
            f"{len(scaler.mean)}"
        )
    return Dataset(
        name=raw.name,
        classes=raw.classes,
        train=_split(raw, train, scaler, dtype),
        validation=None if validation is None else _split(raw, validation, scaler, dtype),
        test=_split(raw, test, scaler, dtype),
        scaler=scaler,
        checksum=raw.checksum,
        group_name=raw.group_name,
    )


def _split(raw: RawDataset, rows: Rows, scaler: Scaler | None, dtype: DTypeLike) -> Split:
    """The split of `rows`; raises DataError if a number is too large for `dtype`."""
    # Block by block: a copy of all rows in float64 would double the memory.
    x = np.empty((len(rows), raw.n_features), dtype)
    start = 0
    for block in raw.blocks(rows):
        stop = start + len(block)
        with np.errstate(over="ignore"):
            if scaler is not None:
                scaler.apply(block)
            x[start:stop] = block
        if not np.isfinite(x[start:stop]).all():
            row, feature = np.argwhere(~np.isfinite(x[start:stop]))[0]
            scaled = None if scaler is None else float(block[row, feature])
            raise raw.error(rows[start + row], feature, _too_large(scaled, x.dtype))
        start = stop
    groups = None if raw.groups is None else raw.groups[rows]
    return Split(x, raw.y[rows], groups)


def _too_large(scaled: float | None, dtype: np.dtype[Any]) -> str:
    """What is wrong with a number that does not fit a number type, as it is or scaled."""
    found = "" if scaled is None else f"which is {scaled:.4g} once it is standardized, "
    remedies = [] if scaled is not None else ["dataset.standardize: true"]
    remedies += ["training.dtype: float64"] if dtype == np.float32 else []
    remedy = f"; {' or '.join(remedies)} has room for it" if remedies else ""
    return f"{found}too large for {dtype} numbers{remedy}"
