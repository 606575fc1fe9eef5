"""Networks of one to seven hidden layers, watched: which gradients reach the first of them.

The report says that the sigmoid "proved bad" in the hidden layer, and gives no reason. Here its
recipe (44 neurons a hidden layer, gradient descent with momentum 0.9 at 0.01, batches of 128) is
trained with each activation function and at each depth, with the report's first weights, and with
weights scaled to the size of a layer. Seeds are stacked; `isolet_nn.training.inspection` says what
is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.training.inspector import LayerInspection
from isolet_nn.training.loop import Training

ACTIVATIONS = ("sigmoid", "tanh", "relu")
STARTS = ("small", "scaled")
"""First weights: the report's, normal with deviation 0.01; and Glorot's or, for ReLU, He's."""
DEPTHS = tuple(range(1, 8))
WIDTH = 44
SEEDS = 3
EPOCHS = 20


@dataclass(frozen=True)
class Depth:
    """Trainings of one shape, activation function and start, over seeds.

    Attributes
    ----------
    activation, start, hidden_layers
        What was trained.
    gradients
        (epochs, seeds, layers): norm of each layer's gradient.
    dead
        (epochs, seeds, hidden layers): units that are 0 for all rows looked at; NaN but for ReLU.
    saturated
        (epochs, seeds, hidden layers): share of the activations; NaN for ReLU.
    accuracies
        (epochs, seeds), on the training rows; NaN from where a training has failed.
    """

    activation: str
    start: str
    hidden_layers: int
    gradients: NDArray[np.float64]
    dead: NDArray[np.float64]
    saturated: NDArray[np.float64]
    accuracies: NDArray[np.float64]


def depth_experiment(
    experiment: Experiment, activation: str, start: str, hidden_layers: int, seed: int
) -> Experiment:
    """The report's recipe on an experiment's data set, for as many epochs at most."""
    fan = "he" if activation == "relu" else "glorot"
    small = {"name": "normal", "scale": 0.01}
    return Experiment.model_validate(
        {
            "dataset": experiment.dataset.model_dump(),
            "seed": seed,
            "model": {
                "hidden_layers": [WIDTH] * hidden_layers,
                "activation": activation,
                "initializer": small if start == "small" else {"name": fan},
            },
            "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
            "training": {
                "epochs": min(EPOCHS, experiment.training.epochs),
                "batch_size": 128,
                "dtype": experiment.training.dtype,
                "inspect": True,
            },
        }
    )


def train_depths(
    experiment: Experiment, dataset: Dataset, progress: Callable[[str], None] = lambda _: None
) -> list[Depth]:
    """Train all of them; `progress` hears what is trained next."""
    trained: list[Depth] = []
    for start in STARTS:
        for activation in ACTIVATIONS:
            progress(f"training {activation}, {DEPTHS[0]} to {DEPTHS[-1]} layers, {start} weights")
            trained += [_train(experiment, dataset, activation, start, depth) for depth in DEPTHS]
    return trained


def _train(
    experiment: Experiment, dataset: Dataset, activation: str, start: str, hidden_layers: int
) -> Depth:
    experiments = [
        depth_experiment(experiment, activation, start, hidden_layers, experiment.seed + k)
        for k in range(SEEDS)
    ]
    training = Training(experiments, [dataset] * SEEDS, evaluate_at=())
    inspected = []
    for _ in range(experiments[0].training.epochs):
        training.run_epoch()
        inspected.append(training.inspected)
    accuracies = np.full((training.epoch, SEEDS), np.nan)
    for seed, member in enumerate(training.members):
        of_seed = [row["train_accuracy"] for row in member.history]
        accuracies[: len(of_seed), seed] = of_seed
    hidden = slice(hidden_layers)
    return Depth(
        activation,
        start,
        hidden_layers,
        _table(inspected, lambda layer: layer.gradient_norm),
        _table(inspected, lambda layer: layer.dead_units)[..., hidden],
        _table(inspected, lambda layer: layer.saturated_share)[..., hidden],
        accuracies,
    )


def _table(
    inspected: Sequence[Sequence[Sequence[LayerInspection]]],
    measured: Callable[[LayerInspection], float | None],
) -> NDArray[np.float64]:
    """One measurement (epochs, seeds, layers)."""
    return np.array([[[*map(measured, layers)] for layers in seeds] for seeds in inspected], float)
