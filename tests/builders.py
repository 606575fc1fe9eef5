"""Small data sets, experiments and trainings that several test files build on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.data.preprocessing import plain
from isolet_nn.data.table import numbered
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row

Floats = NDArray[np.floating[Any]]

ACTIVATIONS: list[Any] = [
    "relu",
    "sigmoid",
    "tanh",
    "gelu",
    "silu",
    {"name": "leaky_relu", "negative_slope": 0.1},
    {"name": "elu", "alpha": 0.7},
]
OPTIMIZERS: tuple[Mapping[str, Any], ...] = (
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    {
        "name": "sgd",
        "learning_rate": 0.05,
        "momentum": 0.8,
        "nesterov": True,
        "weight_decay": 0.01,
    },
    {
        "name": "adagrad",
        "learning_rate": 0.05,
        "learning_rate_decay": 0.01,
        "initial_accumulator": 0.1,
    },
    {"name": "rmsprop", "learning_rate": 0.01, "alpha": 0.9, "momentum": 0.5},
    {"name": "rmsprop", "learning_rate": 0.01, "weight_decay": 0.01},
    {"name": "adam", "learning_rate": 0.01, "beta1": 0.8, "weight_decay": 0.01},
    {"name": "adamw", "learning_rate": 0.01, "beta2": 0.99, "weight_decay": 0.1},
    {"name": "radam", "learning_rate": 0.01, "beta2": 0.9, "weight_decay": 0.01},
    {"name": "nadam", "learning_rate": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
)
"""A config of each optimizer, and of each of its terms."""


def make_experiment(**changes: Any) -> Experiment:
    """A small experiment; changes are given by key path with ``__`` for the dots."""
    config = {"dataset": {"name": "iris"}, "model": {"hidden_layers": [5]}}
    return load_experiment(config, {key.replace("__", "."): v for key, v in changes.items()})


def make_split(
    random: np.random.Generator, rows: int, features: int, classes: int, dtype: str
) -> Split:
    """Rows around a centre a class, so that there is something to learn."""
    y = random.integers(0, classes, rows)
    centres = np.cos(np.outer(np.arange(classes), np.arange(1, features + 1)))
    x = centres[y] + 0.7 * random.standard_normal((rows, features))
    return Split(x.astype(dtype), y, None)


def make_dataset(
    seed: int = 0,
    *,
    rows: int = 60,
    features: int = 7,
    classes: int = 3,
    dtype: str = "float32",
    validation: int = 0,
    test: int = 20,
) -> Dataset:
    """A data set of normal clouds, with a validation split if that many rows are asked for."""
    random = np.random.default_rng(seed)
    train, held, tested = (
        make_split(random, n, features, classes, dtype) for n in (rows, validation, test)
    )
    return Dataset(
        name="clouds",
        classes=tuple(f"class {index}" for index in range(classes)),
        train=train,
        validation=held if validation else None,
        test=tested,
        preprocessing=plain(numbered(features), [f"class {index}" for index in range(classes)]),
        checksum=f"clouds {seed}",
        group_name=None,
    )


def train_to_the_end(training: Training) -> Training:
    """Run all epochs that are left, with one thread."""
    with threadpool_limits(1):
        while not training.finished:
            training.run_epoch()
    return training


def train_steps(training: Training, count: int) -> Training:
    """Take so many steps in all, with one thread; it may end in the middle of an epoch."""
    done = 0

    def enough() -> bool:
        nonlocal done
        done += 1
        return done >= count

    with threadpool_limits(1):
        while done < count and training.run_epoch(enough):
            pass
    return training


def trained(experiments: Sequence[Experiment], datasets: Sequence[Dataset]) -> Training:
    """A stack of networks, trained to the end with one thread."""
    return train_to_the_end(Training(experiments, datasets))


def rows_without_seconds(history: Sequence[Row]) -> list[dict[str, str]]:
    """Metrics with all their digits, for comparison."""
    return [
        {name: repr(value) for name, value in row.items() if name != "seconds"} for row in history
    ]


def same_arrays(some: Mapping[str, NDArray[Any]], others: Mapping[str, NDArray[Any]]) -> bool:
    """Whether names, shapes, types and bits are the same."""
    return some.keys() == others.keys() and all(
        array.dtype == others[name].dtype and np.array_equal(array, others[name], equal_nan=True)
        for name, array in some.items()
    )


def largest_relative_difference(some: Sequence[float], others: Sequence[float]) -> float:
    """max |a - b| / |b| over two curves; infinite where one is not finite."""
    a, b = np.asarray(some, float), np.asarray(others, float)
    assert a.shape == b.shape
    difference = float(np.max(np.abs(a - b) / np.abs(b)))
    return difference if math.isfinite(difference) else math.inf
