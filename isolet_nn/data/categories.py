"""Whether the names in a column can be categories: dates, ids and free text are none."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from isolet_nn.config.yaml_files import quoted
from isolet_nn.data.table import Column, listing
from isolet_nn.errors import DataError, short_repr

_TIME = r"([T ,]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AaPp][Mm])?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?"
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"(\d{{4}}[-/.]\d{{1,2}}([-/.]\d{{1,2}})?{_TIME}"  # 2024-01-31, 2024-01
    rf"|\d{{1,2}}[-/.]\d{{1,2}}[-/.](\d{{2}}|\d{{4}}){_TIME}"  # 31.01.2024, 1/31/24
    rf"|\d{{1,2}}[-. ]+{_MONTH}[-, ]+(\d{{2}}|\d{{4}}){_TIME}"  # 31 Jan 2024
    rf"|{_MONTH}\s+\d{{1,2}}(st|nd|rd|th)?,?\s+\d{{4}}{_TIME}"  # January 31, 2024
    r"|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([ap]m)?)",  # 12:30
    re.IGNORECASE,
)
_LONGEST = 60
# Among dates there may be a word for an unknown one.
_MOST = 0.9
# A column of more categories than this, and than this share of the rows, has an id or free text.
_FEW = 20
_SHARE = 0.5


def require_categories(
    where: str, columns: Sequence[Column], rows: int, named: Collection[str]
) -> None:
    """Refuse columns of dates and of ids, unless a person has named them as categorical.

    Parameters
    ----------
    where
        The table, for messages.
    rows
        Number of its rows.
    named
        Names of the columns that ``dataset.columns.categorical`` says.

    Raises
    ------
    DataError
        Naming all of them, with what to do.
    """
    faults = [
        fault
        for column in columns
        if column.kind == "categorical" and column.name not in named
        for fault in _faults(column, rows)
    ]
    if faults:
        raise DataError("\n".join(f"{where}: {fault}" for fault in faults))


def _faults(column: Column, rows: int) -> list[str]:
    [name], categories = quoted([column.name]), column.categories
    drop, keep = f"dataset.columns: {{drop: [{name}]}}", f"{{categorical: [{name}]}}"
    if are_dates(categories):
        return [
            f"column {column.name!r}: holds dates (found {short_repr(categories[0])}), which are "
            f"neither numbers nor categories; leave it out with {drop}, or make numbers of it in "
            f"the table, such as the year, or the days since a day (as names they are read with "
            f"{keep})"
        ]
    if are_too_many(len(categories), rows):
        return [
            f"column {column.name!r}: takes {len(categories):,} different values in {rows:,} rows "
            f"({listing(categories[:3])}, ...), so it seems to be an id or free text, of which "
            f"nothing can be learned; leave it out with {drop} (if they are categories, {keep})"
        ]
    return []


def are_too_many(categories: int, rows: int) -> bool:
    """Whether a column has more different names than categories would have."""
    return categories > max(_FEW, _SHARE * rows)


def are_dates(names: Sequence[str]) -> bool:
    """Whether names, or all but few of them, are written as dates or times of day are."""
    short = [name.strip() for name in names if len(name) <= _LONGEST]
    dates = sum(_DATE.fullmatch(name) is not None for name in short)
    return bool(names) and dates >= _MOST * len(names)
