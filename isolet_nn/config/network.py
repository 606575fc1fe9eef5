"""The network: its layers, initial weights and noise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isolet_nn.config.bounds import MOST_LAYERS
from isolet_nn.config.section import ByName, NonNegative, NoSign, Positive, Rate, Section, Size


class Normal(Section):
    """Weights from a normal distribution of fixed scale; biases zero."""

    name: Literal["normal"]
    """The initializer."""
    scale: Positive = 0.01
    """Standard deviation of the weights."""


class FanInitializer(Section):
    """Weights scaled by the size of the layer."""

    name: Literal["he", "glorot", "uniform_fan_in"]
    """The initializer: he (normal), glorot (uniform), or uniform_fan_in (PyTorch's default)."""


InitializerConfig = Annotated[Normal | FanInitializer, ByName()]


class PlainActivation(Section):
    """An activation function that has no settings."""

    name: Literal["relu", "sigmoid", "tanh", "gelu", "silu"]
    """The function; gelu in its exact form, as PyTorch's default."""


class LeakyRelu(Section):
    """ReLU that lets a share of what is negative through."""

    name: Literal["leaky_relu"]
    """The function."""
    negative_slope: Annotated[float, Field(ge=0.0, le=1.0), NoSign] = 0.01
    """The share."""


class Elu(Section):
    """Exponential linear unit: alpha (e^z - 1) where z is negative."""

    name: Literal["elu"]
    """The function."""
    alpha: Positive = 1.0
    """It falls to -alpha on the left."""


ActivationConfig = Annotated[PlainActivation | LeakyRelu | Elu, ByName()]


class ModelConfig(Section):
    """The multilayer perceptron."""

    hidden_layers: Annotated[list[Size], Field(max_length=MOST_LAYERS)] = Field(default=[64])
    """Neurons of each hidden layer; [] is a network without hidden layers."""
    activation: ActivationConfig = PlainActivation(name="relu")
    """Of the hidden layers: relu, leaky_relu, elu, gelu, silu, sigmoid or tanh."""
    initializer: InitializerConfig = FanInitializer(name="he")
    """Distribution of the initial weights: normal, he, glorot or uniform_fan_in."""
    dropout: Rate = 0.0
    """Probability that a hidden neuron is dropped in a training step."""
    input_dropout: Rate = 0.0
    """Probability that an input feature is dropped in a training step."""
    input_noise: NonNegative = 0.0
    """Standard deviation of normal noise on the (standardised) features in a training step."""
    batch_normalization: bool = False
    """Normalise each hidden layer over the batch, before its activation function."""
    max_norm: Annotated[float, Field(gt=0.0, le=1e30)] | None = None
    """Largest norm of the weights into a hidden neuron, kept after each step; null: no limit."""
