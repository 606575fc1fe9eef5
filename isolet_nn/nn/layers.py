"""What a layer is, and the two that are more than a function: the dense layer and dropout.

Everything is a stack of K networks of one shape: activations are (K, batch, units). Buffers are
allocated once, for the largest batch; a step on a smaller batch works on views of them.

Dense (Rumelhart, Hinton and Williams, 1986)::

    forward    z = x W + b
    backward   dW = x^T dz      db = sum over the batch of dz      dx = dz W^T

Dropout (Srivastava et al., 2014), inverted so that evaluation needs no change: with drop
probability p and u ~ U(0, 1) for every unit, the unit is multiplied by 1 / (1 - p) where
u >= p, and by 0 elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


class Layer(ABC):
    """One step of a stack of networks, forwards and backwards."""

    @abstractmethod
    def forward(self, x: FloatArray) -> FloatArray:
        """Training mode: outputs (K, batch, outputs) for inputs (K, batch, inputs).

        The result lies in a buffer that the next step overwrites.
        """

    @abstractmethod
    def backward(self, gradient: FloatArray) -> FloatArray:
        """The loss's gradient for the last inputs, given the one for the outputs (overwritten)."""

    @abstractmethod
    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        """Evaluation mode, for some networks of the stack and any number of rows.

        May overwrite x, except in a first layer.
        """


class Dense(Layer):
    """K fully connected layers.

    Parameters
    ----------
    weights, biases
        (K, inputs, outputs) and (K, outputs): views into the parameter buffer of the stack.
    weight_gradients, bias_gradients
        Views of the same shapes into the gradient buffer; `backward` fills them.
    batch_size
        Largest batch of a training step.
    first
        Whether the inputs are data. They may then be (1, batch, inputs), shared by all networks,
        and get no gradient: `backward` returns its argument.
    """

    _x: FloatArray

    def __init__(
        self,
        weights: FloatArray,
        biases: FloatArray,
        weight_gradients: FloatArray,
        bias_gradients: FloatArray,
        *,
        batch_size: int,
        first: bool = False,
    ) -> None:
        networks, inputs, outputs = weights.shape
        self.first = first
        self.weights = weights
        self.biases = biases
        self.weight_gradients = weight_gradients
        self.bias_gradients = bias_gradients
        self._weights_transposed = weights.transpose(0, 2, 1)
        self._biases_of_rows = biases[:, np.newaxis, :]
        self._output = np.empty((networks, batch_size, outputs), weights.dtype)
        self._input_gradient = (
            None if first else np.empty((networks, batch_size, inputs), weights.dtype)
        )

    def forward(self, x: FloatArray) -> FloatArray:
        self._x = x
        z = self._output[:, : x.shape[1]]
        np.matmul(x, self.weights, out=z)
        z += self._biases_of_rows
        return z

    def backward(self, gradient: FloatArray) -> FloatArray:
        np.matmul(self._x.transpose(0, 2, 1), gradient, out=self.weight_gradients)
        np.add.reduce(gradient, axis=1, out=self.bias_gradients)
        if self._input_gradient is None:
            return gradient
        input_gradient = self._input_gradient[:, : gradient.shape[1]]
        np.matmul(gradient, self._weights_transposed, out=input_gradient)
        return input_gradient

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        z: FloatArray = np.matmul(x, self.weights[networks])
        z += self._biases_of_rows[networks]
        return z


class Dropout(Layer):
    """Dropout of K layers, each with random numbers of its own.

    Parameters
    ----------
    probability
        Probability p that a unit is dropped.
    networks, batch_size, units
        Size of the stack, largest batch, and width.
    dtype
        Number type of the activations.

    Attributes
    ----------
    generators : sequence of numpy.random.Generator
        One a network; to be set before the first step.
    """

    def __init__(
        self, probability: float, networks: int, batch_size: int, units: int, dtype: np.dtype[Any]
    ) -> None:
        self.probability = probability
        self.generators: Sequence[np.random.Generator] = ()
        self._uniform = np.empty((batch_size, units), np.float32)
        self._factors = np.empty((networks, batch_size, units), dtype)
        self._output = np.empty((networks, batch_size, units), dtype)

    def forward(self, x: FloatArray) -> FloatArray:
        batch = x.shape[1]
        for generator, factors in zip(self.generators, self._factors, strict=True):
            draw_dropout(self.probability, generator, self._uniform[:batch], factors[:batch])
        output = self._output[:, :batch]
        np.multiply(x, self._factors[:, :batch], out=output)
        return output

    def backward(self, gradient: FloatArray) -> FloatArray:
        gradient *= self._factors[:, : gradient.shape[1]]
        return gradient

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        return x


def draw_dropout(
    probability: float,
    generator: np.random.Generator,
    uniform: NDArray[np.float32],
    factors: FloatArray,
) -> None:
    """Draw the dropout factors of one layer and batch.

    Uniform numbers are float32 whatever the network's type, so that every backend and number type
    drops the same units.

    Parameters
    ----------
    probability
        Probability p that a unit is dropped.
    generator
        Where the random numbers come from.
    uniform, factors
        (batch, units), contiguous: work space, and the result.
    """
    generator.random(dtype=np.float32, out=uniform)
    np.greater_equal(uniform, np.float32(probability), out=factors, casting="unsafe")
    factors *= 1.0 / (1.0 - probability)
