"""One moment of a training: every number of its forward pass, backward pass and step.

A probe is a network of :mod:`isolet_nn.nn` with the weights of the one in training. It goes through
the same layers, one after another, and what each gives is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.nn.activations import Activation
from isolet_nn.nn.layers import Dense
from isolet_nn.nn.losses import softmax
from isolet_nn.nn.network import Network
from isolet_nn.training.backend import network_shape
from isolet_nn.training.components import make_activation

FloatArray = NDArray[np.floating[Any]]

NUDGE = 1e-4
"""By what a weight is moved each way for a finite difference."""


@dataclass(frozen=True)
class Walk:
    """One row's way through a network and back.

    Attributes
    ----------
    sums, activations
        Of each dense layer, (units,): the weighted sum z, and what goes on to the next layer. The
        last layer's activations are the class probabilities.
    loss
        Of this row.
    sum_gradients
        Of each dense layer, (units,): the loss's derivative by the weighted sum, called delta.
    activation_gradients
        Of each hidden layer, (units,): the loss's derivative by the activation.
    gradients
        (n_parameters,), in the order of the network's buffer.
    differences
        (n_parameters,): what `gradients` should be, by differences of the loss in float64.
    """

    sums: list[FloatArray]
    activations: list[FloatArray]
    loss: float
    sum_gradients: list[FloatArray]
    activation_gradients: list[FloatArray]
    gradients: FloatArray
    differences: FloatArray


@dataclass(frozen=True)
class Step:
    """One step of the optimizer.

    Attributes
    ----------
    number
        1, 2, ... over the whole training.
    rows
        The rows of the batch, of the training part.
    learning_rate
        Of this step.
    gradients
        (n_parameters,): the mean over the batch.
    before, after
        (n_parameters,): the weights.
    state_before, state_after
        (slots, n_parameters): what the optimizer remembers.
    """

    number: int
    rows: NDArray[np.int64]
    learning_rate: float
    gradients: FloatArray
    before: FloatArray
    after: FloatArray
    state_before: FloatArray
    state_after: FloatArray


class Probe:
    """Looks into a network that is in training.

    Parameters
    ----------
    experiment
        What is trained.
    n_features, n_classes, batch_size
        Sizes; the last is the largest number of rows at once.
    """

    def __init__(
        self, experiment: Experiment, n_features: int, n_classes: int, batch_size: int
    ) -> None:
        shape = network_shape(experiment, n_features, n_classes)
        activation = make_activation(experiment.model.activation)
        self.network = Network(
            shape, activation=activation, batch_size=batch_size, dtype=experiment.training.dtype
        )
        n = shape.n_parameters
        self._moved = Network(
            shape, activation=activation, networks=2 * n, batch_size=1, dtype=np.float64
        )
        self._moves = NUDGE * np.concatenate([np.eye(n), -np.eye(n)])

    def set_weights(self, variables: FloatArray) -> None:
        """Look at these weights (n_parameters,) from now on."""
        self.network.variables[0] = variables

    def hidden_sums(self, x: FloatArray) -> list[FloatArray]:
        """The weighted sums (rows, units) of each hidden layer, for inputs (rows, features)."""
        sums: list[FloatArray] = []
        h: FloatArray = x[np.newaxis]
        for layer in self.network.layers[:-1]:
            h = layer.evaluate(h, slice(None))
            if isinstance(layer, Dense):
                sums.append(h[0].copy())
        return sums

    def batch_gradients(self, x: FloatArray, labels: NDArray[np.int64]) -> FloatArray:
        """Mean gradients (n_parameters,) over rows (rows, features) with classes (rows,)."""
        self.network.compute_gradients(x[np.newaxis], labels[np.newaxis])
        gradients: FloatArray = self.network.gradients[0].copy()
        return gradients

    def walk(self, x: FloatArray, label: int) -> Walk:
        """Send one row (features,) forward and its loss backward."""
        sums: list[FloatArray] = []
        activations: list[FloatArray] = []
        labels = np.array([[label]])
        h: FloatArray = x[np.newaxis, np.newaxis]
        for layer in self.network.layers:
            h = layer.forward(h)
            (sums if isinstance(layer, Dense) else activations).append(h[0, 0].copy())
        activations.append(softmax(sums[-1]))
        gradient = self.network.loss.forward_backward(h, labels)
        sum_gradients, activation_gradients = [gradient[0, 0].copy()], []
        for layer in reversed(self.network.layers):
            gradient = layer.backward(gradient)
            if isinstance(layer, Activation):
                sum_gradients.append(gradient[0, 0].copy())
            elif isinstance(layer, Dense) and not layer.first:
                activation_gradients.append(gradient[0, 0].copy())
        return Walk(
            sums,
            activations,
            float(self.network.loss.loss_sums[0]),
            sum_gradients[::-1],
            activation_gradients[::-1],
            self.network.gradients[0].copy(),
            self._differences(x, labels),
        )

    def _differences(self, x: FloatArray, labels: NDArray[np.int64]) -> FloatArray:
        """Central differences of the loss, in float64 however the network is trained.

        A stack of copies, in each of which one weight is moved, up or down.
        """
        moved = self._moved
        moved.variables[...] = self.network.variables.astype(float) + self._moves
        labels_of_all = np.repeat(labels, len(self._moves), axis=0)
        moved.compute_gradients(x[np.newaxis, np.newaxis].astype(float), labels_of_all)
        up, down = np.split(moved.loss.loss_sums, 2)
        differences: FloatArray = (up - down) / (2 * NUDGE)
        return differences
