"""What is seen of a chunk's networks, measured where they are; formulas stand in `inspection`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from isolet_nn.training.inspection import CENTRES, SATURATED
from isolet_nn.training.torch_network import StackedNetwork


class StackedNorms:
    """Squares of the norms of gradients and updates, summed over inspected steps.

    Parameters
    ----------
    network
        The K networks of L layers.

    Attributes
    ----------
    sums : (K, 2, L)
        Of gradients, and of updates.
    """

    def __init__(self, network: StackedNetwork) -> None:
        self._network = network
        self._layers = network.shape.parameter_slices
        shape = len(network.parameters), 2, len(self._layers)
        self.sums = network.loss_sums.new_zeros(shape)
        self._before = torch.empty_like(network.parameters)

    def see_gradients(self) -> None:
        """Add those of a step, before anything is made of them; remember the parameters."""
        self.sums[:, 0] += squares(self._network.gradients, self._layers)
        self._before.copy_(self._network.parameters)

    def see_updates(self) -> None:
        """Add what the step has changed."""
        self._before.sub_(self._network.parameters)
        self.sums[:, 1] += squares(self._before, self._layers)


def squares(values: Tensor, layers: Sequence[slice]) -> Tensor:
    """Squared norms (K, L) of the layers' parts of `values` (K, n or more)."""
    parts = [torch.linalg.vector_norm(values[:, layer], dim=1) for layer in layers]
    return torch.stack(parts, dim=1).square()


def activation_statistics(a: Tensor, activation: str) -> Tensor:
    """Of the activations (K, rows, units) of one hidden layer: (K, 4), as for the NumPy network."""
    variance, mean = torch.var_mean(a, dim=(1, 2), correction=0)
    inactive = (a.amax(dim=1) <= 0.0).sum(dim=1)
    saturated = torch.zeros_like(inactive)
    if activation in CENTRES:
        middle, half = CENTRES[activation]
        saturated = ((a - middle).abs() > half * SATURATED).sum(dim=(1, 2))
    found = [mean, variance.sqrt(), inactive.to(a.dtype), saturated.to(a.dtype)]
    return torch.stack(found, dim=1)
