"""The estimators' comparison: that the work is the same and the arithmetic honest."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from needs import BACKENDS
from typer.testing import CliRunner

from isolet_nn.benchmarks import estimator
from isolet_nn.benchmarks.console import print_estimator_times
from isolet_nn.benchmarks.estimator import (
    EstimatorTimes,
    Fit,
    Task,
    carry_out,
    compare_estimators,
    load_table,
    summarize,
)
from isolet_nn.benchmarks.worker import in_own_process
from isolet_nn.cli.app import app
from isolet_nn.errors import ConfigError, IsoletNNError


def fit(seconds: float, peak: float) -> Fit:
    return Fit(seconds, 0.1, 0.9, peak, 1.0)


@pytest.mark.parametrize("name", ["MLPClassifier", *BACKENDS])
def test_a_contestant_learns_and_says_what_its_training_took(
    name: estimator.Name, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimator, "peak_memory_bytes", iter([2**20, 3 * 2**20]).__next__)
    for part, split in zip(("train", "test"), load_table("digits", None), strict=True):
        np.save(tmp_path / f"{part}.x.npy", split.x)
        np.save(tmp_path / f"{part}.y.npy", split.y)
    found = carry_out((Task(name, "digits", 20), tmp_path))
    assert found.seconds > 0.0 < found.predict_seconds
    assert found.accuracy > 0.9
    assert (found.peak_megabytes, found.own_megabytes) == (3.0, 2.0)


def test_ratios_are_medians_within_rounds() -> None:
    theirs, ours = Task("MLPClassifier", "made", 1), Task("numpy", "made", 1)
    first, second = summarize(
        {
            theirs: [fit(1.0, 10.0), fit(2.0, 10.0), fit(10.0, 10.0)],
            ours: [fit(1.0, 5.0), fit(1.0, 5.0), fit(1.0, 20.0)],
        }
    )
    assert (first.median.seconds, first.time_ratio, first.memory_ratio) == (2.0, 1.0, 1.0)
    assert (second.median.seconds, second.time_ratio, second.memory_ratio) == (1.0, 0.5, 0.5)


def test_everything_measured_is_in_the_folder_and_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estimator, "in_own_process", lambda name, function, what: fit(1.0, 9.0))
    told: list[Task] = []
    times = compare_estimators(
        ["digits"], rounds=2, runs_dir=tmp_path, on_fit=lambda task, _: told.append(task)
    )
    with (times.path / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [task.name for task in told]
    assert {row["table"] for row in rows} == {"digits"}
    results = json.loads((times.path / "results.json").read_text(encoding="utf-8"))["results"]
    assert [result["time_ratio"] for result in results] == [1.0] * len(times.results)
    print_estimator_times(times)
    printed = capsys.readouterr().out
    assert "MLPClassifier" in printed
    assert printed.splitlines()[-1] == str(times.path)


def test_the_command_passes_on_what_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"cpu": "c", "cores": 1, "platform": "p", "python": "3", "packages": {}}

    def take(tables: list[str], **options: object) -> EstimatorTimes:
        assert tables == ["made", "digits"]
        assert (options["rounds"], options["epochs"]) == (2, 7)
        return EstimatorTimes(tmp_path, environment, 2, [])

    monkeypatch.setattr(estimator, "compare_estimators", take)
    options = ["--dataset", "made", "--dataset", "digits", "--rounds", "2", "--epochs", "7"]
    result = CliRunner().invoke(app, ["bench", "estimator", *options])
    assert result.exit_code == 0, result.output


def test_an_unknown_table_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"found 'digit'; allowed: .*; did you mean digits\?"):
        compare_estimators(["digit"], runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_process_that_fails_says_who_and_why() -> None:
    with pytest.raises(IsoletNNError, match="somebody: FileNotFoundError"):
        in_own_process("somebody", os.listdir, "nowhere")


def test_a_process_of_its_own_returns_what_the_function_does() -> None:
    assert in_own_process("abs", abs, -7) == 7


def test_a_process_that_dies_says_so() -> None:
    with pytest.raises(IsoletNNError, match="gone: the process has died"):
        in_own_process("gone", os._exit, 3)
