"""What is computed together: every trial once, and only where results stay the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import canonical
from isolet_nn.errors import ConfigError
from isolet_nn.sweeps.costs import COSTS, STACKED_NUMBERS
from isolet_nn.sweeps.datasets import DataSize, data_depends_on_seed, data_key
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.plan import COHORTS_PER_WORKER, Plan, make_plan
from isolet_nn.training.backend import n_parameters
from sweeps.helpers import IRIS, trials_of

SIZE = DataSize(n_rows=1000, n_features=10, n_classes=3)
READ_OFF = "read off one training each, since they differ in epochs only"

VALUES: dict[str, list[Any]] = {
    "training.epochs": [1, 2, 3, 10],
    "training.batch_size": [16, 5000],
    "training.schedule": ["constant", {"name": "step", "epochs": 2}, "cosine", "one_cycle"],
    "training.clip_norm": [None, 1.0],
    "training.early_stopping": [None, {"patience": 2}],
    "training": [{"epochs": 4}, {"epochs": 7, "schedule": "cosine"}],
    "training.dtype": ["float32", "float64"],
    "training.shuffle": [True, False],
    "model.hidden_layers": [[], [1], [8, 8], [20_000]],
    "model.dropout": [0.0, 0.5],
    "optimizer": ["sgd", "adam", {"name": "rmsprop", "alpha": 0.5}],
    "optimizer.learning_rate": [0.1, 0.01, 0.001],
    "optimizer.weight_decay": [0.0, 0.1],
    "dataset.split_seed": [None, 3],
    "dataset.name": ["iris", "wine"],
    "backend": ["numpy", "torch"],
    "name": ["a", "b"],
}


@st.composite
def tables(draw: st.DrawFn) -> Trials:
    """Trials of a random grid or list over up to four settings."""
    keys = draw(st.lists(st.sampled_from(list(VALUES)), max_size=4, unique=True))
    seeds = draw(st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True))
    has_validation: bool = draw(st.booleans())
    validation = has_validation or "training.early_stopping" in keys
    keys_of_sweep: dict[str, Any] = {"seeds": seeds}
    if not validation and draw(st.booleans()):
        keys_of_sweep["cross_validation"] = {"folds": draw(st.integers(2, 5))}
    dataset = {"name": "iris", "validation": {"fraction": 0.2} if validation else "none"}
    experiment = {**IRIS, "dataset": dataset, "training": {"epochs": draw(st.integers(1, 5))}}
    chosen = {
        key: draw(st.lists(st.sampled_from(range(len(VALUES[key]))), min_size=1, unique=True))
        for key in keys
    }
    if len(keys) > 0 and draw(st.booleans()):
        whole = st.fixed_dictionaries(
            {},
            optional={key: st.sampled_from([VALUES[key][n] for n in chosen[key]]) for key in keys},
        )
        settings = draw(st.lists(whole, min_size=1, max_size=12, unique_by=canonical))
        varied: dict[str, Any] = {"list": settings}
    else:
        grid = {key: [VALUES[key][number] for number in numbers] for key, numbers in chosen.items()}
        varied = {"grid": grid} if grid else {}
    try:
        return trials_of(experiment, **keys_of_sweep, **varied)
    except ConfigError as error:
        refused = ("makes the same experiment", "give one of them")
        assume(not any(reason in str(error) for reason in refused))
        raise


def plan_of(trials: Trials, workers: int = 2, pending: Any = None) -> Plan:
    numbers = np.arange(len(trials)) if pending is None else np.array(sorted(pending), np.int64)
    return make_plan(trials, numbers, workers, lambda experiment: SIZE)


def content(experiment: Experiment, *without: str) -> dict[str, Any]:
    """An experiment's settings but for some."""
    settings = experiment.model_dump(mode="json")
    for path in without:
        section, _, key = path.rpartition(".")
        del (settings[section] if section else settings)[key]
    return settings


