"""Scores by scikit-learn's definitions, and what they are where a split lacks a class."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from isolet_nn.config.metrics import METRICS, SCORES, MeasureName, in_words, measure_name
from isolet_nn.results.listing import Entry
from isolet_nn.runs.records import Metrics
from isolet_nn.scores.evaluation import evaluate_logits
from isolet_nn.scores.measures import probabilities, scores_of, why_undefined


def test_every_room_that_names_metrics_names_all_of_them() -> None:
    assert tuple(Metrics.__annotations__) == METRICS
    assert {*METRICS} <= Entry.__annotations__.keys()
    assert {measure_name(metric) for metric in METRICS} == {*get_args(MeasureName)}
    assert in_words("validation_macro_f1") == "validation macro F1"


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(30, 90), n_classes=st.integers(2, 5))
def test_scores_are_scikit_learn_s(seed: int, n: int, n_classes: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.integers(-3, 4, (n, n_classes)).astype(np.float32)  # with ties
    y = np.concatenate([np.arange(n_classes), random.integers(0, n_classes, n - n_classes)])
    predicted, shares = logits.argmax(axis=1), probabilities(logits)
    one_each = [y == k for k in range(n_classes)]
    assert scores_of(logits, y, SCORES) == pytest.approx(
        {
            "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted),
            "macro_f1": metrics.f1_score(y, predicted, average="macro"),
            "matthews": metrics.matthews_corrcoef(y, predicted),
            "roc_auc": np.mean(
                [metrics.roc_auc_score(o, s) for o, s in zip(one_each, shares.T, strict=True)]
            ),
            "average_precision": np.mean(
                [
                    metrics.average_precision_score(o, s)
                    for o, s in zip(one_each, shares.T, strict=True)
                ]
            ),
        }
    )


@settings(max_examples=25)
@given(data=st.data(), n_classes=st.integers(2, 5))
def test_a_split_without_some_classes_has_scores_or_reasons(
    data: st.DataObject, n_classes: int
) -> None:
    y = np.array(data.draw(st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=9)))
    logits = np.random.default_rng(len(y)).normal(size=(len(y), n_classes))
    classes = [f"class {k}" for k in range(n_classes)]
    for name, value in scores_of(logits, y, SCORES).items():
        reason = why_undefined(name, y, classes, "test")
        assert (value is None) == (reason is not None)
        assert value is None or math.isfinite(value)
        if name in ("balanced_accuracy", "macro_f1"):
            assert value is not None


def test_a_reason_names_the_class_that_is_not_there() -> None:
    classes, y = ["cat", "dog", "owl", "fox"], np.array([0, 0, 1])
    reason = why_undefined("roc_auc", y, classes, "validation")
    assert reason == "the validation split has no row of class 'owl' (nor of 1 other)"
    reason = why_undefined("matthews", y[:2], classes, "test")
    assert reason == "all rows of the test split are of class 'cat'"


def test_answers_that_are_not_finite_have_no_score() -> None:
    logits, y = np.array([[0.0, np.inf], [1.0, 2.0]]), np.array([0, 1])
    assert all(math.isnan(value or 0.0) for value in scores_of(logits, y, SCORES).values())


def test_an_evaluation_has_all_scores_and_says_why_one_is_missing() -> None:
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.5], [1.0, 0.0, 0.0]])
    result = evaluate_logits(logits, np.array([0, 1, 1]), classes=["a", "b", "c"], split="test")
    assert result.scores == scores_of(logits, result.y, SCORES)
    content = result.to_json()
    assert (content["roc_auc"], content["balanced_accuracy"]) == (None, 0.75)
    reason = "the test split has no row of class 'c'"
    assert content["undefined"] == {"roc_auc": reason, "average_precision": reason}
