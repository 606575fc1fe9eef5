"""One experiment watches itself: its best epoch, its patience, and how it ends."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from builders import (
    make_dataset,
    make_experiment,
    rows_without_seconds,
    same_arrays,
    train_to_the_end,
    trained,
)
from threadpoolctl import threadpool_limits

from isolet_nn.training.epoch import Epoch
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row

# Early stopping is tried on curves written down here, which stand in for the evaluation.

Curve = list[float]


def stopped(
    metric: str, curve: Curve, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[Training, list[dict[str, Any]]]:
    """A training whose validation metric follows a curve, and its weights after each epoch."""
    experiment = make_experiment(
        dataset__validation={"fraction": 0.2},
        training__epochs=len(curve),
        training__early_stopping={"metric": metric, **options},
        training__evaluate_every=1,
    )
    training = Training([experiment], [make_dataset(validation=10)])
    evaluate = training._evaluate
    after: list[dict[str, Any]] = []

    def following_the_curve() -> list[Row]:
        rows = evaluate()
        rows[0][metric] = curve[training.epoch]
        after.append(copy.deepcopy(training.backend.weights(0)))
        return rows

    monkeypatch.setattr(training, "_evaluate", following_the_curve)
    return train_to_the_end(training), after


@pytest.mark.parametrize(
    ("metric", "curve", "options", "epochs", "best"),
    [
        ("validation_loss", [3.0, 2.0, 2.5, 2.4, 1.0], {"patience": 2}, 4, 2),
        ("validation_loss", [3.0, 2.0, 2.5, 1.9, 2.0, 2.0], {"patience": 2}, 6, 4),
        ("validation_loss", [3.0, 2.0, 2.0, 2.0, 1.0], {"patience": 2}, 4, 2),
        ("validation_loss", [3.0, 2.9, 2.8, 2.75, 2.0], {"patience": 3, "min_delta": 0.5}, 4, 1),
        ("validation_loss", [3.0, 2.0, 1.0, 0.5], {"patience": 1}, 4, 4),
        ("validation_accuracy", [0.5, 0.9, 0.8, 0.9, 1.0], {"patience": 2}, 4, 2),
        ("validation_accuracy", [0.5, 0.4, 0.6, 0.5, 0.7], {"patience": 2}, 5, 5),
        ("validation_accuracy", [0.5, 0.54, 0.58], {"patience": 2, "min_delta": 0.1}, 3, 1),
        ("validation_loss", [math.nan, 2.0, 2.5, 2.5, 0.0], {"patience": 2}, 4, 2),
    ],
)
@pytest.mark.parametrize("restore_best", [True, False])
def test_training_stops_when_patience_is_used_up(
    metric: str,
    curve: Curve,
    options: dict[str, Any],
    epochs: int,
    best: int,
    restore_best: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training, after = stopped(metric, curve, monkeypatch, restore_best=restore_best, **options)
    (member,) = training.members
    assert len(member.history) == epochs
    assert member.best_epoch == best
    chosen = best if restore_best else epochs
    assert member.weights is not None
    assert same_arrays(member.weights, after[chosen - 1])
    assert training.members[0].final_row == member.history[chosen - 1]


@pytest.mark.parametrize("metric", ["validation_loss", "validation_accuracy"])
def test_an_evaluation_that_is_not_finite_is_one_without_improvement(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    curve = [0.5, math.nan, math.nan, 0.5, 0.5]
    training, after = stopped(metric, curve, monkeypatch, patience=2)
    (member,) = training.members
    assert (len(member.history), member.best_epoch, member.error) == (3, 1, None)
    assert member.weights is not None
    assert same_arrays(member.weights, after[0])
    assert training.members[0].final_row == member.history[0]


def test_without_restored_weights_an_early_end_on_a_loss_that_is_not_finite_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    curve = [0.5, math.nan, math.nan, 0.5]
    training, _ = stopped("validation_loss", curve, monkeypatch, patience=2, restore_best=False)
    (member,) = training.members
    assert member.error is not None
    assert "after epoch 3 the validation loss is nan" in member.error
    assert member.weights is None


def test_a_training_of_which_no_evaluation_is_finite_has_failed_once_patience_is_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training, _ = stopped("validation_loss", [math.inf] * 9, monkeypatch, patience=3)
    (member,) = training.members
    assert (training.epoch, member.best_epoch) == (3, None)
    assert member.error is not None
    assert "after epoch 3 the validation loss is inf" in member.error


@pytest.mark.parametrize(("bad_epoch", "fails"), [(2, True), (1, False), (3, False)])
def test_it_is_the_restored_epochs_test_loss_that_has_to_be_finite(
    bad_epoch: int, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = make_experiment(
        dataset__validation={"fraction": 0.2},
        training__epochs=3,
        training__early_stopping={"patience": 5},
    )
    training = Training([experiment], [make_dataset(validation=10)])
    evaluate = training._evaluate

    def with_one_bad_epoch() -> list[Row]:
        rows = evaluate()
        rows[0]["validation_loss"] = abs(1.0 - training.epoch)  # lowest in epoch 2
        if training.epoch + 1 == bad_epoch:
            rows[0] |= {"test_loss": math.nan, "test_accuracy": math.nan}
        return rows

    monkeypatch.setattr(training, "_evaluate", with_one_bad_epoch)
    (member,) = train_to_the_end(training).members
    assert member.best_epoch == 2
    assert (member.error is not None, member.weights is None) == (fails, fails)


@pytest.mark.parametrize("restore_best", [True, False])
def test_a_member_that_is_stopped_ends_as_with_fewer_epochs_and_its_neighbours_go_on_as_without_it(
    restore_best: bool,
) -> None:
    changes = {
        "dataset__validation": {"fraction": 0.2},
        "training__early_stopping": {"patience": 9, "restore_best": restore_best},
    }
    experiments = [make_experiment(training__epochs=6, seed=seed, **changes) for seed in range(3)]
    data = make_dataset(validation=10)
    training = Training(experiments, [data] * 3)
    with threadpool_limits(1):
        training.stop(1)  # before the first epoch there is nothing to end with
        for _ in range(3):
            training.run_epoch()
        training.stop(1)
        training.stop(1)
    stopped = train_to_the_end(training).members[1]
    shorter = make_experiment(training__epochs=3, seed=1, **changes)
    alone = [trained([shorter], [data])] + [trained([experiments[n]], [data]) for n in (0, 2)]
    for member, expected in zip((stopped, *training.members[::2]), alone, strict=True):
        (other,) = expected.members
        assert (member.finished, member.error) == (True, None)
        assert rows_without_seconds(member.history) == rows_without_seconds(other.history)
        assert member.weights is not None
        assert same_arrays(member.weights, other.weights or {})


def test_a_member_that_is_stopped_with_weights_that_are_worthless_has_failed() -> None:
    experiment = make_experiment(training__epochs=5, training__evaluate_every=5)
    training = Training([experiment], [make_dataset()])
    training.run_epoch()
    training.load_weights(0, {k: w * np.nan for k, w in training.weights(0).items()})
    training.stop(0)
    assert training.members[0].error is not None
    assert "weights are no longer finite" in training.members[0].error
    assert training.members[0].weights is None


def test_patience_counts_evaluated_epochs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = make_experiment(
        dataset__validation={"fraction": 0.2},
        training__epochs=20,
        training__evaluate_every=3,
        training__early_stopping={"patience": 2, "min_delta": 1000.0},
    )
    training = trained([experiment], [make_dataset(validation=10)])
    assert len(training.members[0].history) == 9
    assert training.members[0].best_epoch == 3


def test_without_early_stopping_the_best_epoch_is_that_of_the_lowest_validation_loss() -> None:
    training = trained([make_experiment(training__epochs=6)], [make_dataset(validation=15)])
    losses = [row["validation_loss"] for row in training.members[0].history]
    assert None not in losses
    assert training.members[0].best_epoch == 1 + int(np.argmin(np.array(losses, float)))
    assert training.members[0].best_weights is None


def test_there_is_no_best_epoch_without_validation() -> None:
    assert trained([make_experiment()], [make_dataset()]).members[0].best_epoch is None


def rates_of(
    metric: str, curve: Curve, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> list[float]:
    """The learning rate at the end of each epoch, where a metric follows a curve."""
    schedule = {"name": "reduce_on_plateau", "metric": metric, "factor": 0.5, "patience": 1}
    experiment = make_experiment(
        dataset__validation={"fraction": 0.2},
        optimizer={"name": "sgd", "learning_rate": 8.0},
        training__epochs=len(curve),
        training__schedule=schedule,
        **changes,
    )
    training = Training([experiment], [make_dataset(validation=10)])
    evaluate, begin_epoch = training._evaluate, training.backend.begin_epoch
    rates: list[float] = []

    def following_the_curve() -> list[Row]:
        rows = evaluate()
        if rows[0][metric] is not None:
            rows[0] |= {"train_loss": 1.0, metric: curve[training.epoch]}
        return rows

    def noting_the_rate(epoch: Epoch) -> None:
        rates.append(float(epoch.learning_rates[-1, 0]))
        begin_epoch(epoch)

    monkeypatch.setattr(training, "_evaluate", following_the_curve)
    monkeypatch.setattr(training.backend, "begin_epoch", noting_the_rate)
    train_to_the_end(training)
    return rates


@pytest.mark.parametrize(
    ("metric", "curve", "changes", "rates"),
    [
        ("validation_loss", [3.0, 2.0, 1.0, 0.5, 0.2], {}, [8, 8, 8, 8, 8]),
        ("validation_loss", [3.0, 3.0, 3.0, 3.0, 3.0, 3.0], {}, [8, 8, 8, 4, 4, 2]),
        ("validation_loss", [3.0, math.nan, 3.0, 2.0, 2.5], {}, [8, 8, 8, 4, 4]),
        ("validation_accuracy", [0.5, 0.6, 0.5, 0.6, 0.6], {}, [8, 8, 8, 8, 4]),
        ("validation_macro_f1", [0.5, 0.4, 0.4, 0.6], {}, [8, 8, 8, 4]),
        ("validation_loss", [3.0] * 8, {"training__evaluate_every": 2}, [8] * 6 + [4] * 2),
    ],
)
def test_the_rate_falls_in_the_epoch_after_patience_is_used_up(
    metric: str,
    curve: Curve,
    changes: dict[str, Any],
    rates: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert rates_of(metric, curve, monkeypatch, **changes) == rates


def test_an_evaluation_that_others_ask_for_lowers_no_rate() -> None:
    experiment = make_experiment(
        dataset__validation={"fraction": 0.2},
        training__epochs=8,
        training__evaluate_every=3,
        training__schedule={"name": "reduce_on_plateau", "patience": 0, "threshold": 1e6},
    )
    dataset = make_dataset(validation=10)
    alone = trained([experiment], [dataset])
    watched = train_to_the_end(Training([experiment], [dataset], [1, 2, 3, 4, 5, 6, 8]))
    assert alone.members[0].rate_factor == watched.members[0].rate_factor == pytest.approx(0.1)
    assert same_arrays(alone.weights(0), watched.weights(0))
