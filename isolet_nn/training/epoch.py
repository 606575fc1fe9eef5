"""What the networks of a stack go through in an epoch: rows, learning rates, averages.

All of it is known before the epoch's first step, so that a backend can lay it out at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.training import Ema, Swa
from isolet_nn.nn.schedules import Schedule
from isolet_nn.seeding import Stream, generators
from isolet_nn.training.components import make_schedule

NetworkIndex = int
"""Place of a network in its stack: those of one experiment's ensemble lie side by side."""
Order = tuple[int, int] | None
"""What decides on the order of a network's rows: the experiment's seed and the network's place in
its ensemble; None where they are not shuffled."""

_DRAWERS = 8
"""Threads that draw orders ahead; NumPy's generators draw side by side."""
_PART = 16
"""Orders that a thread draws in a piece at the least: handing them over takes time, too."""


@dataclass(frozen=True)
class Batch:
    """What the networks of a stack take a step on.

    Attributes
    ----------
    rows
        Each network's rows (batch,) of its training part; one array for all where `shared`.
    shared
        Whether all networks see the same rows of the same data, which are then fetched once.
    """

    rows: Sequence[NDArray[np.int64]]
    shared: bool

    def rows_of(self, network: NetworkIndex) -> NDArray[np.int64]:
        """The rows that one network sees."""
        return self.rows[0 if self.shared else network]


@dataclass(frozen=True)
class Epoch:
    """What a stack of K networks goes through in an epoch.

    Attributes
    ----------
    number
        0, 1, ...
    orders
        Each network's rows of its training part, in the order of their use; one array for all
        where `shared`.
    shared
        Whether all networks see the same rows of the same data.
    batch_size
        Rows of a step; the last may have less.
    learning_rates
        (steps, K).
    averaged
        (steps, K): whether a network's weights after a step go into its average; None where no
        step's do.
    generators
        What mixup, noise and dropout draw from, one a network, as far as the epoch has come; empty
        where nothing is random.
    """

    number: int
    orders: Sequence[NDArray[np.int64]]
    shared: bool
    batch_size: int
    learning_rates: NDArray[np.float64]
    averaged: NDArray[np.bool_] | None
    generators: Sequence[np.random.Generator]

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.learning_rates)

    def batch(self, step: int) -> Batch:
        """What the networks take a step on."""
        rows = slice(step * self.batch_size, (step + 1) * self.batch_size)
        return Batch([order[rows] for order in self.orders], self.shared)


