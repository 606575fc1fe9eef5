"""From trials to cohorts: the same results for less work, and only where they are the same.

Three rules:

- Trials that differ only in ``training.epochs`` are one training to the largest, read off on the
  way; not with a schedule or an average (SWA) that depends on the number of epochs, nor with
  early stopping.
- Networks of one shape and batch size are stacked as long as a stack fits into the cache: they take
  the same steps together, preferably on the same batches, which are then fetched once.
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
from isolet_nn.sweeps.datasets import DataSize, data_depends_on_seed
from isolet_nn.sweeps.grid import EPOCHS, Trials
from isolet_nn.training.backend import n_parameters, network_shape

Line = tuple[int, ...]
"""Trials that one training serves, by ascending number of epochs."""

LONGEST_COHORT = 60.0
"""Estimated seconds that a cohort of several trainings takes at the most, and a crash costs."""
COHORTS_PER_WORKER = 4
"""Cohorts that each worker should get at least, so that all end at about the same time."""


@dataclass(frozen=True)
class CostModel:
    """What a training costs, and from which size on stacking costs more than it saves.

    Measured in November 2026 on one core of an AMD EPYC (Zen 5). Only the proportions matter: they
    balance the work of several workers, and never show in a result.

    Attributes
    ----------
    step, network_step
        Seconds that a step costs a stack besides its networks, and each network by itself.
    parameter
        Seconds that the optimizer takes for a parameter in a step.
    products_per_second
        What the matrix products come to, at about four a parameter and row, both ways together.
    fetched_number
        Seconds from fetching a number of a batch until it is used.
    most_stacked
        Networks of a stack at the most: beyond, nothing more is gained.
    stacked_numbers
        Numbers that the steps of a stack go through at the most: beyond, they leave the cache.
    """

    step: float = 3e-5
    network_step: float = 4e-5
    parameter: float = 1.1e-9
    products_per_second: float = 1.8e11
    fetched_number: float = 2.5e-10
    most_stacked: int = 16
    stacked_numbers: int = 1_400_000

    def epoch_seconds(self, experiment: Experiment, size: DataSize) -> float:
        """Rough seconds of an epoch: a fixed cost a step, the optimizer's passes, the products."""
        batch = _batch_size(experiment, size)
        parameters = n_parameters(experiment, size.n_features, size.n_classes)
        seconds = (
            self.network_step * experiment.ensemble
            + parameters * self.parameter
            + 4 * batch * parameters / self.products_per_second
        )
        return size.n_rows / batch * seconds

    def pays_by_seed(
        self, of_one_seed: float, mixed: int, experiment: Experiment, size: DataSize
    ) -> bool:
        """Whether stacks of `of_one_seed` networks, which share batches, beat mixed ones."""
        fetching = self.fetched_number * _batch_size(experiment, size) * size.n_features
        return (self.step + fetching) / of_one_seed < self.step / mixed + fetching


COSTS = CostModel()


@dataclass(frozen=True)
class Cohort:
    """Trials that are computed together.

    Attributes
    ----------
    lines
        One training each, all in one stack.
    cost
        Estimated seconds of one processor.
    """

    lines: tuple[Line, ...]
    cost: float

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
    """
    notes: Counter[str] = Counter()
    stacks = [
        stack
        for group in _groups(trials, pending)
        for stack in _stacks_of_group(trials, group, data_size, notes)
    ]
    total = sum(stack.line_cost * len(stack.lines) for stack in stacks)
    target = min(LONGEST_COHORT, total / (workers * cohorts_per_worker))
    cohorts = []
    for stack in stacks:
        own = list(stack.cohorts(target, 1 if len(stacks) >= workers else workers))
        cohorts += own
        notes.update(stack.note(own))
    cohorts.sort(key=lambda cohort: (-cohort.cost, cohort.lines[0][0]))
    return Plan(cohorts, dict(notes))


@dataclass
class _Stack:
    """Lines that could all be trained together, at most so many at once, or a reason why not."""

    lines: list[Line]
    line_cost: float
    most: int
    why_alone: str

    def cohorts(self, target: float, multiple: int) -> Iterator[Cohort]:
        """Cut into cohorts of about `target` seconds, equal in size up to one line.

        Where there are several, their number is a multiple of `multiple`.
        """
        size = min(self.most, max(1, math.floor(target / self.line_cost)))
        n_cohorts = math.ceil(len(self.lines) / size)
        if n_cohorts > 1:
            n_cohorts = min(len(self.lines), math.ceil(n_cohorts / multiple) * multiple)
        bounds = np.linspace(0, len(self.lines), n_cohorts + 1).round().astype(int).tolist()
        for start, end in itertools.pairwise(bounds):
            yield Cohort(tuple(self.lines[start:end]), self.line_cost * (end - start))

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
        by_seed = _pays_by_seed(experiment, size, len(lines) / len(set(kinds)))
    if not by_seed:
        kinds = [(epochs, division, None) for epochs, division, _ in kinds]
    together: dict[tuple[int, int, int | None], list[Line]] = {}
    for kind, line in zip(kinds, lines, strict=True):
        together.setdefault(kind, []).append(line)
    shared = by_seed or not experiment.training.shuffle
    most, why_alone = _most_stacked(experiment, size, shares_batches=shared)
    for (epochs, *_), of_one_kind in together.items():
        seconds = epochs * COSTS.epoch_seconds(experiment, size)
        yield _Stack(of_one_kind, seconds, most, why_alone)


def _pays_by_seed(experiment: Experiment, size: DataSize, lines_a_seed: float) -> bool:
    """Whether smaller stacks, each of one seed, beat larger ones of several seeds.

    Networks of one seed get the same batches, which a stack fetches once.
    """
    if experiment.ensemble > 1 or lines_a_seed < 2:
        return False  # an ensemble's networks have batches of their own
    mixed, _ = _most_stacked(experiment, size, shares_batches=False)
    of_one_seed, _ = _most_stacked(experiment, size, shares_batches=True)
    return COSTS.pays_by_seed(min(lines_a_seed, of_one_seed), mixed, experiment, size)


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


def _most_stacked(
    experiment: Experiment, size: DataSize, *, shares_batches: bool
) -> tuple[int, str]:
    """How many experiments a stack may hold, and why if it is one."""
    if experiment.backend == "torch" and (experiment.ensemble > 1 or not shares_batches):
        # It computes network by network; what a stack shares is fetching (measured: a quarter).
        return 1, "the backend is torch, to which only networks on the same batches are cheaper"
    model, batch = experiment.model, _batch_size(experiment, size)
    shape = network_shape(experiment, size.n_features, size.n_classes)
    numbers = 4 * shape.n_parameters  # with gradients, and what an optimizer remembers of each
    numbers += batch * (sum(model.hidden_layers) + size.n_classes)
    own_inputs = model.input_dropout or model.input_noise or experiment.training.mixup
    if own_inputs or experiment.ensemble > 1 or not shares_batches:
        numbers += batch * size.n_features
    most = min(COSTS.most_stacked, COSTS.stacked_numbers // numbers) // experiment.ensemble
    if most > 1:
        return most, ""
    what = "networks" if experiment.ensemble == 1 else "ensembles"
    return 1, f"the {what} are too large for stacking to pay"


def _batch_size(experiment: Experiment, size: DataSize) -> int:
    return min(experiment.training.batch_size, size.n_rows)
