"""`isolet-nn train --find-learning-rate`: what it prints and leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from cli.helpers import Command
from isolet_nn.results.listing import list_runs
from isolet_nn.runs import learning_rates
from isolet_nn.training.range_test import Outcome, RangeTest


def test_a_rate_is_suggested_with_the_setting_that_takes_it(nn: Command) -> None:
    found = nn("train", "quickstart", "--find-learning-rate", "--name", "mine")
    assert found.code == 0
    suggested, setting, picture, path = found.out.splitlines()
    option = setting.removeprefix("take it with: ").split()
    assert suggested.startswith("learning rate 0.00")
    assert Path(picture.removeprefix("picture: ")).stat().st_size > 10_000
    summary = json.loads((Path(path) / "range_test.json").read_text())
    assert option == ["--set", f"optimizer.learning_rate={summary['suggestion']:g}"]
    assert (summary["outcome"], summary["diverged"]) == ("found", True)
    table = (Path(path) / "learning_rates.csv").read_text().splitlines()
    rows = list(csv.DictReader(table))
    assert (len(rows), float(rows[0]["learning_rate"])) == (summary["steps"], summary["lowest"])
    assert list_runs() == [], "it is no run"
    refused = nn("eval", Path(path)).refusal()
    assert "is a learning-rate range test, not a run" in refused
    again = nn("train", Path(path) / "experiment.yaml", "--find-learning-rate", "--json")
    assert json.loads(again.out)["suggestion"] == summary["suggestion"]
    quick = nn("train", "quickstart", "--epochs", "1", *option, "-q")
    assert quick.run.experiment.optimizer.learning_rate == summary["suggestion"]


@pytest.mark.parametrize(
    ("outcome", "message"),
    [("diverged at once", "within 3 steps, before"), ("never fell", "never fell by a twentieth")],
)
def test_where_nothing_can_be_said_it_fails_and_says_why(
    nn: Command, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, message: str
) -> None:
    measured = RangeTest(
        (1e-6, 1e-5, 1e-4), (1.0, 2.0, float("nan")), (1.0, 2.0, float("nan")), None, outcome, True
    )
    monkeypatch.setattr(learning_rates, "range_test", lambda *_, **__: measured)
    failed = nn("train", "quickstart", "--find-learning-rate")
    assert failed.code == 1
    assert message in failed.err
    said = nn("train", "quickstart", "--find-learning-rate", "--json")
    assert (said.code, json.loads(said.out)["suggestion"]) == (1, None)


def test_interrupted_it_leaves_nothing(nn: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = RangeTest((), (), (), None, "interrupted", False)
    monkeypatch.setattr(learning_rates, "range_test", lambda *_, **__: stopped)
    ended = nn("train", "quickstart", "--find-learning-rate")
    assert (ended.code, ended.out) == (130, "")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json",), "--json goes with --find-learning-rate"),
        (("--find-learning-rate", "--resume", "runs/x"), "is for a config: drop --resume"),
        (("--find-learning-rate", "--format", "csv", "--force"), "drop --force, --format"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    nn: Command, arguments: tuple[str, ...], message: str
) -> None:
    assert message in nn("train", "quickstart", *arguments).refusal()
