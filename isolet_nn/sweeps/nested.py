"""Nested cross-validation: what is chosen within the rest of the rows is scored on an outer fold.

Of each outer fold, the settings are compared by the inner folds of all other rows; the best is
trained on all of these, and evaluated on the outer fold, which nothing before that has read. The
mean over outer folds says how good settings are that are chosen so (G. C. Cawley and N. L. C.
Talbot, "On over-fitting in model selection and subsequent selection bias in performance
evaluation", Journal of Machine Learning Research 11 (2010) 2079-2107).

The trial that scores an outer fold depends on the results of others. Its number does not: outer
trials are numbered after all those of inner folds. The journal has the setting that each was
trained with, so that a result counts only as long as that is what the inner folds say.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import measure_of
from isolet_nn.config.problems import validate
from isolet_nn.errors import ConfigError, RunError, counted
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import COMPLETED_CODE, PENDING_CODE, Results
from isolet_nn.sweeps.plan import Cohort, Plan
from isolet_nn.system.statuses import COMPLETED, FAILED

UNDECIDED, NO_SETTING = -1, -2
"""In place of a setting's number: inner trials are to be done; all settings lack an inner fold."""


class OuterTrials:
    """The trials that score the outer folds: of each seed all repeats, of each repeat all folds.

    Outer trial i of n has number ``first + i`` in the sweep.

    Parameters
    ----------
    trials
        Those of the inner folds.
    results
        Theirs.
    metric
        What settings are chosen by: a mean over the inner folds.

    Attributes
    ----------
    ended
        Results of the outer trials.
    settings : (n,)
        The setting that each ended with; `NO_SETTING` where there was none, `UNDECIDED` before.
    """

    def __init__(self, trials: Trials, results: Results, metric: str) -> None:
        assert trials.cross_validation is not None
        self.trials = trials
        self.inner = results
        self.metric = metric
        self.first = len(trials)
        self._folds = trials.cross_validation.folds
        n = trials.per_setting // self._folds
        self.ended = Results(n)
        self.settings = np.full(n, UNDECIDED, np.int64)
        self.left = (self._of_settings(results.status) == PENDING_CODE).sum(axis=(0, 2))
        """Inner trials (n,) that each outer fold still waits for."""

    def __len__(self) -> int:
        return len(self.settings)

    @property
    def score(self) -> str:
        """What the outer folds are scored by."""
        return self.metric.replace("validation_", "test_")

    def _of_settings(self, column: NDArray[Any]) -> NDArray[Any]:
        """A column of the inner trials as (n_settings, n, folds)."""
        return column.reshape(len(self.trials.codes), len(self), self._folds)

    def means(self, number: int) -> NDArray[np.float64]:
        """Mean score (n_settings,) on the inner folds of an outer trial; NaN if one is missing."""
        scores = self._of_settings(self.inner.metric(self.metric))[:, number]
        is_done = self._of_settings(self.inner.status)[:, number] == COMPLETED_CODE
        return np.where(is_done.all(axis=1), scores.mean(axis=1), np.nan)

    def choice(self, number: int) -> int:
        """The setting that an outer trial is to train: of equals the first in the file.

        `UNDECIDED` as long as an inner trial is to be done. One that failed rules its setting out.
        """
        if self.left[number] > 0:
            return UNDECIDED
        means = self.means(number)
        if not np.isfinite(means).any():
            return NO_SETTING
        # Sums of the same accuracies in another order differ in their last bits.
        means = np.round(means, 12)
        find_best = np.nanargmax if measure_of(self.metric).greater_is_better else np.nanargmin
        return int(find_best(means))

    def seed(self, number: int) -> int:
        """The seed of an outer trial."""
        return self.trials.seed(number * self._folds)

    def division(self, number: int) -> dict[str, int]:
        """The outer fold of an outer trial, and its repeat where there are several."""
        inner = self.trials.division(number * self._folds)
        return {name: place for name, place in inner.items() if name != "fold"}

    def content(self, number: int, setting: int) -> dict[str, Any]:
        """The experiment of an outer trial that trains a setting, as in a file."""
        return self.trials.content_divided(setting, self.seed(number), self.division(number))

    def make_experiment(self, number: int, setting: int) -> Experiment:
        """The experiment of an outer trial that trains a setting."""
        return validate(Experiment, self.content(number, setting), f"trial {self.first + number}")

    def decided_experiment(self, number: int) -> Experiment:
        """The experiment of an outer trial.

        Raises
        ------
        ConfigError
            If its setting is not decided yet, or there is none to train.
        """
        choice, where = self.choice(number), self.name(number)
        if choice == NO_SETTING:
            raise ConfigError(
                f"trial {self.first + number} ({where}): no setting has {self.metric} on all inner "
                "folds, so there is none to train"
            )
        if choice == UNDECIDED:
            left, of = int(self.left[number]), len(self.trials.codes) * self._folds
            raise ConfigError(
                f"trial {self.first + number} is not decided yet: it trains the setting that does "
                f"best on the inner folds of {where}, and {left} of their {counted(of, 'trial')} "
                f"{'is' if left == 1 else 'are'} still to be done"
            )
        return self.make_experiment(number, choice)

    def name(self, number: int) -> str:
        """What an outer trial scores, in words."""
        division = {"seed": self.seed(number), **self.division(number)}
        shown = {name: n for name, n in division.items() if name != "outer_fold"}
        of = ", ".join(f"{name} {n}" for name, n in shown.items())
        return f"outer fold {division['outer_fold']} of {of}"

    def record(self, result: TrialResult) -> None:
        """Take over the result of an inner or an outer trial.

        Raises
        ------
        ValueError
            If a setting is named where there is none, or none where there is one.
        """
        number = result.trial - self.first
        if (number < 0 and result.setting is not None) or (
            number >= 0 and result.status == COMPLETED and result.setting is None
        ):
            raise ValueError(f"found trial {result.trial} with the setting {result.setting}")
        if number < 0:
            was_pending = self.inner.status[result.trial] == PENDING_CODE
            self.inner.record(result)
            self.left[self.number_of(result.trial)] -= was_pending
            return
        if result.setting is not None and not 0 <= result.setting < len(self.trials.codes):
            raise ValueError(f"found trial {result.trial} with the setting {result.setting}")
        self.ended.record(dataclasses.replace(result, trial=number))
        self.settings[number] = NO_SETTING if result.setting is None else result.setting

    def forget_failed(self) -> None:
        """Take trials that failed for pending, inner and outer ones.

        An outer trial that is completed stays so, unless its setting turns out to be another.
        """
        self.inner.forget(FAILED)
        self.left = (self._of_settings(self.inner.status) == PENDING_CODE).sum(axis=(0, 2))
        self.ended.forget(FAILED)

    def number_of(self, inner_trial: int) -> int:
        """The outer trial whose setting an inner trial helps to choose."""
        return inner_trial % self.trials.per_setting // self._folds

    def is_due(self, number: int) -> bool:
        """Whether an outer trial is to be done, and all its inner trials are done."""
        choice = self.choice(number)
        has_ended = self.ended.status[number] != PENDING_CODE
        return choice != UNDECIDED and not (has_ended and self.settings[number] == choice)

    def drop_outdated(self) -> None:
        """Take outer trials for pending that ended with another setting than they should have."""
        for number in range(len(self)):
            if self.is_due(number) and self.ended.status[number] != PENDING_CODE:
                self.ended.take_back(number)
                self.settings[number] = UNDECIDED

    def waiting(self) -> int:
        """How many outer trials are neither done nor due."""
        return int(np.sum((self.left > 0) & (self.ended.status == PENDING_CODE)))


