"""Who of a search ends before the time: the rules of Optuna's pruners, asked batch by batch.

The trainings of a setting, of all its seeds and folds, come one after another. It is looked at
within the first of them, at rungs, and then between one training and the next. What is asked at a
rung follows from the batches before; what is asked between trainings from these and the setting's
own batch. So decisions do not depend on how many workers there are, nor on who ends first, and
come out the same after a resume.
"""

from __future__ import annotations

import bisect
import math
import statistics
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from isolet_nn.config.metrics import rank
from isolet_nn.sweeps.distributions import Choice, Integers
from isolet_nn.sweeps.grid import EPOCHS, Trials
from isolet_nn.sweeps.journal import COMPLETED_CODE, Results
from isolet_nn.sweeps.rungs import Rung, Rungs
from isolet_nn.sweeps.search_config import (
    Hyperband,
    Median,
    NoPruner,
    Search,
    SuccessiveHalving,
)


@dataclass(frozen=True)
class Ladder:
    """Where settings are looked at.

    Attributes
    ----------
    epochs
        Of the first training.
    trainings
        After how many trainings.
    """

    epochs: tuple[int, ...]
    trainings: tuple[int, ...]

    @classmethod
    def at(cls, steps: Iterable[int], epochs: int, trainings: int) -> Ladder:
        """The places of steps, in epochs of all trainings: between two, the end of the training."""
        steps = list(steps)
        after = {math.ceil(step / epochs) for step in steps if step >= epochs}
        return cls(
            tuple(sorted({step for step in steps if step < epochs})),
            tuple(sorted(n for n in after if n < trainings)),
        )


@dataclass
class _Seen:
    """What settings of one bracket had reached at each place, as ranks in ascending order."""

    at_epoch: dict[int, list[float]] = field(default_factory=dict)
    after: dict[int, list[float]] = field(default_factory=dict)


