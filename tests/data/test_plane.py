"""Points of the plane that a formula makes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from isolet_nn.config.datasets import PlaneDataset
from isolet_nn.config.holdouts import RowHoldout
from isolet_nn.data import load_dataset, load_raw
from isolet_nn.data.catalog import describe

Name = Literal["moons", "spirals"]
both = pytest.mark.parametrize("name", ["moons", "spirals"])


def test_without_noise_moons_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import make_moons

    raw = load_raw(PlaneDataset(name="moons", rows=50, noise=0.0))
    x, y = make_moons(50, shuffle=False)
    for label in (0, 1):
        np.testing.assert_allclose(raw.x[raw.y == label], x[y == label], atol=5e-5)


def test_without_noise_an_arm_of_a_spiral_makes_one_turn_around_the_middle() -> None:
    raw = load_raw(PlaneDataset(name="spirals", rows=303, noise=0.0))
    for label in range(3):
        points = raw.x[raw.y == label]
        t = np.linspace(0.0, 1.0, 101)
        np.testing.assert_allclose(np.hypot(*points.T), 3.0 * t, atol=1e-4)
        angles = np.arctan2(points[1:, 1], points[1:, 0]) - 2.0 * np.pi * (t[1:] + label / 3.0)
        np.testing.assert_allclose(np.cos(angles), 1.0, atol=1e-5)


@both
def test_noise_is_as_wide_as_is_said_and_drawn_by_its_own_seed(name: Name) -> None:
    exact = PlaneDataset(name=name, rows=6000, noise=0.0)
    noisy = exact.model_copy(update={"noise": 0.3})
    other = noisy.model_copy(update={"noise_seed": 1})
    difference = load_raw(noisy).x - load_raw(exact).x
    assert np.std(difference) == pytest.approx(0.3, rel=0.03)
    assert np.mean(difference) == pytest.approx(0.0, abs=0.01)
    assert load_raw(noisy).checksum == load_raw(noisy).checksum
    assert len({load_raw(config).checksum for config in (exact, noisy, other)}) == 3


@pytest.mark.parametrize(
    ("name", "imbalance", "counts"),
    [
        ("moons", 1.0, [300, 300]),
        ("moons", 9.0, [540, 60]),
        ("spirals", 9.0, [415, 139, 46]),
        ("spirals", 1000.0, [580, 19, 1]),
    ],
)
def test_classes_may_be_unequal_by_a_factor(
    name: Name, imbalance: float, counts: list[int]
) -> None:
    raw = load_raw(PlaneDataset(name=name, imbalance=imbalance))
    assert np.bincount(raw.y).tolist() == counts
    for label, count in enumerate(counts):  # each class is spread over all of the rows
        assert abs(int((raw.y[:300] == label).sum()) - count / 2) <= 1


@pytest.mark.parametrize("rows", [3, 4, 5, 602])
@both
def test_every_class_has_a_point_however_few_there_are(name: Name, rows: int) -> None:
    raw = load_raw(PlaneDataset(name=name, rows=rows, imbalance=1000.0))
    assert len(raw.y) == rows
    assert np.bincount(raw.y).min() >= 1


@pytest.mark.parametrize(
    ("name", "checksum"),
    [
        ("moons", "4c49398b534c67dd70207d4163d68bd119fd90734abf632da5430c044d12b3cf"),
        ("spirals", "93afa91d1c22ccab93a0e6470f4407505dc46599f6da6fb2b447c9cfa2465e8f"),
    ],
)
def test_equal_settings_make_equal_points_in_every_version(name: Name, checksum: str) -> None:
    assert load_raw(PlaneDataset(name=name)).checksum == checksum


@both
def test_points_are_split_like_the_rows_of_other_data(name: Name) -> None:
    config = PlaneDataset(name=name, validation=RowHoldout(fraction=0.25))
    dataset = load_dataset(config, seed=3)
    assert dataset.validation is not None
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [len(part) for part in parts] == [360, 120, 120]
    for part in parts:
        assert len(set(np.bincount(part.y).tolist())) == 1, "classes have equal shares"
    again = load_dataset(config, seed=4)
    assert dataset.checksum == again.checksum, "the seed divides the rows, and makes none"
    assert not np.array_equal(dataset.test.x, again.test.x)


def test_what_is_shown_of_points_is_what_was_asked_for() -> None:
    info = describe(PlaneDataset(name="spirals", rows=7))
    assert (info.rows, info.features, info.classes) == (7, 2, ("arm 1", "arm 2", "arm 3"))
    assert info.checksum == load_raw(PlaneDataset(name="spirals", rows=7)).checksum
