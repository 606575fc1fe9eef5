"""What a nested cross-validation found: a score an outer fold, their mean, and what was chosen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isolet_nn.sweeps.distributions import Setting
from isolet_nn.sweeps.journal import COMPLETED_CODE, exact_text
from isolet_nn.sweeps.nested import OuterTrials
from isolet_nn.sweeps.scores import mean_interval_over_folds
from isolet_nn.system.csv_tables import CsvCell, unless_nan, write_csv


@dataclass(frozen=True)
class ChosenSetting:
    """A setting that outer folds were scored with."""

    setting: Setting
    n: int
    """Of how many outer folds."""


@dataclass(frozen=True)
class NestedScore:
    """How good settings are that are chosen as this sweep chooses them."""

    score: str
    """What the outer folds are scored by."""
    chosen_by: str
    """What settings were compared by on the inner folds."""
    n: int
    """Outer folds scored, of all repeats and seeds."""
    mean: float
    deviation: float | None
    """None for a single one."""
    low: float | None
    """With `high` the 95 % interval of the mean; None if an outer fold is missing."""
    high: float | None
    choices: list[ChosenSetting]
    """The settings chosen, the most frequent first."""
    unread: list[str]
    """Test parts that the data itself has, and that no trial reads."""


@dataclass(frozen=True)
class OuterFold:
    """What became of an outer fold; None where its trial has not ended, or has failed."""

    trial: int
    division: dict[str, int]
    """Its number, with its seed, and its repeat where there are several."""
    setting: Setting | None
    inner_mean: float | None
    """Mean score on the inner folds, by which the setting was chosen."""
    score: float | None
    """On the outer fold itself."""


def nested_score(outer: OuterTrials) -> NestedScore | None:
    """The mean over the outer folds, its interval, and the choices; None before the first."""
    scores = outer.ended.metric(outer.score)
    done = (outer.ended.status == COMPLETED_CODE) & np.isfinite(scores)
    if not done.any():
        return None
    known = scores[done]
    trials, folds = outer.trials, outer.trials.cross_validation
    assert folds is not None
    assert folds.outer_folds is not None
    of_seeds = scores.reshape(1, len(trials.seeds), -1)
    settings = Counter(outer.settings[done].tolist())
    datasets = [outer.make_experiment(0, setting).dataset for setting in settings]
    unread = {dataset.own_test for dataset in datasets if dataset.own_test is not None}
    low, high = mean_interval_over_folds(of_seeds, datasets[0], folds.outer_folds, outer.score)
    return NestedScore(
        outer.score,
        outer.metric,
        len(known),
        float(known.mean()),
        float(known.std(ddof=1)) if len(known) > 1 else None,
        unless_nan(float(low[0])),
        unless_nan(float(high[0])),
        [
            ChosenSetting(trials.setting(setting), n)
            for setting, n in sorted(settings.items(), key=lambda item: (-item[1], item[0]))
        ],
        sorted(unread),
    )


def outer_folds(outer: OuterTrials) -> list[OuterFold]:
    """The outer folds of all seeds and repeats, in the order of their trials."""
    scores, folds = outer.ended.metric(outer.score), []
    for number in range(len(outer)):
        chosen = int(outer.settings[number])
        has_setting = chosen >= 0
        fold = OuterFold(
            outer.first + number,
            {"seed": outer.seed(number), **outer.division(number)},
            outer.trials.setting(chosen) if has_setting else None,
            unless_nan(float(outer.means(number)[chosen])) if has_setting else None,
            unless_nan(float(scores[number])),
        )
        folds.append(fold)
    return folds


def write_outer_folds(path: Path, outer: OuterTrials) -> None:
    """Write outer_folds.csv: a row an outer fold of each seed and repeat.

    It has the setting that the inner folds chose, their mean score for it, and the score on the
    outer fold, with all digits. What is not known yet is empty.
    """
    keys = outer.trials.keys

    def row(fold: OuterFold) -> list[CsvCell]:
        given = fold.setting or {}
        setting = [exact_text(given[key]) if key in given else None for key in keys]
        return [fold.trial, *fold.division.values(), *setting, fold.inner_mean, fold.score]

    division = [name for name in outer.trials.shape if name != "fold"]
    header = ["trial", *division, *keys, f"{outer.metric}_mean", outer.score]
    write_csv(path, header, map(row, outer_folds(outer)))
