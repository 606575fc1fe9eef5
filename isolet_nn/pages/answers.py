"""A model's answers on the splits of a run: what evaluation has left in the folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import printable
from isolet_nn.pages.reading import Problems, number
from isolet_nn.pages.shapes import Answers, Bin, ClassScore, GroupScore
from isolet_nn.plots import letter_groups
from isolet_nn.runs.drawing import CONFUSION, RELIABILITY, SPEAKERS, group_word, read_table
from isolet_nn.runs.folder import Run
from isolet_nn.scores.evaluation import class_scores
from isolet_nn.scores.tables import read_calibration_csv, read_confusion_csv, read_groups_csv

TableT = TypeVar("TableT")

_SPLITS = ("test", "validation", "train")
_MOST_CLASSES, _MOST_GROUPS = 100, 500
"""Of more there is no matrix, and no row a group."""


def answers_of(runs: Sequence[Run], problems: Problems) -> list[Answers]:
    """The answers of some runs on each split that was evaluated, together.

    Counts are sums, confidences means over rows. What a run lacks, or has of other classes than the
    first, is left out.
    """
    return [found for split in _SPLITS if (found := _of_split(runs, split, problems)) is not None]


def _of_split(runs: Sequence[Run], split: str, problems: Problems) -> Answers | None:
    matrix, classes = _confusion(runs, split, problems)
    groups = _groups(runs, split, problems)
    bins = _bins(runs, split, problems)
    if not (classes or groups or bins):
        return None
    scores: list[ClassScore] = [
        {
            "name": printable(score.name),
            "n": score.support,
            "precision": score.precision,
            "recall": score.recall,
            "f1": score.f1,
        }
        for score in class_scores(matrix, classes)
    ]
    is_shown = len(classes) <= _MOST_CLASSES
    return {
        "split": split,
        "classes": [printable(name) for name in classes] if is_shown else [],
        "confusion": matrix.tolist() if is_shown else [],
        "scores": scores,
        "group_word": group_word(runs[0]),
        "groups": groups[:_MOST_GROUPS],
        "reliability": bins,
    }


def _confusion(
    runs: Sequence[Run], split: str, problems: Problems
) -> tuple[NDArray[np.int64], list[str]]:
    """The sum of the confusion matrices, and their classes: letters as they are mistaken."""
    found: dict[tuple[str, ...], NDArray[np.int64]] = {}
    for run in runs:
        table = _table(run, CONFUSION, split, read_confusion_csv, problems)
        if table is not None:
            matrix, classes = table
            found[classes] = found.get(classes, 0) + matrix
    if not found:
        return np.zeros((0, 0), np.int64), []
    classes, matrix = next(iter(found.items()))
    order = [place for group in letter_groups(classes) or [] for place in group]
    order = order or [*range(len(classes))]
    return matrix[np.ix_(order, order)], [classes[place] for place in order]


def _table(
    run: Run, kind: str, split: str, read: Callable[[str], TableT], problems: Problems
) -> TableT | None:
    return problems.read(partial(read_table, run, kind, split, read), None)


def _groups(runs: Sequence[Run], split: str, problems: Problems) -> list[GroupScore]:
    """Scores by group, the worst first."""
    counts: dict[str, tuple[int, int]] = {}
    for run in runs:
        scores = _table(run, SPEAKERS, split, read_groups_csv, problems)
        for score in scores or ():
            n, correct = counts.get(str(score.group), (0, 0))
            counts[str(score.group)] = (n + score.n, correct + score.correct)
    rows: list[GroupScore] = [
        {"name": printable(name), "n": n, "correct": correct, "accuracy": correct / n}
        for name, (n, correct) in counts.items()
    ]
    return sorted(rows, key=lambda row: row["accuracy"])


def _bins(runs: Sequence[Run], split: str, problems: Problems) -> list[Bin]:
    """Bins of confidence; what a mean is made of counts by its rows."""
    sums: dict[tuple[float, float], NDArray[np.float64]] = {}
    for run in runs:
        table = _table(run, RELIABILITY, split, read_calibration_csv, problems)
        for part in table.bins if table is not None else ():
            means = np.array([1.0, part.confidence or 0.0, part.accuracy or 0.0])
            ends = (part.low, part.high)
            sums[ends] = sums.get(ends, np.zeros(3)) + part.n * means
    return [
        {
            "low": number(low) or 0.0,
            "high": number(high) or 0.0,
            "n": int(n),
            "confidence": number(confidence / n) if n else None,
            "accuracy": number(right / n) if n else None,
        }
        for (low, high), (n, confidence, right) in sorted(sums.items(), key=lambda item: item[0])
    ]
