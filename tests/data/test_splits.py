from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.preprocessing import StandardScaler

from isolet_nn.config.datasets import BundledDataset, CsvDataset, IsoletDataset, XorDataset
from isolet_nn.config.holdouts import GroupFold, GroupHoldout, RowFold, RowHoldout
from isolet_nn.data import Dataset, Preprocessing, RawDataset, load_dataset, load_raw
from isolet_nn.data.dataset import make_dataset
from isolet_nn.data.preprocessing import InputColumn
from isolet_nn.data.scaling import Moments, Scaler
from isolet_nn.data.splits import folds_of_groups, folds_of_rows, split_groups, split_rows
from isolet_nn.data.table import Column
from isolet_nn.errors import ConfigError, DataError

fractions = st.floats(0.001, 0.999)
seeds = st.integers(0, 2**32)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# Splitting by rows and by groups.


@given(st.lists(st.integers(2, 40), min_size=1, max_size=8), fractions, seeds)
def test_a_split_by_rows_takes_its_share_of_every_class(
    counts: list[int], fraction: float, seed: int
) -> None:
    y = rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    kept, held = split_rows(y, fraction, rng(seed))
    assert sorted([*kept, *held]) == list(range(len(y)))
    for label, count in enumerate(counts):
        n_held = int(np.sum(y[held] == label))
        assert 1 <= n_held <= count - 1
        assert abs(n_held - count * fraction) <= 0.5 or n_held in (1, count - 1)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=200), fractions, seeds)
def test_a_split_by_groups_never_divides_a_group(
    groups: list[int], fraction: float, seed: int
) -> None:
    assume(len(set(groups)) > 1)
    array = np.array(groups)
    kept, held = split_groups(array, fraction, rng(seed))
    assert sorted([*kept, *held]) == list(range(len(groups)))
    assert not set(array[kept].tolist()) & set(array[held].tolist())
    n_held, n = len(np.unique(array[held])), len(set(groups))
    assert n_held == min(max(round(n * fraction), 1), n - 1)


@given(fractions, seeds)
def test_parts_keep_the_order_of_the_rows_and_depend_on_the_generator_only(
    fraction: float, seed: int
) -> None:
    y = np.arange(60) % 3
    for split in (split_rows, split_groups):
        first, second = split(y, fraction, rng(seed)), split(y, fraction, rng(seed))
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)
            assert np.all(np.diff(one) > 0)


def test_every_row_is_held_out_by_some_seed() -> None:
    y = np.arange(30) % 3
    for split in (split_rows, split_groups):
        held = [split(y, 0.2, rng(seed))[1] for seed in range(100)]
        assert len(np.unique(np.concatenate(held))) == 30


@pytest.mark.parametrize("split", [split_rows, split_groups])
@pytest.mark.parametrize("values", [[], [3]])
def test_what_cannot_be_divided_is_refused(split: Any, values: list[int]) -> None:
    if split is split_rows and not values:
        assert [len(part) for part in split_rows(np.array([], dtype=np.int64), 0.5, rng(0))] == [
            0,
            0,
        ]
        return
    with pytest.raises(ValueError, match="cannot divide"):
        split(np.array(values, dtype=np.int64), 0.5, rng(0))


# Folds of a cross-validation.


@given(st.lists(st.integers(0, 4), min_size=2, max_size=200), st.integers(2, 12), seeds)
def test_folds_by_rows_are_equal_in_size_in_every_class_and_in_all(
    labels: list[int], folds: int, seed: int
) -> None:
    assume(len(labels) >= folds)
    y = np.array(labels)
    fold = folds_of_rows(y, folds, rng(seed))
    for rows in (np.full(len(y), True), *(y == label for label in range(5))):
        sizes = np.bincount(fold[rows], minlength=folds)
        assert len(sizes) == folds
        assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.integers(1, 30), min_size=2, max_size=40), st.integers(2, 12), seeds)
def test_folds_by_groups_divide_no_group_and_differ_by_one_group_at_most(
    sizes: list[int], folds: int, seed: int
) -> None:
    assume(len(sizes) >= folds)
    groups = rng(seed).permutation(np.repeat(7 * np.arange(len(sizes)), sizes))
    fold = folds_of_groups(groups, folds, rng(seed))
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1
    rows = np.bincount(fold, minlength=folds)
    assert len(rows) == folds
    assert rows.min() >= 1
    # A fold is given a group only while none has fewer rows.
    assert rows.max() - rows.min() <= max(sizes)


