"""The multilayer perceptron: a stack of K networks of one shape, trained by back-propagation.

All parameters lie in one buffer (K, n), all gradients in another; layers hold views of them. A
training step is the textbook's: forward through the layers, softmax and cross-entropy, backward
through the layers in reverse, then one optimizer step a network. It allocates nothing.

`np.matmul` computes each network of a stack by a call of its own, so with one thread a network's
bits do not depend on its neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.nn.activations import ReLU
from isolet_nn.nn.initializers import Initializer
from isolet_nn.nn.layers import Dense, Dropout, FloatArray, Layer
from isolet_nn.nn.losses import SoftmaxCrossEntropy

EVALUATION_ROWS = 2048
"""Rows that `Network.logits` computes at a time, which bounds its memory."""


class Network:
    """A stack of K multilayer perceptrons of one shape.

    Parameters
    ----------
    layer_sizes
        Inputs, hidden neurons of each layer, classes: ``[617, 44, 26]``.
    activation
        Makes the activation function of a hidden layer.
    networks
        Number K of networks in the stack.
    batch_size
        Largest batch of a training step.
    dtype
        float32 or float64.
    dropout, input_dropout
        Probabilities that a hidden neuron, or an input, is dropped in a training step.
    label_smoothing
        Share of the target probability that is spread evenly over all classes.

    Attributes
    ----------
    parameters, gradients : (K, n)
        Layer by layer the weights (inputs, outputs), row by row, then the biases (outputs,).
    layers : list of Layer
    loss : SoftmaxCrossEntropy
        Holds losses and hits of the last training step.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        *,
        activation: Callable[[], Layer] = ReLU,
        networks: int = 1,
        batch_size: int = 128,
        dtype: DTypeLike = np.float32,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        number = np.dtype(dtype)
        shape = (networks, sum((i + 1) * o for i, o in _pairs(layer_sizes)))
        self.parameters: FloatArray = np.zeros(shape, number)
        self.gradients: FloatArray = np.zeros(shape, number)
        self.loss = SoftmaxCrossEntropy(
            networks, batch_size, layer_sizes[-1], number, label_smoothing
        )
        self.layers: list[Layer] = []
        for position, (parameters, gradients) in enumerate(
            zip(
                split_parameters(self.parameters, layer_sizes),
                split_parameters(self.gradients, layer_sizes),
                strict=True,
            )
        ):
            if position > 0:
                self.layers.append(activation())
            probability = dropout if position > 0 else input_dropout
            if probability:
                units = layer_sizes[position]
                self.layers.append(Dropout(probability, networks, batch_size, units, number))
            first = position == 0
            self.layers.append(Dense(*parameters, *gradients, batch_size=batch_size, first=first))

    def initialize(
        self, initializer: Initializer, generators: Sequence[np.random.Generator]
    ) -> None:
        """Draw new parameters for each network of the stack from its own generator."""
        for network, generator in enumerate(generators):
            for layer in self.layers:
                if isinstance(layer, Dense):
                    initializer(layer.weights[network], layer.biases[network], generator)

    def seed_dropout(self, generators: Sequence[np.random.Generator]) -> None:
        """Let dropout draw from these generators, one a network, from the next step on."""
        for layer in self.layers:
            if isinstance(layer, Dropout):
                layer.generators = generators

    def compute_gradients(self, x: FloatArray, labels: NDArray[np.int64]) -> None:
        """Back-propagation: fill `gradients` and `loss` for one batch.

        Parameters
        ----------
        x
            (K, batch, inputs), or (1, batch, inputs) where all networks see the same rows.
        labels
            (K, batch) class indices.
        """
        for layer in self.layers:
            x = layer.forward(x)
        gradient = self.loss.forward_backward(x, labels)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
            if isinstance(layer, Dense) and layer.first:
                break

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        """Evaluation mode: logits (K, rows, classes) for inputs (rows, inputs), rows >= 1.

        `networks` selects some of the stack.
        """
        blocks = []
        for start in range(0, len(x), EVALUATION_ROWS):
            h = x[np.newaxis, start : start + EVALUATION_ROWS]
            for layer in self.layers:
                h = layer.evaluate(h, networks)
            blocks.append(h)
        return np.concatenate(blocks, axis=1)


def split_parameters(
    buffer: FloatArray, layer_sizes: Sequence[int]
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Views of each layer's weights (K, inputs, outputs) and biases (K, outputs) in (K, n)."""
    start = 0
    for inputs, outputs in _pairs(layer_sizes):
        middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
        weights = buffer[:, start:middle].reshape(-1, inputs, outputs)
        yield weights, buffer[:, middle:end]
        start = end


def _pairs(layer_sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    return itertools.pairwise(layer_sizes)
