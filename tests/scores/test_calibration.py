"""Calibration: bins against a plain loop, and the properties the error promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.errors import DataError
from isolet_nn.scores.calibration import (
    BINS,
    Calibration,
    CalibrationBin,
    calibrate,
)
from isolet_nn.scores.tables import calibration_csv, read_calibration_csv

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, n: int, n_classes: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    logits = random.normal(scale=3.0, size=(n, n_classes))
    return logits, logits.argmax(axis=1) == random.integers(0, n_classes, n)


def sure_of(*confidences: float) -> NDArray[np.float64]:
    """Logits of two classes, the first with these probabilities."""
    p = np.array(confidences)
    return np.stack([np.log(p), np.log1p(-p)], axis=1)


def error_by_a_loop(logits: NDArray[np.float64], right: NDArray[np.bool_], n_bins: int) -> float:
    """Guo et al., equation 3, as it is written."""
    exponentials = np.exp(logits)
    confidence = (exponentials / exponentials.sum(axis=1, keepdims=True)).max(axis=1)
    error = 0.0
    for m in range(n_bins):
        members = (confidence > m / n_bins) & (confidence <= (m + 1) / n_bins)
        if members.any():
            gap = abs(right[members].mean() - confidence[members].mean())
            error += members.sum() / len(right) * gap
    return error


@given(seed=seeds, n=st.integers(1, 200), n_classes=st.integers(2, 26), n_bins=st.integers(1, 20))
def test_the_error_is_that_of_the_definition(
    seed: int, n: int, n_classes: int, n_bins: int
) -> None:
    logits, right = drawn(seed, n, n_classes)
    error = calibrate(logits, right, n_bins).expected_calibration_error
    assert error == pytest.approx(error_by_a_loop(logits, right, n_bins), abs=1e-12)


@given(seed=seeds, n=st.integers(1, 200), n_classes=st.integers(2, 26))
def test_bins_have_every_row_once_and_means_within_their_ends(
    seed: int, n: int, n_classes: int
) -> None:
    logits, right = drawn(seed, n, n_classes)
    calibration = calibrate(logits, right)
    bins = calibration.bins
    assert len(bins) == BINS
    assert sum(part.n for part in bins) == n
    assert sum(part.n * (part.accuracy or 0.0) for part in bins) == pytest.approx(right.sum())
    assert (bins[0].low, bins[-1].high) == (0.0, 1.0)
    for part in bins:
        assert (part.confidence is None) == (part.accuracy is None) == (part.n == 0)
        if part.confidence is not None:
            assert part.low - 1e-12 < part.confidence <= part.high + 1e-12
    error = calibration.expected_calibration_error
    assert abs(calibration.mean_gap) <= error + 1e-12
    assert 0 <= error <= 1


def test_a_model_that_is_as_often_right_as_it_is_sure_has_no_error() -> None:
    logits = sure_of(*[0.75] * 8)
    right = np.array([True] * 6 + [False] * 2)
    assert calibrate(logits, right).expected_calibration_error == pytest.approx(0.0, abs=1e-12)


def test_the_direction_of_the_error_is_known() -> None:
    logits = sure_of(*[0.75] * 8)
    for hits, gap in ((8, 0.25), (4, -0.25)):
        calibration = calibrate(logits, np.arange(8) < hits)
        assert calibration.expected_calibration_error == pytest.approx(0.25)
        assert calibration.mean_gap == pytest.approx(gap)


def test_a_confidence_on_the_border_of_two_bins_is_in_the_lower_one() -> None:
    calibration = calibrate(np.zeros((3, 2)), np.ones(3, bool), n_bins=2)
    assert [part.n for part in calibration.bins] == [3, 0]


def test_huge_logits_do_not_overflow() -> None:
    calibration = calibrate(np.array([[1e300, -1e300], [0.0, 800.0]]), np.ones(2, bool))
    assert calibration.bins[-1] == CalibrationBin((BINS - 1) / BINS, 1.0, 2, 1.0, 1.0)


def test_arguments_that_do_not_fit_together_are_an_error() -> None:
    with pytest.raises(ValueError, match="for answers of shape"):
        calibrate(np.zeros((3, 2)), np.zeros(2, bool))
    with pytest.raises(ValueError, match="found 0 bins"):
        calibrate(np.zeros((3, 2)), np.zeros(3, bool), n_bins=0)


@given(seed=seeds, n=st.integers(1, 60))
def test_the_table_reads_back_to_the_last_bit(seed: int, n: int) -> None:
    calibration = calibrate(*drawn(seed, n, 5))
    assert read_calibration_csv(calibration_csv(calibration)) == calibration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "low,high,n,confidence,accuracy\n",
        "a,b\n1,2\n",
        "low,high,n,confidence,accuracy\n0,1,2,0.5\n",
        "low,high,n,confidence,accuracy\n0,1,2,0.5,x\n",
        "low,high,n,confidence,accuracy\n0,1,2,,\n",
        "low,high,n,confidence,accuracy\n0,1,0,0.5,0.5\n",
        "low,high,n,confidence,accuracy\n0,1,2,0.5,7.0\n",
        "low,high,n,confidence,accuracy\n0,1,2,nan,0.5\n",
        "low,high,n,confidence,accuracy\n0,1,2,inf,0.5\n",
    ],
)
def test_what_is_no_table_of_bins_is_an_error(text: str) -> None:
    with pytest.raises(DataError, match="not a table of calibration"):
        read_calibration_csv(text)


def test_json_has_the_error_and_the_bins() -> None:
    calibration = Calibration((CalibrationBin(0.0, 1.0, 4, 0.75, 0.5),))
    assert calibration.to_json() == {
        "expected_calibration_error": 0.25,
        "bins": [{"low": 0.0, "high": 1.0, "n": 4, "confidence": 0.75, "accuracy": 0.5}],
    }
