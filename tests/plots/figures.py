"""Figures of every kind, and what is to be read off them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isolet_nn import plots
from isolet_nn.scores.calibration import Calibration, CalibrationBin
from isolet_nn.scores.curves import Curve
from isolet_nn.scores.evaluation import GroupScore
from isolet_nn.scores.importance import Importance

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


XOR_CLASSES = np.array([0, 1, 1, 0])


HISTORY: dict[str, list[float | None]] = {
    "epoch": [1, 2, 3, 4],
    "train_loss": [2.0, 1.0, 0.5, 0.25],
    "train_accuracy": [0.2, 0.5, 0.8, 0.95],
    "test_loss": [None, 1.5, None, 0.75],
    "test_accuracy": [None, 0.4, None, 0.9],
}


GRID: dict[str, Any] = {
    "x_labels": ["0.001", "0.01", "0.1"],
    "y_labels": ["16", "64"],
    "x_name": "optimizer.learning_rate",
    "y_name": "model.hidden_layers",
    "value_name": "test_accuracy",
}


CALIBRATION = Calibration(
    (
        CalibrationBin(0.0, 0.5, 10, 0.4, 0.6),
        CalibrationBin(0.5, 0.75, 0, None, None),
        CalibrationBin(0.75, 1.0, 30, 0.9, 0.8),
    )
)


CURVES = [
    Curve("yes", 0.75, np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0, 1.0])),
    Curve("no", 0.5, np.array([0.0, 1.0]), np.array([0.0, 1.0])),
]
LOSSES_BY_RATE = plots.LossByRate(
    [1e-3, 1e-2, 0.1], [2.0, 1.0, float("nan")], [1.9, 1.1, float("nan")]
)
IMPORTANCES = [
    Importance("petal length (cm)", 0.4, 0.3, 0.5, 0.1),
    Importance("x", -0.01, None, None, 0.0),
]
SPEAKERS = [
    GroupScore(120 + index, 52, 52 - index % 7, (52 - index % 7) / 52) for index in range(30)
]


RATES = plots.Coordinate("optimizer.learning_rate", [1e-4, 0.1], logarithmic=True)


NAMES = plots.Coordinate("optimizer.name", [0, 1], labels=["sgd", "adam"])


PLANE: dict[str, Any] = {
    "x": plots.Coordinate(
        "optimizer.learning_rate", np.geomspace(1e-4, 1, 20).tolist(), logarithmic=True
    ),
    "y": plots.Coordinate("model.dropout", np.linspace(0.5, 0, 20).tolist()),
}


RANKS = {"a": 1.25, "b": 1.75, "c": 3.0}


WEIGHTS = np.random.default_rng(0).normal(size=(44, 617))


def probabilities(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a network that solves exclusive or."""
    of_one = np.clip(np.abs(points[:, 0] - points[:, 1]), 0, 1)
    return np.stack([1.0 - of_one, of_one], axis=1)


LAYERS: dict[str, dict[str, list[float | None]]] = {
    "layer 1: 8 relu": {
        "epoch": [1, 2, 3],
        "gradient_norm": [1e-4, 2e-5, 1e-6],
        "update_norm": [0.1, 0.2, None],
        "weight_norm": [10.0, 10.0, 10.0],
        "activation_mean": [0.5, 0.6, 0.7],
        "activation_deviation": [0.1, 0.2, 0.1],
        "dead_share": [0.0, 0.125, 0.25],
    },
    "layer 2: 3 softmax": {
        "epoch": [1, 2, 3],
        "gradient_norm": [1.0, 0.5, 0.0],
        "update_norm": [0.1, 0.2, 0.1],
        "weight_norm": [1.0, 2.0, 1.0],
    },
}


def axes_of(figure: Figure) -> list[Any]:
    """The figure's axes without types: by them, the data of a line may be almost anything."""
    return list(figure.axes)


def written_in(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def written_in_cell(axes: Axes, row: int, column: int) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_position() == (column, row)]


def legend_of(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def all_figures() -> dict[str, Callable[[], Figure]]:
    matrix = np.diag(np.arange(26)) + np.eye(26, k=3, dtype=np.int64)
    lines = {"a": plots.Band([0.1, 1.0], [0.5, 0.9], [0.4, 0.8], [0.6, 1.0])}
    return {
        "loss": lambda: plots.figure_loss(HISTORY, "a run"),
        "accuracy": lambda: plots.figure_accuracy(HISTORY, "a run"),
        "confusion_matrix": lambda: plots.figure_confusion_matrix(matrix, LETTERS, "a run"),
        "confusion_normalized": lambda: plots.figure_confusion_matrix(
            matrix, LETTERS, "a run", normalize=True
        ),
        "roc": lambda: plots.figure_roc(CURVES, "a run"),
        "precision_recall": lambda: plots.figure_precision_recall(CURVES, "a run"),
        "rates": lambda: plots.figure_rates(LOSSES_BY_RATE, suggestion=0.01, title="a run"),
        "importance": lambda: plots.figure_importance(IMPORTANCES, title="a run", note="a note"),
        "heatmap": lambda: plots.figure_heatmap(np.arange(6.0).reshape(2, 3) / 6, **GRID),
        "decision_boundary": lambda: plots.figure_decision_boundary(
            probabilities, {"points": (XOR, XOR_CLASSES)}, ["no", "yes"]
        ),
        "inspection": lambda: plots.figure_inspection(LAYERS, title="a run", note="a note"),
        "boxplot": lambda: plots.figure_boxplot(
            {"sgd": [0.4, 0.5], "adam": [0.9]}, x_name="optimizer.name", value_name="test_accuracy"
        ),
        "lines": lambda: plots.figure_lines(
            lines, x_name="optimizer.learning_rate", value_name="test_accuracy", log_x=True
        ),
        "line_panels": lambda: plots.figure_line_panels(
            {"test_accuracy": lines, "test_loss": lines}, x_name="epoch"
        ),
        "points": lambda: plots.figure_scatter([0.5, 0.9], x=RATES, value_name="test_accuracy"),
        "coloured_points": lambda: plots.figure_scatter(
            [0.5, 0.9], x=NAMES, y=RATES, value_name="test_loss", title="a sweep", note="a note"
        ),
        "reliability": lambda: plots.figure_reliability(CALIBRATION, "a run"),
        "groups": lambda: plots.figure_groups(SPEAKERS, title="a run"),
        "weights": lambda: plots.figure_weights(WEIGHTS, title="a run"),
        "history": lambda: plots.figure_history(
            [0.5, 0.9, math.nan, 0.7],
            statuses=["completed", "completed", "failed", "pruned"],
            value_name="validation_accuracy",
        ),
        "epochs": lambda: plots.figure_epochs([9, 3], statuses=["completed", "pruned"]),
        "parallel": lambda: plots.figure_parallel(
            [0.5, 0.9], axes_of_keys=[RATES, NAMES], value_name="validation_accuracy", title="a"
        ),
        "surface": lambda: plots.figure_scatter(
            np.linspace(0, 1, 20).tolist(), **PLANE, value_name="test_accuracy", with_surface=True
        ),
        "shares": lambda: plots.figure_shares({"a": 0.25, "b": 0.75}, note="a note"),
        "ranks": lambda: plots.figure_ranks(RANKS, ties=[("a", "b")], title="a sweep"),
        "bars": lambda: plots.figure_bars({"small": {"a": 1.0, "b": 2.0}}, reference="a"),
    }
