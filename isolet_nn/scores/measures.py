"""Scores that do not let a large class hide the small ones, by scikit-learn's functions.

Each is defined, or there is a reason why not, whatever classes a split lacks:

- balanced accuracy: mean recall of the classes that are there;
- macro F1: mean F1 of the classes that are there or were predicted;
- Matthews correlation: undefined where all rows are of one class, 0 for a constant answer;
- ROC AUC, average precision: mean over all classes, each against the rest; undefined where a class
  has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.metrics import SCORES, Score
from isolet_nn.errors import counted, short_repr
from isolet_nn.nn.losses import softmax


def probabilities(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Probabilities (n, n_classes) of finite logits, in float64, however large these are."""
    with np.errstate(over="ignore"):
        return softmax(logits.astype(np.float64))


def one_hot(y: NDArray[np.integer[Any]], n_classes: int) -> NDArray[np.int8]:
    """A column (n, n_classes) for each class: 1 in its rows, else 0."""
    columns = np.zeros((len(y), n_classes), np.int8)
    columns[np.arange(len(y)), y] = 1
    return columns


def mean_recall(matrix: NDArray[np.integer[Any]]) -> float:
    """Balanced accuracy by a confusion matrix, whose rows are the actual classes."""
    rows = matrix.sum(axis=1)
    return float((matrix.diagonal()[rows > 0] / rows[rows > 0]).mean())


def why_undefined(
    score: Score, y: NDArray[np.integer[Any]], classes: Sequence[str], split: str
) -> str | None:
    """Why a score does not exist for these true classes; None where it does.

    Parameters
    ----------
    y
        (n,) true classes.
    classes
        Their names.
    split
        What the reason calls the rows.
    """
    counts = np.bincount(y, minlength=len(classes))
    match score:
        case "roc_auc" | "average_precision":
            absent = [name for name, count in zip(classes, counts, strict=True) if not count]
            if absent:
                others = f" (nor of {counted(len(absent) - 1, 'other')})" if absent[1:] else ""
                return f"the {split} split has no row of class {short_repr(absent[0])}{others}"
        case "matthews":
            if np.count_nonzero(counts) == 1:
                only = short_repr(classes[int(counts.argmax())])
                return f"all rows of the {split} split are of class {only}"
    return None


def undefined_scores(
    y: NDArray[np.integer[Any]], classes: Sequence[str], split: str
) -> dict[Score, str]:
    """Why there is none, for each score that is undefined; see `why_undefined`."""
    reasons = {score: why_undefined(score, y, classes, split) for score in SCORES}
    return {score: reason for score, reason in reasons.items() if reason is not None}


def scores_of(
    logits: NDArray[np.floating[Any]], y: NDArray[np.integer[Any]], names: Iterable[Score]
) -> dict[Score, float | None]:
    """Some scores of one network's answers.

    Parameters
    ----------
    logits
        (n, n_classes).
    y
        (n,) true classes, 0 .. n_classes - 1.
    names
        Which scores.

    Returns
    -------
    By name: None where `why_undefined` says why, NaN where a logit is not finite.
    """
    names = list(names)
    if not np.isfinite(logits).all():
        return dict.fromkeys(names, np.nan)
    classes = [str(k) for k in range(logits.shape[-1])]
    return {
        name: None if why_undefined(name, y, classes, "") else _score(name, logits, y)
        for name in names
    }


def _score(name: Score, logits: NDArray[np.floating[Any]], y: NDArray[np.integer[Any]]) -> float:
    from sklearn import metrics

    predicted = logits.argmax(axis=-1)
    match name:
        case "balanced_accuracy":  # `balanced_accuracy_score` warns of classes that are not there
            value = metrics.recall_score(y, predicted, labels=np.unique(y), average="macro")
        case "macro_f1":
            value = metrics.f1_score(y, predicted, average="macro")
        case "matthews":
            value = metrics.matthews_corrcoef(y, predicted)
        case "roc_auc":
            answers = one_hot(y, logits.shape[-1]), probabilities(logits)
            value = metrics.roc_auc_score(*answers, average="macro")
        case "average_precision":
            answers = one_hot(y, logits.shape[-1]), probabilities(logits)
            value = metrics.average_precision_score(*answers, average="macro")
    return float(value)
