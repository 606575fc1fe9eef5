"""Experiments that are inspected: what was measured of them, as records by epoch and layer.

The formulas stand in :mod:`isolet_nn.training.inspection`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.training.backend import Backend, network_shape
from isolet_nn.training.inspection import (
    CENTRES,
    inspected_rows,
    inspected_steps,
)

Floats = NDArray[np.float64]
SOFTMAX = "softmax"
"""What stands in the place of the last layer's activation function."""


@dataclass(frozen=True)
class LayerInspection:
    """One layer of one network in one epoch; None is what is not measured, or no finite number.

    Attributes
    ----------
    epoch, network, layer
        From 1; the last layer gives the logits. Networks are those of an ensemble.
    activation
        Name of the activation function; "softmax" of the last layer.
    units
        Number of outputs.
    gradient_norm, update_norm, weight_norm
        See above.
    activation_mean, activation_deviation
        Of a hidden layer.
    dead_units
        Number of units that no inspected row activates.
    saturated_share
        Of sigmoid and tanh.
    """

    epoch: int
    network: int
    layer: int
    activation: str
    units: int
    gradient_norm: float | None
    update_norm: float | None
    weight_norm: float | None
    activation_mean: float | None
    activation_deviation: float | None
    dead_units: int | None
    saturated_share: float | None

    @property
    def dead_share(self) -> float | None:
        """Share of the units that is dead."""
        return None if self.dead_units is None else self.dead_units / self.units


class Inspector:
    """Inspects the experiments of a training at the end of each epoch.

    Parameters
    ----------
    experiments, datasets
        Those of the training.
    neighbours
        Slices of them that have one data set.
    steps
        Of an epoch.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        datasets: Sequence[Dataset],
        neighbours: Sequence[slice],
        steps: int,
    ) -> None:
        self._experiment, first = experiments[0], datasets[0]
        shape = network_shape(self._experiment, first.n_features, first.n_classes)
        self._units = shape.layer_sizes[1:]
        self._steps = int(inspected_steps(steps).sum())
        self._rows = [
            (members, inspected_rows(datasets[members.start].train.x)) for members in neighbours
        ]

    def inspect(self, backend: Backend, epoch: int) -> list[list[LayerInspection]]:
        """What was seen in the epoch (from 1) that has just ended, a list an experiment."""
        squares = backend.take_norms()
        squares[:, :2] /= self._steps
        norms, ensemble = np.sqrt(squares), self._experiment.ensemble
        found = []
        for members, x in self._rows:
            networks = slice(members.start * ensemble, members.stop * ensemble)
            statistics = backend.activation_statistics(x, networks)
            for first in range(0, networks.stop - networks.start, ensemble):
                of_member = slice(first, first + ensemble)
                of_norms = norms[networks][of_member]
                found.append(self._records(epoch, of_norms, statistics[of_member], len(x)))
        return found

    def _records(
        self, epoch: int, norms: Floats, statistics: Floats, rows: int
    ) -> list[LayerInspection]:
        """Of an ensemble's K networks: `norms` (K, 3, L), `statistics` (K, L - 1, 4)."""
        name = self._experiment.model.activation.name
        found = []
        for network, (of_layers, of_hidden) in enumerate(zip(norms, statistics, strict=True), 1):
            for layer, units in enumerate(self._units):
                is_hidden = layer < len(of_hidden)
                gradient, update, weight = map(_finite, of_layers[:, layer])
                mean, deviation, dead, saturated = (
                    _of_activations(of_hidden[layer], name, rows * units)
                    if is_hidden
                    else (None, None, None, None)
                )
                found.append(
                    LayerInspection(
                        epoch=epoch,
                        network=network,
                        layer=layer + 1,
                        activation=name if is_hidden else SOFTMAX,
                        units=units,
                        gradient_norm=gradient,
                        update_norm=update,
                        weight_norm=weight,
                        activation_mean=mean,
                        activation_deviation=deviation,
                        dead_units=dead,
                        saturated_share=saturated,
                    )
                )
        return found


def _of_activations(
    statistics: Floats, activation: str, count: int
) -> tuple[float | None, float | None, int | None, float | None]:
    """Mean, deviation, dead units and saturated share of so many activations of a layer."""
    mean, deviation, inactive, saturated = map(float, statistics)
    found = _finite(mean), _finite(deviation)
    if activation in CENTRES:
        return (*found, None, saturated / count)
    return (*found, int(inactive), None)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
