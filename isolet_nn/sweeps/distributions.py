"""Values that settings are drawn from at random."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from isolet_nn.config.bounds import MOST_SETTINGS
from isolet_nn.config.section import Section
from isolet_nn.errors import short_repr


def _plain(value: Any) -> Any:
    """Refuse what YAML can say and no setting can be: dates, infinities, keys that are no text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(f"found {short_repr(value)}; keys should be text")
        return {key: _plain(item) for key, item in value.items()}
    is_number = isinstance(value, (bool, int, float)) and math.isfinite(value)
    if not is_number and not isinstance(value, (str, type(None))):
        raise ValueError(f"found {short_repr(value)}, which no setting can be")
    return value


Value = Annotated[Any, AfterValidator(_plain)]
Setting = dict[str, Value]
"""Values by key path, such as ``{"optimizer.learning_rate": 0.1}``."""

FloatRange = Annotated[list[float], Field(min_length=2, max_length=2)]
IntegerRange = Annotated[
    list[Annotated[int, Field(ge=-(2**53), le=2**53)]], Field(min_length=2, max_length=2)
]


class LogUniform(Section):
    """Uniform in the logarithm."""

    log_uniform: FloatRange
    """Lowest and highest value, both above 0."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.log_uniform
        if not 0.0 < low < high:
            raise ValueError("log_uniform takes [low, high] with 0 < low < high")
        return self

    def sample(self, generator: np.random.Generator) -> float:
        """Draw a value."""
        low, high = self.log_uniform
        value = math.exp(generator.uniform(math.log(low), math.log(high)))
        return min(max(value, low), high)  # exp(log(low)) may be below low


class Uniform(Section):
    """Uniform between two numbers."""

    uniform: FloatRange
    """Lowest and highest value."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0.0 < self.uniform[1] - self.uniform[0] < math.inf:
            raise ValueError("uniform takes [low, high] with low < high")
        return self

    def sample(self, generator: np.random.Generator) -> float:
        """Draw a value."""
        low, high = self.uniform
        return float(generator.uniform(low, high))


class Integers(Section):
    """Whole numbers, all equally likely."""

    integers: IntegerRange
    """Lowest and highest value, both included."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.integers[0] <= self.integers[1]:
            raise ValueError("integers takes [low, high] with low <= high")
        return self

    def sample(self, generator: np.random.Generator) -> int:
        """Draw a value."""
        low, high = self.integers
        return int(generator.integers(low, high, endpoint=True))


class Choice(Section):
    """One of several values, all equally likely."""

    choice: Annotated[list[Value], Field(min_length=1)]
    """The values."""

    def sample(self, generator: np.random.Generator) -> Any:
        """Draw a value."""
        return self.choice[int(generator.integers(len(self.choice)))]


_DISTRIBUTIONS: dict[str, type[Section]] = {
    "log_uniform": LogUniform,
    "uniform": Uniform,
    "integers": Integers,
    "choice": Choice,
}


def _distribution_kind(value: object) -> str | None:
    """The key that tells which distribution it is, of a section in a file or of a model."""
    if isinstance(value, Section):
        return next(iter(type(value).model_fields))
    keys = list(value) if isinstance(value, dict) else []
    return keys[0] if len(keys) == 1 and keys[0] in _DISTRIBUTIONS else None


Distribution = Annotated[
    Annotated[LogUniform, Tag("log_uniform")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[Integers, Tag("integers")]
    | Annotated[Choice, Tag("choice")],
    Discriminator(
        _distribution_kind,
        custom_error_type="distribution",
        custom_error_message="be one of log_uniform, uniform, integers and choice, "
        "for instance {log_uniform: [1e-4, 1e-1]}",
    ),
]


class RandomSettings(Section):
    """Settings drawn at random."""

    trials: Annotated[int, Field(ge=1, le=MOST_SETTINGS)]
    """Settings to draw (each is tried with every seed)."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the drawing."""
    space: Annotated[dict[str, Distribution], Field(min_length=1)]
    """A distribution for each key path: log_uniform, uniform, integers or choice."""
