"""From a sweep to its trials: a table with a row a setting, every setting with every seed.

Under cross-validation a trial is a setting with a seed and a fold (of a repeat).

The table keeps each key path's different values once and a number for every setting, so that a
million trials take a few megabytes; an experiment is only made of a trial when it is needed.

Settings that make equal experiments are one setting, however they are spelled: by a name alone or
with its keys, with a default or without, as 1 or as 1.0. In a grid or a list the second one is an
error, since whoever wrote both meant another; random settings are drawn anew.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import (
    canonical,
    equal_text,
    is_within,
    look_up,
    with_overrides,
)
from isolet_nn.config.loading import traced
from isolet_nn.config.metrics import SCORES, Score, measure_name
from isolet_nn.config.problems import check, validate
from isolet_nn.errors import ConfigError, Problem
from isolet_nn.sweeps.config import (
    CrossValidation,
    Sweep,
    conflict_with_folds,
    varied_keys,
)
from isolet_nn.sweeps.distributions import Setting
from isolet_nn.sweeps.parameters import samples_of
from isolet_nn.sweeps.settings import NOT_SET, draw, encode, identity_of, text_of

EPOCHS, SCORES_KEY = "training.epochs", "training.scores"
_DECIDE_ON_TASK = ("dataset.name", "dataset.group", "dataset.standardize.by")
_MOST_PROBLEMS = 10


@dataclass(frozen=True, eq=False)
class Trials:
    """All trials of a sweep: of each setting in turn, all seeds; of each seed, all folds.

    Trial i has setting i // per_setting, and i % per_setting tells seed, repeat and fold.

    Attributes
    ----------
    experiment
        The experiment that is varied, as it stands in a file.
    keys
        Key paths that are varied, seed aside.
    values
        The different values of each key, in the order of first use.
    codes : (n_settings, n_keys)
        Which value each setting has; -1 where it does not set the key.
    seeds
        The seeds.
    cross_validation
        Into what folds the training part is divided; None where it is not.
    scores
        What trials measure beside what their experiments ask for.
    """

    experiment: dict[str, Any]
    keys: tuple[str, ...]
    values: tuple[list[Any], ...]
    codes: NDArray[np.int32]
    seeds: Sequence[int]
    cross_validation: CrossValidation | None = None
    scores: tuple[Score, ...] = ()

    def __len__(self) -> int:
        return len(self.codes) * self.per_setting

    @functools.cached_property
    def shape(self) -> dict[str, int]:
        """How many trials a setting has along each of seed, repeat, outer fold and fold.

        In the order of the numbers, the last running fastest. Repeats count where there are
        several, folds under cross-validation, outer folds where it is nested.
        """
        folds = {} if self.cross_validation is None else self.cross_validation.shape
        return {"seed": len(self.seeds), **folds}

    @functools.cached_property
    def per_setting(self) -> int:
        """Trials of each setting: seeds times repeats times folds."""
        return math.prod(self.shape.values())

    @functools.cached_property
    def per_seed(self) -> int:
        """Trials of each setting and seed, a division of the rows each."""
        return self.per_setting // len(self.seeds)

    def setting(self, number: int) -> Setting:
        """What setting `number` changes, by key path."""
        row = zip(self.keys, self.values, self.codes[number].tolist(), strict=True)
        return {key: values[code] for key, values, code in row if code != NOT_SET}

    def seed(self, trial: int) -> int:
        """The seed of a trial."""
        return self.seeds[trial % self.per_setting // self.per_seed]

    def division(self, trial: int) -> dict[str, int]:
        """How the rows of a trial are divided: its repeat, outer fold and fold, where there are."""
        place, rest = {}, trial % self.per_seed
        for name, number in reversed(list(self.shape.items())[1:]):
            rest, place[name] = divmod(rest, number)
        return dict(reversed(place.items()))

    def content(self, trial: int) -> dict[str, Any]:
        """A trial's experiment as it would stand in a file."""
        setting = trial // self.per_setting
        return self.content_divided(setting, self.seed(trial), self.division(trial))

    def content_divided(
        self, setting: int, seed: int, division: Mapping[str, int]
    ) -> dict[str, Any]:
        """The experiment with a setting and a seed, on one division of the rows."""
        return self.divided(self.content_of_setting(setting), seed, division)

    def divided(
        self, content: dict[str, Any], seed: int, division: Mapping[str, int]
    ) -> dict[str, Any]:
        """The experiment of a setting with a seed, on one division of the rows."""
        changes: dict[str, Any] = {"seed": seed}
        if self.cross_validation is not None:
            changes |= self.cross_validation.changes(division)
        if self.scores:
            asked = look_up(content, SCORES_KEY)
            if isinstance(asked, list | None):  # else it is told what is wrong
                changes[SCORES_KEY] = list(dict.fromkeys([*(asked or []), *self.scores]))
        return with_overrides(content, changes)

    def content_of_setting(self, number: int) -> dict[str, Any]:
        """The experiment with a setting, before seed and fold."""
        return self.content_with(self.setting(number))

    def content_with(self, setting: Setting) -> dict[str, Any]:
        """The experiment with some setting, before seed and fold."""
        return with_overrides(self.experiment, setting)

    def make_experiment(self, trial: int) -> Experiment:
        """A trial's experiment."""
        return validate(Experiment, self.content(trial), f"trial {trial}")

    def value(self, trial: int, key: str) -> Any:
        """A trial's value of a varied key, or of ``seed``; where not set, what it has all the same.

        That is the experiment's, unless the setting changes a section above or below the key.
        """
        if key == "seed":
            return self.seed(trial)
        column, number = self.keys.index(key), trial // self.per_setting
        code = int(self.codes[number, column])
        if code != NOT_SET:
            return self.values[column][code]
        if any(is_within(key, other) or is_within(other, key) for other in self.setting(number)):
            return look_up(self.make_experiment(trial).model_dump(mode="json"), key)
        return look_up(self.experiment, key)

    def different_values(self, key: str) -> tuple[list[Any], NDArray[np.int64]]:
        """The different values of a varied key, and which of them each setting has (n_settings,).

        In the order of first use in the file, then those of settings that do not set the key.
        """
        column = self.keys.index(key)
        places = self.codes[:, column].astype(np.int64)
        values = list(self.values[column])
        place_of = {text_of(self.experiment, key, v): place for place, v in enumerate(values)}
        for number in np.flatnonzero(places == NOT_SET).tolist():
            value = self.value(number * self.per_setting, key)
            place = place_of.setdefault(equal_text(value), len(values))
            if place == len(values):
                values.append(value)
            places[number] = place
        return values, places

    def one_experiment_each(self, *sections: str) -> Iterator[Experiment]:
        """An experiment for each different content of these keys at the top of the file."""
        for number in self.settings_that_differ_in(*sections):
            yield self.make_experiment(number * self.per_setting)

    def settings_that_differ_in(self, *keys: str) -> list[int]:
        """Numbers of the first settings with each different content of some key paths."""
        return sorted(self.groups_by(*keys)[0])

    def groups_by(self, *keys: str) -> tuple[list[int], NDArray[np.int64]]:
        """Groups of settings with the same content of some key paths.

        Returns
        -------
        The first setting of each, and the group of each setting (n_settings,).
        """
        columns = [
            column
            for column, varied in enumerate(self.keys)
            if any(is_within(varied, key) or is_within(key, varied) for key in keys)
        ]
        if not columns:
            return [0][: len(self.codes)], np.zeros(len(self.codes), np.int64)
        _, first, groups = np.unique(
            self.codes[:, columns], axis=0, return_index=True, return_inverse=True
        )
        return first.tolist(), groups.reshape(-1)

    @functools.cached_property
    def tasks(self) -> list[str | None]:
        """Whose own rows standardise them, of each setting; None: nobody's, another task."""
        firsts, groups = self.groups_by(*_DECIDE_ON_TASK)
        of_groups = [
            self.make_experiment(number * self.per_setting).dataset.adapted_to for number in firsts
        ]
        return [of_groups[group] for group in groups.tolist()]

    def epochs(self, trial: int, experiment: Experiment) -> int:
        """A trial's number of epochs; `experiment` is one that differs at most in that."""
        if EPOCHS not in self.keys:
            return experiment.training.epochs
        if "training" in self.keys:
            return self.make_experiment(trial).training.epochs
        value = self.value(trial, EPOCHS)
        return experiment.training.epochs if value is None else int(value)