class Epochs:
    """Makes the epochs of a stack.

    Parameters
    ----------
    experiments
        Those whose networks are stacked.
    n_rows
        Rows of the training part of each.
    one_part
        Whether these are the same rows for all.
    copies
        How many copies of the training part there are, one after another, that epochs take in turn.
    ahead
        Whether the next epoch's rows are drawn by threads while an epoch is trained.
    schedule
        Of the learning rates, instead of the experiments' own.

    Attributes
    ----------
    batch_size
        Rows of a step; the last may have less.
    rows_used
        Rows of an epoch.
    steps
        Steps of an epoch.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        n_rows: int,
        *,
        one_part: bool,
        copies: int = 1,
        ahead: bool = False,
        schedule: Schedule | None = None,
    ) -> None:
        first = experiments[0]
        self._networks = [(e, k) for e in experiments for k in range(e.ensemble)]
        self._ensembles = [e.ensemble for e in experiments]
        self.n_rows, self._copies = n_rows, copies
        self.batch_size = min(first.training.batch_size, n_rows)
        self.rows_used = n_rows - (n_rows % self.batch_size if first.training.drop_last else 0)
        self.steps = -(-self.rows_used // self.batch_size)
        self._orders: list[Order] = [
            (e.seed, k) if e.training.shuffle else None for e, k in self._networks
        ]
        self._distinct = list(dict.fromkeys(self._orders))
        self._pool = ThreadPoolExecutor(_DRAWERS) if ahead else None
        self._drawn: dict[int, list[Future[list[NDArray[np.int64]]]]] = {}
        # The same seed gives the same batches: networks that see them fetch them once.
        self._shared = len(self._distinct) == 1 and one_part
        self._draws = draws_in_steps(first)
        self._base_rates = np.array([e.optimizer.learning_rate for e, _ in self._networks])
        self._curves = [
            (e.training.schedule.model_dump_json(), e.training.epochs) for e, _ in self._networks
        ]
        self._schedules = {
            curve: schedule or make_schedule(e.training.schedule)
            for curve, (e, _) in zip(self._curves, self._networks, strict=True)
        }

    def generators(self, number: int) -> list[np.random.Generator]:
        """What mixup, noise and dropout draw from in an epoch; empty where nothing is random."""
        if not self._draws:
            return []
        seeds, places = [e.seed for e, _ in self._networks], [k for _, k in self._networks]
        return generators(seeds, Stream.STEPS, number, places)

    def make(
        self, number: int, generators: Sequence[np.random.Generator], factors: Sequence[float]
    ) -> Epoch:
        """An epoch, with its generators as far as it has come.

        `factors` are by what evaluations multiply the learning rates, one an experiment.
        """
        return Epoch(
            number,
            self._draw_orders(number),
            self._shared,
            self.batch_size,
            self._learning_rates(number) * np.repeat(factors, self._ensembles),
            self._averaged(number),
            generators,
        )

    def _draw_orders(self, number: int) -> list[NDArray[np.int64]]:
        """The rows in the order of each network, or in the one order that all share."""
        if self._pool is None:
            drawn = self._draw(self._distinct, number)
        else:
            for epoch in (number, number + 1):
                if epoch not in self._drawn:
                    self._drawn[epoch] = [
                        self._pool.submit(self._draw, part, epoch) for part in self._parts()
                    ]
            self._drawn = {e: of_epoch for e, of_epoch in self._drawn.items() if e >= number}
            drawn = [order for part in self._drawn.pop(number) for order in part.result()]
        found = dict(zip(self._distinct, drawn, strict=True))
        return [found[order] for order in self._orders[: 1 if self._shared else None]]

    def _parts(self) -> Iterator[list[Order]]:
        """The orders in pieces, each for a thread."""
        size = max(_PART, -(-len(self._distinct) // _DRAWERS))
        for start in range(0, len(self._distinct), size):
            yield self._distinct[start : start + size]

    def _draw(self, orders: Sequence[Order], number: int) -> list[NDArray[np.int64]]:
        """The rows of an epoch in each of several orders."""
        first = number % self._copies * self.n_rows
        shuffled = [order for order in orders if order is not None]
        seeds, networks = [seed for seed, _ in shuffled], [k for _, k in shuffled]
        sources = iter(generators(seeds, Stream.SHUFFLE, number, networks))
        drawn = []
        for order in orders:
            if order is None:
                drawn.append(np.arange(first, first + self.rows_used))
                continue
            rows = next(sources).permutation(self.n_rows)[: self.rows_used]
            if first:
                rows += first
            drawn.append(rows)
        return drawn

    def _learning_rates(self, number: int) -> NDArray[np.float64]:
        """The learning rate of each network in each step (steps, K)."""
        steps = range(number * self.steps, (number + 1) * self.steps)
        factors = {  # of thousands of networks, few differ in their schedule
            curve: [schedule(step, self.steps, curve[1] * self.steps) for step in steps]
            for curve, schedule in self._schedules.items()
        }
        rates = np.empty((self.steps, len(self._networks)))
        for network, curve in enumerate(self._curves):
            rates[:, network] = factors[curve]
        rates *= self._base_rates
        return rates

    def _averaged(self, number: int) -> NDArray[np.bool_] | None:
        """Which networks' weights after which steps go into an average."""
        averaged = np.zeros((self.steps, len(self._networks)), np.bool_)
        for network, (experiment, _) in enumerate(self._networks):
            match experiment.training.weight_averaging:
                case Ema():
                    averaged[:, network] = True
                case Swa(start=start):
                    averaged[-1:, network] = number + 1 > start * experiment.training.epochs
        return averaged if averaged.any() else None


def draws_in_steps(experiment: Experiment) -> bool:
    """Whether anything is random within a training step: mixup, noise, dropout."""
    model = experiment.model
    return any((experiment.training.mixup, model.input_noise, model.input_dropout, model.dropout))
