"""The settings of a sweep against each other, on the seeds, folds or data sets they share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from isolet_nn.config.key_paths import equal_text
from isolet_nn.config.metrics import METRICS
from isolet_nn.errors import ConfigError, RunError, counted
from isolet_nn.results.contests import Contender, Contest, hold
from isolet_nn.results.designs import (
    SOURCES,
    Design,
    block_name,
    design_of,
    require_metric,
    require_same_division,
    setting_name,
    source_name,
)
from isolet_nn.sweeps.datasets import splits_depend_on_seed
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import COMPLETED_CODE


def contest_of_settings(
    folder: SweepFolder, metric: str | None = None, baseline: int | None = None
) -> Contest:
    """Compare the settings of a sweep over its seeds, folds or data sets.

    Parameters
    ----------
    metric
        Any that its trials have; what it ranks by if None.
    baseline
        A trial of the setting that the others are compared with.

    Raises
    ------
    RunError
        If there are not two settings with completed trials.
    ConfigError
        If no trial has the metric, there is no such trial, or the settings cannot be compared.
    """
    trials, results = folder.trial_table, folder.results
    metric = folder.metric if metric is None else metric
    known = [name for name in METRICS if results.has_metric(name)]
    if not known:
        raise RunError(f"{folder.path}: no trial is completed, so there is nothing to compare")
    require_metric(metric, known, f"{folder.path}: no trial has")
    if folder.outer is not None:
        raise ConfigError(
            f"{folder.path}: the folds of a nested cross-validation overlap in ways that no test "
            "allows for; to compare settings, sweep the same file without outer_folds"
        )
    if baseline is not None and not 0 <= baseline < len(trials):
        raise ConfigError(
            f"--baseline: found trial {baseline}; allowed: the sweep's trials are 0 to "
            f"{len(trials) - 1}"
        )
    values = np.where(results.status == COMPLETED_CODE, results.metric(metric), np.nan)
    sources = [key for key in trials.keys if _says_which_data(key)]
    contenders = (
        _settings_over_data_sets(trials, values, sources)
        if sources
        else _settings(trials, values, metric)
    )
    n_scored = sum(bool(contender.scores) for contender in contenders)
    if n_scored < 2:
        raise RunError(
            f"{folder.path}: a comparison needs two settings with completed trials at least, and "
            f"there {'is' if n_scored == 1 else 'are'} {n_scored}"
        )
    design = Design("data sets") if sources else _design_of_sweep(trials, metric)
    base = None if baseline is None else _place_of(baseline, trials, contenders, sources)
    return hold(contenders, metric, design, base)


def _says_which_data(key: str) -> bool:
    return key == "dataset" or key in [f"dataset.{source}" for source in SOURCES]


def _settings(trials: Trials, values: Any, metric: str) -> list[Contender]:
    """The settings with a score; where all seeds divide alike, a fold's is its mean over seeds."""
    require_same_division(
        [
            (
                trials.make_experiment(n * trials.per_setting).dataset,
                setting_name(trials.setting(n)),
            )
            for n in trials.settings_that_differ_in("dataset")
        ],
        metric,
    )
    names = _block_names(trials)
    of_blocks = values.reshape(len(trials.codes), len(trials.seeds), trials.per_seed)
    if len(names) < trials.per_setting:
        of_blocks = of_blocks.mean(axis=1)
    of_blocks = of_blocks.reshape(len(trials.codes), len(names))
    contenders = []
    for number in range(len(of_blocks)):
        row = of_blocks[number].tolist()
        scores = {name: v for name, v in zip(names, row, strict=True) if math.isfinite(v)}
        setting = trials.setting(number)
        first = number * trials.per_setting
        contenders.append(
            Contender(setting_name(setting), setting, first, (), scores, trials.tasks[number])
        )
    return contenders


def _block_names(trials: Trials) -> list[str]:
    """What the trials of a setting were scored on, those of seeds that divide alike as one."""
    names = []
    dataset = trials.make_experiment(0).dataset
    is_pooled = trials.cross_validation is not None and not splits_depend_on_seed(dataset)
    for trial in range(trials.per_seed if is_pooled else trials.per_setting):
        seed = {} if is_pooled else {"seed": trials.seed(trial)}
        names.append(block_name({**seed, **trials.division(trial)}))
    return names


def _settings_over_data_sets(
    trials: Trials, values: Any, sources: Sequence[str]
) -> list[Contender]:
    """Settings but for their data, each with the mean over seeds and folds of each data set."""
    means = values.reshape(len(trials.codes), trials.per_setting).mean(axis=1)
    found: dict[str, Contender] = {}
    for number in np.flatnonzero(np.isfinite(means)).tolist():
        setting = trials.setting(number)
        rest = {key: value for key, value in setting.items() if key not in sources}
        dataset = trials.make_experiment(number * trials.per_setting).dataset
        contender = found.setdefault(
            equal_text(rest),
            Contender(
                setting_name(rest), rest, number * trials.per_setting, (), {}, trials.tasks[number]
            ),
        )
        assert isinstance(contender.scores, dict)
        contender.scores[source_name(dataset)] = float(means[number])
    return list(found.values())


def _place_of(
    trial: int, trials: Trials, contenders: Sequence[Contender], sources: Sequence[str]
) -> int:
    """Which contender a trial belongs to."""
    setting = trials.setting(trial // trials.per_setting)
    rest = {key: value for key, value in setting.items() if key not in sources}
    for place, contender in enumerate(contenders):
        if equal_text(contender.setting) == equal_text(rest):
            return place
    raise ConfigError(f"--baseline: the setting of trial {trial} has no completed trial")


def _design_of_sweep(trials: Trials, metric: str) -> Design:
    dataset = trials.make_experiment(0).dataset
    folds = trials.cross_validation
    if folds is None:
        return design_of(dataset, metric, counted(len(trials.seeds), "seed"))
    shape = trials.shape if splits_depend_on_seed(dataset) else list(trials.shape)[1:]
    words = [counted(trials.shape[name], name) for name in reversed(list(shape))]
    words = [text for text in words if not text.startswith("1 ")] or ["1 fold"]
    return Design("folds", 1.0 / (folds.folds - 1), " x ".join(words))
