"""Activation functions of PyTorch, and how a gradient goes back through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from isolet_nn.config.network import ActivationConfig, Elu, LeakyRelu

_aten = torch.ops.aten  # autograd's own functions: the definitions are PyTorch's both ways


@dataclass(frozen=True)
class Activation:
    """An activation function a = f(z).

    Attributes
    ----------
    forward
        Gives a for z.
    backward
        Gives the gradient for z, of that for a, and of a where `of_output`, else of z.
    of_output
        Which of the two the way back needs.
    """

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]
    of_output: bool = True


def make_activation(config: ActivationConfig) -> Activation:
    """The activation function that a config describes."""
    match config:
        case LeakyRelu(negative_slope=slope):
            return Activation(
                lambda z: functional.leaky_relu(z, slope),
                lambda gradient, z: _aten.leaky_relu_backward(gradient, z, slope, False),
                of_output=False,
            )
        case Elu(alpha=alpha):
            return Activation(
                lambda z: functional.elu(z, alpha),
                lambda gradient, a: _aten.elu_backward(gradient, alpha, 1.0, 1.0, True, a),
            )
        case _:
            return _PLAIN[config.name]


_PLAIN: Mapping[str, Activation] = {
    "relu": Activation(torch.relu, lambda gradient, a: _aten.threshold_backward(gradient, a, 0.0)),
    "sigmoid": Activation(torch.sigmoid, _aten.sigmoid_backward),
    "tanh": Activation(torch.tanh, _aten.tanh_backward),
    "gelu": Activation(functional.gelu, _aten.gelu_backward, of_output=False),
    "silu": Activation(functional.silu, _aten.silu_backward, of_output=False),
}
