"""A run folder: everything that one execution of an experiment leaves behind.

Files appear whole or not at all, except metrics.csv, which grows by a line an epoch. Weights are
kept as safetensors; nothing is pickled.
"""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.backends.base import Weights
from isolet_nn.config import Experiment
from isolet_nn.data.dataset import Dataset, Scaler
from isolet_nn.errors import RunError
from isolet_nn.files import (
    errors_name,
    open_file,
    read_text,
    sync,
    write_bytes,
    write_json,
    write_text,
)
from isolet_nn.folders import (
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
from isolet_nn.loading import load_experiment
from isolet_nn.problems import validate
from isolet_nn.training import Row, Training
from isolet_nn.yaml_files import dump_yaml

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
        return self.weights["0.weight" if self.experiment.ensemble == 1 else "0.0.weight"]


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
        write_json(run.path / ENVIRONMENT, environment)
        run.write_summary({"status": "running", "started": now()})
        return run

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open an existing run folder.

        Raises
        ------
        RunError
            If it is not one.
        """
        folder = Path(path)
        if not (folder / CONFIG).exists():
            raise RunError(f"{folder}: {_why_no_run(folder)}")
        return cls(folder, load_experiment(folder / CONFIG))

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from working on this folder; see `folders.locked`."""
        return locked(self.path)

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        return read_json(self.path / SUMMARY)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replace summary.json."""
        write_json(self.path / SUMMARY, summary)

    @property
    def environment(self) -> dict[str, Any]:
        """The content of environment.json."""
        return read_json(self.path / ENVIRONMENT)

    @property
    def data_checksum(self) -> str | None:
        """Checksum of the data that the run was trained on, None where none is recorded."""
        dataset = self.environment.get("dataset")
        return dataset.get("checksum") if isinstance(dataset, dict) else None

    def metrics(self) -> list[Row]:
        """The rows of metrics.csv; a torn last line is left out."""
        try:
            text = read_text(self.path / METRICS)
            complete = text[: text.rfind("\n") + 1]
            return [
                {key: _number(key, value) for key, value in row.items()}
                for row in csv.DictReader(io.StringIO(complete))
            ]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, csv.Error) as error:
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
        self._require_model_of_config(model.experiment)
        return model

    def _require_model_of_config(self, trained: Experiment) -> None:
        found, expected = (
            {"ensemble": e.ensemble} | {f"model.{k}": v for k, v in e.model}
            for e in (self.experiment, trained)
        )
        for key, value in expected.items():
            if found[key] != value:
                raise RunError(
                    f"{self.path / CONFIG}: {key}: found {found[key]}, but {MODEL} was trained "
                    f"with {value}"
                )

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.path / CHECKPOINT).exists()

    def write_checkpoint(self, training: Training) -> None:
        """Write checkpoint.safetensors: all that resuming needs beside metrics.csv."""
        arrays, progress = training.state()
        sync(self.path / METRICS)  # a checkpoint must not outlive the epochs it goes on from
        _save_tensors(self.path / CHECKPOINT, arrays, progress)

    def load_checkpoint(self, training: Training) -> None:
        """Let `training` go on from the checkpoint, if there is one."""
        path = self.path / CHECKPOINT
        if path.exists():
            arrays, progress = _load_tensors(path)
            rows = [row for row in self.metrics() if (row["epoch"] or 0) <= progress["epoch"]]
            if len(rows) != progress["epoch"]:
                raise RunError(
                    f"{self.path / METRICS}: found {len(rows)} of the {progress['epoch']} epochs "
                    f"that {CHECKPOINT} goes on from; remove {CHECKPOINT} to begin anew"
                )
            training.load_state(arrays, progress, [rows])

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
    _save_tensors(path, arrays, metadata)


def read_model(path: Path) -> Model:
    """Read what `write_model` wrote.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    arrays, metadata = _load_tensors(path)
    scaler = None
    try:
        if "scaler.mean" in arrays:
            scaler = Scaler(arrays.pop("scaler.mean"), arrays.pop("scaler.scale"))
        content, classes = dict(metadata["experiment"]), tuple(metadata["classes"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: damaged, or not written by isolet-nn: {error}") from None
    return Model(arrays, scaler, classes, validate(Experiment, content, str(path)))


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


def _number(key: str, text: str) -> float | None:
    if text == "":
        return None
    return int(text) if key == "epoch" else float(text)


_METADATA_KEY = "isolet_nn"


def _save_tensors(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Any) -> None:
    from safetensors.numpy import save

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    # One key for all metadata: safetensors keeps no order among several, and bytes must be equal.
    write_bytes(path, save(contiguous, {_METADATA_KEY: json.dumps(metadata)}))


def _load_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], Any]:
    from safetensors import SafetensorError, safe_open

    try:
        open_file(path).close()
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return arrays, json.loads((file.metadata() or {})[_METADATA_KEY])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise RunError(f"{path}: damaged, or not written by isolet-nn: {error}") from None
