"""A sweep's trials trained one after another by a plain PyTorch loop: what sweeps are measured by.

Tensors in memory, no DataLoader, fused Adam, every trial from scratch, evaluated once at its end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class LoopResult:
    """The loop's time, from the first network to the last evaluation, and what came out."""

    seconds: float
    test_accuracies: list[float]


def train_one_after_another(contents: Sequence[dict[str, object]], threads: int) -> LoopResult:
    """Train experiments (as in files) on one data set; loading it does not count."""
    import torch

    torch.set_num_threads(threads)
    experiments = [load_experiment(content) for content in contents]
    first = experiments[0]
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    x, y = torch.from_numpy(dataset.train.x), torch.from_numpy(dataset.train.y)
    test_x, test_y = torch.from_numpy(dataset.test.x), torch.from_numpy(dataset.test.y)
    sizes = dataset.n_features, dataset.n_classes
    started = time.perf_counter()
    accuracies = [_train(one, sizes, x, y, test_x, test_y) for one in experiments]
    return LoopResult(time.perf_counter() - started, accuracies)


def _train(
    experiment: Experiment,
    sizes: tuple[int, int],
    x: torch.Tensor,
    y: torch.Tensor,
    test_x: torch.Tensor,
    test_y: torch.Tensor,
) -> float:
    import torch
    from torch import nn

    from isolet_nn.training.torch_backend import make_optimizer

    layers: list[nn.Module] = []
    inputs = sizes[0]
    for width in experiment.model.hidden_layers:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    network = nn.Sequential(*layers, nn.Linear(inputs, sizes[1]))
    criterion = nn.CrossEntropyLoss()
    optimizer = make_optimizer(experiment.optimizer, network, torch.device("cpu"))
    batch_size = experiment.training.batch_size
    for _ in range(experiment.training.epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            optimizer.zero_grad()
            criterion(network(x[rows]), y[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return float((network(test_x).argmax(dim=1) == test_y).double().mean())
