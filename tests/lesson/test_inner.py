"""Looking into a trained network: hidden activations, principal axes, what logits rest on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.lesson.inner import InnerView, principal_axes, rows_of_each_class
from isolet_nn.nn.layers import FloatArray
from isolet_nn.nn.network import Network
from isolet_nn.training.backend import network_shape
from isolet_nn.training.components import make_activation
from isolet_nn.training.numpy_backend import named_views

FEATURES, CLASSES = 5, 3


def _experiment(
    hidden: list[int], activation: str = "tanh", normalized: bool = False
) -> Experiment:
    model = {
        "hidden_layers": hidden,
        "activation": activation,
        "batch_normalization": normalized and bool(hidden),
    }
    return load_experiment(
        {"dataset": {"name": "digits"}, "model": model, "training": {"dtype": "float64"}}
    )


def _network(experiment: Experiment, seed: int) -> Network:
    """A network of random weights, its statistics too."""
    network = Network(
        network_shape(experiment, FEATURES, CLASSES),
        activation=make_activation(experiment.model.activation),
        dtype=np.float64,
    )
    network.variables[...] = np.random.default_rng(seed).uniform(0.1, 1.0, network.variables.shape)
    network.parameters[...] -= 0.5
    return network


def _view(experiment: Experiment, network: Network, x: FloatArray) -> InnerView:
    view = InnerView(experiment, x, CLASSES)
    weights = named_views(network.shape, network.variables[0])
    view.set_weights({name: array.T for name, array in weights.items()})
    return view


def _above_mean(network: Network, x: FloatArray) -> FloatArray:
    logits = network.logits(x)[0]
    above: FloatArray = logits - logits.mean(axis=1, keepdims=True)
    return above


@pytest.mark.parametrize("hidden", [[], [4], [4, 6]])
@pytest.mark.parametrize("normalized", [False, True])
def test_leaning_is_the_mean_of_input_times_the_logits_difference_quotient(
    hidden: list[int], normalized: bool
) -> None:
    experiment = _experiment(hidden, normalized=normalized)
    network = _network(experiment, seed=len(hidden))
    x = np.random.default_rng(7).standard_normal((6, FEATURES))
    labels = np.array([0, 2, 0, 2, 2, 0])
    found = _view(experiment, network, x).leaning(labels)
    step = 1e-6 * np.eye(FEATURES)
    for label in range(CLASSES):
        own = x[labels == label]
        expected = np.zeros(FEATURES)
        for row in own:
            up, down = (_above_mean(network, row + sign * step)[:, label] for sign in (1, -1))
            expected += row * (up - down) / 2e-6 / len(own)
        np.testing.assert_allclose(found[label], expected, atol=1e-7)


@pytest.mark.parametrize("normalized", [False, True])
def test_the_last_hidden_layer_is_what_the_logits_are_made_of(normalized: bool) -> None:
    experiment = _experiment([4, 6], "relu", normalized)
    network = _network(experiment, seed=1)
    x = np.random.default_rng(2).standard_normal((8, FEATURES))
    hidden = _view(experiment, network, x).last_hidden()
    last = [*network.shape.views(network.variables)][-1]
    np.testing.assert_allclose(
        hidden @ last["weights"][0] + last["biases"][0], network.logits(x)[0]
    )


def test_without_a_hidden_layer_the_inputs_stand_for_it() -> None:
    experiment = _experiment([])
    x = np.random.default_rng(2).standard_normal((8, FEATURES))
    np.testing.assert_array_equal(_view(experiment, _network(experiment, 0), x).last_hidden(), x)


@given(rows=st.integers(1, 6), units=st.integers(1, 5), seed=st.integers(0, 99))
def test_principal_axes_are_orthonormal_and_do_not_flip(rows: int, units: int, seed: int) -> None:
    points = np.random.default_rng(seed).standard_normal((rows, units))
    centre, axes = principal_axes(points)
    assert axes.shape == (2, units)
    there = np.linalg.norm(axes, axis=1) > 0
    np.testing.assert_allclose((axes @ axes.T)[there][:, there], np.eye(there.sum()), atol=1e-9)
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in axes[there])
    along = np.square((points - centre) @ axes.T).sum(axis=0)
    assert along[0] >= along[1] - 1e-9
    mirrored = principal_axes(2 * centre - points)[1]
    np.testing.assert_allclose(np.abs(mirrored @ axes.T).diagonal()[:1], [there[0]], atol=1e-6)


def test_rows_of_each_class_are_evenly_spaced_and_never_more_than_there_are() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1])
    assert rows_of_each_class(labels, 3, 3).tolist() == [0, 2, 4, 5, 6]
