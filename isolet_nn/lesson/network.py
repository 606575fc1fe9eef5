"""The lesson of a network with two inputs: its document."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.lesson.boundary import CELLS, Plane
from isolet_nn.lesson.chapters import Chapter, chapters_of, frames_of, label_of, sizes_of
from isolet_nn.lesson.drawable import require_drawable
from isolet_nn.lesson.moments import FloatArray, Step, Walk
from isolet_nn.lesson.recording import Frame, Recording, record
from isolet_nn.lesson.rounding import significant
from isolet_nn.lesson.updates import Line, coasts, lines_of, numbers_of
from isolet_nn.system.machine import available_cores
from isolet_nn.training.threads import limited_threads

_MOST_ROWS, _MOST_POINTS = 4, 400
_SIGNIFICANT = 6
_SYMBOL = re.compile(r"\{([^}]+)\}")


def network_record(experiment: Experiment, dataset: Dataset) -> dict[str, Any]:
    """Train all that the lesson shows, and make its document.

    Raises
    ------
    ConfigError
        If the network cannot be drawn.
    """
    require_drawable(experiment, dataset.n_classes)
    chapters = chapters_of(experiment, dataset.n_classes)
    frames = frames_of(chapters, dataset.n_classes)
    return {
        "name": experiment.name,
        "data": experiment.dataset.name,
        "inputs": list(dataset.preprocessing.feature_names),
        "classes": list(dataset.classes),
        "blind_loss": _rounded(math.log(dataset.n_classes)),
        "cells": CELLS,
        "chapters": [_chapter_document(chapter, frames) for chapter in chapters],
    }


def _chapter_document(chapter: Chapter, frames: int) -> dict[str, Any]:
    first = next(iter(chapter.trainings.values()))
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    train = dataset.train
    plane = Plane(np.concatenate([train.x, dataset.test.x]))
    rows = chosen_rows(train.y)
    recordings = {}
    for label, experiment in chapter.trainings.items():
        with limited_threads(experiment, auto=available_cores()):
            recordings[label] = record(experiment, dataset, rows, plane, frames)
    shown = np.linspace(0, len(train) - 1, min(len(train), _MOST_POINTS)).astype(int)
    return {
        "title": chapter.title,
        "says": chapter.says,
        "varies": chapter.varies,
        "sizes": sizes_of(first, dataset.n_classes),
        "activation": first.model.activation.model_dump(),
        "points": [
            [*_rounded(place), int(label)]
            for place, label in zip(plane.places(train.x[shown]), train.y[shown], strict=True)
        ],
        "ends": _ends(dataset, plane),
        "n_rows": len(train),
        "rows": [
            {
                "place": _rounded(plane.places(train.x[[row]])[0]),
                "x": _rounded(train.x[row]),
                "cells": _rounded(_cells(dataset, train.x[row])),
                "label": int(train.y[row]),
            }
            for row in rows
        ],
        "trainings": [
            {"label": label, **_training_document(recording)}
            for label, recording in recordings.items()
        ],
    }


def chosen_rows(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that a reader can choose: the first of each class, and others spread over the rest."""
    if len(labels) <= _MOST_ROWS:
        return np.arange(len(labels))
    first = np.unique(labels, return_index=True)[1].tolist()[:_MOST_ROWS]
    spread = np.linspace(0, len(labels) - 1, 2 * _MOST_ROWS + 1).astype(int).tolist()
    others = [row for row in spread if row not in first]
    return np.array(sorted([*first, *others][:_MOST_ROWS]))


def _cells(dataset: Dataset, x: FloatArray) -> list[float]:
    """Inputs (features,) in the table's own numbers."""
    columns = [dataset.preprocessing.column_of(feature) for feature in range(dataset.n_features)]
    return [
        float(value) if column.mean is None else float(value) * (column.scale or 1.0) + column.mean
        for column, value in zip(columns, x, strict=True)
    ]


def _ends(dataset: Dataset, plane: Plane) -> list[list[float]]:
    """The ends of each axis of the plane in the table's own numbers."""
    low, high = _cells(dataset, plane.low), _cells(dataset, plane.high)
    return [_rounded(pair) for pair in zip(low, high, strict=True)]


def _training_document(recording: Recording) -> dict[str, Any]:
    experiment = recording.experiment
    lines = lines_of(experiment.optimizer)
    symbols = {symbol for line in lines for symbol in _SYMBOL.findall(line.numbers)}
    return {
        "method": label_of(experiment),
        "rate": experiment.optimizer.learning_rate,
        "coasts": coasts(experiment.optimizer),
        "config": dump_yaml(experiment),
        "epochs": experiment.training.epochs,
        "losses": _losses(recording.losses),
        "lines": [_line_document(line) for line in lines],
        "frames": [_frame_document(recording, frame, symbols) for frame in recording.frames],
        "dead": [
            {"layer": d.layer, "neuron": d.neuron, "since": d.since}
            | {"sums": _rounded(d.sums[recording.rows]), "highest": _rounded(d.sums.max())}
            for d in recording.dead
        ],
        "error": recording.error,
    }


def _line_document(line: Line) -> dict[str, Any]:
    return {"says": line.says, "formula": line.formula, "numbers": line.numbers} | (
        {"keeps": True} if line.keeps else {}
    )


def _losses(losses: NDArray[np.float64]) -> list[Any]:
    """Pairs of epoch and loss, as many as a curve can show."""
    epochs = np.unique(np.linspace(0, len(losses) - 1, min(len(losses), 400)).astype(int))
    return [[int(epoch), _rounded(losses[epoch])] for epoch in epochs]


def _frame_document(recording: Recording, frame: Frame, symbols: set[str]) -> dict[str, Any]:
    step = frame.step
    return {
        "epoch": frame.epoch,
        "w": _rounded(frame.weights),
        "loss": _rounded(frame.loss),
        "accuracy": frame.accuracy,
        "answers": list(frame.answers),
        "walks": [_walk_document(walk) for walk in frame.walks],
        "step": None if step is None else _step_document(recording, step, symbols),
    }


def _walk_document(walk: Walk) -> dict[str, Any]:
    return {
        "z": [_rounded(z) for z in walk.sums],
        "a": [_rounded(a) for a in walk.activations],
        "loss": _rounded(walk.loss),
        "dz": [_rounded(dz) for dz in walk.sum_gradients],
        "da": [_rounded(da) for da in walk.activation_gradients],
        "g": _rounded(walk.gradients),
        "fd": _rounded(walk.differences),
    }


def _step_document(recording: Recording, step: Step, symbols: Iterable[str]) -> dict[str, Any]:
    numbers = numbers_of(recording.experiment.optimizer, step)
    in_batch = [row for row, number in enumerate(recording.rows) if number in step.rows]
    return {
        "t": step.number,
        "rate": _rounded(step.learning_rate),
        "batch": len(step.rows),
        "shown": in_batch,
        "g": _rounded(step.gradients),
        "after": _rounded(step.after),
        "numbers": {s: _rounded(numbers[s]) for s in sorted(symbols) if s in numbers},
    }


def _rounded(numbers: Any) -> Any:
    """To as many digits as a page can show, and one more."""
    return significant(numbers, _SIGNIFICANT)
