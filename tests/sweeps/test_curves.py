"""The curves of a sweep's trials: those of `train`, once each, whatever happened to the sweep."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isolet_nn.errors import RunError
from isolet_nn.runs.execution import train
from isolet_nn.sweeps.curves import (
    CURVES,
    Curves,
    curve_text,
    keep_curves,
    metrics_measured,
    read_curve,
)
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from isolet_nn.training.progress import Row
from sweeps.helpers import InlineWorkers, iris_sweep, stop_after

VALIDATED = {"set": {"dataset.validation": {"fraction": 0.2}, "training.evaluate_every": 2}}
SEVERAL: dict[str, Any] = {
    "grid": {"training.epochs": [1, 3, 4], "optimizer.learning_rate": [0.1, 0.01]},
    "seeds": 2,
    **VALIDATED,
}


def swept(tmp_path: Path, **keys: Any) -> SweepFolder:
    return sweep(iris_sweep(**keys), runs_dir=tmp_path, make_workers=InlineWorkers)


def curves_of(folder: SweepFolder) -> list[dict[str, str]]:
    """The table without times, trial by trial."""
    with (folder.path / CURVES).open(encoding="utf-8", newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: (int(row["trial"]), int(row["epoch"])))


def without_seconds(rows: list[Row]) -> list[Row]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_a_full_curve_is_that_of_the_trial_alone_to_the_last_bit(tmp_path: Path) -> None:
    folder = swept(tmp_path, **SEVERAL, save_curves="full")
    for trial in (0, 6, 11):  # of one, of three, of four epochs
        alone = train(folder.trial_table.make_experiment(trial), runs_dir=tmp_path).history()
        curve = metrics_measured(read_curve(folder.path / CURVES, trial))
        assert without_seconds(curve) == without_seconds(alone)


def test_a_curve_has_the_training_of_each_epoch_and_all_metrics_of_the_last(
    tmp_path: Path,
) -> None:
    full = swept(tmp_path, **SEVERAL, save_curves="full")
    usual = swept(tmp_path, **SEVERAL)
    for trial in range(len(usual.trial_table)):
        rows = read_curve(usual.path / CURVES, trial)
        of_full = read_curve(full.path / CURVES, trial)
        assert [row["train_loss"] for row in rows] == [row["train_loss"] for row in of_full]
        assert without_seconds(rows[-1:]) == without_seconds(of_full[-1:])
        assert {row["validation_loss"] for row in rows[:-1]} <= {None}


def test_a_sweep_keeps_no_curves_where_none_are_wanted(tmp_path: Path) -> None:
    folder = swept(tmp_path, seeds=2, save_curves="none")
    assert not (folder.path / CURVES).exists()
    assert read_curve(folder.path / CURVES, 0) == []


@pytest.mark.parametrize("stop", [1, 2])
def test_a_stopped_sweep_ends_with_the_curves_of_an_undisturbed_one(
    tmp_path: Path, stop: int
) -> None:
    config = iris_sweep(**SEVERAL)
    folder = sweep(
        config,
        runs_dir=tmp_path,
        workers=1,
        make_workers=InlineWorkers,
        should_stop=stop_after(stop),
    )
    # What a crash may leave: a curve without a line in the journal, torn in the middle.
    pending = int(folder.results.trials_with("pending")[-1])
    with (folder.path / CURVES).open("a", encoding="utf-8") as file:
        file.write(f"{pending},1,0.5,0.5,,,,,0.1\n{pending},2,0.")
    resume_sweep(folder.path, make_workers=InlineWorkers)
    assert curves_of(folder) == curves_of(swept(tmp_path, **SEVERAL))


def test_a_failed_trial_keeps_its_curve_and_a_second_try_replaces_it(tmp_path: Path) -> None:
    exploding = {"name": "sgd", "learning_rate": 10.0, "weight_decay": 1.0}
    grid = {"optimizer": [exploding, {"name": "sgd"}]}
    folder = swept(tmp_path, grid=grid, set={"training.epochs": 20})
    assert folder.summary["failed"] == 1
    before = curves_of(folder)
    assert 0 < Counter(row["trial"] for row in before)["0"] < 20
    resume_sweep(folder.path, make_workers=InlineWorkers, retry_failed=True)
    assert curves_of(folder) == before


def row(epoch: int) -> Row:
    return {"epoch": epoch, "train_loss": 0.5, "train_accuracy": 0.25, "seconds": 1.0}


def test_rows_of_trials_that_have_not_ended_are_taken_out_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / CURVES
    curves = Curves(path)
    for trial in (3, 1, 12):
        curves.append([curve_text(trial, [row(1), row(2)], lambda _: True)])
    curves.close()
    ended = np.zeros(13, bool)
    ended[[3, 12]] = True
    keep_curves(path, ended)
    assert [len(read_curve(path, trial)) for trial in (1, 2, 3, 12)] == [0, 0, 2, 2]
    before = path.stat()
    keep_curves(path, ended)
    assert path.stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch,loss\n", "another version"),
        ("{header}0,2,0.5,0.5,,,,,,,,,,,,,,,1.0\n", "found epoch 2 where 1"),
        ("{header}0,1,0.5,half,,,,,,,,,,,,,,,1.0\n", "train_accuracy: found 'half'"),
        ("{header}0,1\n", "expected 18 cells"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / CURVES
    Curves(path).close()
    path.write_text(content.format(header=path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(RunError, match=message):
        read_curve(path, 0)


@pytest.mark.parametrize("trial", ["x", "99", "-1", ""])
def test_a_resume_refuses_rows_of_no_trial(tmp_path: Path, trial: str) -> None:
    path = tmp_path / CURVES
    curves = Curves(path)
    curves.append([f"{trial},1,0.5,0.5,,,,,1.0\n"])
    curves.close()
    with pytest.raises(RunError, match="damaged: found trial"):
        keep_curves(path, np.ones(5, bool))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / CURVES
    os.mkfifo(path)
    with pytest.raises(RunError, match="it is a named pipe, not a file"):
        keep_curves(path, np.ones(5, bool))
    with pytest.raises(RunError, match="it is a named pipe, not a file"):
        read_curve(path, 0)
