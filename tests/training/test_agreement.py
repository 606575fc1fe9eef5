"""Two backends, one network: same start, same batches, and results that differ by rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import (
    ACTIVATIONS,
    OPTIMIZERS,
    largest_relative_difference,
    make_dataset,
    make_experiment,
    trained,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import in_full, needs_torch
from threadpoolctl import threadpool_limits

from isolet_nn.config.datasets import IsoletDataset
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.training.backends import make_backend
from isolet_nn.training.loop import Training, trained_model

pytestmark = needs_torch

REPORT = Path(__file__).resolve().parents[2] / "configs" / "report" / "figure3_4_momentum.yaml"


def on(backend: str, experiment: Experiment) -> Experiment:
    return load_experiment(experiment.model_dump(mode="json"), {"backend": backend})


def both(experiment: Experiment, dataset: Dataset) -> list[Training]:
    return [trained([on(backend, experiment)], [dataset]) for backend in ("numpy", "torch")]


def curve(training: Training, metric: str) -> list[float]:
    values = [row[metric] for row in training.members[0].history]
    return [value for value in values if value is not None]


experiments = st.builds(
    make_experiment,
    seed=st.integers(0, 1000),
    model__hidden_layers=st.lists(st.integers(1, 9), max_size=3),
    model__activation=st.sampled_from(ACTIVATIONS),
    model__initializer=st.sampled_from(["he", "glorot", "uniform_fan_in", "normal"]),
    model__dropout=st.sampled_from([0.0, 0.3]),
    model__input_dropout=st.sampled_from([0.0, 0.2]),
    optimizer=st.sampled_from(OPTIMIZERS),
    training__batch_size=st.sampled_from([1, 7, 60, 100]),
    training__shuffle=st.booleans(),
    training__drop_last=st.booleans(),
    training__label_smoothing=st.sampled_from([0.0, 0.1]),
    training__class_weight=st.sampled_from([None, "balanced", {"class 1": 4}]),
    training__schedule=st.sampled_from(["constant", "cosine", "one_cycle"]),
    training__epochs=st.just(2),
    training__dtype=st.just("float64"),
)


@settings(max_examples=in_full(20, 40))
@given(experiment=experiments)
def test_any_experiment_gives_the_same_curves_in_float64(experiment: Experiment) -> None:
    ours, theirs = both(experiment, make_dataset(rows=50, dtype="float64"))
    for metric in ("train_loss", "test_loss"):
        assert largest_relative_difference(curve(ours, metric), curve(theirs, metric)) < 1e-8
    assert curve(ours, "train_accuracy") == curve(theirs, "train_accuracy")


regularized = st.builds(
    make_experiment,
    seed=st.integers(0, 1000),
    ensemble=st.integers(1, 3),
    model__hidden_layers=st.lists(st.integers(1, 9), max_size=3),
    model__activation=st.sampled_from(ACTIVATIONS),
    model__dropout=st.sampled_from([0.0, 0.3]),
    model__input_noise=st.sampled_from([0.0, 0.5]),
    model__batch_normalization=st.booleans(),
    model__max_norm=st.sampled_from([None, 0.5, 3.0]),
    optimizer=st.sampled_from(OPTIMIZERS),
    training__batch_size=st.sampled_from([8, 60, 100]),
    training__mixup=st.sampled_from([0.0, 0.4]),
    training__clip_norm=st.sampled_from([None, 0.05, 1.0]),
    training__clip_value=st.sampled_from([None, 0.01, 0.3]),
    training__label_smoothing=st.sampled_from([0.0, 0.1]),
    training__class_weight=st.sampled_from([None, "balanced", {"class 1": 4}]),
    training__weight_averaging=st.sampled_from(
        ["none", {"name": "ema", "decay": 0.9}, {"name": "swa", "start": 0.4}]
    ),
    training__epochs=st.just(3),
    training__dtype=st.just("float64"),
)


@settings(max_examples=in_full(20, 60))
@given(experiment=regularized)
def test_regularized_networks_and_ensembles_give_the_same_curves_in_float64(
    experiment: Experiment,
) -> None:
    ours, theirs = both(experiment, make_dataset(rows=50, dtype="float64"))
    for metric in ("train_loss", "test_loss"):
        assert largest_relative_difference(curve(ours, metric), curve(theirs, metric)) < 1e-6
    if min(experiment.model.hidden_layers, default=9) > 2:
        # A dead layer, of few neurons, leaves all rows the same logits, and rounding to break ties.
        assert curve(ours, "train_accuracy") == curve(theirs, "train_accuracy")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("initializer", ["normal", "he", "glorot", "uniform_fan_in"])
def test_both_start_from_the_same_weights_to_the_bit(dtype: str, initializer: str) -> None:
    experiment = make_experiment(
        model__initializer=initializer, model__hidden_layers=[6, 4], training__dtype=dtype
    )
    dataset = make_dataset(dtype=dtype)
    ours, theirs = (
        make_backend([on(backend, experiment)], [dataset]).weights(0)
        for backend in ("numpy", "torch")
    )
    assert list(ours) == list(theirs)
    assert list(ours) == [f"{n}.{part}" for n in (0, 2, 4) for part in ("weight", "bias")]
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype == dtype
        assert np.array_equal(array, theirs[name])
    assert ours["0.weight"].shape == (6, 7)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("hidden", [[], [1], [5, 3]])
def test_weights_are_a_copy_that_training_on_does_not_change(
    backend: str, hidden: list[int]
) -> None:
    experiment = make_experiment(backend=backend, model__hidden_layers=hidden)
    training = Training([experiment], [make_dataset(features=1 if hidden == [1] else 7)])
    training.run_epoch()
    weights, (state, _) = training.backend.weights(0), training.state()
    kept = {name: array.copy() for name, array in weights.items()}
    kept_state = {name: array.copy() for name, array in state.items()}
    training.run_epoch()
    for name, array in kept.items():
        assert np.array_equal(weights[name], array), name
        assert not np.array_equal(training.backend.weights(0)[name], array), name
    for name, array in kept_state.items():
        assert np.array_equal(state[name], array), name


MODELS: list[dict[str, Any]] = [
    {"model__hidden_layers": [9, 4]},
    {"model__hidden_layers": [9, 4], "model__batch_normalization": True},
    {"model__batch_normalization": True, "training__weight_averaging": "ema"},
    {"ensemble": 3, "training__weight_averaging": {"name": "swa", "start": 0.5}},
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("reader", ["numpy", "torch"])
@pytest.mark.parametrize("writer", ["numpy", "torch"])
def test_weights_of_either_backend_give_the_other_the_same_logits(
    writer: str, reader: str, model: dict[str, Any]
) -> None:
    dataset = make_dataset(rows=200)
    experiment = make_experiment(backend=writer, **model)
    training = trained([experiment], [dataset])
    logits = trained_model(on(reader, experiment), dataset, training.weights(0))
    assert np.abs(logits(dataset.test.x) - training.logits(dataset.test.x)[0]).max() < 1e-5


def test_weights_can_be_loaded_into_plain_pytorch() -> None:
    import torch
    from torch import nn

    dataset = make_dataset(rows=200)
    experiment = make_experiment(
        model__hidden_layers=[9, 4], model__batch_normalization=True, training__epochs=3
    )
    training = trained([experiment], [dataset])
    network = nn.Sequential(
        nn.Linear(7, 9, bias=False),
        nn.BatchNorm1d(9),
        nn.ReLU(),
        nn.Linear(9, 4, bias=False),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.Linear(4, 3),
    )
    network.load_state_dict({k: torch.from_numpy(a) for k, a in training.weights(0).items()})
    network.eval()
    logits = network(torch.from_numpy(dataset.test.x)).detach().numpy()
    assert np.abs(logits - training.logits(dataset.test.x)[0]).max() < 1e-5


# The same on real ISOLET, as the README claims.


@pytest.fixture(scope="module")
def isolet64() -> Dataset:
    return load_dataset(IsoletDataset(name="isolet"), 0, "float64")


@pytest.fixture(scope="module")
def isolet32() -> Dataset:
    return load_dataset(IsoletDataset(name="isolet"), 0, "float32")


ISOLET_CASES: list[dict[str, Any]] = [
    {"optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9}},
    {"optimizer": {"name": "adagrad", "learning_rate": 0.01}, "model__activation": "tanh"},
    {"optimizer": {"name": "rmsprop", "learning_rate": 0.001}, "model__activation": "sigmoid"},
    {
        "optimizer": {"name": "adam", "learning_rate": 0.001},
        "model__dropout": 0.2,
        "training__schedule": "one_cycle",
    },
    {
        "optimizer": {"name": "adamw", "learning_rate": 0.001},
        "model__hidden_layers": [12, 8],
        "training__label_smoothing": 0.1,
    },
    {
        "optimizer": {"name": "adamw", "learning_rate": 0.003},
        "model__batch_normalization": True,
        "model__input_noise": 0.3,
        "model__max_norm": 2.0,
        "training__mixup": 0.2,
        "training__weight_averaging": {"name": "ema", "decay": 0.98},
    },
    {
        "optimizer": {"name": "nadam", "learning_rate": 0.001},
        "model__activation": "gelu",
        "training__clip_norm": 0.2,
    },
    {
        "optimizer": {"name": "radam", "learning_rate": 0.003},
        "model__activation": {"name": "elu", "alpha": 0.5},
        "training__clip_value": 0.01,
    },
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    ISOLET_CASES,
    ids=["sgd", "adagrad", "rmsprop", "adam", "adamw", "regularized", "nadam", "radam"],
)
def test_loss_curves_on_isolet_agree_to_a_millionth_in_float64(
    case: dict[str, Any], isolet64: Dataset
) -> None:
    settings = {"model__hidden_layers": [12], "training__epochs": 5, "training__dtype": "float64"}
    ours, theirs = both(make_experiment(**settings | case), isolet64)
    for metric in ("train_loss", "test_loss"):
        assert len(curve(ours, metric)) == 5
        assert largest_relative_difference(curve(ours, metric), curve(theirs, metric)) < 1e-6
    assert curve(ours, "test_accuracy")[-1] > 0.4


@pytest.fixture(scope="module")
def report(isolet32: Dataset) -> list[Training]:
    """The report's experiment of figures 3 and 4, all 40 epochs, by both backends."""
    return both(load_experiment(REPORT, {"training.evaluate_every": 40}), isolet32)


@pytest.mark.slow
def test_accuracies_on_isolet_agree_to_half_a_point_in_float32(report: list[Training]) -> None:
    assert [len(training.members[0].history) for training in report] == [40, 40]
    (accuracy,), (theirs,) = (curve(training, "test_accuracy") for training in report)
    assert abs(accuracy - theirs) <= 0.005
    assert accuracy > 0.93


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["numpy", "torch"])
def test_one_model_of_isolet_gives_logits_that_agree_to_1e_5_of_the_largest(
    writer: str, report: list[Training], isolet32: Dataset
) -> None:
    training = report[["numpy", "torch"].index(writer)]
    reader = {"numpy": "torch", "torch": "numpy"}[writer]
    other = make_backend([on(reader, training.experiments[0])], [isolet32])
    other.load_weights(0, training.backend.weights(0))
    with threadpool_limits(1):
        ours, theirs = (b.logits(isolet32.test.x) for b in (training.backend, other))
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(ours).max()
