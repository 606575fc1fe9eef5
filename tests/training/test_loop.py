"""The epoch loop: isolation in a stack, going on with equal bits, stopping, evaluation."""

from __future__ import annotations

import copy
import dataclasses
import gc
import json
import weakref
from typing import Any

import pytest
from builders import (
    ACTIVATIONS,
    OPTIMIZERS,
    make_dataset,
    make_experiment,
    rows_without_seconds,
    same_arrays,
    train_steps,
    train_to_the_end,
    trained,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import BACKENDS, INSTALLED_BACKENDS, in_full
from threadpoolctl import threadpool_limits

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError
from isolet_nn.training.epoch import Epoch
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Member, Row

DIVERGING = {"name": "sgd", "learning_rate": 1e30}
seeds = st.integers(0, 2**32 - 1)


def assert_same_results(one: Training, number: int, other: Training, other_number: int) -> None:
    a, b = one.members[number], other.members[other_number]
    assert rows_without_seconds(a.history) == rows_without_seconds(b.history)
    assert (a.error, a.best_epoch, a.finished) == (b.error, b.best_epoch, b.finished)
    assert (a.weights is None) == (b.weights is None)
    assert same_arrays(a.weights or {}, b.weights or {})


PLATEAU: dict[str, Any] = {
    "name": "reduce_on_plateau",
    "patience": 0,
    "threshold": 0.3,
    "factor": 0.5,
}
REGULARIZED: dict[str, Any] = {
    "ensemble": 2,
    "model__input_noise": 0.3,
    "model__batch_normalization": True,
    "model__max_norm": 1.5,
    "training__mixup": 0.3,
    "training__weight_averaging": {"name": "ema", "decay": 0.8},
}
"""Everything that makes a step random or keeps weights from growing, in an ensemble."""


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[Experiment], list[Dataset]]:
    """Experiments that may share a stack, with one data set or with several."""
    k = draw(st.integers(2, 4), "networks")
    seed = draw(seeds, "data")
    dtype = draw(st.sampled_from(["float32", "float64"]), "dtype")
    shape = {
        "rows": draw(st.sampled_from([1, 2, 5, 33, 150]), "rows"),
        "features": draw(st.sampled_from([1, 2, 13, 100]), "features"),
        "classes": draw(st.sampled_from([2, 3, 26]), "classes"),
    }
    shared = draw(st.booleans(), "shared data")
    validation = draw(st.sampled_from([0, 9]), "validation")
    one = make_dataset(seed, dtype=dtype, validation=validation, **shape)
    datasets = [
        one if shared else make_dataset(seed + n, dtype=dtype, validation=validation, **shape)
        for n in range(k)
    ]
    common: dict[str, Any] = {
        "backend": draw(st.sampled_from(INSTALLED_BACKENDS), "backend"),
        "model__hidden_layers": draw(
            st.lists(st.sampled_from([1, 2, 7, 16, 33]), max_size=3), "hidden"
        ),
        "model__activation": draw(st.sampled_from(ACTIVATIONS), "activation"),
        "model__dropout": draw(st.sampled_from([0.0, 0.3]), "dropout"),
        "model__input_dropout": draw(st.sampled_from([0.0, 0.2]), "input_dropout"),
        "training__dtype": dtype,
        "dataset__validation": {"fraction": 0.2} if validation else "none",
        "training__batch_size": draw(st.sampled_from([1, 2, 7, 32, 1000]), "batch_size"),
        "training__drop_last": draw(st.booleans(), "drop_last"),
        "training__label_smoothing": draw(st.sampled_from([0.0, 0.1]), "smoothing"),
        "training__class_weight": draw(st.sampled_from([None, "balanced", {"class 1": 3}]), "w"),
        **draw(
            st.sampled_from([{}, {}, REGULARIZED] if shape["rows"] > 1 else [{}]), "regularized"
        ),
    }
    if shape["rows"] > 100:
        common["training__batch_size"] = max(16, common["training__batch_size"])
    if common.get("model__batch_normalization"):
        common["training__batch_size"] = 32
        common["training__drop_last"] = True  # no batch of a single row
    kinds = [*OPTIMIZERS, DIVERGING]
    experiments = [
        make_experiment(
            **common,
            seed=draw(st.integers(0, 2), f"seed {n}"),
            optimizer=draw(st.sampled_from(kinds), f"optimizer {n}"),
            training__shuffle=draw(st.booleans(), f"shuffle {n}"),
            training__clip_norm=draw(st.sampled_from([None, None, 0.1]), f"clip_norm {n}"),
            training__clip_value=draw(st.sampled_from([None, None, 0.01]), f"clip_value {n}"),
            training__epochs=draw(st.integers(1, 4), f"epochs {n}"),
            training__evaluate_every=draw(st.integers(1, 3), f"evaluate_every {n}"),
            training__schedule=draw(
                st.sampled_from(["constant", "cosine", "one_cycle", *[PLATEAU] * (validation > 0)]),
                f"schedule {n}",
            ),
        )
        for n in range(k)
    ]
    return experiments, datasets


