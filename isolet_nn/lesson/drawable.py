"""What a lesson of a network can draw, and what it refuses in words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError, Problem

MOST_NEURONS = 16
"""Of one layer: more are no longer told apart."""
MOST_CLASSES = 10
"""Each has a colour and a shape."""
MOST_LAYERS = 5
"""Hidden layers."""
MOST_WEIGHTS = 400
"""Of the whole network, biases among them: each has its numbers for every moment."""
MOST_EPOCHS = 20_000
"""Epochs of a training that is watched from beginning to end."""

_PLAIN = {
    "model.batch_normalization": False,
    "model.dropout": 0.0,
    "model.input_dropout": 0.0,
    "model.input_noise": 0.0,
    "model.max_norm": None,
    "training.label_smoothing": 0.0,
    "training.mixup": 0.0,
    "training.clip_norm": None,
    "training.clip_value": None,
    "training.class_weight": None,
    "training.early_stopping": None,
}
"""Settings that would put something between the lines of the textbook, and how they are off."""


def require_drawable(experiment: Experiment, n_classes: int) -> None:
    """Refuse an experiment whose network cannot be shown number by number.

    Raises
    ------
    ConfigError
        Naming all that stands in the way.
    """
    problems = [*_not_plain(experiment), *_too_large(experiment, n_classes)]
    if problems:
        raise ConfigError(*problems)


def _not_plain(experiment: Experiment) -> list[Problem]:
    problems = []
    if experiment.backend != "numpy":
        problems.append(
            _refused("backend", experiment.backend, "expected numpy, which a lesson looks into")
        )
    if experiment.ensemble != 1:
        problems.append(
            _refused("ensemble", experiment.ensemble, "expected 1: a lesson is of one network")
        )
    if (own := experiment.dataset.by_group) is not None:
        problems.append(
            _refused(
                "dataset.standardize",
                f"by {own.by}",
                "expected true or false in a lesson: the plane has one scale for all rows",
            )
        )
    averaging = experiment.training.weight_averaging.name
    if averaging != "none":
        problems.append(
            _refused("training.weight_averaging", averaging, "expected none in a lesson")
        )
    for path, off in _PLAIN.items():
        section, key = path.split(".")
        found = getattr(getattr(experiment, section), key)
        if found != off:
            said = "null" if off is None else str(off).lower()
            what = str(found).lower() if isinstance(found, (int, float)) else "settings"
            problems.append(
                _refused(path, what, f"expected {said} in a lesson, which shows the plain step")
            )
    return problems


def _too_large(experiment: Experiment, n_classes: int) -> list[Problem]:
    problems = []
    hidden = experiment.model.hidden_layers
    sizes = [2, *hidden, n_classes]
    weights = weights_of(sizes)
    path = "model.hidden_layers"
    if len(hidden) > MOST_LAYERS or max(hidden, default=0) > MOST_NEURONS:
        limits = f"up to {MOST_LAYERS} layers of up to {MOST_NEURONS} neurons can be drawn"
        problems.append(_refused(path, hidden, f"{limits}: --set {path}=[8] is plenty"))
    elif weights > MOST_WEIGHTS:
        what = f"{hidden}, so {weights} weights and biases"
        allowed = f"up to {MOST_WEIGHTS} can be drawn: take fewer neurons"
        problems.append(_refused(path, what, allowed))
    if n_classes > MOST_CLASSES:
        allowed = f"up to {MOST_CLASSES} classes can be drawn"
        problems.append(_refused("dataset", f"{n_classes} classes", allowed))
    if experiment.training.epochs > MOST_EPOCHS:
        allowed = f"up to {MOST_EPOCHS:,} in a lesson"
        problems.append(_refused("training.epochs", experiment.training.epochs, allowed))
    return problems


def weights_of(sizes: Sequence[int]) -> int:
    """Number of weights and biases of a network with so many neurons in its layers."""
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))


def _refused(path: str, found: object, allowed: str) -> Problem:
    return Problem(f"found {found}", path=path, allowed=allowed)
