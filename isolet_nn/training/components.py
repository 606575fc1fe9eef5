"""What a config names, made for the network from scratch: activation function to schedule."""

from __future__ import annotations

import functools

from isolet_nn.config.metrics import measure_of
from isolet_nn.config.network import ActivationConfig, InitializerConfig, Normal
from isolet_nn.config.optimizers import OptimizerConfig
from isolet_nn.config.training import (
    Constant,
    Cosine,
    OneCycle,
    ReduceOnPlateau,
    ScheduleConfig,
    Step,
)
from isolet_nn.nn import activations, adam_variants, initializers, optimizers, schedules
from isolet_nn.nn.layers import FloatArray
from isolet_nn.nn.network import ActivationMaker

_ACTIVATIONS: dict[str, type[activations.Activation]] = {
    "relu": activations.ReLU,
    "leaky_relu": activations.LeakyReLU,
    "elu": activations.ELU,
    "gelu": activations.GELU,
    "silu": activations.SiLU,
    "sigmoid": activations.Sigmoid,
    "tanh": activations.Tanh,
}
_FAN_INITIALIZERS: dict[str, initializers.Initializer] = {
    "he": initializers.he,
    "glorot": initializers.glorot,
    "uniform_fan_in": initializers.uniform_fan_in,
}
_OPTIMIZERS: dict[str, type[optimizers.Optimizer]] = {
    "sgd": optimizers.SGD,
    "adagrad": optimizers.Adagrad,
    "rmsprop": optimizers.RMSprop,
    "adam": optimizers.Adam,
    "adamw": optimizers.AdamW,
    "radam": adam_variants.RAdam,
    "nadam": adam_variants.NAdam,
}


def make_activation(config: ActivationConfig) -> ActivationMaker:
    """What makes the activation function of a layer that a config describes."""
    return functools.partial(_ACTIVATIONS[config.name], **config.model_dump(exclude={"name"}))


def make_initializer(config: InitializerConfig) -> initializers.Initializer:
    """The initializer that a config names."""
    if isinstance(config, Normal):
        return initializers.normal(config.scale)
    return _FAN_INITIALIZERS[config.name]


def make_optimizer(
    config: OptimizerConfig, parameters: FloatArray, gradients: FloatArray
) -> optimizers.Optimizer:
    """The optimizer that a config describes, for one network's row of the buffers."""
    options = config.model_dump(exclude={"name", "learning_rate"})
    return _OPTIMIZERS[config.name](parameters, gradients, **options)


def make_schedule(config: ScheduleConfig) -> schedules.Schedule:
    """The learning rate schedule that a config describes, as far as it follows from the steps."""
    match config:
        case Constant() | ReduceOnPlateau():
            return schedules.constant
        case Step():
            return schedules.step_decay(config.epochs, config.gamma)
        case Cosine():
            return schedules.cosine(config.final_factor, config.warmup_epochs)
        case OneCycle():
            return schedules.one_cycle(config.rise, config.initial_divisor, config.final_divisor)


def make_plateau(config: ScheduleConfig) -> schedules.ReduceOnPlateau | None:
    """The part of a learning rate schedule that follows from evaluations, if it has one."""
    if not isinstance(config, ReduceOnPlateau):
        return None
    options = config.model_dump(exclude={"name", "metric", "threshold_mode"})
    return schedules.ReduceOnPlateau(
        greater_is_better=measure_of(config.metric).greater_is_better,
        relative=config.threshold_mode == "rel",
        **options,
    )
