"""Activation functions: values against their formulas, gradients against central differences."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from needs import needs_torch
from numpy.typing import NDArray

from isolet_nn.nn.activations import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
)
from isolet_nn.nn.network import ActivationMaker
from nn.gradients import TOLERANCE, central_differences, relative_error

ACTIVATIONS: dict[str, ActivationMaker] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "leaky_relu with a slope": functools.partial(LeakyReLU, negative_slope=0.4),
    "elu": ELU,
    "elu with an alpha": functools.partial(ELU, alpha=1.7),
    "gelu": GELU,
    "silu": SiLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
}
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(seed=seeds, k=sizes, batch=sizes, units=sizes)
def test_gradient_equals_central_differences(
    name: str, seed: int, k: int, batch: int, units: int
) -> None:
    random = np.random.default_rng(seed)
    layer = ACTIVATIONS[name]((k, batch + 1, units), np.float64)
    z = 2.0 * random.standard_normal((k, batch, units))
    z += np.copysign(1e-3, z)  # away from the kink that some have there
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
    wide = z.astype(np.float64)
    below = np.expm1(np.minimum(wide, 0))
    expected: dict[str, NDArray[Any]] = {
        "relu": np.maximum(z, 0),
        "leaky_relu": np.where(z > 0, wide, 0.01 * wide),
        "leaky_relu with a slope": np.where(z > 0, wide, 0.4 * wide),
        "elu": np.maximum(wide, 0) + below,
        "elu with an alpha": np.maximum(wide, 0) + 1.7 * below,
        "gelu": wide * scipy.special.ndtr(wide),
        "silu": wide * scipy.special.expit(wide),
        "sigmoid": scipy.special.expit(wide),
        "tanh": np.tanh(wide),
    }
    assert expected.keys() == ACTIVATIONS.keys()
    for name, values in expected.items():
        a = z[np.newaxis, np.newaxis].copy()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            output = ACTIVATIONS[name](a.shape, dtype).forward(a)
        assert output.dtype == dtype
        assert np.allclose(output[0, 0], values, rtol=tolerance, atol=30 * tolerance), name


def alone(kind: ActivationMaker, z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values and derivatives at z (n,)."""
    layer = kind((1, 1, z.size), z.dtype)
    values = layer.forward(z[np.newaxis, np.newaxis].copy())[0, 0].copy()
    return values, layer.backward(np.ones((1, 1, z.size), z.dtype))[0, 0]


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_derivatives_are_those_of_pytorch(name: str, dtype: str) -> None:
    import torch
    from torch.nn import functional

    theirs = {
        "leaky_relu with a slope": lambda z: functional.leaky_relu(z, 0.4),
        "elu with an alpha": lambda z: functional.elu(z, 1.7),
    }
    z = np.concatenate([np.linspace(-20, 20, 4001), [0.0, -0.0, 1e-30, -1e-30]]).astype(dtype)
    tensor = torch.tensor(z, requires_grad=True)
    function = theirs[name] if name in theirs else getattr(functional, name)
    their_values = function(tensor)
    their_values.sum().backward()
    assert tensor.grad is not None
    values, derivatives = alone(ACTIVATIONS[name], z)
    tolerance = 20 * float(np.finfo(dtype).eps)
    assert np.allclose(values, their_values.detach().numpy(), tolerance, tolerance)
    assert np.allclose(derivatives, tensor.grad.numpy(), tolerance, tolerance)


@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1000.3, 1e10])
def test_elu_lets_gradients_right_of_zero_through_as_they_are_whatever_alpha_is(
    alpha: float,
) -> None:
    z = np.array([1e-20, 0.5, 3.0], np.float32)
    _, derivatives = alone(functools.partial(ELU, alpha=alpha), z)
    assert derivatives.tolist() == [1.0, 1.0, 1.0]


def test_the_derivative_of_relu_at_zero_is_zero() -> None:
    layer = ReLU((1, 2, 2), np.float64)
    layer.forward(np.zeros((1, 2, 2)))
    assert np.array_equal(layer.backward(np.ones((1, 2, 2))), np.zeros((1, 2, 2)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_evaluation_computes_what_training_computes(name: str) -> None:
    z = np.random.default_rng(0).standard_normal((2, 5, 4)).astype(np.float32)
    kind = functools.partial(ACTIVATIONS[name], z.shape, z.dtype)
    assert np.array_equal(kind().evaluate(z.copy(), slice(None)), kind().forward(z.copy()))
