"""What a sweep file says of a search: sampler, pruner, and a space that may have conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from isolet_nn.config.bounds import MOST_SETTINGS
from isolet_nn.config.key_paths import is_within, same_value
from isolet_nn.config.metrics import ValidationMetric
from isolet_nn.config.section import BY_KEY, ByName, Count, Positive, RuleError, Section
from isolet_nn.errors import Problem, short_repr, suggestion
from isolet_nn.sweeps.distributions import (
    Choice,
    Distribution,
    Integers,
    LogUniform,
    Uniform,
    Value,
)

Conditions = Annotated[dict[str, Value], Field(min_length=1)]
"""The value of another key, or a list of values, under which a key is searched at all."""


class Conditional(Section):
    """What is set under conditions alone."""

    when: Conditions | None = None
    """Keys above it in the space, each with a value, or a list of values, under which it is set."""


class ConditionalLogUniform(Conditional, LogUniform):
    """Uniform in the logarithm."""


class ConditionalUniform(Conditional, Uniform):
    """Uniform between two numbers."""


class ConditionalIntegers(Conditional, Integers):
    """Whole numbers, all equally likely."""


class ConditionalChoice(Conditional, Choice):
    """One of several values, all equally likely."""


class ListOf(Conditional):
    """A list of values that are drawn each from the same distribution, such as layers by depth."""

    list_of: Distribution
    """What each value is drawn from."""
    length: Annotated[list[Annotated[int, Field(ge=1, le=100)]], Field(min_length=2, max_length=2)]
    """Fewest and most values, both included."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.length[0] <= self.length[1]:
            raise ValueError("length takes [fewest, most] with fewest <= most")
        return self


SearchedSection = (
    ConditionalLogUniform | ConditionalUniform | ConditionalIntegers | ConditionalChoice | ListOf
)
_KINDS = ("log_uniform", "uniform", "integers", "choice", "list_of")


def _kind(value: object) -> str | None:
    """The tag of the distribution that it is, of a section in a file or of a model."""
    keys = list(type(value).model_fields) if isinstance(value, Section) else value
    if not isinstance(keys, (list, dict)):
        return None
    found = [kind for kind in _KINDS if kind in keys]
    return f"{BY_KEY}{found[0]}" if len(found) == 1 else None


Searched = Annotated[
    Annotated[ConditionalLogUniform, Tag(f"{BY_KEY}log_uniform")]
    | Annotated[ConditionalUniform, Tag(f"{BY_KEY}uniform")]
    | Annotated[ConditionalIntegers, Tag(f"{BY_KEY}integers")]
    | Annotated[ConditionalChoice, Tag(f"{BY_KEY}choice")]
    | Annotated[ListOf, Tag(f"{BY_KEY}list_of")],
    Discriminator(
        _kind,
        custom_error_type="distribution",
        custom_error_message="be one of log_uniform, uniform, integers, choice and list_of, "
        "for instance {log_uniform: [1e-4, 1e-1]}",
    ),
]


class NoPruner(Section):
    """Every setting is trained to the end."""

    name: Literal["none"]
    """No pruner."""


class SuccessiveHalving(Section):
    """At each rung only the best share of all that came so far goes on."""

    name: Literal["successive_halving"]
    """The pruner."""
    min_resource: Count | Literal["auto"] = "auto"
    """Epochs of the first rung; auto lets three rungs stand before the last epoch."""
    reduction_factor: Annotated[int, Field(ge=2)] = 4
    """One of so many goes on, and each rung has so many times the epochs of the one before."""
    min_early_stopping_rate: Annotated[int, Field(ge=0)] = 0
    """So many of the first rungs are left out."""


class Hyperband(Section):
    """Successive halving in several brackets, each with its own first rung."""

    name: Literal["hyperband"]
    """The pruner."""
    min_resource: Count | Literal["auto"] = "auto"
    """Epochs of the first rung of the first bracket; auto as with successive_halving."""
    reduction_factor: Annotated[int, Field(ge=2)] = 3
    """One of so many goes on, and each rung has so many times the epochs of the one before."""