@given(st.integers(2, 60), st.integers(2, 12), st.integers(1, 9), seeds)
def test_groups_of_one_size_make_folds_that_differ_by_one_group(
    n_groups: int, folds: int, size: int, seed: int
) -> None:
    assume(n_groups >= folds)
    groups = np.repeat(np.arange(n_groups), size)
    rows = np.bincount(folds_of_groups(groups, folds, rng(seed)), minlength=folds)
    assert set(rows.tolist()) <= {size * (n_groups // folds), size * -(-n_groups // folds)}


@given(st.lists(st.integers(2, 30), min_size=1, max_size=5), st.integers(2, 12), fractions, seeds)
def test_parts_by_groups_take_the_same_share_of_every_stratum(
    groups_of_strata: list[int], folds: int, fraction: float, seed: int
) -> None:
    strata = np.repeat(np.arange(len(groups_of_strata)), groups_of_strata)
    n = len(strata)
    assume(n >= folds)
    rows = np.repeat(rng(seed).permutation(n), 3)  # three rows a group
    groups, of_rows = 7 * rows, strata[rows]
    fold = folds_of_groups(groups, folds, rng(seed), of_rows)
    _, held = split_groups(groups, fraction, rng(seed), of_rows)
    share = len(held) / 3 / n
    for stratum, size in enumerate(groups_of_strata):
        members = np.bincount(fold[of_rows == stratum], minlength=folds) // 3
        assert members.max() - members.min() <= 1
        assert abs(np.sum(of_rows[held] == stratum) / 3 - share * size) <= 1
    rows_of_folds = np.bincount(fold, minlength=folds)
    assert rows_of_folds.max() - rows_of_folds.min() <= 3


@given(st.lists(st.integers(0, 9), min_size=12, max_size=60), st.integers(2, 3), fractions, seeds)
def test_one_stratum_is_none(labels: list[int], folds: int, fraction: float, seed: int) -> None:
    groups = np.array(labels)
    assume(len(np.unique(groups)) >= folds)
    alike = np.full(len(groups), 3)
    held = [split_groups(groups, fraction, rng(seed), strata)[1] for strata in (None, alike)]
    np.testing.assert_array_equal(held[0], held[1])
    np.testing.assert_array_equal(
        folds_of_groups(groups, folds, rng(seed)), folds_of_groups(groups, folds, rng(seed), alike)
    )


@given(st.integers(2, 6), st.integers(0, 3), seeds, st.sampled_from(["rows", "group"]))
def test_every_row_is_validation_in_exactly_one_fold_of_a_repeat(
    folds: int, repeat: int, seed: int, by: Literal["rows", "group"]
) -> None:
    one_table = raw_of_classes([0, 1, 2] * 20, np.repeat(np.arange(20), 3).tolist(), n_test=12)
    held = []
    for number in range(folds):
        fold = GroupFold(folds=folds, fold=number, repeat=repeat, by=by)
        dataset = split(one_table, seed, validation=fold, standardize=False)
        assert dataset.validation is not None
        train, validation = (part.x[:, 0].tolist() for part in (dataset.train, dataset.validation))
        assert sorted(train + validation) == [2.0 * row for row in range(48)]
        held += validation
    assert sorted(held) == [2.0 * row for row in range(48)]


def test_a_partition_is_the_seeds_own_and_the_split_seeds_where_there_is_one() -> None:
    def held(seed: int, **keys: Any) -> list[float]:
        config = BundledDataset(name="iris", validation=RowFold(folds=5, fold=1), **keys)
        dataset = load_dataset(config, seed)
        assert dataset.validation is not None
        return [float(value) for value in dataset.validation.x.ravel()]

    assert held(3) == held(3) == held(8, split_seed=3)
    assert held(3) != held(4)


def test_a_fold_does_not_move_the_test_split() -> None:
    without = BundledDataset(name="iris", standardize=False)
    with_one = without.model_copy(update={"validation": RowFold(folds=3, fold=2)})
    np.testing.assert_array_equal(load_dataset(without, 0).test.x, load_dataset(with_one, 0).test.x)


@pytest.mark.parametrize("divide", [folds_of_rows, folds_of_groups])
def test_fewer_members_than_folds_are_refused(divide: Any) -> None:
    with pytest.raises(ValueError, match="cannot divide 3 members among 4 folds"):
        divide(np.arange(3), 4, rng(0))


# Scaling.


@settings(max_examples=30)
@given(
    st.integers(1, 600),
    st.integers(1, 4),
    seeds,
    st.floats(-1e4, 1e4),
    st.sampled_from([1e-3, 1.0, 1e6]),
)
def test_a_scaler_measures_what_scikit_learn_measures(
    n: int, features: int, seed: int, offset: float, spread: float
) -> None:
    x = rng(seed).normal(offset, spread, (n, features))
    x[:, 0] = offset
    scaler, reference = Scaler.fit(x), StandardScaler().fit(x)
    np.testing.assert_allclose(scaler.mean, reference.mean_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scaler.scale, reference.scale_, rtol=1e-6)
    assert scaler.scale[0] == 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaled_features_have_mean_0_and_deviation_1(dtype: str) -> None:
    x = rng(0).normal(5, 3, (1000, 7))
    scaled = Scaler.fit(x).transform(x, dtype)
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled.mean(axis=0, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0, dtype=np.float64), 1, atol=1e-6)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(x), atol=1e-5)