def make_trials(sweep: Sweep) -> Trials:
    """The table of a sweep's trials, every setting checked.

    Of a search, whose settings are not known before, it is a table of samples: the space is checked
    by them, as is what all of its settings have in common.

    Raises
    ------
    ConfigError
        If a setting makes no valid experiment; lists the problems, each with the first setting
        that has it.
    """
    try:
        return _make_trials(sweep)
    except ConfigError as error:
        found = traced(error.problems, f"{sweep.source}: ", sweep.origins)
        raise ConfigError(*found) from None


def _make_trials(sweep: Sweep) -> Trials:
    keys = varied_keys(sweep)
    if sweep.grid is not None:
        values: tuple[list[Any], ...] = tuple(sweep.grid.values())
        axes = [np.arange(len(of_key), dtype=np.int32) for of_key in values]
        mesh = np.meshgrid(*axes, indexing="ij")
        codes = np.stack([axis.ravel() for axis in mesh], axis=1)
    else:
        drawn = [Setting()]
        if sweep.random is not None:
            drawn = draw(sweep.random, sweep.experiment)
        elif sweep.search is not None:
            drawn = samples_of(sweep.search)
        values, codes = encode(sweep.list or drawn, keys, sweep.experiment)
    seeds, folds = tuple(sweep.seeds), sweep.cross_validation
    shown = {measure_name(plot.value) for plot in sweep.plot} | {sweep.rank_by}
    scores = tuple(score for score in SCORES if score in shown)
    trials = Trials(sweep.experiment, keys, values, codes, seeds, folds, scores)
    _check_settings(sweep, trials)
    _check_line_plots(sweep, trials)
    return trials


