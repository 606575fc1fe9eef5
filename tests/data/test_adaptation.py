"""Each group's rows are standardised by the group's own mean and deviation, and by nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset, IsoletDataset
from isolet_nn.data import Dataset, Preprocessing, RawDataset, load_dataset
from isolet_nn.data.adaptation import Shrinkage, known_parts, random_parts, rows_by_group
from isolet_nn.data.dataset import make_dataset, split_by_known_rows
from isolet_nn.data.scaling import Moments, Scaler
from isolet_nn.data.table import Column
from isolet_nn.errors import ConfigError, DataError

N_TEST = 12
few = settings(max_examples=25, deadline=None)


def raw_of(seed: int = 0, n_groups: int = 6, size: int = 6, **changes: Any) -> RawDataset:
    """Groups that differ in mean and spread; the last two are the test part."""
    rng = np.random.default_rng(seed)
    of_rows = np.repeat(np.arange(n_groups), size)
    x = rng.normal(of_rows[:, None], 1.0 + of_rows[:, None], (n_groups * size, 3))
    content: dict[str, Any] = {
        "name": "csv",
        "stored": x,
        "y": np.arange(len(x)) % 2,
        "classes": ("a", "b"),
        "checksum": "",
        "source": "people.csv",
        "groups": of_rows,
        "group_name": "person",
        "test_rows": np.arange(len(x) - N_TEST, len(x)),
    }
    return RawDataset(**(content | changes))


def adapted(
    raw: RawDataset, seed: int = 0, preprocessing: Preprocessing | None = None, **how: Any
) -> Dataset:
    config = CsvDataset.model_validate(
        {
            "name": "csv",
            "path": "people.csv",
            "group": "person",
            "test_path": "more.csv",
            "standardize": {"by": "group", **how},
        }
    )
    return make_dataset(raw, config, seed, "float64", preprocessing)


def test_without_shrinkage_every_group_has_mean_0_and_deviation_1() -> None:
    dataset = adapted(raw_of(), shrinkage=0)
    for split in (dataset.train, dataset.test):
        assert split.groups is not None
        for rows in rows_by_group(split.groups):
            np.testing.assert_allclose(split.x[rows].mean(axis=0), 0.0, atol=1e-12)
            np.testing.assert_allclose(split.x[rows].std(axis=0), 1.0)


def test_shrunk_for_ever_all_are_standardised_by_the_mean_of_all_and_the_spread_within() -> None:
    raw = raw_of()
    dataset = adapted(raw, shrinkage=1e15)
    x, groups = raw.x[:-N_TEST], raw.groups
    assert groups is not None
    within = x - np.array([x[groups[:-N_TEST] == g].mean(axis=0) for g in groups[:-N_TEST]])
    scale = np.sqrt((within**2).sum(axis=0) / (len(x) - 4))
    np.testing.assert_allclose(dataset.train.x, (x - x.mean(axis=0)) / scale, atol=1e-9)
    np.testing.assert_allclose(
        dataset.test.x, (raw.x[-N_TEST:] - x.mean(axis=0)) / scale, atol=1e-9
    )


@few
@given(n=st.integers(1, 40), mean=st.floats(0, 50), deviation=st.floats(0, 50))
def test_a_groups_statistics_lie_between_its_own_and_the_common_ones_as_the_formula_says(
    n: int, mean: float, deviation: float
) -> None:
    common = Scaler(np.array([1.0]), np.array([2.0]))
    scaler = Shrinkage(mean, deviation).scaler(common, Moments(n, np.array([5.0]), np.array([9.0])))
    assert scaler.mean == pytest.approx((5.0 * n + mean) / (n + mean))
    assert scaler.scale**2 == pytest.approx((9.0 * n + 4.0 * deviation) / (n + deviation))


def test_a_feature_that_is_constant_in_a_group_is_scaled_as_in_the_others() -> None:
    raw = raw_of()
    raw.stored[-6:, 0] = 3.0
    dataset = adapted(raw, shrinkage=0)
    np.testing.assert_array_equal(dataset.test.x[-6:, 0], 0.0)
    assert np.isfinite(dataset.test.x).all()


def test_groups_of_one_row_each_are_standardised_by_what_all_rows_are_like() -> None:
    raw = raw_of(n_groups=36, size=1)
    dataset = adapted(raw, shrinkage=1e15)
    x = raw.x[:-N_TEST]
    np.testing.assert_allclose(dataset.train.x, (x - x.mean(axis=0)) / x.std(axis=0), atol=1e-9)


@few
@given(seed=st.integers(0, 99), shrinkage=st.floats(0, 30))
def test_a_test_group_is_standardised_by_its_own_rows_and_the_training_rows_alone(
    seed: int, shrinkage: float
) -> None:
    raw = raw_of(seed)
    changed = raw_of(seed)
    changed.stored[-6:] = 1e3 * np.random.default_rng(seed).normal(size=(6, 3))  # the last group
    before, after = (adapted(data, shrinkage=shrinkage) for data in (raw, changed))
    assert before.preprocessing == after.preprocessing
    np.testing.assert_array_equal(before.train.x, after.train.x)
    np.testing.assert_array_equal(before.test.x[:6], after.test.x[:6])
    assert (before.test.x[6:] != after.test.x[6:]).any()


def test_no_class_enters() -> None:
    raw = raw_of()
    other = raw_of(y=np.random.default_rng(1).integers(0, 2, len(raw.y)))
    ways: list[dict[str, Any]] = [{}, {"subset": [2, 4]}]
    for how in ways:
        one, two = adapted(raw, **how), adapted(other, **how)
        assert one.preprocessing == two.preprocessing
        np.testing.assert_array_equal(one.learned_from.x, two.learned_from.x)
        np.testing.assert_array_equal(one.test.x, two.test.x)


def test_a_group_in_two_splits_is_standardised_in_each_by_its_rows_there() -> None:
    rng = np.random.default_rng(0)
    raw = raw_of(groups=rng.integers(0, 3, 36))
    dataset = adapted(raw, shrinkage=0)
    assert dataset.test.groups is not None
    for rows in rows_by_group(dataset.test.groups):
        np.testing.assert_allclose(dataset.test.x[rows].mean(axis=0), 0.0, atol=1e-12)


# What was learned, and new rows.


def test_what_was_learned_survives_json_and_makes_the_same_of_the_same_rows() -> None:
    raw = raw_of()
    dataset = adapted(raw)
    again = Preprocessing.from_json(dataset.preprocessing.to_json())
    assert again == dataset.preprocessing
    assert again.adapted_to == "person"
    np.testing.assert_array_equal(adapted(raw, preprocessing=again).test.x, dataset.test.x)
    assert raw.groups is not None
    x = again.transform(raw.x[-N_TEST:], "float64", raw.groups[-N_TEST:])
    np.testing.assert_array_equal(x, dataset.test.x)


def test_the_json_of_what_adapts_to_nobody_says_nothing_of_it() -> None:
    assert "shrinkage" not in Preprocessing((), ("a", "b")).to_json()


@pytest.mark.parametrize("weights", [(-1.0, 0.0), (0.0, float("nan"))])
def test_weights_that_are_no_numbers_of_rows_are_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="finite, and 0 or more"):
        Shrinkage(*weights)


# Copies for few rows.


@few
@given(n=st.integers(1, 60), low=st.integers(1, 20), more=st.integers(0, 40), seed=st.integers(0))
def test_random_parts_hold_every_row_once_and_none_is_too_small(
    n: int, low: int, more: int, seed: int
) -> None:
    rows = np.arange(100, 100 + n)
    parts = list(random_parts(rows, [low, low + more], np.random.default_rng(seed)))
    assert sorted(np.concatenate(parts)) == rows.tolist()
    assert min(map(len, parts)) >= min(low, n)
    assert max(map(len, parts[:-1]), default=0) <= low + more


@few
@given(n=st.integers(1, 60), known=st.integers(1, 70), seed=st.integers(0))
def test_every_row_is_told_once_by_so_many_rows_itself_among_them(
    n: int, known: int, seed: int
) -> None:
    parts = list(known_parts(np.arange(n), known, np.random.default_rng(seed)))
    assert sorted(np.concatenate([told for _, told in parts])) == [*range(n)]
    for measured, told in parts:
        assert len(set(measured.tolist())) == min(known, n)
        assert set(told.tolist()) <= set(measured.tolist())


def test_copies_are_the_training_rows_by_parts_of_their_groups_and_the_seeds_own() -> None:
    raw = raw_of()
    dataset = adapted(raw, subset=[2, 3], copies=4)
    whole = adapted(raw)
    n = len(dataset.train)
    assert (dataset.copies, len(dataset.learned_from)) == (4, 4 * n)
    np.testing.assert_array_equal(dataset.train.x, whole.train.x)
    np.testing.assert_array_equal(dataset.learned_from.y, np.tile(dataset.train.y, 4))
    copies = dataset.learned_from.x.reshape(4, n, -1)
    assert len({copy.tobytes() for copy in copies}) == 4
    again, other = (adapted(raw, seed, subset=[2, 3], copies=4) for seed in (0, 1))
    np.testing.assert_array_equal(again.learned_from.x, dataset.learned_from.x)
    assert (other.learned_from.x != dataset.learned_from.x).any()
    two = adapted(raw, subset=[2, 3], copies=2)  # fewer copies are the first of them
    np.testing.assert_array_equal(two.learned_from.x, dataset.learned_from.x[: 2 * n])


def test_a_subset_of_all_rows_is_what_is_learned_from_without() -> None:
    dataset = adapted(raw_of(), subset=[6, 60], copies=1)
    np.testing.assert_allclose(dataset.learned_from.x, dataset.train.x, rtol=1e-12)


def test_copies_beyond_the_memory_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("isolet_nn.data.dataset.MAX_NUMBERS", 100)
    with pytest.raises(DataError, match=r"set a smaller dataset\.standardize\.copies"):
        adapted(raw_of(), subset=[2, 3], copies=5)


def test_all_rows_known_give_the_split_itself() -> None:
    raw = raw_of()
    dataset = adapted(raw)
    config = CsvDataset.model_validate(
        {"name": "csv", "path": "p", "group": "person", "standardize": {"by": "group"}}
    )
    rows = np.arange(len(raw.y) - N_TEST, len(raw.y))
    rng = np.random.default_rng(0)
    drawn = split_by_known_rows(raw, rows, config, dataset.preprocessing, "float64", 6, rng)
    np.testing.assert_allclose(drawn.x, dataset.test.x, rtol=1e-12)


# What cannot be adapted to.


def test_data_without_groups_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"dataset\.standardize\.by: found group, but people"):
        adapted(raw_of(groups=None, group_name=None))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"name": "csv", "path": "t.csv", "standardize": {"by": "group"}}, "set group"),
        ({"name": "iris", "standardize": {"by": "group"}}, "dataset.standardize"),
        ({"name": "isolet", "standardize": {"by": "group"}}, "allowed: speaker"),
        ({"name": "isolet", "standardize": {"by": "speakr"}}, "did you mean speaker"),
        ({"name": "isolet", "standardize": {"by": "speaker", "subset": [5, 2]}}, "smaller number"),
        ({"name": "isolet", "standardize": {"by": "speaker", "subset": 5}}, "list"),
        ({"name": "isolet", "standardize": {"by": "speaker", "shrinkage": -1}}, "greater than"),
        ({"name": "isolet", "standardize": {"by": "speaker", "shrinkage": {"men": 1}}}, "mean"),
        ({"name": "isolet", "standardize": "local"}, "global"),
        ({"name": "isolet", "standardize": {}}, "standardize.by: missing"),
    ],
)
def test_what_standardize_cannot_say_is_refused_with_its_key(
    dataset: dict[str, Any], message: str
) -> None:
    from isolet_nn.config.loading import load_experiment

    with pytest.raises(ConfigError, match=message) as refused:
        load_experiment({"dataset": dataset})
    assert "standardize" in str(refused.value)


def test_a_number_that_overflows_a_groups_squares_is_named() -> None:
    raw = raw_of()
    raw.stored[-2, 1] = 1e300
    with pytest.raises(DataError, match="row 11 of the test part: column 'x2': found 1e\\+300"):
        adapted(raw)


def test_missing_cells_are_filled_before_groups_are_measured() -> None:
    raw = raw_of(columns=(Column("x"), Column("y"), Column("z")))
    raw.stored[0, 0] = raw.stored[-1, 0] = np.nan
    config = CsvDataset.model_validate(
        {
            "name": "csv",
            "path": "p",
            "group": "person",
            "test_path": "q",
            "missing": "median",
            "standardize": {"by": "group", "shrinkage": 0},
        }
    )
    dataset = make_dataset(raw, config, 0, "float64")
    np.testing.assert_allclose(dataset.test.x[-6:].mean(axis=0), 0.0, atol=1e-12)


def speakers(x: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([x[rows].mean(axis=0, dtype=np.float64) for rows in rows_by_group(groups)])


def test_isolets_test_speakers_are_standardised_by_their_own_utterances() -> None:
    dataset = load_dataset(
        IsoletDataset.model_validate(
            {"name": "isolet", "standardize": {"by": "speaker", "shrinkage": 0}}
        ),
        seed=0,
    )
    assert dataset.test.groups is not None
    means = speakers(dataset.test.x, dataset.test.groups)
    assert means.shape == (30, 617)
    np.testing.assert_allclose(means, 0.0, atol=1e-5)
    assert dataset.preprocessing.adapted_to == "speaker"
