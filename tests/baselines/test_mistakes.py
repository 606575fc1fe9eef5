"""Scores and mistakes, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from isolet_nn.baselines.contestants import choose
from isolet_nn.baselines.fits import Division, Fit
from isolet_nn.baselines.mistakes import Mistakes
from isolet_nn.baselines.page import findings
from isolet_nn.baselines.run import results_of
from isolet_nn.baselines.scores import Line, TestRows
from isolet_nn.baselines.tables import agreement_table, error_table, pair_table, speaker_table
from isolet_nn.scores.statistics import Interval

ROWS = TestRows(np.array([0, 0, 1, 1, 0, 2]), np.array([5, 5, 5, 5, 7, 7]), ("B", "D", "V"))
SURE = Interval(0.0, 0.0, 0.0)


def line_of(name: str, predicted: list[int]) -> Line:
    right = int((np.array(predicted) == ROWS.y).sum())
    fit = Fit(
        format=1,
        rows=1,
        n=6,
        correct=right,
        train_seconds=1.0,
        predict_seconds=0.5,
        predicted=predicted,
    )
    (contestant,) = choose([name])
    return Line(contestant, 0, [0.5], SURE, SURE, [right / 6], None, [fit])


@pytest.fixture
def mistakes() -> Mistakes:
    lines = [line_of("svm", [0, 1, 1, 1, 2, 2]), line_of("isolet-nn", [1, 1, 0, 1, 2, 2])]
    return Mistakes(lines, ROWS)


def test_a_pair_counts_either_way(mistakes: Mistakes) -> None:
    assert [(pair.letters, pair.counts) for pair in mistakes.pairs()] == [
        ("BD", [1, 3]),
        ("BV", [1, 1]),
    ]
    assert pair_table(mistakes).columns[2].texts == ["3 (75 %)", "1 (25 %)", "4 (100 %)"]


def test_rows_are_wrong_in_some_models_or_in_all(mistakes: Mistakes) -> None:
    assert mistakes.wrong_in.tolist() == [1, 2, 1, 0, 2, 0]
    assert mistakes.of_network().tolist() == [1, 4, 0, 2]
    columns = agreement_table(mistakes).columns
    assert [column.values for column in columns] == [["one model", "all 2 models"], [2, 2], [2, 2]]


def test_rows_that_no_model_of_the_standard_task_has_right_are_counted_by_themselves() -> None:
    answers = {"svm": [1, 1, 0, 1, 0, 2], "isolet-nn": [1, 0, 0, 1, 2, 2]}
    adapted = line_of("svm-adapted", [1, 0, 1, 1, 0, 2])
    lines = [*(line_of(name, predicted) for name, predicted in answers.items()), adapted]
    found = findings(Mistakes(lines, ROWS))
    assert (found["models"], found["in_any"], found["in_all"]) == (3, 4, 1)
    assert (found["of_standard_task"], found["in_all_of_standard_task"]) == (2, 2)


def test_errors_are_counted_by_speaker(mistakes: Mistakes) -> None:
    assert mistakes.by_speaker().tolist() == [[1, 1], [3, 1]]
    assert mistakes.cumulative().tolist() == [[0.5, 1.0], [0.75, 1.0]]
    assert mistakes.confusions_of(5) == [("B → D", 2), ("D → B", 1)]
    assert speaker_table(mistakes).columns[-1].values == ["B → D (2), D → B", "B → V"]


def test_a_row_says_whose_utterance_it_is_and_what_each_model_takes_it_for(
    mistakes: Mistakes,
) -> None:
    rows = error_table(mistakes, mistakes.of_network()[:1]).columns
    told = {column.name: column.values[0] for column in rows}
    assert told == {
        "row": 2,
        "speaker": 5,
        "utterance": 2,
        "spoken": "B",
        "SVM": "D",
        "isolet-nn 1024": "D",
        "wrong in": 2,
        "probability by isolet-nn 1024": None,
    }


def test_every_error_is_one_of_a_pair_of_a_speaker_and_of_the_matrix(whole: Path) -> None:
    lines = results_of(whole)
    mistakes = Mistakes(lines, TestRows.load(Division(2, True, None)))
    errors = [line.fits[0].n - line.fits[0].correct for line in lines]
    assert mistakes.is_wrong.sum(axis=1).tolist() == errors
    assert mistakes.by_speaker().sum(axis=1).tolist() == errors
    of_pairs: NDArray[np.int64] = np.sum([pair.counts for pair in mistakes.pairs()], axis=0)
    assert of_pairs.tolist() == errors
    matrix = mistakes.confusion_matrix()
    assert matrix.sum() - np.trace(matrix) == errors[mistakes.network]
    np.testing.assert_array_equal(mistakes.cumulative()[:, -1], 1.0)


def test_the_difference_from_the_network_is_that_of_the_accuracies(whole: Path) -> None:
    *others, network = results_of(whole)
    assert network.difference is None
    for line in others:
        assert line.difference is not None
        expected = line.test.estimate - network.test.estimate
        assert line.difference.estimate == pytest.approx(expected, abs=1e-3)  # one row is missing
        assert line.test.low < line.test.estimate < line.test.high
