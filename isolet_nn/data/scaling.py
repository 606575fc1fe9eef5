"""Scaling of features: mean and standard deviation, measured block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.data.raw import BLOCK

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Moments:
    """Number, mean and population variance of some rows; not finite where squares overflow.

    Attributes
    ----------
    n
        Number of rows.
    mean, variance
        (n_features,) each.
    """

    n: int
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def of_blocks(cls, blocks: Iterable[NDArray[np.float64]]) -> Self:
        """Measure rows that come in blocks of shape (rows, n_features).

        Means and sums of squares of the blocks are merged pairwise (Chan, Golub and LeVeque,
        1979), which needs one pass and loses no digits to a large mean.

        Raises
        ------
        ValueError
            If there are no rows.
        """
        n = 0
        mean: Any = 0.0
        squares: Any = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for block in blocks:
                m = len(block)
                block_mean = block.mean(axis=0)
                centred = block - block_mean
                block_squares = np.einsum("ij,ij->j", centred, centred)
                # Of n rows and m more, with means that differ by delta:
                # sum of squares = theirs + those of the block + delta^2 n m / (n + m).
                delta = block_mean - mean
                squares = squares + block_squares + np.square(delta) * (n * m / (n + m))
                mean = mean + delta * (m / (n + m))
                n += m
            if n == 0:
                raise ValueError("cannot measure the scale of no rows")
            return cls(n, mean, squares / n)

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """(n_features,) whether the variance is rounding noise; the bound is scikit-learn's."""
        epsilon = np.finfo(np.float64).eps
        with np.errstate(over="ignore", invalid="ignore"):
            noise = self.n * epsilon * self.variance + np.square(self.n * self.mean * epsilon)
        constant: NDArray[np.bool_] = np.isfinite(self.variance) & (self.variance <= noise)
        return constant


@dataclass(frozen=True, eq=False)
class Scaler:
    """Mean and standard deviation of every feature, as scikit-learn's StandardScaler has them.

    Attributes
    ----------
    mean
        (n_features,) mean.
    scale
        (n_features,) population standard deviation, 1 where a feature is constant; or the same
        number for all, the root mean square of their standard deviations. Not finite where
        squares of the values overflow, which `fitting` refuses.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, x: NDArray[Any]) -> Self:
        """Measure the rows of `x` (n, n_features), in float64 and without copying all of it."""
        return cls.of(
            Moments.of_blocks(
                np.asarray(x[start : start + BLOCK], dtype=np.float64)
                for start in range(0, len(x), BLOCK)
            )
        )

    @classmethod
    def of(cls, moments: Moments, *, one_scale: bool = False) -> Self:
        """What standardises rows of these moments.

        With `one_scale` all features are divided by the same number, which keeps how much they
        vary in proportion to each other.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            if one_scale:
                common = float(np.sqrt(np.mean(moments.variance)))
                return cls(moments.mean, np.full_like(moments.mean, common or 1.0))
            deviation = np.sqrt(moments.variance)
            return cls(moments.mean, np.where(moments.is_constant, 1.0, deviation))

    def transform(self, x: NDArray[Any], dtype: DTypeLike) -> Floats:
        """(x - mean) / scale for `x` (n, n_features), computed in float64, as a `dtype` array."""
        out = np.empty(x.shape, dtype)
        for start in range(0, len(x), BLOCK):
            block = np.array(x[start : start + BLOCK], dtype=np.float64)
            self.apply(block)
            out[start : start + BLOCK] = block
        return out

    def apply(self, x: NDArray[np.float64]) -> None:
        """Replace `x` (n, n_features) by (x - mean) / scale."""
        x -= self.mean
        x /= self.scale
