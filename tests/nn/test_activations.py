"""Activation functions: values against their formulas, gradients against central differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.nn.activations import Activation, ReLU, Sigmoid, Tanh
from nn.gradients import TOLERANCE, central_differences, relative_error

ACTIVATIONS = (ReLU, Sigmoid, Tanh)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@given(seed=seeds, k=sizes, batch=sizes, units=sizes)
def test_gradient_equals_central_differences(
    kind: type[Activation], seed: int, k: int, batch: int, units: int
) -> None:
    random = np.random.default_rng(seed)
    layer = kind()
    z = 2.0 * random.standard_normal((k, batch, units))
    z += np.copysign(1e-3, z)  # away from the kink of ReLU, for whose sake alone this is done
    weighting = random.standard_normal(z.shape)

    def value() -> NDArray[np.float64]:
        total: NDArray[np.float64] = (layer.forward(z.copy()) * weighting).sum(axis=(1, 2))
        return total

    value()
    gradient = layer.backward(weighting.copy())
    assert relative_error(gradient, central_differences(value, z)) < TOLERANCE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_the_formulas_and_nothing_overflows(dtype: type) -> None:
    z: NDArray[Any] = np.concatenate([np.linspace(-30, 30, 2001), [-1e4, 1e4, -1e30, 1e30]]).astype(
        dtype
    )
    tolerance = 4 * float(np.finfo(dtype).eps)
    expected: dict[Callable[[], Activation], NDArray[Any]] = {
        ReLU: np.maximum(z, 0),
        Sigmoid: scipy.special.expit(z.astype(np.float64)),
        Tanh: np.tanh(z.astype(np.float64)),
    }
    for kind, values in expected.items():
        a = z[np.newaxis, np.newaxis].copy()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            output = kind().forward(a)
        assert output.dtype == dtype
        assert np.allclose(output[0, 0], values, rtol=tolerance, atol=tolerance)


def test_the_derivative_of_relu_at_zero_is_zero() -> None:
    layer = ReLU()
    layer.forward(np.zeros((1, 2, 2)))
    assert np.array_equal(layer.backward(np.ones((1, 2, 2))), np.zeros((1, 2, 2)))


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_evaluation_computes_what_training_computes(kind: type[Activation]) -> None:
    z = np.random.default_rng(0).standard_normal((2, 5, 4)).astype(np.float32)
    assert np.array_equal(kind().evaluate(z.copy(), slice(None)), kind().forward(z.copy()))
