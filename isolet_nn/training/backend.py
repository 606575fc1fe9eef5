"""What training needs of a backend.

A backend holds a stack of K networks of one shape with their optimizers; training hands it what an
epoch consists of, lets it take step after step, and reads losses, logits and weights. An experiment
has as many networks, next to each other in the stack, as its ensemble.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.training import AveragingConfig, Ema
from isolet_nn.nn.network import Shape
from isolet_nn.seeding import Stream, generators
from isolet_nn.training.epoch import Epoch, NetworkIndex

FloatArray = NDArray[np.floating[Any]]
Weights = dict[str, FloatArray]
"""Weights of one network under PyTorch's names and in its layout; in an ensemble's, ``k.`` goes
before the names of network k.

``nn.Sequential`` of Linear, BatchNorm1d where there is one, and activation in turn: ``0.weight``
(outputs, inputs), ``0.bias`` (outputs,), ``2.weight``, ...; with batch normalisation ``0.weight``,
``1.weight``, ``1.bias``, ``1.running_mean``, ``1.running_var`` (outputs,), ``3.weight``, ...
"""
Layout = Mapping[str, tuple[tuple[int, ...], str]]
"""Shape and type of arrays by name."""


RowWeights = NDArray[np.float64] | None
"""The weight (n,) of each training row in the loss, 1 on average; None where all weigh the same."""


class Backend(Protocol):
    """A stack of K networks in training.

    Attributes
    ----------
    computes_elsewhere
        Whether steps are computed by a device for which the processor need not wait.
    """

    computes_elsewhere: bool

    def begin_epoch(self, epoch: Epoch) -> None:
        """Let the next steps be an epoch's, or the rest of one that a state was taken from."""

    def step(self, number: int) -> None:
        """Step `number` of the epoch, in their order.

        From the first step on that takes a network's weights into its average, this stands for
        them: `logits` and `weights` are of the average.
        """

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Sums of the losses and numbers of hits (K,) over the rows since the last call.

        The losses are those that are trained on, with weights of rows where there are some.
        """

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        """Evaluation mode: logits (K, rows, classes) for standardised inputs (rows, features).

        `networks` selects some of the stack.
        """

    def loss_and_accuracy(
        self, x: FloatArray, y: NDArray[np.int64], networks: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Mean cross-entropy and accuracy (K,) for inputs (rows, features) and classes (rows,).

        Up to rounding those of the logits; None where they are to be computed from these.
        """

    def take_norms(self) -> NDArray[np.float64]:
        """Squared norms (K, 3, L) of the L layers, where the experiments are inspected.

        Of gradients and of updates, summed over the inspected steps since the last call, and of
        the parameters as they are evaluated now.
        """

    def activation_statistics(self, x: FloatArray, networks: slice) -> NDArray[np.float64]:
        """Of hidden layers in evaluation mode, for inputs (rows, features): (K, L - 1, 4).

        Mean, deviation, number of units that are 0 or below in every row, number of saturated ones.
        """

    def weights(self, network: NetworkIndex) -> Weights:
        """A copy of one network's weights."""

    def load_weights(self, network: NetworkIndex, weights: Weights) -> None:
        """Replace one network's weights; an average begins anew."""

    def state(self) -> dict[str, NDArray[Any]]:
        """A copy of everything a later `load_state` needs to go on with the same bits."""

    def state_layout(self, has_begun: bool) -> Layout:
        """Shapes and types of `state`, before the first step or after."""

    def load_state(self, state: Mapping[str, NDArray[Any]], steps: int, rows: int) -> None:
        """Go on from what `state` gave after so many steps, and rows of the epoch in progress.

        Raises
        ------
        ValueError
            If what is counted in it does not agree with them; its layout must be right.
        """


def network_shape(experiment: Experiment, n_features: int, n_classes: int) -> Shape:
    """The shape of an experiment's networks."""
    sizes = (n_features, *experiment.model.hidden_layers, n_classes)
    return Shape(sizes, experiment.model.batch_normalization)


def weight_shapes(
    experiment: Experiment, n_features: int, n_classes: int
) -> dict[str, tuple[int, ...]]:
    """Shapes of a network's weights by their names in PyTorch, whatever the ensemble."""
    shape = network_shape(experiment, n_features, n_classes)
    modules = 3 if shape.batch_normalization else 2  # of a hidden layer in nn.Sequential
    shapes: dict[str, tuple[int, ...]] = {}
    for position, (inputs, outputs) in enumerate(itertools.pairwise(shape.layer_sizes)):
        shapes[f"{modules * position}.weight"] = (outputs, inputs)
        if position < len(shape.hidden):
            names = ("weight", "bias", "running_mean", "running_var")
            shapes |= {f"{modules * position + 1}.{name}": (outputs,) for name in names}
        else:
            shapes[f"{modules * position}.bias"] = (outputs,)
    return shapes


def layout_of(arrays: Mapping[str, NDArray[Any]]) -> Layout:
    """Shape and type of each array."""
    return {name: (array.shape, array.dtype.name) for name, array in arrays.items()}


def require_layout(arrays: Mapping[str, NDArray[Any]], layout: Layout) -> None:
    """Refuse arrays of other names, shapes or types.

    Raises
    ------
    ValueError
        Naming the first that is wrong.
    """
    for name in sorted(layout.keys() ^ arrays.keys()):
        raise ValueError(f"{name} is {'missing' if name in layout else 'unknown'}")
    for name, found in layout_of(arrays).items():
        if found != layout[name]:
            raise ValueError(
                f"{name}: found {_shape_text(*found)}, expected {_shape_text(*layout[name])}"
            )


def require_counts(name: str, counts: NDArray[Any], low: int, high: int) -> None:
    """Refuse counts outside a range.

    Raises
    ------
    ValueError
        Naming the array and one that is wrong.
    """
    wrong = counts[(counts < low) | (counts > high)]
    if wrong.size:
        expected = str(low) if low == high else f"{low} to {high}"
        raise ValueError(f"{name}: found {wrong.flat[0]}, expected {expected}")


def _shape_text(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype} of shape {shape}"


def n_parameters(experiment: Experiment, n_features: int, n_classes: int) -> int:
    """Numbers that are learned, in all networks of an experiment."""
    return network_shape(experiment, n_features, n_classes).n_parameters * experiment.ensemble


def weight_generators(experiments: Sequence[Experiment]) -> list[np.random.Generator]:
    """The generators that initial weights are drawn from, one a network."""
    places = [(e.seed, k) for e in experiments for k in range(e.ensemble)]
    seeds, networks = zip(*places, strict=True)
    return generators(seeds, Stream.WEIGHTS, networks=networks)


def average_decay(config: AveragingConfig) -> float | None:
    """Decay of an exponential average; None where the average is uniform."""
    return config.decay if isinstance(config, Ema) else None


def below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix`, without it."""
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
