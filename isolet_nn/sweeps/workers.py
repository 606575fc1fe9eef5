"""Processes on this machine that train cohorts, each on its own.

Every worker is an executor of one process, so that when one dies it is certain whose cohort it
was; the others go on. A worker that finds its parent gone ends too. Sweeps of one process may share
their workers: `shared_processes`.
"""

from __future__ import annotations

import errno
import functools
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import IsoletNNError
from isolet_nn.sweeps.cohort import CohortTask, TrialResult, run_cohort
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.system.processes import new_executor, starting

Answer = TypeVar("Answer")

_LOOK_SECONDS = 0.1
_DATASETS_KEPT = 8
"""Data sets mapped into memory by a worker: the folds of a cross-validation come in turn."""
_BYTES_KEPT = 2 * 1024**3
"""Size of the data sets on the disk, those in use aside, from which on the oldest are removed."""
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Outcome:
    """What became of a submitted task.

    Attributes
    ----------
    ticket
        The number under which it was submitted.
    results
        Results of its trials; None if it failed as a whole.
    error
        Why it failed as a whole.
    """

    ticket: int
    results: list[TrialResult] | None
    error: str = ""


class Workers(Protocol):
    """Where cohorts are trained."""

    def free(self) -> int:
        """How many more tasks can be taken."""

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        """Start a task; `experiment` is one on its data."""

    def wait(self, seconds: float) -> list[Outcome]:
        """What ended, after waiting for at most so long."""

    def close(self) -> None:
        """End all workers, whatever they are doing."""


WorkersFactory = Callable[[int, Path, Callable[[Experiment], PackedDataset]], Workers]
"""Makes workers of a number, a folder for data sets, and what packs an experiment's data set."""


@runtime_checkable
class RemoteSite(Protocol):
    """Where workers are that are not this machine's processes: a factory that can be asked."""

    def __call__(
        self, n_workers: int, data_folder: Path, pack: Callable[[Experiment], PackedDataset]
    ) -> Workers:
        """Make the workers."""

    def gpu_memory(self, experiments: Sequence[Experiment]) -> int | None:
        """Bytes of the smallest GPU of its workers, if any of the experiments uses one there.

        Raises
        ------
        BackendUnavailableError
            If a worker lacks the backend or the device of one, by its name.
        """


@dataclass
class _Slot:
    variables: dict[str, str]
    executor: Any = None
    future: Any = None
    ticket: int = -1
    data_key: str = ""
    is_new: bool = True

    def submit(self, function: Callable[..., Any], *arguments: object) -> None:
        """Start a task, and with the first one the process."""
        try:
            self._submit(function, *arguments)
        except BrokenExecutor:  # its process died while it had nothing to do
            self.renew()
            self._submit(function, *arguments)

    def _submit(self, function: Callable[..., Any], *arguments: object) -> None:
        if self.executor is None:
            self.executor = _new_executor(self.variables)
        with starting() if self.is_new else nullcontext():
            self.future = self.executor.submit(function, *arguments)
        self.is_new = False

    def renew(self) -> None:
        """Put a new process in place of one that died."""
        self.close()
        self.executor, self.is_new = None, True

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.executor is not None:
            self.executor.shutdown(wait=False, kill_workers=True)


