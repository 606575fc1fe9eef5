"""From trials to cohorts: the same results for less work, and only where they are the same.

Three rules:

- Trials that differ only in ``training.epochs`` are one training to the largest, read off on the
  way; not with a schedule or an average (SWA) that depends on the number of epochs, nor with
  early stopping.
- Networks of one shape and batch size are stacked as long as a stack fits into the cache, or into
  a GPU's memory: they take the same steps together, preferably on the same batches, which are then
  fetched once. A GPU computes several stacks side by side.
- Cohorts are sized so that all workers stay busy, and sorted so that the longest comes first.

How trials are put together never shows in a result.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.training import Constant, ReduceOnPlateau, Step, Swa
from isolet_nn.sweeps.costs import GPU_COSTS, CostModel, batch_size, costs_of, most_stacked
from isolet_nn.sweeps.datasets import DataSize, data_depends_on_seed, data_key
from isolet_nn.sweeps.grid import EPOCHS, Trials

Line = tuple[int, ...]
"""Trials that one training serves, by ascending number of epochs."""

COHORTS_PER_WORKER = 4
"""Cohorts that each worker should get at least, so that all end at about the same time."""
IN_FLIGHT = 10
"""Stacks of several shapes that a GPU computes side by side, as one alone leaves it half idle."""


@dataclass(frozen=True)
class Cohort:
    """Trials that are computed together.

    Attributes
    ----------
    lines
        One training each.
    cost
        Estimated seconds of one processor, or one GPU.
    stacks
        How many lines, one after another, are in each stack; none: all are in one.
    """

    lines: tuple[Line, ...]
    cost: float
    stacks: tuple[int, ...] = ()

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return sum(len(line) for line in self.lines)

    def split(self) -> list[Cohort]:
        """One cohort a line, for a second try after a worker died."""
        return [Cohort((line,), self.cost / len(self.lines)) for line in self.lines]


@dataclass(frozen=True)
class Plan:
    """Cohorts, longest first, and what was shared.

    Attributes
    ----------
    notes
        Sentences that say what was shared, what was not, and why; with the trials concerned.
    n_later, later_cost
        Trials that are planned once the results of these are known, and estimated seconds of them.
    later
        What these are, in words.
    """

    cohorts: list[Cohort]
    notes: dict[str, int]
    n_later: int = 0
    later_cost: float = 0.0
    later: str = ""

    @property
    def n_trials(self) -> int:
        """Trials planned in cohorts."""
        return sum(cohort.n_trials for cohort in self.cohorts)

    @property
    def n_trainings(self) -> int:
        """Trainings that serve them."""
        return sum(len(cohort.lines) for cohort in self.cohorts)

    @property
    def cost(self) -> float:
        """Estimated seconds of one processor, without what comes later."""
        return sum(cohort.cost for cohort in self.cohorts)


def make_plan(
    trials: Trials,
    pending: NDArray[np.int64],
    workers: int,
    data_size: Callable[[Experiment], DataSize],
    cohorts_per_worker: int = COHORTS_PER_WORKER,
    gpu_memory: int | None = None,
) -> Plan:
    """Put the pending trials into cohorts.

    Parameters
    ----------
    trials
        The table of all trials.
    pending
        Numbers of those to be done.
    workers
        Processes that will work on them.
    data_size
        Gives the size of an experiment's data.
    cohorts_per_worker
        How many cohorts each worker should get at least.
    gpu_memory
        Bytes that each process's GPU has, where they have one each; what can be computed there is.
    """
    notes: Counter[str] = Counter()
    stacks = [
        stack
        for group in _groups(trials, pending)
        for stack in _stacks_of_group(trials, group, data_size, gpu_memory, notes)
    ]
    total = sum(stack.cost(len(stack.lines)) for stack in stacks)
    cohorts: list[Cohort] = []
    small: dict[str, list[tuple[_Stack, Cohort]]] = {}
    for stack in stacks:
        # A single GPU has nobody to wait for, and larger stacks suit it better.
        parts = 1 if stack.on_gpu and workers == 1 else workers * cohorts_per_worker
        target = min(stack.costs.longest_cohort, total / parts)
        own = list(stack.cohorts(target, 1 if len(stacks) >= workers else workers))
        notes.update(stack.note(own))
        if stack.on_gpu:
            key = data_key(trials.make_experiment(stack.lines[0][-1]))
            small.setdefault(key, []).extend((stack, cohort) for cohort in own)
        else:
            cohorts += own
    for of_one_dataset in small.values():
        target = min(GPU_COSTS.longest_cohort, total / workers)
        cohorts += _side_by_side(of_one_dataset, target, notes)
    cohorts.sort(key=lambda cohort: (-cohort.cost, cohort.lines[0][0]))
    return Plan(cohorts, dict(notes))


@dataclass
class _Stack:
    """Lines that could all be trained together, at most so many at once, or a reason why not."""

    lines: list[Line]
    steps: float
    line_cost: float
    costs: CostModel
    most: int
    why_alone: str

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU computes it, which takes a step of few networks as long as one of many."""
        return self.costs is GPU_COSTS

    def cost(self, lines: int) -> float:
        """Estimated seconds of so many of its lines."""
        return self.line_cost * lines + (self.steps * self.costs.step if self.on_gpu else 0.0)

    def cohorts(self, target: float, multiple: int) -> Iterator[Cohort]:
        """Cut into cohorts of about `target` seconds, equal in size up to one line.

        Where there are several, their number is a multiple of `multiple`.
        """
        room = target - self.cost(0)
        size = min(self.most, max(1, math.floor(room / self.line_cost)))
        n_cohorts = math.ceil(len(self.lines) / size)
        if n_cohorts > 1:
            n_cohorts = min(len(self.lines), math.ceil(n_cohorts / multiple) * multiple)
        bounds = np.linspace(0, len(self.lines), n_cohorts + 1).round().astype(int).tolist()
        for start, end in itertools.pairwise(bounds):
            yield Cohort(tuple(self.lines[start:end]), self.cost(end - start))

    def note(self, cohorts: Sequence[Cohort]) -> dict[str, int]:
        """What the plan says of these cohorts, into which the stack was cut."""
        largest = max(len(cohort.lines) for cohort in cohorts)
        if largest > 1:
            stacked = sum(cohort.n_trials for cohort in cohorts if len(cohort.lines) > 1)
            return {f"stacked, up to {largest} networks of one shape": stacked}
        if len(cohorts) == 1:
            return {}
        reason = self.why_alone or "each would take long, or workers would have nothing to do"
        return {f"not stacked: {reason}": sum(cohort.n_trials for cohort in cohorts)}


