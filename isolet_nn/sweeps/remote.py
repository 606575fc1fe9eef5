"""What a worker of a cluster does: it keeps data sets that it was sent, and trains cohorts on them.

It shares no disk with the sweep, so models go back beside the results.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.problems import validate
from isolet_nn.data.dataset import Dataset
from isolet_nn.sweeps.cohort import CohortTask, TrialResult, run_cohort
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.training.backends import require_backend
from isolet_nn.training.capacity import gpu_of
from isolet_nn.version import __version__

_DATASETS_KEPT = 4
GPUS = "ISOLET_NN_GPUS_OF_WORKERS"
"""Environment variable of workers that a sweep starts: what CUDA calls the GPUs they share out."""

_datasets: dict[str, Dataset] = {}
"""By checksum, the oldest first."""
_turn = threading.Lock()
"""BLAS threads are a setting of a process: a cohort must not change them under another's feet."""


@dataclass(frozen=True)
class Done:
    """A cohort's results, and the files of its models, by name."""

    results: list[TrialResult]
    files: dict[str, bytes]


@dataclass(frozen=True)
class Failed:
    """Why a cohort failed as a whole; not every exception survives a journey."""

    error: str


@dataclass(frozen=True)
class Lacking:
    """The worker has not got the data set."""


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C to the sweep: Dask calls this first in workers that the sweep starts.

    Of the GPUs that these are given, each takes the one of its number, before CUDA is asked.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    names = os.environ.get(GPUS, "")
    if names:
        own = names.split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = own[int(worker.name) % len(own)]


def versions() -> dict[str, str]:
    """The versions that decide on results."""
    return {"isolet_nn": __version__, "numpy": np.__version__}


@dataclass(frozen=True)
class Gpu:
    """The GPU that a worker computes on: which of all, of what kind, and its bytes."""

    identity: str
    kind: str
    memory: int


def gpu_for(contents: Sequence[dict[str, Any]]) -> Gpu | Failed | None:
    """The GPU that this worker computes experiments (as in files) on, if any of them uses one.

    Why not, where the worker lacks the backend or the device of one.
    """
    found = None
    for content in contents:
        try:
            experiment = validate(Experiment, content, "experiment")
            require_backend(experiment)
            found = gpu_of(experiment) or found
        except Exception as error:
            return Failed(str(error))
    return None if found is None else Gpu(f"{socket.gethostname()} {found[0]}", *found[1:])


def keep(packed: PackedDataset) -> None:
    """Check a data set and keep it for the tasks to come."""
    dataset = packed.unpack()
    while len(_datasets) >= _DATASETS_KEPT:
        del _datasets[next(iter(_datasets))]
    _datasets[packed.checksum] = dataset


def work(task: CohortTask, checksum: str) -> Done | Failed | Lacking:
    """Train a cohort, given the checksum of its data set.

    A cohort that nobody waits for any more is stopped after its epoch.
    """
    from distributed import Reschedule, get_worker

    worker = get_worker()
    own_key = worker.get_current_task()
    was_given_up = False

    def is_given_up() -> bool:
        nonlocal was_given_up
        state = worker.state.tasks.get(own_key)
        was_given_up = was_given_up or state is None or state.state == "cancelled"
        return was_given_up

    dataset = _datasets.get(checksum)
    if dataset is None:
        return Lacking()
    try:
        with _turn:
            done = _train(task, dataset, is_given_up)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}")
    if was_given_up:
        # Should the scheduler have changed its mind, it must not take a part for the whole.
        raise Reschedule
    return done


def _train(task: CohortTask, dataset: Dataset, should_stop: Callable[[], bool]) -> Done:
    """Train a cohort; its models pass through a folder on this machine."""
    with tempfile.TemporaryDirectory() as name:
        own_task = dataclasses.replace(task, models_folder=task.models_folder and name)
        results = run_cohort(own_task, dataset, should_stop)
        files = {path.name: path.read_bytes() for path in sorted(Path(name).iterdir())}
    return Done(results, files)
