"""A whole reproduction of made-up numbers, in seconds, as nothing of ISOLET is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import isolet_nn
from isolet_nn.config.shipped import resolve
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.reproduction import carried_over
from isolet_nn.reproduction.evidence import BATCH, BETA1, EPOCHS, LAYERS, RATE
from isolet_nn.reproduction.folder import FILE, Reproduction
from isolet_nn.reproduction.page import write_page
from isolet_nn.reproduction.parts import CARRIED_OVER, FEW_NEURONS, PARTS, XOR, Part, sweep_of
from isolet_nn.reproduction.report import load_report
from isolet_nn.reproduction.run import begin, go_on
from isolet_nn.runs.records import FORMAT
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.drawing import draw_plots
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.journal import Journal, make_header
from isolet_nn.system.files import write_json, write_text
from isolet_nn.system.folders import JOURNAL, SUMMARY
from isolet_nn.system.statuses import COMPLETED

Settings = dict[str, Any]
Accuracy = Callable[[str, Settings], float]
"""Gives the accuracy in percent of a part's setting."""

REPORT = load_report()
_TIME = "2026-01-01T00:00:00+00:00"
SWEPT: Settings = {
    "format": FORMAT,
    "status": "completed",
    "started": _TIME,
    "ended": _TIME,
    "seconds": 1.0,
    "failed": 0,
    "pending": 0,
    "ranked_by": "test_accuracy",
    "best": [],
}
LOSSES = {"figures1-2": 0.33, "figures3-4": 0.02}
NAMES = {part.name: part for part in PARTS}


def as_reported(part: str, settings: Settings) -> float:
    """What the report has for a setting; 96 % where it has nothing."""
    if part in REPORT.curves:
        epoch = settings[EPOCHS]
        values = [v for v in REPORT.curves[part].values if v.column == "test_accuracy"]
        return next((v.low + 0.1 for v in values if v.epoch >= epoch), 95.0)
    if part in ("figure5", FEW_NEURONS):
        return _cell("figure5", settings[LAYERS][0], settings[RATE])
    if part == "figure6":
        return _cell(part, settings[BATCH], settings[EPOCHS])
    if part == "figure7":
        return _cell(part, settings[BETA1], len(settings[LAYERS]))
    if part == "figure8":
        box = REPORT.boxes[settings["optimizer.name"]]
        return (box.low + box.high) / 2
    return 96.0


def _cell(part: str, row: float, column: float) -> float:
    grid = REPORT.grids[part]
    return grid.cells[grid.rows.index(row)][grid.columns.index(column)]


def make_reproduction(
    runs_dir: Path,
    accuracy: Accuracy = as_reported,
    *,
    without: tuple[str, ...] = (),
    with_page: bool = False,
) -> Path:
    """Make a finished quick reproduction, with its page if asked; `without` were not run."""
    if XOR in without:
        folder = runs_dir / "reproduction"
        folder.mkdir(parents=True)
    else:
        folder = begin(["xor"], quick=True, runs_dir=runs_dir)
        go_on(folder)
    content = Reproduction(figures=[], quick=True, version=isolet_nn.__version__)
    write_text(folder / FILE, dump_yaml(content))
    for part in PARTS:
        if part.name in without or part.name == XOR:
            continue
        if part.name == CARRIED_OVER:
            _carry_over(folder, part, accuracy)
            continue
        swept = _sweep(folder, part, accuracy)
        if with_page:
            draw_plots(swept)
    if with_page:
        write_page(folder)
    return folder


def _sweep(folder: Path, part: Part, accuracy: Accuracy) -> SweepFolder:
    config = sweep_of(part, quick=True, data_dir=None)
    trials = make_trials(config)
    swept = SweepFolder.create(folder, config, trials)
    header = make_header(config.model_dump(mode="json"), ["made up"], isolet_nn.__version__, None)
    journal = Journal(swept.path / JOURNAL, header)
    spread = _spread(len(trials.codes), len(trials.seeds)).ravel()
    for trial in range(len(trials)):
        settings = trials.setting(trial // len(trials.seeds))
        share = (accuracy(part.name, settings) + float(spread[trial])) / 100.0
        loss = LOSSES.get(part.name, 0.1) * (1 + float(spread[trial]) / 10)
        metrics = {"train_loss": loss, "train_accuracy": share}
        metrics |= {"test_loss": loss, "test_accuracy": share}
        result = TrialResult(trial, COMPLETED, metrics, 10, 0.5)
        journal.append([result])
        swept.results.record(result)
    journal.close()
    write_json(swept.path / SUMMARY, SWEPT | {"trials": len(trials), "completed": len(trials)})
    return swept


def _spread(n_settings: int, n_seeds: int) -> NDArray[np.float64]:
    """Points by which trials (settings, seeds) are off; over several seeds they cancel out."""
    points = np.random.default_rng(0).normal(0.0, 0.1, (n_settings, n_seeds))
    return points if n_seeds == 1 else points - points.mean(axis=1, keepdims=True)


def _carry_over(folder: Path, part: Part, accuracy: Accuracy) -> None:
    config = carried_over.load_carried_over(resolve(part.config), **part.quick)
    own = carried_over.begin(config, folder)
    rows = [f"{EPOCHS},{BATCH},test_accuracy"]
    for epochs, batch_size in config.cells:
        percent = accuracy("figure6", {BATCH: batch_size, EPOCHS: epochs})
        rows.append(f"{epochs},{batch_size},{percent / 100!r}")
    write_text(own / carried_over.CELLS, "\n".join(rows) + "\n")
    status = {"format": FORMAT, "status": "completed", "started": _TIME}
    write_json(own / carried_over.STATUS, status)
