"""Runs put together by settings: means, deviations and counts, as over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from isolet_nn.config.key_paths import canonical, flat, nested
from isolet_nn.config.metrics import METRICS
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.results.columns import (
    COLUMNS,
    NUMBERS,
    TASK,
    UNKNOWN,
    is_number,
    text_of_value,
    value_of,
    with_columns,
    with_settings,
)
from isolet_nn.results.listing import Entry
from isolet_nn.runs.identity import identity_of

SETTINGS = "settings"
"""Group by every setting but the seed, and by what no result depends on."""
_USUAL = ("validation_accuracy", "test_accuracy")


@dataclass(frozen=True)
class Mean:
    """Over the runs of a group that have a value."""

    n: int
    mean: float
    deviation: float | None
    """Standard deviation, with n - 1; None for a single one."""


@dataclass(frozen=True)
class Group:
    """Runs that are equal in some columns.

    Attributes
    ----------
    by
        What they have in common, by column.
    runs
        How many there are.
    means
        Means by column; None where no run has a number.
    """

    by: dict[str, Any]
    runs: int
    means: dict[str, Mean | None]


def group_entries(
    entries: Iterable[Entry], keys: Sequence[str], columns: Sequence[str] | None = None
) -> list[Group]:
    """Put runs together that are equal in `keys`; sweeps, which are tables of their own, are not.

    Parameters
    ----------
    keys
        Columns and settings; or ``settings`` alone, which is every setting but the seed: then the
        groups are told apart by those in which they differ. Runs that adapt to a group are told
        apart from others in any case.
    columns
        Of which means are taken; by default the validation and the test accuracy.

    Raises
    ------
    ConfigError
        If there is no such column, or one that means are taken of is not of numbers.
    """
    return [group for group, _ in groups_with_members(entries, keys, columns)]


def groups_with_members(
    entries: Iterable[Entry], keys: Sequence[str], columns: Sequence[str] | None = None
) -> list[tuple[Group, list[Entry]]]:
    """As :func:`group_entries`, with the runs of each group."""
    runs = [entry for entry in entries if entry.kind == "run"]
    names = _USUAL if columns is None else columns
    runs = with_columns(
        runs, [*(key for key in keys if key != SETTINGS), *names], "--group", [SETTINGS]
    )
    _require_numbers(runs, names)
    if SETTINGS in keys:
        if len(keys) > 1:
            raise ConfigError("--group: `settings` are all of them: give it alone, or key paths")
        runs = with_settings(runs)
        keys = _differing(runs)
    if TASK not in keys and any(run.adapted_to is not None for run in runs):
        keys = [*keys, TASK]  # a mean over two tasks is of none
    members: dict[tuple[str, ...], list[Entry]] = {}
    for run in runs:
        members.setdefault(tuple(canonical(_given(run, key)) for key in keys), []).append(run)
    groups = [
        (
            Group(
                {key: _given(alike[0], key) for key in keys},
                len(alike),
                {name: _mean(alike, name) for name in names},
            ),
            alike,
        )
        for alike in members.values()
    ]
    return sorted(groups, key=lambda found: [_rank(value) for value in found[0].by.values()])


def sort_groups(groups: Sequence[Group], column: str) -> list[Group]:
    """Sort groups by the mean of a column, highest first, or by what they have in common.

    Raises
    ------
    ConfigError
        If the groups have no such column.
    """
    there = list(dict.fromkeys(key for group in groups for key in (*group.by, *group.means)))
    if groups and column not in there:
        hint = suggestion(column, there)
        raise ConfigError(f"--sort: groups have no column {column!r}, but {', '.join(there)}{hint}")

    def height(group: Group) -> float:
        mean = group.means[column]
        return -math.inf if mean is None else mean.mean

    if groups and column in groups[0].means:
        return sorted(groups, key=height, reverse=True)
    return sorted(groups, key=lambda group: _rank(group.by[column]))


def _require_numbers(runs: Sequence[Entry], names: Sequence[str]) -> None:
    for name in names:
        values = [value_of(run, name) for run in runs]
        given = [value for value in values if value is not None and value is not UNKNOWN]
        if (name in COLUMNS and name not in NUMBERS) or not all(map(is_number, given)):
            raise ConfigError(
                f"--columns: {name} is not a number, of which there is a mean; with --group, "
                f"columns are numbers such as {', '.join(METRICS[-2:])} or seconds"
            )


def _differing(runs: Sequence[Entry]) -> list[str]:
    """Settings but the seed that are not the same in all runs, and on which results depend."""
    identities = [flat(identity_of(nested(run.settings or {}))) for run in runs]
    keys = dict.fromkeys(key for identity in identities for key in identity if key != "seed")
    return [key for key in keys if len({canonical(i.get(key, "")) for i in identities}) > 1]


def _given(entry: Entry, key: str) -> Any:
    value = value_of(entry, key)
    if value is UNKNOWN or (value is None and key in COLUMNS):
        return ""
    return list(value) if isinstance(value, tuple) else value


def _mean(runs: Sequence[Entry], column: str) -> Mean | None:
    values = [value for run in runs if is_number(value := value_of(run, column))]
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Mean(len(values), statistics.fmean(values), deviation)


def _rank(value: Any) -> tuple[int, float, str]:
    return (0, value, "") if is_number(value) else (1, 0.0, text_of_value(value))
