"""The plane of a run whose table has two numeric columns: its regions, borders and rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data import load_raw, rows_of_splits
from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.errors import counted
from isolet_nn.nn.losses import softmax
from isolet_nn.runs.folder import Run
from isolet_nn.training.loop import TrainedModel


def why_no_plane(preprocessing: Preprocessing) -> str | None:
    """Why the columns of a table span no plane that can be drawn; None if they do."""
    columns = preprocessing.inputs
    categorical = [column.name for column in columns if column.kind != "numeric"]
    if preprocessing.shrinkage is not None:
        return "each group has a scale of its own, and a plane has one"
    if len(columns) != 2:
        return f"found {counted(len(columns), 'column')}, and a plane has two"
    if categorical:
        return f"column {categorical[0]!r} holds categories, and a plane has two numbers"
    return None


def draw_boundary(run: Run, model: TrainedModel, preprocessing: Preprocessing) -> Path:
    """Draw the plane into the run folder, with the rows of its splits; return the path.

    Of the splits, these are the training rows and those that the run is judged by.

    The columns must be two of numbers: `why_no_plane` has found nothing.
    """
    from isolet_nn.plots import in_words, plot_decision_boundary

    experiment = run.experiment
    raw = load_raw(experiment.dataset)
    train, validation, test = rows_of_splits(raw, experiment.dataset, experiment.seed)
    judge = ("test", test) if experiment.training.evaluate_test else ("validation", validation)
    reader = preprocessing.reader(raw.columns, raw.source)
    parts = {
        name: (reader(raw.values(rows)), raw.y[rows])
        for name, rows in (("training rows", train), (f"{judge[0]} rows", judge[1]))
        if rows is not None
    }
    if np.array_equal(train, test):  # the four points of exclusive or
        parts = {"points": parts["training rows"]}

    def probabilities(points: NDArray[np.float64]) -> NDArray[np.floating]:
        inputs = preprocessing.transform(points, experiment.training.dtype)
        return softmax(model(inputs))

    path = run.plot_path("decision_boundary")
    plot_decision_boundary(
        probabilities,
        path,
        parts,
        preprocessing.classes,
        names=(preprocessing.inputs[0].name, preprocessing.inputs[1].name),
        title=f"{in_words(experiment.name)}: decision boundary",
    )
    return path