@settings(max_examples=40)
@given(trials=tables(), workers=st.integers(1, 5), data=st.data())
def test_every_pending_trial_is_planned_once_and_shares_only_what_leaves_it_as_it_is(
    trials: Trials, workers: int, data: st.DataObject
) -> None:
    pending = data.draw(st.sets(st.integers(0, len(trials) - 1), min_size=1))
    plan = plan_of(trials, workers, pending)

    planned = [trial for cohort in plan.cohorts for line in cohort.lines for trial in line]
    assert sorted(planned) == sorted(pending)
    assert plan.n_trials == len(pending)
    for cohort in plan.cohorts:
        longest = [trials.make_experiment(line[-1]) for line in cohort.lines]
        for line in cohort.lines:
            check_line([trials.make_experiment(trial) for trial in line])
        check_stack(longest)


def check_line(experiments: list[Experiment]) -> None:
    """Trials of one training differ in epochs only, and none of them would end otherwise."""
    epochs = [experiment.training.epochs for experiment in experiments]
    assert epochs == sorted(epochs)
    first = experiments[0]
    if len(experiments) > 1:
        assert first.training.schedule.name in ("constant", "step", "reduce_on_plateau")
        assert first.training.early_stopping is None
    for other in experiments[1:]:
        assert content(other, "training.epochs") == content(first, "training.epochs")


def check_stack(experiments: list[Experiment]) -> None:
    """Networks of a stack differ in optimizer, clipping and seed only, and see the same data."""
    first = experiments[0]
    assert len(experiments) <= COSTS.most_stacked
    if len(experiments) > 1:
        assert first.backend == "numpy"
        parameters = n_parameters(first, SIZE.n_features, SIZE.n_classes)
        assert 4 * parameters * len(experiments) <= STACKED_NUMBERS
    for other in experiments[1:]:
        own = ("optimizer", "seed", "training.clip_norm")
        assert content(other, *own) == content(first, *own)
        assert data_key(other) == data_key(first)
        if data_depends_on_seed(first.dataset):
            assert other.seed == first.seed


@settings(max_examples=40)
@given(trials=tables(), workers=st.integers(1, 5))
def test_cohorts_come_longest_first_and_none_holds_up_the_others(
    trials: Trials, workers: int
) -> None:
    plan = plan_of(trials, workers)
    costs = [cohort.cost for cohort in plan.cohorts]
    assert costs == sorted(costs, reverse=True)
    fair_share = plan.cost / (workers * COHORTS_PER_WORKER)
    for cohort in plan.cohorts:
        assert len(cohort.lines) == 1 or cohort.cost <= fair_share * (1 + 1e-9)


@given(seeds=st.integers(1, 60), workers=st.integers(1, 9))
def test_there_is_work_for_all_workers_as_long_as_there_are_trials(
    seeds: int, workers: int
) -> None:
    trials = trials_of({**IRIS, "dataset": {"name": "iris", "split_seed": 0}}, seeds=seeds)
    cohorts = plan_of(trials, workers).cohorts
    assert len(cohorts) >= min(workers, seeds)
    sizes = [len(cohort.lines) for cohort in cohorts]
    assert max(sizes) - min(sizes) <= 1


@settings(max_examples=40)
@given(trials=tables(), workers=st.integers(1, 3))
def test_the_same_trials_get_the_same_plan(trials: Trials, workers: int) -> None:
    assert plan_of(trials, workers) == plan_of(trials, workers)


def test_trials_that_differ_in_epochs_are_one_training() -> None:
    trials = trials_of(grid={"training.epochs": [9, 3, 6], "model.dropout": [0.0, 0.5]})
    plan = plan_of(trials)
    assert {line for cohort in plan.cohorts for line in cohort.lines} == {(2, 4, 0), (3, 5, 1)}
    assert plan.notes[READ_OFF] == 6
    assert plan.n_trainings == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"training.schedule": "cosine"}, "the schedule cosine depends on their number"),
        ({"training.schedule": "one_cycle"}, "the schedule one_cycle depends on their number"),
        (
            {
                "training.early_stopping": {"patience": 2},
                "dataset.validation": {"fraction": 0.2},
            },
            "early stopping may end any of them",
        ),
    ],
)
def test_why_a_training_is_not_shared_is_said(change: dict[str, Any], reason: str) -> None:
    plan = plan_of(trials_of(set=change, grid={"training.epochs": [1, 2]}, seeds=2))
    assert plan.n_trainings == 4
    note = f"not read off one training, although they differ in epochs: {reason}"
    assert plan.notes[note] == 4


