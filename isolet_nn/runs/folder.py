"""A run folder: everything that one execution of an experiment leaves behind.

Files appear whole or not at all, except metrics.csv, which grows by a line an epoch. Weights are
kept as safetensors; nothing is pickled.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.problems import validate
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data.dataset import Dataset
from isolet_nn.data.scaling import Scaler
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.history import read_history
from isolet_nn.runs.identity import differences, identity_of
from isolet_nn.runs.records import (
    FORMAT,
    Environment,
    ModelFacts,
    Progress,
    RunSummary,
    read_record,
    require_format,
)
from isolet_nn.runs.tensors import load_tensors, save_tensors
from isolet_nn.system.files import (
    errors_name,
    read_text,
    sync,
    write_json,
    write_text,
)
from isolet_nn.system.folders import (
    CONFIG,
    ENVIRONMENT,
    METRICS,
    PLOTS,
    SUMMARY,
    SWEEP,
    locked,
    new_folder,
    now,
    read_json,
)
from isolet_nn.training.backend import Weights, layout_of, require_layout, weight_shapes
from isolet_nn.training.loop import Row, Training

MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"


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
        return self.weights[first_layer_of(self.experiment)]


class Run:
    """A run folder.

    Attributes
    ----------
    path
        The folder.
    experiment
        The complete experiment.
    """

    def __init__(self, path: Path, experiment: Experiment) -> None:
        self.path = path
        self.experiment = experiment

    @classmethod
    def create(cls, runs_dir: Path, experiment: Experiment, environment: Mapping[str, Any]) -> Run:
        """Make a new folder ``<date>-<time>-<name>`` with config, environment and summary.

        Raises
        ------
        RunError
            If the folder cannot be made.
        """
        run = cls(new_folder(runs_dir, experiment.name), experiment)
        write_text(run.path / CONFIG, dump_yaml(experiment))
        run.write_environment(environment)
        run.write_summary({"status": "running", "started": now()})
        return run

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open an existing run folder.

        Raises
        ------
        RunError
            If it is not one, or one of another format.
        """
        folder = Path(path)
        if not (folder / CONFIG).exists():
            raise RunError(f"{folder}: {_why_no_run(folder)}")
        if (folder / SUMMARY).exists():  # before a config that may have other keys
            require_format(read_json(folder / SUMMARY), folder / SUMMARY)
        return cls(folder, load_experiment(folder / CONFIG))

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from working on this folder; see `folders.locked`."""
        return locked(self.path)

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json; raises :class:`RunError` if it is damaged."""
        return read_record(self.path / SUMMARY, RunSummary).model_dump(exclude_unset=True)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replace summary.json."""
        write_json(self.path / SUMMARY, {"format": FORMAT, **summary})

    @property
    def environment(self) -> dict[str, Any]:
        """The content of environment.json; raises :class:`RunError` if it is damaged."""
        return read_record(self.path / ENVIRONMENT, Environment).model_dump(exclude_unset=True)

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        """Replace environment.json, with the experiment as it is."""
        experiment = self.experiment.model_dump(mode="json")
        content = {"format": FORMAT, **environment, "experiment": experiment}
        write_json(self.path / ENVIRONMENT, content)

    @property
    def data_checksum(self) -> str:
        """Checksum of the data that the run was trained on."""
        checksum: str = self.environment["dataset"]["checksum"]
        return checksum

    def metrics(self) -> list[Row]:
        """The rows of metrics.csv; a torn last line is left out.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        try:
            text = read_text(self.path / METRICS)
            return read_history(text[: text.rfind("\n") + 1])
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"{self.path / METRICS}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise RunError(f"{self.path / METRICS}: damaged: {error}") from None

    def start_metrics(self, columns: Iterable[str], rows: Iterable[Row] = ()) -> None:
        """Begin metrics.csv anew, with the rows that a resumed run already has."""
        lines = [",".join(columns), *(_line(row) for row in rows)]
        write_text(self.path / METRICS, "\n".join(lines) + "\n")

    def append_metrics(self, row: Row) -> None:
        """Append one epoch to metrics.csv and hand it to the operating system."""
        path = self.path / METRICS
        with errors_name(path), path.open("a", encoding="utf-8") as file:
            file.write(_line(row) + "\n")

    def write_model(self, weights: Weights, dataset: Dataset) -> None:
        """Write model.safetensors."""
        write_model(self.path / MODEL, weights, dataset, self.experiment)

    def model(self) -> Model:
        """Read model.safetensors.

        Raises
        ------
        RunError
            If there is none, if it is damaged, or if config.yaml describes another model.
        """
        path = self.path / MODEL
        if not path.exists():
            status = self.summary.get("status", "unknown")
            ending = status in ("running", "interrupted")
            hint = f"; end it with: isolet-nn train --resume {shlex.quote(str(self.path))}"
            raise RunError(f"{path}: no such file; the run is {status}{hint if ending else ''}")
        model = read_model(path)
        self._require_config_of_model(model.experiment)
        return model

    def _require_config_of_model(self, trained: Experiment) -> None:
        changes = differences(identity_of(trained), identity_of(self.experiment))
        if changes:
            raise RunError(
                f"{self.path / CONFIG}: is not what {MODEL} was trained with; undo the changes:\n"
                + "\n".join(changes)
            )

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return os.path.lexists(self.path / CHECKPOINT)

    def write_checkpoint(self, training: Training) -> None:
        """Write checkpoint.safetensors: all that resuming needs beside metrics.csv."""
        arrays, progress = training.state()
        sync(self.path / METRICS)  # a checkpoint must not outlive the epochs it goes on from
        save_tensors(self.path / CHECKPOINT, arrays, progress)

    def load_checkpoint(self, training: Training) -> None:
        """Let `training` go on from the checkpoint, if there is one."""
        path = self.path / CHECKPOINT
        if os.path.lexists(path):
            arrays, progress = load_tensors(path, Progress)
            rows = self.metrics()[: progress.epoch]
            remedy = f"remove {CHECKPOINT} to begin anew"
            if len(rows) != progress.epoch:
                raise RunError(
                    f"{self.path / METRICS}: found {len(rows)} of the {progress.epoch} epochs "
                    f"that {CHECKPOINT} goes on from; {remedy}"
                )
            try:
                training.load_state(arrays, progress.model_dump(), [rows])
            except ValueError as error:
                raise RunError(f"{path}: damaged: {error}; {remedy}") from None

    def remove_checkpoint(self) -> None:
        """Remove checkpoint.safetensors, if there is one."""
        (self.path / CHECKPOINT).unlink(missing_ok=True)
        for left_by_a_crash in self.path.glob(f".{Path(CHECKPOINT).stem}-*"):
            left_by_a_crash.unlink(missing_ok=True)

    def table_path(self, name: str, split: str) -> Path:
        """Where a table of a split's evaluation is."""
        return self.path / f"{name}{split_suffix(split)}.csv"

    def plot_path(self, name: str) -> Path:
        """Where a plot goes; makes the folder."""
        folder = self.path / PLOTS
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.png"


