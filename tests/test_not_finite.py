"""Answers that are no finite numbers never count, whatever class an argmax finds among them.

The data is the worst case: one class has 80 % of the rows, and it is the first, which is what
`argmax` says of logits that are all NaN. The training is one step, whose loss is finite.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import BACKENDS
from sweeps.helpers import InlineWorkers, read_table

from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.errors import DivergedError, RunError
from isolet_nn.results.filters import filter_entries, sort_entries
from isolet_nn.results.listing import list_runs
from isolet_nn.runs import execution
from isolet_nn.runs.folder import Run
from isolet_nn.runs.model_file import write_model
from isolet_nn.runs.xor import count_solved
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep

pytestmark = pytest.mark.usefixtures("without_pictures")

WILD, TAME = {"name": "sgd", "learning_rate": 1e30}, {"name": "sgd", "learning_rate": 0.001}


@pytest.fixture
def lopsided(tmp_path: Path) -> dict[str, Any]:
    """An experiment of one full-batch step on rows of which 80 % are of the first class."""
    random = np.random.default_rng(0)
    rows = [
        [*random.normal(size=3).round(3).tolist(), "b" if row % 5 == 4 else "a"]
        for row in range(100)
    ]
    path = tmp_path / "lopsided.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["x", "y", "z", "class"], *rows])
    return {
        "dataset": {"name": "csv", "path": str(path), "split_seed": 0},
        "model": {"hidden_layers": [4]},
        "training": {"epochs": 1, "batch_size": 1000},
    }


def swept(tmp_path: Path, experiment: dict[str, Any], **keys: Any) -> SweepFolder:
    keys = {"grid": {"optimizer": [TAME, WILD]}} | keys
    config = load_sweep({"experiment": experiment, **keys})
    return sweep(config, runs_dir=tmp_path / "runs", make_workers=InlineWorkers, workers=1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cross_validation": {"folds": 3}, "seeds": 2},
        {"set": {"dataset.validation": {"fraction": 0.2}}},
        {"set": {"ensemble": 2}},
        {"set": {"training.weight_averaging": "ema"}},
        {
            "set": {
                "dataset.validation": {"fraction": 0.2},
                "training.early_stopping": {"metric": "validation_accuracy"},
            }
        },
    ],
    ids=["plain", "folds", "validation", "ensemble", "averaged", "early stopping"],
)
def test_a_trial_whose_answers_are_no_numbers_fails_ranks_last_and_leaves_no_model(
    changes: dict[str, Any], backend: str, tmp_path: Path, lopsided: dict[str, Any]
) -> None:
    folder = swept(tmp_path, {**lopsided, "backend": backend}, save_models="all", **changes)
    table = read_table(folder.path / "trials.csv")
    wild = [row for row in table if "1e+30" in row["optimizer"]]
    assert len(wild) == len(table) / 2
    for row in wild:
        assert row["status"] == "failed"
        assert "training diverged: after epoch 1" in row["error"]
        assert {value for name, value in row.items() if name.endswith("_accuracy")} == {""}
    assert folder.summary["failed"] == len(wild)
    assert [score["setting"]["optimizer"] for score in folder.summary["best"]] == [TAME]
    settings = read_table(folder.path / "settings.csv")
    assert [row["n"] for row in settings] == [str(len(wild)), "0"]
    assert settings[1][f"{folder.metric}_mean"] == ""
    models = {path.name for path in (folder.path / "models").glob("*.safetensors")}
    assert models == {f"trial-{row['trial']}.safetensors" for row in table if row not in wild}


def test_a_seed_that_diverges_is_no_part_of_a_settings_mean(
    tmp_path: Path, lopsided: dict[str, Any]
) -> None:
    settings = [{"name": "sgd", "learning_rate": rate} for rate in (0.001, 1e17, 1e18, 1e30)]
    folder = swept(tmp_path, lopsided, grid={"optimizer": settings}, seeds=6)
    completed = folder.results.status.reshape(4, 6) == 1
    accuracies = folder.results.metric("test_accuracy").reshape(4, 6)
    assert np.array_equal(np.isfinite(accuracies), completed)
    assert completed[0].all()
    assert not completed[3].any()
    for row in read_table(folder.path / "settings.csv"):
        number = [
            json.loads(row["optimizer"])["learning_rate"] == s["learning_rate"] for s in settings
        ]
        own = accuracies[number.index(True)]
        assert int(row["n"]) == np.isfinite(own).sum()
        if int(row["n"]):
            assert float(row["test_accuracy_mean"]) == pytest.approx(np.nanmean(own))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_whose_answers_are_no_numbers_has_failed_and_has_no_accuracy_anywhere(
    backend: str, tmp_path: Path, lopsided: dict[str, Any]
) -> None:
    experiment = load_experiment(
        {**lopsided, "backend": backend, "optimizer": WILD, "name": "wild"}
    )
    run = execution.train(experiment, runs_dir=tmp_path / "runs")
    tame = load_experiment({**lopsided, "optimizer": TAME, "name": "tame"})
    execution.train(tame, runs_dir=tmp_path / "runs")
    assert run.summary["status"] == "failed"
    assert "training diverged: after epoch 1" in run.summary["error"]
    assert (run.summary["metrics"], run.summary["best_validation_epoch"]) == ({}, None)
    with pytest.raises(RunError, match="the run is failed"):
        execution.evaluate(run)
    entries = sort_entries(list_runs(tmp_path / "runs"), "test_accuracy")
    assert [(entry.name, entry.status) for entry in entries] == [
        ("tame", "completed"),
        ("wild", "failed"),
    ]
    assert entries[1].test_accuracy is None
    assert filter_entries(entries, ["test_accuracy>0", "status=failed"]) == []


def test_a_model_that_gives_no_numbers_is_not_evaluated(
    tmp_path: Path, lopsided: dict[str, Any]
) -> None:
    """As when the weights were changed, or another backend overflows where the run's did not."""
    run = execution.train(load_experiment(lopsided, {"optimizer": TAME}), runs_dir=tmp_path)
    model = run.model()
    weights = {name: np.full_like(array, 3e38) for name, array in model.weights.items()}
    dataset = load_dataset(run.experiment.dataset, 0)
    write_model(run.path / "model.safetensors", weights, dataset, run.experiment)
    for split in ("test", "train"):
        with pytest.raises(DivergedError, match=f"on the {split} split are no finite numbers"):
            execution.evaluate(Run.open(run.path), split=split)


def test_a_network_that_diverged_has_not_solved_exclusive_or() -> None:
    experiment = load_experiment(
        {"dataset": {"name": "xor"}, "optimizer": WILD, "training": {"epochs": 2}}
    )
    assert count_solved(experiment, 5) == 0