def test_scaling_in_blocks_gives_the_same_as_all_at_once() -> None:
    x = rng(1).normal(size=(1000, 3))
    whole, blocks = Scaler.of(Moments.of_blocks([x])), Scaler.fit(x)
    np.testing.assert_allclose(blocks.mean, whole.mean, atol=1e-14)
    np.testing.assert_allclose(blocks.scale, whole.scale, rtol=1e-13)


def test_no_rows_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="no rows"):
        Scaler.fit(np.empty((0, 3)))


def test_one_scale_for_all_features_keeps_their_proportions() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((500, 3)) * [1.0, 2.0, 0.0] + [5.0, 0.0, 7.0]
    scaled = Scaler.of(Moments.of_blocks([x]), one_scale=True).transform(x, np.float64)
    assert np.allclose(scaled.mean(axis=0), 0.0, atol=1e-12)
    assert np.isclose(np.mean(scaled**2), 1.0)
    deviations, plain = scaled.std(axis=0), x.std(axis=0)
    assert np.isclose(deviations[1] / deviations[0], plain[1] / plain[0])
    constant = np.full((4, 2), 3.0)
    assert np.array_equal(
        Scaler.of(Moments.of_blocks([constant]), one_scale=True).transform(constant, np.float64),
        np.zeros((4, 2)),
    )


def test_the_config_chooses_between_scales_of_their_own_and_one_for_all() -> None:
    own, common = (
        load_dataset(BundledDataset(name="wine", standardize=kind), seed=0)
        for kind in (True, "global")
    )
    inputs, common_inputs = own.preprocessing.inputs, common.preprocessing.inputs
    assert len({column.scale for column in inputs}) == 13
    assert len({column.scale for column in common_inputs}) == 1
    assert [column.mean for column in inputs] == [column.mean for column in common_inputs]


# Data sets that come with scikit-learn, and xor.


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [
        ("digits", 1797, 64, list("0123456789")),
        ("iris", 150, 4, ["setosa", "versicolor", "virginica"]),
        ("wine", 178, 13, ["class_0", "class_1", "class_2"]),
        ("breast_cancer", 569, 30, ["malignant", "benign"]),
    ],
)
def test_bundled_sets_are_split_stratified(
    name: Literal["digits", "iris", "wine", "breast_cancer"],
    rows: int,
    features: int,
    classes: list[str],
) -> None:
    config = BundledDataset(name=name, validation=RowHoldout(fraction=0.25))
    for _ in ("built", "from the cache"):
        dataset = load_dataset(config, seed=3)
        assert dataset.validation is not None
        parts = (dataset.train, dataset.validation, dataset.test)
        assert sum(map(len, parts)) == rows
        assert dataset.n_features == features
        assert list(dataset.classes) == classes
        assert all(set(part.y.tolist()) == set(range(len(classes))) for part in parts)
        assert len(dataset.test) == pytest.approx(0.2 * rows, abs=len(classes))
        assert dataset.train.groups is None


