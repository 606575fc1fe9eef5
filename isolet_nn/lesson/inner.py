"""A trained network looked into: its last hidden layer, and what its logits rest on.

Features are said to be leaned on by gradient times input (Shrikumar, Greenside and Kundaje, 2016,
"Not just a black box")::

    g_ci = d (z_c - mean z) / d x_i         at a row x
    s_ci = mean over the rows of class c of x_i g_ci

Softmax does not change when a number is added to all logits z, so their mean is taken off first.
Inputs are standardised: x_i = 0 is the mean of the training rows, and a row's x_i g_ci tells, to
first order, by how much z_c would fall if feature i were its mean.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.nn.layers import Dense, FloatArray
from isolet_nn.nn.network import Network
from isolet_nn.nn.normalization import EPSILON
from isolet_nn.training.backend import Weights, network_shape
from isolet_nn.training.components import make_activation
from isolet_nn.training.numpy_backend import named_views


class InnerView:
    """Looks into a network of an experiment.

    Batch normalisation is an affine map once training is over, and is multiplied into the weights
    before it: the network looked into has none.

    Parameters
    ----------
    experiment
        What is trained.
    x
        (rows, features): the inputs looked at.
    n_classes
        Number of classes.
    """

    def __init__(self, experiment: Experiment, x: FloatArray, n_classes: int) -> None:
        self.x = x
        self._shape = network_shape(experiment, x.shape[1], n_classes)
        self.network = Network(
            replace(self._shape, batch_normalization=False),
            activation=make_activation(experiment.model.activation),
            batch_size=len(x),
            dtype=experiment.training.dtype,
        )

    def set_weights(self, weights: Weights) -> None:
        """Look at these weights, under PyTorch's names, from now on."""
        variables = np.empty((1, self._shape.n_variables), self.x.dtype)
        for name, array in named_views(self._shape, variables[0]).items():
            array[...] = weights[name].T
        own = self.network.shape.views(self.network.variables)
        for plain, given in zip(own, self._shape.views(variables), strict=True):
            if "scale" in given:
                factor = given["scale"] / np.sqrt(given["running_variance"] + EPSILON)
                plain["weights"][...] = given["weights"] * factor[:, np.newaxis]
                plain["biases"][...] = given["shift"] - given["running_mean"] * factor
            else:
                plain["weights"][...] = given["weights"]
                plain["biases"][...] = given["biases"]

    def last_hidden(self) -> FloatArray:
        """Activations (rows, units) of the last hidden layer; the inputs where there is none."""
        h = self.x[np.newaxis]
        for layer in self.network.layers[:-1]:
            h = layer.evaluate(h, slice(None))
        hidden: FloatArray = h[0].copy()
        return hidden

    def leaning(self, labels: NDArray[np.int64]) -> FloatArray:
        """The s_ci (classes, features) over rows of classes (rows,); 0 where a class has none."""
        inputs: FloatArray = self.x[np.newaxis]
        h = inputs
        for layer in self.network.layers:
            h = layer.forward(h)
        classes = h.shape[2]
        gradient = np.full(h.shape, -1.0 / classes, h.dtype)
        gradient[0, np.arange(len(labels)), labels] += 1.0
        for layer in reversed(self.network.layers):
            gradient = layer.backward(gradient)
        first = self.network.layers[0]
        assert isinstance(first, Dense), "the first layer stops at its sums"
        products = inputs[0] * (gradient[0] @ first.weights[0].T)
        sums = np.zeros((classes, inputs.shape[2]))
        np.add.at(sums, labels, products)
        rows = np.maximum(np.bincount(labels, minlength=classes), 1)
        means: FloatArray = sums / rows[:, np.newaxis]
        return means


def principal_axes(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre (units,) and the first two principal axes (2, units) of points (rows, units).

    Of each axis the largest entry is positive, so that pictures do not flip. An axis that the
    points do not have, for there are less than two, is 0.
    """
    centre = points.mean(axis=0)
    axes = np.linalg.svd(points - centre, full_matrices=False)[2][:2]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, np.newaxis], axis=1)
    axes *= np.where(largest < 0.0, -1.0, 1.0)
    return centre, np.pad(axes, ((0, 2 - len(axes)), (0, 0)))


def rows_of_each_class(labels: NDArray[np.int64], classes: int, rows: int) -> NDArray[np.int64]:
    """So many rows of each class, or all that it has, evenly spaced among them."""
    chosen = []
    for number in range(classes):
        own = np.flatnonzero(labels == number)
        chosen.append(own[np.linspace(0, len(own) - 1, min(rows, len(own))).round().astype(int)])
    return np.concatenate(chosen)
