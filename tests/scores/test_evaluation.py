"""Evaluation against scikit-learn's metrics, and the properties it promises.

Logits are drawn with many ties and from wide ranges, where careless formulas break.
"""

import csv
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from isolet_nn.errors import DataError, DivergedError
from isolet_nn.scores.calibration import calibrate
from isolet_nn.scores.evaluation import (
    ConfusedPair,
    Evaluation,
    cross_entropy,
    ensemble_logits,
    evaluate_logits,
    loss_and_accuracy,
    wilson_interval,
)
from isolet_nn.scores.tables import confusion_csv, groups_csv, read_confusion_csv, read_groups_csv

seeds = st.integers(0, 2**32 - 1)


def names(n_classes: int) -> list[str]:
    return [f"class {index}" for index in range(n_classes)]


def drawn(
    seed: int, n: int, n_classes: int, scale: float = 3.0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    logits = random.normal(scale=scale, size=(n, n_classes))
    return logits, random.integers(0, n_classes, n)


def evaluated(logits: Any, y: Any, **options: Any) -> Evaluation:
    logits = np.asarray(logits, dtype=np.float64)
    options = {"classes": names(logits.shape[1]), "split": "test"} | options
    return evaluate_logits(logits, np.asarray(y, dtype=np.int64), **options)


@given(seed=seeds, n=st.integers(2, 80), n_classes=st.integers(2, 30))
def test_scores_agree_with_scikit_learn(seed: int, n: int, n_classes: int) -> None:
    logits, y = drawn(seed, n, n_classes)
    result = evaluated(logits, y)
    labels = np.arange(n_classes)
    predicted = logits.argmax(axis=1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        y, predicted, labels=labels, zero_division=0
    )
    assert result.loss == pytest.approx(metrics.log_loss(y, probabilities, labels=labels), rel=1e-9)
    assert result.accuracy == pytest.approx(metrics.accuracy_score(y, predicted))
    np.testing.assert_array_equal(
        result.confusion_matrix, metrics.confusion_matrix(y, predicted, labels=labels)
    )
    np.testing.assert_allclose([score.precision for score in result.per_class], precision)
    np.testing.assert_allclose([score.recall for score in result.per_class], recall)
    np.testing.assert_allclose([score.f1 for score in result.per_class], f1)
    np.testing.assert_array_equal([score.support for score in result.per_class], support)


@given(seed=seeds, n=st.integers(1, 80), n_classes=st.integers(4, 30))
def test_top3_accuracy_agrees_with_scikit_learn(seed: int, n: int, n_classes: int) -> None:
    logits, y = drawn(seed, n, n_classes)
    expected = metrics.top_k_accuracy_score(y, logits, k=3, labels=np.arange(n_classes))
    assert evaluated(logits, y).top3_accuracy == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_top3_accuracy_is_one_when_there_are_at_most_three_classes(n_classes: int) -> None:
    assert evaluated(*drawn(0, 20, n_classes)).top3_accuracy == 1.0


@given(seed=seeds, n=st.integers(1, 60), n_classes=st.integers(2, 30))
def test_numbers_of_one_evaluation_are_consistent(seed: int, n: int, n_classes: int) -> None:
    logits, y = drawn(seed, n, n_classes)
    groups = np.random.default_rng(seed).integers(0, 5, n)
    result = evaluated(logits, y, groups=groups)
    assert result.n == n == result.confusion_matrix.sum()
    assert result.accuracy == np.trace(result.confusion_matrix) / n
    assert result.accuracy_low <= result.accuracy <= result.accuracy_high
    assert result.accuracy <= result.top3_accuracy <= 1
    assert result.right.tolist() == (logits.argmax(axis=1) == y).tolist()
    assert result.calibration == calibrate(logits, result.right)
    assert sum(score.n for score in result.per_group) == n
    assert sum(score.correct for score in result.per_group) == np.trace(result.confusion_matrix)
    assert sum(pair.count for pair in result.most_confused(n_classes**2)) == n - np.trace(
        result.confusion_matrix
    )


@given(
    seed=seeds,
    k=st.integers(1, 12),
    n=st.integers(1, 300),
    n_classes=st.integers(2, 30),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=200)
def test_a_network_in_a_stack_gets_the_bits_it_gets_alone(
    seed: int, k: int, n: int, n_classes: int, dtype: type
) -> None:
    random = np.random.default_rng(seed)
    stack: NDArray[Any] = random.normal(scale=10, size=(k, n, n_classes)).astype(dtype)
    y = random.integers(0, n_classes, n)
    losses, accuracies = loss_and_accuracy(stack, y)
    assert losses.shape == accuracies.shape == (k,)
    for network in range(k):
        for alone in (stack[network].copy(), stack[network : network + 1].copy()):
            loss, accuracy = loss_and_accuracy(alone, y)
            assert np.array_equal(np.ravel(loss), losses[network : network + 1])
            assert np.array_equal(np.ravel(accuracy), accuracies[network : network + 1])


def test_memory_layout_of_the_logits_does_not_change_a_bit() -> None:
    logits, y = drawn(3, 101, 7)
    in_columns = np.asfortranarray(logits)
    every_other = np.repeat(logits, 2, axis=0)[::2]
    reference = loss_and_accuracy(logits, y)
    assert loss_and_accuracy(in_columns, y) == reference
    assert loss_and_accuracy(every_other, y) == reference


@given(seed=seeds, n=st.integers(1, 60), n_classes=st.integers(2, 30))
def test_the_quick_numbers_are_those_of_the_full_evaluation(
    seed: int, n: int, n_classes: int
) -> None:
    logits, y = drawn(seed, n, n_classes)
    result = evaluated(logits, y)
    loss, accuracy = loss_and_accuracy(logits, y)
    assert (float(loss), float(accuracy)) == (result.loss, result.accuracy)


@given(seed=seeds, shift=st.floats(-1e6, 1e6))
def test_adding_a_constant_to_a_row_does_not_change_its_loss(seed: int, shift: float) -> None:
    logits, y = drawn(seed, 10, 5)
    np.testing.assert_allclose(
        cross_entropy(logits + shift, y), cross_entropy(logits, y), rtol=1e-6, atol=1e-8
    )


def test_huge_logits_do_not_overflow() -> None:
    loss, accuracy = loss_and_accuracy(np.array([[1e300, -1e300], [0.0, 800.0]]), np.array([0, 0]))
    assert loss == 400.0
    assert accuracy == 0.5


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    loss, _ = loss_and_accuracy(np.zeros((4, 26), dtype=np.float32), np.arange(4))
    assert loss == pytest.approx(math.log(26), rel=1e-15)


def test_float32_logits_are_summed_in_float64() -> None:
    logits, y = drawn(1, 5000, 26)
    single = logits.astype(np.float32)
    assert loss_and_accuracy(single, y) == loss_and_accuracy(single.astype(np.float64), y)


def test_the_first_of_equal_logits_is_the_prediction() -> None:
    result = evaluated([[1, 1, 0, 1], [0, 2, 2, 2]], [0, 2])
    assert result.confusion_matrix.tolist() == [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 0],
    ]
    assert result.accuracy == 0.5
    assert evaluated([[1, 1, 1, 1]], [2]).top3_accuracy == 1
    assert evaluated([[1, 1, 1, 1]], [3]).top3_accuracy == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [(0, 0), (0, 1)])
