"""A model's files: its weights, and what a new row needs before and after them.

Weights are kept as safetensors, with classes and experiment in the header; the preprocessing as
JSON beside it, which the header knows by its checksum.
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
from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.records import FORMAT, ModelFacts, PreprocessingRecord, read_record
from isolet_nn.runs.tensors import load_tensors, save_tensors
from isolet_nn.system.files import write_json
from isolet_nn.training.backend import Weights, require_layout, weight_shapes


@dataclass(frozen=True)
class Model:
    """A trained network as a run folder keeps it."""

    weights: Weights
    """Under PyTorch's names and in its layout; ``k.`` goes before those of ensemble network k."""
    preprocessing: Preprocessing
    """What makes the network's inputs of a row's cells."""
    experiment: Experiment

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by index."""
        return self.preprocessing.classes

    @property
    def first_layer(self) -> NDArray[np.floating[Any]]:
        """Weights (outputs, features) of the first layer; of an ensemble, its first network's."""
        return self.weights[_first_layer_of(self.experiment)]


def write_model(path: Path, weights: Weights, dataset: Dataset, experiment: Experiment) -> None:
    """Write weights as safetensors, with classes and experiment as metadata.

    The preprocessing must lie in its own file before: a model is of no use without it.
    """
    _write(path, weights, dataset.preprocessing, experiment)


def _write(
    path: Path, weights: Weights, preprocessing: Preprocessing, experiment: Experiment
) -> None:
    metadata = {
        "classes": list(preprocessing.classes),
        "experiment": experiment.model_dump(mode="json"),
        "preprocessing": preprocessing.checksum,
    }
    save_tensors(path, weights, metadata)


def copy_model(model: Model, path: Path, experiment: Experiment) -> None:
    """Write a model that was read elsewhere, to the bytes that training it here would have left.

    Its preprocessing is what the models of the folder of `path` have in common.
    """
    shared = shared_preprocessing_path(path.parent, model.preprocessing.checksum)
    if not shared.exists():
        write_preprocessing(shared, model.preprocessing)
    _write(path, model.weights, model.preprocessing, experiment)


def write_preprocessing(path: Path, preprocessing: Preprocessing) -> None:
    """Write preprocessing.json."""
    write_json(path, {"format": FORMAT, **preprocessing.to_json()})


def read_preprocessing(path: Path) -> Preprocessing:
    """Read what `write_preprocessing` wrote.

    Raises
    ------
    RunError
        If the file is missing, damaged, or of another format.
    """
    record = read_record(path, PreprocessingRecord)
    try:
        return Preprocessing.from_json(record.model_dump(exclude={"format"}))
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None


def shared_preprocessing_path(folder: Path, checksum: str) -> Path:
    """Where the preprocessing lies that the models of a folder have in common."""
    return folder / f"preprocessing-{checksum[:16]}.json"


def files_of_model(path: Path) -> set[Path]:
    """The files of a model that has its preprocessing in common with others of its folder."""
    try:
        _, facts = load_tensors(path, ModelFacts)
    except RunError:
        return {path}
    return {path, shared_preprocessing_path(path.parent, facts.preprocessing)}


def read_model(path: Path, preprocessing_path: Path | None = None) -> Model:
    """Read what `write_model` wrote.

    Parameters
    ----------
    preprocessing_path
        Where the preprocessing lies; None if models in the folder of `path` have it in common.

    Raises
    ------
    RunError
        If a file is missing, damaged, of another format, or not of this model.
    """
    arrays, facts = load_tensors(path, ModelFacts)
    if preprocessing_path is None:
        preprocessing_path = shared_preprocessing_path(path.parent, facts.preprocessing)
    preprocessing = read_preprocessing(preprocessing_path)
    if preprocessing.checksum != facts.preprocessing:
        raise RunError(
            f"{preprocessing_path}: damaged: is not what {path.name} was trained with; its "
            f"checksum is {preprocessing.checksum}, expected {facts.preprocessing}"
        )
    try:
        experiment = validate(Experiment, facts.experiment, str(path))
        if preprocessing.classes != tuple(facts.classes):
            raise ValueError(f"classes: not those of {preprocessing_path.name}")
        _require_weights(arrays, preprocessing, experiment)
    except ConfigError as error:
        raise RunError(f"{error} (damaged, or not written by isolet-nn)") from None
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
    return Model(arrays, preprocessing, experiment)


def _require_weights(
    arrays: Mapping[str, NDArray[Any]], preprocessing: Preprocessing, experiment: Experiment
) -> None:
    """Refuse weights that are not those of the experiment's model."""
    first = arrays.get(_first_layer_of(experiment))
    if first is None or first.ndim != 2:
        raise ValueError(f"{_first_layer_of(experiment)}: missing, or not of two dimensions")
    n_features, networks = first.shape[1], experiment.ensemble
    if n_features != preprocessing.n_features:
        raise ValueError(
            f"{_first_layer_of(experiment)}: found {n_features} features, expected "
            f"{preprocessing.n_features}"
        )
    shapes = weight_shapes(experiment, n_features, len(preprocessing.classes))
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
        if name.endswith(".running_var") and (array < 0).any():
            raise ValueError(f"{name}: a variance is negative")


def _first_layer_of(experiment: Experiment) -> str:
    """The name of the first layer's weights; of an ensemble, its first network's."""
    return "0.weight" if experiment.ensemble == 1 else "0.0.weight"
