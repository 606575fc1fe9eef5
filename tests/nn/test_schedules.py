"""Learning rate schedules against torch.optim.lr_scheduler, at every step of a training."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from needs import needs_torch

from isolet_nn.nn import schedules

if TYPE_CHECKING:
    import torch
    from torch.optim import lr_scheduler

epochs = st.integers(1, 12)
steps_per_epoch = st.integers(1, 9)
RATE = 0.3


def sgd() -> torch.optim.Optimizer:
    import torch

    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)


def rates(
    optimizer: torch.optim.Optimizer, scheduler: lr_scheduler.LRScheduler, steps: int
) -> list[float]:
    """The learning rate of each step, with the scheduler stepped after each but the last."""
    found = []
    for step in range(steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return found


def assert_same_factors(
    schedule: schedules.Schedule, expected: list[float], e: int, total: int
) -> None:
    for step, rate in enumerate(expected):
        assert math.isclose(RATE * schedule(step, e, total), rate, rel_tol=1e-9, abs_tol=1e-12), (
            f"step {step} of {total}"
        )


def test_constant_is_one_throughout() -> None:
    assert {schedules.constant(step, 3, 30) for step in range(30)} == {1.0}


@needs_torch
@given(n=epochs, e=steps_per_epoch, every=st.integers(1, 5), gamma=st.floats(0.01, 1.0))
def test_step_decay_is_steplr_stepped_every_epoch(n: int, e: int, every: int, gamma: float) -> None:
    from torch.optim import lr_scheduler

    optimizer = sgd()
    scheduler = lr_scheduler.StepLR(optimizer, every, gamma)
    expected = [rate for rate in rates(optimizer, scheduler, n) for _ in range(e)]
    assert_same_factors(schedules.step_decay(every, gamma), expected, e, n * e)


@needs_torch
@given(n=epochs, e=steps_per_epoch, final=st.floats(0.0, 1.0))
def test_cosine_is_cosineannealinglr_stepped_every_step(n: int, e: int, final: float) -> None:
    from torch.optim import lr_scheduler

    optimizer = sgd()
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=n * e, eta_min=final * RATE)
    expected = rates(optimizer, scheduler, n * e)
    assert_same_factors(schedules.cosine(final, 0), expected, e, n * e)


@given(n=epochs, e=steps_per_epoch, warmup=st.integers(1, 14), final=st.floats(0.0, 1.0))
def test_warm_up_rises_evenly_and_leaves_the_cosine_to_the_rest(
    n: int, e: int, warmup: int, final: float
) -> None:
    total, schedule = n * e, schedules.cosine(final, warmup)
    factors = [schedule(step, e, total) for step in range(total)]
    rising = min(warmup * e, total)
    share = 1 / (rising + 1)
    assert factors[:rising] == pytest.approx([share * (step + 1) for step in range(rising)])
    rest = schedules.cosine(final, 0)
    assert factors[rising:] == pytest.approx(
        [rest(step, e, total - rising) for step in range(total - rising)]
    )


@needs_torch
@settings(max_examples=200)
@given(
    n=epochs,
    e=steps_per_epoch,
    rise=st.floats(0.01, 0.99),
    initial=st.floats(1.0, 100.0),
    final=st.floats(1.0, 1e5),
)
def test_one_cycle_is_onecyclelr(n: int, e: int, rise: float, initial: float, final: float) -> None:
    from torch.optim import lr_scheduler

    total = n * e
    assume(abs(rise * total - 1.0) > 1e-9)  # there PyTorch divides by zero
    optimizer = sgd()
    scheduler = lr_scheduler.OneCycleLR(
        optimizer,
        RATE,
        total_steps=total,
        pct_start=rise,
        div_factor=initial,
        final_div_factor=final,
        cycle_momentum=False,
    )
    expected = rates(optimizer, scheduler, total)
    assert_same_factors(schedules.one_cycle(rise, initial, final), expected, e, total)


def test_one_cycle_whose_rise_is_a_single_step_starts_at_its_peak() -> None:
    schedule = schedules.one_cycle(0.5, 25.0, 1e4)
    assert schedule(0, 1, 2) == 1.0
    assert schedule(1, 1, 2) == pytest.approx(1 / 25 / 1e4)


@given(
    n=epochs,
    e=steps_per_epoch,
    schedule=st.sampled_from(
        [
            schedules.constant,
            schedules.step_decay(2, 0.5),
            schedules.cosine(0.1, 2),
            schedules.one_cycle(0.3, 25.0, 1e4),
        ]
    ),
)
def test_every_factor_lies_above_zero_and_not_above_one(
    n: int, e: int, schedule: schedules.Schedule
) -> None:
    factors = [schedule(step, e, n * e) for step in range(n * e)]
    assert all(0.0 < factor <= 1.0 for factor in factors)


@needs_torch
@settings(max_examples=50)
@given(
    values=st.lists(
        st.sampled_from([0.5, 0.4, 0.45, 0.3, 0.2, -0.1, math.nan, math.inf]), max_size=30
    ),
    greater=st.booleans(),
    factor=st.sampled_from([0.1, 0.5, 0.9]),
    patience=st.integers(0, 4),
    threshold=st.sampled_from([0.0, 1e-4, 0.1, 0.3]),
    mode=st.sampled_from(["rel", "abs"]),
    cooldown=st.integers(0, 3),
    least=st.sampled_from([0.0, 0.01, 0.3]),
    kept_after=st.integers(0, 30),
)
def test_a_plateau_lowers_the_rate_as_reducelronplateau_does_and_goes_on_from_its_state(
    values: list[float],
    greater: bool,
    factor: float,
    patience: int,
    threshold: float,
    mode: Literal["rel", "abs"],
    cooldown: int,
    least: float,
    kept_after: int,
) -> None:
    from torch.optim import lr_scheduler

    def make() -> schedules.ReduceOnPlateau:
        return schedules.ReduceOnPlateau(
            greater_is_better=greater,
            factor=factor,
            patience=patience,
            threshold=threshold,
            relative=mode == "rel",
            cooldown=cooldown,
            min_factor=least,
        )

    optimizer = sgd()
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer,
        "max" if greater else "min",
        factor=factor,
        patience=patience,
        threshold=threshold,
        threshold_mode=mode,
        cooldown=cooldown,
        min_lr=least * RATE,
        eps=0.0,
    )
    ours = make()
    if greater:
        values = [value for value in values if value != math.inf]
    for number, value in enumerate(values):
        if number == kept_after:
            state = json.loads(json.dumps(ours.state(), allow_nan=False))
            ours = make()
            ours.load_state(state)
        ours.observe(value)
        theirs.step(value)
        assert math.isclose(RATE * ours.current, optimizer.param_groups[0]["lr"], rel_tol=1e-9)
