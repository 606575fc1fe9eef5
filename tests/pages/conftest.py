"""Folders whose names, classes, columns and notes are as hostile as they may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sweeps.helpers import InlineWorkers

from isolet_nn.config.loading import load_experiment
from isolet_nn.results.labels import note, tag
from isolet_nn.runs.execution import train
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep
from pages.hostile import FOLDER, NOTE, experiment, write_table


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seeds of a setting, another setting with a hostile folder, and a sweep."""
    folder = tmp_path_factory.mktemp("pages")
    write_table(folder / "table.csv")
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda *_: [])
        patch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: [])
        runs: dict[str, dict[str, Any]] = {
            "first": {"seed": 0},
            "second": {"seed": 1},
            "other": {"seed": 1, "optimizer": {"name": "sgd", "learning_rate": 0.05}},
        }
        for name, changes in runs.items():
            written = experiment(folder / "table.csv", **changes)
            inspected = load_experiment(written, {"training.inspect": True})
            made[name] = train(inspected, runs_dir=folder / "runs").path
        config = {
            "name": "rates",
            "experiment": experiment(folder / "table.csv"),
            "grid": {
                "optimizer.learning_rate": [0.001, 0.01, 0.1],
                "model.hidden_layers": [[3], [5]],
                "training.batch_size": [16, 32],
            },
            "seeds": 2,
            "save_curves": "full",
        }
        swept = sweep(
            load_sweep(config),
            runs_dir=folder / "runs",
            workers=1,
            make_workers=InlineWorkers,
        )
        made["sweep"] = swept.path
    made["other"] = made["other"].rename(folder / "runs" / FOLDER)
    note(made["first"], NOTE)
    tag(made["first"], ["<em>good"])
    return made


@pytest.fixture(scope="session")
def first(runs: dict[str, Path]) -> Run:
    return Run.open(runs["first"])
