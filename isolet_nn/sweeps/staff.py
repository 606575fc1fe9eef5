"""Who works on a sweep: processes, and the GPUs that they compute on, one each.

Several processes share a GPU only if they are asked to: they would wait for each other, and each
would hold memory of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError, counted
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.plan import COHORTS_PER_WORKER, Plan, make_plan
from isolet_nn.sweeps.workers import LocalWorkers, RemoteSite, WorkersFactory
from isolet_nn.system.machine import available_cores
from isolet_nn.system.processes import require_processes


@dataclass(frozen=True)
class Wanted:
    """What is asked for besides what the sweep's file says.

    Attributes
    ----------
    workers
        Processes; None leaves it to the file.
    devices
        GPUs such as ``cuda:0``; None leaves it to the file.
    """

    workers: int | None = None
    devices: Sequence[str] | None = None

    def laid_upon(self, sweep: Sweep) -> Wanted:
        """With what the file says where nothing is asked for."""
        workers, devices = self.workers, self.devices
        if workers is None and isinstance(sweep.workers, int):
            workers = sweep.workers
        if devices is None and sweep.devices != "auto":
            devices = sweep.devices
        return replace(self, workers=workers, devices=devices)


FROM_FILE = Wanted()
"""What the sweep's file says."""


@dataclass(frozen=True)
class Staff:
    """Who works.

    Attributes
    ----------
    workers
        Processes.
    gpus
        The GPUs that they compute on in turn, such as ``cuda:0``; none: they use processors.
    gpu_memory
        Bytes of the smallest of these GPUs, or of those of a cluster.
    """

    workers: int
    gpus: tuple[str, ...] = ()
    gpu_memory: int | None = None


def plan_for(
    staff: Staff,
    trials: Trials,
    pending: NDArray[np.int64],
    source: DataSource,
    cohorts_per_worker: int = COHORTS_PER_WORKER,
) -> Plan:
    """What `make_plan` makes for them."""
    return make_plan(
        trials, pending, staff.workers, source.size, cohorts_per_worker, staff.gpu_memory
    )


def staff_of(
    sweep: Sweep, trials: Trials, wanted: Wanted, make_workers: WorkersFactory = LocalWorkers
) -> Staff:
    """Who is to work on a sweep.

    Raises
    ------
    ConfigError
        If GPUs are named that are not there, or of no use, or not as many as workers; or if there
        are more workers than the machine has memory for.
    """
    wanted = wanted.laid_upon(sweep)
    experiments = list(trials.one_experiment_each("backend", "device"))
    if isinstance(make_workers, RemoteSite):
        if wanted.devices is not None:
            raise ConfigError(
                "--devices is for this machine: a worker of a cluster uses the GPU that it sees "
                "(CUDA_VISIBLE_DEVICES=0 dask worker ...)"
            )
        memory = make_workers.gpu_memory(experiments)
        return Staff(wanted.workers or available_cores(), gpu_memory=memory)
    gpus = _gpus(sweep, experiments, wanted)
    workers = wanted.workers or len(gpus) or available_cores()
    if make_workers is LocalWorkers:
        require_processes(workers, "workers")
    return Staff(workers, gpus[:workers], _smallest_memory(gpus))


def _gpus(sweep: Sweep, experiments: Sequence[Experiment], wanted: Wanted) -> tuple[str, ...]:
    """The GPUs that are asked for, or all there are; none if nothing is computed there."""
    asked = wanted.devices
    willing = [e for e in experiments if e.backend == "torch" and e.device in ("auto", "cuda")]
    if not willing:
        if asked is not None:
            first = experiments[0]
            device = "" if first.backend == "numpy" else f" and device: {first.device}"
            raise ConfigError(
                f"{sweep.source}: devices: found {', '.join(asked)}, but the trials have backend: "
                f"{first.backend}{device}, which computes on processors; GPUs need backend: torch "
                "with device: auto or cuda"
            )
        return ()
    kinds = _kinds_of_gpus()
    if asked is None:
        return tuple(name for name, kind in kinds.items() if kind == kinds["cuda:0"])
    _require_different(asked)
    for name in asked:
        if name not in kinds:
            allowed = ", ".join(kinds) or "none, as PyTorch sees no CUDA device on this machine"
            raise ConfigError(f"devices: found {name}; available: {allowed}")
        if kinds[name] != kinds["cuda:0"]:
            raise ConfigError(
                f"devices: {name} is {kinds[name]}, cuda:0 is {kinds['cuda:0']}; bits depend on "
                "the kind, so a sweep uses GPUs like cuda:0 (CUDA_VISIBLE_DEVICES says which is)"
            )
    if wanted.workers not in (None, len(asked)):
        raise ConfigError(
            f"devices: found {counted(len(asked), 'GPU')} and workers: {wanted.workers}; each GPU "
            f"has one worker, so give workers: {len(asked)}, or leave it out"
        )
    return tuple(asked)


def parse_devices(text: str) -> list[str]:
    """The names in what ``--devices`` says.

    Raises
    ------
    ConfigError
        If one is no GPU's, or named twice.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not re.fullmatch(r"cuda:\d{1,4}", name):
            raise ConfigError(
                f"--devices: found {name!r}; allowed: GPUs by number, such as cuda:0,cuda:1"
            )
    _require_different(names)
    return names


def _require_different(names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigError(f"devices: found {name} twice; each GPU has one worker: name it once")


def _kinds_of_gpus() -> dict[str, str]:
    """What each GPU that PyTorch sees here is, by name."""
    from isolet_nn.training.devices import kinds_of_gpus

    return {f"cuda:{number}": kind for number, kind in enumerate(kinds_of_gpus())}


def _smallest_memory(gpus: Sequence[str]) -> int | None:
    if not gpus:
        return None
    from isolet_nn.training.devices import memory_of_gpu

    return min(memory_of_gpu(int(gpu.removeprefix("cuda:"))) for gpu in gpus)
