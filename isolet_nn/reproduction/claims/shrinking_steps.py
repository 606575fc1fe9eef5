"""Claim 8: Adagrad suffers from steps that shrink too early, and RMSprop mends that.

The effective step of a weight is what its gradient is multiplied by::

    learning_rate / (sqrt(total) + epsilon)

where `total` is the optimizer's own state: the sum of squared gradients in Adagrad, their running
mean in RMSprop. Of all weights that have had a gradient at all the median is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.optimizers import Adagrad, Rmsprop
from isolet_nn.data import load_dataset
from isolet_nn.plots import plot_lines
from isolet_nn.reproduction.bars import HURT, ROUNDED_AWAY
from isolet_nn.reproduction.claims.claim import Picture, ReportClaim
from isolet_nn.reproduction.claims.tuned_optimizers import TUNED, TUNING
from isolet_nn.reproduction.evidence import OPTIMIZERS, Evidence, differences
from isolet_nn.reproduction.parts import Measuring, Part
from isolet_nn.reproduction.plots import band, over_seeds
from isolet_nn.reproduction.records import EffectiveSteps
from isolet_nn.reproduction.rules import Verdict, above, below, not_run, paired_above, under
from isolet_nn.reproduction.tables import TextTable
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.training.loop import Training
from isolet_nn.training.threads import limited_threads

SHRUNK = 0.5
"""Share of the step after the first epoch below which it has shrunk, by epoch 10."""
SEEDS = 3
_STEPS, _FIGURE = "effective-steps", "figure8"
_SHOWN = ("adagrad", "rmsprop")
_POINTS = 80
"""Steps that are looked at, closer together at first."""


def measure_steps(how: Measuring) -> dict[str, Any] | None:
    """Train figure 8's networks and look at the state of their optimizers on the way.

    The NumPy network is looked at whatever computes the rest.
    """
    given = {} if how.data_dir is None else {"dataset.dir": how.data_dir}
    sweep = load_sweep("report/figure8_optimizers", {**given, "seeds": SEEDS})
    trials = make_trials(sweep)
    experiments = [
        trials.make_experiment(number)
        for number in range(len(trials))
        if trials.setting(number // SEEDS)["optimizer.name"] in _SHOWN
    ]
    recorded = None if how.should_stop() else how.call(record_effective_steps, experiments)
    if recorded is None:
        return None
    steps, per_epoch, medians = recorded
    return {
        "steps": steps,
        "steps_per_epoch": per_epoch,
        "trainings": [
            {"optimizer": e.optimizer.name, "seed": e.seed, "median": of.tolist()}
            for e, of in zip(experiments, medians.T, strict=True)
        ],
    }


def record_effective_steps(
    experiments: list[Experiment],
) -> tuple[list[int], int, NDArray[np.float64]]:
    """Train a stack; median effective steps by step looked at and network.

    Returns
    -------
    steps : numbers of steps taken, ascending; the end of every epoch is among them
    steps_per_epoch
    medians : (steps, networks)
    """
    first = experiments[0]
    with limited_threads(first):
        dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
        training = Training(experiments, [dataset] * len(experiments))
        per_epoch, epochs = training.steps_per_epoch, first.training.epochs
        wanted = _steps_to_look_at(per_epoch, epochs)
        medians: dict[int, list[float]] = {}
        while not training.finished:
            complete = False
            while not complete:  # steps stop after each, so that the state can be looked at
                complete = training.take_steps(lambda: True)
                taken = training.epoch * per_epoch + training.step
                if taken in wanted:
                    medians[taken] = _median_steps(training, experiments)
            training.end_epoch()
    return sorted(medians), per_epoch, np.array([medians[step] for step in sorted(medians)])


def _steps_to_look_at(per_epoch: int, epochs: int) -> set[int]:
    spread = np.geomspace(1, per_epoch * epochs, _POINTS).round().astype(int)
    return {*spread.tolist(), *range(per_epoch, per_epoch * epochs + 1, per_epoch)}


def _median_steps(training: Training, experiments: list[Experiment]) -> list[float]:
    state = training.backend.state()
    return [
        effective_step(experiment.optimizer, state[f"optimizer_{number}"][0])
        for number, experiment in enumerate(experiments)
    ]


def effective_step(optimizer: object, total: NDArray[np.floating[Any]]) -> float:
    """Median over all weights that have had a gradient, of the formula above.

    Parameters
    ----------
    optimizer
        Its settings.
    total : (n_parameters,)
        What it has summed up or averaged of the squared gradients.
    """
    assert isinstance(optimizer, Adagrad | Rmsprop)
    moved = total[total > 0.0].astype(np.float64)
    return float(np.median(optimizer.learning_rate / (np.sqrt(moved) + optimizer.epsilon)))


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    steps = evidence.measured(_STEPS, EffectiveSteps)
    kept = {} if steps is None else {name: _kept(steps, name) for name in _SHOWN}
    what = "the median effective step after epoch 10 as a share of that after epoch 1"
    unit = "of it"
    better = "RMSprop less Adagrad with the same seed"
    at_one_rate = _rmsprop_less_adagrad(evidence, _FIGURE)
    at_own_rates = _rmsprop_less_adagrad(evidence, TUNED)
    return {
        "Adagrad's step shrinks": below(kept["adagrad"], SHRUNK, what, unit=unit)
        if kept
        else not_run("Adagrad's steps shrink"),
        "RMSprop's does not": above(kept["rmsprop"], 1.0, what, unit=unit)
        if kept
        else not_run("RMSprop's steps shrink"),
        "it costs accuracy at 0.001": under(ROUNDED_AWAY, paired_above(at_one_rate, HURT, better)),
        "it does so at each one's own best rate": under(
            ROUNDED_AWAY, paired_above(at_own_rates, HURT, better)
        ),
    }


def _rmsprop_less_adagrad(evidence: Evidence, part: str) -> list[float]:
    return differences(
        *(evidence.by_seed(part, {"optimizer.name": name}) for name in ("rmsprop", "adagrad"))
    )


def _kept(steps: EffectiveSteps, optimizer: str) -> list[float]:
    """What the last step is as a share of the step after the first epoch, by seed."""
    first = steps.steps.index(steps.steps_per_epoch)
    return [t.median[-1] / t.median[first] for t in steps.trainings if t.optimizer == optimizer]


def _table(evidence: Evidence) -> TextTable:
    steps = evidence.measured(_STEPS, EffectiveSteps)
    rows = []
    if steps is not None:
        epochs = steps.steps[-1] // steps.steps_per_epoch
        shown = [steps.steps.index(epoch * steps.steps_per_epoch) for epoch in (1, 5, epochs)]
        for name in _SHOWN:
            of = np.array([t.median for t in steps.trainings if t.optimizer == name])
            cells = [f"{value:.3g}" for value in of[:, [0, *shown]].mean(axis=0)]
            rows.append([OPTIMIZERS[name], *cells, str(len(of))])
    headings = ["after one step", "after epoch 1", "after epoch 5", "after epoch 10"]
    return TextTable(["median effective step", *headings, "seeds"], rows)


def _draw(evidence: Evidence, path: Path) -> bool:
    steps = evidence.measured(_STEPS, EffectiveSteps)
    if steps is None:
        return False
    bands = {}
    for name in _SHOWN:
        of = [training.median for training in steps.trainings if training.optimizer == name]
        by_step = zip(steps.steps, zip(*of, strict=True), strict=True)
        bands[OPTIMIZERS[name]] = band({step: [*values] for step, values in by_step})
    plot_lines(
        bands,
        path,
        x_name="step",
        value_name="effective_step",
        log_x=True,
        log_y=True,
        title="median of learning_rate / (sqrt(total) + epsilon)",
        note=over_seeds(SEEDS),
    )
    return True


SHRINKING_STEPS = ReportClaim(
    number=8,
    name="shrinking-steps",
    text="Adagrad suffers from steps that shrink too early; RMSprop mends that.",
    runs="Figure 8's networks, in which the effective step of every weight, learning rate / "
    "(sqrt(total) + epsilon), is read from the optimizer's own state; and both optimizers compared "
    "at 0.001 and each at its own best rate, as for claim 9.",
    judge=_judge,
    parts=(Part(_STEPS, ("claim8",), quick=None, measure=measure_steps),),
    others=(_FIGURE, TUNING, TUNED),
    table=_table,
    picture=Picture("Median effective step of all weights by step of training", _draw),
)
