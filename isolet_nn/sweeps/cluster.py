"""Workers of a Dask cluster: one that is running already, or processes started on this machine.

Cohorts go out as Dask tasks and come back as results and models. A worker that lacks a data set
says so, is sent it once, checks it and keeps it; what a lost worker had begun, another one does.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import BackendUnavailableError
from isolet_nn.sweeps.cohort import CohortTask
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.sweeps.remote import Done, Failed, Gpu, Lacking, gpu_for, keep, work
from isolet_nn.sweeps.scheduler import (
    Notify,
    connect,
    distributed,
    local_workers,
    lost,
    package,
    reason,
    require_same_version,
    start_cluster,
    while_scheduler_lives,
)
from isolet_nn.sweeps.workers import Outcome, names_of_gpus
from isolet_nn.system.files import write_bytes
from isolet_nn.system.processes import require_processes

_GATHER_SECONDS = 5.0
_LOOK_SECONDS = 1.0
"""How old our knowledge of the workers may be."""
_MOST_DEATHS = 3
"""So many workers may die with a cohort: on a cluster it is seldom the cohort's fault."""

Pack = Callable[[Experiment], PackedDataset]


def _log(message: str) -> None:
    logging.getLogger(__name__).warning(message)


@dataclass
class Cluster:
    """Where a cluster is found; called by `sweep`, it makes the workers.

    Attributes
    ----------
    address
        ``tcp://host:port`` of a scheduler, or ``local:N``.
    n_workers
        Workers it has now, to plan for; None if there are none yet.
    notify
        Is told what a person should know.
    gpus
        GPUs of this machine that workers started here share out, once `gpu_memory` was asked.
    """

    address: str
    n_workers: int | None
    notify: Notify
    gpus: Sequence[str] = ()

    def __call__(self, n_workers: int, data_folder: Path, pack: Pack) -> DaskWorkers:
        """Connect; the number and the folder are for workers of other kinds."""
        return DaskWorkers(self.address, pack, self.notify, self.gpus)

    def gpu_memory(self, experiments: Sequence[Experiment]) -> int | None:
        """Bytes of the smallest GPU of the workers, if any of the experiments uses one there.

        Raises
        ------
        BackendUnavailableError
            If a worker lacks the backend or the device of one, by its name.
        """
        if not any(experiment.backend == "torch" for experiment in experiments):
            return None
        contents = [experiment.model_dump(mode="json") for experiment in experiments]
        if local_workers(self.address) is not None:
            memory = workers_memory({"this machine": gpu_for(contents)}, self.address, self.notify)
            self.gpus = names_of_gpus() if memory is not None else ()
            return memory
        with while_scheduler_lives(self.address):
            client = connect(self.address)
            try:
                found = client.run(gpu_for, contents, on_error="return")
            finally:
                client.close()
        return workers_memory(found, self.address, self.notify)


def workers_memory(found: Mapping[str, Any], address: str, notify: Notify) -> int | None:
    """Bytes of the smallest of the GPUs that workers have; refuses those who lack something."""
    lacking = [
        f"{worker}: {reply.error if isinstance(reply, Failed) else reason(reply)}"
        for worker, reply in sorted(found.items())
        if isinstance(reply, Failed | Exception)
    ]
    if lacking:
        raise BackendUnavailableError(
            f"{address}: these workers cannot compute the sweep's trials:\n" + "\n".join(lacking)
        )
    gpus = {worker: reply for worker, reply in sorted(found.items()) if isinstance(reply, Gpu)}
    kinds = sorted({gpu.kind for gpu in gpus.values()})
    if len(kinds) > 1:
        notify(
            f"{address} has workers with GPUs of several kinds: {', '.join(kinds)}; results may "
            "differ in their last bits"
        )
    for identity in dict.fromkeys(gpu.identity for gpu in gpus.values()):
        sharing = [worker for worker, gpu in gpus.items() if gpu.identity == identity]
        if len(sharing) > 1:
            notify(
                f"{address} has workers that share a GPU: {', '.join(sharing)}; one worker for "
                "each GPU is faster (CUDA_VISIBLE_DEVICES=0 dask worker ..., then =1)"
            )
    return min((gpu.memory for gpu in gpus.values()), default=None)


