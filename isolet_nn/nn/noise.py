"""What is random in a training step: mixup, noise on the inputs, and dropout.

All three are off in evaluation. What is drawn does not depend on the network's number type, so
that every backend and type sees the same; each network draws from a generator of its own, in the
order mixup, noise, dropout from the first layer to the last.

Mixup (Zhang et al., 2018, eq. 1), one share l ~ Beta(alpha, alpha) a batch, and a permutation j
of its rows; l and 1 - l are equally likely, so l is taken to be the larger::

    x_i = l x_i + (1 - l) x_j(i)        t_i = l t_i + (1 - l) t_j(i)

Gaussian noise (Bishop, 1995)::

    x = x + deviation n,  n ~ N(0, 1)

Dropout (Srivastava et al., 2014), inverted so that evaluation needs no change: with drop
probability p and a whole number u ~ U{0, ..., 65535} for every unit, the unit is multiplied by
1 / (1 - q) where u >= 65536 q, and by 0 elsewhere. Here q is p to the nearest of 1/65536, ...,
65535/65536: 0.5 is exact, 0.2 becomes 13107/65536 = 0.199997. As q itself stands in the factor,
its mean is exactly 1. Sixteen bits are enough, and a random word has four times as many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.nn.layers import FloatArray, Layer

_LEVELS = 2**16
"""Steps of a dropout probability."""


class RandomLayer(Layer):
    """A layer that does something random in training, and nothing in evaluation.

    Attributes
    ----------
    generators : sequence of numpy.random.Generator
        One a network; to be set before the first step.
    """

    generators: Sequence[np.random.Generator] = ()

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        return x


class Dropout(RandomLayer):
    """Dropout of K layers, each with random numbers of its own.

    Parameters
    ----------
    probability
        Probability p that a unit is dropped.
    networks, batch_size, units
        Size of the stack, largest batch, and width.
    dtype
        Number type of the activations.
    """

    def __init__(
        self, probability: float, networks: int, batch_size: int, units: int, dtype: np.dtype[Any]
    ) -> None:
        self.probability = probability
        self._factors = np.empty((networks, batch_size, units), dtype)
        self._output = np.empty((networks, batch_size, units), dtype)

    def forward(self, x: FloatArray) -> FloatArray:
        batch = x.shape[1]
        for generator, factors in zip(self.generators, self._factors, strict=True):
            draw_dropout(self.probability, generator, factors[:batch])
        # A buffer of its own: x is the activation's output, which its derivative needs unmasked.
        output = self._output[:, :batch]
        np.multiply(x, self._factors[:, :batch], out=output)
        return output

    def backward(self, gradient: FloatArray) -> FloatArray:
        gradient *= self._factors[:, : gradient.shape[1]]
        return gradient


class GaussianNoise(RandomLayer):
    """Noise on the inputs of K networks, each with random numbers of its own.

    Parameters
    ----------
    deviation
        Standard deviation of the noise, in the unit of the inputs.
    networks, batch_size, units
        Size of the stack, largest batch, and width.
    dtype
        Number type of the activations.
    """

    def __init__(
        self, deviation: float, networks: int, batch_size: int, units: int, dtype: np.dtype[Any]
    ) -> None:
        self.deviation = deviation
        self._output = np.empty((networks, batch_size, units), dtype)

    def forward(self, x: FloatArray) -> FloatArray:
        batch = x.shape[1]
        output = self._output[:, :batch]
        for generator, noise in zip(self.generators, output, strict=True):
            draw_noise(self.deviation, generator, noise)
        output += x
        return output

    def backward(self, gradient: FloatArray) -> FloatArray:
        return gradient


class Mixup:
    """Mixes each row of a batch with another one, in K networks.

    Parameters
    ----------
    alpha
        Both parameters of the Beta distribution that the share is drawn from.
    networks, batch_size, units
        Size of the stack, largest batch, number of inputs.
    dtype
        Number type of the inputs.

    Attributes
    ----------
    generators : sequence of numpy.random.Generator
        One a network; to be set before the first step.
    shares : (K, 1, 1)
        Share of the row itself in the last batch.
    """

    generators: Sequence[np.random.Generator] = ()

    def __init__(
        self, alpha: float, networks: int, batch_size: int, units: int, dtype: np.dtype[Any]
    ) -> None:
        self.alpha = alpha
        self.shares = np.empty((networks, 1, 1), dtype)
        self._positions = np.arange(batch_size)
        self._partners = np.empty((networks, batch_size), np.int64)
        self._labels = np.empty((networks, batch_size), np.int64)
        self._weights = np.empty((networks, batch_size), dtype)
        self._rows = np.empty((batch_size, units), dtype)
        self._output = np.empty((networks, batch_size, units), dtype)

    def mix(self, x: FloatArray, labels: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.int64]]:
        """Draw, and mix a batch.

        Parameters
        ----------
        x
            (K, batch, units), or (1, batch, units) where all networks see the same rows.
        labels
            (K, batch) class indices.

        Returns
        -------
        The mixed rows (K, batch, units), and the classes (K, batch) of the other share of each.
        """
        batch = x.shape[1]
        rows, output = self._rows[:batch], self._output[:, :batch]
        partners, others = self._partners[:, :batch], self._labels[:, :batch]
        for k, generator in zip(range(len(output)), self.generators, strict=True):
            share = draw_mixup(self.alpha, generator, self._positions[:batch], partners[k])
            own = x[k if len(x) > 1 else 0]
            np.take(own, partners[k], axis=0, out=rows, mode="clip")  # straight to `out`
            np.take(labels[k], partners[k], out=others[k], mode="clip")
            rows *= 1.0 - share
            np.multiply(own, share, out=output[k])
            output[k] += rows
            self.shares[k] = share
        return output, others

    def of_partners(self, weights: FloatArray) -> FloatArray:
        """Of the rows' `weights` (K, batch), those of the rows that the last `mix` blended in."""
        batch = weights.shape[1]
        others = self._weights[:, :batch]
        for own, partners, other in zip(weights, self._partners, others, strict=True):
            np.take(own, partners[:batch], out=other, mode="clip")
        return others


