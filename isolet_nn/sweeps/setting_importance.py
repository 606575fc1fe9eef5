"""How much of the scores' variation each setting is responsible for, as Optuna has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import BackendUnavailableError, RunError, counted
from isolet_nn.sweeps.search.study import quiet

if TYPE_CHECKING:
    from isolet_nn.plots import Coordinate

FEWEST, FEWEST_EACH = 10, 4
"""Settings that it takes: of all, and for each key."""
MOST_FANOVA = 400
"""Settings up to which a forest is grown: 1000 of six keys take 26 s of processor, 200 take 3 s."""

MOST_PED_ANOVA = 10_000
"""Settings of which it is asked; of more, so many of them."""


@dataclass(frozen=True)
class SettingImportance:
    """The share of each key in the variation of the scores.

    Attributes
    ----------
    shares
        By key, of 1 together, the largest first.
    n
        Settings that it is learned from.
    completed
        Settings that there are.
    left_out
        Keys that some of these do not set.
    """

    shares: dict[str, float]
    n: int
    completed: int
    left_out: list[str]

    @property
    def method(self) -> str:
        """What it was computed by."""
        return "fANOVA" if self.n <= MOST_FANOVA else "PED-ANOVA"

    @property
    def basis(self) -> str:
        """By what it was computed, and from how much, in words."""
        some = f"{self.n} of " if self.n < self.completed else ""
        return f"{self.method} over {some}{counted(self.completed, 'completed setting')}"


def setting_importance(
    axes: Mapping[str, Coordinate], scores: NDArray[np.float64]
) -> SettingImportance:
    """The importance of settings by functional analysis of variance, as Optuna computes it.

    Of 400 settings or fewer a random forest learns the score from the settings, and its variance is
    divided among them (fANOVA: F. Hutter, H. Hoos and K. Leyton-Brown, "An efficient approach for
    assessing hyperparameter importance", ICML 2014, Proceedings of Machine Learning Research 32,
    754-762). With more that takes minutes, and PED-ANOVA asks instead how the best tenth of the
    settings are distributed otherwise than all (S. Watanabe, A. Bansal and F. Hutter, "PED-ANOVA:
    efficiently quantifying hyperparameter importance in arbitrary subspaces", IJCAI 2023).

    Parameters
    ----------
    axes
        Where each setting stands, by key.
    scores
        (n,) what they came to, the higher the better; those that are not finite are left out.

    Raises
    ------
    RunError
        If there are too few settings to say anything, or all scores are equal.
    BackendUnavailableError
        If Optuna is not installed.
    """
    completed = np.flatnonzero(np.isfinite(scores))
    known = completed
    if len(completed) > MOST_PED_ANOVA:  # at random, as the order of a grid repeats
        chosen = np.random.default_rng(0).choice(len(completed), MOST_PED_ANOVA, replace=False)
        known = completed[np.sort(chosen)]
    columns = {name: np.asarray(axis.places, np.float64)[known] for name, axis in axes.items()}
    usable = {
        name: column
        for name, column in columns.items()
        if np.isfinite(column).all() and np.ptp(column) > 0.0
    }
    left_out = [name for name, column in columns.items() if np.isnan(column).any()]
    needed = max(FEWEST, FEWEST_EACH * len(usable))
    if len(known) < needed:
        raise RunError(
            f"the importance of {counted(len(usable), 'setting')} takes {needed} completed "
            f"settings of the sweep at least, and there are {len(known)}"
        )
    if not usable or np.ptp(scores[known]) == 0.0:
        what = "no key is set and varied in all of them" if not usable else "all scores are equal"
        raise RunError(f"there is nothing that settings could be important for: {what}")
    shares = _shares({name: axes[name] for name in usable}, usable, scores[known])
    return SettingImportance(shares, len(known), len(completed), left_out)


def _shares(
    axes: Mapping[str, Coordinate],
    columns: Mapping[str, NDArray[np.float64]],
    scores: NDArray[np.float64],
) -> dict[str, float]:
    try:
        import optuna
        from optuna.distributions import (
            BaseDistribution,
            CategoricalDistribution,
            FloatDistribution,
        )
    except ImportError:
        raise BackendUnavailableError(
            "the importance of settings needs Optuna, which is not installed: "
            "`pip install 'isolet-nn[search]'`"
        ) from None

    def distribution(name: str) -> BaseDistribution:
        labels, column = axes[name].labels, columns[name]
        if labels is not None:
            return CategoricalDistribution(range(len(labels)))
        return FloatDistribution(
            float(column.min()), float(column.max()), log=axes[name].logarithmic
        )

    with quiet():
        distributions = {name: distribution(name) for name in columns}
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(0))
        for row, score in enumerate(scores.tolist()):
            parameters = {
                name: int(column[row]) if axes[name].labels is not None else float(column[row])
                for name, column in columns.items()
            }
            trial = optuna.trial.create_trial(
                params=parameters, distributions=distributions, value=score
            )
            study.add_trial(trial)
        evaluator = (
            optuna.importance.FanovaImportanceEvaluator(seed=0)
            if len(scores) <= MOST_FANOVA
            else optuna.importance.PedAnovaImportanceEvaluator()
        )
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}