def with_outer_trials(plan: Plan, outer: OuterTrials) -> Plan:
    """A plan of inner trials, with the outer ones: at once where they are due, or later.

    What an outer trial costs is only known once its setting is; the mean of the inner trainings
    stands for it, with the rows that an inner fold holds out.
    """
    folds = outer.trials.cross_validation.folds if outer.trials.cross_validation else 2
    mean = plan.cost / plan.n_trainings if plan.cohorts else 0.0
    cost = mean * folds / (folds - 1)
    due = [
        Cohort(((outer.first + number,),), cost)
        for number in range(len(outer))
        if outer.is_due(number)
    ]
    waiting = outer.waiting()
    return dataclasses.replace(
        plan,
        cohorts=[*due, *plan.cohorts],
        n_later=waiting,
        later_cost=cost * waiting,
        later=f"{counted(waiting, 'outer fold')}, a training each of the setting that the inner "
        "folds choose",
    )


def require_whole(outer: OuterTrials, path: str) -> None:
    """Refuse completed outer trials that were not evaluated on their fold.

    Raises
    ------
    RunError
        Naming the first.
    """
    done = outer.ended.trials_with(COMPLETED)
    wrong = done[~np.isfinite(outer.ended.metric("test_loss")[done])]
    if len(wrong):
        raise RunError(
            f"{path}: damaged: found trial {outer.first + int(wrong[0])} completed without "
            "test_loss"
        )
