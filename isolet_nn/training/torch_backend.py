"""The backend that trains the same network with PyTorch.

Initial weights, the order of rows, mixup, noise and dropout come from NumPy exactly as for the
network from scratch, so the two differ only in who does the arithmetic. Networks of an ensemble
are trained one after another; nothing is stacked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.training import AveragingConfig
from isolet_nn.data.dataset import Split
from isolet_nn.nn.averaging import average_share
from isolet_nn.nn.network import Shape
from isolet_nn.nn.noise import draw_dropout, draw_mixup, draw_noise
from isolet_nn.nn.normalization import EPSILON, MOMENTUM
from isolet_nn.training.backend import (
    FloatArray,
    Layout,
    RowWeights,
    Weights,
    average_decay,
    below,
    layout_of,
    network_shape,
    require_counts,
    weight_generators,
)
from isolet_nn.training.components import make_initializer
from isolet_nn.training.devices import choose_device
from isolet_nn.training.epoch import Epoch, NetworkIndex
from isolet_nn.training.torch_optimizers import make_torch_optimizer, slots_of

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}
"""What a config calls them; the settings have PyTorch's own names."""


class TorchBackend:
    """The networks of one experiment in PyTorch, trained in turn.

    Parameters
    ----------
    experiment
        What to train.
    train
        Its training part.
    n_classes
        Number of classes.
    row_weights
        The weight of each row in the loss; None where all count the same.

    Raises
    ------
    BackendUnavailableError
        If the device asked for is not there.
    """

    _epoch: Epoch

    def __init__(
        self,
        experiment: Experiment,
        train: Split,
        n_classes: int,
        row_weights: RowWeights = None,
    ) -> None:
        torch.set_num_threads(experiment.training.threads)
        self.device = choose_device(experiment.device)
        self._dtype = getattr(torch, experiment.training.dtype)
        x: Any = train.x
        self._x = _tensor(x).to(self.device) if isinstance(x, np.ndarray) else x
        self._y = torch.from_numpy(train.y).to(self.device)
        self._row_weights = (
            None
            if row_weights is None
            else torch.from_numpy(row_weights).to(self.device, self._dtype)
        )
        shape = network_shape(experiment, train.x.shape[1], n_classes)
        self.networks = [
            _TorchNetwork(experiment, shape, generator, self.device)
            for generator in weight_generators([experiment])
        ]

    def begin_epoch(self, epoch: Epoch) -> None:
        self._epoch = epoch
        for network, generator in zip(self.networks, epoch.generators, strict=False):
            network.generator = generator

    def step(self, number: int) -> None:
        batch, rates = self._epoch.batch(number), self._epoch.learning_rates[number].tolist()
        for k, (network, rate) in enumerate(zip(self.networks, rates, strict=True)):
            index = torch.from_numpy(batch.rows_of(k)).to(self.device)
            weights = None if self._row_weights is None else self._row_weights[index]
            network.step(self._rows(batch.rows_of(k), index), self._y[index], rate, weights)
            if self._epoch.averaged is not None and self._epoch.averaged[number, k]:
                network.update_average()

    def _rows(self, rows: NDArray[np.int64], index: Tensor) -> Tensor:
        """Some rows of the training part, on the device."""
        x: Tensor = (
            self._x[index]
            if isinstance(self._x, Tensor)
            else torch.from_numpy(self._x[rows].toarray()).to(self.device)
        )
        return x

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        totals = (
            np.array([network.loss_sum.item() for network in self.networks]),
            np.array([network.correct.item() for network in self.networks]),
        )
        for network in self.networks:
            network.loss_sum.zero_()
            network.correct.zero_()
        return totals

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        with torch.no_grad():
            inputs = _tensor(x).to(self.device, self._dtype)
            return np.stack([n.evaluate(inputs).cpu().numpy() for n in self.networks[networks]])

    def weights(self, network: NetworkIndex) -> Weights:
        return self.networks[network].weights()

    def load_weights(self, network: NetworkIndex, weights: Weights) -> None:
        self.networks[network].load_weights(weights)

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            f"{number}.{name}": array
            for number, network in enumerate(self.networks)
            for name, array in network.state().items()
        }

    def state_layout(self, has_begun: bool) -> Layout:
        return {
            f"{number}.{name}": layout
            for number, network in enumerate(self.networks)
            for name, layout in network.state_layout(has_begun).items()
        }

    def load_state(self, state: Mapping[str, NDArray[Any]], steps: int, rows: int) -> None:
        for number, network in enumerate(self.networks):
            network.load_state(below(f"{number}.", state), steps, rows)


