"""Whole networks: gradients, memory, and stacks that leave no trace in the bits of a network."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from isolet_nn.nn import adam_variants, clipping, initializers, optimizers
from isolet_nn.nn.activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from isolet_nn.nn.averaging import WeightAverage
from isolet_nn.nn.layers import Dense
from isolet_nn.nn.network import EVALUATION_ROWS, ActivationMaker, Network, Shape
from isolet_nn.nn.normalization import BatchNormalization
from nn.gradients import TOLERANCE, central_differences, relative_error

ACTIVATIONS = (ReLU, Sigmoid, Tanh, LeakyReLU, ELU, GELU, SiLU)
seeds = st.integers(0, 2**32 - 1)


def generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, network]) for network in range(count)]


def is_smooth(network: Network, x: NDArray[Any]) -> bool:
    """Whether differences resolve a network here, random draws included.

    Not where a hidden unit is at the kink of its activation function, nor where it hardly varies
    over the batch before it is normalised.
    """
    if network.mixup is not None:
        x, _ = network.mixup.mix(x, np.zeros((len(network.parameters), x.shape[1]), np.int64))
    for layer in network.layers:
        if isinstance(layer, ReLU | LeakyReLU | ELU) and np.abs(x).min() < 1e-2:
            return False
        if isinstance(layer, BatchNormalization):
            deviations = x.std(axis=1)
            if np.any((deviations > 1e-12) & (deviations < 0.05)):
                return False
        x = layer.forward(x)
    return True


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@settings(max_examples=90)
@given(data=st.data(), activation=st.sampled_from(ACTIVATIONS), seed=seeds)
def test_gradients_of_whole_networks_equal_central_differences(
    depth: int, data: st.DataObject, activation: ActivationMaker, seed: int
) -> None:
    hidden = data.draw(st.lists(st.integers(1, 4), min_size=depth, max_size=depth), "hidden")
    inputs, classes = (
        data.draw(st.integers(1, 4), "inputs"),
        data.draw(st.integers(2, 4), "classes"),
    )
    k, batch = data.draw(st.integers(1, 2), "networks"), data.draw(st.integers(1, 5), "batch")
    shared = data.draw(st.booleans(), "shared")
    normalized = data.draw(st.booleans(), "batch_normalization")
    batch = batch + 2 if normalized else batch
    network = Network(
        Shape((inputs, *hidden, classes), normalized),
        activation=activation,
        networks=k,
        batch_size=batch + data.draw(st.integers(0, 2), "spare"),
        dtype=np.float64,
        dropout=data.draw(st.sampled_from([0.0, 0.4]), "dropout"),
        input_dropout=data.draw(st.sampled_from([0.0, 0.3]), "input_dropout"),
        input_noise=data.draw(st.sampled_from([0.0, 0.3]), "input_noise"),
        mixup=data.draw(st.sampled_from([0.0, 0.5]), "mixup"),
        label_smoothing=data.draw(st.sampled_from([0.0, 0.2]), "label_smoothing"),
    )
    network.initialize(initializers.uniform_fan_in, generators(k, seed))
    random = np.random.default_rng(seed)
    x = random.standard_normal((1 if shared else k, batch, inputs))
    labels = random.integers(0, classes, (k, batch))
    weights = random.uniform(0.0, 2.0, (k, batch)) if data.draw(st.booleans(), "weighted") else None

    def losses() -> NDArray[np.float64]:
        network.seed_steps(generators(k, seed + 1))  # the same masks every time
        network.compute_gradients(x, labels, weights)
        return network.loss.loss_sums / batch

    network.seed_steps(generators(k, seed + 1))
    assume(is_smooth(network, x))
    losses()
    gradients = network.gradients.copy()
    assert relative_error(gradients, central_differences(losses, network.parameters)) < TOLERANCE


@given(
    k=st.integers(1, 4),
    layer_sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    normalized=st.booleans(),
)
def test_every_variable_of_the_buffer_belongs_to_one_layer(
    k: int, layer_sizes: list[int], normalized: bool
) -> None:
    shape = Shape(tuple(layer_sizes), normalized)
    network = Network(shape, networks=k, batch_size=2)
    network.variables[...] = 0.0
    for layer in network.layers:
        if isinstance(layer, Dense):
            layer.weights += 1.0
            if layer.biases is not None:
                layer.biases += 1.0
        elif isinstance(layer, BatchNormalization):
            layer.scale += 1.0
            layer.shift += 1.0
            layer.running_mean += 2.0
            layer.running_variance += 2.0
    assert np.array_equal(network.parameters, np.ones_like(network.parameters))
    statistics = network.variables[:, shape.n_parameters :]
    assert np.array_equal(statistics, np.full_like(statistics, 2.0))
    for views in shape.views(network.variables):
        for view in views.values():
            assert np.shares_memory(view, network.variables)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logits_ignore_what_is_random_and_do_not_depend_on_the_rows_computed_with_them(
    activation: ActivationMaker,
) -> None:
    sizes, rows = (5, 4, 3), EVALUATION_ROWS + 7
    network = Network(
        Shape(sizes),
        activation=activation,
        networks=2,
        batch_size=3,
        dropout=0.5,
        input_dropout=0.5,
        input_noise=0.5,
        mixup=1.0,
    )
    network.initialize(initializers.uniform_fan_in, generators(2))
    plain = Network(Shape(sizes), activation=activation, networks=2, batch_size=rows)
    plain.parameters[...] = network.parameters
    x = np.random.default_rng(0).standard_normal((rows, 5)).astype(np.float32)
    logits = network.logits(x)
    assert logits.shape == (2, rows, 3)
    h = x[np.newaxis]
    for layer in plain.layers:
        h = layer.forward(h)
    assert np.allclose(logits, h, rtol=1e-5, atol=1e-6)
    assert np.allclose(network.logits(x[-9:]), logits[:, -9:], rtol=1e-5, atol=1e-6)
    assert np.array_equal(network.logits(x, slice(1, 2)), logits[1:])


def test_evaluation_leaves_its_inputs_as_they_are() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    kept = x.copy()
    for sizes, input_dropout in (((4, 3), 0.0), ((4, 3, 2), 0.0), ((4, 3, 2), 0.5)):
        network = Network(Shape(sizes, True), batch_size=6, input_dropout=input_dropout)
        network.initialize(initializers.he, generators(1))
        network.logits(x)
        assert np.array_equal(x, kept)


@settings(max_examples=60)
@given(
    seed=seeds,
    k=st.integers(2, 5),
    hidden=st.lists(st.sampled_from([1, 2, 7, 16, 33]), max_size=3),
    inputs=st.sampled_from([1, 2, 13, 100]),
    classes=st.sampled_from([2, 3, 10, 26]),
    batch=st.sampled_from([1, 2, 5, 32]),
    spare=st.sampled_from([0, 1, 31]),
    activation=st.sampled_from(ACTIVATIONS),
    dtype=st.sampled_from([np.float32, np.float64]),
    random_parts=st.sampled_from(
        [{}, {"dropout": 0.3, "input_dropout": 0.3}, {"input_noise": 0.5, "mixup": 0.5}]
    ),
    normalized=st.booleans(),
    shared=st.booleans(),
)
def test_gradients_losses_and_logits_of_a_stack_have_the_bits_of_each_network_alone(
    seed: int,
    k: int,
    hidden: list[int],
    inputs: int,
    classes: int,
    batch: int,
    spare: int,
    activation: ActivationMaker,
    dtype: type,
    random_parts: dict[str, Any],
    normalized: bool,
    shared: bool,
) -> None:
    batch = max(batch, 2) if normalized else batch

    def network(networks: int) -> Network:
        return Network(
            Shape((inputs, *hidden, classes), normalized),
            activation=activation,
            networks=networks,
            batch_size=batch + spare,
            dtype=dtype,
            **random_parts,
        )

    random = np.random.default_rng(seed)
    x: NDArray[Any] = random.standard_normal((1 if shared else k, batch, inputs)).astype(dtype)
    labels = random.integers(0, classes, (k, batch))
    stack = network(k)
    stack.initialize(initializers.uniform_fan_in, generators(k, seed))
    stack.seed_steps(generators(k, seed + 1))
    with threadpool_limits(1):
        stack.compute_gradients(x, labels)
        gradients = stack.gradients.copy()
        stack.limit_norms(0.5)
        logits = stack.logits(x[0])
        for number in range(k):
            alone = network(1)
            alone.initialize(initializers.uniform_fan_in, generators(k, seed)[number:][:1])
            alone.seed_steps(generators(k, seed + 1)[number:][:1])
            own = slice(0, 1) if shared else slice(number, number + 1)
            alone.compute_gradients(x[own], labels[number : number + 1])
            assert np.array_equal(alone.gradients[0], gradients[number])
            alone.limit_norms(0.5)
            assert np.array_equal(alone.variables[0], stack.variables[number])
            assert alone.loss.loss_sums[0] == stack.loss.loss_sums[number]
            assert alone.loss.correct[0] == stack.loss.correct[number]
            assert np.array_equal(alone.logits(x[0])[0], logits[number])


def peak_of(step: Callable[[], None]) -> int:
    """Bytes that Python and NumPy allocate at once in a step, after two to warm up."""
    step()
    gc.collect()
    tracemalloc.start()
    try:
        step()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def training_step(
    layer_sizes: list[int], networks: int, batch: int, dtype: type, parts: dict[str, Any]
) -> Callable[[], None]:
    network = Network(
        Shape(tuple(layer_sizes), batch_normalization=bool(parts)),
        networks=networks,
        batch_size=batch,
        dtype=dtype,
        **parts,
    )
    network.initialize(initializers.he, generators(networks))
    network.seed_steps(generators(networks))
    adam = [
        optimizers.Adam(parameters, gradients, weight_decay=0.1)
        for parameters, gradients in zip(network.parameters, network.gradients, strict=True)
    ]
    averages = [WeightAverage(variables, 0.99) for variables in network.variables]
    random = np.random.default_rng(0)
    x: NDArray[Any] = random.standard_normal((1, batch, layer_sizes[0])).astype(dtype)
    labels = random.integers(0, layer_sizes[-1], (networks, batch))
    weights: NDArray[Any] | None = None
    if parts:
        weights = random.uniform(0.0, 2.0, (networks, batch)).astype(dtype)

    def step() -> None:
        network.compute_gradients(x, labels, weights)
        for optimizer in adam:
            optimizer.step(0.001)
        network.limit_norms(1.0)
        for average in averages:
            average.update()

    return step


EVERYTHING = {"dropout": 0.2, "input_dropout": 0.2, "input_noise": 0.3, "mixup": 0.4}
"""All that is random; batch normalisation and weights of the rows come with it."""


def buffers_of_numpy(networks: int) -> int:
    """What NumPy's own loops may use: a buffer of fixed size for each of three operands.

    Loops that broadcast or convert allocate them; they do not grow with the arrays. Beside them
    there are some KB for views and iterators.
    """
    return 3 * np.getbufsize() * 8 + 4096 * networks


def random_numbers_of(units: int, dtype: type, parts: dict[str, Any]) -> int:
    """Bytes drawn for one layer at a time: 16 bits a unit, or float32 for noise in float64."""
    return (4 if dtype is np.float64 else 2) * units if parts else 0


@pytest.mark.parametrize("parts", [{}, EVERYTHING])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("layer_sizes", "networks", "batch"),
    [
        # Each array of a step is larger than the buffers, down to the one byte a row of the hits.
        ([2, 3, 2], 1, 210_000),
        ([2, 3, 2], 3, 75_000),
        # So are the weights.
        ([617, 440, 26], 1, 16),
    ],
)
def test_a_training_step_allocates_no_array_but_random_numbers(
    layer_sizes: list[int], networks: int, batch: int, dtype: type, parts: dict[str, float]
) -> None:
    step = training_step(layer_sizes, networks, batch, dtype, parts)
    drawn = random_numbers_of(batch * max(layer_sizes), dtype, parts)
    assert peak_of(step) < buffers_of_numpy(networks) + drawn


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parts", [{}, EVERYTHING])
def test_a_training_step_of_the_report_s_network_needs_no_more_than_one_activation(
    dtype: type, parts: dict[str, float]
) -> None:
    activation = 128 * 44 * np.dtype(dtype).itemsize
    step = training_step([617, 44, 26], 1, 128, dtype, parts)
    drawn = random_numbers_of(128 * 617, dtype, parts)
    assert peak_of(step) < 3 * activation + 4096 + drawn


@pytest.mark.parametrize(
    "make",
    [
        lambda p, g: optimizers.SGD(p, g, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda p, g: optimizers.Adagrad(p, g, weight_decay=0.1),
        lambda p, g: optimizers.RMSprop(p, g, momentum=0.9, weight_decay=0.1),
        lambda p, g: optimizers.Adam(p, g, weight_decay=0.1),
        lambda p, g: optimizers.AdamW(p, g),
        lambda p, g: adam_variants.RAdam(p, g, weight_decay=0.1, decoupled_weight_decay=True),
        lambda p, g: adam_variants.NAdam(p, g, weight_decay=0.1),
    ],
)
def test_an_optimizer_step_allocates_nothing_but_a_few_views(
    make: Callable[[NDArray[np.float32], NDArray[np.float32]], optimizers.Optimizer],
) -> None:
    parameters, gradients = np.ones(100_000, np.float32), np.ones(100_000, np.float32)
    optimizer = make(parameters, gradients)
    assert peak_of(lambda: optimizer.step(0.001)) < 2048


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_clipping_allocate_no_array(
    activation: ActivationMaker,
) -> None:
    z, gradients = (np.ones((2, 100, 500), np.float32) for _ in range(2))
    layer = activation(z.shape, z.dtype)

    def step() -> None:
        layer.forward(z)
        layer.backward(gradients)
        clipping.clip_value(gradients.reshape(-1), 0.5)
        clipping.clip_norm(gradients.reshape(-1), 0.5)

    assert peak_of(step) < buffers_of_numpy(2)
