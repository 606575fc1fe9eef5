"""How sure one can be: intervals over seeds, and tests of two models on one test set.

Seeds are a sample of all seeds, so their spread says how a mean would come out again; it says
nothing of other speakers. Two models on the same rows are compared by the rows they disagree on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 9_999
"""Bootstrap samples: the usual number, which makes the quantiles of 95 % whole ranks."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, all in the unit of the values."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside, as it should where there is a difference."""
        return not self.low <= 0.0 <= self.high


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of some seeds' results, with its bootstrap interval.

    Bias-corrected and accelerated (B. Efron, "Better bootstrap confidence intervals", Journal of
    the American Statistical Association 82 (1987) 171-185). The same values give the same
    interval.

    Raises
    ------
    ValueError
        If there are fewer than two values.
    """
    return _bootstrap((values,), lambda x, axis: np.mean(x, axis=axis), confidence)


def difference_of_means(
    some: Sequence[float], others: Sequence[float], confidence: float = 0.95
) -> Interval:
    """Mean of `some` less mean of `others`, independent samples, with its bootstrap interval.

    Raises
    ------
    ValueError
        If there are fewer than two values in either.
    """
    return _bootstrap(
        (some, others),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        confidence,
    )


def _bootstrap(samples: Sequence[Sequence[float]], statistic: Any, confidence: float) -> Interval:
    arrays = [np.asarray(sample, np.float64) for sample in samples]
    if any(len(array) < 2 for array in arrays):
        raise ValueError("an interval over seeds needs two values at least")
    estimate = float(statistic(*arrays, axis=-1))
    if all(np.ptp(array) == 0.0 for array in arrays):  # nothing to resample
        return Interval(estimate, estimate, estimate)
    from scipy.stats import bootstrap

    low, high = bootstrap(
        arrays,
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=confidence,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Interval(estimate, float(low), float(high))


@dataclass(frozen=True)
class McNemar:
    """McNemar's test: whether two models are right equally often on the same rows.

    Attributes
    ----------
    only_first, only_second
        Rows that only the one or the other model has right.
    p_value
        Probability of so uneven a division, or a more uneven one, if both were equally good.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Compare two models by the rows (n,) that each has right; two-sided and exact.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947) 153-157, with the binomial distribution instead of its
    approximation.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"{first.shape} answers of one model, {second.shape} of the other")
    only_first = int(np.count_nonzero(first & ~second))
    only_second = int(np.count_nonzero(second & ~first))
    disagreements = only_first + only_second
    if disagreements == 0:
        return McNemar(0, 0, 1.0)
    from scipy.stats import binomtest

    return McNemar(only_first, only_second, float(binomtest(only_first, disagreements).pvalue))
