"""The study of a search: Optuna's sampler, asked and told.

It lives in memory, and is rebuilt from what was asked and what came of it. Every batch is asked of
a sampler that is made anew, with a seed of its own: what it asks for follows from the trials before
alone, whether they were trained a moment ago or before a resume.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from isolet_nn.config.metrics import measure_of
from isolet_nn.errors import BackendUnavailableError, RunError
from isolet_nn.sweeps.distributions import Choice, Distribution, Integers
from isolet_nn.sweeps.parameters import (
    CONDITIONAL,
    Parameter,
    Parameters,
    choose,
    distributions,
    optuna_distribution,
)
from isolet_nn.sweeps.search_config import ListOf, Search

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

_REMEMBERED = ("cmaes", "qmc")
"""Samplers that keep more of what they asked for than parameters: they are asked again."""


@dataclass(frozen=True)
class Outcome:
    """What became of a candidate.

    Attributes
    ----------
    value
        The mean metric, of a completed one.
    steps
        What was seen on the way, by epochs.
    """

    status: Literal["completed", "failed", "pruned"]
    value: float | None = None
    steps: dict[int, float] = field(default_factory=dict)


def require_optuna(search: Search) -> None:
    """Refuse a search whose sampler is not installed.

    Raises
    ------
    BackendUnavailableError
        Saying what is missing, and how to install it.
    """
    needs = {"optuna": "Optuna"} | ({"cmaes": "cmaes"} if search.sampler == "cmaes" else {})
    needs |= {"torch": "PyTorch"} if search.sampler == "gp" else {}
    for module, name in needs.items():
        try:
            __import__(module)
        except ImportError:
            extra = "torch" if module == "torch" else "search"
            raise BackendUnavailableError(
                f"search.sampler: {search.sampler} needs {name}, which is not installed: "
                f"`pip install 'isolet-nn[{extra}]'`"
            ) from None


class Study:
    """A study in memory.

    Parameters
    ----------
    search
        What the file says.
    """

    def __init__(self, search: Search) -> None:
        require_optuna(search)
        import optuna

        self._search = search
        with quiet():
            self._study = optuna.create_study(direction=direction(search))
        self._distributions = distributions(search)
        self._n_batches = 0
        self._asked: list[Trial] = []

    def ask(self, n: int) -> list[Parameters]:
        """The parameters of the next batch."""
        with quiet():
            self._study.sampler = _sampler(self._search, self._n_batches)
            self._n_batches += 1
            conditional = self._search.sampler in CONDITIONAL
            batch = []
            for _ in range(n):
                trial = self._study.ask()
                self._asked.append(trial)
                batch.append(choose(self._search, _Suggesting(trial), conditional=conditional)[0])
            return batch

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Say what became of the batch that was asked for last."""
        from optuna.trial import TrialState

        with quiet():
            for trial, outcome in zip(self._asked, outcomes, strict=True):
                for step, value in sorted(outcome.steps.items()):
                    trial.report(value, step)
                if outcome.status == "completed":
                    self._study.tell(trial, outcome.value)
                else:  # one that failed is worse than any other, which a failure would not say
                    self._study.tell(trial, state=TrialState.PRUNED)
            self._asked.clear()

    def restore(self, asked: Sequence[Parameters], outcomes: Sequence[Outcome]) -> None:
        """Take in a batch that was asked for, and done, before.

        Raises
        ------
        RunError
            If the sampler would ask for something else now, as another version of it may.
        """
        if self._search.sampler in _REMEMBERED:
            if self.ask(len(asked)) != list(asked):
                import optuna

                raise RunError(
                    f"batch {self._n_batches - 1}: {self._search.sampler} of Optuna "
                    f"{optuna.__version__} asks for other settings than the search was begun with, "
                    "so it cannot go on; install the version that it was begun with"
                )
            self.tell(outcomes)
            return
        self._n_batches += 1
        with quiet():
            self._study.add_trials(
                [
                    frozen_trial(self._search, parameters, outcome)
                    for parameters, outcome in zip(asked, outcomes, strict=True)
                ]
            )


class _Suggesting:
    """Lets a trial of Optuna choose the values of parameters."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __call__(self, name: str, distribution: Distribution) -> Parameter:
        if isinstance(distribution, Choice):
            choices = optuna_distribution(distribution).choices  # type: ignore[attr-defined]
            return str(self._trial.suggest_categorical(name, choices))
        if isinstance(distribution, Integers):
            return self._trial.suggest_int(name, *distribution.integers)
        found = optuna_distribution(distribution)
        low, high, log = found.low, found.high, found.log  # type: ignore[attr-defined]
        return self._trial.suggest_float(name, low, high, log=log)


def frozen_trial(
    search: Search, parameters: Parameters, outcome: Outcome, *, as_pruned: bool = True
) -> FrozenTrial:
    """A candidate that is done, as Optuna keeps it.

    `as_pruned` calls one that failed pruned, as the sampler is told.
    """
    import optuna
    from optuna.trial import TrialState

    of = distributions(search)
    states = {"completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    state = states.get(outcome.status, TrialState.PRUNED if as_pruned else TrialState.FAIL)
    value = outcome.value
    if state == TrialState.PRUNED and outcome.steps:
        value = outcome.steps[max(outcome.steps)]  # as Optuna itself does
    return optuna.trial.create_trial(
        state=state,
        value=value,
        params=dict(parameters),
        distributions={name: of[name] for name in parameters},
        intermediate_values=outcome.steps,
    )


def direction(search: Search) -> Literal["maximize", "minimize"]:
    """Which way is better."""
    return "maximize" if measure_of(search.metric).greater_is_better else "minimize"


def _sampler(search: Search, batch: int) -> BaseSampler:
    """The sampler of a batch, with a seed of its own."""
    from optuna import samplers

    seed = int(np.random.SeedSequence([search.seed, batch]).generate_state(1)[0])
    match search.sampler:
        case "tpe":
            # Groups cost half as much again, and serve parameters that only some settings have.
            in_groups = any(of.when or isinstance(of, ListOf) for of in search.space.values())
            return samplers.TPESampler(
                seed=seed, multivariate=True, group=in_groups, constant_liar=True
            )
        case "gp":
            return samplers.GPSampler(seed=seed, warn_independent_sampling=False)
        case "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case "qmc":  # whose points are those of one sequence
            return samplers.QMCSampler(
                seed=search.seed, scramble=True, warn_independent_sampling=False
            )
        case "random":
            return samplers.RandomSampler(seed=seed)


@contextmanager
def quiet() -> Iterator[None]:
    """Let Optuna say nothing of trials, and nothing of what it calls experimental."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
