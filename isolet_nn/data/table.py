"""What a reader makes of a table, wherever it comes from: named columns, and a number in each cell.

A number is itself, a category is its place among the column's categories, and what is missing is
NaN. What becomes of the cells on their way to the network is `preprocessing`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.yaml_files import quoted

MOST_SHOWN = 20
"""So many names of columns, or faults of them, fill a screen."""

Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name
        As the table has it.
    kind
        Whether its cells are numbers, or one of several names each.
    categories
        The names, in order; of numbers none.
    """

    name: str
    kind: Kind = "numeric"
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """Cells (n, n_columns) in columns: numbers, or places in `Column.categories`; NaN is missing.

    Label and group are no columns of it, but beside it.
    """

    columns: tuple[Column, ...]
    cells: NDArray[np.floating[Any]]

    def __len__(self) -> int:
        return len(self.cells)


def numbered(n: int) -> tuple[Column, ...]:
    """Columns of numbers that have no name of their own: x1, x2, ..."""
    return tuple(Column(f"x{number}") for number in range(1, n + 1))


def listing(columns: Sequence[str]) -> str:
    """The names of columns, as many of them as one can read."""
    return some(quoted(name if len(name) <= 60 else f"{name[:57]}..." for name in columns))


def some(items: Sequence[object]) -> str:
    """As many of the items as fill a screen."""
    return ", ".join(map(str, items[:MOST_SHOWN])) + (", ..." if len(items) > MOST_SHOWN else "")


def in_order(names: Iterable[str]) -> list[str]:
    """The different names, sorted by number where all are numbers, else by name."""
    different = sorted(set(names))
    with contextlib.suppress(ValueError):
        different.sort(key=float)
    return different


def joined(tables: Sequence[Table]) -> Table:
    """The rows of several tables with the same columns, whose categories may differ."""
    if len(tables) == 1:
        return tables[0]
    columns = []
    cells = np.concatenate([table.cells for table in tables])
    for i, parts in enumerate(zip(*(table.columns for table in tables), strict=True)):
        if parts[0].kind == "numeric" or len({part.categories for part in parts}) == 1:
            columns.append(parts[0])
            continue
        categories = in_order(name for part in parts for name in part.categories)
        columns.append(Column(parts[0].name, "categorical", tuple(categories)))
        places = {name: place for place, name in enumerate(categories)}
        start = 0
        for table, part in zip(tables, parts, strict=True):
            own = cells[start : start + len(table), i]
            there = ~np.isnan(own)
            codes = np.array([places[name] for name in part.categories], dtype=np.float64)
            own[there] = codes[own[there].astype(np.int64)]
            start += len(table)
    return Table(tuple(columns), cells)
