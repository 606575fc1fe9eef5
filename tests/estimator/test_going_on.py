"""Calls after the first: with other parameters than before, and after one that failed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from builders import same_arrays
from needs import BACKENDS, needs_torch

from estimator.test_training import clouds, make
from isolet_nn.errors import DivergedError

SGD = {"name": "sgd", "momentum": 0.9}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd"},
        {"optimizer": "adam"},
        {"optimizer": "rmsprop"},  # whose state has the shape of a velocity, but no negative number
        {"weight_averaging": "ema"},
        {"dtype": "float32"},
    ],
)
def test_an_optimizer_of_another_kind_begins_anew_with_the_weights_there_are(
    backend: str, changes: dict[str, Any]
) -> None:
    X, y = clouds()
    classifier = make(backend=backend, optimizer=SGD).partial_fit(X, y, classes=np.unique(y))
    for _ in range(2):
        classifier.set_params(**changes).partial_fit(X, y)
    first, second, third = classifier.loss_curve_
    assert third < second < first
    assert classifier.weights_["0.weight"].dtype == changes.get("dtype", "float64")


@needs_torch
@pytest.mark.parametrize("backends", [("numpy", "torch"), ("torch", "numpy")])
def test_a_network_goes_on_in_the_other_backend(backends: tuple[str, str]) -> None:
    X, y = clouds()
    first, second = backends
    classifier = make(backend=first).partial_fit(X, y, classes=np.unique(y))
    classifier.set_params(backend=second).partial_fit(X, y)
    assert classifier.loss_curve_[1] < classifier.loss_curve_[0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_warm_start_goes_on_with_numbers_of_another_type(backend: str) -> None:
    X, y = clouds()
    classifier = make(backend=backend, warm_start=True).fit(X, y)
    before = classifier.loss_curve_[-1]
    assert classifier.set_params(dtype="float32").fit(X, y).loss_curve_[-1] < before
    assert classifier.weights_["0.weight"].dtype == "float32"


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "learning_rate": 1e300},
        {"hidden_layers": (9,), "activation": "tanh"},
        {"dropout": 3},
    ],
)
def test_a_call_that_fails_leaves_the_network_as_it_was(changes: dict[str, Any]) -> None:
    X, y = clouds()
    classifier = make(warm_start=True).fit(X, y)
    before = classifier.predict_proba(X)
    classifier.set_params(**changes)
    for train in (classifier.fit, classifier.partial_fit):
        with pytest.raises((ValueError, DivergedError), match=r"diverged|another shape|found 3"):
            train(X, y)
    assert np.array_equal(classifier.predict_proba(X), before)


@pytest.mark.parametrize("backend", BACKENDS)
def test_partial_fit_refuses_weights_that_only_the_last_step_ruined(backend: str) -> None:
    X, y = clouds(32)  # one step: its loss is that before it
    classifier = make(backend=backend, optimizer="sgd", learning_rate=1e308, hidden_layers=(6, 6))
    with pytest.raises(DivergedError, match="after epoch 1 weights are no longer finite"):
        classifier.partial_fit(1e10 * X, y, classes=np.unique(y))
    assert not hasattr(classifier, "weights_")


def test_partial_fit_needs_two_classes_as_fit_does() -> None:
    X, y = clouds()
    for train in (make().fit, lambda X, y: make().partial_fit(X, y, classes=y[:1])):
        with pytest.raises(ValueError, match="found one class only, 'red'; a classifier needs two"):
            train(X[y == "red"], y[y == "red"])


def test_weights_of_classes_that_these_rows_lack_change_nothing() -> None:
    X, y = clouds()
    X, y = X[y != "red"], y[y != "red"]
    weights = {"green": 2.0, "blue": 5.0}
    expected = make(class_weight=weights).fit(X, y).weights_
    assert same_arrays(make(class_weight=weights | {"red": 3.0}).fit(X, y).weights_, expected)


@needs_torch
def test_the_number_of_threads_of_pytorch_stays_even_if_a_fit_is_the_first_to_import_it() -> None:
    script = (
        "import os; os.environ['OMP_NUM_THREADS'] = '2'\n"
        "from isolet_nn import NeuralNetworkClassifier\n"
        "network = NeuralNetworkClassifier(backend='torch', epochs=1)\n"
        "network.fit([[0.0], [1.0]] * 9, [0, 1] * 9)\n"
        "import torch; print(torch.get_num_threads())\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert shown.stdout.strip() == b"2"