def cluster_workers(address: str, notify: Notify = _log) -> Cluster:
    """Find a cluster and see that it fits, before a sweep begins.

    Parameters
    ----------
    address
        ``tcp://host:port`` of a running Dask scheduler, or ``local:N`` for N processes here.
    notify
        Is told what a person should know: that there are no workers, or that NumPy differs.

    Returns
    -------
    What `sweep` takes as `make_workers`; its `n_workers` should be given as `workers`.

    Raises
    ------
    ConfigError
        If it is not an address.
    BackendUnavailableError
        If Dask is not installed, or no scheduler answers.
    ClusterError
        If isolet-nn has another version there.
    """
    count = local_workers(address)
    distributed()
    if count is not None:
        require_processes(count, "cluster: local")
        package("cryptography")  # with which Dask makes the keys
    else:
        client = connect(address)
        if address.startswith("tcp:"):
            notify(
                f"{address} trusts its network: whoever reaches it may run programs there "
                "(tls:// with Dask's keys does not)"
            )
        try:
            require_same_version(client, address, notify)
            threads = client.nthreads()
        finally:
            client.close()
        count = len(threads)
        if any(number > 1 for number in threads.values()):
            notify(
                f"{address} has workers of several threads, but a worker trains one cohort at a "
                "time: more workers of one thread each are faster (dask worker --nthreads 1)"
            )
    return Cluster(address, count or None, notify)


@dataclass
class _Sent:
    """A task that was given to us, the worker that has it now, and how many died with it."""

    task: CohortTask
    experiment: Experiment
    worker: str = ""
    future: Any = None
    deaths: int = 0


