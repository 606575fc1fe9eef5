"""Data sets of openml.org.

A feature that takes one of k named values becomes k features of 0 and 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import OpenmlDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.columns import (
    MAX_NUMBERS,
    MISSING,
    BadCells,
    column_error,
    number_classes,
    position_of,
    raw_dataset,
    refuse_to_drop,
    require_names,
)
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.errors import DataError, DownloadError


def load(config: OpenmlDataset) -> RawDataset:
    """Fetch a data set of openml.org, once; later it comes from the cache.

    Raises
    ------
    DownloadError
        If it cannot be fetched.
    DataError
        If there is no such data set, it is not a table with one class column, or values are
        missing: names the column and the first row.
    ConfigError
        If a column is named that does not exist.
    """
    identity = config.model_dump(
        include={"data_id", "data_name", "version", "label", "group", "columns"}
    )
    parsed = cache.get_or_build("openml", identity, [], lambda: _parse(config))
    return raw_dataset("openml", parsed, _name(config), config.many_classes)


def _name(config: OpenmlDataset) -> str:
    if config.data_id is not None:
        return f"OpenML data set {config.data_id}"
    version = "" if config.version is None else f" version {config.version}"
    return f"OpenML data set {config.data_name}{version}"


def _parse(config: OpenmlDataset) -> ParsedData:
    name = _name(config)
    bunch = _fetch(config, name)
    target = bunch.target
    if target is None or np.ndim(target) != 1:
        raise DataError(f"{name}: has no single class column; name one as dataset.label")
    data = _Data(name, bunch)
    label = str(bunch.target_names[0])
    group = None
    if config.group is not None:
        group = position_of(name, data.columns, config.group, "dataset.group")
    dropped = set()
    for column in config.columns.drop:
        if column in (label, config.group):
            refuse_to_drop(column, "label" if column == label else "group")
        dropped.add(position_of(name, data.columns, column, "dataset.columns.drop"))
    features = [i for i in range(len(data.columns)) if i != group and i not in dropped]
    require_names(name, data.columns, features, names_columns=True)
    labels = data.label_names(label, target.tolist())
    groups = None if group is None else data.names(group)
    x = _one_hot(data, features)
    if data.bad:
        raise DataError(data.bad.message(f"{name}: data row ", data.columns, features))
    names = [name for position in features for name in data.feature_names(position)]
    return number_classes(x, names, labels, groups, config.group, None, name)


class _Data:
    """The columns of a data set but for the label; what is missing in them is collected."""

    def __init__(self, name: str, bunch: Any) -> None:
        self.name = name
        self.columns: list[str] = list(bunch.feature_names)
        self.categories: dict[str, list[str]] = dict(bunch.categories or {})
        self.bad = BadCells()
        shape = bunch.data.shape
        if shape[0] * shape[1] > MAX_NUMBERS:
            raise DataError(f"{name}: {shape[0]:,} rows of {shape[1]:,} columns cannot be used")
        dense = bunch.data.toarray() if hasattr(bunch.data, "toarray") else bunch.data
        self.cells: NDArray[np.float64] = np.asarray(dense)

    def numbers(self, position: int) -> NDArray[np.float64]:
        """The numbers of a column; those of one with categories count these."""
        numbers: NDArray[np.float64] = self.cells[:, position]
        self._note_missing(position, self.columns[position], ~np.isfinite(numbers))
        return numbers

    def names(self, position: int) -> list[str]:
        """The values of a column in words."""
        categories = self.categories.get(self.columns[position])
        values = self.numbers(position).tolist()
        if categories is None:
            return [_text(value) for value in values]
        return ["" if value != value else categories[int(value)] for value in values]

    def feature_names(self, position: int) -> list[str]:
        """Names of the features that a column becomes."""
        column = self.columns[position]
        return [f"{column}={value}" for value in self.categories.get(column, ())] or [column]

    def label_names(self, label: str, values: Sequence[Any]) -> list[str]:
        """The labels in words."""
        missing = np.array([value is None or value != value for value in values])
        self._note_missing(len(self.columns), label, missing)
        return [_text(value) for value in values]

    def _note_missing(self, position: int, column: str, missing: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(missing)
        if len(rows):
            says = column_error(column, MISSING)
            self.bad.add(position, MISSING, int(rows[0]) + 1, says, len(rows))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _one_hot(data: _Data, features: Sequence[int]) -> NDArray[np.float64]:
    kinds = [data.categories.get(data.columns[position]) for position in features]
    rows, width = len(data.cells), sum(len(names or [""]) for names in kinds)
    if not features or width * rows > MAX_NUMBERS:
        raise DataError(f"{data.name}: {rows:,} rows of {width:,} features cannot be used")
    x = np.empty((rows, width))
    start = 0
    for position, names in zip(features, kinds, strict=True):
        values = data.numbers(position)[:, None]
        stop = start + len(names or [""])
        x[:, start:stop] = values == np.arange(len(names)) if names else values
        start = stop
    return x


def _fetch(config: OpenmlDataset, name: str) -> Any:
    target = "default-target" if config.label is None else config.label
    try:
        return _fetch_openml(config, target)
    except IndexError:  # what its parser makes of a named class that is missing
        raise DataError(_missing_labels(config, name)) from None
    except OSError as error:
        raise DownloadError(
            f"{name}: cannot be fetched: {error}; a table that is a text file needs no network, as "
            "dataset.name: csv"
        ) from None
    except Exception as error:  # its parser and its HTTP library each raise errors of their own
        raise DataError(f"{name}: {error}") from None


def _fetch_openml(config: OpenmlDataset, target: str | None) -> Any:
    from sklearn.datasets import fetch_openml

    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # What it says whenever something fails, before it tries again.
        warnings.filterwarnings("ignore", "Invalid cache")
        return fetch_openml(
            name=config.data_name,
            version="active" if config.version is None else config.version,
            data_id=config.data_id,
            target_column=target,
            data_home=str(cache.cache_folder() / "openml"),
            as_frame=False,
            parser="liac-arff",
        )


def _missing_labels(config: OpenmlDataset, name: str) -> str:
    """Say where the label is missing, which shows when it is read as one column of others."""
    bunch = _fetch_openml(config, None)
    label = config.label or bunch.details.get("default_target_attribute")
    if label not in bunch.feature_names:
        return f"{name}: the label is missing in some of its rows"
    data = _Data(name, bunch)
    data.numbers(data.columns.index(label))
    return data.bad.message(f"{name}: data row ", data.columns, ())


_OUTLINE = DatasetInfo(
    "openml",
    "any table of openml.org",
    "dataset.data_id or data_name; downloads on first use",
    available=False,
)


def _describe(config: OpenmlDataset) -> DatasetInfo:
    raw = load(config)
    return with_data(DatasetInfo("openml", "a table of openml.org", raw.source, True), raw)


KIND = DatasetKind(load, lambda: [_OUTLINE], _describe)
