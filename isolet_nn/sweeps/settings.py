"""Settings as they are told apart: drawn at random, and as numbers of the values of each key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import (
    apply_overrides,
    canonical,
    equal_text,
    look_up,
    with_overrides,
)
from isolet_nn.config.problems import check
from isolet_nn.errors import ConfigError, Kind, Problem
from isolet_nn.sweeps.distributions import RandomSettings, Setting

NOT_SET = -1
"""In place of the number of a value where a setting does not set a key."""


def text_of(experiment: dict[str, Any], key: str, value: Any) -> str:
    """Text that is equal for values of a key which, with all defaults, are the same."""
    if isinstance(value, (str, dict)):  # names alone, and sections that leave defaults out
        checked, _ = check(Experiment, with_overrides(experiment, {key: value}))
        if checked is not None:
            value = look_up(checked.model_dump(mode="json"), key)
    return equal_text(value)


def identity_of(experiment: Experiment) -> bytes:
    """Equal for equal experiments; short, as there may be a million."""
    return hashlib.sha256(experiment.model_dump_json().encode()).digest()


def encode(
    settings: Sequence[Setting], keys: tuple[str, ...], experiment: dict[str, Any]
) -> tuple[tuple[list[Any], ...], NDArray[np.int32]]:
    """The different values of each key, and which of them each setting has."""
    values: tuple[list[Any], ...] = tuple([] for _ in keys)
    codes = np.full((len(settings), len(keys)), NOT_SET, np.int32)
    numbers: list[dict[str, int]] = [{} for _ in keys]
    columns = {key: column for column, key in enumerate(keys)}
    for row, setting in enumerate(settings):
        for key, value in setting.items():
            column = columns[key]
            known, text = numbers[column], equal_text(value)
            if text not in known:
                known[text] = known.setdefault(text_of(experiment, key, value), len(values[column]))
                if known[text] == len(values[column]):
                    values[column].append(value)
            codes[row, column] = known[text]
    return values, codes


def draw(random: RandomSettings, experiment: dict[str, Any]) -> list[Setting]:
    """Draw settings one after another, so that more trials begin with the same ones."""
    generator = np.random.default_rng(random.seed)
    seen: set[str] = set()
    drawn: dict[bytes | str, Setting] = {}
    for _ in range(100 * random.trials):
        setting = {key: space.sample(generator) for key, space in sorted(random.space.items())}
        text = canonical(setting)
        if text in seen:
            continue
        seen.add(text)
        content, contradictions = apply_overrides(experiment, setting)
        checked = None if contradictions else check(Experiment, content)[0]
        drawn.setdefault(text if checked is None else identity_of(checked), setting)
        if len(drawn) == random.trials:
            return list(drawn.values())
    allowed = f"the space has hardly more than {len(drawn)} different settings"
    raise ConfigError(Problem(str(random.trials), "random.trials", Kind.FOUND, allowed))
