"""The learning-rate range test: what it suggests, and what it does not look at."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import make_dataset, make_experiment
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import BACKENDS

from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError
from isolet_nn.training.range_test import RangeTest, _result, range_test


def measured(data: Dataset | None = None, **changes: Any) -> RangeTest:
    """A test on clouds, of the keys of an experiment, and of rates and steps."""
    given = {k: changes.pop(k) for k in ("lowest", "highest", "steps") if k in changes}
    experiment = make_experiment(**{"training__batch_size": 16} | changes)
    rows = data or make_dataset(rows=100, validation=20)
    return range_test(experiment, rows, **given)


def falling_at(rate: float, steps: int = 100) -> RangeTest:
    """A loss that falls by half a logistic curve in the middle of which the rate is."""
    rates = np.geomspace(1e-6, 1.0, steps)
    losses = 1.0 + 1.0 / (1.0 + (rates / rate) ** 2)
    return _result(rates.tolist(), losses.tolist(), diverged=False, interrupted=False)


@settings(max_examples=25, deadline=None)
@given(st.floats(-5.0, -1.0))
def test_the_rate_at_which_the_loss_falls_most_steeply_is_suggested(power: float) -> None:
    found = falling_at(10.0**power)
    assert found.outcome == "found"
    assert math.log10(found.suggestion or 0.0) == pytest.approx(power, abs=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_rates_rise_by_the_same_factor_until_the_loss_does(backend: str, optimizer: str) -> None:
    found = measured(backend=backend, optimizer__name=optimizer, model__dropout=0.1)
    ratios = np.array(found.rates[1:]) / found.rates[:-1]
    assert found.rates[0] == pytest.approx(1e-6)
    assert ratios == pytest.approx(1e8 ** (1 / 199))
    assert found.diverged or len(found.rates) == 200
    assert len(found.rates) == len(found.losses) == len(found.smoothed)
    assert found.outcome == "found"
    assert found.rates[0] < (found.suggestion or 0.0) < found.rates[-1]


def test_neither_validation_nor_test_split_is_looked_at() -> None:
    data = make_dataset(rows=100, validation=20)
    assert data.validation is not None
    wild = np.full_like(data.test.x, np.nan)
    unread = replace(
        data,
        test=replace(data.test, x=wild),
        validation=replace(data.validation, x=np.full_like(data.validation.x, np.nan)),
    )
    assert measured(unread) == measured(data)


def test_the_experiments_own_rate_schedule_and_epochs_do_not_matter() -> None:
    others: dict[str, Any] = {
        "training__schedule": {"name": "cosine", "warmup_epochs": 1},
        "training__epochs": 2,
        "optimizer": {"name": "adam", "learning_rate": 0.3},
        "training__early_stopping": {"patience": 1},
        "training__weight_averaging": "swa",
        "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
    }
    plain = measured(optimizer="adam")
    other = measured(**others)
    assert other == plain


def test_an_ensemble_is_tested_by_the_mean_of_its_networks() -> None:
    both = measured(ensemble=2)
    assert both.losses[0] != measured().losses[0]
    assert both.outcome == "found"


def test_where_it_diverges_at_once_nothing_is_suggested() -> None:
    found = measured(lowest=1e6, highest=1e9)
    assert (found.outcome, found.suggestion, found.diverged) == ("diverged at once", None, True)
    assert len(found.rates) < 12


def test_where_the_loss_never_falls_nothing_is_suggested() -> None:
    found = measured(lowest=1e-12, highest=1e-9, steps=50)
    assert (found.outcome, found.suggestion, found.diverged) == ("never fell", None, False)


def test_where_it_never_diverges_the_steepest_fall_counts_all_the_same() -> None:
    found = measured(lowest=1e-5, highest=0.1, optimizer__name="adam")
    assert (found.outcome, found.diverged, len(found.rates)) == ("found", False, 200)


def test_it_can_be_stopped_between_two_steps() -> None:
    asked = iter(range(1000))
    experiment = make_experiment()
    found = range_test(experiment, make_dataset(), should_stop=lambda: next(asked) >= 6)
    assert (found.outcome, found.suggestion, len(found.rates)) == ("interrupted", None, 7)


@pytest.mark.parametrize(
    "given",
    [{"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"highest": math.inf}, {"steps": 5}],
)
def test_rates_that_do_not_rise_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="they should rise from above 0"):
        measured(**given)


@pytest.mark.parametrize(
    ("losses", "outcome"), [([0.0] * 30, "never fell"), ([1e308, 1e308], "diverged at once")]
)
def test_losses_of_nothing_or_near_the_largest_number_suggest_nothing(
    losses: list[float], outcome: str
) -> None:
    rates = np.geomspace(1e-6, 1.0, len(losses)).tolist()
    found = _result(rates, losses, diverged=False, interrupted=False)
    assert (found.suggestion, found.outcome) == (None, outcome)
