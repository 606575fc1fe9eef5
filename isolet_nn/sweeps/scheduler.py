"""A Dask scheduler: one that is reached, or started on this machine, and seen to fit.

Everything that Dask or the network may answer becomes an error in words here.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import re
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from isolet_nn.errors import BackendUnavailableError, ClusterError, ConfigError
from isolet_nn.sweeps import remote
from isolet_nn.sweeps.remote import versions
from isolet_nn.system.processes import safe_environment, starting

CONNECT_SECONDS = 10.0
"""How long a scheduler may take to answer."""
_MOST_GREETING = 1 << 20
"""Bytes of the longest greeting that is taken for one of a scheduler; they have some hundreds."""
_STRANGER = "what answers there is no Dask scheduler"

Notify = Callable[[str], None]


def local_workers(address: str) -> int | None:
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


def distributed() -> Any:
    """Dask's package, without its types."""
    return package("distributed")


def package(name: str) -> Any:
    """One of the packages that come with the extra for clusters."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendUnavailableError(
            f"a cluster needs {name}, which is not installed; install it with: "
            "pip install 'isolet-nn[dask]'"
        ) from error


def connect(address: Any) -> Any:
    """A client of a scheduler at an address, or of a cluster started here."""
    try:
        if isinstance(address, str):
            _require_scheduler(address)
        return distributed().Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
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
    security = distributed().Security()
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
    comms = importlib.import_module("distributed.comm")

    async def ask() -> Any:
        comm = await comms.connect(address, timeout=CONNECT_SECONDS, **arguments)
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    answer = await asyncio.wait_for(ask(), CONNECT_SECONDS)
    kind = answer.get("type") if isinstance(answer, dict) else None
    if kind != "Scheduler":
        raise _StrangerError(f"a {kind} is there" if kind else _STRANGER)


def lost(times: int) -> str:
    """That workers were lost with a task."""
    return f"its worker died or was lost (killed, out of memory, cut off); workers lost: {times}"


@contextlib.contextmanager
def while_scheduler_lives(address: str) -> Iterator[None]:
    """Say in words that a scheduler no longer answers.

    Raises
    ------
    ClusterError
        If it is gone.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            f"{address}: the scheduler is gone; the sweep can be resumed, with another cluster too"
        ) from error


def start_cluster(n_workers: int, gpus: Sequence[str] = ()) -> Any:
    """A scheduler in this process, and single-threaded worker processes.

    `gpus` are what CUDA calls those that the workers share out among themselves.

    They speak TLS with a key that nobody else has: a scheduler runs what it is sent.
    """
    config = importlib.import_module("dask").config
    # Nannies take it when they are made, and start workers anew with it.
    environment = {**safe_environment(), **({remote.GPUS: ",".join(gpus)} if gpus else {})}
    variables = {"distributed.nanny.pre-spawn-environ": environment}
    try:
        with starting(), config.set(variables):
            return distributed().LocalCluster(
                n_workers=n_workers,
                protocol="tls",
                security=distributed().Security.temporary(),
                threads_per_worker=1,
                memory_limit=0,
                preload=[remote.__name__],
                # Any free port: without an address, Dask insists on its usual one.
                dashboard_address="127.0.0.1:0",
                # Workers that are stopped while they connect call that an error.
                silence_logs=logging.CRITICAL,
            )
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            f"local:{n_workers}: the workers could not be started: {error}"
        ) from error


def reason(error: Exception) -> str:
    """Why a task came to nothing."""
    if isinstance(error, distributed().KilledWorker):
        return lost(error.allowed_failures + 1)
    return f"{type(error).__name__}: {error}"


def require_same_version(client: Any, address: str, notify: Notify) -> set[str]:
    """Return the addresses of all workers, if they and the scheduler run this isolet-nn."""
    here = versions()
    with while_scheduler_lives(address):
        there = client.run(versions, on_error="return")
    found = {name: reply for name, reply in there.items() if not isinstance(reply, OSError)}
    workers = set(found)
    try:
        found["the scheduler"] = client.run_on_scheduler(versions)
    except Exception as error:
        found["the scheduler"] = error
    others = [
        f"{name}: {reply['isolet_nn'] if isinstance(reply, dict) else reason(reply)}"
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
