"""Weights of classes and rows: what they are, and what they do to a training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import (
    largest_relative_difference,
    make_dataset,
    make_experiment,
    rows_without_seconds,
    same_arrays,
    trained,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import BACKENDS
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from isolet_nn.config.loading import load_experiment
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.errors import ConfigError
from isolet_nn.runs import execution
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep
from isolet_nn.training.loop import Training
from isolet_nn.training.weighting import row_weights

seeds = st.integers(0, 1000)


def with_weights(dataset: Dataset, weights: NDArray[np.float64] | None) -> Dataset:
    return dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, weights=weights))


def repeated(dataset: Dataset, times: NDArray[np.int64]) -> Dataset:
    train = dataset.train
    return dataclasses.replace(
        dataset, train=Split(train.x.repeat(times, axis=0), train.y.repeat(times), None)
    )


@given(seed=seeds, is_weighted=st.booleans())
def test_balanced_weights_are_those_of_scikit_learn(seed: int, is_weighted: bool) -> None:
    dataset, random = make_dataset(seed, rows=40), np.random.default_rng(seed)
    own = random.uniform(0.5, 2.0, 40) if is_weighted else np.ones(40)
    y = dataset.train.y
    theirs = compute_class_weight("balanced", classes=np.unique(y), y=y, sample_weight=own)
    expected = own * theirs[np.searchsorted(np.unique(y), y)]
    weights = row_weights(
        make_experiment(training__class_weight="balanced"), with_weights(dataset, own)
    )
    assert weights is not None
    assert np.isclose(weights.mean(), 1.0, rtol=1e-12)
    assert np.allclose(weights, expected / expected.mean(), rtol=1e-12)


def test_a_class_that_is_not_named_has_weight_1() -> None:
    dataset = make_dataset()
    weights = row_weights(make_experiment(training__class_weight={"class 1": 3}), dataset)
    assert weights is not None
    rare, usual = weights[dataset.train.y == 1], weights[dataset.train.y != 1]
    assert np.allclose(rare, 3.0 * usual[0], rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("own", [None, 1e300, 1e-300])
def test_weights_that_are_all_the_same_leave_the_bits_alone(
    backend: str, own: float | None
) -> None:
    dataset = make_dataset()
    classes = {} if own else {"training__class_weight": dict.fromkeys(dataset.classes, 0.3)}
    weights = np.full(60, own) if own else None
    plain = trained([make_experiment(backend=backend)], [dataset])
    other = trained([make_experiment(backend=backend, **classes)], [with_weights(dataset, weights)])
    assert same_arrays(plain.weights(0), other.weights(0))
    assert rows_without_seconds(plain.members[0].history) == rows_without_seconds(
        other.members[0].history
    )


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=15)
@given(
    seed=seeds,
    class_weight=st.sampled_from([None, "balanced", {"class 2": 5}]),
    smoothing=st.sampled_from([0.0, 0.2]),
)
def test_a_row_of_weight_k_is_k_such_rows_where_all_rows_are_one_batch(
    backend: str, seed: int, class_weight: Any, smoothing: float
) -> None:
    times = np.random.default_rng(seed).integers(1, 5, 20)
    dataset = make_dataset(seed, rows=20, dtype="float64")
    experiment = make_experiment(
        backend=backend,
        training__batch_size=1000,
        training__epochs=3,
        training__dtype="float64",
        training__class_weight=class_weight,
        training__label_smoothing=smoothing,
    )
    weighted = trained([experiment], [with_weights(dataset, times.astype(float))])
    longer = trained([experiment], [repeated(dataset, times)])
    for name, array in weighted.weights(0).items():
        assert np.allclose(array, longer.weights(0)[name], rtol=1e-9, atol=1e-12)
    losses = [
        [row["train_loss"] or 0.0 for row in t.members[0].history] for t in (weighted, longer)
    ]
    assert largest_relative_difference(*losses) < 1e-12


def test_a_rare_class_is_found_more_often_with_balanced_weights() -> None:
    plain, balanced = (
        trained([make_experiment(training__class_weight=how, training__epochs=5)], [unequal()])
        for how in (None, "balanced")
    )
    found = [(t.logits(unequal().test.x)[0].argmax(axis=1) == 1).sum() for t in (plain, balanced)]
    assert found[1] > found[0]


def unequal() -> Dataset:
    """Two classes that overlap, one of them rare."""
    dataset = make_dataset(rows=400, classes=2, features=1)
    train = dataset.train
    rows = np.flatnonzero((train.y == 0) | (np.arange(len(train.y)) % 20 == 0))
    return dataclasses.replace(dataset, train=Split(train.x[rows], train.y[rows], None))


def test_a_class_that_the_data_has_not_is_refused_with_the_nearest() -> None:
    experiment = make_experiment(training__class_weight={"class 9": 2, "clas 1": 2, "class 0": 2})
    with pytest.raises(ConfigError) as caught:
        Training([experiment], [make_dataset()])
    first, second = str(caught.value).splitlines()
    allowed = "allowed: class 0, class 1, class 2; did you mean class"
    assert first.startswith(f"training.class_weight: found the class 'class 9'; {allowed}")
    assert second == f"training.class_weight: found the class 'clas 1'; {allowed} 1?"


def test_train_and_sweep_refuse_an_unknown_class_before_they_make_a_folder(tmp_path: Path) -> None:
    weights = {"training.class_weight": {"setoza": 2}}
    iris: dict[str, Any] = {"dataset": {"name": "iris"}}
    message = "training.class_weight: found the class 'setoza'; .*did you mean setosa?"
    with pytest.raises(ConfigError, match=message):
        execution.train(load_experiment(iris, weights), runs_dir=tmp_path)
    grid = {"training.class_weight": [None, {"setoza": 2}]}
    file = tmp_path / "sweep.yaml"
    file.write_text(f"experiment: {iris}\ngrid: {grid}\n".replace("None", "null"))
    with pytest.raises(ConfigError, match=message):
        sweep(load_sweep(file), runs_dir=tmp_path)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "training.class_weight: found {}; it should have at least 1 item"),
        ({"a": 0}, "training.class_weight.a: found 0; it should be greater than 0"),
        ({"a": 1, "b": "x"}, "training.class_weight.b: found 'x'; it should be a valid number"),
        ({True: 2}, "training.class_weight: found true; a class that YAML takes for it is"),
        ("balancd", "training.class_weight: found 'balancd'; allowed: balanced; did you mean"),
        ([1.0], "training.class_weight: found [1.0]; allowed: balanced"),
    ],
)
def test_what_is_no_class_weight_is_refused_with_what_is(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_experiment(training__class_weight=wrong)
    (line,) = str(caught.value).splitlines()
    assert said in line


def test_a_class_may_be_named_by_a_number() -> None:
    assert make_experiment(training__class_weight={7: 2}).training.class_weight == {"7": 2.0}
