"""How sure one can be: intervals over seeds and folds, tests of two models on one test set.

Seeds are a sample of all seeds, so their spread says how a mean would come out again; it says
nothing of other speakers. Folds are trained on much the same rows, so their spread says too little,
and is corrected for that. Two models on the same rows are compared by those they disagree on.
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


def resampled_interval(
    scores: NDArray[np.float64], folds: int, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of the mean score of a cross-validation, which may be repeated.

    The corrected resampled t interval. With J = k r scores of r repeats of k folds, their variance
    s² (J - 1 in the denominator) and n₂ / n₁ = 1 / (k - 1), rows held out for each to train on::

        mean ± t(J - 1) sqrt((1 / J + n₂ / n₁) s²)

    The usual interval has 1 / J alone. That is too narrow, as any two trainings have most of their
    rows in common, and would shrink to nothing with more repeats of the same rows.

    C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003)
    239-281, for random divisions; R. R. Bouckaert and E. Frank, "Evaluating the replicability of
    significance tests for comparing learning algorithms", PAKDD 2004, Lecture Notes in Computer
    Science 3056, 3-12, for repeated folds. It is an approximation: no unbiased estimate of the
    variance of a cross-validation exists (Y. Bengio and Y. Grandvalet, "No unbiased estimator of
    the variance of k-fold cross-validation", Journal of Machine Learning Research 5 (2004)
    1089-1105).

    Parameters
    ----------
    scores
        (..., J) scores of all folds and repeats.
    folds
        How many folds each repeat has, k.

    Returns
    -------
    low, high
        (...), in the unit of the scores.

    Raises
    ------
    ValueError
        If there are fewer than two scores, or two folds.
    """
    n = scores.shape[-1]
    if n < 2 or folds < 2:
        raise ValueError("an interval over folds needs two of them at least")
    from scipy.special import stdtrit

    t = float(stdtrit(n - 1, (1.0 + confidence) / 2.0))
    half = t * np.sqrt(1.0 / n + 1.0 / (folds - 1)) * scores.std(axis=-1, ddof=1)
    mean = scores.mean(axis=-1)
    return mean - half, mean + half


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
