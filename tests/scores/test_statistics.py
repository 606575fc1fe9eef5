"""Intervals over seeds and tests of two models say what the textbooks' definitions say."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from isolet_nn.scores.statistics import (
    difference_of_means,
    mcnemar,
    mean_interval,
    resampled_interval,
)


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    intervals = [mean_interval(random.normal(0.95, 0.01, 30).tolist()) for _ in range(60)]
    covered = sum(interval.low <= 0.95 <= interval.high for interval in intervals)
    assert 50 <= covered <= 60
    assert all(interval.low < interval.estimate < interval.high for interval in intervals)


def test_the_same_values_give_the_same_interval() -> None:
    values = [0.95, 0.955, 0.96, 0.957]
    assert mean_interval(values) == mean_interval(values)


def test_equal_values_give_an_interval_of_no_width() -> None:
    interval = mean_interval([0.5, 0.5, 0.5])
    assert (interval.low, interval.estimate, interval.high) == (0.5, 0.5, 0.5)


def test_a_clear_difference_excludes_zero_and_none_does_not() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(0.95, 0.003, 20), random.normal(0.90, 0.003, 20)
    clear = difference_of_means(a.tolist(), b.tolist())
    assert clear.excludes_zero
    assert clear.low < 0.05 < clear.high
    assert difference_of_means(b.tolist(), a.tolist()).estimate == -clear.estimate
    c = [0.95, 0.951, 0.949, 0.9505]
    assert not difference_of_means(c, [0.9502, 0.9495, 0.9508, 0.9497]).excludes_zero


@pytest.mark.parametrize("values", [[], [0.9]])
def test_one_seed_says_nothing_of_the_spread(values: list[float]) -> None:
    with pytest.raises(ValueError, match="two values"):
        mean_interval(values)


def test_an_interval_over_folds_is_widened_by_the_rows_that_trainings_share() -> None:
    scores = np.array([0.90, 0.94, 0.96, 0.92, 0.93, 0.91, 0.95, 0.97, 0.89, 0.93])
    # 2 repeats of 5 folds: t(0.975, 9 degrees of freedom) = 2.2622, n2 / n1 = 1 / 4.
    half = 2.262157 * math.sqrt((1 / 10 + 1 / 4) * statistics.variance(scores.tolist()))
    low, high = resampled_interval(scores, folds=5)
    assert math.isclose(float(low), 0.93 - half, rel_tol=1e-6)
    assert math.isclose(float(high), 0.93 + half, rel_tol=1e-6)


def test_more_repeats_of_the_same_rows_make_no_interval_as_narrow_as_one_likes() -> None:
    scores = np.tile([0.90, 0.94, 0.96, 0.92, 0.93], (2, 1000))
    low, high = resampled_interval(scores, folds=5)
    assert low.shape == high.shape == (2,)
    assert np.all(high - low > 2 * 1.96 * 0.5 * 0.0198)  # at least sqrt(1 / 4) deviations each way


def test_one_fold_says_nothing_of_the_spread() -> None:
    with pytest.raises(ValueError, match="two of them"):
        resampled_interval(np.array([0.9]), folds=5)


def test_mcnemar_counts_disagreements_and_tests_them_by_the_binomial_distribution() -> None:
    first = np.array([True] * 9 + [False] * 1 + [True] * 50 + [False] * 5)
    second = np.array([False] * 9 + [True] * 1 + [True] * 50 + [False] * 5)
    test = mcnemar(first, second)
    assert (test.only_first, test.only_second) == (9, 1)
    # Two tails of at most 1 of 10: 2 (C(10, 0) + C(10, 1)) / 2^10.
    assert math.isclose(test.p_value, 2 * 11 / 1024)
    assert mcnemar(second, first).p_value == test.p_value


def test_models_that_never_disagree_cannot_be_told_apart() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right).p_value == 1.0


def test_answers_to_different_rows_are_not_compared() -> None:
    with pytest.raises(ValueError, match="answers"):
        mcnemar(np.array([True]), np.array([True, False]))