def levels_dropped(probability: float) -> tuple[int, int]:
    """How many of how many levels mean that a unit is dropped: 65536 q of 65536."""
    return min(max(round(probability * _LEVELS), 1), _LEVELS - 1), _LEVELS


def draw_dropout(probability: float, generator: np.random.Generator, factors: FloatArray) -> None:
    """Draw the dropout factors of one layer and batch.

    Parameters
    ----------
    probability
        Probability p that a unit is dropped, above 0.
    generator
        Where the random numbers come from: four units a word of its bits.
    factors
        (batch, units): the result.
    """
    dropped, _ = levels_dropped(probability)
    words = np.asarray(generator.bit_generator.random_raw(-(-factors.size // 4)))
    # Little-endian everywhere, so that the units of a word are the same on every machine.
    levels = words.astype("<u8", copy=False).view("<u2")[: factors.size].reshape(factors.shape)
    np.greater_equal(levels, dropped, out=factors, casting="unsafe")
    factors *= 1.0 / (1.0 - dropped / _LEVELS)


def draw_noise(deviation: float, generator: np.random.Generator, noise: FloatArray) -> None:
    """Draw the noise of one batch.

    Parameters
    ----------
    deviation
        Standard deviation of the noise.
    generator
        Where the random numbers come from.
    noise
        (batch, units), contiguous: the result.
    """
    normal = noise if noise.dtype == np.float32 else np.empty(noise.shape, np.float32)
    generator.standard_normal(dtype=np.float32, out=normal)
    np.multiply(normal, np.float32(deviation), out=noise)


def draw_mixup(
    alpha: float,
    generator: np.random.Generator,
    positions: NDArray[np.int64],
    partners: NDArray[np.int64],
) -> float:
    """Draw the mixup of one batch.

    Parameters
    ----------
    alpha
        Both parameters of the Beta distribution.
    generator
        Where the random numbers come from.
    positions, partners
        (batch,): 0, 1, ..., and the result, each row's partner.

    Returns
    -------
    The share of each row itself, at least one half.
    """
    share = generator.beta(alpha, alpha)
    generator.permuted(positions, out=partners)
    return max(share, 1.0 - share)
