"""What a network answers all over the plane of its two inputs, in few characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isolet_nn.lesson.moments import FloatArray

CELLS = 51
"""Cells on each side of the plane."""
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
"""The digits 0 to 63."""
_MARGIN = 0.18
"""Of the plane beyond the outermost rows, in parts of their extent."""


class Plane:
    """A square grid over the network's two inputs.

    Parameters
    ----------
    rows
        (n, 2) inputs that must lie on it.

    Attributes
    ----------
    low, high
        (2,): its corners.
    points
        (CELLS^2, 2): the middles of its cells, row by row from the top.
    """

    def __init__(self, rows: FloatArray) -> None:
        low, high = rows.min(axis=0).astype(float), rows.max(axis=0).astype(float)
        extent = np.where(high > low, high - low, 1.0)
        self.low: NDArray[np.float64] = low - _MARGIN * extent
        self.high: NDArray[np.float64] = high + _MARGIN * extent
        middles = (np.arange(CELLS) + 0.5) / CELLS
        x, y = (
            low_end + (high_end - low_end) * middles
            for low_end, high_end in zip(self.low, self.high, strict=True)
        )
        across, up = np.meshgrid(x, y[::-1])
        self.points: FloatArray = np.column_stack([across.ravel(), up.ravel()]).astype(rows.dtype)

    def places(self, rows: FloatArray) -> FloatArray:
        """Inputs (n, 2) as shares of the way across the plane, and of the way up."""
        return (rows - self.low) / (self.high - self.low)

    def answers(self, probabilities: FloatArray) -> tuple[str, str]:
        """Two strings of a digit a cell, for the probabilities (CELLS^2, classes) of its points.

        The first has the most probable class. The second has its probability: 0 is what all
        classes have if the network does not know, 63 is certainty.
        """
        best = probabilities.argmax(axis=1)
        blind = 1.0 / probabilities.shape[1]
        certainty = (probabilities.max(axis=1) - blind) / (1.0 - blind)
        certainty = np.nan_to_num(certainty, nan=0.0)
        levels = np.clip(np.rint(certainty * (len(DIGITS) - 1)), 0, len(DIGITS) - 1)
        return (
            "".join(DIGITS[k] for k in best.tolist()),
            "".join(DIGITS[k] for k in levels.astype(int).tolist()),
        )
