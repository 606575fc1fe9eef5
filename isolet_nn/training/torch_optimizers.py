"""The optimizers of torch.optim that a config names."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from isolet_nn.config.optimizers import Adagrad, OptimizerConfig, Rmsprop, Sgd


def slots_of(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """What an optimizer keeps of each parameter once it has made a step."""
    momentum = ("momentum_buffer",) if optimizer.defaults.get("momentum") else ()
    match optimizer:
        case torch.optim.SGD():
            return momentum
        case torch.optim.Adagrad():
            return ("step", "sum")
        case torch.optim.RMSprop():
            return ("step", "square_avg", *momentum)
        case _:
            return ("step", "exp_avg", "exp_avg_sq")


def make_torch_optimizer(
    config: OptimizerConfig, network: nn.Module, device: torch.device
) -> torch.optim.Optimizer:
    """The torch.optim optimizer that a config describes."""
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
    adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.name]
    return adam(  # type: ignore[no-any-return]
        parameters,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        fused=device.type != "mps",
        **common,
    )
