"""From a table's cells to the network's inputs: what is learned, of which rows, and kept how."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data.dataset import make_dataset
from isolet_nn.data.fitting import fit
from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import Column
from isolet_nn.errors import DataError

NAMES = ("blue", "green", "red", "white")
FILLED: dict[str, Any] = {"missing": "median"}


def table_config(**keys: Any) -> CsvDataset:
    fixed = {"name": "csv", "path": "made-up.csv", "test_path": "made-up-test.csv"}
    return CsvDataset.model_validate(fixed | keys)


def raw_of(cells: NDArray[np.float64], kinds: str, n_test: int = 4) -> RawDataset:
    """A column a letter of `kinds`: n for numbers, c for categories."""
    n = len(cells)
    columns = tuple(
        Column(f"n{i}") if kind == "n" else Column(f"c{i}", "categorical", NAMES)
        for i, kind in enumerate(kinds)
    )
    return RawDataset(
        name="csv",
        stored=cells,
        y=np.arange(n) % 2,
        classes=("a", "b"),
        checksum="",
        source="made-up.csv",
        test_rows=np.arange(n - n_test, n),
        columns=columns,
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[NDArray[np.float64], str]:
    kinds = draw(st.text("nc", min_size=1, max_size=5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(8, 600))
    share = draw(st.sampled_from([0.0, 0.2, 0.7]))
    cells = np.empty((n, len(kinds)))
    for i, kind in enumerate(kinds):
        numbers = random.normal(size=n) * 10.0 ** random.integers(-3, 4)
        cells[:, i] = numbers if kind == "n" else random.choice(4, n, p=[0.6, 0.3, 0.08, 0.02])
        cells[random.random(n) < share, i] = np.nan
        cells[0, i] = 1.0  # so that there is something to learn from
    return cells, kinds


fillings = st.fixed_dictionaries(
    {
        "missing": st.sampled_from(
            [
                "mean",
                "median",
                "most_frequent",
                {"constant": -3.5},
                {"numeric": "mean", "categorical": {"constant": "unknown"}},
                {"numeric": "median", "categorical": {"constant": "red"}},
            ]
        ),
        "missing_indicator": st.booleans(),
        "standardize": st.booleans(),
        "min_frequency": st.sampled_from([1, 5]),
    }
)


def config_of(choice: dict[str, Any]) -> CsvDataset:
    keys = dict(choice)
    return table_config(columns={"min_frequency": keys.pop("min_frequency")}, **keys)


def sklearns(raw: RawDataset, config: CsvDataset) -> ColumnTransformer:
    """A column transformer that does the same, with the features of a column side by side."""
    numeric, categorical = config.filling.numeric, config.filling.categorical

    def imputer(how: Any, fill: Any) -> SimpleImputer:
        strategy = how if isinstance(how, str) else "constant"
        return SimpleImputer(strategy=strategy, fill_value=fill)

    def of_numbers() -> Pipeline:
        fill = getattr(numeric, "constant", None)
        scaler = StandardScaler() if config.standardize else "passthrough"
        return make_pipeline(imputer(numeric, fill), scaler)

    def of_categories() -> Pipeline:
        constant = getattr(categorical, "constant", None)
        fill = None if constant is None else (*NAMES, "unknown").index(constant)
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=config.columns.min_frequency,
            sparse_output=False,
        )
        return make_pipeline(imputer(categorical, fill), encoder)

    return ColumnTransformer(
        [
            (column.name, of_numbers() if column.kind == "numeric" else of_categories(), [i])
            for i, column in enumerate(raw.columns)
        ]
    )


@settings(max_examples=40, deadline=None)
@given(tables(), fillings)
def test_inputs_are_those_of_scikit_learns_own_pipeline(
    table: tuple[NDArray[np.float64], str], choice: dict[str, Any]
) -> None:
    raw, config = raw_of(*table), config_of(choice)
    dataset = make_dataset(raw, config, 0, "float64")
    names = dataset.preprocessing.feature_names
    is_indicator = np.array([name.endswith(" is missing") for name in names])
    n_train = len(dataset.train)
    reference = sklearns(raw, config).fit(raw.stored[:n_train])
    for split, rows in ((dataset.train, slice(n_train)), (dataset.test, slice(n_train, None))):
        expected = reference.transform(raw.stored[rows])
        np.testing.assert_allclose(split.x[:, ~is_indicator], expected, rtol=1e-9, atol=1e-9)
    missing = np.isnan(raw.stored)
    indicated = missing[:n_train].any(axis=0) if choice["missing_indicator"] else []
    expected_names = [
        f"{column.name} is missing"
        for column, there in zip(raw.columns, indicated, strict=False)
        if there
    ]
    assert [name for name in names if name.endswith(" is missing")] == expected_names
    columns = [i for i, there in enumerate(indicated) if there]
    np.testing.assert_array_equal(dataset.test.x[:, is_indicator], missing[n_train:, columns])


@settings(max_examples=25, deadline=None)
@given(tables(), fillings)
def test_what_was_learned_comes_back_from_json_to_the_bit(
    table: tuple[NDArray[np.float64], str], choice: dict[str, Any]
) -> None:
    raw, config = raw_of(*table), config_of(choice)
    learned = fit(raw, np.arange(len(raw.y)), config)
    again = Preprocessing.from_json(json.loads(json.dumps(learned.to_json())))
    assert again == learned
    assert again.checksum == learned.checksum
    read = learned.reader(raw.columns, "here")
    inputs = [p.transform(read(raw.stored.copy()), "float32") for p in (learned, again)]
    assert inputs[0].tobytes() == inputs[1].tobytes()


@settings(max_examples=25, deadline=None)
@given(tables(), fillings, st.integers(0, 2**32))
def test_nothing_is_learned_of_the_test_rows(
    table: tuple[NDArray[np.float64], str], choice: dict[str, Any], seed: int
) -> None:
    cells, kinds = table
    random, config = np.random.default_rng(seed), config_of(choice)
    others = cells.copy()
    for i, kind in enumerate(kinds):
        others[-4:, i] = random.normal(size=4) * 100 if kind == "n" else random.integers(0, 4, 4)
    before, after = (make_dataset(raw_of(x, kinds), config, 0, "float64") for x in (cells, others))
    assert before.preprocessing == after.preprocessing
    assert before.train.x.tobytes() == after.train.x.tobytes()


def test_a_cell_that_is_missing_in_the_test_part_alone_is_filled_from_the_training_part() -> None:
    cells = np.array([[1.0, 0], [2.0, 1], [6.0, 1], [np.nan, np.nan]])
    dataset = make_dataset(
        raw_of(cells, "nc", 1), table_config(standardize=False, **FILLED), 0, "float64"
    )
    assert dataset.preprocessing.feature_names == ("n0", "c1=blue", "c1=green")
    assert dataset.test.x.tolist() == [[2.0, 0.0, 1.0]]


def test_a_category_that_was_never_seen_is_all_zeros_or_with_the_rare_ones() -> None:
    cells = np.array([[0.0], [0.0], [0.0], [1.0], [3.0], [1.0]])
    raw = raw_of(cells, "c", 2)
    dataset = make_dataset(raw, table_config(), 0, "float64")
    assert dataset.preprocessing.feature_names == ("c0=blue", "c0=green")
    assert dataset.test.x.tolist() == [[0, 0], [0, 1]]
    together = make_dataset(raw, table_config(columns={"min_frequency": 2}), 0, "float64")
    assert together.preprocessing.feature_names == ("c0=blue", "c0=(other)")
    assert together.test.x.tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("kinds", "missing", "remedy"),
    [
        ("n", "median", "dataset.missing: {constant: 0}"),
        ("c", "mean", "dataset.missing: {categorical: {constant: unknown}}"),
    ],
)
def test_a_column_without_any_training_value_is_refused_with_a_remedy(
    kinds: str, missing: str, remedy: str
) -> None:
    raw = raw_of(np.array([[np.nan]] * 4 + [[1.0]]), kinds, 1)
    with pytest.raises(DataError) as caught:
        make_dataset(raw, table_config(missing=missing), 0, "float32")
    assert str(caught.value) == (
        f"made-up.csv: column '{kinds}0': the value is missing in all 4 training rows, so nothing "
        f"can be learned to fill it in; leave it out with dataset.columns: {{drop: [{kinds}0]}}, "
        f"or set {remedy}"
    )


def test_a_column_without_any_training_value_can_be_filled_with_a_constant() -> None:
    raw = raw_of(np.array([[np.nan, np.nan]] * 4 + [[1.0, 1.0]]), "nc", 1)
    missing = {"numeric": {"constant": 7}, "categorical": {"constant": "unknown"}}
    dataset = make_dataset(raw, table_config(missing=missing, standardize=False), 0, "float32")
    assert dataset.preprocessing.feature_names == ("n0", "c1=unknown")
    assert dataset.train.x.tolist() == [[7, 1]] * 4
    assert dataset.test.x.tolist() == [[1, 0]]


def test_columns_are_found_by_name_and_categories_by_theirs() -> None:
    stored = Preprocessing(
        (
            InputColumn("colour", "categorical", ("red", "blue"), fill=1.0),
            InputColumn("size", mean=2.0, scale=4.0),
        ),
        ("a", "b"),
    )
    columns = [Column("size"), Column("id"), Column("colour", "categorical", ("blue", "pink"))]
    read = stored.reader(columns, "here")
    cells = np.array([[6.0, 9.0, 0.0], [2.0, 9.0, 1.0], [-2.0, 9.0, np.nan]])
    expected = [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, -1.0]]
    assert stored.transform(read(cells), "float64").tolist() == expected


def test_columns_of_another_kind_are_refused_with_a_remedy() -> None:
    stored = Preprocessing((InputColumn("size"),), ("a", "b"))
    with pytest.raises(DataError, match=r"here: column size: .*dataset\.columns: {numeric:"):
        stored.reader([Column("size", "categorical", ("x",))], "here")


def test_features_of_0_and_1_that_would_fill_the_memory_are_refused_before_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("isolet_nn.data.dataset.MAX_NUMBERS", 50)
    raw = raw_of(np.arange(20.0)[:, None] % 4, "c")
    with pytest.raises(DataError) as caught:
        make_dataset(raw, table_config(), 0, "float32")
    assert "20 rows of 4 features are more than 50 numbers; column 'c0'" in str(caught.value)
    assert "dataset.columns.min_frequency" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"categories": ("a",)}, "is numeric, but has categories"),
        ({"kind": "categorical", "mean": 0.0, "scale": 1.0}, "is categorical, but has a mean"),
        ({"kind": "categorical", "categories": ("a", "a")}, "has a category twice"),
        ({"kind": "categorical", "categories": ("a",), "fill": 1.0}, "the code of no category"),
        ({"kind": "categorical", "categories": ("a",), "fill": 0.5}, "the code of no category"),
        ({"mean": 1.0}, "has a mean or a scale, but not both"),
        ({"mean": 1.0, "scale": 0.0}, "scale is above zero"),
        ({"fill": np.inf}, "are finite"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"column 'x': .*{says}"):
        replace(InputColumn("x"), **changes)
