"""Clipping of gradients, before the optimizer sees them (Pascanu, Mikolov and Bengio, 2013).

Of one network's gradients g, all its parameters taken together::

    g = min(max(g, -value), value)            elementwise, as torch.nn.utils.clip_grad_value_
    g = g min(1, norm / (||g|| + 1e-6))       as torch.nn.utils.clip_grad_norm_
"""

from __future__ import annotations

import math

import numpy as np

from isolet_nn.nn.layers import FloatArray

_EPSILON = 1e-6
"""PyTorch's: gradients whose norm is just below the limit are scaled down by a hair."""


def clip_value(gradients: FloatArray, value: float) -> None:
    """Bring each of the gradients (n,) to between -value and value, in place."""
    np.maximum(gradients, -value, out=gradients)
    np.minimum(gradients, value, out=gradients)


def clip_norm(gradients: FloatArray, norm: float) -> None:
    """Scale the gradients (n,) down to a Euclidean norm of `norm` at most, in place."""
    found = math.sqrt(float(np.dot(gradients, gradients)))
    factor = norm / (found + _EPSILON)
    if not factor >= 1.0:  # so that gradients of which one is not a number become none
        gradients *= factor