def test_one_logit_that_is_not_finite_leaves_a_network_without_an_accuracy(
    bad: float, place: tuple[int, int]
) -> None:
    good = np.array([[5.0, 0.0], [0.0, 5.0]])
    wrong = good.copy()
    wrong[place] = bad
    loss, accuracy = loss_and_accuracy(np.stack([good, wrong, good]), np.array([0, 1]))
    assert accuracy[[0, 2]].tolist() == [1.0, 1.0]
    assert np.isfinite(loss[[0, 2]]).all()
    assert math.isnan(loss[1])
    assert math.isnan(accuracy[1])
    with pytest.raises(DivergedError, match="on the test split are no finite numbers"):
        evaluated(wrong, [0, 1])


def test_a_loss_that_overflows_leaves_no_accuracy_although_all_logits_are_finite() -> None:
    loss, accuracy = loss_and_accuracy(np.array([[1e308, -1e308], [1.0, 0.0]]), np.array([1, 0]))
    assert loss == math.inf
    assert math.isnan(accuracy)
    with pytest.raises(DivergedError, match="the loss is inf"):
        evaluated([[1e308, -1e308], [1.0, 0.0]], [1, 0])


def test_a_probability_that_rounds_to_0_has_a_finite_loss_and_an_accuracy() -> None:
    result = evaluated([[3e38, -3e38], [1.0, 0.0]], [1, 0])
    assert result.loss == pytest.approx(3e38)
    assert result.accuracy == 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_ensemble_with_one_network_that_is_not_finite_has_no_accuracy(bad: float) -> None:
    logits = np.array([[[[5.0, 0.0]], [[bad, bad]]], [[[5.0, 0.0]], [[4.0, 0.0]]]])
    with np.errstate(invalid="ignore"):
        _, accuracy = loss_and_accuracy(ensemble_logits(logits), np.array([0]))
    assert math.isnan(accuracy[0])
    assert accuracy[1] == 1.0


