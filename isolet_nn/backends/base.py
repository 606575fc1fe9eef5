"""What training needs of a backend.

A backend holds a stack of K networks of one shape with their optimizers; training hands it row
numbers and learning rates, and reads losses, logits and weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config import Experiment
from isolet_nn.seeding import Stream, generator

FloatArray = NDArray[np.floating[Any]]
Weights = dict[str, FloatArray]
"""Weights of one network under PyTorch's names and in its layout.

``nn.Sequential`` of Linear and activation in turn: ``0.weight`` (outputs, inputs), ``0.bias``
(outputs,), ``2.weight``, ...
"""


class Backend(Protocol):
    """A stack of K networks in training."""

    def seed_dropout(self, generators: Sequence[np.random.Generator]) -> None:
        """Let dropout draw from these generators, one a network, from the next step on."""

    def step(self, rows: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]) -> None:
        """One step, given each network's rows (batch,) of its training part and learning rate."""

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Sums of the losses and numbers of hits (K,) over the rows since the last call."""

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        """Evaluation mode: logits (K, rows, classes) for standardised inputs (rows, features).

        `networks` selects some of the stack.
        """

    def weights(self, network: int) -> Weights:
        """A copy of one network's weights."""

    def load_weights(self, network: int, weights: Weights) -> None:
        """Replace one network's weights."""

    def state(self) -> dict[str, NDArray[Any]]:
        """A copy of everything a later `load_state` needs to go on with the same bits."""

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` gave."""


def layer_sizes(experiment: Experiment, n_features: int, n_classes: int) -> tuple[int, ...]:
    """Features, hidden neurons of each layer, classes."""
    return (n_features, *experiment.model.hidden_layers, n_classes)


def weight_generators(experiments: Sequence[Experiment]) -> list[np.random.Generator]:
    """The generators that initial weights are drawn from, one a network."""
    return [generator(experiment.seed, Stream.WEIGHTS) for experiment in experiments]
