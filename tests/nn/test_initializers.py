"""Initial weights: their distributions, and that number types differ by rounding alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from needs import needs_torch
from numpy.typing import NDArray

from isolet_nn.nn.initializers import Initializer, glorot, he, normal, uniform_fan_in

INPUTS, OUTPUTS = 300, 200


def drawn(
    initializer: Initializer, dtype: type = np.float64, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any]]:
    weights: NDArray[Any] = np.full((INPUTS, OUTPUTS), 9, dtype)
    biases: NDArray[Any] = np.full(OUTPUTS, 9, dtype)
    initializer(weights, biases, np.random.default_rng(seed))
    return weights, biases


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [(normal(0.01), 0.01), (normal(2.0), 2.0), (he, math.sqrt(2 / INPUTS))],
)
def test_normal_weights_have_their_deviation_and_biases_are_zero(
    initializer: Initializer, deviation: float
) -> None:
    weights, biases = drawn(initializer)
    assert scipy.stats.kstest(weights.ravel() / deviation, "norm").pvalue > 1e-3
    assert abs(weights.std() / deviation - 1) < 4 / math.sqrt(2 * weights.size)
    assert not biases.any()


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [(glorot, math.sqrt(6 / (INPUTS + OUTPUTS))), (uniform_fan_in, 1 / math.sqrt(INPUTS))],
)
def test_uniform_weights_fill_their_limits(initializer: Initializer, limit: float) -> None:
    weights, _ = drawn(initializer)
    assert 0.999 * limit < np.abs(weights).max() <= limit
    uniform = scipy.stats.uniform(-limit, 2 * limit)
    assert scipy.stats.kstest(weights.ravel(), uniform.cdf).pvalue > 1e-3


def test_glorot_leaves_biases_at_zero() -> None:
    assert not drawn(glorot)[1].any()


@needs_torch
def test_uniform_fan_in_draws_as_linear_layers_of_pytorch_do() -> None:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.Linear(INPUTS, OUTPUTS, dtype=torch.float64)
    theirs = layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy()
    weights, biases = drawn(uniform_fan_in)
    for ours, reference in zip((weights.ravel(), biases), theirs, strict=True):
        assert scipy.stats.ks_2samp(ours, reference).pvalue > 1e-3
        assert np.abs(ours).max() <= 1 / math.sqrt(INPUTS)
        assert abs(np.abs(reference).max() / np.abs(ours).max() - 1) < 0.05


@pytest.mark.parametrize("initializer", [normal(0.01), he, glorot, uniform_fan_in])
def test_float32_weights_are_the_float64_weights_rounded(initializer: Initializer) -> None:
    for single, double in zip(
        drawn(initializer, np.float32), drawn(initializer, np.float64), strict=True
    ):
        assert single.dtype == np.float32
        assert np.array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize("initializer", [normal(0.01), he, glorot, uniform_fan_in])
def test_another_seed_draws_other_weights(initializer: Initializer) -> None:
    assert np.mean(drawn(initializer)[0] == drawn(initializer, seed=1)[0]) < 0.01
