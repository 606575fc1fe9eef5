"""Runs and sweeps that are killed and resumed: both trackers have everything, and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import isolet_nn
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.folder import SweepFolder
from tracking.servers import Server

BOTH = ["tensorboard", "mlflow"]
CHILD = """
import os, signal, sys, time
from pathlib import Path
from isolet_nn.api import sweep, train
from isolet_nn.runs.observers import Observer
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.tracking import sender
from isolet_nn.tracking.journal import Journal

sender._SHARE, sender._INTERVAL = 1e9, 0.02

def kill_myself(folder):
    until = time.monotonic() + 60.0  # until something was sent
    while time.monotonic() < until and not (
        (folder / "tracking.json").exists()
        and (noted := Journal(folder)).mlflow is not None
        and noted.mlflow.run is not None
        and noted.tensorboard is not None
    ):
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)

class InARun(Observer):
    def on_start(self, run, dataset, training):
        self.folder = run.path
    def on_epoch(self, training, row):
        if row["epoch"] == 7:
            kill_myself(self.folder)

class InASweep(SweepObserver):
    def on_start(self, folder, plan):
        self.folder = folder.path
    def on_results(self, results, cost):
        kill_myself(self.folder)

if __name__ == "__main__":  # which is not so in a worker
    kind, config, runs_dir = sys.argv[1:]
    both = ["tensorboard", "mlflow"]
    if kind == "run":
        train(config, runs_dir=runs_dir, observer=InARun(), track=both)
    else:
        sweep(config, runs_dir=runs_dir, workers=2, observer=InASweep(), track=both)
"""


def killed(kind: str, config: str, folder: Path, server: Server) -> Path:
    """The folder of a run or a sweep whose process was killed while it was tracked."""
    file, child = folder / "config.yaml", folder / "child.py"
    file.write_text(config, encoding="utf-8")
    child.write_text(CHILD, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(child), kind, str(file), str(folder / "runs")],
        env=os.environ | {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": kind},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    (made,) = (folder / "runs").iterdir()
    return made


def single(value: float | None) -> float:
    """A number as TensorBoard keeps it: in single precision."""
    assert value is not None
    return float(np.float32(value))


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard reads in the one file of a folder."""
    (file,) = (path for path in folder.iterdir() if path.is_file())
    assert "tfevents" in file.name
    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_a_run_that_was_killed_and_resumed_is_tracked_without_gap_and_duplicate(
    server: Server, tmp_path: Path
) -> None:
    config = """
        dataset: {name: iris, validation: {fraction: 0.2}}
        training: {epochs: 12, evaluate_every: 2}
    """
    folder = killed("run", config, tmp_path, server)
    isolet_nn.resume(folder)  # from the beginning, as there was no checkpoint yet
    run = Run.open(folder)
    assert run.summary["status"] == "completed"

    (tracked,) = server.runs("run")
    assert (tracked.name, tracked.status) == (folder.name, "FINISHED")
    assert tracked.parameters["optimizer.learning_rate"] == "0.001"
    assert tracked.parameters["dataset.validation.fraction"] == "0.2"
    read = scalars(folder / "tensorboard")
    for name in ("train_loss", "test_accuracy", "validation_loss"):
        rows: list[tuple[int, Any]] = [
            (n, row[name]) for n, row in enumerate(run.history(), 1) if row[name] is not None
        ]
        assert len(rows) == (12 if name == "train_loss" else 6)
        assert server.history(tracked, name) == rows
        assert read[name] == [(n, single(value)) for n, value in rows]
    for name, value in run.summary["metrics"].items():
        assert tracked.metrics[f"final/{name}"] == value
        assert read[f"final/{name}"] == [(12, single(value))]
    files = server.files(tracked)
    assert {"config.yaml", "metrics.csv", "model.safetensors"} <= files
    assert "plots/confusion_matrix.png" in files
    assert not {"tracking.json", "checkpoint.safetensors", ".lock"} & files
    assert not any(file.startswith("tensorboard") for file in files)


def test_a_sweep_of_two_workers_that_was_killed_and_resumed_is_tracked_trial_by_trial(
    server: Server, tmp_path: Path
) -> None:
    config = """
        experiment:
          dataset: {name: iris, validation: {fraction: 0.2}}
          training: {epochs: 4}
        grid: {optimizer.learning_rate: [0.001, 0.1], model.hidden_layers: [[4], [8]]}
    """
    folder = killed("sweep", config, tmp_path, server)
    assert 0 < SweepFolder.open(folder).count("completed") < 4
    isolet_nn.resume_sweep(folder, workers=2)
    sweep = SweepFolder.open(folder)
    assert sweep.count("completed") == 4

    whole, *trials = server.runs("sweep")
    assert (whole.name, whole.status) == (folder.name, "FINISHED")
    assert [run.name for run in trials] == [f"trial {n}" for n in range(4)]
    assert whole.metrics["final/completed"] == 4.0
    assert whole.parameters["varied.optimizer.learning_rate"] == "[0.001, 0.1]"
    assert {"sweep.yaml", "trials.csv", "settings.csv"} <= server.files(whole)
    for n, tracked in enumerate(trials):
        assert tracked.status == "FINISHED"
        assert tracked.tags["mlflow.parentRunId"] == whole.identity
        assert tracked.parameters["optimizer.learning_rate"] == ("0.001" if n < 2 else "0.1")
        assert tracked.parameters["seed"] == "0"
        read = scalars(folder / "tensorboard" / f"trial-{n}")
        for name in ("test_accuracy", "validation_loss"):
            value = float(sweep.results.metric(name)[n])
            assert tracked.metrics[f"final/{name}"] == value
            assert read[f"final/{name}"] == [(4, single(value))]
        losses = server.history(tracked, "train_loss")
        assert [step for step, _ in losses] == [1, 2, 3, 4]
        assert read["train_loss"] == [(step, single(value)) for step, value in losses]


def test_a_torn_event_is_cut_off_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"dataset": {"name": "iris"}, "training": {"epochs": 5}, "tracking": ["tensorboard"]}
    experiment = isolet_nn.load_experiment(config)
    asked = iter([*[False] * 4, *[True] * 100])
    run = isolet_nn.train(experiment, runs_dir=tmp_path, should_stop=lambda: next(asked))
    (file,) = (run.path / "tensorboard").iterdir()
    assert len(scalars(run.path / "tensorboard")["train_loss"]) > 0
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - 7)
    isolet_nn.resume(run.path)
    losses = [row["train_loss"] for row in run.history()]
    assert scalars(run.path / "tensorboard")["train_loss"] == [
        (n, single(loss)) for n, loss in enumerate(losses, 1)
    ]
