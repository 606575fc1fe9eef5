"""Answers as tables in a run folder: confusion matrix, groups, calibration, curves, importance."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import DataError
from isolet_nn.scores.calibration import Calibration, CalibrationBin
from isolet_nn.scores.curves import Curve
from isolet_nn.scores.evaluation import Evaluation, GroupScore
from isolet_nn.scores.importance import Importance
from isolet_nn.system.csv_tables import Columns, CsvCell, csv_rows, csv_text, read_csv

RowT = TypeVar("RowT")


def _share(cell: str) -> float | None:
    if not cell:
        return None
    share = float(cell)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"found {share}, expected a share")
    return share


def _share_needed(cell: str) -> float:
    share = _share(cell)
    if share is None:
        raise ValueError("found nothing, expected a share")
    return share


def _finite(cell: str) -> float:
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError(f"found {number}, expected a finite number")
    return number


def _finite_or_none(cell: str) -> float | None:
    return _finite(cell) if cell else None


_NUMBER = re.compile(r"-?[0-9]{1,18}")
_GROUP: Columns = {"speaker": str, "n": int, "correct": int, "accuracy": float}
_ROC: Columns = {
    "class": str,
    "area": _share_needed,
    "false_positive_rate": _share_needed,
    "true_positive_rate": _share_needed,
}
_PRECISION_RECALL: Columns = {
    "class": str,
    "area": _share_needed,
    "recall": _share_needed,
    "precision": _share_needed,
}
_IMPORTANCE: Columns = {
    "column": str,
    "loss": _finite,
    "loss_low": _finite_or_none,
    "loss_high": _finite_or_none,
    "accuracy": _finite,
}
_BIN: Columns = {"low": float, "high": float, "n": int, "confidence": _share, "accuracy": _share}


def confusion_csv(evaluation: Evaluation) -> str:
    """The confusion matrix as CSV text.

    The header is ``actual`` and the predicted classes; then a row for each actual class, opening
    with its name.
    """
    rows = zip(evaluation.classes, evaluation.confusion_matrix.tolist(), strict=True)
    return csv_text(["actual", *evaluation.classes], ([name, *counts] for name, counts in rows))


def read_confusion_csv(text: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The confusion matrix and the classes that `confusion_csv` wrote.

    Raises
    ------
    DataError
        If the text is no confusion matrix.
    """
    try:
        header, *rows = csv_rows(text)
        classes = tuple(header[1:])
        matrix = np.array([row[1:] for row in rows], dtype=np.int64)
    except (ValueError, OverflowError):
        raise DataError("not a confusion matrix: counts are whole numbers") from None
    if matrix.shape != (len(classes), len(classes)) or (matrix < 0).any() or not matrix.any():
        raise DataError("not a confusion matrix: expected counts, a row and a column a class")
    return matrix, classes


def groups_csv(scores: Sequence[GroupScore]) -> str:
    """Scores by group as CSV text, a row each; the groups are called speakers, as in JSON."""
    return csv_text(_GROUP, map(astuple, scores))


def read_groups_csv(text: str) -> list[GroupScore]:
    """The scores that `groups_csv` wrote.

    Raises
    ------
    DataError
        If the text is no such table.
    """
    scores = _read_rows(text, "speakers", _GROUP, GroupScore, _adds_up)
    if all(_NUMBER.fullmatch(str(score.group)) for score in scores):
        return [replace(score, group=int(score.group)) for score in scores]
    return scores


def _adds_up(score: GroupScore) -> bool:
    in_range = 0 <= score.correct <= score.n and score.n > 0
    return in_range and score.accuracy == score.correct / score.n


def calibration_csv(calibration: Calibration) -> str:
    """The bins as CSV text, a row each with all digits; empty cells where a bin has no rows."""
    return csv_text(_BIN, map(astuple, calibration.bins))


def read_calibration_csv(text: str) -> Calibration:
    """The bins that `calibration_csv` wrote.

    Raises
    ------
    DataError
        If the text is no such table.
    """
    bins = _read_rows(text, "calibration", _BIN, CalibrationBin, _is_filled_or_empty)
    return Calibration(tuple(bins))


def _is_filled_or_empty(part: CalibrationBin) -> bool:
    known = [share is not None for share in (part.confidence, part.accuracy)]
    return part.n >= 0 and known == [part.n > 0] * 2


def roc_csv(curves: Sequence[Curve]) -> str:
    """ROC curves as CSV text, a row a point, the area of its class in each."""
    return csv_text(_ROC, _points(curves))


def read_roc_csv(text: str) -> list[Curve]:
    """The curves that `roc_csv` wrote.

    Raises
    ------
    DataError
        If the text is no such table.
    """
    return _read_curves(text, _ROC)


def precision_recall_csv(curves: Sequence[Curve]) -> str:
    """Precision-recall curves as CSV text, a row a point, the area of its class in each."""
    return csv_text(_PRECISION_RECALL, _points(curves))


def read_precision_recall_csv(text: str) -> list[Curve]:
    """The curves that `precision_recall_csv` wrote; raises as `read_roc_csv`."""
    return _read_curves(text, _PRECISION_RECALL)


def _points(curves: Sequence[Curve]) -> Iterator[list[CsvCell]]:
    for curve in curves:
        for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True):
            yield [curve.name, curve.area, x, y]


def _read_curves(text: str, columns: Columns) -> list[Curve]:
    points = _read_rows(text, "curves", columns, lambda *row: row)
    by_class: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for name, area, x, y in points:
        by_class.setdefault((name, area), []).append((x, y))
    return [
        Curve(name, area, *np.array(of_class, np.float64).T)
        for (name, area), of_class in by_class.items()
    ]


def importance_csv(importances: Sequence[Importance]) -> str:
    """Importances as CSV text, a row a column of the table."""
    return csv_text(_IMPORTANCE, map(astuple, importances))


def read_importance_csv(text: str) -> list[Importance]:
    """The importances that `importance_csv` wrote.

    Raises
    ------
    DataError
        If the text is no such table.
    """
    return _read_rows(text, "importance", _IMPORTANCE, Importance)


def _read_rows(
    text: str,
    what: str,
    columns: Columns,
    make: Callable[..., RowT],
    is_sound: Callable[[RowT], bool] = lambda _: True,
) -> list[RowT]:
    """What `make` makes of each row; raises DataError if one is not sound, or there is none."""
    try:
        rows = [make(*cells) for cells in read_csv(text, columns)]
    except ValueError:
        rows = []
    if not rows or not all(map(is_sound, rows)):
        raise DataError(f"not a table of {what}: expected {', '.join(columns)}")
    return rows
