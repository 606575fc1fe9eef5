"""A plain PyTorch loop: what the package's training and its sweeps are measured by.

Tensors in memory, no DataLoader, nothing evaluated before the last epoch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from isolet_nn.config.loading import load_experiment
from isolet_nn.config.optimizers import (
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    OptimizerConfig,
    RAdam,
    Rmsprop,
    Sgd,
)
from isolet_nn.data import load_dataset

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class LoopResult:
    """The loop's time, from the first network to the last evaluation, and what came out."""

    seconds: float
    test_accuracies: list[float]


def make_network(
    *sizes: int, dropout: float = 0.0, input_dropout: float = 0.0
) -> torch.nn.Sequential:
    """Linear layers from each number of units to the next, with ReLU and dropout between them."""
    from torch import nn

    layers: list[nn.Module] = [nn.Dropout(input_dropout)] if input_dropout else []
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        if number > 0:
            layers += [nn.ReLU(), nn.Dropout(dropout)] if dropout else [nn.ReLU()]
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


def train(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    x: torch.Tensor,
    y: torch.Tensor,
    epochs: int,
    batch_size: int,
) -> None:
    """Minimise the cross-entropy over mini-batches in a new order every epoch."""
    import torch

    criterion = torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(len(x), device=x.device)
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            optimizer.zero_grad()
            criterion(network(x[rows]), y[rows]).backward()
            optimizer.step()


def make_torch_optimizer(
    config: OptimizerConfig, network: torch.nn.Module
) -> torch.optim.Optimizer:
    """The torch.optim optimizer that a config describes."""
    import torch

    parameters = network.parameters()
    common: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if isinstance(config, Sgd):
        return torch.optim.SGD(
            parameters, momentum=config.momentum, nesterov=config.nesterov, **common
        )
    if isinstance(config, Adagrad):
        return torch.optim.Adagrad(
            parameters,
            lr_decay=config.learning_rate_decay,
            initial_accumulator_value=config.initial_accumulator,
            eps=config.epsilon,
            **common,
        )
    if isinstance(config, Rmsprop):
        return torch.optim.RMSprop(
            parameters, alpha=config.alpha, eps=config.epsilon, momentum=config.momentum, **common
        )
    common |= {"betas": (config.beta1, config.beta2), "eps": config.epsilon}
    match config:
        case Adam():
            return torch.optim.Adam(parameters, fused=True, **common)
        case AdamW():
            return torch.optim.AdamW(parameters, fused=True, **common)
        case RAdam(decoupled_weight_decay=decoupled):
            return torch.optim.RAdam(parameters, decoupled_weight_decay=decoupled, **common)
        case NAdam(decoupled_weight_decay=decoupled, momentum_decay=momentum_decay):
            return torch.optim.NAdam(
                parameters,
                momentum_decay=momentum_decay,
                decoupled_weight_decay=decoupled,
                **common,
            )


def train_one_after_another(contents: Sequence[dict[str, object]], threads: int) -> LoopResult:
    """Train experiments (as in files) on one data set; loading it does not count."""
    import torch

    from isolet_nn.training.devices import choose_device

    torch.set_num_threads(threads)
    experiments = [load_experiment(content) for content in contents]
    first = experiments[0]
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    device = choose_device(first.device if first.backend == "torch" else "cpu")
    train_part, test_part = dataset.train, dataset.test
    x, y, test_x, test_y = (
        torch.from_numpy(array).to(device)
        for array in (train_part.x, train_part.y, test_part.x, test_part.y)
    )
    accuracies = []
    started = time.perf_counter()
    for one in experiments:
        network = make_network(dataset.n_features, *one.model.hidden_layers, dataset.n_classes)
        network.to(device)
        optimizer = make_torch_optimizer(one.optimizer, network)
        train(network, optimizer, x, y, one.training.epochs, one.training.batch_size)
        with torch.no_grad():
            accuracies.append(float((network(test_x).argmax(dim=1) == test_y).double().mean()))
    return LoopResult(time.perf_counter() - started, accuracies)