class Median(Section):
    """What is worse than the median of the completed settings at the same epoch ends."""

    name: Literal["median"]
    """The pruner."""
    n_startup_trials: Annotated[int, Field(ge=0)] = 5
    """Completed settings before the first is ended."""
    n_warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Epochs before which none is ended."""
    interval_steps: Count = 1
    """Epochs from one decision to the next."""


Pruner = Annotated[NoPruner | SuccessiveHalving | Hyperband | Median, ByName()]
SamplerName = Literal["tpe", "gp", "cmaes", "qmc", "random"]
_DECIDED = (
    "dataset.validation",
    "dataset.test",
    "dataset.split_seed",
    "training.evaluate_test",
)
"""Key paths that decide what a setting is judged by, or whether the test set is read."""


class Search(Section):
    """Settings asked of a sampler of Optuna, which learns from the results so far."""

    sampler: SamplerName = "tpe"
    """tpe, gp (needs PyTorch), cmaes and qmc as Optuna has them, or random."""
    trials: Annotated[int, Field(ge=1, le=MOST_SETTINGS)]
    """Settings to ask for (each is tried with every seed and fold)."""
    timeout: Positive | None = None
    """Seconds of work after which no further batch is asked for."""
    batch: Annotated[int, Field(ge=1, le=MOST_SETTINGS)] = 8
    """Settings asked for at once, and trained together, before the next are asked for."""
    pruner: Pruner = Field(default=NoPruner(name="none"))
    """What ends settings before their time: none, successive_halving, hyperband or median."""
    metric: ValidationMetric = "validation_accuracy"
    """What is searched for the best of."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the sampler."""
    space: Annotated[dict[str, Searched], Field(min_length=1)]
    """A distribution for each key path: log_uniform, uniform, integers, choice or list_of."""

    @field_validator("metric", mode="before")
    @classmethod
    def _leaves_the_test_set_unread(cls, value: object) -> object:
        if isinstance(value, str) and value.startswith("test_"):
            instead = value.replace("test_", "validation_", 1)
            raise ValueError(
                f"found {value}; a search that chose by the test set would leave nothing to test "
                f"with: take {instead}"
            )
        return value

    @model_validator(mode="after")
    def _space_can_be_searched(self) -> Self:
        earlier: list[str] = []
        for key, searched in self.space.items():
            for decided in _DECIDED:
                if is_within(key, decided) or is_within(decided, key):
                    found = "decides by what settings are compared, so it cannot be searched"
                    raise RuleError(Problem(found, f"search.space.{key}"))
            for other in searched.when or {}:
                self._require_condition(key, other, searched.when or {}, earlier)
            earlier.append(key)
        return self

    def _require_condition(
        self, key: str, other: str, when: Mapping[str, Any], earlier: list[str]
    ) -> None:
        """Refuse a condition that could not be looked up, or could never hold."""
        place = f"search.space.{key}.when.{other}"
        if other not in earlier:
            found, hint = f"no key of the space above {key}", suggestion(other, earlier)
            if other in self.space:
                found = f"stands below {key}: put what it depends on above it"
            raise RuleError(Problem(found, place, hint=hint))
        searched = self.space[other]
        if when[other] == []:
            raise RuleError(Problem(f"found no value of {other}, so that it never holds", place))
        for value in wanted_values(when[other], searched):
            if not may_be(value, searched):
                found = f"{short_repr(value)} is never a value of {other}"
                raise RuleError(Problem(found, place))


def without_extent(content: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep's content but for how far its search goes, on which no trial depends."""
    search = content.get("search")
    if not isinstance(search, Mapping):
        return {**content}
    settled = {key: value for key, value in search.items() if key not in ("trials", "timeout")}
    return {**content, "search": settled}


def wanted_values(wanted: Any, searched: SearchedSection) -> list[Any]:
    """The values that a condition names: one, or each of a list."""
    if not isinstance(wanted, list):
        return [wanted]
    return [wanted] if isinstance(searched, Choice) and _is_among(wanted, searched) else wanted


def may_be(value: Any, searched: SearchedSection) -> bool:
    """Whether a key can have a value that a condition names; none of real numbers is named."""
    if isinstance(searched, Choice):
        return _is_among(value, searched)
    if isinstance(searched, Integers) and isinstance(value, int) and not isinstance(value, bool):
        return searched.integers[0] <= value <= searched.integers[1]
    return False


def _is_among(value: Any, choice: Choice) -> bool:
    return any(same_value(value, one) for one in choice.choice)


def is_active(search: Search, key: str, setting: Mapping[str, Any]) -> bool:
    """Whether a key is set at all, given the values of the keys above it that are."""
    for other, wanted in (search.space[key].when or {}).items():
        values = wanted_values(wanted, search.space[other])
        if other not in setting or not any(same_value(setting[other], v) for v in values):
            return False
    return True
