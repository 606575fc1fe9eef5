"""Whether a model is right as often as it is sure: confidence and accuracy in bins, and their gap.

The confidence of an answer is the probability that softmax gives to the predicted class. Rows are
divided into M bins of equal width by confidence; the expected calibration error is

    ECE = sum over bins of (rows in the bin / all rows) |accuracy - mean confidence|

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
Proceedings of the 34th International Conference on Machine Learning (2017) 1321-1330.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of equal width, as many as Guo et al. have."""


@dataclass(frozen=True)
class CalibrationBin:
    """The rows whose confidence is above `low` and at most `high`."""

    low: float
    high: float
    n: int
    """Rows in the bin."""
    confidence: float | None
    """Their mean confidence; None where there are none."""
    accuracy: float | None
    """The share of them that is right; None where there are none."""


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy of one model on one split, by bins in ascending order."""

    bins: tuple[CalibrationBin, ...]

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance between accuracy and confidence, by rows; NaN if no row is in a bin."""
        return self._mean(abs(gap) for gap in self._gaps())

    @property
    def mean_gap(self) -> float:
        """Accuracy less mean confidence, of all rows: above 0 the model is too modest."""
        return self._mean(self._gaps())

    def _gaps(self) -> Iterator[float]:
        for part in self.bins:
            if part.accuracy is None or part.confidence is None:
                yield 0.0
            else:
                yield part.accuracy - part.confidence

    def _mean(self, values: Iterable[float]) -> float:
        n = sum(part.n for part in self.bins)
        total = sum(part.n * value for part, value in zip(self.bins, values, strict=True))
        return total / n if n else math.nan

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers under the names of ``eval --json``."""
        error = self.expected_calibration_error
        return {
            "expected_calibration_error": error if math.isfinite(error) else None,
            "bins": [asdict(part) for part in self.bins],
        }


def calibrate(
    logits: NDArray[np.floating[Any]], right: NDArray[np.bool_], n_bins: int = BINS
) -> Calibration:
    """Divide answers into bins by their confidence.

    Parameters
    ----------
    logits
        (n, n_classes), all finite.
    right
        (n,) whether the class of the highest logit is the true one.
    n_bins
        Number of bins between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there is no bin.
    """
    if logits.ndim != 2 or right.shape != logits.shape[:1]:
        raise ValueError(f"logits of shape {logits.shape} for answers of shape {right.shape}")
    if n_bins < 1:
        raise ValueError(f"found {n_bins} bins; at least one is needed")
    shifted = np.array(logits, dtype=np.float64)
    with np.errstate(over="ignore"):
        shifted -= shifted.max(axis=1, keepdims=True)
    # The predicted class's own term is exp(0), so its probability is one over the sum.
    confidence = 1.0 / np.exp(shifted).sum(axis=1)
    edges = np.arange(n_bins + 1) / n_bins
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    counts = np.bincount(place, minlength=n_bins).tolist()
    sums = np.bincount(place, confidence, n_bins).tolist()
    correct = np.bincount(place, right, n_bins).tolist()
    return Calibration(
        tuple(
            CalibrationBin(low, high, n, total / n if n else None, hit / n if n else None)
            for low, high, n, total, hit in zip(
                edges[:-1].tolist(), edges[1:].tolist(), counts, sums, correct, strict=True
            )
        )
    )
