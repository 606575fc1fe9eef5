"""Stacks of plain networks in JAX: ``vmap`` over networks, ``scan`` over the steps of an epoch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.optimizers import Adam
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError


def train_stacks(experiments: Sequence[Experiment], dataset: Dataset) -> Callable[[], list[float]]:
    """Prepare networks with ReLU and Adam; what is returned trains them, and gives accuracies.

    Raises
    ------
    ConfigError
        If another optimizer is asked for.
    """
    jax = importlib.import_module("jax")
    if not all(isinstance(e.optimizer, Adam) for e in experiments):
        raise ConfigError("bench: stacks in JAX know optimizer: adam alone")
    data = tuple(
        jax.device_put(array)
        for array in (
            dataset.train.x,
            dataset.train.y.astype(np.int32),
            dataset.test.x,
            dataset.test.y.astype(np.int32),
        )
    )
    by_shape: dict[tuple[Any, ...], list[Experiment]] = {}
    for one in experiments:
        form = (tuple(one.model.hidden_layers), one.training.epochs, one.training.batch_size)
        by_shape.setdefault(form, []).append(one)
    stacks = []
    for (hidden, epochs, batch), own in by_shape.items():
        sizes = (dataset.n_features, *hidden, dataset.n_classes)
        adam = own[0].optimizer
        assert isinstance(adam, Adam)
        function = _trainer(jax, sizes, epochs, min(batch, len(dataset.train.y)), adam)
        keys = jax.vmap(jax.random.PRNGKey)(np.array([one.seed for one in own], np.uint32))
        rates = np.array([one.optimizer.learning_rate for one in own], np.float32)
        stacks.append((function, keys, jax.device_put(rates)))

    def train() -> list[float]:
        found = [function(keys, rates, *data) for function, keys, rates in stacks]
        return [float(accuracy) for of_stack in found for accuracy in np.asarray(of_stack)]

    return train


def _trainer(jax: Any, sizes: Sequence[int], epochs: int, batch: int, adam: Adam) -> Any:
    """What trains a stack, compiled at its first call."""
    jnp = jax.numpy
    beta1, beta2, epsilon = adam.beta1, adam.beta2, adam.epsilon

    def initial(key: Any) -> Any:
        layers = []
        for layer_key, (inputs, outputs) in zip(
            jax.random.split(key, len(sizes) - 1), pairwise(sizes), strict=True
        ):
            bound = 1 / np.sqrt(inputs)
            shape = (inputs + 1, outputs)  # the last row is the biases
            layers.append(jax.random.uniform(layer_key, shape, minval=-bound, maxval=bound))
        return layers

    def logits(layers: Any, x: Any) -> Any:
        for layer in layers[:-1]:
            x = jax.nn.relu(x @ layer[:-1] + layer[-1])
        return x @ layers[-1][:-1] + layers[-1][-1]

    def loss(layers: Any, x: Any, y: Any) -> Any:
        chosen = jax.nn.log_softmax(logits(layers, x))[jnp.arange(len(y)), y]
        return -chosen.mean()

    def train(key: Any, rate: Any, x: Any, y: Any, test_x: Any, test_y: Any) -> Any:
        def step(state: Any, rows: Any) -> Any:
            layers, means, squares, count = state
            count = count + 1
            gradients = jax.grad(loss)(layers, x[rows], y[rows])
            means = [beta1 * m + (1 - beta1) * g for m, g in zip(means, gradients, strict=True)]
            squares = [
                beta2 * s + (1 - beta2) * g * g for s, g in zip(squares, gradients, strict=True)
            ]
            size = rate / (1 - beta1**count)
            scale = jnp.sqrt(1 - beta2**count)
            layers = [
                w - size * m / (jnp.sqrt(s) / scale + epsilon)
                for w, m, s in zip(layers, means, squares, strict=True)
            ]
            return (layers, means, squares, count), None

        def epoch(state: Any, key: Any) -> Any:
            order = jax.random.permutation(key, len(x))
            whole = len(x) // batch
            state, _ = jax.lax.scan(step, state, order[: whole * batch].reshape(whole, batch))
            if len(x) % batch:
                state, _ = step(state, order[whole * batch :])
            return state, None

        own, of_epochs = jax.random.split(key)
        layers = initial(own)
        zeros = [jnp.zeros_like(layer) for layer in layers]
        start = (layers, zeros, zeros, jnp.float32(0))
        state, _ = jax.lax.scan(epoch, start, jax.random.split(of_epochs, epochs))
        return (logits(state[0], test_x).argmax(axis=1) == test_y).mean()

    return jax.jit(jax.vmap(train, in_axes=(0, 0, None, None, None, None)))
