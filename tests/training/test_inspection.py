"""What is measured of a network in training, against plain definitions; nothing depends on it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from builders import (
    ACTIVATIONS,
    make_dataset,
    make_experiment,
    rows_without_seconds,
    same_arrays,
    train_steps,
    train_to_the_end,
)
from needs import BACKENDS
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from isolet_nn.config.experiment import Experiment
from isolet_nn.training.inspection import inspected_rows, inspected_steps
from isolet_nn.training.inspector import LayerInspection
from isolet_nn.training.loop import Training

each_backend = pytest.mark.parametrize("backend", BACKENDS)
Records = list[list[LayerInspection]]
"""Those of each epoch."""
EVENTFUL: dict[str, Any] = {
    "ensemble": 2,
    "model__hidden_layers": [6, 4],
    "model__dropout": 0.2,
    "model__batch_normalization": True,
    "model__max_norm": 1.5,
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training__batch_size": 8,
    "training__clip_norm": 0.5,
    "training__epochs": 3,
    "training__weight_averaging": {"name": "ema", "decay": 0.8},
}
"""An ensemble in which everything happens before, within and after a step."""


def inspected(training: Training, member: int = 0) -> Records:
    """Train to the end; what was seen of one experiment in each epoch that it had."""
    found = []
    with threadpool_limits(1):
        while not training.finished:
            is_in_training = not training.members[member].finished
            training.run_epoch()
            if is_in_training:
                found.append(training.inspected[member])
    return found


def by_layer(weights: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float64]]:
    """All parameters of each dense layer of a network that is not normalised."""
    layers = itertools.groupby(weights.items(), key=lambda item: item[0].split(".")[0])
    return [np.concatenate([array.ravel() for _, array in of_layer]) for _, of_layer in layers]


@each_backend
def test_norms_are_root_mean_squares_over_the_steps_of_all_parameters_of_a_layer(
    backend: str,
) -> None:
    rate = 0.2
    experiment = make_experiment(
        backend=backend,
        model__hidden_layers=[5, 4],
        optimizer={"name": "sgd", "learning_rate": rate},
        training__batch_size=16,
        training__dtype="float64",
        training__epochs=1,
        training__inspect=True,
    )
    training = Training([experiment], [make_dataset(rows=60, dtype="float64")])
    parameters = [by_layer(training.weights(0))]

    def keep() -> bool:
        parameters.append(by_layer(training.weights(0)))
        return False

    training.run_epoch(keep)
    assert len(parameters) == 1 + 4
    (of_layers,) = training.inspected
    for layer, record in enumerate(of_layers):
        steps = [after[layer] - before[layer] for before, after in itertools.pairwise(parameters)]
        update = np.sqrt(np.mean([step @ step for step in steps]))
        assert record.update_norm == pytest.approx(update, rel=1e-9)
        assert record.gradient_norm == pytest.approx(update / rate, rel=1e-9)
        assert record.weight_norm == pytest.approx(np.linalg.norm(parameters[-1][layer]), rel=1e-9)
        assert record.units == (5, 4, 3)[layer]


@each_backend
def test_gradients_are_seen_before_they_are_clipped(backend: str) -> None:
    changes = {"training__inspect": True, "training__epochs": 1, "backend": backend}
    plain, clipped = (
        inspected(Training([make_experiment(**changes, **more)], [make_dataset()]))[0][0]
        for more in ({}, {"training__clip_norm": 1e-3})
    )
    assert plain.gradient_norm == clipped.gradient_norm, "of the epoch's one step"


def naive(experiment: Experiment, weights: Mapping[str, Any], x: Any) -> list[NDArray[np.float64]]:
    """The activations of each hidden layer, by the functions' definitions in PyTorch."""
    import torch
    from torch import nn

    config = experiment.model.activation
    name = {"leaky_relu": "LeakyReLU", "relu": "ReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}
    options = {key: value for key, value in config.model_dump().items() if key != "name"}
    function = getattr(nn, name.get(config.name, config.name.capitalize()))(**options)
    tensors = {key: torch.from_numpy(array) for key, array in weights.items()}
    h, found = torch.from_numpy(x), []
    for position in range(len(experiment.model.hidden_layers)):
        h = function(h @ tensors[f"{2 * position}.weight"].T + tensors[f"{2 * position}.bias"])
        found.append(h.numpy())
    return found


@each_backend
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_activations_are_those_of_the_epoch_s_last_weights(backend: str, activation: Any) -> None:
    pytest.importorskip("torch")
    experiment = make_experiment(
        backend=backend,
        model__hidden_layers=[7, 4],
        model__activation=activation,
        model__initializer={"name": "normal", "scale": 1.0},
        training__dtype="float64",
        training__epochs=1,
        training__inspect=True,
    )
    dataset = make_dataset(rows=40, dtype="float64")
    training = Training([experiment], [dataset])
    weights = training.weights(0)
    weights["0.bias"][:2] = -50.0  # two units on one side for every row
    training.load_weights(0, weights)
    training.run_epoch()
    expected = naive(experiment, training.weights(0), dataset.train.x)
    *hidden, last = training.inspected[0]
    for record, a in zip(hidden, expected, strict=True):
        assert record.activation_mean == pytest.approx(a.mean())
        assert record.activation_deviation == pytest.approx(a.std())
        if experiment.model.activation.name in ("sigmoid", "tanh"):
            derivative = 4 * a * (1 - a) if a.min() >= 0 else 1 - a * a
            assert record.saturated_share == pytest.approx(np.mean(derivative < 0.1))
            assert record.dead_units is None
        else:
            assert record.dead_units == np.sum(a.max(axis=0) <= 0.0)
            assert record.saturated_share is None
    if hidden[0].dead_units is not None:
        assert hidden[0].dead_units >= 2
    assert (last.activation, last.activation_mean, last.dead_units) == ("softmax", None, None)


@each_backend
def test_no_bit_depends_on_an_inspection(backend: str) -> None:
    dataset = make_dataset(rows=150, validation=9)
    watched, alone = (
        train_to_the_end(
            Training(
                [make_experiment(**EVENTFUL, backend=backend, training__inspect=inspect)], [dataset]
            )
        )
        for inspect in (True, False)
    )
    assert alone.inspected == []
    assert len(watched.inspected[0]) == 2 * 3
    assert same_arrays(watched.weights(0), alone.weights(0))
    assert rows_without_seconds(watched.members[0].history) == rows_without_seconds(
        alone.members[0].history
    )


@each_backend
def test_what_is_seen_of_an_experiment_depends_on_no_neighbour_and_no_stop(backend: str) -> None:
    dataset, other = make_dataset(rows=150), make_dataset(1, rows=150)
    changes = {**EVENTFUL, "backend": backend, "training__inspect": True}
    experiments = [
        make_experiment(**{**changes, "training__epochs": epochs}, seed=seed)
        for seed, epochs in ((0, 3), (1, 1), (2, 3))
    ]
    datasets = [dataset, dataset, other]
    alone = [inspected(Training([e], [d])) for e, d in zip(experiments, datasets, strict=True)]
    for member, expected in enumerate(alone):
        assert inspected(Training(experiments, datasets), member) == expected
    stopped = train_steps(Training(experiments[:1], [dataset]), 25)
    arrays, progress = stopped.state()
    resumed = Training(experiments[:1], [dataset])
    resumed.load_state(arrays, progress, [list(stopped.members[0].history)])
    assert (resumed.epoch, resumed.step) == (1, 6)
    assert inspected(resumed) == alone[0][1:]


def test_networks_that_go_on_without_others_are_seen_as_before() -> None:
    dataset = make_dataset(rows=50)
    changes = {**EVENTFUL, "training__inspect": True}
    experiments = [
        make_experiment(**{**changes, "training__epochs": epochs}, seed=epochs) for epochs in (1, 3)
    ]
    training = Training(experiments, [dataset, dataset])
    with threadpool_limits(1):
        training.run_epoch()
        assert training.leave_finished() == [1]
    assert inspected(training) == inspected(Training(experiments[1:], [dataset]))[1:]


def test_inspected_steps_and_rows_are_evenly_apart() -> None:
    assert inspected_steps(3).tolist() == [True] * 3
    for steps in (8, 9, 49, 1000):
        places = np.flatnonzero(inspected_steps(steps))
        assert len(places) == 8
        assert np.ptp(np.diff(places)) <= 1
        assert abs(places[0] - (steps - 1 - places[-1])) <= 1
    x = np.arange(5000.0)[:, np.newaxis]
    assert inspected_rows(x[:9]).tolist() == x[:9].tolist()
    assert len(inspected_rows(x)) == 512
    assert np.ptp(np.diff(inspected_rows(x)[:, 0])) <= 1


def test_a_sparse_training_part_is_inspected_like_a_dense_one() -> None:
    from scipy.sparse import csr_array

    dense = make_dataset(rows=600)
    np.testing.assert_array_equal(
        inspected_rows(csr_array(dense.train.x)), inspected_rows(dense.train.x)
    )
