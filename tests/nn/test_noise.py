"""Dropout, noise and mixup: gradients with fixed draws, and the distributions they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.nn.noise import (
    Dropout,
    GaussianNoise,
    Mixup,
    draw_dropout,
    draw_mixup,
    draw_noise,
)
from nn.gradients import TOLERANCE, central_differences, relative_error

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)
stacks = st.integers(1, 4)
F64 = np.dtype(np.float64)


@given(
    seed=seeds, k=stacks, units=sizes, batch=sizes, probability=st.sampled_from([0.01, 0.2, 0.5])
)
def test_gradient_of_dropout_with_fixed_masks_equals_central_differences(
    seed: int, k: int, units: int, batch: int, probability: float
) -> None:
    random = np.random.default_rng(seed)
    layer = Dropout(probability, k, batch, units, F64)
    x = random.standard_normal((k, batch, units))
    weighting = random.standard_normal(x.shape)

    def value() -> NDArray[np.float64]:
        layer.generators = [np.random.default_rng([seed, network]) for network in range(k)]
        total: NDArray[np.float64] = (layer.forward(x) * weighting).sum(axis=(1, 2))
        return total

    value()
    gradient = layer.backward(weighting.copy())
    differences = central_differences(value, x)
    assert relative_error(gradient, differences) < TOLERANCE


@given(seed=seeds, probability=st.floats(0.0, 0.95, exclude_min=True))
def test_dropout_multiplies_by_zero_or_by_the_inverse_of_the_share_kept(
    seed: int, probability: float
) -> None:
    layer = Dropout(probability, 1, 40, 5, F64)
    layer.generators = [np.random.default_rng(seed)]
    output = layer.forward(np.ones((1, 40, 5)))
    (kept,) = {*output.flat} - {0.0}
    share = 1.0 - 1.0 / kept  # of the units that are dropped: the nearest of 65,535
    assert abs(share - probability) <= 2**-16
    assert share * 2**16 == pytest.approx(round(share * 2**16), abs=1e-6)


def test_a_probability_next_to_1_drops_almost_all_and_divides_by_no_zero() -> None:
    factors = np.empty((500, 400))
    draw_dropout(1.0 - 1e-9, np.random.default_rng(0), factors)
    assert {*factors.flat} == {0.0, 2.0**16}


def test_a_unit_is_dropped_where_sixteen_bits_of_a_random_word_are_below_the_probability() -> None:
    factors = np.empty((3, 5))
    draw_dropout(0.2, np.random.default_rng(1), factors)
    words = np.random.default_rng(1).bit_generator.random_raw(4).tolist()
    levels = [word >> shift & 0xFFFF for word in words for shift in (0, 16, 32, 48)]
    dropped = [level / 2**16 < 0.2 for level in levels[:15]]
    assert (factors.ravel() == 0.0).tolist() == dropped


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8])
def test_dropout_drops_its_probability_of_units_and_keeps_the_mean(probability: float) -> None:
    layer = Dropout(probability, 1, 1000, 200, F64)
    layer.generators = [np.random.default_rng(3)]
    output = layer.forward(np.ones((1, 1000, 200)))
    n = output.size
    deviation = math.sqrt(probability * (1 - probability) / n)
    assert abs(np.mean(output == 0.0) - probability) < 4 * deviation
    assert abs(output.mean() - 1.0) < 4 * deviation / (1 - probability)


def test_dropout_draws_new_masks_at_every_step_and_other_ones_for_every_network() -> None:
    layer = Dropout(0.5, 2, 30, 10, F64)
    layer.generators = [np.random.default_rng(1), np.random.default_rng(2)]
    x = np.ones((2, 30, 10))
    first, second = layer.forward(x).copy(), layer.forward(x).copy()
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


@given(seed=seeds, probability=st.floats(0.01, 0.9))
def test_dropout_drops_the_same_units_in_float32_and_float64(seed: int, probability: float) -> None:
    masks = []
    for dtype in (np.float32, np.float64):
        factors = np.empty((20, 7), dtype)
        draw_dropout(probability, np.random.default_rng(seed), factors)
        masks.append(factors != 0)
    assert np.array_equal(*masks)


def test_dropout_does_nothing_in_evaluation() -> None:
    layer = Dropout(0.9, 1, 4, 3, F64)
    x = np.arange(12.0).reshape(1, 4, 3)
    assert np.array_equal(layer.evaluate(x.copy(), slice(None)), x)


@pytest.mark.parametrize("deviation", [0.1, 0.5, 2.0])
def test_noise_has_mean_0_and_its_deviation(deviation: float) -> None:
    layer = GaussianNoise(deviation, 1, 1000, 200, F64)
    layer.generators = [np.random.default_rng(3)]
    noise = layer.forward(np.full((1, 1000, 200), 7.0)) - 7.0
    assert abs(noise.mean()) < 4 * deviation / math.sqrt(noise.size)
    assert abs(noise.std() / deviation - 1) < 4 / math.sqrt(2 * noise.size)


def test_noise_is_new_at_every_step_and_for_every_network_and_absent_in_evaluation() -> None:
    layer = GaussianNoise(0.3, 2, 30, 10, F64)
    layer.generators = [np.random.default_rng(1), np.random.default_rng(2)]
    x = np.ones((1, 30, 10))  # shared by both networks
    first, second = layer.forward(x).copy(), layer.forward(x).copy()
    assert first.shape == (2, 30, 10)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(layer.evaluate(x, slice(None)), np.ones((1, 30, 10)))


def test_noise_is_the_same_in_float32_and_float64_up_to_rounding() -> None:
    single, double = np.empty((20, 7), np.float32), np.empty((20, 7))
    for noise in (single, double):
        draw_noise(0.3, np.random.default_rng(5), noise)
    assert np.array_equal(single, double.astype(np.float32))


@given(seed=seeds, alpha=st.floats(0.05, 5.0), k=stacks, batch=sizes, shared=st.booleans())
def test_mixup_blends_each_row_with_its_partner_and_says_the_partner_s_class(
    seed: int, alpha: float, k: int, batch: int, shared: bool
) -> None:
    random = np.random.default_rng(seed)
    mixup = Mixup(alpha, k, batch + 1, 3, F64)
    mixup.generators = [np.random.default_rng([seed, network]) for network in range(k)]
    x = random.standard_normal((1 if shared else k, batch, 3))
    labels = random.integers(0, 9, (k, batch))
    kept = x.copy()
    mixed, others = mixup.mix(x, labels)
    assert np.array_equal(x, kept)
    for network in range(k):
        partners = np.empty(batch, np.int64)
        share = draw_mixup(
            alpha, np.random.default_rng([seed, network]), np.arange(batch), partners
        )
        own = x[0 if shared else network]
        assert 0.5 <= share <= 1.0
        assert mixup.shares[network, 0, 0] == share
        assert np.array_equal(np.sort(partners), np.arange(batch))
        assert np.allclose(mixed[network], share * own + (1 - share) * own[partners], rtol=1e-12)
        assert np.array_equal(others[network], labels[network][partners])


def test_the_share_of_mixup_is_the_larger_part_of_a_beta_distribution() -> None:
    generator, positions = np.random.default_rng(0), np.arange(2)
    draws = [draw_mixup(0.4, generator, positions, positions.copy()) for _ in range(4000)]
    shares = np.array(draws)
    # Beta(a, a) has variance 1 / (4 (2 a + 1)) about 1/2, which folding does not change.
    variance = np.mean((shares - 0.5) ** 2)
    assert abs(variance / (1 / (4 * 1.8)) - 1) < 0.05