def test_an_empty_split_is_an_error() -> None:
    with pytest.raises(DataError, match="no rows"):
        evaluated(np.zeros((0, 3)), [])
    with pytest.raises(DataError, match="no rows"):
        loss_and_accuracy(np.zeros((2, 0, 3)), np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize(
    ("n", "y", "options"),
    [
        (3, [0, 1], {}),
        (2, [0, 3], {}),
        (2, [0, -1], {}),
        (2, [0, 1], {"classes": ["a", "b"]}),
        (2, [0, 1], {"groups": np.zeros(3, dtype=np.int64)}),
    ],
)
def test_arguments_that_do_not_fit_together_are_an_error(
    n: int, y: list[int], options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"class|groups"):
        evaluated(np.zeros((n, 3)), y, **options)


def test_wilson_interval_has_the_published_values() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, n), expected in published.items():
        assert wilson_interval(successes, n) == pytest.approx(expected, abs=5e-5)


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_interval_holds_the_proportion_and_stays_within_0_and_1(
    n: int, share: float
) -> None:
    successes = round(share * n)
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high
    mirrored = wilson_interval(n - successes, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_interval_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson_interval(successes, n)


def test_most_confused_pairs_come_most_frequent_first_and_leave_out_the_right_answers() -> None:
    predicted = np.array([0, 1, 1, 1, 2, 2, 0, 2])
    result = evaluated(np.eye(3)[predicted], [0, 0, 0, 1, 1, 1, 2, 2], classes=["B", "D", "E"])
    assert result.most_confused(10) == [
        ConfusedPair("B", "D", 2),
        ConfusedPair("D", "E", 2),
        ConfusedPair("E", "B", 1),
    ]
    assert result.most_confused(1) == [ConfusedPair("B", "D", 2)]
    assert evaluated(np.eye(3), [0, 1, 2]).most_confused() == []


def test_groups_are_scored_in_order_and_the_worst_come_first_on_request() -> None:
    predicted = np.array([0, 1, 1, 0, 1, 0])
    groups = np.array([7, 7, 3, 3, 5, 5])
    result = evaluated(np.eye(2)[predicted], [0, 1, 0, 1, 0, 0], groups=groups)
    assert [(s.group, s.n, s.correct, s.accuracy) for s in result.per_group] == [
        (3, 2, 0, 0.0),
        (5, 2, 1, 0.5),
        (7, 2, 2, 1.0),
    ]
    assert [score.group for score in result.worst_groups(2)] == [3, 5]


def test_json_has_the_promised_keys_and_survives_a_round_trip() -> None:
    logits, y = drawn(0, 30, 4)
    groups = np.arange(30) % 3
    content = evaluated(logits, y, groups=groups).to_json()
    assert set(content) == {
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "loss",
        "top3_accuracy",
        "n",
        "split",
        "classes",
        "confusion_matrix",
        "per_class",
        "per_speaker",
        "calibration",
        "balanced_accuracy",
        "macro_f1",
        "matthews",
        "roc_auc",
        "average_precision",
        "undefined",
        "warning",
    }
    assert set(content["calibration"]) == {"expected_calibration_error", "bins"}
    assert json.loads(json.dumps(content)) == content
    assert set(content["per_class"][0]) == {"name", "precision", "recall", "f1", "support"}
    assert set(content["per_speaker"][0]) == {"speaker", "n", "correct", "accuracy"}
    assert evaluated(logits, y).to_json()["per_speaker"] == []


def test_csv_of_the_confusion_matrix_reads_back_even_with_commas_in_names() -> None:
    classes = ["plain", "with, comma", 'with "quotes"']
    result = evaluated(*drawn(0, 30, 3), classes=classes)
    header, *rows = csv.reader(io.StringIO(confusion_csv(result)))
    assert header == ["actual", *classes]
    assert [row[0] for row in rows] == classes
    assert [[int(cell) for cell in row[1:]] for row in rows] == result.confusion_matrix.tolist()


@given(seed=seeds, n=st.integers(1, 60))
def test_the_table_of_groups_reads_back_to_the_last_bit(seed: int, n: int) -> None:
    logits, y = drawn(seed, n, 3)
    scores = evaluated(logits, y, groups=np.random.default_rng(seed).integers(0, 9, n)).per_group
    assert read_groups_csv(groups_csv(scores)) == scores


@settings(max_examples=25, deadline=None)
@given(st.sets(st.text(min_size=1), min_size=1, max_size=9))
def test_groups_that_have_names_keep_them_in_tables_and_json(different: set[str]) -> None:
    known = ["a", *sorted(different - {"a"})]  # names that are all numbers are numbers
    logits, y = drawn(0, 30, 3)
    found = evaluated(logits, y, groups=np.arange(30) % len(known), group_names=known)
    assert [score.group for score in found.per_group] == known
    assert read_groups_csv(groups_csv(found.per_group)) == found.per_group
    assert [row["speaker"] for row in found.to_json()["per_speaker"]] == known


@pytest.mark.parametrize(
    "text",
    [
        "",
        "speaker,n,correct,accuracy\n",
        "a,b\n1,2\n",
        "speaker,n,correct,accuracy\n1,2,1\n",
        "speaker,n,correct,accuracy\n1,2,x,0.5\n",
        "speaker,n,correct,accuracy\n1,2,3,1.5\n",
        "speaker,n,correct,accuracy\n1,2,1,0.6\n",
        "speaker,n,correct,accuracy\n1,0,0,0.0\n",
    ],
)
def test_what_is_no_table_of_groups_is_an_error(text: str) -> None:
    with pytest.raises(DataError, match="not a table of speakers"):
        read_groups_csv(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "actual,a,b\na,1,2\n",
        "actual,a,b\na,1,x\nb,3,4\n",
        "actual,a,b\na,-1,2\nb,3,4\n",
        "actual,a,b\na,1,2\nb\rb,3,4\n",
    ],
)
def test_a_damaged_confusion_matrix_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="not a confusion matrix"):
        read_confusion_csv(text)


def test_a_prompt_shows_an_evaluation_in_a_line() -> None:
    logits = [[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 0.0]]
    evaluation = evaluated(logits, [0, 1, 0, 1], classes=["a", "b"], split="test")
    assert repr(evaluation) == "Evaluation(split='test', n=4, accuracy=0.7500, loss=0.6269)"
