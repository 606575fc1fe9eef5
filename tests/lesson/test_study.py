"""The lesson of many inputs: its trainings, its rules, and what its page is given."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import DivergedError
from isolet_nn.lesson.depths import ACTIVATIONS, DEPTHS, SEEDS, STARTS, Depth, depth_experiment
from isolet_nn.lesson.letters import kept_epochs, watch
from isolet_nn.lesson.study import study_record
from isolet_nn.lesson.vanishing import EXPLODE, KEEP, UNKNOWN, VANISH, conclusions, find
from isolet_nn.training.loop import Training

EPOCHS = 2


def _experiment(**settings: Any) -> Experiment:
    return load_experiment("quickstart", {"training.epochs": EPOCHS, **settings})


def _dataset(experiment: Experiment) -> Dataset:
    return load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    experiment = _experiment()
    return study_record(experiment, _dataset(experiment))


def test_the_depths_are_trained_by_the_reports_recipe_on_the_experiments_data() -> None:
    own = _experiment(**{"training.epochs": 50})
    made = depth_experiment(own, "sigmoid", "small", 3, seed=4)
    report = load_experiment("report/figure3_4_momentum")
    assert made.model.hidden_layers == report.model.hidden_layers * 3
    assert made.model.initializer == report.model.initializer
    assert made.optimizer == report.optimizer
    assert made.training.batch_size == report.training.batch_size
    assert (made.dataset, made.seed, made.training.epochs) == (own.dataset, 4, 20)
    scaled = [
        depth_experiment(own, name, "scaled", 1, 0).model.initializer.name for name in ACTIVATIONS
    ]
    assert scaled == ["glorot", "glorot", "he"]


def test_what_the_page_shows_of_a_depth_was_measured_in_an_ordinary_training(
    record: dict[str, Any],
) -> None:
    own = _experiment()
    experiments = [depth_experiment(own, "relu", "scaled", 2, own.seed + k) for k in range(SEEDS)]
    alone: list[list[float]] = []
    for experiment in experiments:
        training = Training([experiment], [_dataset(own)])
        for _ in range(EPOCHS):
            training.run_epoch()
        alone.append([layer.gradient_norm or 0.0 for layer in training.inspected[0]])
    (shown,) = (
        t
        for t in record["depths"]["trainings"]
        if (t["activation"], t["start"], t["hidden_layers"]) == ("relu", "scaled", 2)
    )
    np.testing.assert_allclose(shown["gradients"][-1], np.median(alone, axis=0), rtol=5e-3)
    assert len(shown["gradients"]) == len(shown["accuracies"]) == EPOCHS


def test_every_activation_start_and_depth_is_on_the_page(record: dict[str, Any]) -> None:
    found = [
        (t["start"], t["activation"], t["hidden_layers"]) for t in record["depths"]["trainings"]
    ]
    assert found == [*itertools.product(STARTS, ACTIVATIONS, DEPTHS)]
    judged = [(f["start"], f["activation"]) for f in record["depths"]["findings"]]
    assert judged == [*itertools.product(STARTS, ACTIVATIONS)]


def test_a_sigmoids_gradients_vanish_with_small_weights_and_with_scaled_ones(
    record: dict[str, Any],
) -> None:
    outcomes = {(f["start"], f["activation"]): f["outcome"] for f in record["depths"]["findings"]}
    assert outcomes["small", "sigmoid"] == outcomes["scaled", "sigmoid"] == VANISH
    assert outcomes["scaled", "tanh"] == outcomes["scaled", "relu"] == KEEP


def _depths(factor: float, accuracies: float = 0.9) -> list[Depth]:
    """Depths at each of which the first layer's gradient is `factor` times that of the last."""
    return [
        Depth(
            activation,
            start,
            hidden,
            np.full((1, SEEDS, hidden + 1), factor ** (hidden - 1)),
            np.zeros((1, SEEDS, hidden)),
            np.zeros((1, SEEDS, hidden)),
            np.full((1, SEEDS), accuracies),
        )
        for start, activation, hidden in itertools.product(STARTS, ACTIVATIONS, DEPTHS)
    ]


@pytest.mark.parametrize(
    ("factor", "outcome"),
    [
        (0.1, VANISH),
        (0.47, KEEP),
        (0.6, KEEP),
        (1.0, KEEP),
        (2.1, KEEP),
        (3.0, EXPLODE),
        (np.nan, UNKNOWN),
    ],
)
def test_the_rule_judges_by_factor_and_by_what_is_left(factor: float, outcome: str) -> None:
    findings = find(_depths(factor), enough=0.5)
    # 0.47^6 is 0.0108, just not below a hundredth; 2.1^6 is 86.
    assert {finding.outcome for finding in findings} == {outcome}
    assert all(finding.factor == pytest.approx(factor, nan_ok=True) for finding in findings)


def test_conclusions_follow_from_the_findings() -> None:
    fading = conclusions(find(_depths(0.1, accuracies=0.2), enough=0.5))
    assert "does not learn" in fading[0]
    assert "by 0.1: by the rule its gradients vanish" in fading[1]
    assert "does not learn with 2 to 7 hidden layers" in fading[1]
    kept = conclusions(find(_depths(1.0), enough=0.5))
    assert "the sigmoid learns" in kept[0]
    assert "keep their size. It learns at every depth" in kept[1]
    assert "learns at no depth more" in kept[3]


@pytest.mark.parametrize("changed", [{}, {"training.weight_averaging": "ema"}])
def test_a_watched_network_ends_with_the_weights_that_train_gives(changed: dict[str, Any]) -> None:
    experiment = _experiment(**changed)
    dataset = _dataset(experiment)
    training = Training([experiment], [dataset])
    while not training.finished:
        training.run_epoch()
    plain, watched = training.weights(0), watch(experiment, dataset).final_weights
    assert plain.keys() == watched.keys()
    assert all((plain[name] == watched[name]).all() for name in plain)


def test_an_ensemble_is_watched_by_its_first_network_and_pytorchs_by_numpy() -> None:
    experiment = _experiment(ensemble=2)
    dataset = _dataset(experiment)
    alone = watch(_experiment(), dataset).final_weights
    first = watch(experiment, dataset).final_weights
    assert all((alone[name] == first[name]).all() for name in alone)


def test_the_rows_looked_at_are_never_of_the_test_part() -> None:
    experiment = _experiment()
    dataset = _dataset(experiment)
    assert dataset.validation is not None
    assert watch(experiment, dataset).split == "validation"
    without = _experiment(**{"dataset.validation": "none"})
    assert watch(without, _dataset(without)).split == "train"


def test_the_picture_is_of_the_recorded_activations(record: dict[str, Any]) -> None:
    letters = record["letters"]
    assert letters["epochs"] == [0, 1, 2]
    places = np.array(letters["places"])
    assert places.shape == (3, len(letters["labels"]), 2)
    np.testing.assert_allclose(places[-1].mean(axis=0), 0.0, atol=1e-2)
    assert places[-1, :, 0].var() >= places[-1, :, 1].var()
    assert all(0.0 < share <= 1.0 for share in letters["shares"])


def test_epochs_are_kept_from_the_first_to_the_last() -> None:
    assert kept_epochs(4) == {0, 1, 2, 3, 4}
    many = sorted(kept_epochs(1000))
    assert (len(many), many[0], many[-1]) == (31, 0, 1000)


def test_a_training_that_fails_makes_no_page() -> None:
    experiment = _experiment(optimizer={"name": "sgd", "learning_rate": 1e30})
    with pytest.raises(DivergedError, match="learning_rate"):
        watch(experiment, _dataset(experiment))
