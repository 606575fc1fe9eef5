"""What a sweep costs besides training: planning, journalling and resuming very many trials.

Cohorts are not trained; their results are made up on the spot.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from isolet_nn.config.experiment import Experiment
from isolet_nn.sweeps.cohort import CohortTask, TrialResult
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep
from isolet_nn.sweeps.workers import Outcome
from isolet_nn.system.machine import peak_memory_bytes
from isolet_nn.system.statuses import COMPLETED

_SEEDS = 100


@dataclass(frozen=True)
class Overhead:
    """What was measured.

    Attributes
    ----------
    seconds
        From the sweep file to the finished folder.
    resume_seconds
        Reading that folder for a resume.
    peak_megabytes
        Largest memory of this process so far.
    """

    path: Path
    trials: int
    seconds: float
    resume_seconds: float
    peak_megabytes: float


class StubWorkers:
    """Takes any cohort and claims at once to have trained it."""

    def __init__(
        self, n_workers: int, data_folder: Path, pack: Callable[[Experiment], PackedDataset]
    ) -> None:
        self._n_workers = n_workers
        self._done: list[Outcome] = []

    def free(self) -> int:
        return self._n_workers - len(self._done)

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        metrics = {
            "train_loss": 0.1 + ticket * 1e-9,
            "train_accuracy": 0.9,
            "test_loss": 0.1 + ticket * 1e-9,
            "test_accuracy": 0.9,
        }
        results = [
            TrialResult(trial, COMPLETED, metrics, epochs, 0.1)
            for line in task.lines
            for trial, epochs in zip(line.trials, line.epochs, strict=True)
        ]
        self._done.append(Outcome(ticket, results))

    def wait(self, seconds: float) -> list[Outcome]:
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        self._done.clear()


def measure_overhead(trials: int, runs_dir: str | Path) -> Overhead:
    """Plan, journal and tabulate about so many trials, then read them as a resume does."""
    settings = max(1, trials // _SEEDS)
    swept = load_sweep(
        {
            "name": "overhead",
            "experiment": {"dataset": {"name": "iris"}, "model": {"hidden_layers": [8]}},
            "grid": {"optimizer.learning_rate": [1e-6 * (n + 1) for n in range(settings)]},
            "seeds": _SEEDS,
            "save_models": "none",
        }
    )
    started = time.perf_counter()
    done = sweep(swept, runs_dir=runs_dir, make_workers=StubWorkers, workers=8)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    SweepFolder.open(done.path)
    resume_seconds = time.perf_counter() - started
    peak = peak_memory_bytes() / 1024.0**2
    return Overhead(done.path, len(done.trial_table), seconds, resume_seconds, peak)
