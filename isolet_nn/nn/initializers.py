"""Initial weights: random enough to break symmetry, scaled so that signals keep their size.

With fan_in inputs and fan_out outputs, weights W are drawn as follows; biases b are zero unless
stated.

====================  =====================================================================
``normal``            W ~ N(0, scale^2)
``he``                W ~ N(0, 2 / fan_in)                        He et al., 2015
``glorot``            W ~ U(-a, a), a = sqrt(6 / (fan_in + fan_out))  Glorot, Bengio, 2010
``uniform_fan_in``    W, b ~ U(-a, a), a = 1 / sqrt(fan_in)         default of torch.nn.Linear
====================  =====================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Initializer = Callable[[FloatArray, FloatArray, np.random.Generator], None]
"""Fills the weights (inputs, outputs) and biases (outputs,) of one layer, in place.

Numbers are drawn in float64 whatever the arrays' type, so that float32 and float64 networks of
one seed start from the same weights up to rounding.
"""


def normal(scale: float) -> Initializer:
    """Normal weights with standard deviation `scale`."""

    def fill(weights: FloatArray, biases: FloatArray, generator: np.random.Generator) -> None:
        weights[...] = scale * generator.standard_normal(weights.shape)
        biases[...] = 0.0

    return fill


def he(weights: FloatArray, biases: FloatArray, generator: np.random.Generator) -> None:
    """Normal weights with variance 2 / fan_in, made for ReLU."""
    weights[...] = math.sqrt(2.0 / weights.shape[0]) * generator.standard_normal(weights.shape)
    biases[...] = 0.0


def glorot(weights: FloatArray, biases: FloatArray, generator: np.random.Generator) -> None:
    """Uniform weights with variance 2 / (fan_in + fan_out), made for tanh and sigmoid."""
    limit = math.sqrt(6.0 / (weights.shape[0] + weights.shape[1]))
    weights[...] = generator.uniform(-limit, limit, weights.shape)
    biases[...] = 0.0


def uniform_fan_in(weights: FloatArray, biases: FloatArray, generator: np.random.Generator) -> None:
    """Uniform weights and biases in +-1 / sqrt(fan_in), as torch.nn.Linear draws them."""
    limit = 1.0 / math.sqrt(weights.shape[0])
    weights[...] = generator.uniform(-limit, limit, weights.shape)
    biases[...] = generator.uniform(-limit, limit, biases.shape)
