"""What is seen of a network while it learns: how far gradients reach, and which units still act.

Of each layer, in each epoch, with t over the inspected steps of the epoch and |.| the Euclidean
norm over all parameters of the layer (weights and biases; scales and shifts where it is
normalised)::

    gradient norm   sqrt(mean over t of |g_t|^2)              g_t as back-propagation gives it
    update norm     sqrt(mean over t of |p_t - p_(t - 1)|^2)  p_t after step t, limits included
    weight norm     |p| at the end of the epoch

and of a hidden layer's activations a (rows, units) at the end of the epoch, in evaluation mode::

    mean            mean(a)
    deviation       sqrt(mean((a - mean)^2))
    dead units      those whose a is 0 or below in every row
    saturated       share of all a where f' is below a tenth of its largest value

Dead units are counted where f is about 0 on the left only (a ReLU that is dead has no gradient any
more: Maas, Hannun and Ng, 2013; the others keep a small one), saturation is of sigmoid and tanh,
whose gradient vanishes there (Glorot and Bengio, 2010). Steps and rows are the same in every epoch
and for every experiment of as many: an inspection draws nothing, and no bit of the training
depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from isolet_nn.nn.layers import FloatArray
from isolet_nn.nn.network import Network

INSPECTED_STEPS = 8
"""Of an epoch, which cost a network of 1024 neurons under three per cent of its time."""
INSPECTED_ROWS = 512
"""Of the training part: a unit that acts on one row of a hundred is found dead once in 170."""
_MOST_CELLS = 1 << 23
"""Rows of very many features are fewer."""
SATURATED: Final = math.sqrt(0.9)
"""From here on |tanh z| has a derivative, 1 - tanh^2 z, below a tenth of its largest, 1."""
CENTRES: Final[Mapping[str, tuple[float, float]]] = {"sigmoid": (0.5, 0.5), "tanh": (0.0, 1.0)}
"""Middle and half width of the values of the functions that saturate on both sides."""


def inspected_steps(steps: int) -> NDArray[np.bool_]:
    """Which steps (steps,) of an epoch are inspected: all of a few, else some evenly apart."""
    count = min(steps, INSPECTED_STEPS)
    inspected = np.zeros(steps, np.bool_)
    inspected[(2 * np.arange(count) + 1) * steps // (2 * count)] = True
    return inspected


def inspected_rows(x: Any) -> FloatArray:
    """Rows of a training part (n, features), dense or sparse, evenly apart, as a dense array."""
    n, n_features = x.shape
    count = min(n, INSPECTED_ROWS, max(1, _MOST_CELLS // n_features))
    rows = x[np.arange(count) * n // count]
    dense: FloatArray = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return dense


class Norms:
    """Squares of the norms of a network's gradients and updates, summed over inspected steps.

    Parameters
    ----------
    network
        The stack of K networks of L layers.

    Attributes
    ----------
    sums : (K, 2, L)
        Of gradients, and of updates.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._layers = network.shape.parameter_slices
        self.sums = np.zeros((len(network.parameters), 2, len(self._layers)))
        self._before = np.empty_like(network.parameters)

    def see_gradients(self) -> None:
        """Add those of a step, before anything is made of them; remember the parameters."""
        self.sums[:, 0] += squares(self._network.gradients, self._layers)
        np.copyto(self._before, self._network.parameters)

    def see_updates(self) -> None:
        """Add what the step has changed."""
        np.subtract(self._network.parameters, self._before, out=self._before)
        self.sums[:, 1] += squares(self._before, self._layers)


def squares(values: FloatArray, layers: Sequence[slice]) -> NDArray[np.float64]:
    """Squared norms (K, L) of the layers' parts of `values` (K, n)."""
    # A product of its own for each network: its bits do not depend on its neighbours.
    parts = [values[:, layer] for layer in layers]
    found = [np.matmul(part[:, np.newaxis, :], part[:, :, np.newaxis]) for part in parts]
    return np.concatenate(found, axis=2)[:, 0].astype(np.float64)


def activation_statistics(a: FloatArray, activation: str) -> NDArray[np.float64]:
    """Of the activations (K, rows, units) of one hidden layer: (K, 4).

    Mean, deviation, number of units that are 0 or below in every row, number of saturated ones.
    """
    n = a.shape[1] * a.shape[2]
    mean = np.add.reduce(a, axis=1).sum(axis=1, dtype=np.float64) / n
    centred = a - mean.astype(a.dtype)[:, np.newaxis, np.newaxis]
    centred *= centred
    variance = np.add.reduce(centred, axis=1).sum(axis=1, dtype=np.float64) / n
    inactive = np.count_nonzero(np.maximum.reduce(a, axis=1) <= 0.0, axis=1)
    saturated = np.zeros(len(a))
    if activation in CENTRES:
        middle, half = CENTRES[activation]
        np.subtract(a, middle, out=centred)
        np.abs(centred, out=centred)
        saturated[:] = np.count_nonzero(centred > half * SATURATED, axis=(1, 2))
    return np.stack([mean, np.sqrt(variance), inactive, saturated], axis=1)