@pytest.mark.parametrize("schedule", ["constant", {"name": "step", "epochs": 1}])
def test_schedules_that_do_not_depend_on_the_number_of_epochs_are_shared(schedule: Any) -> None:
    trials = trials_of(set={"training.schedule": schedule}, grid={"training.epochs": [1, 2, 5]})
    assert plan_of(trials).n_trainings == 1


def test_networks_of_one_shape_are_stacked_whatever_their_optimizers() -> None:
    trials = trials_of(
        {**IRIS, "dataset": {"name": "iris", "split_seed": 1}},
        set={"training.shuffle": False},
        grid={"optimizer": ["sgd", "adam", "rmsprop"], "optimizer.learning_rate": [0.1, 0.2]},
        seeds=16,
    )
    plan = plan_of(trials, workers=1)
    assert [len(cohort.lines) for cohort in plan.cohorts] == [16] * 6
    assert plan.notes == {f"stacked, up to {COSTS.most_stacked} networks of one shape": 96}


RATES = [0.001 * (k + 1) for k in range(8)]


@pytest.mark.parametrize(
    ("keys", "seeds_of_stacks"),
    [
        ({"grid": {"optimizer.learning_rate": RATES}, "seeds": 4}, [1] * 4),
        ({"grid": {"optimizer.learning_rate": RATES[:1]}, "seeds": 8}, [2] * 4),
        (
            {
                "set": {"training.shuffle": False},
                "grid": {"optimizer.learning_rate": RATES[:2]},
                "seeds": 16,
            },
            [8] * 4,
        ),
        (
            {
                "grid": {"optimizer.learning_rate": RATES[:4]},
                "seeds": 2,
                "cross_validation": {"folds": 4},
            },
            [1] * 8,
        ),
        ({"seeds": 8, "cross_validation": {"folds": 2}}, [4] * 4),
    ],
    ids=["of one seed", "of several seeds", "unshuffled", "of one fold", "of one fold, by seeds"],
)
def test_networks_that_get_the_same_batches_are_stacked_where_there_are_enough(
    keys: dict[str, Any], seeds_of_stacks: list[int]
) -> None:
    keys["set"] = {"training.batch_size": 128, **keys.get("set", {})}
    trials = trials_of({**IRIS, "dataset": {"name": "iris", "split_seed": 1}}, **keys)
    wide = DataSize(n_rows=6238, n_features=617, n_classes=26)
    cohorts = make_plan(trials, np.arange(len(trials)), 1, lambda _: wide).cohorts
    found = [{trials.seed(line[0]) for line in cohort.lines} for cohort in cohorts]
    assert [len(seeds) for seeds in found] == seeds_of_stacks


def test_of_narrow_data_seeds_are_mixed_rather_than_stacks_kept_small() -> None:
    trials = trials_of(
        {**IRIS, "dataset": {"name": "iris", "split_seed": 1}},
        grid={"optimizer.learning_rate": RATES},
        seeds=8,
    )
    cohorts = plan_of(trials, workers=1).cohorts
    assert [len(cohort.lines) for cohort in cohorts] == [16] * 4


def test_stacks_of_many_seeds_stay_whole_on_many_workers() -> None:
    trials = trials_of(
        {**IRIS, "dataset": {"name": "iris"}},
        grid={"optimizer.learning_rate": [0.001 * (k + 1) for k in range(16)]},
        seeds=64,
    )
    cohorts = plan_of(trials, workers=8).cohorts
    assert [len(cohort.lines) for cohort in cohorts] == [16] * 64


