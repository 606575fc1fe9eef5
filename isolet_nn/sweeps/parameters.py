"""The settings of a search as parameters of an Optuna study, and back.

A parameter is called as its key path. Values that Optuna has no word for, such as lists, are
parameters as text; a list is a parameter for its length and one for each of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isolet_nn.config.key_paths import canonical
from isolet_nn.sweeps.distributions import Choice, Distribution, Integers, LogUniform, Setting
from isolet_nn.sweeps.journal import exact_text
from isolet_nn.sweeps.search_config import ListOf, Search, is_active

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Parameter = str | int | float
"""A value of a parameter."""
Parameters = dict[str, Parameter]
CONDITIONAL = ("tpe", "random")
"""Samplers that are asked for those keys alone that are set. The others' spaces have no conditions:
they are asked for all, and what is not set counts for nothing."""

_SAMPLES = 200
"""Settings that a space is checked by before the first is asked for."""


Chooser = Callable[[str, Distribution], Parameter]
"""What chooses the value of a parameter, by its name and distribution."""


def choose(search: Search, chooser: Chooser, *, conditional: bool) -> tuple[Parameters, Setting]:
    """The parameters of a setting, and the setting, one key after another."""
    parameters: Parameters = {}
    setting: Setting = {}
    for key, searched in search.space.items():
        active = is_active(search, key, setting)
        if conditional and not active:
            continue
        if not isinstance(searched, ListOf):
            parameters[key] = chooser(key, searched)
            value = _value(parameters[key], searched)
        else:
            fewest, most = searched.length
            length = chooser(f"{key}.length", Integers(integers=[fewest, most]))
            parameters[f"{key}.length"] = length
            assert isinstance(length, int)
            names = [f"{key}.{place}" for place in range(length if conditional else most)]
            parameters |= {name: chooser(name, searched.list_of) for name in names}
            value = [_value(parameters[name], searched.list_of) for name in names[:length]]
        if active:
            setting[key] = value
    return parameters, setting


def setting_of(search: Search, parameters: Mapping[str, Parameter]) -> Setting:
    """The setting of some parameters that were asked for.

    Raises
    ------
    KeyError
        If one is missing.
    """
    conditional = search.sampler in CONDITIONAL
    return choose(search, lambda name, _: parameters[name], conditional=conditional)[1]


def samples_of(search: Search) -> list[Setting]:
    """Different settings drawn at random, the same for equal spaces, to check the space by."""
    generator = np.random.default_rng(0)

    def draw(_name: str, distribution: Distribution) -> Parameter:
        if isinstance(distribution, Choice):
            labels = labels_of(distribution)
            return labels[int(generator.integers(len(labels)))]
        return distribution.sample(generator)

    drawn = [choose(search, draw, conditional=True)[1] for _ in range(_SAMPLES)]
    return list({canonical(setting): setting for setting in drawn}.values())


def labels_of(choice: Choice) -> Sequence[str]:
    """The values of a choice as text, each its own."""
    texts = [exact_text(value) for value in choice.choice]
    return texts if len({*texts}) == len(texts) else [canonical(value) for value in choice.choice]


def _value(parameter: Parameter, distribution: Distribution) -> Any:
    if isinstance(distribution, Choice):
        return distribution.choice[labels_of(distribution).index(str(parameter))]
    return parameter


def optuna_distribution(distribution: Distribution) -> BaseDistribution:
    """What Optuna calls a distribution."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(distribution, Choice):
        return CategoricalDistribution([*dict.fromkeys(labels_of(distribution))])
    if isinstance(distribution, Integers):
        fewest, most = distribution.integers
        return IntDistribution(fewest, most)
    if isinstance(distribution, LogUniform):
        low, high = distribution.log_uniform
        return FloatDistribution(low, high, log=True)
    low, high = distribution.uniform
    return FloatDistribution(low, high)


def distributions(search: Search) -> dict[str, BaseDistribution]:
    """The distribution of every parameter there may be."""
    return {name: optuna_distribution(of) for name, of in _all_parameters(search)}


def _all_parameters(search: Search) -> Iterator[tuple[str, Distribution]]:
    for key, searched in search.space.items():
        if isinstance(searched, ListOf):
            yield f"{key}.length", Integers(integers=searched.length)
            yield from ((f"{key}.{n}", searched.list_of) for n in range(searched.length[1]))
        else:
            yield key, searched
