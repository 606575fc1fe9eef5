"""Dense layers: gradients against central differences, and what each promises."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.nn.layers import Dense
from nn.gradients import TOLERANCE, central_differences, relative_error

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)
stacks = st.integers(1, 4)


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
    assert layer.biases is not None
    assert layer.bias_gradients is not None
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
        assert layer.bias_gradients is not None
        results.append((output, layer.weight_gradients.copy(), layer.bias_gradients.copy()))
    for shared, separate in zip(*results, strict=True):
        assert np.array_equal(shared, separate)


@settings(max_examples=30)
@given(seed=seeds, k=stacks, rows=st.integers(1, 9))
def test_evaluation_takes_any_number_of_rows_and_some_networks_of_the_stack(
    seed: int, k: int, rows: int
) -> None:
    random = np.random.default_rng(seed)
    layer = dense(random, k, 4, 3, batch=2, first=True)
    x = random.standard_normal((1, rows, 4))
    assert layer.biases is not None
    expected = x @ layer.weights + layer.biases[:, np.newaxis]
    assert np.allclose(layer.evaluate(x, slice(None)), expected, rtol=1e-14, atol=1e-14)
    assert np.array_equal(
        layer.evaluate(x, slice(k - 1, k)), layer.evaluate(x, slice(None))[k - 1 :]
    )


@given(
    seed=seeds,
    k=stacks,
    inputs=sizes,
    outputs=sizes,
    max_norm=st.floats(0.01, 10.0),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_norms_of_the_weights_into_a_neuron_are_limited_and_small_ones_left_alone(
    seed: int, k: int, inputs: int, outputs: int, max_norm: float, dtype: type
) -> None:
    layer = dense(np.random.default_rng(seed), k, inputs, outputs, batch=1, first=True)
    layer = Dense(
        layer.weights.astype(dtype),
        None,
        layer.weight_gradients.astype(dtype),
        None,
        batch_size=1,
        first=True,
    )
    before = layer.weights.copy()
    layer.limit_norms(max_norm)
    norms = np.linalg.norm(before.astype(float), axis=1, keepdims=True)
    expected = before * np.minimum(1.0, max_norm / np.maximum(norms, 1e-30))
    assert np.allclose(layer.weights, expected, rtol=1e-5)
    small = np.broadcast_to(norms < 0.999 * max_norm, before.shape)
    assert np.array_equal(layer.weights[small], before[small])
