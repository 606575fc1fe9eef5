"""One fit: the same folds for all, and the network as `train` has it."""

from __future__ import annotations

import numpy as np
import pytest
from needs import needs_torch

from isolet_nn.baselines.contestants import CONTESTANTS, Contestant, choose
from isolet_nn.baselines.fits import Division, Task, carry_out, load_rows, make_data
from isolet_nn.baselines.learners import experiment_of
from isolet_nn.baselines.torch_loop import PlainLoop
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError
from isolet_nn.training.loop import Training

QUICK, FULL = Division(2, True, None), Division(5, False, None)
OTHERS = (
    "logistic-regression",
    "svm",
    "gradient-boosting",
    "mlp",
    pytest.param("pytorch", marks=needs_torch),
    "svm-adapted",
    "isolet-nn-small-adapted",
    "isolet-nn-adapted",
)


def contestant_of(name: str) -> Contestant:
    return choose([name], quick=True)[0]


@pytest.mark.parametrize("name", OTHERS)
def test_every_contestant_learns_more_than_chance(name: str) -> None:
    outcome = carry_out(Task(contestant_of(name), 0, 0), QUICK)
    assert outcome["rows"] == outcome["n"] == 312
    assert outcome["correct"] / outcome["n"] > 5 / 26
    assert "predicted" not in outcome, "answers are kept of the test set alone"


def test_all_contestants_see_the_same_rows_and_nobody_is_heard_twice() -> None:
    raw = load_rows(FULL)
    seen = []
    for fold in range(FULL.folds):
        of_all = [make_data(Task(one, 0, fold), FULL) for one in (CONTESTANTS[0], CONTESTANTS[-1])]
        first, other = (data.validation for data in of_all)
        assert first is not None
        assert other is not None
        np.testing.assert_array_equal(first.y, other.y)
        np.testing.assert_array_equal(first.groups, other.groups)
        assert first.groups is not None
        assert of_all[0].train.groups is not None
        held, trained = np.unique(first.groups), np.unique(of_all[0].train.groups)
        assert not np.intersect1d(held, trained).size
        seen += held.tolist()
    assert raw.groups is not None
    assert raw.test_rows is not None
    assert sorted(seen) == sorted({*raw.groups.tolist()} - {*raw.groups[raw.test_rows].tolist()})


def test_a_quick_run_hears_as_many_speakers_of_each_block() -> None:
    train = make_data(Task(CONTESTANTS[0], 0, None), QUICK).train
    assert train.groups is not None
    assert np.bincount(np.unique(train.groups) // 30).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("name", ["logistic-regression", "svm", "nearest-neighbours", "mlp"])
def test_what_is_compared_of_the_data_is_what_the_project_compared(name: str) -> None:
    (contestant,) = choose([name])
    n = len(contestant.candidates)
    scaled = [make_data(Task(contestant, setting, 0), FULL).train.x for setting in (0, n // 2)]
    np.testing.assert_allclose(scaled[0].std(axis=0), 1.0, rtol=1e-3)
    network = make_data(Task(contestant_of("isolet-nn"), 0, 0), FULL).train.x
    np.testing.assert_array_equal(scaled[1], network)


def test_the_network_has_the_accuracy_that_train_gives_it() -> None:
    network = contestant_of("isolet-nn")
    outcome = carry_out(Task(network, 0, 1, seed=0), QUICK)
    data = make_data(Task(network, 0, 1), QUICK)
    training = Training([experiment_of(network.settings(0))], [data])
    while not training.finished:
        training.run_epoch()
    row = training.members[0].final_row
    assert row is not None
    assert row["validation_accuracy"] == outcome["correct"] / outcome["n"]


def test_the_plain_loop_refuses_what_it_does_not_have() -> None:
    experiment = load_experiment("isolet-best", {"optimizer": "sgd"})
    with pytest.raises(ConfigError, match="the plain loop has ReLU"):
        PlainLoop(experiment, seed=0)
