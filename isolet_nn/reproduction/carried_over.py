"""Figure 6 as the report must have drawn it: one network, trained on and on through all cells.

This is the very mistake that isolated trials are there to prevent, repeated on purpose to show
what it does. It is no experiment and no sweep, and no other figure can use it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import with_overrides
from isolet_nn.config.loading import anchor_paths
from isolet_nn.config.problems import validate
from isolet_nn.config.section import NAME_PATTERN, Count, Section
from isolet_nn.config.yaml_files import dump_yaml, read_mapping
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.reproduction.records import CarriedOverFacts
from isolet_nn.runs.environment import processor
from isolet_nn.runs.identity import differences, identity_of
from isolet_nn.runs.records import FORMAT
from isolet_nn.runs.tensors import load_tensors, save_tensors
from isolet_nn.system.csv_tables import Columns, csv_text, read_csv
from isolet_nn.system.files import read_text, write_json, write_text
from isolet_nn.system.folders import current_folder, locked, new_folder, now
from isolet_nn.system.statuses import COMPLETED, INTERRUPTED
from isolet_nn.training.backend import Weights, require_layout, weight_shapes
from isolet_nn.training.loop import Training
from isolet_nn.training.threads import limited_threads
from isolet_nn.version import __version__

FILE, CELLS, STATUS = "carried_over.yaml", "cells.csv", "status.json"
_STATE = "state.safetensors"


class CarriedOver(Section):
    """What a file for one network kept across cells says below ``carried_over``."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """Part of the folder's name."""
    experiment: Experiment
    """The settings of every cell; epochs and batch size are replaced, the seed counts cells."""
    epochs: Annotated[list[Count], Field(min_length=1)]
    """The outer loop."""
    batch_sizes: Annotated[list[Count], Field(min_length=1)]
    """The inner loop."""

    @property
    def cells(self) -> list[tuple[int, int]]:
        """Epochs and batch size of each cell, in the order in which the network meets them."""
        return [(epochs, size) for epochs in self.epochs for size in self.batch_sizes]


class _RunBy(Section):
    command: str = "reproduce report --figure 6"
    because: str = "keeps one network across cells, as no training and no sweep does"


class _File(Section):
    run_by: _RunBy = _RunBy()
    carried_over: CarriedOver


def load_carried_over(
    path: Path,
    *,
    data_dir: str | None = None,
    computing: Mapping[str, Any] | None = None,
    **changes: Any,
) -> CarriedOver:
    """Read such a file.

    Parameters
    ----------
    path
        The file.
    data_dir
        Replaces the experiment's ``dataset.dir``.
    computing
        Replaces its backend and device.
    changes
        Keys below ``carried_over`` to replace.

    Raises
    ------
    ConfigError
        If anything in it is wrong.
    """
    content = read_mapping(path)
    section = content.get("carried_over")
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: carried_over: found {section!r}; expected a section")
    section = {**section, **changes}
    if isinstance(section.get("experiment"), dict):
        given = {**(computing or {}), **({} if data_dir is None else {"dataset.dir": data_dir})}
        section["experiment"] = anchor_paths(
            with_overrides(section["experiment"], given), current_folder()
        )
    return validate(_File, {**content, "carried_over": section}, str(path)).carried_over


def begin(config: CarriedOver, parent: Path) -> Path:
    """Make the folder for one network's way through the cells; `go_on` trains it."""
    folder = new_folder(parent, config.name)
    write_text(folder / FILE, dump_yaml(_File(carried_over=config)))
    return folder


def go_on(
    folder: Path,
    *,
    data_dir: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_cell: Callable[[int, int], None] | None = None,
) -> bool:
    """Train the network through the cells that are left; return whether all are done.

    What is finished is kept after every cell, so that a killed process loses one cell at most.

    Parameters
    ----------
    folder
        What `begin` made.
    data_dir
        Replaces the experiment's ``dataset.dir``.
    should_stop
        Asked after every step.
    on_cell
        Told the number of cells done, and of all.

    Raises
    ------
    RunError
        If the data is no longer the same.
    """
    config = load_carried_over(folder / FILE, data_dir=data_dir)
    cells, started = config.cells, now()
    with locked(folder), limited_threads(config.experiment):
        experiment = config.experiment
        dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
        facts = _facts(config, dataset)
        weights, accuracies = _read_state(folder / _STATE, facts, experiment, dataset)
        while len(accuracies) < len(cells):
            epochs, batch_size = cells[len(accuracies)]
            cell = _cell_experiment(experiment, len(accuracies), epochs, batch_size)
            trained = _train(cell, dataset, weights, should_stop)
            if trained is None:
                break
            weights, accuracy = trained
            accuracies.append(accuracy)
            save_tensors(folder / _STATE, weights, facts | {"accuracies": accuracies})
            if on_cell is not None:
                on_cell(len(accuracies), len(cells))
        is_complete = len(accuracies) == len(cells)
        write_text(folder / CELLS, _table(config, accuracies))
        status = COMPLETED if is_complete else INTERRUPTED
        write_json(
            folder / STATUS,
            {
                "format": FORMAT,
                "status": status,
                "started": started,
                "ended": now(),
                "cells": len(accuracies),
            },
        )
    return is_complete