def _side_by_side(
    stacks: Sequence[tuple[_Stack, Cohort]], target: float, notes: Counter[str]
) -> list[Cohort]:
    """Put cohorts of a GPU, on one data set, into cohorts of several stacks, as memory allows."""
    joined: list[list[Cohort]] = []
    room = cost = 0.0
    for stack, cohort in sorted(stacks, key=lambda one: -one[1].cost):
        share = len(cohort.lines) / stack.most
        fits = room >= share and cost + cohort.cost <= target
        if not joined or not fits or len(joined[-1]) == IN_FLIGHT:
            joined.append([])
            room, cost = 1.0, 0.0
        joined[-1].append(cohort)
        room, cost = room - share, cost + cohort.cost
    together = []
    for cohorts in joined:
        lines = tuple(line for cohort in cohorts for line in cohort.lines)
        sizes = tuple(len(cohort.lines) for cohort in cohorts)
        one = Cohort(lines, sum(cohort.cost for cohort in cohorts), sizes)
        together.append(one)
        if len(sizes) > 1:
            notes[f"up to {IN_FLIGHT} stacks side by side on a GPU"] += one.n_trials
    return together


_OF_EACH_NETWORK = ("training.clip_norm", "training.clip_value")


def _is_stackable(key: str) -> bool:
    """Whether networks of one stack may differ in a setting."""
    return key == "optimizer" or key.startswith("optimizer.") or key in _OF_EACH_NETWORK


