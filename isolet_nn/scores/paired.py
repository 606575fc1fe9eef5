"""Paired tests: what was scored on the same seeds, folds or data sets, and whether it differs.

Which test is right depends on what the pairs are. Seeds on one division of the rows are
independent, and their differences have one unit: the paired t-test. Folds, and splits that each
seed draws anew, are trained on much the same rows: the corrected resampled t-test. Data sets are
independent, but a point on one is not a point on another: ranks, by Friedman and Wilcoxon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
"""Of each interval, taken alone."""
LEVEL = 0.05
"""A corrected p-value below is called a difference."""
_DECIMALS = 12
"""To which numbers are rounded before they are called equal: means differ by less in rounding."""
_FAR = 1000.0
"""A t statistic beyond which noncentral t distributions only differ in their scale."""


class PairedTests(NamedTuple):
    """Tests of m rows of differences, each array (m,); NaN where there is nothing to say.

    Attributes
    ----------
    difference, low, high
        The typical difference and its interval, in the unit of the differences.
    effect, effect_low, effect_high
        The difference without a unit, and its interval.
    p_value
        Two-sided, of each test alone.
    """

    difference: Floats
    low: Floats
    high: Floats
    effect: Floats
    effect_low: Floats
    effect_high: Floats
    p_value: Floats


def paired_t_tests(differences: Floats, overlap: float = 0.0) -> PairedTests:
    """Student's paired t-test, and its correction for trainings that have rows in common.

    With n differences of mean d and deviation s (n - 1 in the denominator)::

        t = d / (s sqrt(1 / n + overlap)),   n - 1 degrees of freedom
        d ± t(0.975; n - 1) s sqrt(1 / n + overlap)

    The effect is Cohen's d_z = d / s. Its interval holds the values whose noncentral t distribution
    has the t that was found between its quantiles (G. Cumming and S. Finch, "A primer on the
    understanding, use, and calculation of confidence intervals that are based on central and
    noncentral distributions", Educational and Psychological Measurement 61 (2001) 532-574).

    Without `overlap` it is the usual test (Student, "The probable error of a mean", Biometrika 6
    (1908) 1-25). With `overlap`, rows held out for each to train on, it is the corrected resampled
    t-test (C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52
    (2003) 239-281), which is an approximation: no unbiased estimate of that variance exists.

    Parameters
    ----------
    differences
        (m, n), at least two in each row.

    Returns
    -------
    Of rows that are 0 throughout, p is 1; of those that are all the same otherwise it is NaN, as
    their spread is not known.
    """
    from scipy.special import nctdtrinc, stdtr, stdtrit

    differences = _rounded(differences)
    n = differences.shape[1]
    width = np.sqrt(1.0 / n + overlap)
    mean = differences.mean(axis=1)
    deviation = differences.std(axis=1, ddof=1)
    deviation[np.ptp(differences, axis=1) == 0.0] = np.nan
    effect, half = mean / deviation, float(stdtrit(n - 1, _upper())) * width * deviation
    t = effect / width
    # The noncentrality at which t is the upper quantile is the lower end, and the other way round.
    # Far out both are proportional to t, and SciPy takes the longer, the larger t is.
    near = np.clip(t, -_FAR, _FAR)
    quantiles = _upper(), 1.0 - _upper()
    low, high = (nctdtrinc(n - 1, q, near) * np.maximum(np.abs(t) / _FAR, 1.0) for q in quantiles)
    p_value = np.where((differences == 0.0).all(axis=1), 1.0, 2.0 * stdtr(n - 1, -np.abs(t)))
    return PairedTests(mean, mean - half, mean + half, effect, low * width, high * width, p_value)


def detectable(tests: PairedTests, n: int, n_tests: int, level: float) -> Floats:
    """How large the differences (m,) of t-tests had to be, given their spread, to be significant.

    That is at Holm's first step, where the smallest of `n_tests` p-values must be below the level
    divided by their number; each test had `n` differences.
    """
    from scipy.special import stdtrit

    half = (tests.high - tests.low) / 2.0
    needed = stdtrit(n - 1, 1.0 - level / (2.0 * n_tests)) / stdtrit(n - 1, _upper())
    return np.asarray(half * needed, np.float64)


def signed_rank_tests(differences: Floats) -> PairedTests:
    """Wilcoxon's signed-rank test, exact where that is feasible, of differences of any size.

    Differences are ranked by size, and the ranks of the positive ones summed up; those that are 0
    count half on either side (J. Demšar, "Statistical comparisons of classifiers over multiple
    data sets", Journal of Machine Learning Research 7 (2006) 1-30).

    The typical difference is the median of the means of all pairs of differences, each with itself
    too; its interval is made of these means (J. L. Hodges and E. L. Lehmann, "Estimates of location
    based on rank tests", Annals of Mathematical Statistics 34 (1963) 598-611). The effect is the
    matched-pairs rank-biserial correlation, the positive less the negative share of the rank sum
    (D. S. Kerby, "The simple difference formula", Comprehensive Psychology 3 (2014) 11.IT.3.1),
    which has no interval here.

    Parameters
    ----------
    differences
        (m, n), at least two in each row. With fewer than six there is no 95 % interval.
    """
    differences = _rounded(differences)
    n = differences.shape[1]
    means = np.sort(_means_of_pairs(differences), axis=1)
    beyond = _ranks_beyond(n)
    unknown = np.full(len(means), np.nan)
    return PairedTests(
        np.median(means, axis=1),
        means[:, beyond - 1] if beyond else unknown,
        means[:, -beyond] if beyond else unknown,
        _rank_biserial(differences),
        unknown,
        unknown,
        np.array([_signed_rank_p(row) for row in differences]),
    )


def smallest_signed_rank_p(n: int) -> float:
    """The smallest p that n differences can have: all of one sign, of 2ⁿ equally likely."""
    return min(1.0, 2.0 ** (1 - n))


def holm(p_values: Sequence[float] | Floats, n_tests: int | None = None) -> Floats:
    """p-values corrected for being several, so that any false one is as rare as `p` says.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may become smaller than
    one before it. NaN counts as a test, and stays.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979) 65-70.

    Parameters
    ----------
    n_tests
        How many there are, where these are some of them only.
    """
    given = np.asarray(p_values, np.float64)
    order = np.argsort(given, kind="stable")  # NaN last
    factors = (n_tests or len(given)) - np.arange(len(given))
    corrected = np.full(len(given), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return corrected


@dataclass(frozen=True)
class Friedman:
    """Whether any of several rank differently, of which pairs then are tested.

    Attributes
    ----------
    chi_squared
        Friedman's statistic, with k - 1 degrees of freedom.
    f
        What R. L. Iman and J. M. Davenport made of it, as Friedman's is too cautious; with k - 1
        and (k - 1)(n - 1) degrees of freedom. None where all n rankings are the same.
    p_value
        Of the latter; of n equal rankings that of their being equal by chance.
    """

    chi_squared: float
    f: float | None
    p_value: float


def friedman(scores: Floats) -> Friedman:
    """Friedman's test of k that were scored on each of n, (k, n), k three at least.

    M. Friedman, "The use of ranks to avoid the assumption of normality implicit in the analysis of
    variance", Journal of the American Statistical Association 32 (1937) 675-701, with its
    correction for ties; R. L. Iman and J. M. Davenport, "Approximations of the critical region of
    the Friedman statistic", Communications in Statistics A 9 (1980) 571-595.
    """
    from scipy.special import fdtrc

    k, n = scores.shape
    ranks = ranks_of(scores)
    spread = np.square(ranks - (k + 1) / 2.0).sum()
    if spread == 0.0:  # all are equal everywhere
        return Friedman(0.0, 0.0, 1.0)
    between = n * np.square(ranks.mean(axis=1) - (k + 1) / 2.0).sum()
    chi_squared = float(n * (k - 1) * between / spread)
    left = n * (k - 1) - chi_squared
    if left <= 1e-9 * n * (k - 1):
        return Friedman(chi_squared, None, float(factorial(k)) ** (1 - n))
    f = (n - 1) * chi_squared / left
    return Friedman(chi_squared, f, float(fdtrc(k - 1, (k - 1) * (n - 1), f)))


def ranks_of(scores: Floats) -> Floats:
    """Ranks (k, n) within each column: 1 is the highest score; equal ones share their mean rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.round(scores, _DECIMALS), axis=0), np.float64)