@settings(max_examples=in_full(20, 60))
@given(stack=stacks())
def test_a_network_in_a_stack_has_the_bits_of_the_same_network_alone(
    stack: tuple[list[Experiment], list[Dataset]],
) -> None:
    experiments, datasets = stack
    together = trained(experiments, datasets)
    for number, (experiment, dataset) in enumerate(zip(experiments, datasets, strict=True)):
        alone = trained([experiment], [dataset])
        assert_same_results(together, number, alone, 0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sixteen_networks_of_isolet_s_size_have_the_bits_of_each_alone(
    dtype: str, backend: str
) -> None:
    dataset = make_dataset(features=617, classes=26, rows=700, validation=300, dtype=dtype)
    experiments = [
        make_experiment(
            backend=backend,
            seed=number % 5,
            model__hidden_layers=[44],
            optimizer=OPTIMIZERS[number % len(OPTIMIZERS)],
            training__epochs=1,
            training__dtype=dtype,
        )
        for number in range(16)
    ]
    together = trained(experiments, [dataset] * 16)
    for number in range(16):
        alone = trained([experiments[number]], [dataset])
        assert_same_results(together, number, alone, 0)


def epochs_of(training: Training, count: int) -> list[Epoch]:
    """What the backend is given in the next epochs, while it trains on it."""
    epochs: list[Epoch] = []
    begin_epoch = training.backend.begin_epoch

    def noting(epoch: Epoch) -> None:
        epochs.append(epoch)
        begin_epoch(epoch)

    training.backend.begin_epoch = noting  # type: ignore[method-assign]
    for _ in range(count):
        training.run_epoch()
    return epochs


def test_networks_of_one_order_and_data_share_the_gathered_rows() -> None:
    dataset = make_dataset()
    for changes, shared in (
        ({"training__shuffle": False}, True),
        ({"training__shuffle": True}, False),
    ):
        experiments = [make_experiment(seed=seed, **changes) for seed in (0, 1)]
        (epoch,) = epochs_of(Training(experiments, [dataset, dataset]), 1)
        assert epoch.shared == epoch.batch(0).shared == shared
        assert len(epoch.batch(0).rows) == (1 if shared else 2)


def used_rows(experiment: Experiment, dataset: Dataset, epochs: int) -> list[list[list[int]]]:
    """The rows of each step of each epoch, as the backend is given them."""
    training = Training([experiment], [dataset])
    return [
        [epoch.batch(step).rows[0].tolist() for step in range(epoch.steps)]
        for epoch in epochs_of(training, epochs)
    ]


@given(rows=st.integers(1, 40), batch_size=st.integers(1, 50), drop_last=st.booleans())
@settings(max_examples=in_full(20, 40))
def test_every_row_is_used_once_an_epoch_but_those_of_a_dropped_incomplete_batch(
    rows: int, batch_size: int, drop_last: bool
) -> None:
    experiment = make_experiment(training__batch_size=batch_size, training__drop_last=drop_last)
    for epoch in used_rows(experiment, make_dataset(rows=rows), epochs=2):
        used = [row for step in epoch for row in step]
        size = min(batch_size, rows)
        assert len(used) == len(set(used)) == (rows - rows % size if drop_last else rows)
        assert set(used) <= set(range(rows))
        assert all(len(step) == size for step in epoch[:-1])


def test_without_shuffling_rows_come_in_their_order() -> None:
    experiment = make_experiment(training__shuffle=False, training__batch_size=4)
    first, second = used_rows(experiment, make_dataset(rows=10), epochs=2)
    assert first == second == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_with_shuffling_every_epoch_and_every_seed_has_an_order_of_its_own() -> None:
    dataset = make_dataset(rows=30)
    orders = {
        str(epoch)
        for seed in (0, 1, 2)
        for epoch in used_rows(make_experiment(seed=seed), dataset, epochs=3)
    }
    assert len(orders) == 9


def test_an_epoch_s_order_depends_on_nothing_but_seed_and_epoch() -> None:
    dataset = make_dataset(rows=30)
    plain = used_rows(make_experiment(seed=4), dataset, epochs=3)
    changed = make_experiment(
        seed=4, model__dropout=0.5, model__hidden_layers=[3, 3], optimizer="sgd"
    )
    assert used_rows(changed, dataset, epochs=3) == plain


def test_the_optimizer_hears_the_schedule_at_every_step() -> None:
    experiment = make_experiment(
        training__epochs=3,
        training__batch_size=20,
        training__schedule={"name": "step", "epochs": 1, "gamma": 0.5},
        optimizer={"name": "sgd", "learning_rate": 0.8},
    )
    training = Training([experiment], [make_dataset(rows=40)])
    rates = [rate for e in epochs_of(training, 3) for rate in e.learning_rates[:, 0].tolist()]
    assert rates == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


@given(epochs=st.integers(1, 7), every=st.integers(1, 8))
@settings(max_examples=in_full(20, 30))
def test_every_so_many_epochs_and_the_last_are_evaluated(epochs: int, every: int) -> None:
    experiment = make_experiment(training__epochs=epochs, training__evaluate_every=every)
    training = trained([experiment], [make_dataset(rows=10, validation=5)])
    for row in training.members[0].history:
        epoch = row["epoch"]
        assert epoch is not None
        expected = epoch % every == 0 or epoch == epochs
        for split in ("validation", "test"):
            for metric in ("loss", "accuracy"):
                assert (row[f"{split}_{metric}"] is not None) == expected
        assert row["train_loss"] is not None


def test_metrics_of_splits_that_do_not_exist_are_left_out() -> None:
    row = trained([make_experiment(training__epochs=1)], [make_dataset()]).members[0].history[0]
    names = [f"{split}_{metric}" for split in ("train", "test") for metric in ("loss", "accuracy")]
    assert list(row) == ["epoch", *names, "seconds"]


def test_the_test_split_is_left_unread_on_request() -> None:
    experiment = make_experiment(training__epochs=2, training__evaluate_test=False)
    dataset = make_dataset(validation=10)
    unreadable = dataclasses.replace(dataset, test=None)  # type: ignore[arg-type]
    (without,) = trained([experiment], [unreadable]).members
    names = [f"{s}_{metric}" for s in ("train", "validation") for metric in ("loss", "accuracy")]
    assert list(without.history[0]) == ["epoch", *names, "seconds"]
    as_usual = make_experiment(training__epochs=2)
    (usual,) = trained([as_usual], [dataset]).members
    assert [{n: row[n] for n in names} for row in usual.history] == [
        {n: row[n] for n in names} for row in without.history
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loss_that_is_not_finite_ends_training_with_an_error(backend: str) -> None:
    experiment = make_experiment(optimizer=DIVERGING, training__epochs=5, backend=backend)
    training = trained([experiment], [make_dataset(rows=500)])
    (member,) = training.members
    assert member.error is not None
    assert "diverged" in member.error
    assert "epoch 1" in member.error
    assert "learning_rate" in member.error
    assert member.weights is None
    assert member.history == []
    assert training.epoch == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_that_only_the_last_step_made_infinite_are_an_error_too(backend: str) -> None:
    experiment = make_experiment(
        optimizer={"name": "sgd", "learning_rate": 1e300},
        training__dtype="float64",
        training__epochs=1,
        training__batch_size=60,
        model__initializer={"name": "normal", "scale": 1e10},
        backend=backend,
    )
    training = trained([experiment], [make_dataset(rows=60, dtype="float64")])
    (member,) = training.members
    assert member.error is not None
    assert "diverged" in member.error
    assert member.weights is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_diverging_network_stops_alone_and_leaves_its_neighbours_as_they_are(
    backend: str,
) -> None:
    dataset = make_dataset(rows=200)
    good = make_experiment(backend=backend, training__epochs=4)
    bad = make_experiment(backend=backend, training__epochs=4, optimizer=DIVERGING)
    together = trained([good, bad, good], [dataset] * 3)
    alone = trained([good], [dataset])
    assert together.members[1].error is not None
    assert together.members[1].weights is None
    for number in (0, 2):
        assert_same_results(together, number, alone, 0)


def test_networks_of_one_stack_may_end_after_different_numbers_of_epochs() -> None:
    dataset = make_dataset()
    experiments = [make_experiment(training__epochs=epochs) for epochs in (1, 4, 2)]
    together = trained(experiments, [dataset] * 3)
    assert [len(member.history) for member in together.members] == [1, 4, 2]
    for number, experiment in enumerate(experiments):
        assert_same_results(together, number, trained([experiment], [dataset]), 0)


@pytest.mark.parametrize("metric", ["validation_loss", "validation_matthews"])
def test_an_early_end_in_a_stack_is_the_early_end_alone(metric: str) -> None:
    dataset = make_dataset(validation=20)
    early, late = (
        make_experiment(
            seed=3,
            dataset__validation={"fraction": 0.2},
            training__epochs=12,
            training__early_stopping={
                "metric": metric,
                "patience": patience,
                "min_delta": 0.05,
            },
            training__scores=["roc_auc"] if patience == 1 else [],
        )
        for patience in (1, 12)
    )
    together = trained([late, early], [dataset] * 2)
    assert len(together.members[1].history) < len(together.members[0].history) == 12
    for number, experiment in enumerate((late, early)):
        assert_same_results(together, number, trained([experiment], [dataset]), 0)


@pytest.mark.parametrize(
    ("key", "watching"),
    [("training.early_stopping", {}), ("training.schedule", {"name": "reduce_on_plateau"})],
)
def test_a_training_cannot_watch_a_score_that_its_validation_split_has_none_of(
    key: str, watching: dict[str, Any]
) -> None:
    dataset = make_dataset(validation=2)
    experiment = make_experiment(
        dataset__validation={"fraction": 0.2},
        **{key.replace(".", "__"): {"metric": "validation_roc_auc", **watching}},
    )
    with pytest.raises(ConfigError) as caught:
        Training([experiment], [dataset])
    found = "validation_roc_auc is undefined: the validation split has no row of class "
    assert f"{key}.metric: {found}" in str(caught.value)
    assert "validation_balanced_accuracy" in str(caught.value)


def through_disk(training: Training) -> tuple[dict[str, Any], dict[str, Any], list[list[Row]]]:
    """A state and the histories, as files would give them back."""
    arrays, progress = training.state()
    histories = [copy.deepcopy(member.history) for member in training.members]
    return copy.deepcopy(arrays), json.loads(json.dumps(progress)), histories


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("stop_after", [0, 1, 3, 5, 6, 11])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        REGULARIZED | {"training__schedule": PLATEAU},
        {"training__weight_averaging": {"name": "swa", "start": 0.5}},
    ],
    ids=["plain", "regularized", "swa"],
)
def test_going_on_from_a_state_gives_the_bits_of_an_undisturbed_training(
    backend: str, optimizer: dict[str, Any], stop_after: int, changes: dict[str, Any]
) -> None:
    experiment = make_experiment(
        backend=backend,
        seed=5,
        dataset__validation={"fraction": 0.2},
        model__dropout=0.3,
        model__input_dropout=0.1,
        optimizer=optimizer,
        training__epochs=4,
        training__batch_size=16,
        training__early_stopping={"patience": 3},
        **{"training__schedule": "cosine"} | changes,
    )
    dataset = make_dataset(rows=70, validation=15)  # five steps an epoch, the last incomplete
    undisturbed = trained([experiment], [dataset])

    before = train_steps(Training([experiment], [dataset]), stop_after)
    after = Training([experiment], [dataset])
    after.load_state(*through_disk(before))
    assert (after.epoch, after.step) == divmod(stop_after, 5)
    train_to_the_end(before)  # a state is a copy: this must not change it
    train_to_the_end(after)
    assert_same_results(undisturbed, 0, after, 0)
    assert_same_results(undisturbed, 0, before, 0)
    assert same_arrays(undisturbed.backend.state(), after.backend.state())


