"""Workers of a Dask cluster: one that is running already, or processes started on this machine.

Cohorts go out as Dask tasks and come back as results and weights. A worker that lacks a data set
says so, is sent it once, checks it and keeps it; what a lost worker had begun, another one does.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import math
import re
import socket
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import BackendUnavailableError, ClusterError, ConfigError
from isolet_nn.sweeps import remote
from isolet_nn.sweeps.cohort import CohortTask, model_path
from isolet_nn.sweeps.datasets import PackedDataset
from isolet_nn.sweeps.remote import Done, Failed, Lacking, keep, versions, work
from isolet_nn.sweeps.workers import Outcome
from isolet_nn.system.files import write_bytes
from isolet_nn.system.processes import require_processes, safe_environment, starting

CONNECT_SECONDS = 10.0
"""How long a scheduler may take to answer."""
_GATHER_SECONDS = 5.0
_LOOK_SECONDS = 1.0
"""How old our knowledge of the workers may be."""
_MOST_GREETING = 1 << 20
"""Bytes of the longest greeting that is taken for one of a scheduler; they have some hundreds."""
_STRANGER = "what answers there is no Dask scheduler"
_MOST_DEATHS = 3
"""So many workers may die with a cohort: on a cluster it is seldom the cohort's fault."""

Notify = Callable[[str], None]
Pack = Callable[[Experiment], PackedDataset]


def _log(message: str) -> None:
    logging.getLogger(__name__).warning(message)


@dataclass(frozen=True)
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
    """

    address: str
    n_workers: int | None
    notify: Notify

    def __call__(self, n_workers: int, data_folder: Path, pack: Pack) -> DaskWorkers:
        """Connect; the number and the folder are for workers of other kinds."""
        return DaskWorkers(self.address, pack, self.notify)


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
    count = _local_workers(address)
    _distributed()
    if count is not None:
        require_processes(count, "cluster: local")
        _package("cryptography")  # with which Dask makes the keys
    else:
        client = _connect(address)
        if address.startswith("tcp:"):
            notify(
                f"{address} trusts its network: whoever reaches it may run programs there "
                "(tls:// with Dask's keys does not)"
            )
        try:
            _require_same_version(client, address, notify)
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


def _local_workers(address: str) -> int | None:
    """The N of ``local:N``; None if it is the address of a scheduler."""
    local = re.fullmatch(r"local:([1-9]\d*)", address)
    if local:
        return int(local[1])
    remote_address = re.fullmatch(r"(tcp|tls)://([^\s/@]+):(\d+)", address)
    if remote_address and 0 < int(remote_address[3]) < 1 << 16:
        return None
    raise ConfigError(
        f"cluster: found {address!r}; allowed: tcp://HOST:PORT or tls://HOST:PORT of a running "
        "Dask scheduler, or local:N to start N workers on this machine"
    )


def _distributed() -> Any:
    """Dask's package, without its types."""
    return _package("distributed")


