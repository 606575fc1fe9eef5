"""Learning rate schedules: the factor by which a step's learning rate is multiplied.

A schedule is a function of the step's number s = 0, 1, ..., of the steps per epoch e and of the
steps of the whole training S. It is a pure function, so training can go on from any step. What
depends on how training goes is `ReduceOnPlateau`, whose factor comes on top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Schedule = Callable[[int, int, int], float]
"""``schedule(step, steps_per_epoch, total_steps)`` is the factor of the learning rate."""


def constant(step: int, steps_per_epoch: int, total_steps: int) -> float:
    """Factor 1 throughout."""
    return 1.0


def step_decay(epochs: int, gamma: float) -> Schedule:
    """gamma^floor(epoch / epochs), as torch.optim.lr_scheduler.StepLR, stepped every epoch."""

    def schedule(step: int, steps_per_epoch: int, total_steps: int) -> float:
        return float(gamma ** (step // steps_per_epoch // epochs))

    return schedule


def cosine(final_factor: float, warmup_epochs: int) -> Schedule:
    """Half a cosine from 1 to `final_factor` (Loshchilov and Hutter, 2017, eq. 5, one period).

    With w = warmup_epochs e steps of warm-up, the factor is (s + 1) / (w + 1) for s < w, then
    final + (1 - final) (1 + cos(pi (s - w) / (S - w))) / 2: without warm-up the same as
    torch.optim.lr_scheduler.CosineAnnealingLR with T_max = S, stepped every step.
    """

    def schedule(step: int, steps_per_epoch: int, total_steps: int) -> float:
        warmup = min(warmup_epochs * steps_per_epoch, total_steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return _cosine_between(1.0, final_factor, (step - warmup) / (total_steps - warmup))

    return schedule


def one_cycle(rise: float, initial_divisor: float, final_divisor: float) -> Schedule:
    """Up from 1 / initial_divisor to 1 and down to 1 / (initial_divisor final_divisor).

    Both ways along a cosine, with the peak at step rise S - 1 of S: torch.optim.lr_scheduler's
    OneCycleLR with its cosine annealing, two phases, momentum left alone (Smith and Topin, 2018).
    """

    def schedule(step: int, steps_per_epoch: int, total_steps: int) -> float:
        initial = 1.0 / initial_divisor
        final = initial / final_divisor
        peak = rise * total_steps - 1.0
        if step <= peak:
            return _cosine_between(initial, 1.0, step / peak if peak > 0.0 else 1.0)
        return _cosine_between(1.0, final, (step - peak) / (total_steps - 1.0 - peak))

    return schedule


def exponential(start: float, end: float, steps: int) -> Schedule:
    """Start (end / start)^(s / (steps - 1)): from one factor to another, as in a range test.

    In equal steps of the logarithm (Smith, 2017, section 3.3, has them equal themselves).
    """

    def schedule(step: int, steps_per_epoch: int, total_steps: int) -> float:
        return float(start * (end / start) ** (step / (steps - 1)))

    return schedule


def _cosine_between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1.0 + math.cos(math.pi * share)) / 2.0


class ReduceOnPlateau:
    """A factor that falls when a metric no longer improves.

    As torch.optim.lr_scheduler.ReduceLROnPlateau without its `eps`: a value improves on the best
    so far, b, if it is beyond b (1 + threshold) or, where less is better, below b (1 - threshold);
    not relatively, b + threshold or b - threshold. After more than `patience` values in a row that
    do not, the factor becomes max(factor `factor`, `min_factor`), and the next `cooldown` values
    are not counted. What is not a number does not improve.

    Attributes
    ----------
    current
        The factor of the learning rate.
    best
        The best value so far; plus or minus infinity before the first.
    without_improvement
        Values in a row that did not improve.
    cooling
        Values that are still not counted.
    """

    def __init__(
        self,
        *,
        greater_is_better: bool,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        relative: bool = True,
        cooldown: int = 0,
        min_factor: float = 0.0,
    ) -> None:
        self.greater_is_better = greater_is_better
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.relative = relative
        self.cooldown = cooldown
        self.min_factor = min_factor
        self.current = 1.0
        self.best = -math.inf if greater_is_better else math.inf
        self.without_improvement = 0
        self.cooling = 0

    def observe(self, value: float) -> None:
        """Take in the metric of an evaluation."""
        if self._improves(value):
            self.best, self.without_improvement = value, 0
        else:
            self.without_improvement += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.without_improvement = 0
        if self.without_improvement > self.patience:
            self.current = max(self.current * self.factor, self.min_factor)
            self.cooling, self.without_improvement = self.cooldown, 0

    def _improves(self, value: float) -> bool:
        sign = 1.0 if self.greater_is_better else -1.0
        if math.isinf(self.best):
            return sign * value > sign * self.best
        if self.relative:
            return sign * value > sign * self.best * (1.0 + sign * self.threshold)
        return sign * value > sign * self.best + self.threshold

    def state(self) -> dict[str, float | int | None]:
        """What `load_state` needs, as JSON."""
        return {
            "current": self.current,
            "best": self.best if math.isfinite(self.best) else None,
            "without_improvement": self.without_improvement,
            "cooling": self.cooling,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.current = state["current"]
        if state["best"] is not None:
            self.best = state["best"]
        self.without_improvement, self.cooling = state["without_improvement"], state["cooling"]