def test_long_stacks_are_cut_so_that_a_crash_costs_little() -> None:
    trials = trials_of(
        {**IRIS, "dataset": {"name": "iris", "split_seed": 1}},
        set={"training.epochs": 20_000},
        seeds=64,
    )
    cohorts = plan_of(trials, workers=1).cohorts
    assert all(1 < len(cohort.lines) < COSTS.most_stacked for cohort in cohorts)
    assert max(cohort.cost for cohort in cohorts) <= COSTS.longest_cohort


@pytest.mark.parametrize(
    ("change", "size"),
    [
        ({"model.hidden_layers": [8]}, 16),
        ({"model.hidden_layers": [2_000]}, 6),
        ({"model.hidden_layers": [20_000]}, 1),
        ({"training.batch_size": 20_000}, 8),
        ({"training.batch_size": 20_000, "model.input_dropout": 0.2}, 2),
        ({"training.batch_size": 20_000, "training.mixup": 0.2}, 2),
        ({"ensemble": 4}, 4),
        ({"ensemble": 9}, 1),
    ],
)
def test_the_more_a_network_goes_through_the_smaller_is_a_stack(
    change: dict[str, Any], size: int
) -> None:
    trials = trials_of(
        {**IRIS, "dataset": {"name": "iris", "split_seed": 1}},
        set={"training.batch_size": 16, **change},
        grid={"optimizer.learning_rate": [0.001 * (k + 1) for k in range(96)]},
    )
    rows = DataSize(n_rows=20_000, n_features=20, n_classes=3)
    cohorts = make_plan(trials, np.arange(len(trials)), 1, lambda _: rows).cohorts
    assert max(len(cohort.lines) for cohort in cohorts) == size


def test_seeds_that_split_the_data_differently_are_not_stacked() -> None:
    plan = plan_of(trials_of(seeds=10), workers=1)
    assert [len(cohort.lines) for cohort in plan.cohorts] == [1] * 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"backend": "torch"},
            "the backend is torch, to which only networks on the same batches are cheaper",
        ),
        ({"model.hidden_layers": [20_000]}, "the networks are too large for stacking to pay"),
    ],
)
def test_why_networks_are_not_stacked_is_said(change: dict[str, Any], reason: str) -> None:
    changes = {"dataset.split_seed": 0, **change}
    plan = plan_of(trials_of(set=changes, seeds=6), workers=1)
    assert [len(cohort.lines) for cohort in plan.cohorts] == [1] * 6
    assert plan.notes[f"not stacked: {reason}"] == 6


def test_torch_trials_of_one_seed_are_stacked() -> None:
    rates = [0.001 * (k + 1) for k in range(8)]
    trials = trials_of(
        set={"backend": "torch", "dataset.split_seed": 0},
        grid={"optimizer.learning_rate": rates},
        seeds=2,
    )
    plan = plan_of(trials, workers=1)
    assert all(len(cohort.lines) > 1 for cohort in plan.cohorts)
    for cohort in plan.cohorts:
        assert len({trials.seed(trial) for (trial,) in cohort.lines}) == 1


def test_torch_trials_share_trainings_all_the_same() -> None:
    trials = trials_of(set={"backend": "torch"}, grid={"training.epochs": [1, 2, 3]}, seeds=2)
    assert plan_of(trials).n_trainings == 2


def test_a_cohort_that_fails_is_split_into_its_trainings() -> None:
    trials = trials_of(
        set={"dataset.split_seed": 0}, grid={"training.epochs": [1, 2]}, seeds=COSTS.most_stacked
    )
    (cohort,) = plan_of(trials, workers=1, pending=range(16)).cohorts[:1]
    parts = cohort.split()
    assert [part.lines for part in parts] == [(line,) for line in cohort.lines]
    assert math.isclose(sum(part.cost for part in parts), cohort.cost)
    assert sum(part.n_trials for part in parts) == cohort.n_trials


def test_nothing_pending_is_nothing_planned() -> None:
    plan = plan_of(trials_of(seeds=3), pending=[])
    assert plan.cohorts == []
    assert plan.cost == 0
