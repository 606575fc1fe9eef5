"""Rows as Python has them, arrays and data frames, as the cells that a model's columns ask for.

pandas and polars are not imported: a frame is what has `columns` and gives a column by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isolet_nn.data.preprocessing import InputColumn, codes_of
from isolet_nn.data.table import listing
from isolet_nn.errors import DataError, short_repr, suggestion

WHERE = "the table"
"""What messages call what has no name."""


def cells_of(rows: Any, inputs: Sequence[InputColumn]) -> NDArray[np.float64]:
    """The cells (n, n_inputs) of a data frame, or of an array in the order of the columns.

    Numbers are themselves, categories their codes (-1: none of the column's); NaN: missing.

    Raises
    ------
    DataError
        If columns are missing, or a cell is not what the model was trained with.
    """
    columns = _columns_of_frame(rows, inputs) if _is_frame(rows) else _of_array(rows, inputs)
    return np.column_stack(
        [
            _numbers(column, mine) if mine.kind == "numeric" else _codes(column, mine)
            for column, mine in zip(columns, inputs, strict=True)
        ]
    )


def column_of(rows: Any, name: str) -> Any:
    """A column of a data frame by its name; None of an array, and where there is none."""
    names = [str(column) for column in rows.columns] if _is_frame(rows) else []
    return rows[rows.columns[names.index(name)]] if name in names else None


def _is_frame(rows: Any) -> bool:
    return hasattr(rows, "__len__") and hasattr(rows, "columns")


def _columns_of_frame(frame: Any, inputs: Sequence[InputColumn]) -> list[Any]:
    names = [str(name) for name in frame.columns]
    missing = [column.name for column in inputs if column.name not in names]
    if missing:
        raise DataError(
            f"{WHERE}: has no column {listing(missing)}, which the model was trained with; found "
            f"{listing(names)}{suggestion(missing[0], names)}"
        )
    repeated = [column.name for column in inputs if names.count(column.name) > 1]
    if repeated:
        raise DataError(f"{WHERE}: has more than one column {listing(repeated)}")
    return [frame[frame.columns[names.index(column.name)]] for column in inputs]


def _of_array(rows: ArrayLike, inputs: Sequence[InputColumn]) -> list[NDArray[Any]]:
    try:
        array = np.asarray(rows)
    except ValueError:  # of rows that differ in length
        array = np.empty(())
    if array.ndim != 2 or array.shape[1] != len(inputs):
        found = f"an array of shape {array.shape}" if array.ndim else f"a {type(rows).__name__}"
        names = listing([column.name for column in inputs])
        raise DataError(
            f"{WHERE}: found {found}, expected a data frame, or an array of shape "
            f"(rows, {len(inputs)}) with the columns {names}"
        )
    return list(array.T)


def _numbers(column: Any, mine: InputColumn) -> NDArray[np.float64]:
    values = np.asarray(column)
    try:
        if values.dtype == object:  # None and pandas.NA among numbers
            values = np.array([np.nan if _is_missing(v) else v for v in values.tolist()])
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        odd = next((v for v in values.tolist() if not _is_number(v)), None)
        raise DataError(
            f"{WHERE}: column {mine.name!r}: found {short_repr(odd)}, expected numbers, as the "
            "model was trained with"
        ) from None
    if np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise DataError(
            f"{WHERE}: row {row}: column {mine.name!r}: found {numbers[row]}, expected a finite "
            "number"
        )
    return numbers


def _codes(column: Any, mine: InputColumn) -> NDArray[np.float64]:
    known = codes_of(mine.categories)
    values = np.asarray(column, dtype=object).tolist()
    return np.array([np.nan if _is_missing(v) else _code(v, known) for v in values], np.float64)


def _code(value: Any, known: dict[str, int]) -> int:
    text = str(value).strip()
    if isinstance(value, float) and value.is_integer():  # what pandas makes of 3 beside a gap
        text = text if text in known else str(int(value))
    return known.get(text, -1)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str):
        return not value.strip()
    return bool(value != value)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