def _package(name: str) -> Any:
    """One of the packages that come with the extra for clusters."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendUnavailableError(
            f"a cluster needs {name}, which is not installed; install it with: "
            "pip install 'isolet-nn[dask]'"
        ) from error


def _connect(address: Any) -> Any:
    """A client of a scheduler at an address, or of a cluster started here."""
    try:
        if isinstance(address, str):
            _require_scheduler(address)
        return _distributed().Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except BackendUnavailableError:
        raise
    except Exception as error:
        raise BackendUnavailableError(
            f"{address}: no Dask scheduler answers ({_why_no_scheduler(error)}); "
            "start one with: dask scheduler"
        ) from error


class _StrangerError(Exception):
    """Who answers is no scheduler."""


def _why_no_scheduler(error: BaseException) -> str:
    """What an error says where it is about the network, or our own."""
    match error:
        case ConnectionRefusedError():
            return "connection refused"
        case OSError() | _StrangerError():
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return textwrap.shorten(why, 200, placeholder=" ...") or type(error).__name__
        case _:  # whatever Dask makes of an answer that is none
            return _STRANGER


def _require_scheduler(address: str) -> None:
    """See that a scheduler answers; Dask would wait for ever for somebody who is silent."""
    security = _distributed().Security()
    keys = ("tls_ca_file", "tls_client_cert", "tls_client_key")
    if address.startswith("tls:") and not all(getattr(security, key) for key in keys):
        raise BackendUnavailableError(
            f"{address}: tls:// needs keys, which Dask's configuration names: distributed.comm.tls"
            ".ca-file, .client.cert and .client.key (https://distributed.dask.org/en/latest/tls.html)"
        )
    answer: Future[None] = Future()

    def ask() -> None:
        try:
            host, _, port = address.partition("://")[2].rpartition(":")
            # Looking for the name may take longer than Dask would wait.
            with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as line:
                if address.startswith("tcp:"):
                    _require_greeting(line)
            asyncio.run(_identify(address, security.get_connection_args("client")))
            answer.set_result(None)
        except Exception as error:
            answer.set_exception(error)

    # A daemon: nobody waits for it at the end, should the name of the host be looked for still.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer.result(CONNECT_SECONDS + 1.0)
    except TimeoutError:
        raise TimeoutError(f"nothing comes back within {CONNECT_SECONDS:.0f} s") from None


def _require_greeting(line: socket.socket) -> None:
    """See that what comes first may be a scheduler's greeting.

    It begins with its length, for which Dask would set memory aside, whoever has sent it.
    """
    length = b""
    while len(length) < 8 and (received := line.recv(8 - len(length))):
        length += received
    if len(length) < 8 or not 0 < int.from_bytes(length, sys.byteorder) <= _MOST_GREETING:
        raise _StrangerError(_STRANGER)


async def _identify(address: str, arguments: dict[str, Any]) -> None:
    """Ask who is at an address; raise unless it is a scheduler."""
    connect = importlib.import_module("distributed.comm").connect

    async def ask() -> Any:
        comm = await connect(address, timeout=CONNECT_SECONDS, **arguments)
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    answer = await asyncio.wait_for(ask(), CONNECT_SECONDS)
    kind = answer.get("type") if isinstance(answer, dict) else None
    if kind != "Scheduler":
        raise _StrangerError(f"a {kind} is there" if kind else _STRANGER)


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

    Raises
    ------
    ClusterError
        If no scheduler answers, if isolet-nn has another version there, and, from any method, if
        the scheduler is gone.
    """

    def __init__(self, address: str, pack: Pack, notify: Notify = _log) -> None:
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
            count = _local_workers(address)
            target = address if count is None else stack.enter_context(_start_cluster(count))
            self._client = stack.enter_context(_connect(target))
            # `cluster_workers` has told of other versions of NumPy; from here on, newcomers count.
            self._checked = _require_same_version(self._client, address, lambda _: None)
            self._open = stack.pop_all()

    def free(self) -> int:
        return max(0, len(self._look_for_workers()) - len(self._sent))

    def _look_for_workers(self) -> set[str]:
        """Addresses of the workers there are, known to the second; says when there are none."""
        if self._workers is not None and time.monotonic() - self._looked < _LOOK_SECONDS:
            return self._workers
        before = self._workers
        with _while_scheduler_lives(self._address):
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
        distributed = _distributed()
        futures = [sent.future for sent in self._sent.values() if sent.future is not None]
        if not futures:
            time.sleep(seconds)
            return
        nothing = contextlib.suppress(TimeoutError, distributed.CancelledError)
        with nothing, self._client.as_current():
            distributed.wait(futures, timeout=seconds, return_when="FIRST_COMPLETED")

    def _reply(self, ticket: int) -> Outcome | Lacking | None:
        """What became of a task; None if it goes on, or begins again."""
        sent = self._sent[ticket]
        if sent.future is None or sent.future.cancelled():
            # There was no worker for it; or the scheduler, or all workers, were restarted.
            self._place(ticket)
            return None
        if sent.future.status == "error":
            return Outcome(ticket, None, _reason(sent.future.exception()))
        if sent.future.status == "finished":
            try:
                reply = sent.future.result(timeout=_GATHER_SECONDS)
            except (TimeoutError, _distributed().CancelledError):
                # If the worker died before its result was here, the task is soon unfinished again.
                return None
            return self._unpack(ticket, reply)
        if sent.worker not in self._look_for_workers():
            return self._bury(ticket)
        return None

    def _unpack(self, ticket: int, reply: Done | Failed | Lacking) -> Outcome | Lacking:
        """Write the weights that came with the results."""
        if isinstance(reply, Lacking):
            return reply
        if isinstance(reply, Failed):
            return Outcome(ticket, None, reply.error)
        folder = self._sent[ticket].task.models_folder
        for trial, weights in reply.weights.items():
            assert folder is not None, "weights come only where they are asked for"
            write_bytes(model_path(folder, trial), weights)
        return Outcome(ticket, reply.results)

    def _bury(self, ticket: int) -> Outcome | None:
        """Give the task of a dead worker to another one, unless too many died with it."""
        sent = self._sent[ticket]
        self._holders -= {holder for holder in self._holders if holder[0] == sent.worker}
        self._client.cancel([sent.future])
        sent.deaths += 1
        if sent.deaths == _MOST_DEATHS:
            return Outcome(ticket, None, _lost(sent.deaths))
        self._place(ticket)
        return None

    def _send_data(self, key: str, tickets: list[int]) -> list[Outcome]:
        """Send a data set to the workers of some tasks, and start these again."""
        tasks = {ticket: self._sent[ticket] for ticket in tickets}
        workers = {sent.worker for sent in tasks.values()}
        if workers - self._checked:
            self._checked |= _require_same_version(self._client, self._address, self._tell_once)
        packed = self._pack(tasks[tickets[0]].experiment)
        with _while_scheduler_lives(self._address):
            replies = self._client.run(keep, packed, workers=sorted(workers), on_error="return")
        outcomes = []
        for ticket, sent in tasks.items():
            error = replies[sent.worker]
            if error is None or isinstance(error, OSError):
                # It has the data set now; or it is lost, which will be seen.
                self._holders.add((sent.worker, key))
                self._start(sent, sent.worker)
            else:
                outcomes.append(Outcome(ticket, None, _reason(error)))
        return outcomes

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._notify(message)

    def close(self) -> None:
        self._client.cancel([sent.future for sent in self._sent.values() if sent.future])
        self._open.close()