class _TorchNetwork:
    """One network: nn.Sequential, nn.CrossEntropyLoss, torch.optim.

    Attributes
    ----------
    generator
        What mixup, noise and dropout draw from; to be set before the first step.
    loss_sum, correct
        Sum of the losses (float64) and number of hits over the rows since they were last zeroed.
    """

    generator: np.random.Generator

    def __init__(
        self,
        experiment: Experiment,
        shape: Shape,
        weight_generator: np.random.Generator,
        device: torch.device,
    ) -> None:
        model, training = experiment.model, experiment.training
        self.device = device
        self._numpy_dtype = np.dtype(training.dtype)
        self.network = _build(experiment, shape, weight_generator).to(device)
        self._drop_probabilities = [model.input_dropout] + [model.dropout] * len(
            model.hidden_layers
        )
        self._input_noise, self._max_norm, self._mixup = (
            model.input_noise,
            model.max_norm,
            training.mixup,
        )
        self._clip_norm, self._clip_value = training.clip_norm, training.clip_value
        self._criterion = nn.CrossEntropyLoss(label_smoothing=training.label_smoothing)
        self._row_losses = nn.CrossEntropyLoss(
            label_smoothing=training.label_smoothing, reduction="none"
        )
        self._optimizer = make_torch_optimizer(experiment.optimizer, self.network, device)
        self._average: AveragedModel | None = None
        if training.weight_averaging.name != "none":
            self._average = _make_average(self.network, training.weight_averaging)
        self.loss_sum = torch.zeros((), dtype=torch.float64)
        self.correct = torch.zeros((), dtype=torch.int64)

    def step(self, x: Tensor, labels: Tensor, learning_rate: float, weights: Tensor | None) -> None:
        """One step on a batch (batch, features) with its classes and, maybe, weights (batch,)."""
        if self._mixup:
            positions = np.arange(len(labels))
            partners = np.empty_like(positions)
            share = draw_mixup(self._mixup, self.generator, positions, partners)
            index = torch.from_numpy(partners).to(self.device)
            logits = self._forward(share * x + (1.0 - share) * x[index])
            of_others = None if weights is None else weights[index]
            loss = share * self._loss(logits, labels, weights)
            loss = loss + (1.0 - share) * self._loss(logits, labels[index], of_others)
        else:
            logits = self._forward(x)
            loss = self._loss(logits, labels, weights)
        self._optimizer.zero_grad()
        loss.backward()
        if self._clip_value is not None:
            nn.utils.clip_grad_value_(self.network.parameters(), self._clip_value)
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_norm)
        # A schedule gives each step's rate; PyTorch keeps it with the parameters.
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._limit_norms()
        self.loss_sum += loss.detach().to("cpu", torch.float64) * len(labels)
        self.correct += (logits.detach().argmax(dim=1) == labels).sum().cpu()

    def _loss(self, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Any:
        """Mean over the batch of the rows' losses times their weights."""
        if weights is None:
            return self._criterion(logits, labels)
        # Not CrossEntropyLoss(weight=...), which divides by the weights in the batch.
        return (self._row_losses(logits, labels) * weights).mean()

    def _forward(self, x: Tensor) -> Tensor:
        """Training mode: like the network itself, with noise and dropout before linear layers."""
        if self._input_noise:
            x = x + self._draw(draw_noise, self._input_noise, x.shape)
        probabilities = iter(self._drop_probabilities)
        for module in self.network:
            if isinstance(module, nn.Linear) and (probability := next(probabilities)):
                x = x * self._draw(draw_dropout, probability, x.shape)
            x = module(x)
        return x

    def _draw(
        self,
        draw: Callable[[float, np.random.Generator, FloatArray], None],
        parameter: float,
        shape: Sequence[int],
    ) -> Tensor:
        """Random numbers (batch, units) as the network from scratch draws them."""
        numbers = np.empty(shape, self._numpy_dtype)
        draw(parameter, self.generator, numbers)
        return torch.from_numpy(numbers).to(self.device)

    def _limit_norms(self) -> None:
        """Scale down the weights into each hidden neuron to the largest norm allowed."""
        if self._max_norm is None:
            return
        *hidden, _ = (module for module in self.network if isinstance(module, nn.Linear))
        with torch.no_grad():
            for linear in hidden:
                norms = linear.weight.norm(dim=1, keepdim=True)
                linear.weight *= self._max_norm / norms.clamp(min=self._max_norm)

    def update_average(self) -> None:
        assert self._average is not None, "the experiment asks for an average"
        self._average.update_parameters(self.network)

    def _evaluated(self) -> nn.Module:
        """The network, or its average once that has begun."""
        if self._average is not None and self._average.n_averaged > 0:
            return self._average.module
        return self.network

    def evaluate(self, x: Tensor) -> Tensor:
        """Logits (rows, classes) in evaluation mode."""
        network = self._evaluated()
        network.eval()
        logits: Tensor = network(x)
        network.train()
        return logits

    def weights(self) -> Weights:
        return _arrays(self._evaluated())

    def load_weights(self, weights: Weights) -> None:
        _load_arrays(self.network, weights)
        if self._average is not None:
            self._average.n_averaged.zero_()

    def state(self) -> dict[str, NDArray[Any]]:
        slots = self._optimizer.state_dict()["state"]
        state = {
            **{f"network.{name}": array for name, array in _arrays(self.network).items()},
            **{
                f"optimizer.{number}.{slot}": torch.as_tensor(value).cpu().numpy().copy()
                for number, values in slots.items()
                for slot, value in values.items()
                if value is not None
            },
            "loss_sum": self.loss_sum.numpy().copy(),
            "correct": self.correct.numpy().copy(),
        }
        if self._average is not None:
            state |= {f"average.{k}": a for k, a in _arrays(self._average.module).items()}
            state["n_averaged"] = self._average.n_averaged.cpu().numpy().copy()
        return state

    def state_layout(self, has_begun: bool) -> Layout:
        """Shapes and types of `state`, before the first step or after."""
        layout = dict(layout_of(self.state()))
        if has_begun:  # most optimizers make their slots in the first step
            for number, parameter in enumerate(self.network.parameters()):
                of_parameter = tuple(parameter.shape), self._numpy_dtype.name
                for slot in slots_of(self._optimizer):
                    of_slot = {
                        "step": ((), "float32"),
                        "mu_product": ((), self._numpy_dtype.name),
                    }.get(slot, of_parameter)
                    layout[f"optimizer.{number}.{slot}"] = of_slot
        return layout

    def load_state(self, state: Mapping[str, NDArray[Any]], steps: int, rows: int) -> None:
        """Go on from what `state` gave after so many steps, and rows of the epoch."""
        for name, array in state.items():
            if name.startswith("optimizer.") and name.endswith(".step"):
                require_counts(name, array, steps, steps)
        require_counts("correct", state["correct"], 0, rows)
        if self._average is not None:
            require_counts("n_averaged", state["n_averaged"], 0, steps)
        _load_arrays(self.network, below("network.", state))
        optimizer = self._optimizer.state_dict()
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in below("optimizer.", state).items():
            number, slot = key.split(".")
            slots.setdefault(int(number), {})[slot] = torch.from_numpy(value.copy())
        self._optimizer.load_state_dict({**optimizer, "state": slots})
        self.loss_sum = torch.from_numpy(state["loss_sum"].copy())
        self.correct = torch.from_numpy(state["correct"].copy())
        if self._average is not None:
            _load_arrays(self._average.module, below("average.", state))
            self._average.n_averaged.copy_(torch.from_numpy(state["n_averaged"].copy()))


def _build(experiment: Experiment, shape: Shape, generator: np.random.Generator) -> nn.Sequential:
    """The network, with the weights that the one from scratch starts from."""
    initializer = make_initializer(experiment.model.initializer)
    dtype = getattr(torch, experiment.training.dtype)
    modules: list[nn.Module] = []
    pairs = list(itertools.pairwise(shape.layer_sizes))
    for position, (inputs, outputs) in enumerate(pairs):
        normalized = position < len(shape.hidden)
        linear = nn.Linear(inputs, outputs, bias=not normalized, dtype=dtype)
        weights = np.empty((inputs, outputs), experiment.training.dtype)
        # Biases are drawn even where they are not used, as in the network from scratch.
        biases = np.empty(outputs, experiment.training.dtype)
        initializer(weights, biases, generator)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T))
            if not normalized:
                linear.bias.copy_(torch.from_numpy(biases))
        modules.append(linear)
        if position < len(pairs) - 1:
            if normalized:
                normalization = nn.BatchNorm1d(outputs, EPSILON, MOMENTUM, dtype=dtype)
                normalization.num_batches_tracked = None  # unused where the momentum is fixed
                modules.append(normalization)
            activation = experiment.model.activation
            options = activation.model_dump(exclude={"name"})
            modules.append(_ACTIVATIONS[activation.name](**options))
    return nn.Sequential(*modules)


def _make_average(network: nn.Module, config: AveragingConfig) -> AveragedModel:
    """A copy of the network that can hold its average, statistics included."""
    decay = average_decay(config)

    def average(mean: Tensor, newest: Tensor, count: Tensor | int) -> Tensor:
        return mean + (newest - mean) * average_share(int(count) + 1, decay)

    return AveragedModel(network, avg_fn=average, use_buffers=True)


def _arrays(network: nn.Module) -> Weights:
    """A copy of a network's weights and statistics."""
    return {k: tensor.detach().cpu().numpy().copy() for k, tensor in network.state_dict().items()}


def _load_arrays(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    with torch.no_grad():
        for name, tensor in network.state_dict().items():  # of the network's own tensors
            tensor.copy_(_tensor(arrays[name]))


def _tensor(array: NDArray[Any]) -> Tensor:
    """The array's memory as a tensor; a copy where PyTorch would warn that it must not write."""
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