class DaskWorkers:
    """The workers of a Dask cluster, whatever their number at the time.

    Each has one cohort at a time, so that when one dies it is certain whose cohort it was.

    Parameters
    ----------
    address
        ``tcp://host:port`` of a running scheduler, or ``local:N``.
    pack
        Gives the data set of an experiment.
    notify
        Is told what a person should know.
    gpus
        GPUs of this machine that workers started here share out.

    Raises
    ------
    ClusterError
        If no scheduler answers, if isolet-nn has another version there, and, from any method, if
        the scheduler is gone.
    """

    def __init__(
        self, address: str, pack: Pack, notify: Notify = _log, gpus: Sequence[str] = ()
    ) -> None:
        self._address = address
        self._pack = pack
        self._notify = notify
        self._sent: dict[int, _Sent] = {}
        self._checksums: dict[str, str] = {}
        self._holders: set[tuple[str, str]] = set()
        self._told: set[str] = set()
        self._workers: set[str] | None = None
        self._looked = -math.inf
        with contextlib.ExitStack() as stack:
            count = local_workers(address)
            target = address
            if count is not None:
                target = stack.enter_context(start_cluster(count, gpus))
            self._client = stack.enter_context(connect(target))
            # `cluster_workers` has told of other versions of NumPy; from here on, newcomers count.
            self._checked = require_same_version(self._client, address, lambda _: None)
            self._open = stack.pop_all()

    def free(self) -> int:
        return max(0, len(self._look_for_workers()) - len(self._sent))

    def _look_for_workers(self) -> set[str]:
        """Addresses of the workers there are, known to the second; says when there are none."""
        if self._workers is not None and time.monotonic() - self._looked < _LOOK_SECONDS:
            return self._workers
        before = self._workers
        with while_scheduler_lives(self._address):
            self._workers = set(self._client.nthreads())
        self._looked = time.monotonic()
        if not self._workers and before != set():
            self._notify(f"{self._address} has no workers; waiting for one")
        elif self._workers and before == set():
            self._notify(f"{self._address} has workers now: {len(self._workers)}")
        return self._workers

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        if task.data_key not in self._checksums:
            self._checksums[task.data_key] = self._pack(experiment).checksum
        self._sent[ticket] = _Sent(task, experiment)
        self._place(ticket)

    def _place(self, ticket: int) -> None:
        """Give a task to a worker that has none, if there is one; rather to one with its data."""
        sent = self._sent[ticket]
        sent.future, sent.worker = None, ""
        idle = self._look_for_workers() - {other.worker for other in self._sent.values()}
        if idle:
            key = sent.task.data_key
            self._start(sent, max(sorted(idle), key=lambda worker: (worker, key) in self._holders))

    def _start(self, sent: _Sent, worker: str) -> None:
        checksum = self._checksums[sent.task.data_key]
        sent.worker = worker
        sent.future = self._client.submit(work, sent.task, checksum, workers=[worker], pure=False)

    def wait(self, seconds: float) -> list[Outcome]:
        self._wait_for_any(seconds)
        outcomes = []
        lacking: dict[str, list[int]] = {}
        for ticket in list(self._sent):
            reply = self._reply(ticket)
            if isinstance(reply, Outcome):
                outcomes.append(reply)
            elif isinstance(reply, Lacking):
                lacking.setdefault(self._sent[ticket].task.data_key, []).append(ticket)
        for key, tickets in lacking.items():
            outcomes += self._send_data(key, tickets)
        for outcome in outcomes:
            del self._sent[outcome.ticket]
        return outcomes

    def _wait_for_any(self, seconds: float) -> None:
        dask = distributed()
        futures = [sent.future for sent in self._sent.values() if sent.future is not None]
        if not futures:
            time.sleep(seconds)
            return
        nothing = contextlib.suppress(TimeoutError, dask.CancelledError)
        with nothing, self._client.as_current():
            dask.wait(futures, timeout=seconds, return_when="FIRST_COMPLETED")

    def _reply(self, ticket: int) -> Outcome | Lacking | None:
        """What became of a task; None if it goes on, or begins again."""
        sent = self._sent[ticket]
        if sent.future is None or sent.future.cancelled():
            # There was no worker for it; or the scheduler, or all workers, were restarted.
            self._place(ticket)
            return None
        if sent.future.status == "error":
            return Outcome(ticket, None, reason(sent.future.exception()))
        if sent.future.status == "finished":
            try:
                reply = sent.future.result(timeout=_GATHER_SECONDS)
            except (TimeoutError, distributed().CancelledError):
                # If the worker died before its result was here, the task is soon unfinished again.
                return None
            return self._unpack(ticket, reply)
        if sent.worker not in self._look_for_workers():
            return self._bury(ticket)
        return None

    def _unpack(self, ticket: int, reply: Done | Failed | Lacking) -> Outcome | Lacking:
        """Write the models that came with the results."""
        if isinstance(reply, Lacking):
            return reply
        if isinstance(reply, Failed):
            return Outcome(ticket, None, reply.error)
        folder = self._sent[ticket].task.models_folder
        for name, content in reply.files.items():
            assert folder is not None, "models come only where they are asked for"
            write_bytes(Path(folder) / Path(name).name, content)
        return Outcome(ticket, reply.results)

    def _bury(self, ticket: int) -> Outcome | None:
        """Give the task of a dead worker to another one, unless too many died with it."""
        sent = self._sent[ticket]
        self._holders -= {holder for holder in self._holders if holder[0] == sent.worker}
        self._client.cancel([sent.future])
        sent.deaths += 1
        if sent.deaths == _MOST_DEATHS:
            return Outcome(ticket, None, lost(sent.deaths))
        self._place(ticket)
        return None

    def _send_data(self, key: str, tickets: list[int]) -> list[Outcome]:
        """Send a data set to the workers of some tasks, and start these again."""
        tasks = {ticket: self._sent[ticket] for ticket in tickets}
        workers = {sent.worker for sent in tasks.values()}
        if workers - self._checked:
            self._checked |= require_same_version(self._client, self._address, self._tell_once)
        packed = self._pack(tasks[tickets[0]].experiment)
        with while_scheduler_lives(self._address):
            replies = self._client.run(keep, packed, workers=sorted(workers), on_error="return")
        outcomes = []
        for ticket, sent in tasks.items():
            error = replies[sent.worker]
            if error is None or isinstance(error, OSError):
                # It has the data set now; or it is lost, which will be seen.
                self._holders.add((sent.worker, key))
                self._start(sent, sent.worker)
            else:
                outcomes.append(Outcome(ticket, None, reason(error)))
        return outcomes

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._notify(message)

    def close(self) -> None:
        self._client.cancel([sent.future for sent in self._sent.values() if sent.future])
        self._open.close()
