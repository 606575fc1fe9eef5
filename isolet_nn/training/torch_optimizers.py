"""The optimizers of torch.optim that a config names."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

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
        case torch.optim.NAdam():
            return ("step", "mu_product", "exp_avg", "exp_avg_sq")
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
    common |= {"betas": (config.beta1, config.beta2), "eps": config.epsilon}
    match config:
        case Adam():
            return torch.optim.Adam(parameters, fused=device.type != "mps", **common)
        case AdamW():
            return torch.optim.AdamW(parameters, fused=device.type != "mps", **common)
        case RAdam(decoupled_weight_decay=decoupled):
            return torch.optim.RAdam(parameters, decoupled_weight_decay=decoupled, **common)
        case NAdam(decoupled_weight_decay=decoupled, momentum_decay=momentum_decay):
            return _with_products_of_its_type(
                torch.optim.NAdam(
                    parameters,
                    momentum_decay=momentum_decay,
                    decoupled_weight_decay=decoupled,
                    **common,
                )
            )


def _with_products_of_its_type(optimizer: torch.optim.NAdam) -> torch.optim.NAdam:
    """NAdam with the product of its momenta in the type of the parameters.

    PyTorch has it in float32 until a state is loaded, and in their type from then on, so that a
    resumed training would have other bits.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32),
                "mu_product": torch.ones((), dtype=parameter.dtype),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
    return optimizer
