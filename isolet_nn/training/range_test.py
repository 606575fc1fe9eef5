"""A learning-rate range test (Smith, 2017): the loss while the rate rises from far too low.

One training, on the training part alone: neither the validation nor the test split is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError
from isolet_nn.nn.schedules import exponential
from isolet_nn.training.loop import Training

LOWEST, HIGHEST, STEPS = 1e-6, 100.0, 200
"""25 steps for each power of ten."""
_DIVERGED = 4.0
"""Times the lowest smoothed loss at which it ends, as in fastai and PyTorch Lightning."""
_WIDTH = 4.0
"""Steps: the standard deviation of the smoothing."""
_MARGIN = 5
"""Steps at either end of which the slope is not asked for."""
_LEAST_FALL = 0.05
"""Share of the first loss by which it has to fall, or no rate is better than another."""
_ERRORS = 5.0
"""Standard errors by which it has to fall."""

Outcome = Literal["found", "diverged at once", "never fell", "interrupted"]


@dataclass(frozen=True)
class RangeTest:
    """What a range test has measured, and what follows.

    Attributes
    ----------
    rates, losses
        Of each step: its learning rate, and the mean loss of its batch before it.
    smoothed
        The losses, smoothed over their neighbours.
    suggestion
        A learning rate of two digits; None where nothing can be said.
    outcome
        Why.
    diverged
        Whether the loss rose beyond all bounds in the end, as it should.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    outcome: Outcome
    diverged: bool


def range_test(
    experiment: Experiment,
    dataset: Dataset,
    *,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    steps: int = STEPS,
    should_stop: Callable[[], bool] = lambda: False,
) -> RangeTest:
    """Train while the learning rate rises, and suggest the one at which the loss fell fastest.

    The rate rises by the same factor in every step. It ends where the smoothed loss is four times
    its lowest, or no number. The suggestion is the rate at which the smoothed loss falls most
    steeply over the logarithm of the rate (as PyTorch Lightning suggests it).

    Parameters
    ----------
    experiment
        Its network, optimizer, batches and seed are used; its learning rate and schedule are not.
    lowest, highest
        The rates it begins and ends with.
    steps
        How many there are.

    Raises
    ------
    ConfigError
        If the rates do not rise.
    """
    if not (0.0 < lowest < highest < math.inf and steps > 2 * _MARGIN):
        raise ConfigError(
            f"learning rates: found {lowest} to {highest} in {steps} steps; they should rise from "
            f"above 0, in more than {2 * _MARGIN} steps"
        )
    changes = {
        "optimizer.learning_rate": 1.0,  # by which the schedule's factors are the rates
        "training.epochs": steps,  # of one step at least
        "training.schedule": "constant",
        "training.early_stopping": None,
        "training.weight_averaging": "none",
    }
    tried = load_experiment(experiment.model_dump(mode="json"), changes)
    schedule = exponential(lowest, highest, steps)
    training = Training([tried], [dataset], evaluate_at=(), schedule=schedule)
    losses: list[float] = []
    running = _RunningMean()
    interrupted = False

    def after_step() -> bool:
        nonlocal interrupted
        step = training.step - 1
        totals, _ = training.backend.take_totals()
        losses.append(float(totals.mean() / training.rows_of_step(step)))
        running.take(losses[-1])
        interrupted = interrupted or should_stop()
        return interrupted or running.diverged or len(losses) == steps

    done = False
    while not done:
        training.run_epoch(after_step)
        done = interrupted or running.diverged or len(losses) >= steps
    rates = [schedule(step, 1, steps) for step in range(len(losses))]
    return _result(rates, losses, diverged=running.diverged, interrupted=interrupted)


class _RunningMean:
    """An exponential mean of the losses so far, which tells when there is no more to learn."""

    _DECAY = 0.8

    def __init__(self) -> None:
        self._sum, self._weight, self._lowest = 0.0, 0.0, math.inf
        self.diverged = False

    def take(self, loss: float) -> None:
        """Take in the loss of the next step."""
        self._sum = self._DECAY * self._sum + loss
        self._weight = self._DECAY * self._weight + 1.0
        mean = self._sum / self._weight
        self.diverged = not math.isfinite(mean) or mean > _DIVERGED * self._lowest
        self._lowest = min(self._lowest, mean)


def _result(
    rates: Sequence[float], losses: Sequence[float], *, diverged: bool, interrupted: bool
) -> RangeTest:
    known = [loss for loss in losses if math.isfinite(loss)]
    with np.errstate(over="ignore"):  # of losses near the largest number
        smoothed = _smooth(np.array(known))
        suggestion, outcome = _suggest(rates[: len(known)], np.array(known), smoothed)
    if interrupted:
        suggestion, outcome = None, "interrupted"
    return RangeTest(
        tuple(rates),
        tuple(losses),
        (*smoothed.tolist(), *[math.nan] * (len(losses) - len(known))),
        suggestion,
        outcome,
        diverged,
    )


def _smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over neighbours with normal weights: a mean of what came before would lag behind."""
    steps = np.arange(len(losses))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / _WIDTH) ** 2)
    # A loss that rises beyond all bounds at the end is not to lift those before it.
    cap = max(losses[:_MARGIN].max(initial=0.0), _DIVERGED * losses.min(initial=math.inf))
    return np.asarray(weights @ np.minimum(losses, cap) / weights.sum(axis=1))


def _suggest(
    rates: Sequence[float], losses: NDArray[np.float64], smoothed: NDArray[np.float64]
) -> tuple[float | None, Outcome]:
    if len(smoothed) <= 2 * _MARGIN + 1:
        return None, "diverged at once"
    lowest = int(np.argmin(smoothed))
    # Batches differ: the standard error of the smoothed loss, from the median deviation of each
    # step, which the rise at the end does not move.
    error = 1.48 * float(np.median(np.abs(losses - smoothed))) / math.sqrt(3.5 * _WIDTH)
    if smoothed[0] - smoothed[lowest] <= max(_LEAST_FALL * smoothed[0], _ERRORS * error):
        return None, "never fell"
    slopes = np.gradient(smoothed, np.log10(rates))
    end = max(_MARGIN + 1, min(lowest, len(smoothed) - _MARGIN))
    steepest = _MARGIN + int(np.argmin(slopes[_MARGIN:end]))
    return float(f"{rates[steepest]:.1e}"), "found"
