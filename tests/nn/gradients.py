"""Central differences, against which gradients are judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 1e-5
"""Balances rounding (1e-16 / step) against the formula's own error (step to the fourth power).

Differences of two values err by step squared, times a third derivative that batch normalisation
of a unit that hardly varies makes thousands of times as large as the first.
"""
_POINTS = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
"""The steps at which a function is read for its first derivative, and the weight of each value."""
TOLERANCE = 1e-6
SMALLEST_SCALE = 1e-3
"""Gradients smaller than this are compared absolutely: differences cannot resolve them."""


def central_differences(
    function: Callable[[], NDArray[Any]], variables: NDArray[Any]
) -> NDArray[Any]:
    """Derivatives of K functions from four points each.

    The k-th depends only on row k of `variables` (K, ...).
    `function` reads `variables`, which are changed and put back, and returns (K,) values.
    """
    gradient = np.empty_like(variables)
    for index in np.ndindex(*variables.shape[1:]):
        column = (slice(None), *index)
        kept = variables[column].copy()
        slope = np.zeros(len(variables))
        for steps, weight in _POINTS:
            variables[column] = kept + steps * STEP
            slope += weight * function()
        variables[column] = kept
        gradient[column] = slope / STEP
    return gradient


def relative_error(gradient: NDArray[Any], differences: NDArray[Any]) -> float:
    """||a - b|| / max(||a||, ||b||), the largest over the stack."""
    assert gradient.shape == differences.shape
    networks = len(gradient)
    a, b = gradient.reshape(networks, -1), differences.reshape(networks, -1)
    scale = np.maximum(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    error = np.linalg.norm(a - b, axis=1) / np.maximum(scale, SMALLEST_SCALE)
    return float(error.max())
