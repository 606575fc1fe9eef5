"""How sure a model must be: ROC and precision-recall curves of each class against the rest.

A curve has a point for each threshold that changes something. Few of them are needed to draw it:
beyond `MOST_POINTS` evenly chosen ones are kept. The areas are those of all points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.scores.evaluation import Evaluation
from isolet_nn.scores.measures import one_hot, probabilities

MOST_POINTS = 200
"""Of one curve."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of one class against the rest.

    Attributes
    ----------
    name
        The class.
    area
        Area under the ROC curve, or average precision.
    x, y : (n_points,)
        False and true positive rate, from (0, 0) to (1, 1); or recall and precision, from recall 1
        to recall 0.
    """

    name: str
    area: float
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def roc_curves(evaluation: Evaluation) -> list[Curve]:
    """Curves of the classes that have rows, and of which not all rows are."""
    from sklearn import metrics

    curves = []
    for name, is_class, share in _one_against_the_rest(evaluation):
        if 0 < np.count_nonzero(is_class) < len(is_class):
            false, true, _ = metrics.roc_curve(is_class, share)
            area = float(metrics.roc_auc_score(is_class, share))
            curves.append(_thinned(name, area, false, true))
    return curves


def precision_recall_curves(evaluation: Evaluation) -> list[Curve]:
    """Curves of the classes that have rows."""
    from sklearn import metrics

    curves = []
    for name, is_class, share in _one_against_the_rest(evaluation):
        if is_class.any():
            precision, recall, _ = metrics.precision_recall_curve(
                is_class, share, drop_intermediate=True
            )
            area = float(metrics.average_precision_score(is_class, share))
            curves.append(_thinned(name, area, recall, precision))
    return curves


def _one_against_the_rest(
    evaluation: Evaluation,
) -> Iterator[tuple[str, NDArray[np.int8], NDArray[np.floating[Any]]]]:
    """Each class with its rows (n,) and the probability (n,) that each row is given to be of it."""
    rows = one_hot(evaluation.y, len(evaluation.classes))
    shares = probabilities(evaluation.logits)
    for k, name in enumerate(evaluation.classes):
        yield name, rows[:, k], shares[:, k]


def _thinned(name: str, area: float, x: NDArray[Any], y: NDArray[Any]) -> Curve:
    kept = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(np.int64))
    return Curve(name, area, x[kept].astype(np.float64), y[kept].astype(np.float64))


def mean_roc(curves: Sequence[Curve]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean over classes of the true positive rate at each false positive rate.

    It has both ends of each vertical step, so that the area under it is the mean of the areas.

    Returns
    -------
    x, y
        (n_points,) each.
    """
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    # Of points one above the other `interp` takes the last one: so the first, from the far end.
    lower = [np.interp(-x, -curve.x[::-1], curve.y[::-1]) for curve in curves]
    upper = [np.interp(x, curve.x, curve.y) for curve in curves]
    ends = np.stack([np.mean(lower, axis=0), np.mean(upper, axis=0)], axis=1)
    return x.repeat(2), ends.ravel()


def mean_precision_recall(
    curves: Sequence[Curve],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean over classes of the precision at each recall.

    The precision at a recall is that of the smallest recall at least as high: curves are steps.

    Returns
    -------
    x, y
        (n_points,) each; a precision holds from the recall before it.
    """
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    heights = []
    for curve in curves:
        # Reversed, of equal recalls the one with the highest precision is the first.
        places = np.searchsorted(curve.x[::-1], x)
        heights.append(curve.y[::-1][np.minimum(places, len(curve.x) - 1)])
    return x, np.mean(heights, axis=0)
