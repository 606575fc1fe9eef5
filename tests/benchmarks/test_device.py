"""Timings on a device, and the script for GPUs, as far as a processor shows that they work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gpu import measure
from needs import needs_torch

from isolet_nn.benchmarks import device
from isolet_nn.benchmarks.console import print_device_times
from isolet_nn.errors import ConfigError

pytestmark = needs_torch


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no process for each contestant, which would load PyTorch again."""
    monkeypatch.setattr(device, "in_own_process", lambda name, do, argument: do(argument))
    monkeypatch.setattr(device, "has_jax", lambda: False)


def test_stacks_and_the_loop_train_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    times = device.time_device(
        "cpu", ["thousand"], small=True, rounds=1, runs_dir=tmp_path, say=said.append
    )
    stacks, loop = times.rows["thousand"]["stacks"], times.rows["thousand"]["loop"]
    assert (stacks.done, stacks.trainings) == (loop.done, loop.trainings) == (4, 4)
    assert abs(stacks.accuracy - loop.accuracy) < 0.1
    assert said[0] == "jax is left out: it is not installed"
    print_device_times(times)
    assert "thousand" in capsys.readouterr().out


def test_a_part_that_was_trained_stands_for_all() -> None:
    timed = device.Timed(first=9.0, seconds=2.0, done=10, trainings=90, accuracy=0.5)
    assert timed.for_all == 18.0


def test_a_row_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--row: found 'thousands'.*thousand"):
        device.time_device("cpu", ["thousands"], runs_dir=tmp_path)


def test_the_script_for_gpus_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def time_device(name: str, rows: Any, **options: Any) -> device.DeviceTimes:
        asked.append((name, rows, options["small"]))
        timed = device.Timed(1.0, 0.5, 2, 4, 0.9)
        environment = {"device": "X", "python": "3", "packages": {"torch": "2", "jax": None}}
        return device.DeviceTimes(tmp_path, name, environment, {"figure5": {"loop": timed}})

    monkeypatch.setattr(measure, "time_device", time_device)
    monkeypatch.setattr(measure, "run_tests", lambda: {"exit_code": 1, "said": ["1 failed"]})
    assert measure.main(["--out", str(tmp_path), "--device", "cpu", "--small"]) == 1
    assert asked == [("cpu", (), True)]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["rows"] == {"figure5": {"loop": 1.0}}
    assert "Tests: 1 failed" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert measure.main(["--out", str(tmp_path), "--device", "cpu", "--no-tests"]) == 0