def features_of(dataset: Dataset) -> list[NDArray[Any]]:
    assert dataset.validation is not None
    return [dataset.train.x, dataset.validation.x, dataset.test.x]


def test_equal_seeds_give_equal_splits_and_a_split_seed_overrides_the_seed() -> None:
    plain = BundledDataset(name="iris", validation=RowHoldout(fraction=0.25))
    fixed = plain.model_copy(update={"split_seed": 3})
    for same in (load_dataset(plain, 3), load_dataset(fixed, 8)):
        for one, other in zip(features_of(load_dataset(plain, 3)), features_of(same), strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(load_dataset(plain, 3).test.x, load_dataset(plain, 4).test.x)


def test_a_validation_split_does_not_move_the_test_split() -> None:
    without = BundledDataset(name="iris", standardize=False)
    with_one = without.model_copy(update={"validation": RowHoldout(fraction=0.3)})
    np.testing.assert_array_equal(load_dataset(without, 0).test.x, load_dataset(with_one, 0).test.x)


def standardized(*names: str, mean: float, scale: float) -> Preprocessing:
    inputs = tuple(InputColumn(name, mean=mean, scale=scale) for name in names)
    return Preprocessing(inputs, ("a", "b"))


def test_a_given_preprocessing_is_used_as_it_is() -> None:
    config = BundledDataset(name="iris", standardize=False)
    raw = load_dataset(config, 0, dtype="float64")
    names = [column.name for column in raw.preprocessing.inputs]
    stored = standardized(*names, mean=2.0, scale=4.0)
    scaled = load_dataset(config, 0, dtype="float64", preprocessing=stored)
    assert scaled.preprocessing is stored
    np.testing.assert_array_equal(scaled.test.x, (raw.test.x - 2) / 4)


def test_a_preprocessing_of_columns_that_are_not_there_is_refused_with_their_names() -> None:
    stored = standardized("petal width (cm)", "colour", "petal lenght (cm)", mean=0.0, scale=1.0)
    with pytest.raises(DataError) as error:
        load_dataset(BundledDataset(name="iris"), 0, preprocessing=stored)
    assert str(error.value).startswith(
        "scikit-learn's iris: has no column colour, petal lenght (cm), which the model was trained "
        "with; found sepal length (cm), sepal width (cm), petal length (cm), petal width (cm)"
    )


def test_xor_trains_and_tests_on_its_four_points() -> None:
    dataset = load_dataset(XorDataset(name="xor"), seed=0)
    for part in (dataset.train, dataset.test):
        assert part.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
        assert part.y.tolist() == [0, 1, 1, 0]
    assert dataset.validation is None
    assert dataset.classes == ("0", "1")
    scaled = load_dataset(XorDataset(name="xor", standardize=True), seed=0)
    assert scaled.train.x.tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]


def test_different_data_have_different_checksums() -> None:
    tables = [
        load_raw(BundledDataset(name="iris")),
        load_raw(BundledDataset(name="wine")),
        load_raw(XorDataset(name="xor")),
    ]
    assert len({table.checksum for table in tables}) == 3


# Splits that are not possible.


def raw_of_classes(y: list[int], groups: list[int] | None, n_test: int = 0) -> RawDataset:
    return RawDataset(
        name="csv",
        stored=np.arange(2.0 * len(y)).reshape(-1, 2),
        y=np.array(y),
        classes=("cat", "dog", "cow"),
        groups=None if groups is None else np.array(groups),
        group_name=None if groups is None else "owner",
        test_rows=np.arange(len(y) - n_test, len(y)) if n_test else None,
        checksum="",
        source="animals.csv",
    )


def split(raw: RawDataset, seed: int = 0, **settings: Any) -> Dataset:
    config = CsvDataset.model_construct(name="csv", path="animals.csv", **settings)
    return make_dataset(raw, config, seed, dtype="float32")


def test_a_class_with_one_row_cannot_be_split_by_rows() -> None:
    with pytest.raises(
        DataError, match=r"dataset\.test: too few rows of class cow in animals\.csv: .*\(found 1"
    ):
        split(raw_of_classes([0, 0, 1, 1, 2], None))


