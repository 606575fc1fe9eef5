"""What `fit` and `partial_fit` train: the network of `train`, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_split, same_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import BACKENDS, needs_torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import isolet_nn
from isolet_nn import NeuralNetworkClassifier
from isolet_nn.data import load_raw
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.errors import DivergedError

Rows = NDArray[np.floating[Any]]
REGULARIZED: dict[str, Any] = {
    "ensemble": 2,
    "dropout": 0.2,
    "mixup": 0.3,
    "batch_normalization": True,
    "drop_last": True,
    "weight_averaging": "ema",
    "label_smoothing": 0.1,
    "optimizer": {"name": "sgd", "momentum": 0.9},
    "learning_rate": 0.02,
}


def clouds(rows: int = 60, dtype: str = "float64", seed: int = 0) -> tuple[Rows, NDArray[Any]]:
    split = make_split(np.random.default_rng(seed), rows, 5, 3, dtype)
    return split.x, np.array(["red", "green", "blue"])[split.y]


def make(**settings: Any) -> NeuralNetworkClassifier:
    return NeuralNetworkClassifier(
        **{"hidden_layers": (6,), "epochs": 3, "random_state": 1, **settings}
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_fit_gives_the_bits_of_train(backend: str, tmp_path: Path) -> None:
    """With the same settings, seed, rows and validation part."""
    experiment = isolet_nn.load_experiment(
        {
            "dataset": {
                "name": "digits",
                "standardize": False,
                "validation": {"fraction": 0.2},
                "split_seed": 7,
            },
            "model": {"hidden_layers": [9], "dropout": 0.1},
            "optimizer": {"name": "adamw", "beta1": 0.8},
            "training": {
                "epochs": 4,
                "schedule": "cosine",
                "class_weight": {"3": 2.5},
                "early_stopping": {"patience": 9},
            },
            "seed": 7,
            "backend": backend,
        }
    )
    run = isolet_nn.train(experiment, runs_dir=tmp_path)
    train, validation, test = rows_of_splits(load_raw(experiment.dataset), experiment.dataset, 7)
    assert validation is not None
    X, y = load_digits(return_X_y=True)
    rows = np.sort(np.concatenate([train, validation]))
    classifier = NeuralNetworkClassifier(
        (9,),
        dropout=0.1,
        optimizer="adamw",
        beta1=0.8,
        epochs=4,
        batch_size=128,
        schedule="cosine",
        class_weight={3: 2.5},
        early_stopping={"patience": 9},
        validation_fraction=0.2,
        backend=backend,
        dtype="float32",
        random_state=7,
    )
    with pytest.warns(ConvergenceWarning, match="all 4 epochs are over before early stopping"):
        classifier.fit(X[rows], y[rows])
    assert same_arrays(classifier.weights_, run.model().weights)
    assert classifier.best_epoch_ == run.summary["best_validation_epoch"]
    metrics = run.summary["metrics"]
    assert classifier.best_epoch_ is not None
    assert classifier.validation_scores_ is not None
    best = classifier.best_epoch_ - 1
    assert classifier.loss_curve_[best] == metrics["train_loss"]
    assert classifier.validation_scores_[best] == metrics["validation_accuracy"]
    assert classifier.score(X[test], y[test]) == metrics["test_accuracy"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("settings", [{}, REGULARIZED])
def test_partial_fit_on_the_same_rows_again_and_again_gives_the_bits_of_fit(
    backend: str, settings: dict[str, Any]
) -> None:
    X, y = clouds()
    fitted = make(backend=backend, **settings).fit(X, y)
    partly = make(backend=backend, **settings)
    for _ in range(3):
        partly.partial_fit(X, y, classes=["red", "green", "blue"])
    assert same_arrays(fitted.weights_, partly.weights_)
    assert fitted.loss_curve_ == partly.loss_curve_
    assert partly.n_iter_ == 3


def test_partial_fit_learns_from_rows_that_come_in_parts_of_any_size() -> None:
    X, y = clouds(300)
    classifier = make(learning_rate=0.01)
    for start in [*range(0, 290, 37)] * 5:
        classifier.partial_fit(X[start : start + 37], y[start : start + 37], np.unique(y))
    assert classifier.score(X, y) > 0.9


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("container", [csr_array, csr_matrix])
def test_sparse_rows_give_the_bits_of_dense_ones(backend: str, container: Any) -> None:
    X, y = clouds(70)
    X[X < 0.3] = 0.0
    settings = {"backend": backend, "validation_fraction": 0.2}
    dense, sparse = make(**settings).fit(X, y), make(**settings).fit(container(X), y)
    assert same_arrays(dense.weights_, sparse.weights_)
    assert dense.history_ == sparse.history_
    assert np.array_equal(dense.predict_proba(X), sparse.predict_proba(container(X)))


def test_warm_start_goes_on_with_the_weights_and_other_batches() -> None:
    X, y = clouds()
    classifier = make(warm_start=True, optimizer="sgd", learning_rate=0.05).fit(X, y)
    losses = list(classifier.loss_curve_)
    for _ in range(4):
        losses += classifier.fit(X, y).loss_curve_
    assert losses[-1] < losses[2] < losses[0]
    again = make(warm_start=True, optimizer="sgd", learning_rate=0.05).fit(X, y).fit(X, y)
    first = make(optimizer="sgd", learning_rate=0.05, epochs=6).fit(X, y)
    assert again.loss_curve_[0] != first.loss_curve_[3]


@pytest.mark.parametrize("changes", [{"hidden_layers": (7,)}, {"batch_normalization": True}])
def test_another_shape_cannot_go_on(changes: dict[str, Any]) -> None:
    X, y = clouds()
    classifier = make(warm_start=True).fit(X, y).set_params(**changes)
    with pytest.raises(ValueError, match="going on with it needs the same hidden_layers"):
        classifier.fit(X, y)


def test_other_classes_cannot_go_on() -> None:
    X, y = clouds()
    classifier = make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"knows .*'blue', 'green', 'red'"):
        classifier.fit(X[y != "red"], y[y != "red"])
    with pytest.raises(ValueError, match=r"labels that are not in classes: \['pink'\]"):
        classifier.partial_fit(X[:2], ["red", "pink"])
    with pytest.raises(ValueError, match="has to be told all classes"):
        make().partial_fit(X, y)


@settings(max_examples=10)
@given(seed=st.integers(0, 100))
def test_a_row_of_weight_0_is_no_row_and_equal_weights_are_none(seed: int) -> None:
    X, y = clouds(40, seed=seed)
    used = np.random.default_rng(seed).random(40) < 0.8
    weighted = make(batch_size=7).fit(X, y, sample_weight=np.where(used, 0.7, 0.0))
    assert same_arrays(weighted.weights_, make(batch_size=7).fit(X[used], y[used]).weights_)


@pytest.mark.parametrize("labels", [[0, 1, 2], [0.0, 1.0, 2.0], ["a", "b", "c"]])
def test_class_weights_are_by_label_and_move_what_is_predicted(labels: list[Any]) -> None:
    X, y = clouds()
    y = np.array(labels)[np.unique(y, return_inverse=True)[1]]
    key = labels[1] if isinstance(labels[1], str) else 1
    plain, weighted = make().fit(X, y), make(class_weight={key: 100}).fit(X, y)
    counts = [(classifier.predict(X) == labels[1]).sum() for classifier in (plain, weighted)]
    assert counts[1] > counts[0]
    with pytest.raises(ValueError, match="class_weight: found the class 'nobody'; allowed: "):
        make(class_weight={"nobody": 2}).fit(X, y)


def test_a_random_state_of_none_draws_another_network_each_time() -> None:
    X, y = clouds()
    first, second = (make(random_state=None).fit(X, y).weights_ for _ in range(2))
    assert not np.array_equal(first["0.weight"], second["0.weight"])
    states = [np.random.RandomState(3), np.random.RandomState(3)]
    first, second = (make(random_state=state).fit(X, y).weights_ for state in states)
    assert same_arrays(first, second)


@pytest.mark.parametrize("given_as", ["float32", "float64"])
def test_the_numbers_are_those_of_the_table_unless_said_otherwise(given_as: str) -> None:
    X, y = clouds(dtype=given_as)
    assert make().fit(X, y).weights_["0.weight"].dtype == given_as
    assert make(dtype="float32").fit(X, y).weights_["0.weight"].dtype == "float32"
    assert make().fit(X, y).predict_proba(X).dtype == "float64"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loss_that_is_no_number_raises(backend: str) -> None:
    X, y = clouds()
    with pytest.raises(DivergedError, match="a smaller learning_rate may help, or scaled features"):
        make(backend=backend, optimizer="sgd", learning_rate=1e300).fit(X, y)


@needs_torch
def test_the_number_of_threads_of_pytorch_is_left_as_it_was() -> None:
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        make(backend="torch").fit(*clouds())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_verbose_prints_an_epoch_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    make(verbose=True, epochs=2, validation_fraction=0.2).fit(*clouds())
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 1: train loss ")
    assert "validation accuracy 0." in second


def test_early_stopping_ends_with_the_best_epoch_and_says_so() -> None:
    X, y = clouds(200)
    settings = {"early_stopping": {"patience": 3}, "learning_rate": 0.1, "epochs": 500}
    classifier = make(**settings).fit(X, y)
    assert classifier.best_epoch_ is not None
    assert classifier.validation_scores_ is not None
    assert classifier.n_iter_ == classifier.best_epoch_ + 3
    assert len(classifier.validation_scores_) == len(classifier.loss_curve_) == classifier.n_iter_
    assert make().fit(X, y).validation_scores_ is None
    assert make(schedule="reduce_on_plateau").fit(X, y).validation_scores_ is not None
