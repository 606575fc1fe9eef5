"""A run folder: everything that one execution of an experiment leaves behind.

Files appear whole or not at all, except metrics.csv, which grows by a line an epoch. Weights are
kept as safetensors; nothing is pickled.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import RunError
from isolet_nn.runs.growing import read_growing
from isolet_nn.runs.identity import differences, identity_of
from isolet_nn.runs.inspection_file import read_inspection
from isolet_nn.runs.metrics_file import history_csv, read_history, row_csv
from isolet_nn.runs.model_file import Model, read_model, write_model, write_preprocessing
from isolet_nn.runs.records import (
    FORMAT,
    Environment,
    Progress,
    RunSummary,
    read_record,
    require_format,
)
from isolet_nn.runs.tensors import checksum_of, load_tensors, save_tensors
from isolet_nn.system.files import (
    errors_name,
    sync,
    write_json,
    write_text,
)
from isolet_nn.system.folders import (
    CONFIG,
    ENVIRONMENT,
    INSPECTION,
    METRICS,
    PLOTS,
    RANGE_TEST,
    SUMMARY,
    SWEEP,
    locked,
    new_folder,
    now,
    read_json,
)
from isolet_nn.system.statuses import INTERRUPTED, RUNNING
from isolet_nn.training.backend import Weights
from isolet_nn.training.inspector import LayerInspection
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row

MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"
PREPROCESSING = "preprocessing.json"


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
    def create(
        cls,
        runs_dir: Path,
        experiment: Experiment,
        environment: Mapping[str, Any],
        **facts: Any,
    ) -> Self:
        """Make a new folder ``<date>-<time>-<name>`` with config, environment and summary.

        Parameters
        ----------
        facts
            What the summary says from the beginning on, besides status and time.

        Raises
        ------
        RunError
            If the folder cannot be made.
        """
        run = cls(new_folder(runs_dir, experiment.name), experiment)
        write_text(run.path / CONFIG, dump_yaml(experiment))
        run.write_environment(environment)
        task = {} if (group := experiment.dataset.adapted_to) is None else {"adapted_to": group}
        run.write_summary({"status": RUNNING, "started": now(), **task, **facts})
        return run

    @classmethod
    def open(cls, path: str | Path, *, to_resume: bool = False) -> Self:
        """Open an existing run folder.

        Parameters
        ----------
        to_resume
            Whether it is to be gone on with, so that a sweep's folder is told how that is resumed.

        Raises
        ------
        RunError
            If it is not one, or one of another format.
        """
        folder = Path(path)
        if not (folder / CONFIG).exists():
            raise RunError(f"{folder}: {_why_no_run(folder, to_resume)}")
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

    def history(self) -> list[Row]:
        """The rows of metrics.csv; a torn last line is left out.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        return read_growing(self.path / METRICS, read_history)

    def inspection(self) -> list[LayerInspection]:
        """The records of inspection.csv; none where the run was not inspected.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        return read_inspection(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def start_metrics(self, columns: Iterable[str], rows: Iterable[Row] = ()) -> None:
        """Begin metrics.csv anew, with the rows that a resumed run already has."""
        write_text(self.path / METRICS, history_csv(columns, rows))

    def append_metrics(self, row: Row) -> None:
        """Append one epoch to metrics.csv and hand it to the operating system."""
        path = self.path / METRICS
        with errors_name(path), path.open("a", encoding="utf-8") as file:
            file.write(row_csv(row))

    def write_model(self, weights: Weights, dataset: Dataset) -> None:
        """Write model.safetensors and preprocessing.json."""
        write_preprocessing(self.path / PREPROCESSING, dataset.preprocessing)
        write_model(self.path / MODEL, weights, dataset, self.experiment)

    def model(self) -> Model:
        """Read model.safetensors and preprocessing.json.

        Raises
        ------
        RunError
            If there is none, if a file is damaged, or if config.yaml describes another model.
        """
        path = self.model_path
        if not os.path.lexists(path):
            raise RunError(self.why_no_model())
        model = read_model(path, self.preprocessing_path)
        self._require_config_of_model(model.experiment)
        return model

    @property
    def model_path(self) -> Path:
        """Where the weights are."""
        return self.path / MODEL

    @property
    def preprocessing_path(self) -> Path | None:
        """Where the preprocessing is; None where the model's folder has it by its checksum."""
        return self.path / PREPROCESSING

    def why_no_model(self) -> str:
        """What to say where there is no model."""
        status = self.summary.get("status", "unknown")
        ending = status in (RUNNING, INTERRUPTED)
        hint = f"; end it with: isolet-nn train --resume {shlex.quote(str(self.path))}"
        return f"{self.model_path}: no such file; the run is {status}{hint if ending else ''}"

    def why_no_history(self) -> str:
        """What to say where no epoch is there to be drawn."""
        return f"{self.path / METRICS}: no epoch to draw"

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
        if self.experiment.training.inspect:
            sync(self.path / INSPECTION)
        save_tensors(self.path / CHECKPOINT, arrays, {**progress, "checksum": checksum_of(arrays)})

    def load_checkpoint(self, training: Training, *, beyond_its_end: bool = False) -> None:
        """Let `training` go on from the checkpoint, if there is one.

        Parameters
        ----------
        beyond_its_end
            Whether `training` has more epochs than the one that left the checkpoint at its end.
        """
        path = self.path / CHECKPOINT
        if os.path.lexists(path):
            arrays, progress = load_tensors(path, Progress)
            rows = self.history()[: progress.epoch]
            remedy = f"remove {CHECKPOINT} to begin anew"
            if len(rows) != progress.epoch:
                raise RunError(
                    f"{self.path / METRICS}: found {len(rows)} of the {progress.epoch} epochs "
                    f"that {CHECKPOINT} goes on from; {remedy}"
                )
            state = progress.model_dump()
            if beyond_its_end:
                state["members"] = [m | {"finished": False} for m in state["members"]]
            try:
                training.load_state(arrays, state, [rows])
                # What is not finite proves no damage: a training that diverges, or whose squared
                # gradients overflow, is interrupted like any other.
                if checksum_of(arrays) != progress.checksum:
                    raise ValueError("its arrays are not those that were written")
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
        folder.mkdir(parents=True, exist_ok=True)  # of a trial there is none before
        return folder / f"{name}.png"


def split_suffix(split: str) -> str:
    """What a split adds to the names of its files; the test split adds nothing."""
    return "" if split == "test" else f"_{split}"


def _why_no_run(folder: Path, to_resume: bool) -> str:
    """What is there instead of a run, and what to do."""
    if (folder / SWEEP).is_file():
        resumes = f"`isolet-nn sweep --resume {shlex.quote(str(folder))}` goes on with it"
        chooses = "--best or --trial N chooses one of its trials"
        return f"is a sweep, not a run: {resumes if to_resume else chooses}"
    if (folder / RANGE_TEST).is_file():
        what = "is a learning-rate range test, not a run"
    elif folder.is_dir():
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
