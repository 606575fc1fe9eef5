"""Dense and dropout layers: gradients against central differences, and what each promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.nn.layers import Dense, Dropout, draw_dropout
from nn.gradients import TOLERANCE, central_differences, relative_error

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)
stacks = st.integers(1, 4)
F64 = np.dtype(np.float64)


def dense(
    random: np.random.Generator, networks: int, inputs: int, outputs: int, batch: int, first: bool
) -> Dense:
    weights = random.standard_normal((networks, inputs, outputs))
    biases = random.standard_normal((networks, outputs))
    return Dense(
        weights,
        biases,
        np.full_like(weights, np.nan),
        np.full_like(biases, np.nan),
        batch_size=batch,
        first=first,
    )


@given(seed=seeds, k=stacks, inputs=sizes, outputs=sizes, batch=sizes, spare=st.integers(0, 2))
def test_gradients_of_a_dense_layer_equal_central_differences(
    seed: int, k: int, inputs: int, outputs: int, batch: int, spare: int
) -> None:
    random = np.random.default_rng(seed)
    layer = dense(random, k, inputs, outputs, batch + spare, first=False)
    x = random.standard_normal((k, batch, inputs))
    weighting = random.standard_normal((k, batch, outputs))

    def value() -> NDArray[np.float64]:
        total: NDArray[np.float64] = (layer.forward(x) * weighting).sum(axis=(1, 2))
        return total

    layer.forward(x)
    input_gradient = layer.backward(weighting.copy()).copy()
    for gradient, variables in (
        (layer.weight_gradients.copy(), layer.weights),
        (layer.bias_gradients.copy(), layer.biases),
        (input_gradient, x),
    ):
        assert relative_error(gradient, central_differences(value, variables)) < TOLERANCE


@given(seed=seeds, k=stacks, inputs=sizes, outputs=sizes, batch=sizes)
def test_a_shared_input_gives_a_first_layer_the_gradients_of_separate_copies(
    seed: int, k: int, inputs: int, outputs: int, batch: int
) -> None:
    random = np.random.default_rng(seed)
    layer = dense(random, k, inputs, outputs, batch, first=True)
    x = random.standard_normal((1, batch, inputs))
    gradient = random.standard_normal((k, batch, outputs))
    results = []
    for inputs_seen in (x, np.repeat(x, k, axis=0)):
        output = layer.forward(inputs_seen).copy()
        layer.backward(gradient)
        results.append((output, layer.weight_gradients.copy(), layer.bias_gradients.copy()))
    for shared, separate in zip(*results, strict=True):
        assert np.array_equal(shared, separate)


@given(seed=seeds, k=stacks, units=sizes, batch=sizes, probability=st.sampled_from([0.0, 0.2, 0.5]))
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


@given(seed=seeds, probability=st.floats(0.0, 0.95))
def test_dropout_multiplies_by_zero_or_by_the_inverse_of_the_share_kept(
    seed: int, probability: float
) -> None:
    layer = Dropout(probability, 1, 40, 5, F64)
    layer.generators = [np.random.default_rng(seed)]
    output = layer.forward(np.ones((1, 40, 5)))
    kept = 1.0 / (1.0 - probability)
    assert np.isin(output, [0.0, kept]).all()


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
        draw_dropout(
            probability, np.random.default_rng(seed), np.empty((20, 7), np.float32), factors
        )
        masks.append(factors != 0)
    assert np.array_equal(*masks)


def test_dropout_does_nothing_in_evaluation() -> None:
    layer = Dropout(0.9, 1, 4, 3, F64)
    x = np.arange(12.0).reshape(1, 4, 3)
    assert np.array_equal(layer.evaluate(x.copy(), slice(None)), x)


@settings(max_examples=30)
@given(seed=seeds, k=stacks, rows=st.integers(1, 9))
def test_evaluation_takes_any_number_of_rows_and_some_networks_of_the_stack(
    seed: int, k: int, rows: int
) -> None:
    random = np.random.default_rng(seed)
    layer = dense(random, k, 4, 3, batch=2, first=True)
    x = random.standard_normal((1, rows, 4))
    expected = x @ layer.weights + layer.biases[:, np.newaxis]
    assert np.allclose(layer.evaluate(x, slice(None)), expected, rtol=1e-14, atol=1e-14)
    assert np.array_equal(
        layer.evaluate(x, slice(k - 1, k)), layer.evaluate(x, slice(None))[k - 1 :]
    )
