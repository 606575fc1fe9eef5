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
from isolet_nn.errors import ConfigError, IsoletNNError

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
        asked.append((name, *rows, options["small"]))
        if rows == ["thousand"]:
            raise IsoletNNError("thousand, stacks: the process has died")
        timed = device.Timed(1.0, 0.5, 2, 4, 0.9)
        return device.DeviceTimes(tmp_path, name, {}, {rows[0]: {"loop": timed}})

    monkeypatch.setattr(measure, "time_device", time_device)
    monkeypatch.setattr(measure, "run_tests", lambda: {"exit_code": 1, "said": ["1 failed"]})
    arguments = ["--out", str(tmp_path), "--device", "cpu"]
    assert measure.main([*arguments, "--small"]) == 1
    assert asked == [("cpu", row, True) for row in device.ROWS]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert {row: found["loop"]["for_all"] for row, found in report["rows"].items()} == {
        row: 1.0 for row in device.ROWS if row != "thousand"
    }
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Tests: 1 failed" in text
    assert "thousand failed: thousand, stacks: the process has died" in text
    assert measure.main([*arguments, "--no-tests", "--row", "figure5"]) == 0


def test_the_script_for_gpus_runs_nothing_where_there_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(measure, "run_tests", lambda: pytest.fail("no tests"))
    assert measure.main(["--out", str(tmp_path / "out")]) == 2
    assert "error: device: PyTorch sees no cuda on this machine" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_where_jax_fails_it_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def in_own_process(name: str, do: Any, work: device.Work) -> device.Timed:
        if name.endswith("jax"):
            raise IsoletNNError(f"{name}: out of memory")
        return device.Timed(1.0, 0.5, 4, 4, 0.9)

    monkeypatch.setattr(device, "in_own_process", in_own_process)
    monkeypatch.setattr(device, "has_jax", lambda: True)
    times = device.time_device("cpu", ["thousand"], runs_dir=tmp_path, say=said.append)
    assert [*times.rows["thousand"]] == ["stacks", "loop"]
    assert said[-1] == "jax is left out: thousand, jax: out of memory"
