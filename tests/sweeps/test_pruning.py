"""Who is pruned is who Optuna's pruners would prune, as far as they could know."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.journal import Results
from isolet_nn.sweeps.rungs import RungWatch
from isolet_nn.sweeps.search.pruning import Ladder, Pruning
from isolet_nn.sweeps.search.study import direction
from isolet_nn.sweeps.search_config import Search
from isolet_nn.training.progress import Row

optuna.logging.set_verbosity(optuna.logging.ERROR)
EPOCHS = 12
METRICS = ("validation_accuracy", "validation_loss")


def search_of(pruner: Any, metric: str = "validation_accuracy") -> Search:
    space = {"optimizer.learning_rate": {"uniform": [0.0, 1.0]}}
    return Search.model_validate({"trials": 99, "pruner": pruner, "metric": metric, "space": space})


curves = st.lists(
    st.lists(st.integers(0, 9).map(float), min_size=EPOCHS, max_size=EPOCHS),
    min_size=1,
    max_size=25,
)


def ends_of_ours(pruner: Any, metric: str, values: list[list[float]]) -> list[int]:
    """After how many epochs each curve ends, each a batch of its own."""
    results = Results(len(values))
    pruning = Pruning(search_of(pruner, metric), EPOCHS, 1, results)
    ends = []
    for trial, curve in enumerate(values):
        watch, history = RungWatch(metric), list[Row]()
        rungs = pruning.rungs_of(trial)
        for value in curve:
            history.append({metric: value})
            if len(history) < EPOCHS and watch.ends(trial, rungs, history):
                break
        ends.append(len(history))
        is_pruned = trial in watch.pruned
        metrics = {} if is_pruned else {metric: curve[-1]}
        status = "pruned" if is_pruned else "completed"
        reported = watch.reported.get(trial, {})
        results.record(TrialResult(trial, status, metrics, len(history), reported=reported))
        pruning.learn([trial])
    return ends


def ends_of_optuna(
    pruner: optuna.pruners.BasePruner,
    metric: str,
    values: list[list[float]],
    reported: Collection[int] = range(1, EPOCHS),
) -> list[int]:
    """The same in a study, of which some epochs are reported."""
    study = optuna.create_study(direction=direction(search_of("none", metric)), pruner=pruner)
    ends = []
    for curve in values:
        trial, pruned = study.ask(), False
        for epoch in sorted(reported):
            trial.report(curve[epoch - 1], epoch)
            if pruned := trial.should_prune():
                break
        ends.append(epoch if pruned else EPOCHS)
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, curve[-1])
    return ends


@given(curves, st.integers(1, 5), st.integers(2, 4), st.integers(0, 1), st.sampled_from(METRICS))
@settings(max_examples=25, deadline=None)
def test_of_batches_of_one_successive_halving_prunes_as_optuna_does(
    values: list[list[float]], first: int, factor: int, left_out: int, metric: str
) -> None:
    keys = {
        "min_resource": first,
        "reduction_factor": factor,
        "min_early_stopping_rate": left_out,
    }
    theirs = optuna.pruners.SuccessiveHalvingPruner(**keys)
    ours = {"name": "successive_halving", **keys}
    assert ends_of_ours(ours, metric, values) == ends_of_optuna(theirs, metric, values)


@given(curves, st.integers(0, 4), st.integers(1, 4), st.integers(1, 3), st.sampled_from(METRICS))
@settings(max_examples=25, deadline=None)
def test_of_batches_of_one_the_median_prunes_as_optuna_does(
    values: list[list[float]], startup: int, warmup: int, interval: int, metric: str
) -> None:
    keys = {"n_startup_trials": startup, "n_warmup_steps": warmup, "interval_steps": interval}
    ours = {"name": "median", **keys}
    theirs = optuna.pruners.MedianPruner(**keys)
    # The best so far is that of the epochs that are reported.
    rungs = Pruning(search_of(ours, metric), EPOCHS, 1, Results(0)).rungs_of(0)
    expected = ends_of_optuna(theirs, metric, values, {rung.epoch for rung in rungs})
    assert ends_of_ours(ours, metric, values) == expected


def test_hyperbands_brackets_are_those_of_optuna() -> None:
    theirs = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=81, reduction_factor=3)
    study = optuna.create_study(pruner=theirs)
    trial = study.ask()
    trial.report(0.5, 1)
    trial.should_prune()
    ours = Pruning(search_of({"name": "hyperband", "min_resource": 1}), 81, 1, Results(0))
    budgets = [theirs._calculate_trial_allocation_budget(n) for n in range(5)]
    counts = np.bincount([ours.bracket(n) for n in range(20_000)], minlength=5) / 20_000
    assert np.allclose(counts, np.array(budgets) / sum(budgets), atol=0.02)


def test_rungs_beyond_the_first_training_stand_at_the_end_of_the_training_they_are_in() -> None:
    assert Ladder.at([4, 12, 36, 108], 20, 5) == Ladder((4, 12), (2,))
    assert Ladder.at([20, 60, 100], 20, 5) == Ladder((), (1, 3))
    assert Ladder.at([1, 4, 16], 20, 1) == Ladder((1, 4, 16), ())
    pruner = {"name": "successive_halving", "reduction_factor": 3}
    pruning = Pruning(search_of(pruner), 20, 5, Results(0))
    assert [rung.epoch for rung in pruning.rungs_of(0)] == [4, 12]
    assert pruning.rungs_of(1) == ()
    assert pruning.stages == [(0, 1), (1, 2), (2, 5)]
    assert Pruning(search_of("none"), 20, 5, Results(0)).stages == [(0, 5)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_a_trial_where_something_is_asked_of_it(bad: float) -> None:
    results = Results(9)
    pruner = {"name": "successive_halving", "min_resource": 1, "reduction_factor": 2}
    pruning = Pruning(search_of(pruner, "validation_loss"), 4, 1, results)
    rungs, history = pruning.rungs_of(0), list[Row]([{"validation_loss": bad}])
    assert not RungWatch("validation_loss").ends(0, rungs, history)
    results.record(TrialResult(0, "pruned", epochs=1, reported={1: 2.0}))
    pruning.learn([0])
    watch = RungWatch("validation_loss")
    assert watch.ends(1, pruning.rungs_of(1), history)
    assert watch.reported == {1: {}}
