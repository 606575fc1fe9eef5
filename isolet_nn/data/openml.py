"""Data sets of openml.org.

Which columns are numbers and which are categories is what they are declared as.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import OpenmlDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.categories import require_categories
from isolet_nn.data.columns import (
    COLUMN_USES,
    MAX_NUMBERS,
    MISSING,
    BadCells,
    ColumnUse,
    Gaps,
    Names,
    column_error,
    number_classes,
    position_of,
    raw_dataset,
    refuse_bad_cells,
    refuse_to_use,
    require_names,
)
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import Column, Table, in_order
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
        include={"data_id", "data_name", "version", "label", "group", "columns"},
        exclude={"columns": {"min_frequency"}},
    )
    parsed = cache.get_or_build("openml", identity, [], lambda: _parse(config))
    name = _name(config)
    return raw_dataset(config, parsed, name, [f"{name}: data row "])


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
    uses = _uses(config, data.columns, name, label)
    features = [i for i in range(len(data.columns)) if i != group and uses.get(i) != "drop"]
    if not features:
        raise DataError(f"{name}: found no features")
    require_names(name, data.columns, features, names_columns=True)
    labels = Names(label, data.label_names(label, target.tolist()))
    groups = None if group is None else Names(data.columns[group], data.names(group))
    table = Table(
        tuple(data.column(position, uses.get(position)) for position in features),
        np.ascontiguousarray(data.cells[:, features]),
    )
    gaps = data.bad.gaps(features)
    refuse_bad_cells(data.bad, gaps, config, f"{name}: data row ", data.columns, features)
    require_categories(name, table.columns, len(table), config.columns.categorical)
    return number_classes(table, labels, groups, Gaps([gaps], data.columns, features), None, name)


def _uses(
    config: OpenmlDataset, columns: Sequence[str], name: str, label: str
) -> dict[int, ColumnUse]:
    """What the config says is made of columns, by position."""
    uses: dict[int, ColumnUse] = {}
    for use in COLUMN_USES:
        for column in getattr(config.columns, use):
            if column in (label, config.group):
                refuse_to_use(use, column, "label" if column == label else "group")
            uses[position_of(name, columns, column, f"dataset.columns.{use}")] = use
    return uses


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
        self.cells: NDArray[np.float64] = np.array(dense, dtype=np.float64)

    def column(self, position: int, use: ColumnUse | None) -> Column:
        """What a column is, or is made where that is asked for."""
        name = self.columns[position]
        categories = self.categories.get(name)
        if use == "categorical" and categories is None:
            names = self.names(position)
            categories = in_order(name for name in names if name)
            places: dict[str, float] = {name: place for place, name in enumerate(categories)}
            self.cells[:, position] = [places.get(name, np.nan) for name in names]
        elif use == "numeric" and categories is not None:
            self._make_numbers(position, categories)
            categories = None
        else:
            self.numbers(position)
        if categories is None:
            return Column(name)
        return Column(name, "categorical", tuple(categories))

    def _make_numbers(self, position: int, categories: Sequence[str]) -> None:
        """Replace the names in a column by the numbers that they are."""
        codes = self.numbers(position)
        numbers = np.full(len(codes), np.nan)
        for code, category in enumerate(categories):
            rows = np.flatnonzero(codes == code)
            with contextlib.suppress(ValueError):
                numbers[rows] = float(category)
            if len(rows) and not np.isfinite(numbers[rows[0]]):
                says = f"found {category!r}, expected a finite number"
                says = column_error(self.columns[position], says)
                self.bad.add(position, "number", int(rows[0]) + 1, says, len(rows))
        self.cells[:, position] = numbers

    def numbers(self, position: int) -> NDArray[np.float64]:
        """The numbers of a column; those of one with categories count these."""
        numbers: NDArray[np.float64] = self.cells[:, position]
        self._note_missing(position, self.columns[position], ~np.isfinite(numbers))
        return numbers

    def names(self, position: int) -> list[str]:
        """The values of a column in words; missing ones are empty."""
        categories = self.categories.get(self.columns[position])
        values = self.numbers(position).tolist()
        if categories is None:
            return ["" if value != value else _text(value) for value in values]
        return ["" if value != value else categories[int(value)] for value in values]

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
