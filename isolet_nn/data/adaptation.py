"""Standardising the rows of a group (a speaker, a patient) by that group's own mean and deviation.

No class enters: a group's statistics are those of its rows as they come. Of a group with few rows
they are shrunk towards what the training groups are like, as if `Shrinkage.mean` rows (or
`Shrinkage.deviation` rows) of theirs had been seen with the n of the group:

    mean     = (n m + k_mean M) / (n + k_mean)
    variance = (n s^2 + k_deviation S^2) / (n + k_deviation)

where m and s^2 are the group's mean and variance, M is the mean of the training rows and S^2 the
variance within their groups. Means are the maximum a posteriori estimate by which speech
recognisers adapt to a speaker (J.-L. Gauvain and C.-H. Lee, "Maximum a posteriori estimation for
multivariate Gaussian mixture observations of Markov chains", IEEE Transactions on Speech and Audio
Processing 2 (1994) 291-298); variances are weighted likewise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data.raw import Rows
from isolet_nn.data.scaling import Moments, Scaler


@dataclass(frozen=True)
class Shrinkage:
    """How many rows of the training groups count beside those of a group.

    Attributes
    ----------
    mean, deviation
        For its mean, and for its standard deviation; 0 takes the group's own.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        """Refuse what is no number of rows, with ValueError."""
        if not all(math.isfinite(rows) and rows >= 0.0 for rows in (self.mean, self.deviation)):
            raise ValueError("shrinkage: mean and deviation are finite, and 0 or more")

    def scaler(self, common: Scaler, group: Moments) -> Scaler:
        """What a group's rows are standardised with.

        Parameters
        ----------
        common
            Mean of the training rows, and deviation within their groups.
        group
            Of the group's rows.
        """
        n = group.n
        with np.errstate(over="ignore", invalid="ignore"):  # who asked looks at what is not finite
            mean = (n * group.mean + self.mean * common.mean) / (n + self.mean)
            variance = n * group.variance + self.deviation * np.square(common.scale)
            variance /= n + self.deviation
            # A feature that is constant in the group says nothing of how much it varies.
            nothing = variance == 0.0
            if self.deviation == 0.0:
                nothing |= group.is_constant
            return Scaler(mean, np.where(nothing, common.scale, np.sqrt(variance)))


def rows_by_group(groups: NDArray[np.int64]) -> Iterator[Rows]:
    """Places of the rows of each group, in ascending order."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    yield from np.split(order, starts) if len(order) else ()


def random_parts(rows: Rows, sizes: Sequence[int], rng: np.random.Generator) -> Iterator[Rows]:
    """Divide a group's rows at random into parts of few rows.

    Sizes are drawn between the two of `sizes`, with equal chances on a logarithmic scale: as many
    of 5 to 10 as of 10 to 20. What is left for the last part, if it is too little, joins the part
    before.
    """
    smallest, largest = (min(size, len(rows)) for size in sizes)
    shuffled = rng.permutation(rows)
    start = 0
    while start < len(rows):
        drawn = math.exp(rng.uniform(math.log(smallest), math.log(largest + 1)))
        stop = start + min(max(int(drawn), smallest), largest)
        if len(rows) - stop < smallest:
            stop = len(rows)
        yield shuffled[start:stop]
        start = stop


def known_parts(rows: Rows, known: int, rng: np.random.Generator) -> Iterator[tuple[Rows, Rows]]:
    """Divide a group's rows at random, to be told apart by the statistics of `known` rows each.

    Yields
    ------
    those that are measured, those that are standardised by it
        The latter are among the former, and each row is once among the latter.
    """
    shuffled = rng.permutation(rows)
    for start in range(0, len(rows), known):
        stop = min(start + known, len(rows))
        yield shuffled[max(0, stop - known) : stop], shuffled[start:stop]
