"""Folders with more runs and trials than a test could train, of what one training left.

``PYTHONPATH=.:tests python -m board.large_folders FOLDER --runs 5000 --trials 100000`` makes them.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from isolet_nn.config.loading import load_experiment
from isolet_nn.runs.execution import train
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.header import make_header
from isolet_nn.sweeps.journal import Journal
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.outputs import write_summary
from isolet_nn.system.folders import JOURNAL, now
from isolet_nn.system.statuses import COMPLETED, FAILED, RUNNING

QUICK = {
    "name": "many",
    "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [5]},
}
RATES = (0.0001, 0.001, 0.01, 0.1)


def make_runs(folder: Path, count: int) -> list[Path]:
    """Completed runs that differ in seed, learning rate and scores; all are copies of one."""
    experiment = load_experiment(QUICK, {"training.epochs": 3})
    template = train(experiment, runs_dir=folder).path
    return [_copy(template, folder, number) for number in range(count - 1)] + [template]


def _copy(template: Path, folder: Path, number: int) -> Path:
    day, second = 1 + number // 1000, number % 1000
    begun = f"202601{day:02d}-{10 + second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"
    path = folder / f"{begun}-many"
    path.mkdir()
    for file in template.iterdir():
        if file.is_file():
            shutil.copyfile(file, path / file.name)
    seed, rate = number % 10, RATES[number // 10 % len(RATES)]
    config = (template / "config.yaml").read_text()
    config = config.replace("seed: 0\n", f"seed: {seed}\n", 1)
    config = config.replace("learning_rate: 0.001\n", f"learning_rate: {rate}\n", 1)
    (path / "config.yaml").write_text(config)
    environment = json.loads((template / "environment.json").read_text())
    environment["experiment"]["seed"] = seed
    environment["experiment"]["optimizer"]["learning_rate"] = rate
    (path / "environment.json").write_text(json.dumps(environment, indent=2))
    summary = json.loads((template / "summary.json").read_text())
    summary["started"] = f"2026-01-{day:02d}T10:{second // 60 % 60:02d}:{second % 60:02d}+00:00"
    summary["metrics"]["test_accuracy"] = round(0.5 + number % 997 / 2000, 4)
    (path / "summary.json").write_text(json.dumps(summary, indent=2))
    return path


def make_sweep(folder: Path, settings: tuple[int, int], seeds: int, ended: int) -> SweepFolder:
    """A sweep over a grid of learning rates and hidden units, whose first trials have ended."""
    rates, units = settings
    sweep = load_sweep(
        {
            "name": "grid",
            "experiment": QUICK,
            "grid": {
                "optimizer.learning_rate": [round(0.0001 * (n + 1), 6) for n in range(rates)],
                "model.hidden_layers": [[n + 1] for n in range(units)],
            },
            "seeds": seeds,
        }
    )
    trials = make_trials(sweep)
    made = SweepFolder.create(folder, sweep, trials)
    header = make_header(sweep, trials, DataSource())
    journal = Journal(made.path / JOURNAL, header)
    journal.append(made_up_results(range(ended)))
    journal.close()
    write_summary(made, RUNNING, now(), 1.0)
    return made


def made_up_results(trials: Iterable[int]) -> Iterable[TrialResult]:
    """How trials may end; one in a thousand fails."""
    for trial in trials:
        if trial % 1000 == 999:
            yield TrialResult(trial, FAILED, error="the loss is not finite", seconds=0.01)
        else:
            score = float(0.5 + 0.4 * np.sin(trial / 700) ** 2)
            splits = ("train", "validation", "test")
            measured = {f"{split}_accuracy": score for split in splits}
            measured |= {f"{split}_loss": 1.0 - score for split in splits}
            yield TrialResult(trial, COMPLETED, measured, 20, 0.02)


def main() -> None:
    """Make them from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--trials", type=int, default=100_000)
    asked = parser.parse_args()
    make_runs(asked.folder, asked.runs)
    if asked.trials:
        make_sweep(asked.folder, (100, asked.trials // 1000), 10, asked.trials - 1000)


if __name__ == "__main__":
    main()
