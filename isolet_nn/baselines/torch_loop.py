"""The project's network again, as anybody would write it with PyTorch: a plain loop.

Dropout, label smoothing, Adam and the one-cycle schedule are PyTorch's own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.optimizers import Adam
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError

if TYPE_CHECKING:
    import torch


class PlainLoop:
    """A network of PyTorch with an experiment's settings, on one thread of the CPU.

    Parameters
    ----------
    experiment
        Of ReLU layers from He's weights, Adam and one cycle; no more is in the loop.
    seed
        Of weights, dropout and the order of the rows.

    Raises
    ------
    ConfigError
        If it asks for what the loop does not have.
    """

    def __init__(self, experiment: Experiment, seed: int) -> None:
        model, training = experiment.model, experiment.training
        if (
            (model.activation.name, model.initializer.name) != ("relu", "he")
            or not isinstance(experiment.optimizer, Adam)
            or training.schedule.name != "one_cycle"
        ):
            raise ConfigError("the plain loop has ReLU, He's weights, Adam and one cycle alone")
        self._experiment, self._seed = experiment, seed
        self._network: Any = None
        _load_torch()

    def fit(self, dataset: Dataset) -> None:
        """Minimise the cross-entropy over mini-batches in a new order every epoch."""
        import torch

        torch.manual_seed(self._seed)
        training, optimizer = self._experiment.training, self._experiment.optimizer
        x, y = torch.from_numpy(dataset.train.x), torch.from_numpy(dataset.train.y)
        network = self._make(dataset)
        steps = -(-len(x) // training.batch_size)
        adam = torch.optim.Adam(network.parameters(), lr=optimizer.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            adam, optimizer.learning_rate, training.epochs * steps, cycle_momentum=False
        )
        criterion = torch.nn.CrossEntropyLoss(label_smoothing=training.label_smoothing)
        network.train()
        for _ in range(training.epochs):
            order = torch.randperm(len(x))
            for rows in torch.split(order, training.batch_size):
                adam.zero_grad()
                criterion(network(x[rows]), y[rows]).backward()
                adam.step()
                schedule.step()
        network.eval()
        self._network = network

    def answer(self, x: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The most probable class of each row (n, n_features), and its probability."""
        import torch

        with torch.no_grad():
            best = self._network(torch.from_numpy(x)).softmax(dim=1).max(dim=1)
        return best.indices.numpy(), best.values.numpy().astype(np.float64)

    def _make(self, dataset: Dataset) -> torch.nn.Sequential:
        """Linear layers with ReLU and dropout between them."""
        from torch import nn

        model = self._experiment.model
        sizes = [dataset.n_features, *model.hidden_layers, dataset.n_classes]
        layers: list[nn.Module] = [nn.Dropout(model.input_dropout)]
        for inputs, outputs in pairwise(sizes):
            linear = nn.Linear(inputs, outputs)
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            nn.init.zeros_(linear.bias)
            layers += [linear, nn.ReLU(), nn.Dropout(model.dropout)]
        return nn.Sequential(*layers[:-2])


def _load_torch() -> None:
    """Import PyTorch, and let it load what it loads late, before a clock runs."""
    import torch

    torch.set_num_threads(1)
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.ones(1)
    torch.optim.Adam([weight], fused=True).step()
