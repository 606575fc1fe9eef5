"""What a layer is, and the dense layer.

Everything is a stack of K networks of one shape: activations are (K, batch, units). Buffers are
allocated once, for the largest batch; a step on a smaller batch works on views of them.

Dense (Rumelhart, Hinton and Williams, 1986)::

    forward    z = x W + b
    backward   dW = x^T dz      db = sum over the batch of dz      dx = dz W^T

Max-norm (Srivastava et al., 2014, section 5.1): after a step, the weights w into a neuron become
w min(1, c / ||w||).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.nn.pool import Pool
from isolet_nn.nn.products import matmul, matmul_gradient

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
        (K, inputs, outputs) and (K, outputs): views into the parameter buffer of the stack. No
        biases where the layer is normalised: the mean takes them out again.
    weight_gradients, bias_gradients
        Views of the same shapes into the gradient buffer; `backward` fills them.
    batch_size
        Largest batch of a training step.
    first
        Whether the inputs are data. They may then be (1, batch, inputs), shared by all networks,
        and get no gradient: `backward` returns its argument.
    pool
        The threads that share its products.
    """

    _x: FloatArray

    def __init__(
        self,
        weights: FloatArray,
        biases: FloatArray | None,
        weight_gradients: FloatArray,
        bias_gradients: FloatArray | None,
        *,
        batch_size: int,
        first: bool = False,
        pool: Pool | None = None,
    ) -> None:
        networks, inputs, outputs = weights.shape
        self.first = first
        self._pool = pool or Pool()
        self.weights = weights
        self.biases = biases
        self.weight_gradients = weight_gradients
        self.bias_gradients = bias_gradients
        self._weights_transposed = weights.transpose(0, 2, 1)
        self._biases_of_rows = None if biases is None else biases[:, np.newaxis, :]
        self._norms = np.empty((networks, 1, outputs), weights.dtype)
        self._output = np.empty((networks, batch_size, outputs), weights.dtype)
        self._input_gradient = (
            None if first else np.empty((networks, batch_size, inputs), weights.dtype)
        )

    def forward(self, x: FloatArray) -> FloatArray:
        self._x = x
        z = self._output[:, : x.shape[1]]
        matmul(x, self.weights, z, self._pool)
        if self._biases_of_rows is not None:
            z += self._biases_of_rows
        return z

    def backward(self, gradient: FloatArray) -> FloatArray:
        # The sum over the batch is within the product; 1 / batch is within the loss's gradient.
        matmul_gradient(self._x.transpose(0, 2, 1), gradient, self.weight_gradients, self._pool)
        if self.bias_gradients is not None:
            np.add.reduce(gradient, axis=1, out=self.bias_gradients)
        if self._input_gradient is None:
            return gradient
        input_gradient = self._input_gradient[:, : gradient.shape[1]]
        matmul(gradient, self._weights_transposed, input_gradient, self._pool)
        return input_gradient

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        weights = self.weights[networks]
        z = np.empty((len(weights), x.shape[1], weights.shape[2]), weights.dtype)
        matmul(x, weights, z, self._pool)
        if self._biases_of_rows is not None:
            z += self._biases_of_rows[networks]
        return z

    def limit_norms(self, max_norm: float) -> None:
        """Scale down the weights into each neuron to a norm of `max_norm` at most.

        Overwrites the weights' gradients, so it comes after the optimizer's step.
        """
        squares, norms = self.weight_gradients, self._norms
        np.square(self.weights, out=squares)
        np.add.reduce(squares, axis=1, keepdims=True, out=norms)
        np.sqrt(norms, out=norms)
        # min(1, c / ||w||) as c / max(||w||, c), which does not divide by zero.
        np.maximum(norms, max_norm, out=norms)
        np.divide(max_norm, norms, out=norms)
        self.weights *= norms