def _check_settings(sweep: Sweep, trials: Trials) -> None:
    """Check every setting's experiment; seeds are checked by the sweep's own model."""
    problems: dict[Problem, list[int]] = {}
    numbers: dict[bytes, int] = {}
    doubles: dict[Problem, None] = {}
    for number in range(len(trials.codes)):
        experiment, found = _experiment_of_setting(
            trials, number, is_search=sweep.search is not None
        )
        for problem in found:
            problems.setdefault(problem, []).append(number)
        if experiment is not None and sweep.search is None:
            first = numbers.setdefault(identity_of(experiment), number)
            if first != number:
                doubles[_given_twice(sweep, trials, first, number)] = None
        if len(problems) + len(doubles) >= _MOST_PROBLEMS:
            break
    if problems or doubles:
        raise ConfigError(*with_settings(trials, problems, len(trials.codes)), *doubles)


def _experiment_of_setting(
    trials: Trials, number: int, *, is_search: bool
) -> tuple[Experiment | None, Sequence[Problem]]:
    """The experiment of a setting, and what is wrong with it; folds are no key of its own."""
    try:
        content = trials.content_of_setting(number)
    except ConfigError as error:  # it contradicts itself
        return None, error.problems
    if trials.cross_validation is not None:
        conflict = conflict_with_folds(content)
        if conflict is not None:
            return None, [conflict]
    experiment, found = check(Experiment, trials.content(number * trials.per_setting))
    if experiment is not None and experiment.training.inspect:
        return experiment, [_INSPECTED]
    if trials.cross_validation is None:
        nothing = _NOTHING_COMPARED if is_search else _NOTHING_EVALUATED
        return experiment, found or [nothing] * _evaluates_nothing(experiment)
    return experiment, [_of_folds(problem) for problem in found]


def _of_folds(problem: Problem) -> Problem:
    """A problem of the folds under the key that the sweep has for them."""
    if problem.path == "dataset.test.by":
        return replace(problem, path="cross_validation.by")
    if problem.path == "dataset.test":  # no key of xor
        problem = replace(problem, path="dataset.validation")
    if not is_within(problem.path, "dataset.validation"):
        return problem
    if problem.path == "dataset.validation":  # xor, whose four points are all there is
        return Problem("the data set has no rows that could be held out", "cross_validation")
    below = problem.path.removeprefix("dataset.validation")
    return replace(problem, path=f"cross_validation{below}")


def _given_twice(sweep: Sweep, trials: Trials, first: int, second: int) -> Problem:
    """What is wrong with two settings that make the same experiment."""
    where, also = f"list.{second}", f"list.{first}: "
    found: tuple[Any, Any] = trials.setting(first), trials.setting(second)
    if sweep.list is not None:
        found = sweep.list[first], sweep.list[second]
    elif len(differing := np.flatnonzero(trials.codes[first] != trials.codes[second])) == 1:
        key = trials.keys[int(differing[0])]
        where, also, found = f"grid.{key}", "", (found[0][key], found[1][key])
    else:
        where, also = "grid", ""
    if equal_text(found[0]) == equal_text(found[1]):
        return Problem(f"{canonical(found[1])} is given twice", where)
    same = f"{canonical(found[1])} makes the same experiment as {also}{canonical(found[0])}"
    return Problem(same, where, allowed="leave one of them out")


_INSPECTED = Problem(
    "trials of a sweep have no inspection.csv: leave it out, and inspect a setting in a run of its "
    "own (isolet-nn train --inspect), which gives the same weights",
    "training.inspect",
)
_NOTHING_EVALUATED = Problem(
    "false leaves nothing to rank settings by: set dataset.validation, or cross_validation",
    "training.evaluate_test",
)

_NOTHING_COMPARED = Problem(
    "none leaves a search nothing to compare settings by: hold out a part, or give "
    "cross_validation",
    "dataset.validation",
)


def _evaluates_nothing(experiment: Experiment | None) -> bool:
    return (
        experiment is not None
        and not experiment.training.evaluate_test
        and experiment.dataset.validation == "none"
    )


def _check_line_plots(sweep: Sweep, trials: Trials) -> None:
    """A line needs numbers on its horizontal axis."""
    for number, plot in enumerate(sweep.plot):
        if plot.kind != "line" or plot.x is None or plot.x in trials.shape:
            continue
        for value in trials.different_values(plot.x)[0]:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                found = f"a line needs numbers, and {plot.x} is {canonical(value)}"
                instead = "take a heatmap or a boxplot"
                raise ConfigError(Problem(found, f"plot.{number}.x", allowed=instead))


def with_settings(
    trials: Trials, problems: Mapping[Problem, Sequence[int]], n_checked: int
) -> Iterator[Problem]:
    """Each problem, with the first of the settings that have it unless all that were checked do."""
    for problem, settings in problems.items():
        if len(settings) == n_checked:
            yield problem
        else:
            setting = trials.setting(settings[0])
            text = ", ".join(f"{key}={canonical(value)}" for key, value in setting.items())
            yield replace(problem, setting=text)
