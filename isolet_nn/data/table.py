"""What a reader makes of a table, wherever it comes from: named columns, and a number in each cell.

A number is itself, a category is its place among the column's categories, and what is missing is
NaN. What becomes of the cells on their way to the network is `preprocessing`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
