"""The lesson of a network with two inputs: which trainings it shows, and its document."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.lesson.boundary import CELLS, Plane
from isolet_nn.lesson.drawable import require_drawable
from isolet_nn.lesson.moments import FloatArray, Step, Walk
from isolet_nn.lesson.recording import Frame, Recording, record
from isolet_nn.lesson.updates import Line, coasts, lines_of, numbers_of
from isolet_nn.system.machine import available_cores
from isolet_nn.training.threads import limited_threads

OPTIMIZERS: Mapping[str, Mapping[str, Any]] = {
    "SGD": {"name": "sgd", "learning_rate": 0.5},
    "Momentum": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "Adagrad": {"name": "adagrad", "learning_rate": 0.1},
    "RMSprop": {"name": "rmsprop", "learning_rate": 0.01},
    "Adam": {"name": "adam", "learning_rate": 0.02},
    "RAdam": {"name": "radam", "learning_rate": 0.02},
    "NAdam": {"name": "nadam", "learning_rate": 0.02},
}
"""Optimizers to compare, at rates that suit networks of this size; none was tuned."""

REPORT_SEEDS = (6, 3, 2)
"""Of the report's recipe: one that learns, one that half does, one whose neurons all die."""

_MOST_ROWS, _MOST_POINTS = 4, 400
_MOST_FRAMES, _FEWEST_FRAMES = 61, 20
_MOST_BYTES = 1_350_000
"""Of all moments, packed: measured, one takes 600 bytes, and 60 to 90 for each weight."""
_SIGNIFICANT = 6
_SYMBOL = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Chapter:
    """Trainings of one network on the same data.

    Attributes
    ----------
    title, says
        What it is about.
    trainings
        By label.
    varies
        What its trainings differ in.
    """

    title: str
    says: str
    trainings: Mapping[str, Experiment]
    varies: str = "Optimizer"


def chapters_of(experiment: Experiment, n_classes: int) -> list[Chapter]:
    """What a lesson shows: of exclusive or three chapters, of other data the one network."""
    if experiment.dataset.name != "xor":
        return [_only_chapter(experiment, n_classes)]
    straight = _changed(experiment, {"model.hidden_layers": []})
    report = load_experiment("report/xor")
    length = {"training.epochs": experiment.training.epochs}
    seeds = {f"Seed {seed}": _changed(report, {"seed": seed} | length) for seed in REPORT_SEEDS}
    chapters = [
        Chapter(
            "Without a hidden layer",
            "The same data and the same optimizer, and no hidden neurons.",
            {_label_of(straight): straight},
        ),
        Chapter(
            "The report's recipe",
            "Three ReLUs, small first weights, no momentum: some of the neurons may die.",
            seeds,
            "First weights",
        ),
    ]
    if not experiment.model.hidden_layers:
        return chapters
    learning = Chapter(
        "With a hidden layer",
        "Hidden neurons bend the plane, so that one line can divide it.",
        with_optimizers(experiment),
    )
    return [learning, *chapters]


def _only_chapter(experiment: Experiment, n_classes: int) -> Chapter:
    sizes = [2, *experiment.model.hidden_layers, n_classes]
    room = max(1, _room_for(sizes, _FEWEST_FRAMES))
    trainings = with_optimizers(experiment)
    shown = dict(itertools.islice(trainings.items(), room))
    says = "The network of the config, and the same one with other optimizers."
    if len(shown) == 1:
        says = "The network of the config. It is too large to have others beside it on one page."
    elif len(shown) < len(trainings):
        says = "The network of the config, and the same one with as many other optimizers as fit."
    return Chapter("The network", says, shown)


def with_optimizers(experiment: Experiment) -> dict[str, Experiment]:
    """The experiment, and the same with each other optimizer."""
    own = _label_of(experiment)
    others = {
        label: _changed(experiment, {"optimizer": settings})
        for label, settings in OPTIMIZERS.items()
        if label != own
    }
    return {own: experiment, **others}


def _label_of(experiment: Experiment) -> str:
    optimizer = experiment.optimizer
    if getattr(optimizer, "nesterov", False):
        return "Nesterov"
    if optimizer.name == "sgd":
        return "Momentum" if optimizer.momentum else "SGD"
    names = {label.lower(): label for label in OPTIMIZERS}
    return names.get(optimizer.name, "AdamW")


def _changed(experiment: Experiment, settings: Mapping[str, Any]) -> Experiment:
    plain = experiment.model_dump(mode="json")
    for path, value in settings.items():
        *sections, key = path.split(".")
        section = plain
        for name in sections:
            section = section[name]
        section[key] = value
    return Experiment.model_validate(plain)


def network_record(experiment: Experiment, dataset: Dataset) -> dict[str, Any]:
    """Train all that the lesson shows, and make its document.

    Raises
    ------
    ConfigError
        If the network cannot be drawn.
    """
    require_drawable(experiment, dataset.n_classes)
    chapters = chapters_of(experiment, dataset.n_classes)
    count = sum(len(chapter.trainings) for chapter in chapters)
    return {
        "name": experiment.name,
        "data": experiment.dataset.name,
        "inputs": list(dataset.preprocessing.feature_names),
        "classes": list(dataset.classes),
        "blind_loss": _rounded(math.log(dataset.n_classes)),
        "cells": CELLS,
        "chapters": [_chapter_document(chapter, count) for chapter in chapters],
    }


def _chapter_document(chapter: Chapter, trainings_of_page: int) -> dict[str, Any]:
    first = next(iter(chapter.trainings.values()))
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    train = dataset.train
    plane = Plane(np.concatenate([train.x, dataset.test.x]))
    rows = chosen_rows(train.y)
    sizes = [dataset.n_features, *first.model.hidden_layers, dataset.n_classes]
    frames = min(_MOST_FRAMES, _room_for(sizes, trainings_of_page))
    recordings = {}
    for label, experiment in chapter.trainings.items():
        with limited_threads(experiment, auto=available_cores()):
            recordings[label] = record(experiment, dataset, rows, plane, frames)
    shown = np.linspace(0, len(train) - 1, min(len(train), _MOST_POINTS)).astype(int)
    return {
        "title": chapter.title,
        "says": chapter.says,
        "varies": chapter.varies,
        "sizes": sizes,
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


def _room_for(sizes: list[int], times: int) -> int:
    """How many trainings of so many moments a page has room for, or the other way round."""
    weights = sum((i + 1) * o for i, o in itertools.pairwise(sizes))
    return _MOST_BYTES // ((600 + 92 * weights) * times)


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
        "method": _label_of(experiment),
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
    if np.ndim(numbers):
        return [_rounded(number) for number in numbers]
    return float(f"{float(numbers):.{_SIGNIFICANT}g}")
