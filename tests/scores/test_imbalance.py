"""When an accuracy is said to mislead, and what is named instead."""

from __future__ import annotations

import numpy as np
import pytest

from isolet_nn.scores.evaluation import Evaluation, evaluate_logits
from isolet_nn.scores.imbalance import unequal_classes


def answered(counts: dict[tuple[int, int], int], classes: list[str]) -> Evaluation:
    """An evaluation with so many rows of each actual and predicted class."""
    pairs = np.array([pair for pair, n in counts.items() for _ in range(n)])
    logits = 5.0 * np.eye(len(classes))[pairs[:, 1]]
    return evaluate_logits(logits, pairs[:, 0], classes=classes, split="test")


@pytest.mark.parametrize("counts", [[50, 50], [149, 50, 60], [10, 0, 10], [0, 0], [7]])
def test_classes_of_less_than_three_times_the_rows_are_not_unequal(counts: list[int]) -> None:
    assert unequal_classes([f"c{k}" for k in range(len(counts))], counts) is None


def test_unequal_classes_are_named_with_what_the_constant_answer_reaches() -> None:
    assert unequal_classes(["fine", "never", "faulty\x1b"], [90, 0, 10]) == (
        "the classes are unequal ('fine' has 90 rows, 'faulty\\x1b' 10): whoever always answers "
        "'fine' is right in 90.00 %"
    )


def test_a_high_accuracy_on_unequal_classes_is_said_to_mislead() -> None:
    evaluation = answered({(0, 0): 90, (1, 0): 8, (1, 1): 2}, ["fine", "faulty"])
    said = evaluation.warning
    assert said is not None
    assert "The test accuracy of 92.00 % misleads" in said
    assert "the balanced accuracy (60.00 %) or the macro F1 (64.54 %)" in said
    assert evaluation.to_json()["warning"] == said


def test_an_accuracy_no_better_than_the_constant_answer_misleads_too() -> None:
    counts = {(0, 0): 4, (1, 1): 2, (1, 0): 1, (2, 2): 2, (2, 0): 1, (0, 1): 8}
    assert answered(counts, ["a", "b", "c"]).warning is not None


@pytest.mark.parametrize(
    "counts",
    [
        {(0, 0): 88, (0, 1): 2, (1, 1): 10},  # unequal, but all classes are found
        {(0, 0): 50, (1, 0): 25, (1, 1): 25},  # found badly, but not unequal
    ],
)
def test_an_accuracy_that_hides_nothing_is_left_alone(counts: dict[tuple[int, int], int]) -> None:
    assert answered(counts, ["fine", "faulty"]).warning is None
