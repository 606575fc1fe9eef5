"""Central differences, against which gradients are judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 1e-5
"""Balances rounding (1e-16 / step) against the formula's own error (step squared)."""
TOLERANCE = 1e-6
SMALLEST_SCALE = 1e-3
"""Gradients smaller than this are compared absolutely: differences cannot resolve them."""


def central_differences(
    function: Callable[[], NDArray[Any]], variables: NDArray[Any]
) -> NDArray[Any]:
    """Derivatives of K functions, the k-th depending only on row k of `variables` (K, ...).

    `function` reads `variables`, which are changed and put back, and returns (K,) values.
    """
    gradient = np.empty_like(variables)
    for index in np.ndindex(*variables.shape[1:]):
        column = (slice(None), *index)
        kept = variables[column].copy()
        variables[column] = kept + STEP
        above = function().copy()
        variables[column] = kept - STEP
        below = function().copy()
        variables[column] = kept
        gradient[column] = (above - below) / (2 * STEP)
    return gradient


def relative_error(gradient: NDArray[Any], differences: NDArray[Any]) -> float:
    """||a - b|| / max(||a||, ||b||), the largest over the stack."""
    assert gradient.shape == differences.shape
    networks = len(gradient)
    a, b = gradient.reshape(networks, -1), differences.reshape(networks, -1)
    scale = np.maximum(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    error = np.linalg.norm(a - b, axis=1) / np.maximum(scale, SMALLEST_SCALE)
    return float(error.max())
