"""Learning rate schedules: the factor by which a step's learning rate is multiplied.

A schedule is a function of the step's number s = 0, 1, ..., of the steps per epoch e and of the
steps of the whole training S. It is a pure function, so training can go on from any step.
"""

from __future__ import annotations

import math
from collections.abc import Callable

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


def _cosine_between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1.0 + math.cos(math.pi * share)) / 2.0
