"""What is shown while a network trains, whatever the width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.terminal.progress import metrics_to_fit
from isolet_nn.training.progress import Row

FULL: Row = {
    "epoch": 34,
    "train_loss": 0.88553,
    "train_accuracy": 0.95971,
    "validation_loss": 0.2,
    "validation_accuracy": 0.96632,
    "test_loss": 0.3,
    "test_accuracy": 0.95379,
    "seconds": 0.1,
}


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, "loss 0.8855  train 95.97 %  validation 96.63 %  test 95.38 %"),
        (60, "loss 0.8855  train 95.97 %  validation 96.63 %  test 95.38 %"),
        (59, "loss 0.886 train 96.0 valid 96.6 test 95.4 %"),
        (43, "loss 0.886 train 96.0 valid 96.6 %"),
        (24, "loss 0.886 train 96.0 %"),
        (12, "loss 0.886"),
        (9, ""),
        (-5, ""),
    ],
)
def test_metrics_are_shortened_before_they_are_left_out(width: int, text: str) -> None:
    assert metrics_to_fit(FULL, width) == text


def test_splits_that_were_not_evaluated_are_left_out() -> None:
    row: Row = {**FULL, "validation_accuracy": None, "test_accuracy": None}
    assert metrics_to_fit(row, 80) == "loss 0.8855  train 95.97 %"


@given(
    st.integers(-10, 200),
    st.floats(0, 1e30),
    st.lists(st.none() | st.floats(0, 1), min_size=3, max_size=3),
)
def test_metrics_never_exceed_their_width(
    width: int, loss: float, accuracies: list[float | None]
) -> None:
    names = ("train_accuracy", "validation_accuracy", "test_accuracy")
    row: Row = {"train_loss": loss, **dict(zip(names, accuracies, strict=True))}
    assert len(metrics_to_fit(row, width)) <= max(width, 0)
