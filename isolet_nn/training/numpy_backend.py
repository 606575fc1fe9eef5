"""The backend that trains the network from scratch.

It gathers each step's rows into one buffer, and lets :mod:`isolet_nn.nn` do the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Split
from isolet_nn.nn.averaging import WeightAverage
from isolet_nn.nn.clipping import clip_norm, clip_value
from isolet_nn.nn.network import Network, Shape
from isolet_nn.nn.optimizers import RANGE_PARAMETERS
from isolet_nn.nn.pool import Pool
from isolet_nn.training.backend import (
    FloatArray,
    Layout,
    RowWeights,
    Weights,
    average_decay,
    layout_of,
    network_shape,
    require_counts,
    weight_generators,
)
from isolet_nn.training.components import make_activation, make_initializer, make_optimizer
from isolet_nn.training.epoch import Batch, Epoch, NetworkIndex
from isolet_nn.training.inspection import (
    Norms,
    activation_statistics,
    inspected_steps,
    squares,
)
from isolet_nn.training.threads import threads_of

_TORCH_NAMES = {
    "weights": (0, "weight"),
    "biases": (0, "bias"),
    "scale": (1, "weight"),
    "shift": (1, "bias"),
    "running_mean": (1, "running_mean"),
    "running_variance": (1, "running_var"),
}
"""Where a layer's variables are in PyTorch: modules after its Linear, and name there."""


_OF_ALL_NETWORKS = frozenset(
    ["variables", "loss_sums", "correct", "optimizer_steps", "average_counts", "norms"]
)
"""Arrays of a state that have a row for each network."""


def named_views(shape: Shape, variables: FloatArray) -> Weights:
    """Views of one network's variables (n,) under PyTorch's names, weights (inputs, outputs)."""
    modules = 3 if shape.batch_normalization else 2  # of a hidden layer in nn.Sequential
    views = {}
    for position, of_layer in enumerate(shape.views(variables[np.newaxis])):
        for own_name, array in of_layer.items():
            offset, name = _TORCH_NAMES[own_name]
            views[f"{modules * position + offset}.{name}"] = array[0]
    return views


