"""A chunk: the networks of a stack in PyTorch whose products are computed as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isolet_nn.config.experiment import Experiment
from isolet_nn.nn.averaging import average_share
from isolet_nn.nn.network import Shape
from isolet_nn.training.backend import FloatArray, average_decay
from isolet_nn.training.components import make_initializer
from isolet_nn.training.epoch import Epoch, NetworkIndex
from isolet_nn.training.torch_clipping import StackedClipping, clipping_form
from isolet_nn.training.torch_draws import Draws
from isolet_nn.training.torch_inspection import StackedNorms
from isolet_nn.training.torch_network import StackedNetwork
from isolet_nn.training.torch_optimizers import make_stacked_optimizer, optimizer_form
from isolet_nn.training.torch_rows import Batches, Fetched, tensor_of
from isolet_nn.training.torch_tables import StepNumber, Table


def chunk_form(experiment: Experiment) -> tuple[Any, ...]:
    """In what the experiments of a chunk agree, besides what all of a stack agree in."""
    return optimizer_form(experiment.optimizer), clipping_form(experiment.training)


class Chunk:
    """Networks that are computed together.

    Parameters
    ----------
    experiments
        That of each network; all of one `chunk_form`.
    networks
        Their places in the stack. The last is there several times where a chunk is filled up.
    shape
        Of the networks.
    batches
        Fetches their rows.
    draws
        Where mixup, noise and dropout come from.
    device
        Where they are computed.

    Attributes
    ----------
    average_counts : (K,)
        How often each network's average was updated.
    mean : (K, n_variables)
        The averages, where there are some.
    norms
        Of gradients and updates, where the experiments are inspected.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        networks: Sequence[NetworkIndex],
        shape: Shape,
        batches: Batches,
        draws: Draws,
        device: torch.device,
    ) -> None:
        self.networks = networks
        self.network = StackedNetwork(experiments[0], shape, len(networks), device)
        self.optimizer = make_stacked_optimizer(
            [e.optimizer for e in experiments], self.network.parameters, self.network.gradients
        )
        self._clipping = StackedClipping([e.training for e in experiments], self.network.gradients)
        self._batches, self._draws = batches, draws
        averaging = experiments[0].training.weight_averaging
        self.mean: Tensor | None = None
        if averaging.name != "none":
            self.mean = torch.zeros_like(self.network.variables)
        self.norms = StackedNorms(self.network) if experiments[0].training.inspect else None
        self._decay = average_decay(averaging)
        self.average_counts = np.zeros(len(networks), np.int64)
        self._shares = Table(device)
        self._averaged: NDArray[np.bool_] | None = None

    def begin_epoch(self, epoch: Epoch, done: int) -> None:
        """Lay out an epoch, before the first step of which `done` were made."""
        orders = [epoch.orders[0 if epoch.shared else k] for k in self.networks]
        self._batches.begin_epoch(orders, epoch.batch_size)
        self._draws.begin_epoch(epoch, self.networks)
        self.optimizer.begin_epoch(done, epoch.learning_rates[:, self.networks])

    def begin_averages(self, epoch: Epoch, first: int) -> None:
        """Lay out the shares of the newest weights in the averages, from step `first` on."""
        self._averaged = None
        if epoch.averaged is None:
            return
        self._averaged = epoch.averaged[:, self.networks]
        shares = np.zeros(self._averaged.shape)
        counts = self.average_counts.copy()
        for step in range(first, epoch.steps):
            counts += self._averaged[step]
            for k in np.flatnonzero(self._averaged[step]):
                shares[step, k] = average_share(int(counts[k]), self._decay)
        self._shares.fill(shares[..., np.newaxis], self.network.variables.dtype)

    def fetch(self, at: StepNumber, size: int) -> Fetched:
        """What the networks see in a step of so many rows."""
        return self._batches.fetch(at, size)

    def step(
        self, at: StepNumber, fetched: Fetched, *, averages: bool, inspected: bool = False
    ) -> None:
        """One step on what was fetched.

        Parameters
        ----------
        averages
            Whether any network's weights go into its average.
        inspected
            Whether the norms of gradients and updates are taken.
        """
        x, labels, weights = fetched
        self._draws.begin_step(at)
        self.network.compute_gradients(x, labels, weights, self._draws)
        norms = self.norms if inspected else None
        if norms is not None:
            norms.see_gradients()
        self._clipping.clip(self.network.gradients)
        self.optimizer.step(at)
        self.network.limit_norms()
        if norms is not None:
            norms.see_updates()
        if averages and self.mean is not None:
            self.mean.lerp_(self.network.variables, at.row(self._shares))

    def count_averages(self, step: int) -> None:
        """Count what a step did to the averages."""
        if self._averaged is not None:
            self.average_counts += self._averaged[step]

    def load(self, variables: FloatArray, row: int | slice = slice(None)) -> None:
        """Take a network's variables (n,), or those of all (K, n); averages begin anew."""
        self.network.variables[row].copy_(tensor_of(variables))
        self.average_counts[row] = 0

    def evaluated(self) -> Tensor:
        """The variables (K, n) that count: averages, once they have begun."""
        if self.mean is None or not self.average_counts.any():
            return self.network.variables
        begun = torch.from_numpy(self.average_counts > 0).to(self.mean.device)
        return torch.where(begun.unsqueeze(1), self.mean, self.network.variables)


def draw_variables(
    experiment: Experiment, shape: Shape, generator: np.random.Generator
) -> FloatArray:
    """The variables (n,) that a network starts from, as those of the one from scratch."""
    initializer = make_initializer(experiment.model.initializer)
    variables = np.zeros((1, shape.n_variables), experiment.training.dtype)
    for views in shape.views(variables):
        weights = views["weights"][0]
        # Biases are drawn even where they are not used, as in the network from scratch.
        unused = np.empty(weights.shape[1], weights.dtype)
        initializer(weights, views["biases"][0] if "biases" in views else unused, generator)
        if "scale" in views:
            views["scale"][...] = views["running_variance"][...] = 1.0
    row: FloatArray = variables[0]
    return row
