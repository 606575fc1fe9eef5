"""Answers as tables in a run folder: confusion matrix, scores by group, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import DataError
from isolet_nn.scores.calibration import Calibration, CalibrationBin
from isolet_nn.scores.evaluation import Evaluation, GroupScore
from isolet_nn.system.csv_tables import Columns, csv_rows, csv_text, read_csv


def _share(cell: str) -> float | None:
    if not cell:
        return None
    share = float(cell)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"found {share}, expected a share")
    return share


_GROUP: Columns = {"speaker": int, "n": int, "correct": int, "accuracy": float}
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
    try:
        scores = [GroupScore(*row) for row in read_csv(text, _GROUP)]
        if not scores or not all(map(_adds_up, scores)):
            raise ValueError
    except ValueError:
        raise DataError(f"not a table of speakers: expected {', '.join(_GROUP)}") from None
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
    try:
        bins = tuple(CalibrationBin(*row) for row in read_csv(text, _BIN))
        if not bins or not all(map(_is_filled_or_empty, bins)):
            raise ValueError
    except ValueError:
        raise DataError(f"not a table of calibration: expected {', '.join(_BIN)}") from None
    return Calibration(bins)


def _is_filled_or_empty(part: CalibrationBin) -> bool:
    known = [share is not None for share in (part.confidence, part.accuracy)]
    return part.n >= 0 and known == [part.n > 0] * 2
