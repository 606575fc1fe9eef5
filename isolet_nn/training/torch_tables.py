"""Numbers that are known before an epoch begins, a row a step, where the steps are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Table:
    """A row for each step of an epoch, on a device.

    It stays where it is when it is filled anew, so that a captured graph finds the next epoch's.
    """

    rows: Tensor
    """(steps, ...)"""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def fill(self, rows: NDArray[Any], dtype: torch.dtype | None = None) -> None:
        """Take the rows of the next epoch; all epochs have as many."""
        tensor = torch.from_numpy(np.ascontiguousarray(rows)).to(dtype)
        if self._device.type == "cuda":
            tensor = tensor.pin_memory()  # so that the copy is made while the host goes on
        if hasattr(self, "rows"):
            self.rows.copy_(tensor, non_blocking=True)
        else:
            self.rows = tensor.to(self._device, non_blocking=True)


@dataclass
class StepNumber:
    """Which step of its epoch a stack is at.

    Attributes
    ----------
    number
        As the host counts.
    counter
        (1,) the same on a device that counts for itself, so that a captured graph can; or None.
    """

    number: int = 0
    counter: Tensor | None = None

    def begin(self, number: int) -> None:
        """Be at a step, for host and device."""
        self.number = number
        if self.counter is not None:
            self.counter.fill_(number)

    def count(self) -> None:
        """Let the device go on to the next step."""
        if self.counter is not None:
            self.counter.add_(1)

    def row(self, table: Table) -> Tensor:
        """The row of a table that is for the step."""
        if self.counter is None:
            return table.rows[self.number]
        return table.rows.index_select(0, self.counter)[0]