@pytest.mark.parametrize("backend", BACKENDS)
def test_patience_that_is_partly_used_up_is_part_of_the_state(backend: str) -> None:
    experiment = make_experiment(
        backend=backend,
        dataset__validation={"fraction": 0.2},
        training__epochs=12,
        training__early_stopping={"patience": 3, "min_delta": 1000.0},
    )
    dataset = make_dataset(validation=15)
    undisturbed = trained([experiment], [dataset])
    assert len(undisturbed.members[0].history) == 4
    for epochs in range(4):
        before = Training([experiment], [dataset])
        for _ in range(epochs):
            before.run_epoch()
        after = Training([experiment], [dataset])
        after.load_state(*through_disk(before))
        assert_same_results(undisturbed, 0, train_to_the_end(after), 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stack_goes_on_from_its_state_with_the_same_bits(backend: str) -> None:
    dataset = make_dataset(rows=70, validation=15)
    experiments = [
        make_experiment(
            backend=backend,
            seed=seed,
            dataset__validation={"fraction": 0.2},
            model__dropout=0.3,
            optimizer=optimizer,
            training__epochs=3 + seed,
            training__batch_size=16,
            training__early_stopping={"patience": 1 + seed},
        )
        for seed, optimizer in enumerate([*OPTIMIZERS[:3], DIVERGING])
    ]
    undisturbed = trained(experiments, [dataset] * 4)
    for stop_after in (2, 5, 8, 13):
        before = train_steps(Training(experiments, [dataset] * 4), stop_after)
        after = Training(experiments, [dataset] * 4)
        after.load_state(*through_disk(before))
        train_to_the_end(after)
        for number in range(4):
            a, b = undisturbed.members[number], after.members[number]
            assert rows_without_seconds(a.history) == rows_without_seconds(b.history)
            assert (a.error, a.best_epoch) == (b.error, b.best_epoch)
        assert same_arrays(undisturbed.backend.state(), after.backend.state())


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_stands_still_between_two_steps_when_asked_to(backend: str) -> None:
    training = Training(
        [make_experiment(backend=backend, training__batch_size=10)], [make_dataset(rows=100)]
    )
    assert not training.run_epoch(lambda: True)
    assert (training.epoch, training.step) == (0, 1)
    assert training.members[0].history == []
    assert training.run_epoch(lambda: False)
    assert (training.epoch, training.step) == (1, 0)
    assert len(training.members[0].history) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_learning_takes_place(backend: str) -> None:
    experiment = make_experiment(
        backend=backend, training__epochs=30, optimizer={"name": "adam", "learning_rate": 0.01}
    )
    history = trained([experiment], [make_dataset(rows=300, test=100)]).members[0].history
    first, last = history[0], history[-1]
    assert first["train_loss"] is not None
    assert last["train_loss"] is not None
    assert last["test_accuracy"] is not None
    assert last["train_loss"] < 0.5 * first["train_loss"]
    assert last["test_accuracy"] > 0.8


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"training__batch_size": 1}, True),
        ({"training__batch_size": 59}, True),  # 60 rows
        ({"training__batch_size": 59, "training__drop_last": True}, False),
        ({"training__batch_size": 60}, False),
    ],
)
def test_batch_normalisation_refuses_a_batch_of_one_row(
    changes: dict[str, Any], refused: bool
) -> None:
    experiment = make_experiment(model__batch_normalization=True, **changes)
    if not refused:
        Training([experiment], [make_dataset(rows=60)]).run_epoch()
        return
    size = changes["training__batch_size"]
    with pytest.raises(ConfigError, match=f"training.batch_size: found {size}.*one of 60 rows"):
        Training([experiment], [make_dataset(rows=60)])


