"""Ensembles, and averages of the weights on the way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import (
    make_dataset,
    make_experiment,
    same_arrays,
    trained,
)
from needs import BACKENDS

from isolet_nn.nn.losses import softmax
from isolet_nn.scores.evaluation import loss_and_accuracy
from isolet_nn.training.backend import below
from isolet_nn.training.loop import Training


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_ensemble_s_first_network_is_the_single_network_and_the_others_differ(
    backend: str,
) -> None:
    dataset = make_dataset()
    settings: dict[str, Any] = {"backend": backend, "model__dropout": 0.2, "training__epochs": 2}
    single = trained([make_experiment(**settings)], [dataset])
    ensemble = trained([make_experiment(**settings, ensemble=3)], [dataset])
    weights = ensemble.weights(0)
    networks = [below(f"{k}.", weights) for k in range(3)]
    assert same_arrays(networks[0], single.weights(0))
    assert not np.array_equal(networks[0]["0.weight"], networks[1]["0.weight"])
    assert not np.array_equal(networks[1]["0.weight"], networks[2]["0.weight"])
    assert sum(map(len, networks)) == len(weights)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_ensemble_answers_with_its_networks_mean_probabilities(backend: str) -> None:
    dataset = make_dataset(rows=200)
    experiment = make_experiment(backend=backend, ensemble=3, training__epochs=3)
    training = trained([experiment], [dataset])
    x, y = dataset.test.x, dataset.test.y
    mean = softmax(training.backend.logits(x).astype(float)).mean(axis=0)
    assert np.allclose(softmax(training.logits(x)[0]), mean, rtol=1e-12)
    row = training.members[0].history[-1]
    assert row["test_accuracy"] == np.mean(mean.argmax(axis=1) == y)
    assert math.isclose(row["test_loss"] or 0, -np.log(mean[np.arange(len(y)), y]).mean())


def test_an_ensemble_that_early_stopping_ended_keeps_the_weights_of_its_best_epoch() -> None:
    dataset = make_dataset(rows=100, validation=40)
    training = trained(
        [
            make_experiment(
                ensemble=2,
                dataset__validation={"fraction": 0.2},
                optimizer={"name": "sgd", "learning_rate": 2.0},
                training__epochs=30,
                training__early_stopping={"patience": 3},
            )
        ],
        [dataset],
    )
    member = training.members[0]
    assert member.best_epoch is not None
    assert member.best_epoch < len(member.history)
    assert member.weights is not None
    training.load_weights(0, member.weights)
    assert dataset.validation is not None
    loss, _ = loss_and_accuracy(training.logits(dataset.validation.x)[0], dataset.validation.y)
    assert loss == member.history[member.best_epoch - 1]["validation_loss"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_exponential_average_is_evaluated_and_kept_while_training_goes_on_without_it(
    backend: str,
) -> None:
    dataset = make_dataset(rows=100)
    averaged, last = (
        Training(
            [
                make_experiment(
                    backend=backend, training__batch_size=16, training__weight_averaging=kind
                )
            ],
            [dataset],
        )
        for kind in ({"name": "ema", "decay": 0.9}, "none")
    )
    for _ in range(3):
        averaged.run_epoch()
        last.run_epoch()
        assert not np.array_equal(averaged.weights(0)["0.weight"], last.weights(0)["0.weight"])
    for name in ("train_loss", "train_accuracy"):
        assert averaged.members[0].history[-1][name] == last.members[0].history[-1][name]
    test = dataset.test
    loss, _ = loss_and_accuracy(averaged.logits(test.x)[0], test.y)
    assert loss == averaged.members[0].history[-1]["test_loss"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_stochastic_weight_averaging_is_the_mean_of_the_last_epochs_weights(backend: str) -> None:
    dataset = make_dataset(rows=100, dtype="float64")
    swa, last = (
        Training(
            [
                make_experiment(
                    backend=backend,
                    training__epochs=8,
                    training__dtype="float64",
                    training__weight_averaging=kind,
                )
            ],
            [dataset],
        )
        for kind in ({"name": "swa", "start": 0.5}, "none")
    )
    weights = []
    for _ in range(8):
        swa.run_epoch()
        last.run_epoch()
        weights.append(last.weights(0)["0.weight"])
        if swa.epoch <= 4:
            assert np.array_equal(swa.weights(0)["0.weight"], weights[-1])
    assert np.allclose(swa.weights(0)["0.weight"], np.mean(weights[4:], axis=0), rtol=1e-12)