def _lost(times: int) -> str:
    return f"its worker died or was lost (killed, out of memory, cut off); workers lost: {times}"


@contextlib.contextmanager
def _while_scheduler_lives(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            f"{address}: the scheduler is gone; the sweep can be resumed, with another cluster too"
        ) from error


def _start_cluster(n_workers: int) -> Any:
    """A scheduler in this process, and single-threaded worker processes.

    They speak TLS with a key that nobody else has: a scheduler runs what it is sent.
    """
    config = importlib.import_module("dask").config
    # Nannies take it when they are made, and start workers anew with it.
    variables = {"distributed.nanny.pre-spawn-environ": dict(safe_environment())}
    try:
        with starting(), config.set(variables):
            return _distributed().LocalCluster(
                n_workers=n_workers,
                protocol="tls",
                security=_distributed().Security.temporary(),
                threads_per_worker=1,
                memory_limit=0,
                preload=[remote.__name__],
                # Any free port: without an address, Dask insists on its usual one.
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.ERROR,
            )
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            f"local:{n_workers}: the workers could not be started: {error}"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, _distributed().KilledWorker):
        return _lost(error.allowed_failures + 1)
    return f"{type(error).__name__}: {error}"


def _require_same_version(client: Any, address: str, notify: Notify) -> set[str]:
    """Return the addresses of all workers, if they and the scheduler run this isolet-nn."""
    here = versions()
    with _while_scheduler_lives(address):
        there = client.run(versions, on_error="return")
    found = {name: reply for name, reply in there.items() if not isinstance(reply, OSError)}
    workers = set(found)
    try:
        found["the scheduler"] = client.run_on_scheduler(versions)
    except Exception as error:
        found["the scheduler"] = error
    others = [
        f"{name}: {reply['isolet_nn'] if isinstance(reply, dict) else _reason(reply)}"
        for name, reply in sorted(found.items())
        if not isinstance(reply, dict) or reply["isolet_nn"] != here["isolet_nn"]
    ]
    if others:
        raise ClusterError(
            f"{address}: isolet-nn is {here['isolet_nn']} here, but not there; "
            "install the same version everywhere:\n" + "\n".join(others)
        )
    numpys = {found[name]["numpy"] for name in workers} - {here["numpy"]}
    if numpys:
        notify(
            f"{address}: NumPy is {here['numpy']} here, but on workers it is "
            f"{', '.join(sorted(numpys))}; results may differ in their last bits"
        )
    return workers
