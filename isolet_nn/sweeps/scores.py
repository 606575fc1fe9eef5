"""The best settings of a sweep: means over seeds, ranked.

Settings are compared by the mean over their completed trials, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.sweeps.config import Setting
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import COMPLETED_CODE, Results


@dataclass(frozen=True)
class Score:
    """Mean and standard deviation of a metric over seeds (n - 1 in the denominator)."""

    mean: float
    deviation: float | None
    """None for a single seed."""


@dataclass(frozen=True)
class SettingScore:
    """How a setting did over its seeds."""

    setting: Setting
    n: int
    """Seeds completed."""
    scores: dict[str, Score]
    """By metric: validation and test accuracy, as far as there are such splits."""


def best_settings(trials: Trials, results: Results, metric: str, most: int) -> list[SettingScore]:
    """The settings with the highest mean of `metric` over seeds, best first."""
    shape = (len(trials.codes), len(trials.seeds))
    done = (results.status == COMPLETED_CODE).reshape(shape)
    values = np.where(done, results.metric(metric).reshape(shape), np.nan)
    counts = np.isfinite(values).sum(axis=1)
    means = np.full(len(values), -np.inf)
    np.divide(np.nansum(values, axis=1), counts, out=means, where=counts > 0)
    # A mean over the seeds that survived says less: settings of which all did come first.
    order = np.lexsort((-means, counts < counts.max()))[:most]
    return [
        _score(trials, results, number, done[number])
        for number in order.tolist()
        if counts[number] > 0
    ]


def _score(trials: Trials, results: Results, number: int, done: NDArray[np.bool_]) -> SettingScore:
    first = number * len(trials.seeds)
    scores = {}
    for name in ("validation_accuracy", "test_accuracy"):
        values = results.metric(name)[first : first + len(trials.seeds)][done]
        if len(values) and np.isfinite(values).all():
            deviation = float(values.std(ddof=1)) if len(values) > 1 else None
            scores[name] = Score(float(values.mean()), deviation)
    return SettingScore(trials.setting(number), int(done.sum()), scores)
