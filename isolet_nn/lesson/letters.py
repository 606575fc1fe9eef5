"""The experiment's own network, watched: how its classes come apart, and what each leans on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.errors import DivergedError
from isolet_nn.lesson.inner import InnerView, principal_axes, rows_of_each_class
from isolet_nn.lesson.rounding import significant
from isolet_nn.nn.layers import FloatArray
from isolet_nn.training.backend import Weights
from isolet_nn.training.inspector import LayerInspection
from isolet_nn.training.loop import Training

MOST_FRAMES = 31
"""Moments of the training that are kept."""
MOST_MARKS = 312
"""Rows that are drawn: twelve of each letter; more cover each other."""
MOST_FEATURES = 1000
"""Features that are shown, those that most is leaned on."""
MOST_ROWS = 2000
"""Rows that the leaning is a mean of; about as many as the validation speakers of ISOLET say."""


@dataclass(frozen=True)
class Watched:
    """A training of the experiment's own network.

    Attributes
    ----------
    epochs
        Those that are kept, from 0.
    places
        (epochs, rows, 2): last hidden layer's activations on the principal axes of the last epoch.
    shares
        (epochs,): how much of the activations' variance is along these axes; NaN where they have
        none.
    labels
        (rows,): classes of the rows.
    leaning
        (classes, features), at the end.
    final_weights
        Under PyTorch's names.
    split
        Which rows were looked at: validation or train.
    inspected
        What was measured in each epoch, by layer.
    """

    epochs: list[int]
    places: FloatArray
    shares: NDArray[np.float64]
    labels: NDArray[np.int64]
    leaning: FloatArray
    final_weights: Weights
    split: str
    inspected: list[list[LayerInspection]]


_SAID = {"validation": "that were kept out of the training", "train": "that it is trained on"}


def watch(experiment: Experiment, dataset: Dataset) -> Watched:
    """Train the network as `isolet-nn train` does, by NumPy, and look at it on the way.

    Of an ensemble, this is the first network.
    """
    settings = experiment.training.model_copy(update={"inspect": True})
    experiment = experiment.model_copy(
        update={"backend": "numpy", "ensemble": 1, "training": settings}
    )
    split, part = _looked_at(dataset)
    marks = MOST_MARKS // dataset.n_classes
    rows = rows_of_each_class(part.y, dataset.n_classes, max(1, marks))
    view = InnerView(experiment, np.ascontiguousarray(part.x[rows]), dataset.n_classes)
    training = Training([experiment], [dataset])
    wanted = kept_epochs(experiment.training.epochs)
    epochs, activations, inspected = [], [], []
    while True:
        if training.epoch in wanted or training.finished:
            view.set_weights(training.weights(0))
            epochs.append(training.epoch)
            activations.append(view.last_hidden())
        if training.finished:
            break
        training.run_epoch()
        inspected.append(training.inspected[0])
    member = training.members[0]
    if member.error is not None:
        raise DivergedError(member.error)
    weights = member.weights or training.weights(0)
    places, shares = _placed(np.stack(activations))
    return Watched(
        epochs,
        places,
        shares,
        part.y[rows],
        _leaning(experiment, part, dataset.n_classes, weights),
        weights,
        split,
        inspected,
    )


def kept_epochs(epochs: int) -> set[int]:
    """Epochs to look at, evenly from the first to the last."""
    return {round(e) for e in np.linspace(0, epochs, min(epochs + 1, MOST_FRAMES)).tolist()}


def _looked_at(dataset: Dataset) -> tuple[str, Split]:
    """Rows that were not trained on where there are some; never the test part."""
    if dataset.validation is not None:
        return "validation", dataset.validation
    return "train", dataset.train


def _placed(activations: FloatArray) -> tuple[FloatArray, NDArray[np.float64]]:
    """Places and shares of variance of activations (epochs, rows, units)."""
    centre, axes = principal_axes(activations[-1])
    places = (activations - centre) @ axes.T
    own_means = activations - activations.mean(axis=1, keepdims=True)
    along = np.square(own_means @ axes.T).sum(axis=(1, 2), dtype=np.float64)
    whole = np.square(own_means).sum(axis=(1, 2), dtype=np.float64)
    return places, np.divide(along, whole, out=np.full(len(whole), np.nan), where=whole > 0.0)


def _leaning(experiment: Experiment, part: Split, classes: int, weights: Weights) -> FloatArray:
    rows = rows_of_each_class(part.y, classes, max(1, MOST_ROWS // classes))
    view = InnerView(experiment, np.ascontiguousarray(part.x[rows]), classes)
    view.set_weights(weights)
    return view.leaning(part.y[rows])


def letters_document(watched: Watched, dataset: Dataset) -> dict[str, Any]:
    """What the page shows of it."""
    names = list(dataset.preprocessing.feature_names)
    most = np.abs(watched.leaning).max(axis=0)
    shown = np.sort(np.argsort(-most, kind="stable")[:MOST_FEATURES])
    return {
        "split": watched.split,
        "split_said": _SAID[watched.split],
        "epochs": watched.epochs,
        "places": significant(watched.places, 4),
        "shares": significant(watched.shares, 3),
        "labels": watched.labels.tolist(),
        "leaning": significant(watched.leaning[:, shown], 3),
        "features": [names[i] for i in shown],
        "activation": watched.inspected[0][0].activation,
        "units": [layer.units for layer in watched.inspected[0]],
        "gradients": [[layer.gradient_norm for layer in epoch] for epoch in watched.inspected],
        "dead": [[layer.dead_units for layer in epoch[:-1]] for epoch in watched.inspected],
        "saturated": [
            [layer.saturated_share for layer in epoch[:-1]] for epoch in watched.inspected
        ],
    }