def split_suffix(split: str) -> str:
    """What a split adds to the names of its files; the test split adds nothing."""
    return "" if split == "test" else f"_{split}"


def load_run(path: str | Path) -> Run:
    """Open a run folder; see :class:`Run`."""
    return Run.open(path)


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
    first = arrays.get(first_layer_of(experiment))
    if first is None or first.ndim != 2:
        raise ValueError(f"{first_layer_of(experiment)}: missing, or not of two dimensions")
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


def first_layer_of(experiment: Experiment) -> str:
    """The name of the first layer's weights; of an ensemble, its first network's."""
    return "0.weight" if experiment.ensemble == 1 else "0.0.weight"


def _why_no_run(folder: Path) -> str:
    """What is there instead of a run, and what to do."""
    if (folder / SWEEP).is_file():
        name = shlex.quote(str(folder))
        return (
            f"is a sweep, not a run: `isolet-nn plot {name}` draws its results, "
            f"`isolet-nn sweep --resume {name}` goes on with it"
        )
    if folder.is_dir():
        what = f"is not a run folder: it has no {CONFIG}"
    else:
        what = "is a file, not a run folder" if folder.exists() else "no such folder"
    return what + _neighbours(folder)


def _neighbours(folder: Path) -> str:
    """Name a run that may be meant: the newest in the folder itself, or beside it."""
    for parent in (folder, folder.parent):
        try:
            runs = sorted(path for path in parent.iterdir() if (path / CONFIG).is_file())
        except OSError:
            continue
        if runs:
            return f"; the newest run there is {runs[-1]}"
    return ""


def _line(row: Row) -> str:
    return ",".join("" if value is None else repr(value) for value in row.values())