class Processes:
    """Worker processes, each of which does one thing at a time for whoever has taken it.

    Parameters
    ----------
    variables
        Environment variables of each.
    """

    def __init__(self, variables: Sequence[dict[str, str]]) -> None:
        self._slots = [_Slot(of_one) for of_one in variables]
        self._free = [*self._slots]
        self._given_back = threading.Condition()

    def free(self) -> int:
        """How many nobody has taken."""
        return len(self._free)

    def take(self) -> _Slot:
        """One of them, once there is one that nobody has taken."""
        with self._given_back:
            self._given_back.wait_for(lambda: self._free)
            return self._free.pop(0)

    def give_back(self, slot: _Slot) -> None:
        """Let others take it."""
        with self._given_back:
            self._free.append(slot)
            self._given_back.notify_all()

    def wait_for_free(self, seconds: float) -> None:
        """Wait until there is one that nobody has taken, at most so long."""
        with self._given_back:
            self._given_back.wait_for(lambda: self._free, seconds)

    @contextmanager
    def one_resting(self) -> Iterator[None]:
        """Keep one of them from work, so that its core is free for this process."""
        slot = self.take()
        try:
            yield
        finally:
            self.give_back(slot)

    def call(
        self,
        function: Callable[..., Answer],
        *arguments: object,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Answer | None:
        """What a function returns in the next of them that is free; None where it was stopped.

        Raises
        ------
        IsoletNNError
            If the process has died; and whatever the function raises.
        """
        from joblib.externals.loky import wait

        slot = self.take()
        try:
            if should_stop():  # it may have taken long until one was free
                return None
            slot.submit(function, *arguments)
            while not wait([slot.future], timeout=_LOOK_SECONDS).done:
                if should_stop():
                    slot.renew()
                    return None
            answer: Answer = slot.future.result()
            return answer
        except BrokenExecutor:
            slot.renew()
            raise IsoletNNError("a worker process died (killed, or out of memory)") from None
        finally:
            slot.future = None
            self.give_back(slot)

    def close(self) -> None:
        """End all of them, whatever they are doing."""
        for slot in self._slots:
            slot.close()


_shared: Processes | None = None


@contextmanager
def shared_processes(count: int) -> Iterator[Processes]:
    """Let the sweeps that this process runs meanwhile share so many workers.

    They need not be started for each, and sweeps that run side by side take no more cores. Sweeps
    on GPUs have workers of their own.
    """
    global _shared
    before, _shared = _shared, Processes([{} for _ in range(count)])
    try:
        yield _shared
    finally:
        _shared.close()
        _shared = before


class LocalWorkers:
    """Worker processes on this machine.

    Parameters
    ----------
    n_workers
        How many.
    data_folder
        Where data sets are written for the workers to map into memory.
    pack
        Gives the data set of an experiment.
    gpus
        GPUs such as ``cuda:0``: each process sees one of them, and they take them in turn.
    """

    def __init__(
        self,
        n_workers: int,
        data_folder: Path,
        pack: Callable[[Experiment], PackedDataset],
        gpus: Sequence[str] = (),
    ) -> None:
        self._data_folder = data_folder
        self._pack = pack
        self._folders: dict[str, tuple[Path, int]] = {}
        self._numbers = itertools.count()
        self._busy: list[_Slot] = []
        shared = None if gpus else _shared
        variables = [only_gpu(gpus[n % len(gpus)]) if gpus else {} for n in range(n_workers)]
        self._is_shared = shared is not None
        self._processes = Processes(variables) if shared is None else shared

    def free(self) -> int:
        return self._processes.free()

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        folder = str(self._folder(task.data_key, experiment))
        slot = self._processes.take()
        slot.ticket, slot.data_key = ticket, task.data_key
        try:
            slot.submit(_work, task, folder)
        except BaseException:
            self._processes.give_back(slot)
            raise
        self._busy.append(slot)

    def _folder(self, key: str, experiment: Experiment) -> Path:
        """Where a data set lies, written when it is first needed."""
        if key not in self._folders:
            packed = self._pack(experiment)
            self._make_room(packed.n_bytes)
            folder = self._data_folder / str(next(self._numbers))
            packed.save(folder)
            self._folders[key] = folder, packed.n_bytes
        return self._folders[key][0]

    def _make_room(self, n_bytes: int) -> None:
        """Remove old data sets that nobody works on; they are written anew if needed."""
        in_use = {slot.data_key for slot in self._busy}
        total = n_bytes + sum(size for _, size in self._folders.values())
        for key in [key for key in self._folders if key not in in_use]:
            if total <= _BYTES_KEPT:
                return
            folder, size = self._folders.pop(key)
            shutil.rmtree(folder, ignore_errors=True)
            total -= size

    def wait(self, seconds: float) -> list[Outcome]:
        from joblib.externals.loky import FIRST_COMPLETED, wait

        busy = {slot.future: slot for slot in self._busy}
        if not busy:  # others have taken them all
            self._processes.wait_for_free(seconds)
        done, _ = wait(busy, timeout=seconds, return_when=FIRST_COMPLETED)
        return [self._outcome(busy[future]) for future in done]

    def _outcome(self, slot: _Slot) -> Outcome:
        try:
            return self._outcome_of(slot)
        finally:
            self._busy.remove(slot)
            self._processes.give_back(slot)

    def _outcome_of(self, slot: _Slot) -> Outcome:
        future, slot.future = slot.future, None
        try:
            return Outcome(slot.ticket, future.result())
        except BrokenExecutor:
            slot.renew()
            return Outcome(slot.ticket, None, "its worker process died (killed, or out of memory)")
        except OSError as error:
            if error.errno in _DISK_FULL:  # no trial's fault; all others would meet it too
                raise
            return Outcome(slot.ticket, None, f"{type(error).__name__}: {error}")
        except IsoletNNError as error:
            return Outcome(slot.ticket, None, str(error))
        except Exception as error:
            if slot.variables:  # after some errors, a process can use its GPU no more
                slot.renew()
            return Outcome(slot.ticket, None, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        for slot in self._busy:  # what it is doing is of no use any more
            slot.renew()
            slot.future = None
            self._processes.give_back(slot)
        self._busy.clear()
        if not self._is_shared:
            self._processes.close()


def only_gpu(gpu: str) -> dict[str, str]:
    """Environment variables of a process that sees one GPU only, as its first.

    Parameters
    ----------
    gpu
        Such as ``cuda:1``, as this process counts those that it sees.
    """
    number = int(gpu.removeprefix("cuda:"))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [name.strip() for name in visible.split(",")] if visible else []
    return {"CUDA_VISIBLE_DEVICES": names[number] if number < len(names) else str(number)}


def names_of_gpus() -> list[str]:
    """What CUDA calls the GPUs that PyTorch sees here, in ``CUDA_VISIBLE_DEVICES``."""
    from isolet_nn.training.devices import kinds_of_gpus

    numbers = range(len(kinds_of_gpus()))
    return [only_gpu(f"cuda:{number}")["CUDA_VISIBLE_DEVICES"] for number in numbers]


def _new_executor(variables: Mapping[str, str]) -> Any:
    threads = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    return new_executor(1, **dict.fromkeys(threads, "1"), **variables)


def _work(task: CohortTask, folder: str) -> list[TrialResult]:
    """Train a cohort in a worker process, on the data set in a folder."""
    return run_cohort(task, _open_dataset(folder))


@functools.lru_cache(maxsize=_DATASETS_KEPT)
def _open_dataset(folder: str) -> Dataset:
    return PackedDataset.open(Path(folder)).unpack()
