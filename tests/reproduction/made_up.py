"""A whole reproduction of made-up numbers, in seconds, as nothing of ISOLET is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import isolet_nn
from isolet_nn.config.shipped import resolve
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.reproduction import carried_over
from isolet_nn.reproduction.claims.exclusive_or import NETWORKS
from isolet_nn.reproduction.evidence import BATCH, BETA1, EPOCHS, LAYERS, RATE
from isolet_nn.reproduction.folder import FILE, Reproduction
from isolet_nn.reproduction.page import write_page
from isolet_nn.reproduction.parts import CARRIED_OVER, FEW_NEURONS, XOR, Part, sweep_of
from isolet_nn.reproduction.plots import PICTURES_OF_SWEEPS
from isolet_nn.reproduction.report import load_report
from isolet_nn.reproduction.run import begin, go_on
from isolet_nn.reproduction.selection import PARTS
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
IN_FULL = ("batch-sizes", "without-momentum")
"""Parts of which a quick reproduction leaves out what a claim rests on."""
LOSSES = {"figures1-2": 0.33, "figures3-4": 0.02}
NAMES = {part.name: part for part in PARTS}


def timed(engine: str, hidden: int, seconds: dict[int, float]) -> list[Settings]:
    """Three rounds of trainings that take so many seconds, by batch size."""
    setting = {"engine": engine, "hidden": hidden}
    return [
        {**setting, "batch_size": size, "round": number, "seconds": of * (1 + 0.01 * number)}
        for number in (1, 2, 3)
        for size, of in seconds.items()
    ]


def solved_by(count: Callable[[str | None], int]) -> Settings:
    """So many of 100 seeds that solve exclusive or, by activation."""
    counts = [{"activation": a, "scale": s, "solved": count(a)} for a, s in NETWORKS]
    return {"seeds": 100, "counts": counts}


_SECONDS = {"numpy": {2: 2.0, 32: 0.5, 128: 0.3, 256: 0.1, 8192: 0.1}, "torch": {32: 0.4, 128: 0.2}}
MEASURED: dict[str, Settings] = {
    "times-by-batch": {
        "epochs": 1,
        "trainings": timed("numpy", 128, {size: _SECONDS["numpy"][size] for size in (2, 32, 256)}),
    },
    "times-by-backend": {
        "epochs": 3,
        "trainings": [
            training
            for engine, seconds in _SECONDS.items()
            for hidden, size in ((64, 32), (256, 128))
            for training in timed(engine, hidden, {size: 3 * seconds[size]})
        ],
    },
    "effective-steps": {
        "steps": [1, 49, 245, 490],
        "steps_per_epoch": 49,
        "trainings": [
            {"optimizer": name, "seed": seed, "median": [8.0, 1.0, middle, last + 0.01 * seed]}
            for name, middle, last in (("adagrad", 0.6, 0.3), ("rmsprop", 1.2, 1.5))
            for seed in range(3)
        ],
    },
    "xor-by-scale": solved_by(lambda activation: 0 if activation is None else 40),
}
"""What measurements give that bears out the report, by part."""


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
    measured: Mapping[str, Settings] = MappingProxyType({}),
    without: tuple[str, ...] = (),
    with_page: bool = False,
) -> Path:
    """Make a finished quick reproduction, with its page if asked; `without` were not run.

    `measured` replaces some of `MEASURED`.
    """
    if XOR in without:
        folder = runs_dir / "reproduction"
        folder.mkdir(parents=True)
    else:
        folder = begin(["xor"], quick=True, runs_dir=runs_dir)
        go_on(folder)
    whole = Reproduction(figures=[], quick=True, version=isolet_nn.__version__)
    write_text(folder / FILE, dump_yaml(whole))
    for part in PARTS:
        if part.name in without or part.name == XOR:
            continue
        if part.measure is not None:
            content = measured.get(part.name, MEASURED[part.name])
            write_json(folder / part.file, {"format": FORMAT, **content})
            continue
        if part.name == CARRIED_OVER:
            _carry_over(folder, part, accuracy)
            continue
        swept = _sweep(folder, part, accuracy)
        if with_page and part.name in PICTURES_OF_SWEEPS:
            draw_plots(swept)
    if with_page:
        write_page(folder)
    return folder


def _sweep(folder: Path, part: Part, accuracy: Accuracy) -> SweepFolder:
    config = sweep_of(part, quick=part.name not in IN_FULL, data_dir=None)
    trials = make_trials(config)
    swept = SweepFolder.create(folder, config, trials)
    header = make_header(config.model_dump(mode="json"), ["made up"], isolet_nn.__version__, None)
    journal = Journal(swept.path / JOURNAL, header)
    experiment = trials.make_experiment(0)
    held_out = experiment.dataset.validation != "none"
    evaluated_splits = ["validation"] * held_out + ["test"] * experiment.training.evaluate_test
    spread = _spread(len(trials.codes), len(trials.seeds)).ravel()
    for trial in range(len(trials)):
        settings = trials.setting(trial // len(trials.seeds))
        share = (accuracy(part.name, settings) + float(spread[trial])) / 100.0
        loss = LOSSES.get(part.name, 0.1) * (1 + float(spread[trial]) / 10)
        metrics = {"train_loss": loss, "train_accuracy": share}
        for split in evaluated_splits:
            metrics |= {f"{split}_loss": loss, f"{split}_accuracy": share}
            metrics |= {f"{split}_{score}": share for score in experiment.training.scores}
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
    config = carried_over.load_carried_over(resolve(part.config), **(part.quick or {}))
    own = carried_over.begin(config, folder)
    rows = [f"{EPOCHS},{BATCH},test_accuracy"]
    for epochs, batch_size in config.cells:
        percent = accuracy("figure6", {BATCH: batch_size, EPOCHS: epochs})
        rows.append(f"{epochs},{batch_size},{percent / 100!r}")
    write_text(own / carried_over.CELLS, "\n".join(rows) + "\n")
    status = {"format": FORMAT, "status": "completed", "started": _TIME}
    write_json(own / carried_over.STATUS, status)
