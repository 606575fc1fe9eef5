"""How weights follow from gradients."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from isolet_nn.config.section import ByName, NonNegative, Positive, Rate, Section


class _Optimizer(Section):
    weight_decay: NonNegative = 0.0
    """L2 penalty added to the gradient, as in torch.optim (decoupled from it in adamw)."""
    name: str
    learning_rate: Positive = 0.01
    """Step size."""


class Sgd(_Optimizer):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    """The optimizer."""
    momentum: Rate = 0.0
    """Share of the last step that is kept."""
    nesterov: bool = False
    """Nesterov's momentum; needs momentum above 0."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov: true needs a momentum above 0")
        return self


class Adagrad(_Optimizer):
    """Adagrad: steps shrink with the sum of squared gradients."""

    name: Literal["adagrad"]
    """The optimizer."""
    learning_rate_decay: NonNegative = 0.0
    """Step size is divided by 1 + (step - 1) * this."""
    initial_accumulator: NonNegative = 0.0
    """What the sum of squared gradients starts from."""
    epsilon: Positive = 1e-10
    """Added to the denominator."""


class Rmsprop(_Optimizer):
    """RMSprop: steps divided by a running root mean square of the gradient."""

    name: Literal["rmsprop"]
    """The optimizer."""
    alpha: Rate = 0.99
    """Smoothing of the running mean of squares."""
    momentum: Rate = 0.0
    """Share of the last step that is kept."""
    epsilon: Positive = 1e-8
    """Added to the denominator."""


class _AdamLike(Section):
    learning_rate: Positive = 0.001
    """Step size."""
    beta1: Rate = 0.9
    """Smoothing of the running mean of the gradient (Adam's momentum)."""
    beta2: Rate = 0.999
    """Smoothing of the running mean of squares."""
    epsilon: Positive = 1e-8
    """Added to the denominator."""


class Adam(_AdamLike):
    """Adam: bias-corrected running mean of the gradient over that of its square."""

    name: Literal["adam"]
    """The optimizer."""
    weight_decay: NonNegative = 0.0
    """L2 penalty added to the gradient."""


class AdamW(_AdamLike):
    """Adam with weight decay decoupled from the gradient."""

    name: Literal["adamw"]
    """The optimizer."""
    weight_decay: NonNegative = 0.01
    """Share of the weights, times the learning rate, that is taken off in each step."""


class _AdamVariant(_AdamLike):
    weight_decay: NonNegative = 0.0
    """L2 penalty added to the gradient, or what is taken off the weights if it is decoupled."""
    decoupled_weight_decay: bool = False
    """Take weight_decay times the learning rate off the weights in each step, as adamw does."""


class RAdam(_AdamVariant):
    """Rectified Adam: without the mean of squares until that is long enough to be trusted."""

    name: Literal["radam"]
    """The optimizer."""


class NAdam(_AdamVariant):
    """Adam with Nesterov's momentum."""

    name: Literal["nadam"]
    """The optimizer."""
    learning_rate: Positive = 0.002
    """Step size."""
    momentum_decay: NonNegative = 0.004
    """How fast the momentum grows from beta1 / 2 to beta1; 0 leaves it at beta1 / 2."""


OptimizerConfig = Annotated[
    Sgd | Adagrad | Rmsprop | Adam | AdamW | RAdam | NAdam,
    ByName(),
]
