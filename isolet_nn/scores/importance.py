"""How much a model needs each column: how its loss rises when the column's cells are shuffled.

A shuffled column has the same values in other rows, so that it says nothing of its row any more.
The rise is the mean over some shuffles; its 95 % interval says how it would come out on other rows,
or on other groups where rows have groups. Columns that say the same are each of little importance,
since the others step in.

L. Breiman, "Random forests", Machine Learning 45 (2001) 5-32; the interval is that of a mean of
clusters (W. G. Cochran, "Sampling techniques", 3rd edition (1977), chapter 9).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.scores.evaluation import Z_95, cross_entropy

REPEATS = 5
"""Shuffles of each column, as many as scikit-learn's `permutation_importance` does."""
MOST_ROWS = 10_000
"""Rows that are looked at; of more, that many are drawn."""


@dataclass(frozen=True)
class Importance:
    """What it costs to lose one column.

    Attributes
    ----------
    name
        The column.
    loss
        Mean rise of the loss, in nats.
    low, high
        Its 95 % interval; None where there is but one row or group.
    accuracy
        Mean fall of the accuracy.
    """

    name: str
    loss: float
    low: float | None
    high: float | None
    accuracy: float


@dataclass(frozen=True)
class InputsOfColumn:
    """A column of the table, and the places of the network's inputs that it becomes."""

    name: str
    places: Sequence[int]


def permutation_importance(
    model: Callable[[NDArray[Any]], NDArray[Any]],
    x: NDArray[np.floating[Any]],
    y: NDArray[np.integer[Any]],
    columns: Sequence[InputsOfColumn],
    *,
    groups: NDArray[np.integer[Any]] | None = None,
    announce: Callable[[int, int, float], None] | None = None,
) -> list[Importance]:
    """The importance of each column, the most important first.

    The shuffles are the same every time.

    Parameters
    ----------
    model
        Gives the logits (n, n_classes) of inputs (n, n_features).
    x
        (n, n_features), one copy of which is made.
    y
        (n,) true classes.
    columns
        What is shuffled together.
    groups
        (n,) group of each row.
    announce
        Hears of how many columns and rows, and about how many seconds it will take.
    """
    if len(y) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(len(y))[:MOST_ROWS])
        x, y = x[rows], y[rows]
        groups = None if groups is None else groups[rows]
    shuffled = np.array(x)
    started = time.perf_counter()
    loss, right = _answers(model, shuffled, y)
    seconds = (time.perf_counter() - started) * REPEATS * len(columns)
    if announce is not None:
        announce(len(columns), len(y), seconds)
    found = []
    for number, column in enumerate(columns):
        places = np.array(column.places, np.int64)
        rise, falls = np.zeros(len(y)), 0
        for repeat in range(REPEATS):
            order = np.random.default_rng([number, repeat]).permutation(len(y))
            shuffled[:, places] = x[np.ix_(order, places)]
            other_loss, other_right = _answers(model, shuffled, y)
            rise += (other_loss - loss) / REPEATS
            falls += int(np.count_nonzero(right)) - int(np.count_nonzero(other_right))
        shuffled[:, places] = x[:, places]
        mean, half = _mean_with_error(rise, groups)
        low, high = (None, None) if half is None else (mean - half, mean + half)
        found.append(Importance(column.name, mean, low, high, falls / (REPEATS * len(y))))
    return sorted(found, key=lambda importance: -importance.loss)


def _answers(
    model: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any], y: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Loss of each row, and whether it is right, (n,) each."""
    logits = model(x)
    right: NDArray[np.bool_] = logits.argmax(axis=-1) == y
    return cross_entropy(logits, y), right


def _mean_with_error(
    values: NDArray[np.float64], groups: NDArray[np.integer[Any]] | None
) -> tuple[float, float | None]:
    """The mean of rows, and half its 95 % interval, rows of a group being taken together.

    With S_g the sum of a group's deviations from the mean, of G groups and n rows, the variance of
    the mean is G / (G - 1) sum_g S_g² / n².
    """
    mean = float(values.mean())
    rows = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    sums = np.bincount(rows, values - mean)
    n_groups = len(sums)
    if n_groups < 2:
        return mean, None
    variance = n_groups / (n_groups - 1) * float(np.square(sums).sum()) / len(values) ** 2
    return mean, Z_95 * math.sqrt(variance)
