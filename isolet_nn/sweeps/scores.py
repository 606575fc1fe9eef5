"""The best settings of a sweep: means over seeds, and folds if there are, ranked.

Settings are compared by the mean over their completed trials, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.config.metrics import METRICS, SCORES, Metric, measure_of
from isolet_nn.scores.statistics import resampled_interval
from isolet_nn.sweeps.datasets import splits_depend_on_seed
from isolet_nn.sweeps.distributions import Setting
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import COMPLETED_CODE, Results, exact_text
from isolet_nn.system.csv_tables import CsvCell, unless_nan, write_csv


@dataclass(frozen=True)
class MeanScore:
    """Mean and standard deviation of a metric over a setting's trials (n - 1 in the denominator).

    A setting's trials are its seeds, or under cross-validation its seeds times its folds.
    """

    mean: float
    deviation: float | None
    """None for a single trial."""
    low: float | None = None
    """With `high` the 95 % interval of the mean; None without cross-validation, or a fold."""
    high: float | None = None

    def text(self, metric: str, plus_minus: str = "±") -> str:
        """What a person reads: the mean, the deviation and the interval, as far as there are."""
        factor, digits, unit = (100.0, 2, " %") if measure_of(metric).in_percent else (1.0, 4, "")

        def number(value: float) -> str:
            return f"{factor * value:.{digits}f}"

        deviation = "" if self.deviation is None else f" {plus_minus} {number(self.deviation)}"
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f", {number(self.low)} to {number(self.high)}{unit}"
        return f"{number(self.mean)}{deviation}{unit}{interval}"


@dataclass(frozen=True)
class SettingScore:
    """How a setting did over its trials."""

    setting: Setting
    n: int
    """Trials completed."""
    scores: dict[str, MeanScore]
    """By metric: what settings are ranked by, accuracy, and the scores that were measured."""
    means: dict[str, float] = field(default_factory=dict)
    """Of the other metrics, as far as there are such splits."""


@dataclass(frozen=True, eq=False)
class Means:
    """A metric by setting; NaN where a setting has no completed trial, or one without the metric.

    Attributes
    ----------
    means : (n_settings,)
    deviations : (n_settings,)
        NaN for a single trial too.
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, trials: Trials, results: Results, metric: str) -> Means:
        """The means over each setting's completed trials."""
        done = completed_trials(trials, results)
        values = results.metric(metric).reshape(done.shape)
        n = done.sum(axis=1)
        usable = (n > 0) & (np.isfinite(values) | ~done).all(axis=1)
        means, deviations = np.full((2, len(n)), np.nan)
        with np.errstate(over="ignore", invalid="ignore"):  # losses of diverging trainings
            np.divide(np.where(done, values, 0.0).sum(axis=1), n, out=means, where=usable)
            squares = np.square(np.where(done, values - means[:, None], 0.0)).sum(axis=1)
            np.divide(squares, n - 1, out=deviations, where=usable & (n > 1))
        return cls(means, np.sqrt(deviations))

    def score(self, number: int) -> MeanScore | None:
        """The score of a setting, if it has one."""
        mean, deviation = float(self.means[number]), float(self.deviations[number])
        if np.isnan(mean):
            return None
        return MeanScore(mean, None if np.isnan(deviation) else deviation)


def completed_trials(trials: Trials, results: Results) -> NDArray[np.bool_]:
    """Which trials of each setting are completed, (n_settings, per_setting)."""
    done: NDArray[np.bool_] = results.status == COMPLETED_CODE
    return done.reshape(len(trials.codes), trials.per_setting)


