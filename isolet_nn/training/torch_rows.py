"""The rows that a step of a stack in PyTorch is taken on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isolet_nn.data.dataset import Split
from isolet_nn.training.backend import FloatArray, RowWeights
from isolet_nn.training.torch_tables import StepNumber, Table

Fetched = tuple[Tensor, Tensor, Tensor | None]
"""Inputs (K, batch, features), classes (K, batch), and weights (K, batch) where rows have some."""


@dataclass(frozen=True)
class Rows:
    """Training rows where a stack is computed.

    Attributes
    ----------
    x
        (n, features): a tensor, or a sparse matrix, which stays on the host.
    y, weights
        (n,).
    """

    x: Any
    y: Tensor
    weights: Tensor | None

    def take(self, index: Tensor) -> Fetched:
        """The rows that `index` (K, batch) tells for each network."""
        flat = index.reshape(-1)
        if isinstance(self.x, Tensor):
            x = self.x.index_select(0, flat)
        else:
            x = torch.from_numpy(self.x[flat.cpu().numpy()].toarray()).to(self.y.device)
        weights = None if self.weights is None else self.weights.index_select(0, flat)
        return (
            x.view(*index.shape, -1),
            self.y.index_select(0, flat).view(index.shape),
            None if weights is None else weights.view(index.shape),
        )


def make_rows(
    parts: Sequence[Split],
    weights: Sequence[RowWeights],
    dtype: torch.dtype,
    device: torch.device,
) -> Rows:
    """The rows of several training parts, one after another."""
    y = torch.from_numpy(np.concatenate([part.y for part in parts])).to(device)
    of_rows = None
    if any(of_part is not None for of_part in weights):
        filled = [
            np.ones(len(part.y)) if of_part is None else of_part
            for part, of_part in zip(parts, weights, strict=True)
        ]
        of_rows = torch.from_numpy(np.concatenate(filled)).to(dtype).to(device)
    xs: list[Any] = [part.x for part in parts]
    if all(isinstance(x, np.ndarray) for x in xs):
        return Rows(tensor_of(xs[0] if len(xs) == 1 else np.concatenate(xs)).to(device), y, of_rows)
    from scipy import sparse

    return Rows(xs[0] if len(xs) == 1 else sparse.vstack(xs, format="csr"), y, of_rows)


class Batches:
    """Fetches what the networks of a chunk see in each step.

    Parameters
    ----------
    rows
        The rows of all training parts.
    starts
        Where each network's part begins in them (K,).
    """

    def __init__(self, rows: Rows, starts: NDArray[np.int64]) -> None:
        self._rows, self._starts = rows, starts
        self._table = Table(rows.y.device)

    def begin_epoch(self, orders: Sequence[NDArray[np.int64]], batch_size: int) -> None:
        """Lay out the order of each network's rows (rows_used,), a row of the table a step."""
        used = len(orders[0])
        steps = -(-used // batch_size)
        laid_out = np.zeros((len(orders), steps * batch_size), _index_type(len(self._rows.y)))
        for own, order, start in zip(laid_out, orders, self._starts, strict=True):
            np.add(order, start, out=own[:used], casting="unsafe")
        by_step = laid_out.reshape(len(orders), steps, batch_size).swapaxes(0, 1)
        self._table.fill(by_step)

    def fetch(self, at: StepNumber, size: int) -> Fetched:
        """What the networks see in a step of so many rows."""
        index = at.row(self._table)[:, :size]
        return self._rows.take(index.to(torch.int64))


class Parts:
    """The training parts of a stack's experiments, each once.

    Parameters
    ----------
    train, row_weights
        Of each experiment.
    alone
        Whether each network is computed by itself.
    """

    def __init__(
        self,
        train: Sequence[Split],
        row_weights: Sequence[RowWeights],
        dtype: torch.dtype,
        device: torch.device,
        *,
        alone: bool,
    ) -> None:
        parts: list[Split] = []
        weights: list[RowWeights] = []
        self._number: list[int] = []
        for part, of_part in zip(train, row_weights, strict=True):
            for number, (known, of_known) in enumerate(zip(parts, weights, strict=True)):
                if known is part and np.array_equal(of_known, of_part):  # type: ignore[arg-type]
                    self._number.append(number)
                    break
            else:
                self._number.append(len(parts))
                parts.append(part)
                weights.append(of_part)
        self._n_rows = len(train[0].y)
        # Where each network is computed by itself, its rows need not be copied to be together.
        self._rows: list[Rows] = (
            [make_rows([p], [w], dtype, device) for p, w in zip(parts, weights, strict=True)]
            if alone
            else [make_rows(parts, weights, dtype, device)]
        )

    def batches(self, experiments: Sequence[int]) -> Batches:
        """What fetches the rows of these experiments' networks."""
        numbers = np.array([self._number[experiment] for experiment in experiments])
        if len(self._rows) > 1:
            return Batches(self._rows[numbers[0]], np.zeros(1, np.int64))
        return Batches(self._rows[0], numbers * self._n_rows)


def _index_type(n_rows: int) -> type[np.signedinteger[Any]]:
    """The smallest whole numbers that count so many rows: they are what an epoch uploads."""
    kinds = (np.int8, np.int16, np.int32, np.int64)
    return next(kind for kind in kinds if n_rows - 1 <= np.iinfo(kind).max)


def tensor_of(array: FloatArray) -> Tensor:
    """The array's memory as a tensor; a copy where PyTorch would warn that it must not write."""
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
