"""What is printed of a sweep: numbers and the nouns behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolet_nn import sweep
from isolet_nn.errors import counted
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.staff import Staff
from isolet_nn.sweeps.sweep import plan_of
from isolet_nn.terminal.sweeps import SweepProgress, print_plan, print_sweep
from isolet_nn.terminal.words import percent

SWEEP = {
    "experiment": {
        "dataset": {"name": "iris"},
        "model": {"hidden_layers": [2]},
        "training": {"epochs": 1},
    }
}


def test_a_noun_is_in_the_singular_behind_one_only() -> None:
    assert [counted(n, "trial") for n in range(3)] == ["0 trials", "1 trial", "2 trials"]
    plurals = ["2 classes", "2 epochs", "2 test rows", "2 interleaved rounds", "2 hidden layers"]
    nouns = ["class", "epoch", "test row", "interleaved round", "hidden layer"]
    assert [counted(2, noun) for noun in nouns] == plurals


def test_a_plan_of_one_trial_is_in_the_singular(capsys: pytest.CaptureFixture[str]) -> None:
    plan, trials, staff = plan_of(load_sweep(SWEEP), 1)
    plan.notes["read alone"] = 1
    print_plan(plan, trials, staff)
    printed = capsys.readouterr().out
    assert "1 trial, 1 of them to be done\n1 training in 1 cohort for 1 worker\n" in printed
    assert "with 1 worker\n" in printed
    assert "1 trial read alone" in printed


def test_a_plan_names_the_gpus_and_their_memory(capsys: pytest.CaptureFixture[str]) -> None:
    plan, trials, _ = plan_of(load_sweep(SWEEP), 1)
    print_plan(plan, trials, Staff(2, ("cuda:0", "cuda:1"), 80 * 10**9))
    printed = capsys.readouterr().out
    assert "for 2 workers on cuda:0, cuda:1 (80 GB at least)\n" in printed
    assert " of one GPU, " in printed


def test_progress_and_results_of_one_trial_are_in_the_singular(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sweep(
        load_sweep(SWEEP), runs_dir=tmp_path, workers=1, observer=SweepProgress(verbose=False)
    )
    print_sweep(folder)
    printed = capsys.readouterr()
    assert ": 1 trial in 1 training, 1 cohort\n" in printed.err
    assert "1/1 trial  " in printed.err
    assert "1 trial: 1 completed, 0 failed, 0 pending" in printed.out


def test_verbose_progress_says_the_score_of_each_trial_that_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sweep(
        load_sweep({**SWEEP, "seeds": 2}),
        runs_dir=tmp_path,
        workers=1,
        observer=SweepProgress(verbose=True),
    )
    printed = capsys.readouterr().err
    for trial, share in enumerate(folder.results.metric(folder.metric)):
        assert f"trial {trial} {percent(float(share))}" in printed
    assert "ended (test accuracy): trial 0 " in printed