class NumpyBackend:
    """A stack of networks from scratch.

    Parameters
    ----------
    experiments
        What to train; all of one model, ensemble, batch size, number type, label smoothing, mixup
        and weight averaging.
    train
        The training part of each experiment; parts of equal size.
    n_classes
        Number of classes.
    row_weights
        The weight of each row in an experiment's loss; None where all count the same.
    """

    computes_elsewhere = False
    _epoch: Epoch
    _learning_rates: list[list[float]]

    def __init__(
        self,
        experiments: Sequence[Experiment],
        train: Sequence[Split],
        n_classes: int,
        row_weights: Sequence[RowWeights],
    ) -> None:
        first = experiments[0]
        model, training = first.model, first.training
        n_rows, n_features = train[0].x.shape
        batch_size = min(training.batch_size, n_rows)
        generators = weight_generators(experiments)
        networks = len(generators)
        self._pool = Pool(threads_of(first))
        self._train = [
            part for e, part in zip(experiments, train, strict=True) for _ in range(e.ensemble)
        ]
        shape = network_shape(first, n_features, n_classes)
        self.network = Network(
            shape,
            activation=make_activation(model.activation),
            networks=networks,
            batch_size=batch_size,
            dtype=training.dtype,
            dropout=model.dropout,
            input_dropout=model.input_dropout,
            input_noise=model.input_noise,
            mixup=training.mixup,
            label_smoothing=training.label_smoothing,
            pool=self._pool,
        )
        self.network.initialize(make_initializer(model.initializer), generators)
        self._max_norm = model.max_norm
        optimizer_configs = [e.optimizer for e in _by_network(experiments)]
        self._optimizers = [
            make_optimizer(config, parameters, gradients)
            for config, parameters, gradients in zip(
                optimizer_configs, self.network.parameters, self.network.gradients, strict=True
            )
        ]
        # Threads share the steps of a large network, and the networks of a stack that is not tiny.
        if networks == 1:
            self._optimizers[0].share(self._pool)
        self._shares_stack = (
            self._pool.threads > 1 and networks > 1 and shape.n_parameters >= RANGE_PARAMETERS // 2
        )
        self._clippings = [
            (gradients, e.training)
            for e, gradients in zip(_by_network(experiments), self.network.gradients, strict=True)
            if e.training.clip_norm is not None or e.training.clip_value is not None
        ]
        self._averages = (
            []
            if training.weight_averaging.name == "none"
            else [
                WeightAverage(variables, average_decay(training.weight_averaging))
                for variables in self.network.variables
            ]
        )
        self._x = np.empty((networks, batch_size, n_features), training.dtype)
        self._labels = np.empty((networks, batch_size), np.int64)
        self._row_weights = _of_each_network(experiments, row_weights, n_rows)
        self._weights = np.empty((networks, batch_size), training.dtype)
        self._loss_sums = np.zeros(networks)
        self._correct = np.zeros(networks, np.int64)
        self._activation = model.activation.name
        self._norms = Norms(self.network) if training.inspect else None

    def begin_epoch(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._inspected = inspected_steps(epoch.steps)
        self._learning_rates = epoch.learning_rates.tolist()  # an array's scalars are float64
        self.network.seed_steps(epoch.generators)

    def step(self, number: int) -> None:
        batch = self._epoch.batch(number)
        x, labels = self._gather(batch)
        self.network.compute_gradients(x, labels, self._gather_weights(batch))
        norms = self._norms if self._inspected[number] else None
        if norms is not None:
            norms.see_gradients()
        self._clip_gradients()
        self._take_optimizer_steps(self._learning_rates[number])
        if self._max_norm is not None:
            self.network.limit_norms(self._max_norm)
        if norms is not None:
            norms.see_updates()
        self._loss_sums += self.network.loss.loss_sums
        self._correct += self.network.loss.correct
        if self._epoch.averaged is not None:
            for network in np.flatnonzero(self._epoch.averaged[number]):
                self._averages[network].update()

    def _take_optimizer_steps(self, learning_rates: Sequence[float]) -> None:
        pairs = zip(self._optimizers, learning_rates, strict=True)
        if self._shares_stack:
            self._pool.run([partial(optimizer.step, rate) for optimizer, rate in pairs])
            return
        for optimizer, rate in pairs:
            optimizer.step(rate)

    def _clip_gradients(self) -> None:
        """Clip the gradients of the networks that ask for it."""
        for gradients, settings in self._clippings:
            if settings.clip_value is not None:
                clip_value(gradients, settings.clip_value)
            if settings.clip_norm is not None:
                clip_norm(gradients, settings.clip_norm)

    def _gather(self, batch: Batch) -> tuple[FloatArray, NDArray[np.int64]]:
        """Copy the rows into the batch buffers: once only where all networks share them."""
        size = len(batch.rows[0])
        labels = self._labels[:, :size]
        # Where rows are shared there is one array of them: the first network's part serves all.
        for k, (rows, part) in enumerate(zip(batch.rows, self._train, strict=not batch.shared)):
            _copy_rows(part.x, rows, self._x[k, :size])
            part.y.take(rows, out=labels[k], mode="clip")
        if batch.shared:
            labels[1:] = labels[0]
        return self._x[: len(batch.rows), :size], labels

    def _gather_weights(self, batch: Batch) -> FloatArray | None:
        """Copy the weights of the rows into their buffer, where rows have weights."""
        if not self._row_weights:
            return None
        weights = self._weights[:, : len(batch.rows[0])]
        for k, (of_rows, of_batch) in enumerate(zip(self._row_weights, weights, strict=True)):
            np.take(of_rows, batch.rows_of(k), out=of_batch, mode="clip")
        return weights

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        totals = self._loss_sums.copy(), self._correct.copy()
        self._loss_sums[...] = 0.0
        self._correct[...] = 0
        return totals

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        with self._averages_in_place():
            return self.network.logits(x, networks)

    def loss_and_accuracy(self, x: FloatArray, y: NDArray[np.int64], networks: slice) -> None:
        return None

    def take_norms(self) -> NDArray[np.float64]:
        assert self._norms is not None, "the experiments ask for it"
        with self._averages_in_place():
            weights = squares(self.network.parameters, self.network.shape.parameter_slices)
        found = np.concatenate([self._norms.sums, weights[:, np.newaxis]], axis=1)
        self._norms.sums[...] = 0.0
        return found

    def activation_statistics(self, x: FloatArray, networks: slice) -> NDArray[np.float64]:
        hidden = len(self.network.shape.layer_sizes) - 2
        found = np.empty((len(self.network.variables[networks]), hidden, 4))
        with self._averages_in_place():
            outputs = self.network.outputs(x, networks)
            for layer, a in enumerate(itertools.islice(outputs, hidden)):
                found[:, layer] = activation_statistics(a, self._activation)
        return found

    @contextmanager
    def _averages_in_place(self) -> Iterator[None]:
        """Let networks hold their averages, as far as these have begun."""
        begun = [k for k, average in enumerate(self._averages) if average.count]
        kept = self.network.variables[begun]
        for network in begun:
            self.network.variables[network] = self._averages[network].mean
        try:
            yield
        finally:
            self.network.variables[begun] = kept

    def weights(self, network: NetworkIndex) -> Weights:
        variables = self.network.variables[network]
        if self._averages and self._averages[network].count:
            variables = self._averages[network].mean
        return {
            name: np.array(array.T, order="C")  # a copy even where the transpose is contiguous
            for name, array in named_views(self.network.shape, variables).items()
        }

    def load_weights(self, network: NetworkIndex, weights: Weights) -> None:
        for name, array in named_views(self.network.shape, self.network.variables[network]).items():
            array[...] = weights[name].T
        if self._averages:
            self._averages[network].count = 0

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "variables": self.network.variables.copy(),
            "loss_sums": self._loss_sums.copy(),
            "correct": self._correct.copy(),
            "optimizer_steps": np.array([optimizer.steps for optimizer in self._optimizers]),
            **{f"optimizer_{k}": o.state.copy() for k, o in enumerate(self._optimizers)},
            "average_counts": np.array([a.count for a in self._averages], np.int64),
            **{f"average_{k}": a.mean.copy() for k, a in enumerate(self._averages)},
            **({} if self._norms is None else {"norms": self._norms.sums.copy()}),
        }

    def state_of(self, networks: Sequence[NetworkIndex]) -> dict[str, NDArray[Any]]:
        """What a stack of some of the networks needs to go on with them, in this order."""
        whole, of_some = self.state(), {}
        for name in whole.keys() & _OF_ALL_NETWORKS:
            of_some[name] = whole[name][networks] if len(whole[name]) else whole[name]
        for k, network in enumerate(networks):
            of_some[f"optimizer_{k}"] = whole[f"optimizer_{network}"]
            if self._averages:
                of_some[f"average_{k}"] = whole[f"average_{network}"]
        return of_some

    def state_layout(self, has_begun: bool) -> Layout:
        return layout_of(self.state())

    def load_state(self, state: Mapping[str, NDArray[Any]], steps: int, rows: int) -> None:
        require_counts("optimizer_steps", state["optimizer_steps"], steps, steps)
        require_counts("average_counts", state["average_counts"], 0, steps)
        require_counts("correct", state["correct"], 0, rows)
        self.network.variables[...] = state["variables"]
        self._loss_sums[...] = state["loss_sums"]
        self._correct[...] = state["correct"]
        for k, optimizer in enumerate(self._optimizers):
            optimizer.steps = int(state["optimizer_steps"][k])
            optimizer.state[...] = state[f"optimizer_{k}"]
        for k, average in enumerate(self._averages):
            average.count = int(state["average_counts"][k])
            average.mean[...] = state[f"average_{k}"]
        if self._norms is not None:
            self._norms.sums[...] = state["norms"]


def _by_network(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiment of each network of the stack."""
    return [e for e in experiments for _ in range(e.ensemble)]


def _copy_rows(x: Any, rows: NDArray[np.int64], out: FloatArray) -> None:
    """Copy rows of a dense or sparse `x` (n, features) to `out` (batch, features)."""
    if isinstance(x, np.ndarray):
        # mode="clip" lets take write straight to `out`; the rows are in range.
        x.take(rows, axis=0, out=out, mode="clip")
    else:
        x[rows].toarray(out=out)


def _of_each_network(
    experiments: Sequence[Experiment], row_weights: Sequence[RowWeights], n_rows: int
) -> list[FloatArray]:
    """The weights of the rows for each network; empty if they count the same for all."""
    if all(weights is None for weights in row_weights):
        return []
    kept = [
        np.ones(n_rows, e.training.dtype) if weights is None else weights.astype(e.training.dtype)
        for e, weights in zip(experiments, row_weights, strict=True)
    ]
    return [
        weights for e, weights in zip(experiments, kept, strict=True) for _ in range(e.ensemble)
    ]
