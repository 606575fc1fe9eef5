"""metrics.csv, written and read: a row an epoch, in the order in which they were trained."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from isolet_nn.config.metrics import ALWAYS_MEASURED, METRICS, TRAIN_METRICS, Score, measure_of
from isolet_nn.errors import short_repr
from isolet_nn.system.csv_tables import csv_line, csv_text

if TYPE_CHECKING:
    from isolet_nn.training.progress import Row

_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?|inf)|nan")
_DIGITS = 10
"""An epoch has no more."""


def columns_of(splits: Iterable[str], scores: Iterable[Score] = ()) -> list[str]:
    """The columns of metrics.csv where these splits are evaluated, and these scores measured."""
    measures = (*ALWAYS_MEASURED, *scores)
    of_splits = [f"{split}_{measure}" for split in splits for measure in measures]
    return ["epoch", *TRAIN_METRICS, *of_splits, "seconds"]


def history_csv(columns: Iterable[str], rows: Iterable[Row]) -> str:
    """metrics.csv with the rows that there are."""
    return csv_text(columns, (row.values() for row in rows))


def row_csv(row: Row) -> str:
    """The line of one row; numbers with all digits."""
    return csv_line(row.values())


def read_history(text: str) -> list[Row]:
    """The rows of metrics.csv, of which all lines must be complete.

    Raises
    ------
    ValueError
        If it is not a table of consecutive epochs.
    """
    if not text:
        return []
    header, *lines = text.removesuffix("\n").split("\n")
    columns = header.split(",")
    _require_columns(columns)
    rows = []
    for number, line in enumerate(lines, 1):
        row = read_epoch(columns, line)
        if row["epoch"] != number:
            raise ValueError(f"found epoch {row['epoch']} where {number} should be")
        rows.append(row)
    return rows


def read_epoch(columns: Sequence[str], line: str) -> Row:
    """One row.

    Raises
    ------
    ValueError
        If the columns are not those of metrics.csv, or the line does not fit them.
    """
    _require_columns(columns)
    cells = line.split(",")
    if len(cells) != len(columns):
        raise ValueError(f"found {short_repr(line)}, expected {len(columns)} cells")
    if not (cells[0].isascii() and cells[0].isdecimal() and len(cells[0]) <= _DIGITS):
        raise ValueError(f"found epoch {short_repr(cells[0])}")
    numbers = map(_number, columns[1:], cells[1:])
    return {"epoch": int(cells[0]), **dict(zip(columns[1:], numbers, strict=True))}


def _require_columns(columns: Sequence[str]) -> None:
    metrics = columns[1:-1]
    known = {*metrics} <= {*METRICS} and len({*metrics}) == len(metrics)
    if columns[0] != "epoch" or columns[-1] != "seconds" or not known:
        raise ValueError(f"found the columns {short_repr(','.join(columns))}")


def _number(column: str, text: str) -> float | None:
    if text == "":
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{column}: found {short_repr(text)}, expected a number")
    number = float(text)
    if column.endswith("_loss"):  # that of a diverging network may be anything
        return number
    lowest, highest = 0.0, sys.float_info.max
    if column != "seconds":
        measure = measure_of(column)
        lowest, highest = measure.lowest, measure.highest or highest
    if not (lowest <= number <= highest or (math.isnan(number) and column != "seconds")):
        raise ValueError(f"{column}: found {text}, which cannot be")
    return number
