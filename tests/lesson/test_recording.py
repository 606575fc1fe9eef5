"""What a lesson records is what the project's own training computes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import OPTIMIZERS, make_experiment, same_arrays, trained

from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Split
from isolet_nn.lesson.boundary import CELLS, DIGITS, Plane
from isolet_nn.lesson.recording import Recording, frame_epochs, record
from isolet_nn.lesson.updates import coasts, lines_of, numbers_of
from isolet_nn.nn.losses import softmax
from isolet_nn.training.components import make_optimizer
from isolet_nn.training.loop import trained_model

ROWS = np.arange(4)


def moons(**changes: Any) -> Experiment:
    """A small network on half moons, of mini-batches in a new order each epoch."""
    settings: dict[str, Any] = {
        "dataset": {"name": "moons"},
        "model__hidden_layers": [4, 3],
        "training__epochs": 6,
        "training__batch_size": 32,
    }
    return make_experiment(**settings | changes)


def recorded(experiment: Experiment, frames: int = 4) -> Recording:
    dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
    return record(experiment, dataset, ROWS, Plane(dataset.train.x), frames)


def test_a_lessons_weights_are_those_of_an_unwatched_training_to_the_bit() -> None:
    experiment = moons(optimizer={"name": "adam"}, training__schedule={"name": "cosine"})
    recording = recorded(experiment)
    training = trained([experiment], [recording.dataset])
    assert same_arrays(recording.final_weights, training.weights(0))
    losses = [row["train_loss"] for row in training.members[0].history]
    assert recording.losses.tolist() == losses


def test_epochs_to_record_are_the_first_and_the_last_and_most_in_the_beginning() -> None:
    epochs = frame_epochs(1000, 61)
    assert (epochs[0], epochs[-1]) == (0, 1000)
    assert len([epoch for epoch in epochs if epoch <= 250]) == len(epochs) // 2
    assert frame_epochs(3, 61) == [0, 1, 2, 3]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_gradients_of_a_row_are_the_products_that_the_page_shows(activation: str) -> None:
    recording = recorded(moons(model__activation=activation, training__dtype="float64"))
    layers = list(zip([2, 4, 3], [4, 3, 2], strict=True))
    for frame in recording.frames:
        for row, walk in zip(recording.rows, frame.walks, strict=True):
            came_in = [recording.dataset.train.x[row], *walk.activations[:-1]]
            place = 0
            for layer, (inputs, outputs) in enumerate(layers):
                deltas = walk.sum_gradients[layer]
                weights = frame.weights[place : place + inputs * outputs].reshape(inputs, outputs)
                products = np.outer(came_in[layer], deltas).ravel()
                place += inputs * outputs
                biases = frame.weights[place : place + outputs]
                sums = came_in[layer] @ weights + biases
                np.testing.assert_allclose(walk.sums[layer], sums, atol=1e-12)
                of_weights = walk.gradients[place - inputs * outputs : place]
                np.testing.assert_allclose(of_weights, products, atol=1e-15)
                np.testing.assert_allclose(walk.gradients[place : place + outputs], deltas)
                if layer:
                    back = weights @ deltas
                    np.testing.assert_allclose(walk.activation_gradients[layer - 1], back)
                place += outputs
            assert np.abs(walk.gradients - walk.differences).max() < 1e-6
            assert walk.loss == pytest.approx(
                -np.log(walk.activations[-1][int(recording.dataset.train.y[row])])
            )


def value_of(text: str, numbers: Mapping[str, Any], weight: int) -> float:
    """What a side of an equation comes to."""

    def one(match: re.Match[str]) -> str:
        number = numbers[match[1]]
        return repr(float(number[weight] if np.ndim(number) else number))

    plain = re.sub(r"\{([^}]+)\}", one, text)
    return float(eval(plain.replace("×", "*").replace("−", "-")))  # noqa: RUF001


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_line_of_an_optimizers_step_is_true(optimizer: Mapping[str, Any]) -> None:
    experiment = moons(optimizer=optimizer, training__dtype="float64")
    for frame in recorded(experiment).frames[:-1]:
        assert frame.step is not None
        numbers = numbers_of(experiment.optimizer, frame.step)
        for line in lines_of(experiment.optimizer):
            symbols = re.findall(r"\{([^}]+)\}", line.numbers)
            if not set(symbols) <= numbers.keys() or line.numbers.startswith("r ="):
                continue
            left, right = line.numbers.split(" = ")
            for weight in range(len(frame.weights)):
                expected = value_of(right, numbers, weight)
                found = value_of(left, numbers, weight)
                assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), line


@pytest.mark.parametrize("settings", OPTIMIZERS)
def test_a_weight_without_gradient_moves_where_the_optimizer_coasts(
    settings: Mapping[str, Any],
) -> None:
    config = moons(optimizer=settings).optimizer
    weights, gradients = np.ones(3), np.ones(3)
    optimizer = make_optimizer(config, weights, gradients)
    for gradient in [1.0, 0.0]:
        gradients[:] = gradient
        before = weights.copy()
        optimizer.step(config.learning_rate)
    assert (weights != before).any() == coasts(config)


def test_a_step_starts_with_the_weights_of_its_frame_and_the_mean_over_its_batch() -> None:
    recording = recorded(moons(training__shuffle=False))
    for frame in recording.frames[:-1]:
        step = frame.step
        assert step is not None
        assert step.before.tolist() == frame.weights.tolist()
        assert step.rows.tolist() == list(range(32))
    assert recording.frames[-1].step is None
    assert next(frame.step.number for frame in recording.frames if frame.step) == 1


def test_a_lesson_shows_the_copies_of_rows_that_epochs_take_in_turn() -> None:
    experiment = moons(training__epochs=3)
    dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
    train, n = dataset.train, len(dataset.train)
    copies = Split(np.concatenate([train.x, 2 * train.x]), np.tile(train.y, 2), None)
    dataset = replace(dataset, varied=copies)
    recording = record(experiment, dataset, ROWS, Plane(train.x), 99)
    training = trained([experiment], [dataset])
    assert same_arrays(recording.final_weights, training.weights(0))
    copy_of_epoch = [set((f.step.rows // n).tolist()) for f in recording.frames if f.step]
    assert copy_of_epoch[:2] == [{0}, {1}]


def test_the_plane_has_the_networks_answers() -> None:
    experiment = moons()
    recording = recorded(experiment)
    dataset, frame = recording.dataset, recording.frames[-1]
    plane = Plane(dataset.train.x)
    logits = trained_model(experiment, dataset, recording.final_weights)(plane.points)
    probabilities = softmax(logits)
    classes, levels = frame.answers
    assert len(classes) == len(levels) == CELLS**2
    assert [DIGITS.index(digit) for digit in classes] == probabilities.argmax(axis=1).tolist()
    certainty = np.array([DIGITS.index(digit) for digit in levels]) / 63
    assert np.abs(certainty - (2 * probabilities.max(axis=1) - 1)).max() < 0.009


def test_dead_neurons_of_the_reports_recipe_are_named_with_the_epoch_of_their_death() -> None:
    from isolet_nn.config.loading import load_experiment

    recording = recorded(load_experiment("report/xor", {"seed": 2, "training.epochs": 30}), 31)
    assert [dead.neuron for dead in recording.dead] == [0, 1, 2]
    for dead in recording.dead:
        assert dead.layer == 0
        assert (dead.sums <= 0).all()
        for frame in recording.frames:
            sums = [float(walk.sums[0][dead.neuron]) for walk in frame.walks]
            is_dead = max(sums) <= 0
            if frame.epoch >= dead.since:
                assert is_dead
            if frame.epoch == dead.since - 1:
                assert not is_dead
            if frame.epoch == dead.since:
                assert sums == dead.sums.tolist()
    last = recording.frames[-1]
    assert all((walk.gradients[:6] == 0).all() for walk in last.walks)


def test_neurons_of_smooth_functions_are_never_called_dead() -> None:
    assert recorded(moons(model__activation="sigmoid")).dead == []


def test_neurons_whose_sums_are_no_numbers_are_not_called_dead() -> None:
    settings = {"optimizer": {"name": "sgd", "learning_rate": 1e30}}
    recording = recorded(moons(**settings))
    assert recording.error is not None
    assert recording.error.startswith("training diverged")
    assert recording.dead == []
