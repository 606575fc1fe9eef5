"""A model's file: its weights, and what a new row needs before and after them.

Weights and scaler are kept as safetensors, classes and experiment beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.problems import validate
from isolet_nn.data.dataset import Dataset
from isolet_nn.data.scaling import Scaler
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.records import ModelFacts
from isolet_nn.runs.tensors import load_tensors, save_tensors
from isolet_nn.training.backend import Weights, layout_of, require_layout, weight_shapes


@dataclass(frozen=True)
class Model:
    """A trained network as a run folder keeps it."""

    weights: Weights
    """Under PyTorch's names and in its layout; ``k.`` goes before those of ensemble network k."""
    scaler: Scaler | None
    """What standardised the training data."""
    classes: tuple[str, ...]
    experiment: Experiment

    @property
    def first_layer(self) -> NDArray[np.floating[Any]]:
        """Weights (outputs, features) of the first layer; of an ensemble, its first network's."""
        return self.weights[_first_layer_of(self.experiment)]


def write_model(path: Path, weights: Weights, dataset: Dataset, experiment: Experiment) -> None:
    """Write weights and scaler as safetensors, with classes and experiment as metadata."""
    arrays: dict[str, NDArray[Any]] = dict(weights)
    if dataset.scaler is not None:
        arrays["scaler.mean"] = dataset.scaler.mean
        arrays["scaler.scale"] = dataset.scaler.scale
    metadata = {
        "classes": list(dataset.classes),
        "experiment": experiment.model_dump(mode="json"),
    }
    save_tensors(path, arrays, metadata)


def read_model(path: Path) -> Model:
    """Read what `write_model` wrote.

    Raises
    ------
    RunError
        If the file is missing, damaged, of another format, or its weights are not those of the
        model it describes.
    """
    arrays, facts = load_tensors(path, ModelFacts)
    try:
        experiment = validate(Experiment, facts.experiment, str(path))
        scaler = _take_scaler(arrays)
        _require_weights(arrays, scaler, experiment, len(facts.classes))
    except ConfigError as error:
        raise RunError(f"{error} (damaged, or not written by isolet-nn)") from None
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
    return Model(arrays, scaler, tuple(facts.classes), experiment)


def _take_scaler(arrays: dict[str, NDArray[Any]]) -> Scaler | None:
    """Take the scaler from among the weights, if there is one."""
    mean, scale = arrays.pop("scaler.mean", None), arrays.pop("scaler.scale", None)
    if mean is None and scale is None:
        return None
    if mean is None or scale is None:
        raise ValueError(f"scaler.{'mean' if mean is None else 'scale'} is missing")
    layout = layout_of({"scaler.mean": mean, "scaler.scale": scale})
    require_layout(
        {"scaler.mean": mean, "scaler.scale": scale},
        dict.fromkeys(layout, ((mean.size,), "float64")),
    )
    if not (np.isfinite(mean).all() and np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError("scaler: a mean is not finite, or a scale is not above zero")
    return Scaler(mean, scale)


def _require_weights(
    arrays: Mapping[str, NDArray[Any]],
    scaler: Scaler | None,
    experiment: Experiment,
    n_classes: int,
) -> None:
    """Refuse weights that are not those of the experiment's model."""
    first = arrays.get(_first_layer_of(experiment))
    if first is None or first.ndim != 2:
        raise ValueError(f"{_first_layer_of(experiment)}: missing, or not of two dimensions")
    n_features, networks = first.shape[1], experiment.ensemble
    if scaler is not None and scaler.mean.size != n_features:
        raise ValueError(f"scaler.mean: found {scaler.mean.size} features, expected {n_features}")
    shapes = weight_shapes(experiment, n_features, n_classes)
    if len(arrays) != networks * len(shapes):  # before an absurd ensemble is written out
        raise ValueError(f"found {len(arrays)} arrays, expected {networks * len(shapes)}")
    prefixes = [""] if networks == 1 else [f"{network}." for network in range(networks)]
    layout = {
        prefix + name: (shape, experiment.training.dtype)
        for prefix in prefixes
        for name, shape in shapes.items()
    }
    require_layout(arrays, layout)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: not all weights are finite")


def _first_layer_of(experiment: Experiment) -> str:
    """The name of the first layer's weights; of an ensemble, its first network's."""
    return "0.weight" if experiment.ensemble == 1 else "0.0.weight"
