"""Learning of the training rows how cells become the network's inputs.

What fills missing cells is SimpleImputer's, which categories there are is OneHotEncoder's; means
and deviations are StandardScaler's numbers, measured in blocks (`scaling`), as a copy of a large
table would not fit beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.columns import ConstantCategory, ConstantNumber, MissingByKind
from isolet_nn.config.datasets import DatasetConfig, TableDataset
from isolet_nn.data.adaptation import Shrinkage, rows_by_group
from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.data.raw import RawDataset, Rows
from isolet_nn.data.scaling import Moments, Scaler
from isolet_nn.data.table import Column, listing
from isolet_nn.errors import ConfigError, DataError


def fit(raw: RawDataset, rows: Rows, config: DatasetConfig) -> Preprocessing:
    """What `config` says is to be learned, learned of `rows` alone.

    Raises
    ------
    DataError
        If a number is too large to be standardised, a cell is missing and nothing is to take its
        place, or a column has no cell to learn from.
    ConfigError
        If groups are to be standardised by their own rows and the data has none.
    """
    how, indicators, min_frequency = MissingByKind(), False, 1
    if isinstance(config, TableDataset):
        how, indicators = config.filling, config.missing_indicator
        min_frequency = config.columns.min_frequency
    inputs = []
    for i, column in enumerate(raw.columns):
        fills = how.numeric if column.kind == "numeric" else how.categorical
        if column.kind == "numeric" and fills == "error":
            inputs.append(InputColumn(column.name))
            continue
        cells = raw.values(rows, i)
        if column.kind == "numeric":
            learned = _of_numbers(raw, column, cells, how)
        else:
            learned = _of_categories(raw, column, cells, how, min_frequency)
        is_indicated = indicators and fills != "error" and bool(np.isnan(cells).any())
        inputs.append(replace(learned, indicator=is_indicated))
    fitted = Preprocessing(tuple(inputs), raw.classes, raw.label, raw.group_name)
    if not config.standardize or not len(fitted.numeric):
        return fitted
    scaler = _measure(raw, rows, fitted, config)
    for i, mean, scale in zip(
        fitted.numeric, scaler.mean.tolist(), scaler.scale.tolist(), strict=True
    ):
        inputs[i] = replace(inputs[i], mean=mean, scale=scale)
    shrinkage = None
    if config.by_group is not None:
        weights = config.by_group.weights
        shrinkage = Shrinkage(weights.mean, weights.deviation)
    return replace(fitted, inputs=tuple(inputs), shrinkage=shrinkage)


def _of_numbers(
    raw: RawDataset, column: Column, cells: NDArray[np.float64], how: MissingByKind
) -> InputColumn:
    from sklearn.impute import SimpleImputer

    if isinstance(how.numeric, ConstantNumber):
        return InputColumn(column.name, fill=how.numeric.constant)
    _require_cells(raw, column, cells, "{constant: 0}")
    with np.errstate(over="ignore", invalid="ignore"):
        fill = float(SimpleImputer(strategy=how.numeric).fit(cells[:, None]).statistics_[0])
    if not np.isfinite(fill):
        raise DataError(
            f"{raw.source}: column {column.name!r}: its numbers are too large for a {how.numeric}; "
            "set dataset.missing: most_frequent"
        )
    return InputColumn(column.name, fill=fill)


def _of_categories(
    raw: RawDataset,
    column: Column,
    codes: NDArray[np.float64],
    how: MissingByKind,
    min_frequency: int,
) -> InputColumn:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    categories, fill = list(column.categories), None
    if how.categorical == "error":
        if np.isnan(codes).any():
            _refuse_missing(raw, column)
    else:
        if isinstance(how.categorical, ConstantCategory):
            constant = how.categorical.constant
            categories += [] if constant in categories else [constant]
            imputer = SimpleImputer(strategy="constant", fill_value=categories.index(constant))
        else:
            _require_cells(raw, column, codes, "{categorical: {constant: unknown}}")
            imputer = SimpleImputer(strategy="most_frequent")
        imputer.set_params(keep_empty_features=True)
        codes = imputer.fit_transform(codes[:, None])[:, 0]
        fill = float(imputer.statistics_[0])
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=min_frequency)
    encoder.fit(codes[:, None])
    rare = encoder.infrequent_categories_[0]
    rare_codes = set() if rare is None else {int(code) for code in rare}
    kept = [int(code) for code in encoder.categories_[0] if int(code) not in rare_codes]
    place = {code: place for place, code in enumerate(kept)}
    return InputColumn(
        column.name,
        "categorical",
        tuple(categories[code] for code in kept),
        other=bool(rare_codes),
        fill=None if fill is None else float(place.get(int(fill), -1)),
    )


def _require_cells(
    raw: RawDataset, column: Column, cells: NDArray[np.float64], remedy: str
) -> None:
    if np.isnan(cells).all():
        raise DataError(
            f"{raw.source}: column {column.name!r}: the value is missing in all {len(cells):,} "
            "training rows, so nothing can be learned to fill it in; leave it out with "
            f"dataset.columns: {{drop: [{listing([column.name])}]}}, or set "
            f"dataset.missing: {remedy}"
        )


def _refuse_missing(raw: RawDataset, column: Column) -> NoReturn:
    raise DataError(
        f"{raw.source}: column {column.name!r}: a value is missing; dataset.missing says what is "
        "to take its place"
    )


def _measure(raw: RawDataset, rows: Rows, fitted: Preprocessing, config: DatasetConfig) -> Scaler:
    """The scaling of the numbers of some rows; raises DataError where their squares overflow."""
    read = fitted.reader(raw.columns, raw.source)
    if config.by_group is not None:
        scaler = _within_groups(
            fitted.moments(map(read, raw.blocks(rows[places])))
            for places in rows_by_group(groups_to_adapt_to(raw, rows, config))
        )
    else:
        moments = fitted.moments(map(read, raw.blocks(rows)))
        scaler = Scaler.of(moments, one_scale=config.standardize == "global")
    require_usable(raw, rows, fitted, scaler)
    return scaler


def require_usable(raw: RawDataset, rows: Rows, fitted: Preprocessing, scaler: Scaler) -> None:
    """Refuse what was measured of some rows where their squares overflow, with DataError."""
    unusable = ~(np.isfinite(scaler.mean) & np.isfinite(scaler.scale))
    if unusable.any():
        cells = fitted.reader(raw.columns, raw.source)(raw.values(rows))
        fitted.fill(cells)
        values = fitted.numbers(cells)
        if np.isnan(values).any():
            _, column = np.argwhere(np.isnan(values))[0]
            _refuse_missing(raw, raw.columns[fitted.numeric[column]])
        sizes = np.where(unusable, np.abs(values), -1.0)  # the largest number is to blame
        row, column = np.unravel_index(sizes.argmax(), sizes.shape)
        raise raw.error(
            rows[row],
            fitted.numeric[column],
            "too large to standardize: the sum of squares overflows",
        )


def _within_groups(groups: Iterable[Moments]) -> Scaler:
    """Mean of all rows, and deviation within their groups; of all where each has one row."""
    moments = list(groups)
    n = sum(group.n for group in moments)
    shares = np.array([group.n / n for group in moments])[:, np.newaxis]
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.array([group.mean for group in moments])
        mean = np.sum(shares * means, axis=0)
        within = np.sum(shares * np.array([group.variance for group in moments]), axis=0)
        if n > len(moments):
            variance = within * (n / (n - len(moments)))
        else:
            variance = np.sum(shares * np.square(means - mean), axis=0)
        constant = Moments(n, mean, variance).is_constant
        return Scaler(mean, np.where(constant, 1.0, np.sqrt(variance)))


def groups_to_adapt_to(raw: RawDataset, rows: Rows, config: DatasetConfig) -> NDArray[np.int64]:
    """The group (n,) of each row.

    Raises
    ------
    ConfigError
        If the data has no groups.
    """
    if raw.groups is None:
        raise ConfigError(
            f"dataset.standardize.by: found {config.group_word}, but {raw.source} has no "
            f"{config.group_word}s that can be told apart; use standardize: true"
        )
    return raw.groups[rows]