def _groups(trials: Trials, pending: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Pending trials that agree in everything a stack, or a training, must agree in."""
    separating = [
        column for column, key in enumerate(trials.keys) if not _is_stackable(key) and key != EPOCHS
    ]
    codes = trials.codes[pending // trials.per_setting][:, separating]
    yield from _split_by(codes, pending)


def _split_by(keys: NDArray[np.integer], rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Split `rows` (n,) into those with equal `keys` (n, m), in the order of first appearance."""
    if not len(rows):
        return
    if keys.shape[1] == 0:
        yield rows
        return
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    parts = np.split(rows[order], np.cumsum(np.bincount(inverse.ravel()))[:-1])
    for number in np.argsort(first):
        yield parts[number]


def _stacks_of_group(
    trials: Trials,
    group: NDArray[np.int64],
    data_size: Callable[[Experiment], DataSize],
    gpu_memory: int | None,
    notes: Counter[str],
) -> Iterator[_Stack]:
    """Lines and stacks of trials that differ in optimizer, clipping, seed, fold, epochs only."""
    experiment = trials.make_experiment(int(group[0]))
    size = data_size(experiment)
    lines = list(_lines(trials, group, experiment, notes))
    # Folds may differ in size, and networks of a stack take their steps together.
    kinds: list[tuple[int, int, int | None]] = [
        (trials.epochs(line[-1], experiment), line[0] % trials.per_seed, trials.seed(line[0]))
        for line in lines
    ]
    by_seed = data_depends_on_seed(experiment.dataset)
    if not by_seed and experiment.training.shuffle:
        by_seed = _pays_by_seed(experiment, size, gpu_memory, len(lines) / len(set(kinds)))
    if not by_seed:
        kinds = [(epochs, division, None) for epochs, division, _ in kinds]
    together: dict[tuple[int, int, int | None], list[Line]] = {}
    for kind, line in zip(kinds, lines, strict=True):
        together.setdefault(kind, []).append(line)
    shared = by_seed or not experiment.training.shuffle
    costs = costs_of(experiment, gpu_memory)
    most, why_alone = most_stacked(experiment, size, gpu_memory, shares_batches=shared)
    steps = size.n_rows / batch_size(experiment, size)
    for (epochs, *_), of_one_kind in together.items():
        seconds = epochs * costs.epoch_seconds(experiment, size)
        yield _Stack(of_one_kind, epochs * steps, seconds, costs, most, why_alone)


def _pays_by_seed(
    experiment: Experiment, size: DataSize, gpu_memory: int | None, lines_a_seed: float
) -> bool:
    """Whether smaller stacks, each of one seed, beat larger ones of several seeds.

    Networks of one seed get the same batches, which a stack fetches once.
    """
    if experiment.ensemble > 1 or lines_a_seed < 2:
        return False  # an ensemble's networks have batches of their own
    mixed, _ = most_stacked(experiment, size, gpu_memory, shares_batches=False)
    of_one_seed, _ = most_stacked(experiment, size, gpu_memory, shares_batches=True)
    costs = costs_of(experiment, gpu_memory)
    return costs.pays_by_seed(min(lines_a_seed, of_one_seed), mixed, experiment, size)


def _lines(
    trials: Trials, group: NDArray[np.int64], experiment: Experiment, notes: Counter[str]
) -> Iterator[Line]:
    """Trials that one training serves."""
    if EPOCHS not in trials.keys:
        yield from ((trial,) for trial in group.tolist())
        return
    reason = _why_not_shared(experiment)
    if reason:
        notes[f"not read off one training, although they differ in epochs: {reason}"] += len(group)
        yield from ((trial,) for trial in group.tolist())
        return
    columns = [column for column, key in enumerate(trials.keys) if key != EPOCHS]
    settings, repeats = np.divmod(group, trials.per_setting)
    keys = np.column_stack([trials.codes[settings][:, columns], repeats])
    for line in _split_by(keys, group):
        if len(line) > 1:
            notes["read off one training each, since they differ in epochs only"] += len(line)
        yield tuple(sorted(line.tolist(), key=lambda trial: trials.epochs(trial, experiment)))


def _why_not_shared(experiment: Experiment) -> str:
    """Why a training cannot serve trials of fewer epochs; empty if it can."""
    if not isinstance(experiment.training.schedule, (Constant, Step, ReduceOnPlateau)):
        return f"the schedule {experiment.training.schedule.name} depends on their number"
    if isinstance(experiment.training.weight_averaging, Swa):
        return "the average begins at a share of them"
    if experiment.training.early_stopping is not None:
        return "early stopping may end any of them"
    return ""