def _intervals(
    trials: Trials, results: Results, metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of the mean of a metric over folds and repeats, each end (n_settings,).

    NaN where a trial is missing, without cross-validation, and where it is nested: its inner folds
    overlap in ways that the interval knows nothing of, and the outer ones have one of their own.
    """
    low, high = np.full((2, len(trials.codes)), np.nan)
    folds = trials.cross_validation
    if folds is None or folds.outer_folds is not None:
        return low, high
    of_seeds = results.metric(metric).reshape(len(low), len(trials.seeds), trials.per_seed)
    firsts, groups = trials.groups_by("dataset")
    for group, first in enumerate(firsts):
        dataset = trials.make_experiment(first * trials.per_setting).dataset
        of_group = groups == group
        low[of_group], high[of_group] = mean_interval_over_folds(
            of_seeds[of_group], dataset, folds.folds, metric
        )
    return low, high


def mean_interval_over_folds(
    scores: NDArray[np.float64], dataset: DatasetConfig, folds: int, metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of mean scores over folds, repeats and seeds.

    They are what :func:`~isolet_nn.scores.statistics.resampled_interval` gives. Seeds that divide
    the rows anew are repeats; where all divide them alike (``dataset.split_seed``), a fold's score
    is its mean over seeds.

    Parameters
    ----------
    scores
        (n, n_seeds, n_folds of all repeats); NaN where one is missing.
    dataset
        What is divided into so many `folds`.

    Returns
    -------
    low, high
        (n,), within what `metric` can be; NaN where a score is missing.
    """
    scores = (
        scores.reshape(len(scores), -1) if splits_depend_on_seed(dataset) else scores.mean(axis=1)
    )
    low, high = resampled_interval(scores, folds)
    measure = measure_of(metric)
    low, high = np.clip((low, high), measure.lowest, measure.highest)
    return low, high


def ranked_settings(trials: Trials, results: Results, metric: str) -> tuple[list[int], int]:
    """All settings, best first, and how many of them have the metric: those come before others."""
    if not len(trials.codes):
        return [], 0
    means = Means.of(trials, results, metric).means
    if not measure_of(metric).greater_is_better:
        means = -means
    ranked = np.isfinite(means)
    counts = np.where(ranked, completed_trials(trials, results).sum(axis=1), 0)
    # A mean over the trials that survived says less: settings of which all did come first.
    order = np.lexsort((np.where(ranked, -means, np.inf), counts < counts.max(), ~ranked))
    return order.tolist(), int(ranked.sum())


def best_settings(trials: Trials, results: Results, metric: str, most: int) -> list[SettingScore]:
    """The settings with the best mean of `metric` over their trials, best first."""
    order, n_ranked = ranked_settings(trials, results, metric)
    n = completed_trials(trials, results).sum(axis=1)
    of_metric = {name: Means.of(trials, results, name) for name in METRICS}
    ranking = [
        name
        for name in METRICS
        if name == metric or not (name.startswith("train_") or name.endswith("_loss"))
    ]
    ends = {name: _intervals(trials, results, name) for name in ranking}

    def score(name: Metric, number: int) -> MeanScore | None:
        low, high = (unless_nan(float(end[number])) for end in ends[name])
        of_setting = of_metric[name].score(number)
        return None if of_setting is None else replace(of_setting, low=low, high=high)

    return [
        SettingScore(
            trials.setting(number),
            int(n[number]),
            {name: found for name in ranking if (found := score(name, number))},
            {
                name: float(of.means[number])
                for name, of in of_metric.items()
                if name not in ranking and np.isfinite(of.means[number])
            },
        )
        for number in order[: min(most, n_ranked)]
    ]


def _columns(trials: Trials, results: Results, metric: str) -> dict[str, NDArray[np.float64]]:
    """What settings.csv says of a metric, by column."""
    of_metric = Means.of(trials, results, metric)
    columns = {f"{metric}_mean": of_metric.means, f"{metric}_sd": of_metric.deviations}
    if trials.cross_validation is not None and trials.cross_validation.outer_folds is None:
        low, high = _intervals(trials, results, metric)
        columns |= {f"{metric}_low": low, f"{metric}_high": high}
    return columns


def write_settings(path: Path, trials: Trials, results: Results, metric: str) -> None:
    """Write settings.csv: a row a setting, the best by `metric` first, numbers with all digits.

    A key that an entry of a list leaves open is empty. After the varied keys come n, the completed
    trials (seeds, times folds), and over these the mean and standard deviation of the accuracy and
    the scores, under cross-validation the 95 % interval of that mean, and the mean of the loss, on
    the validation and the test split as far as they were evaluated.
    """
    columns: dict[str, NDArray[np.float64]] = {}
    for split in ("validation", "test"):
        if results.has_metric(f"{split}_accuracy"):
            columns |= _columns(trials, results, f"{split}_accuracy")
            columns[f"{split}_loss_mean"] = Means.of(trials, results, f"{split}_loss").means
        for score in SCORES:
            if results.has_metric(f"{split}_{score}"):
                columns |= _columns(trials, results, f"{split}_{score}")
    n = completed_trials(trials, results).sum(axis=1)

    def row(number: int) -> list[CsvCell]:
        given = trials.setting(number)
        setting = [exact_text(given[key]) if key in given else None for key in trials.keys]
        scores = [unless_nan(float(column[number])) for column in columns.values()]
        return [*setting, int(n[number]), *scores]

    best_first = ranked_settings(trials, results, metric)[0]
    write_csv(path, [*trials.keys, "n", *columns], map(row, best_first))