class Pruning:
    """Decides which settings of a search go on.

    Parameters
    ----------
    search
        What the file says.
    epochs
        Epochs of a training: the most, where they differ.
    trainings
        Trainings of a setting: seeds times folds.
    results
        Results of all trials, in which those of new batches appear.
    """

    def __init__(self, search: Search, epochs: int, trainings: int, results: Results) -> None:
        self._pruner, self._metric = search.pruner, search.metric
        self._results, self._trainings, self._epochs = results, trainings, epochs
        self._ladders = _ladders(search, epochs, trainings)
        self._budgets = _budgets(search.pruner, len(self._ladders))
        self._seen = [_Seen() for _ in self._ladders]
        self._n_completed = 0

    @property
    def stages(self) -> list[tuple[int, int]]:
        """The trainings that are begun together, from and up to, before settings are looked at."""
        cuts = {n for ladder in self._ladders for n in ladder.trainings}
        if any(ladder.epochs for ladder in self._ladders):
            cuts.add(1)
        ends = sorted({*cuts, self._trainings})
        return list(zip([0, *ends], ends, strict=False))

    def bracket(self, setting: int) -> int:
        """The bracket of a setting, which is that of Optuna in a study without a name."""
        place = zlib.crc32(f"_{setting}".encode()) % sum(self._budgets)
        for bracket, budget in enumerate(self._budgets):
            place -= budget
            if place < 0:
                return bracket
        raise AssertionError("the budgets are all there is")

    def rungs_of(self, trial: int) -> Rungs:
        """Where a trial is looked at, and what is asked of it there, by what was learned so far."""
        setting, training = divmod(trial, self._trainings)
        if training > 0:
            return ()
        bracket = self.bracket(setting)
        seen = self._seen[bracket]
        of_best = isinstance(self._pruner, Median)
        return tuple(
            Rung(epoch, self._least(seen.at_epoch.get(epoch, ()), 1), of_best)
            for epoch in self._ladders[bracket].epochs
        )

    def out_after(self, n_trainings: int, settings: Sequence[int]) -> list[int]:
        """Which of some settings of one batch end after so many trainings."""
        own = {s: value for s in settings if (value := self._mean(s, n_trainings)) is not None}
        out = []
        for setting, value in own.items():
            bracket = self.bracket(setting)
            if n_trainings not in self._ladders[bracket].trainings:
                continue
            known = list(self._seen[bracket].after.get(n_trainings, ()))
            if not isinstance(self._pruner, Median):
                known = sorted([*known, *(v for s, v in own.items() if self.bracket(s) == bracket)])
            least = self._least(known, 0)
            if least is not None and value < rank(self._metric, least):
                out.append(setting)
        return out

    def learn(self, settings: Iterable[int]) -> None:
        """Take in how far the settings of a batch came that is done."""
        for setting in settings:
            bracket = self.bracket(setting)
            seen, ladder = self._seen[bracket], self._ladders[bracket]
            is_complete = self._mean(setting, self._trainings) is not None
            self._n_completed += is_complete
            if isinstance(self._pruner, Median) and not is_complete:
                continue
            reported = self._results.reported.get(setting * self._trainings, {})
            for epoch in ladder.epochs:
                if epoch in reported:
                    value = rank(self._metric, reported[epoch])
                    bisect.insort(seen.at_epoch.setdefault(epoch, []), value)
            for n in ladder.trainings:
                if (mean := self._mean(setting, n)) is not None:
                    bisect.insort(seen.after.setdefault(n, []), mean)

    def steps_of(self, setting: int) -> dict[int, float]:
        """What was seen of a setting, by epochs of all its trainings."""
        first = setting * self._trainings
        steps = dict(self._results.reported.get(first, {}))
        for n in range(1, self._trainings):
            if (mean := self._mean(setting, n)) is not None:
                steps[n * self._epochs] = rank(self._metric, mean)
        return steps

    def mean(self, setting: int) -> float | None:
        """The metric of a setting over all its trainings; None where one is missing."""
        mean = self._mean(setting, self._trainings)
        return None if mean is None else rank(self._metric, mean)

    def _mean(self, setting: int, n_trainings: int) -> float | None:
        """The rank of the mean over the first trainings of a setting."""
        trials = slice(setting * self._trainings, setting * self._trainings + n_trainings)
        if not (self._results.status[trials] == COMPLETED_CODE).all():
            return None
        mean = float(self._results.metric(self._metric)[trials].mean())
        return rank(self._metric, mean) if math.isfinite(mean) else None

    def _least(self, known: Sequence[float], n_own: int) -> float | None:
        """What has to be reached, given the ranks of others; None where nothing has.

        `n_own` settings are to be counted among the others though they are not known.
        """
        if isinstance(self._pruner, Median):
            if self._n_completed < self._pruner.n_startup_trials or not known:
                return None
            return rank(self._metric, statistics.median(known))
        assert not isinstance(self._pruner, NoPruner)
        # The best 1 / reduction_factor of all goes on, or the best alone of fewer.
        place = max((len(known) + n_own) // self._pruner.reduction_factor - 1, 0)
        return rank(self._metric, known[-1 - place]) if place < len(known) else None


def epochs_of(search: Search, trials: Trials) -> int:
    """Epochs of a training; the most there may be, where they are searched."""
    searched = search.space.get(EPOCHS)
    if isinstance(searched, Integers):
        return searched.integers[1]
    if isinstance(searched, Choice):
        return max(int(value) for value in searched.choice)
    return trials.make_experiment(0).training.epochs


def _ladders(search: Search, epochs: int, trainings: int) -> list[Ladder]:
    """Where settings are looked at: a ladder a bracket."""
    pruner, total = search.pruner, epochs * trainings
    if isinstance(pruner, NoPruner):
        return [Ladder((), ())]
    if isinstance(pruner, Median):
        steps = range(max(pruner.n_warmup_steps, 1), epochs, pruner.interval_steps)
        between = [n * epochs for n in range(1, trainings) if n * epochs >= pruner.n_warmup_steps]
        return [Ladder.at([*steps, *between], epochs, trainings)]
    factor = pruner.reduction_factor
    first = max(1, round(total / factor**3))
    if pruner.min_resource != "auto":
        first = pruner.min_resource
    most = max(0, math.floor(math.log(total / first, factor) + 1e-9)) if total > first else 0
    all_steps = [first * factor**n for n in range(most + 1)]
    if isinstance(pruner, SuccessiveHalving):
        return [Ladder.at(all_steps[pruner.min_early_stopping_rate :], epochs, trainings)]
    return [Ladder.at(all_steps[left_out:], epochs, trainings) for left_out in range(most + 1)]


def _budgets(pruner: object, n_brackets: int) -> list[int]:
    """How large a share of the settings each bracket gets, as in Optuna."""
    if not isinstance(pruner, Hyperband):
        return [1]
    shares = []
    for bracket in range(n_brackets):
        rungs = n_brackets - 1 - bracket
        shares.append(math.ceil(n_brackets * pruner.reduction_factor**rungs / (rungs + 1)))
    return shares