def test_a_class_whose_rows_the_test_part_used_up_cannot_be_split_again() -> None:
    holdout = GroupHoldout(fraction=0.5)
    with pytest.raises(DataError, match=r"dataset\.validation: too few rows of class cat, dog, co"):
        split(raw_of_classes([0, 0, 1, 1, 2, 2], None), validation=holdout)


def test_a_single_group_cannot_be_divided() -> None:
    holdout = GroupHoldout(fraction=0.5, by="group")
    with pytest.raises(DataError, match=r"dataset\.test: only one owner is left in animals\.csv"):
        split(raw_of_classes([0, 1, 2] * 2, [7] * 6), test=holdout)


def test_groups_are_asked_for_where_there_are_none() -> None:
    holdout = GroupHoldout(fraction=0.5, by="group")
    with pytest.raises(ConfigError, match=r"dataset\.validation\.by: .*; set dataset\.group"):
        split(raw_of_classes([0, 1, 2] * 4, None), validation=holdout)


def test_a_class_that_only_the_held_out_groups_have_is_an_error() -> None:
    holdout = GroupHoldout(fraction=0.4, by="group")
    with pytest.raises(DataError, match=r"dataset\.test: no row of class \w+ is left to train on"):
        split(raw_of_classes([0, 0, 1, 1, 2, 2], [1, 1, 2, 2, 3, 3]), test=holdout)


def test_test_and_validation_parts_by_group_share_no_group() -> None:
    holdout = GroupHoldout(fraction=0.3, by="group")
    groups = np.repeat(np.arange(20), 3).tolist()
    dataset = split(raw_of_classes([0, 1, 2] * 20, groups), test=holdout, validation=holdout)
    assert dataset.validation is not None
    parts = [part.groups for part in (dataset.train, dataset.validation, dataset.test)]
    sets = [set(part.tolist()) for part in parts if part is not None]
    assert [len(part) for part in sets] == [10, 4, 6]
    assert len(set.union(*sets)) == 20


@pytest.mark.parametrize(("by", "members"), [("rows", "6 rows"), ("group", "3 groups")])
def test_more_folds_than_rows_or_groups_are_an_error(
    by: Literal["rows", "group"], members: str
) -> None:
    fold = GroupFold(folds=7, fold=0, by=by)
    animals = raw_of_classes([0, 1, 2] * 4, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], n_test=6)
    message = r"dataset\.validation\.folds: found 7, but the training part of animals\.csv "
    message += f"has only {members} to"
    with pytest.raises(DataError, match=message):
        split(animals, validation=fold)


def test_a_fold_that_holds_all_rows_of_a_class_is_an_error() -> None:
    cat_of_one_owner = raw_of_classes([0, 0, 1, 1, 1, 1, 0, 1], [1, 1, 2, 2, 3, 3, 4, 4], n_test=2)
    problems = []
    for number in range(2):
        fold = GroupFold(folds=2, fold=number, by="group")
        try:
            split(cat_of_one_owner, validation=fold)
        except DataError as error:
            problems.append(str(error))
    (problem,) = problems
    assert problem.startswith("dataset.validation: no row of class cat is left to train on")
    assert problem.endswith("choose more folds or another dataset.split_seed")


def test_a_fixed_test_part_stays_as_it_is() -> None:
    dataset = split(raw_of_classes([0, 1, 2] * 4, None, n_test=3), standardize=False)
    assert dataset.test.x.tolist() == [[18, 19], [20, 21], [22, 23]]
    assert len(dataset.train) == 9


def test_the_config_asks_for_the_column_when_groups_are_wanted() -> None:
    by_group = {"fraction": 0.2, "by": "group"}
    for key in ("test", "validation"):
        with pytest.raises(ValueError, match=f"{key}.by: group needs to know the column"):
            CsvDataset.model_validate({"name": "csv", "path": "a.csv", key: by_group})


def test_isolet_has_no_test_part_to_draw() -> None:
    assert IsoletDataset(name="isolet").test is None
    with pytest.raises(ValidationError):
        IsoletDataset.model_validate({"name": "isolet", "test": {"fraction": 0.2}})


def raw_of_features(x: Any, **keys: Any) -> RawDataset:
    x = np.asarray(x, np.float64)
    n = len(x)
    defaults: dict[str, Any] = {
        "name": "made up",
        "stored": x,
        "y": np.arange(n) % 2,
        "classes": ("a", "b"),
        "groups": None,
        "group_name": None,
        "test_rows": np.arange(n - 4, n),
        "checksum": "",
        "source": "made-up.csv",
    }
    return RawDataset(**{**defaults, **keys})


