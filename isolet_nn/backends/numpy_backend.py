"""The backend that trains the network from scratch.

It gathers each step's rows into one buffer, and lets :mod:`isolet_nn.nn` do the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.backends.base import FloatArray, Weights, layer_sizes, weight_generators
from isolet_nn.config import Experiment, InitializerConfig, Normal, OptimizerConfig
from isolet_nn.data.dataset import Split
from isolet_nn.nn import activations, initializers, optimizers
from isolet_nn.nn.network import Network, split_parameters

_ACTIVATIONS = {
    "relu": activations.ReLU,
    "sigmoid": activations.Sigmoid,
    "tanh": activations.Tanh,
}
_FAN_INITIALIZERS: dict[str, initializers.Initializer] = {
    "he": initializers.he,
    "glorot": initializers.glorot,
    "uniform_fan_in": initializers.uniform_fan_in,
}
_OPTIMIZERS: dict[str, type[optimizers.Optimizer]] = {
    "sgd": optimizers.SGD,
    "adagrad": optimizers.Adagrad,
    "rmsprop": optimizers.RMSprop,
    "adam": optimizers.Adam,
    "adamw": optimizers.AdamW,
}


class NumpyBackend:
    """A stack of networks from scratch.

    Parameters
    ----------
    experiments
        One a network; all of one model, batch size, number type and label smoothing.
    train
        The training part of each network; parts of equal size.
    n_classes
        Number of classes.
    """

    def __init__(
        self, experiments: Sequence[Experiment], train: Sequence[Split], n_classes: int
    ) -> None:
        first, networks = experiments[0], len(experiments)
        n_rows, n_features = train[0].x.shape
        self._train = train
        self._sizes = layer_sizes(first, n_features, n_classes)
        batch_size = min(first.training.batch_size, n_rows)
        self.network = Network(
            self._sizes,
            activation=_ACTIVATIONS[first.model.activation],
            networks=networks,
            batch_size=batch_size,
            dtype=first.training.dtype,
            dropout=first.model.dropout,
            input_dropout=first.model.input_dropout,
            label_smoothing=first.training.label_smoothing,
        )
        self.network.initialize(
            make_initializer(first.model.initializer), weight_generators(experiments)
        )
        self._optimizers = [
            make_optimizer(experiment.optimizer, parameters, gradients)
            for experiment, parameters, gradients in zip(
                experiments, self.network.parameters, self.network.gradients, strict=True
            )
        ]
        self._x = np.empty((networks, batch_size, n_features), first.training.dtype)
        self._labels = np.empty((networks, batch_size), np.int64)
        self._loss_sums = np.zeros(networks)
        self._correct = np.zeros(networks, np.int64)

    def seed_dropout(self, generators: Sequence[np.random.Generator]) -> None:
        self.network.seed_dropout(generators)

    def step(self, rows: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]) -> None:
        x, labels = self._gather(rows)
        self.network.compute_gradients(x, labels)
        for optimizer, learning_rate in zip(self._optimizers, learning_rates, strict=True):
            optimizer.step(learning_rate)
        self._loss_sums += self.network.loss.loss_sums
        self._correct += self.network.loss.correct

    def _gather(self, rows: Sequence[NDArray[np.int64]]) -> tuple[FloatArray, NDArray[np.int64]]:
        """Copy the rows into the batch buffers: once only where all networks see the same."""
        batch = len(rows[0])
        labels = self._labels[:, :batch]
        shared = all(
            r is rows[0] and part is self._train[0]
            for r, part in zip(rows, self._train, strict=True)
        )
        for k in range(1 if shared else len(rows)):
            part = self._train[k]
            # mode="clip" lets take write straight to `out`; the rows are in range.
            np.take(part.x, rows[k], axis=0, out=self._x[k, :batch], mode="clip")
            np.take(part.y, rows[k], out=labels[k], mode="clip")
        if shared:
            labels[1:] = labels[0]
        return self._x[: 1 if shared else None, :batch], labels

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        totals = self._loss_sums.copy(), self._correct.copy()
        self._loss_sums[...] = 0.0
        self._correct[...] = 0
        return totals

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        return self.network.logits(x, networks)

    def weights(self, network: int) -> Weights:
        return {
            name: np.array(array.T, order="C")  # a copy even where the transpose is contiguous
            for name, array in self._named_views(network).items()
        }

    def load_weights(self, network: int, weights: Weights) -> None:
        for name, array in self._named_views(network).items():
            array[...] = weights[name].T

    def _named_views(self, network: int) -> Weights:
        """Views of one network's parameters, weights as (inputs, outputs)."""
        views: Weights = {}
        row = self.network.parameters[network : network + 1]
        for position, (weights, biases) in enumerate(split_parameters(row, self._sizes)):
            views[f"{2 * position}.weight"] = weights[0]
            views[f"{2 * position}.bias"] = biases[0]
        return views

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "parameters": self.network.parameters.copy(),
            "loss_sums": self._loss_sums.copy(),
            "correct": self._correct.copy(),
            "optimizer_steps": np.array([optimizer.steps for optimizer in self._optimizers]),
            **{f"optimizer_{k}": o.state.copy() for k, o in enumerate(self._optimizers)},
        }

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.network.parameters[...] = state["parameters"]
        self._loss_sums[...] = state["loss_sums"]
        self._correct[...] = state["correct"]
        for k, optimizer in enumerate(self._optimizers):
            optimizer.steps = int(state["optimizer_steps"][k])
            optimizer.state[...] = state[f"optimizer_{k}"]


def make_initializer(config: InitializerConfig) -> initializers.Initializer:
    """The initializer that a config names."""
    if isinstance(config, Normal):
        return initializers.normal(config.scale)
    return _FAN_INITIALIZERS[config.name]


def make_optimizer(
    config: OptimizerConfig, parameters: FloatArray, gradients: FloatArray
) -> optimizers.Optimizer:
    """The optimizer that a config describes, for one network's row of the buffers."""
    options = config.model_dump(exclude={"name", "learning_rate"})
    return _OPTIMIZERS[config.name](parameters, gradients, **options)
