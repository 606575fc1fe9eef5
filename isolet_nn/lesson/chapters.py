"""Which trainings a lesson of a network shows, in chapters, and how many a page can hold."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.lesson.drawable import weights_of

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

MOST_BYTES = 1_350_000
"""Of all moments of a page, packed."""
MOST_FRAMES, FEWEST_FRAMES = 61, 20
"""Moments of a training; other optimizers are left out where there would be fewer."""


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
        return [_with_others("The network", "The network of the config", experiment, n_classes)]
    straight = _changed(experiment, {"model.hidden_layers": []})
    report = load_experiment("report/xor")
    length = {"training.epochs": experiment.training.epochs}
    seeds = {f"Seed {seed}": _changed(report, {"seed": seed} | length) for seed in REPORT_SEEDS}
    chapters = [
        Chapter(
            "Without a hidden layer",
            "The same data and the same optimizer, and no hidden neurons.",
            {label_of(straight): straight},
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
    bends = "Hidden neurons bend the plane, so that one line can divide it"
    learning = _with_others("With a hidden layer", bends, experiment, n_classes, chapters)
    return [learning, *chapters]


def _with_others(
    title: str, says: str, experiment: Experiment, n_classes: int, beside: Sequence[Chapter] = ()
) -> Chapter:
    """A chapter on an experiment, with as many other optimizers as leave room for moments."""
    trainings = with_optimizers(experiment)
    room = MOST_BYTES // FEWEST_FRAMES - _moment_bytes(beside, n_classes)
    own = Chapter(title, says, {label_of(experiment): experiment})
    fitting = room // _moment_bytes([own], n_classes)
    shown = dict(itertools.islice(trainings.items(), fitting))
    others = "It has other optimizers beside it."
    if len(shown) == 1:
        others = "It is too large to have other optimizers beside it on one page."
    elif len(shown) < len(trainings):
        others = "It has as many other optimizers beside it as fit."
    return replace(own, says=f"{says}. {others}", trainings=shown)


def frames_of(chapters: Sequence[Chapter], n_classes: int) -> int:
    """How many moments of each training a page has room for."""
    return min(MOST_FRAMES, MOST_BYTES // _moment_bytes(chapters, n_classes))


def sizes_of(experiment: Experiment, n_classes: int) -> list[int]:
    """Neurons of each layer, from the two inputs on."""
    return [2, *experiment.model.hidden_layers, n_classes]


def _moment_bytes(chapters: Sequence[Chapter], n_classes: int) -> int:
    """What a moment of all trainings takes, measured: 600 bytes each, and 60 to 90 a weight."""
    sizes = [
        sizes_of(experiment, n_classes)
        for chapter in chapters
        for experiment in chapter.trainings.values()
    ]
    return sum(600 + 92 * weights_of(of_one) for of_one in sizes)


def with_optimizers(experiment: Experiment) -> dict[str, Experiment]:
    """The experiment, and the same with each other optimizer."""
    own = label_of(experiment)
    others = {
        label: _changed(experiment, {"optimizer": settings})
        for label, settings in OPTIMIZERS.items()
        if label != own
    }
    return {own: experiment, **others}


def label_of(experiment: Experiment) -> str:
    """What its optimizer is called on the page."""
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
