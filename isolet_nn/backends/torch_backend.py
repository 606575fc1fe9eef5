"""The backend that trains the same network with PyTorch.

Initial weights, the order of rows and dropout come from NumPy exactly as for the network from
scratch, so the two differ only in who does the arithmetic. Holds one network, not a stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.backends.base import FloatArray, Weights, layer_sizes, weight_generators
from isolet_nn.backends.numpy_backend import make_initializer
from isolet_nn.config import Adagrad, Experiment, OptimizerConfig, Rmsprop, Sgd
from isolet_nn.data.dataset import Split
from isolet_nn.errors import BackendUnavailableError
from isolet_nn.nn.layers import draw_dropout

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise BackendUnavailableError(
        "backend: torch needs PyTorch, which is not installed; install it with "
        "`pip install 'isolet-nn[torch]'`, or use backend: numpy"
    ) from error

_ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


class TorchBackend:
    """One network in PyTorch: nn.Sequential, nn.CrossEntropyLoss, torch.optim.

    Parameters
    ----------
    experiment
        What to train.
    train
        Its training part.
    n_classes
        Number of classes.

    Raises
    ------
    BackendUnavailableError
        If the device asked for is not there.
    """

    def __init__(self, experiment: Experiment, train: Split, n_classes: int) -> None:
        torch.set_num_threads(experiment.training.threads)
        self.device = choose_device(experiment.device)
        self._dtype = getattr(torch, experiment.training.dtype)
        self._x = torch.from_numpy(np.ascontiguousarray(train.x)).to(self.device)
        self._y = torch.from_numpy(train.y).to(self.device)
        self._sizes = layer_sizes(experiment, train.x.shape[1], n_classes)
        self.network = self._build(experiment)
        self._drop_probabilities = [experiment.model.input_dropout] + [
            experiment.model.dropout
        ] * len(experiment.model.hidden_layers)
        self._criterion = nn.CrossEntropyLoss(label_smoothing=experiment.training.label_smoothing)
        self._optimizer = make_optimizer(experiment.optimizer, self.network, self.device)
        self._generator: np.random.Generator | None = None
        self._loss_sum = torch.zeros((), dtype=torch.float64)
        self._correct = torch.zeros((), dtype=torch.int64)

    def _build(self, experiment: Experiment) -> nn.Sequential:
        (generator,) = weight_generators([experiment])
        initializer = make_initializer(experiment.model.initializer)
        modules: list[nn.Module] = []
        for inputs, outputs in zip(self._sizes[:-1], self._sizes[1:], strict=True):
            if modules:
                modules.append(_ACTIVATIONS[experiment.model.activation]())
            linear = nn.Linear(inputs, outputs, dtype=self._dtype)
            weights = np.empty((inputs, outputs), experiment.training.dtype)
            biases = np.empty(outputs, experiment.training.dtype)
            initializer(weights, biases, generator)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weights.T))
                linear.bias.copy_(torch.from_numpy(biases))
            modules.append(linear)
        return nn.Sequential(*modules).to(self.device)

    def seed_dropout(self, generators: Sequence[np.random.Generator]) -> None:
        (self._generator,) = generators

    def step(self, rows: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]) -> None:
        (index,) = (torch.from_numpy(r).to(self.device) for r in rows)
        labels = self._y[index]
        logits = self._forward(self._x[index])
        loss = self._criterion(logits, labels)
        self._optimizer.zero_grad()
        loss.backward()
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rates[0]
        self._optimizer.step()
        self._loss_sum += loss.detach().to("cpu", torch.float64) * len(labels)
        self._correct += (logits.detach().argmax(dim=1) == labels).sum().cpu()

    def _forward(self, x: Tensor) -> Tensor:
        """Training mode: like the network itself, with dropout before each linear layer."""
        probabilities = iter(self._drop_probabilities)
        for module in self.network:
            if isinstance(module, nn.Linear) and (probability := next(probabilities)):
                x = x * self._dropout_factors(probability, x.shape)
            x = module(x)
        return x

    def _dropout_factors(self, probability: float, shape: Sequence[int]) -> Tensor:
        assert self._generator is not None, "seed_dropout comes before the first step"
        factors = np.empty(shape, np.dtype(str(self._dtype).removeprefix("torch.")))
        draw_dropout(probability, self._generator, np.empty(shape, np.float32), factors)
        return torch.from_numpy(factors).to(self.device)

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        totals = np.array([self._loss_sum.item()]), np.array([self._correct.item()])
        self._loss_sum.zero_()
        self._correct.zero_()
        return totals

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        with torch.no_grad():
            inputs = torch.from_numpy(np.ascontiguousarray(x)).to(self.device, self._dtype)
            logits: FloatArray = self.network(inputs).cpu().numpy()
        return logits[np.newaxis]

    def weights(self, network: int) -> Weights:
        return {
            name: tensor.detach().cpu().numpy().copy()
            for name, tensor in self.network.state_dict().items()
        }

    def load_weights(self, network: int, weights: Weights) -> None:
        self.network.load_state_dict(
            {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
        )

    def state(self) -> dict[str, NDArray[Any]]:
        slots = self._optimizer.state_dict()["state"]
        return {
            **{f"network.{name}": array for name, array in self.weights(0).items()},
            **{
                f"optimizer.{number}.{slot}": torch.as_tensor(value).cpu().numpy().copy()
                for number, values in slots.items()
                for slot, value in values.items()
                if value is not None
            },
            "loss_sum": self._loss_sum.numpy().copy(),
            "correct": self._correct.numpy().copy(),
        }

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        prefix = "network."
        self.load_weights(
            0, {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )
        optimizer = self._optimizer.state_dict()
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            if key.startswith("optimizer."):
                _, number, slot = key.split(".")
                slots.setdefault(int(number), {})[slot] = torch.from_numpy(value.copy())
        self._optimizer.load_state_dict({**optimizer, "state": slots})
        self._loss_sum = torch.from_numpy(state["loss_sum"].copy())
        self._correct = torch.from_numpy(state["correct"].copy())


def choose_device(name: str) -> torch.device:
    """The device a config names; auto takes cuda or mps where there is one.

    Raises
    ------
    BackendUnavailableError
        If PyTorch does not see that device here.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(device for device, there in available.items() if there))
    if not available[name]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        raise BackendUnavailableError(
            f"device: PyTorch sees no {name} on this machine; available: auto, {there}"
        )
    return torch.device(name)


def make_optimizer(
    config: OptimizerConfig, network: nn.Module, device: torch.device
) -> torch.optim.Optimizer:
    """The torch.optim optimizer that a config describes."""
    parameters = network.parameters()
    decay, rate = config.weight_decay, config.learning_rate
    if isinstance(config, Sgd):
        return torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=config.momentum,
            nesterov=config.nesterov,
            weight_decay=decay,
        )
    if isinstance(config, Adagrad):
        return torch.optim.Adagrad(
            parameters,
            lr=rate,
            lr_decay=config.learning_rate_decay,
            initial_accumulator_value=config.initial_accumulator,
            eps=config.epsilon,
            weight_decay=decay,
        )
    if isinstance(config, Rmsprop):
        return torch.optim.RMSprop(
            parameters,
            lr=rate,
            alpha=config.alpha,
            eps=config.epsilon,
            momentum=config.momentum,
            weight_decay=decay,
        )
    adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.name]
    return adam(  # type: ignore[no-any-return]
        parameters,
        lr=rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        weight_decay=decay,
        fused=device.type != "mps",
    )