def with_cell(value: float, row: int, rows: int = 600) -> NDArray[np.float64]:
    """Three features of standard normal numbers, but for one number in the second."""
    x = np.random.default_rng(0).normal(size=(rows, 3))
    x[row, 1] = value
    return x


CSV = CsvDataset(name="csv", path="made-up.csv", test_path="made-up-test.csv")


@pytest.mark.parametrize("standardize", [True, "global"])
@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 1e200, 1e155])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_whose_square_overflows_is_refused_by_column_and_row(
    value: float, standardize: Any, dtype: str
) -> None:
    config = CSV.model_copy(update={"standardize": standardize})
    raw = raw_of_features(with_cell(value, 300), columns=tuple(map(Column, "xyz")))
    with pytest.raises(DataError) as error:
        make_dataset(raw, config, 0, dtype)
    expected = f"made-up.csv: data row 301: column 'y': found {value!r}, too large to standardize"
    assert str(error.value).startswith(expected)


def test_a_sum_that_overflows_although_no_number_is_to_blame_alone_is_refused_too() -> None:
    x = np.tile([1.0, 1.5e308], (12, 1))
    with pytest.raises(DataError, match=r"data row 1: column 'x2': found 1\.5e\+308, too large"):
        make_dataset(raw_of_features(x), CSV, 0, "float64")


@pytest.mark.parametrize(
    ("row", "where"),
    [(300, "data row 301"), (598, "data row 3 of the test part")],
    ids=["train", "test"],
)
def test_a_number_too_large_for_the_number_type_is_refused_by_column_and_row(
    row: int, where: str
) -> None:
    config = CSV.model_copy(update={"standardize": False})
    raw = raw_of_features(with_cell(1e39, row))
    with pytest.raises(DataError) as error:
        make_dataset(raw, config, 0, "float32")
    assert str(error.value) == (
        f"made-up.csv: {where}: column 'x2': found 1e+39, too large for float32 numbers; "
        "dataset.standardize: true or training.dtype: float64 has room for it"
    )
    in_float64 = make_dataset(raw, config, 0, "float64")
    assert max(split.x.max() for split in (in_float64.train, in_float64.test)) == 1e39


def test_a_number_that_only_scaling_makes_too_large_is_refused() -> None:
    x = with_cell(1e30, 598)
    x[:596, 1] *= 1e-20
    with pytest.raises(DataError, match=r"found 1e\+30, which is \S+ once it is standardized"):
        make_dataset(raw_of_features(x), CSV, 0, "float32")


def test_a_stored_models_scaling_that_makes_a_number_too_large_is_refused() -> None:
    stored = standardized("x1", "x2", "x3", mean=0.0, scale=1e-300)
    with pytest.raises(DataError, match=r"row 6: column 'x2': found 1e\+30, which is inf once"):
        make_dataset(raw_of_features(with_cell(1e30, 5)), CSV, 0, "float64", stored)


@pytest.mark.parametrize(
    ("size", "deviation"),
    [(1e-320, 0.0), (1e-200, 0.0), (1e-150, 1.0), (1e-20, 1.0), (1e100, 1.0), (1e150, 1.0)],
)
@pytest.mark.parametrize("standardize", [True, "global"])
def test_numbers_of_any_size_that_can_be_squared_are_scaled_without_a_warning(
    size: float, deviation: float, standardize: Any
) -> None:
    config = CSV.model_copy(update={"standardize": standardize})
    x = np.random.default_rng(1).normal(size=(600, 3)) * size
    dataset = make_dataset(raw_of_features(x), config, 0, "float64")
    assert np.isfinite(dataset.train.x).all()
    assert dataset.train.x.std() == pytest.approx(deviation, abs=1e-9)


@pytest.mark.parametrize("value", [0.1, 1e-300, -1e100])
def test_a_constant_feature_of_any_size_becomes_zero(value: float) -> None:
    x = with_cell(0.0, 0, 40)
    x[:, 1] = value
    dataset = make_dataset(raw_of_features(x), CSV, 0, "float64")
    np.testing.assert_allclose(dataset.train.x[:, 1] / abs(value), 0.0, atol=1e-12)