def _cell_experiment(
    experiment: Experiment, number: int, epochs: int, batch_size: int
) -> Experiment:
    """The settings of a cell; a seed of its own gives it orders of its own."""
    settings = {"epochs": epochs, "batch_size": batch_size, "evaluate_every": epochs}
    training = experiment.training.model_copy(update=settings)
    return experiment.model_copy(update={"seed": experiment.seed + number, "training": training})


def _train(
    experiment: Experiment,
    dataset: Dataset,
    weights: Weights | None,
    should_stop: Callable[[], bool],
) -> tuple[Weights, float] | None:
    """Train a cell from the weights that the cell before left; None if it was stopped."""
    training = Training([experiment], [dataset])
    if weights is not None:
        training.backend.load_weights(0, weights)
    while not training.finished:
        if should_stop() or not training.run_epoch(should_stop):
            return None
    member = training.members[0]
    row = member.final_row
    if member.weights is None or row is None or row["test_accuracy"] is None:
        raise RunError(f"the carried-over network: {member.error}")
    return member.weights, row["test_accuracy"]


def _facts(config: CarriedOver, dataset: Dataset) -> dict[str, Any]:
    """What the network depends on: a state that depends on anything else is not gone on with."""
    return {
        "cells": [list(cell) for cell in config.cells],
        "experiment": identity_of(config.experiment),
        "data": dataset.checksum,
        "version": __version__,
        "processor": processor(config.experiment),
    }


def _read_state(
    path: Path, facts: Mapping[str, Any], experiment: Experiment, dataset: Dataset
) -> tuple[Weights | None, list[float]]:
    """The network and the accuracies so far; nothing where no cell is done."""
    if not os.path.lexists(path):
        return None, []
    weights, recorded = load_tensors(path, CarriedOverFacts)
    changes = differences(recorded.model_dump(mode="json", include=set(facts)), facts)
    if changes:
        raise RunError(
            f"{path.parent}: is not what the network was trained with; undo the changes, or "
            "begin a new reproduction:\n" + "\n".join(changes)
        )
    shapes = weight_shapes(experiment, dataset.n_features, dataset.n_classes)
    dtype = experiment.training.dtype
    try:
        require_layout(weights, {name: (shape, dtype) for name, shape in shapes.items()})
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise ValueError("not all weights are finite")
        if len(recorded.accuracies) > len(recorded.cells):
            raise ValueError("found more accuracies than cells")
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
    return weights, recorded.accuracies


def read_cells(folder: Path) -> list[tuple[int, int, float]]:
    """Epochs, batch size and test accuracy of each cell that is done, from ``cells.csv``.

    Raises
    ------
    RunError
        If the table is damaged.
    """
    path, cells = folder / CELLS, load_carried_over(folder / FILE).cells
    try:
        read = [tuple(row) for row in read_csv(read_text(path), _COLUMNS)]
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
    if [(epochs, size) for epochs, size, _ in read] != cells[: len(read)]:
        raise RunError(f"{path}: damaged: its cells are not those of {FILE}")
    return read


def _accuracy(cell: str) -> float:
    accuracy = float(cell)
    if not 0.0 <= accuracy <= 1.0:
        raise ValueError(f"found the accuracy {cell}")
    return accuracy


_COLUMNS: Columns = {"training.epochs": int, "training.batch_size": int, "test_accuracy": _accuracy}


def _table(config: CarriedOver, accuracies: list[float]) -> str:
    rows = zip(config.cells, accuracies, strict=False)
    return csv_text(_COLUMNS, ([*cell, accuracy] for cell, accuracy in rows))