def cliques(told_apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of neighbours no two of which are told apart, none within another.

    Parameters
    ----------
    told_apart
        (k, k) in the order in which they stand, symmetric.

    Returns
    -------
    First and last of each stretch of two or more.
    """
    found: list[tuple[int, int]] = []
    for first in range(len(told_apart)):
        last = first
        while last + 1 < len(told_apart) and not told_apart[first : last + 1, last + 1].any():
            last += 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def _rounded(differences: Floats) -> Floats:
    if differences.shape[1] < 2:
        raise ValueError("a test needs two differences at least")
    return np.asarray(np.round(differences, _DECIMALS), np.float64)


def _upper() -> float:
    return (1.0 + CONFIDENCE) / 2.0


def _means_of_pairs(differences: Floats) -> Floats:
    """The means of each two of n differences, each with itself too, (m, n (n + 1) / 2)."""
    one, other = np.triu_indices(differences.shape[1])
    return np.asarray((differences[:, one] + differences[:, other]) / 2.0)


def _ranks_beyond(n: int) -> int:
    """How many of the sorted means of pairs may lie beyond each end of the interval, plus one.

    0 if even the outermost mean is not far enough.
    """
    counts = np.ones(1)
    for rank in range(1, n + 1):  # subsets of the ranks 1 to n, by their sum, each halved again
        longer = np.zeros(len(counts) + rank)
        longer[: len(counts)] += counts / 2.0
        longer[rank:] += counts / 2.0
        counts = longer
    return int(np.searchsorted(np.cumsum(counts), 1.0 - _upper(), side="right"))


def _rank_biserial(differences: Floats) -> Floats:
    from scipy.stats import rankdata

    ranks = rankdata(np.abs(differences), axis=1)
    return np.asarray((np.sign(differences) * ranks).sum(axis=1) / ranks.sum(axis=1))


def _signed_rank_p(differences: Floats) -> float:
    from scipy.stats import wilcoxon

    if not differences.any():
        return 1.0
    return float(wilcoxon(differences, zero_method="zsplit").pvalue)