@settings(max_examples=in_full(8, 60), deadline=None)
@given(stacks(), st.data())
def test_those_that_are_left_when_others_leave_the_stack_have_the_bits_they_have_alone(
    stack: tuple[list[Experiment], list[Dataset]], data: st.DataObject
) -> None:
    experiments, datasets = stack
    training, ended = Training(experiments, datasets), dict[int, Member]()
    left, stopped = [*range(len(experiments))], set[int]()
    with threadpool_limits(1):
        while not training.finished:
            training.run_epoch()
            for place in data.draw(st.sets(st.sampled_from(range(len(left)))), "stopped"):
                training.stop(place)
                stopped.add(left[place])
            ended |= dict(zip(left, training.members, strict=True))
            left = [left[place] for place in training.leave_finished()]
            assert training.experiments == [experiments[number] for number in left]
    for number, member in ended.items():
        assert member.finished
        if number not in stopped or len(member.history) == experiments[number].training.epochs:
            alone = trained([experiments[number]], [datasets[number]]).members[0]
            assert rows_without_seconds(member.history) == rows_without_seconds(alone.history)
            assert same_arrays(member.weights or {}, alone.weights or {})


@pytest.mark.parametrize("backend", INSTALLED_BACKENDS)
def test_a_training_is_gone_with_the_last_that_refers_to_it(backend: str) -> None:
    changes = {
        "backend": backend,
        "dataset__validation": {"fraction": 0.2},
        "training__epochs": 4,
        "training__early_stopping": {"patience": 2},
        "training__inspect": True,
        "model__dropout": 0.2,
    }
    training = Training(
        [make_experiment(seed=seed, **changes) for seed in range(2)],
        [make_dataset(validation=10)] * 2,
    )
    members = training.members
    gc.disable()  # a device's memory is not to wait until garbage is collected
    try:
        training.run_epoch()
        training.stop(0)
        training.leave_finished()
        members += train_to_the_end(training).members
        left = weakref.ref(training), weakref.ref(training.backend)
        del training
        assert left[0]() is None
        assert left[1]() is None
    finally:
        gc.enable()
    assert all(member.weights for member in members)
