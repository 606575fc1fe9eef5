"""Settings that are drawn at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.errors import ConfigError
from sweeps.helpers import (
    EPOCHS,
    LEARNING_RATE,
    SPACE,
    permuted,
    problem_of,
    settings_of,
    trials_of,
)


@given(seed=st.integers(0, 2**32), some=st.integers(1, 12), more=st.integers(0, 12))
def test_more_random_trials_begin_with_the_same_ones(seed: int, some: int, more: int) -> None:
    def draw(n: int) -> list[dict[str, Any]]:
        return settings_of(trials_of(random={"trials": n, "seed": seed, "space": SPACE}))

    drawn = draw(some + more)
    assert drawn[:some] == draw(some)
    assert len(drawn) == some + more
    for setting in drawn:
        assert 1e-5 <= setting[LEARNING_RATE] <= 0.1
        assert 0.25 <= setting["model.dropout"] <= 0.75
        assert 2 <= setting[EPOCHS] <= 9
        assert setting["model.activation"] in ("relu", "tanh")


def test_one_value_in_two_spellings_is_drawn_as_one_setting() -> None:
    space = {
        "optimizer": {"choice": ["sgd", {"name": "sgd"}, {"name": "sgd", "momentum": 0.0}, "adam"]},
        "model.dropout": {"choice": [0, 0.0, -0.0]},
    }
    trials = trials_of(random={"trials": 2, "space": space})
    found = {trials.make_experiment(trial).optimizer.name for trial in range(2)}
    assert found == {"sgd", "adam"}
    with pytest.raises(ConfigError, match="the space has hardly more than 2 different settings"):
        trials_of(random={"trials": 3, "space": space})


def test_the_order_of_a_space_decides_about_no_random_setting() -> None:
    drawn = [
        settings_of(trials_of(random={"trials": 5, "space": space})) for space in permuted(SPACE)
    ]
    assert all(settings == drawn[0] for settings in drawn)


def test_log_uniform_draws_as_many_below_as_above_the_geometric_mean() -> None:
    random = {"trials": 400, "space": {LEARNING_RATE: {"log_uniform": [1e-6, 1e-2]}}}
    rates = np.array([setting[LEARNING_RATE] for setting in settings_of(trials_of(random=random))])
    assert 0.4 < (rates < 1e-4).mean() < 0.6
    assert rates.min() < 3e-6
    assert rates.max() > 3e-3


@given(low=st.floats(1e-12, 0.5), ulps=st.integers(1, 3), seed=st.integers(0, 100))
def test_log_uniform_stays_within_the_narrowest_range(low: float, ulps: int, seed: int) -> None:
    high = low
    for _ in range(ulps):
        high = math.nextafter(high, 1.0)
    random = {"trials": 1, "seed": seed, "space": {LEARNING_RATE: {"log_uniform": [low, high]}}}
    (setting,) = settings_of(trials_of(random=random))
    assert low <= setting[LEARNING_RATE] <= high


@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        ({"log_uniform": [0, 1]}, "0 < low < high"),
        ({"log_uniform": [1, 0.1]}, "0 < low < high"),
        ({"uniform": [2, 1]}, "low < high"),
        ({"uniform": [-1e308, 1e308]}, "low < high"),
        ({"integers": [3, 2]}, "low <= high"),
        ({"integers": [1, 10**30]}, "less than or equal to"),
        ({"integers": [1.5, 2]}, "integer"),
        ({"choice": []}, "at least 1 item"),
        ({"normal": [0, 1]}, "log_uniform, uniform, integers and choice"),
        (3, "log_uniform, uniform, integers and choice"),
        ({"uniform": [0, 1], "choice": [1]}, "log_uniform, uniform, integers and choice"),
    ],
)
def test_a_distribution_that_is_none_is_refused(distribution: Any, message: str) -> None:
    problem = problem_of(random={"trials": 1, "space": {EPOCHS: distribution}})
    assert f"random.space.{EPOCHS}" in problem
    assert message in problem


def test_a_space_with_too_few_settings_is_refused() -> None:
    problem = problem_of(random={"trials": 5, "space": {EPOCHS: {"integers": [1, 3]}}})
    assert "random.trials: found 5; the space has hardly more than 3" in problem
