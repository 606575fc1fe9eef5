"""What a model needs: columns of which the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.errors import DataError
from isolet_nn.runs.importance import inputs_of_columns
from isolet_nn.scores import importance
from isolet_nn.scores.importance import Importance, InputsOfColumn, permutation_importance
from isolet_nn.scores.tables import importance_csv, read_importance_csv

COLUMNS = [InputsOfColumn("unused", [0]), InputsOfColumn("needed", [1, 2])]


def model(x: NDArray[Any]) -> NDArray[Any]:
    """Sure of class 1 where the second and third input are 1."""
    score = 4.0 * (x[:, 1] * x[:, 2]) - 2.0
    return np.column_stack([-score, score])


def data(n: int = 200) -> tuple[NDArray[Any], NDArray[Any]]:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, n)
    return np.column_stack([random.normal(size=n), y, y]).astype(np.float32), y


def test_a_column_that_is_needed_comes_first_and_one_that_is_not_costs_nothing() -> None:
    x, y = data()
    before = x.copy()
    needed, unused = permutation_importance(model, x, y, COLUMNS)
    assert unused == Importance("unused", 0.0, 0.0, 0.0, 0.0)
    assert needed.name == "needed"
    assert 0.4 < needed.accuracy < 0.6  # shuffled, it is right in every other row
    assert needed.low is not None
    assert needed.high is not None
    assert 0.0 < needed.low < needed.loss < needed.high
    np.testing.assert_array_equal(x, before)
    assert permutation_importance(model, x, y, COLUMNS) == [needed, unused]


def test_the_inputs_of_a_category_are_shuffled_together() -> None:
    columns = (InputColumn("size"), InputColumn("colour", "categorical", ("red", "blue")))
    places = inputs_of_columns(Preprocessing(columns, classes=("a", "b")))
    assert [(column.name, list(column.places)) for column in places] == [
        ("size", [0]),
        ("colour", [1, 2]),
    ]
    x, y = data()

    def needs_equal_inputs(rows: NDArray[Any]) -> NDArray[Any]:
        assert (rows[:, 1] == rows[:, 2]).all()
        return model(rows)

    assert len(permutation_importance(needs_equal_inputs, x, y, COLUMNS)) == 2


def test_the_interval_is_wider_where_rows_of_a_group_are_alike() -> None:
    x, y = data()
    alone = permutation_importance(model, x, y, COLUMNS)[0]
    in_groups = permutation_importance(model, x, y, COLUMNS, groups=2 * y + 3)[0]
    one_group = permutation_importance(model, x, y, COLUMNS, groups=np.zeros_like(y))[0]
    assert in_groups.loss == alone.loss == one_group.loss
    assert (one_group.low, one_group.high) == (None, None)
    each_its_own = permutation_importance(model, x, y, COLUMNS, groups=np.arange(len(y)))[0]
    assert each_its_own == alone
    assert (in_groups.low, in_groups.high) != (alone.low, alone.high)


def test_of_many_rows_some_are_drawn_and_the_cost_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "MOST_ROWS", 50)
    x, y = data()
    heard: list[Any] = []
    asked: list[int] = []

    def counting(rows: NDArray[Any]) -> NDArray[Any]:
        asked.append(len(rows))
        return model(rows)

    def announce(columns: int, rows: int, seconds: float) -> None:
        heard.append((columns, rows, seconds >= 0.0))

    permutation_importance(counting, x, y, COLUMNS, groups=y, announce=announce)
    assert heard == [(2, 50, True)]
    assert asked == [50] * (1 + 2 * importance.REPEATS)


def test_a_table_of_importance_reads_back_and_a_damaged_one_is_refused() -> None:
    found = [Importance("a, b", 0.1 + 0.2, None, None, 0.0), Importance("c", -0.1, -0.2, 0.0, 0.1)]
    text = importance_csv(found)
    assert read_importance_csv(text) == found
    for damaged in (text.replace("-0.2", "nan"), text.split("\n")[0], text + "d,1\n"):
        with pytest.raises(DataError, match="not a table of importance: expected column, loss"):
            read_importance_csv(damaged)
