"""Sweeps for tests: run in this process, or as real processes that can be killed."""

from __future__ import annotations

import csv
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from processes import Process

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError
from isolet_nn.sweeps.cohort import CohortTask, run_cohort
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.workers import Outcome

Table = list[dict[str, str]]


class InlineWorkers:
    """Workers that train in this process, one task at a wait, the newest first.

    Data takes the same way as to a worker process: packed, written, mapped into memory.
    """

    def __init__(
        self, n_workers: int, data_folder: Path, pack: Callable[[Experiment], PackedDataset]
    ) -> None:
        self.n_workers = n_workers
        self.data_folder = data_folder
        self.pack = pack
        self.tasks: list[tuple[int, CohortTask]] = []
        self.packed: dict[str, PackedDataset] = {}

    def free(self) -> int:
        return self.n_workers - len(self.tasks)

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        if task.data_key not in self.packed:
            folder = self.data_folder / str(len(self.packed))
            self.pack(experiment).save(folder)
            self.packed[task.data_key] = PackedDataset.open(folder)
        self.tasks.append((ticket, task))

    def wait(self, seconds: float) -> list[Outcome]:
        ticket, task = self.tasks.pop()
        return [Outcome(ticket, run_cohort(task, self.packed[task.data_key].unpack()))]

    def close(self) -> None:
        self.tasks.clear()


def trials_of(experiment: Mapping[str, Any] | None = None, **keys: Any) -> Trials:
    """The trials of a sweep; of iris unless told otherwise."""
    return make_trials(load_sweep({"experiment": experiment or IRIS, **keys}))


def iris_sweep(**keys: Any) -> Sweep:
    """A small sweep of iris."""
    return load_sweep({"experiment": IRIS, **keys})


IRIS: Mapping[str, Any] = {
    "dataset": {"name": "iris"},
    "model": {"hidden_layers": [5]},
    "training": {"batch_size": 32},
}


def stop_after(n_questions: int) -> Callable[[], bool]:
    """A `should_stop` that says no so many times, then yes."""
    answers = iter([False] * n_questions)
    return lambda: next(answers, True)


def read_table(path: Path) -> Table:
    """The rows of a trials.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(table: Table) -> Table:
    """Rows that are the same whenever a sweep is run."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table]


def result_table(folder: SweepFolder | Path) -> Table:
    """A sweep folder's table but for times."""
    path = folder.path if isinstance(folder, SweepFolder) else folder
    return without_seconds(read_table(path / "trials.csv"))


def model_bytes(folder: SweepFolder | Path) -> dict[str, bytes]:
    """All weights that a sweep folder has; they name their preprocessing by its checksum."""
    path = folder.path if isinstance(folder, SweepFolder) else folder
    return {file.name: file.read_bytes() for file in (path / "models").glob("*.safetensors")}


def start(
    *arguments: str | Path, program: Sequence[str] = ("-m", "isolet_nn"), **options: Any
) -> subprocess.Popen[str]:
    """Start ``isolet-nn``, or another program of Python's, as a process group of its own."""
    return Process(
        [sys.executable, *program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``isolet-nn`` to its end."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def worker_pids(parent: int) -> list[int]:
    """Worker processes of a process that runs a sweep."""
    return [pid for pid, command in children(parent) if "popen_loky" in command]


def children(parent: int) -> Iterator[tuple[int, str]]:
    """Living child processes and their command lines."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            state, ppid = (entry / "stat").read_text().rpartition(") ")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                yield int(entry.name), (entry / "cmdline").read_text()


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] != "Z"


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that is to happen soon."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


LEARNING_RATE = "optimizer.learning_rate"


HIDDEN = "model.hidden_layers"


EPOCHS = "training.epochs"


def settings_of(trials: Trials) -> list[dict[str, Any]]:
    return [trials.setting(number) for number in range(len(trials.codes))]


def problem_of(experiment: Any = IRIS, **keys: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make_trials(load_sweep({"experiment": experiment, **keys}))
    return str(caught.value)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


SPACE = {
    LEARNING_RATE: {"log_uniform": [1e-5, 0.1]},
    "model.dropout": {"uniform": [0.25, 0.75]},
    EPOCHS: {"integers": [2, 9]},
    "model.activation": {"choice": ["relu", "tanh"]},
}


def permuted(value: Any) -> Iterator[Any]:
    """A mapping with its keys in all orders."""
    return map(dict, itertools.permutations(value.items()))
