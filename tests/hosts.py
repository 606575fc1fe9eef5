"""Hosts with addresses of their own: network namespaces, joined by a link that can be disturbed.

They are made within a user namespace, where that is allowed, so that nothing of the machine's own
network is touched; else by root. All of it ends with its processes.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NEEDED = ("ip", "tc", "unshare", "nsenter", "sleep")
_SECONDS = 10.0


@dataclass(frozen=True)
class Host:
    """A namespace, held by a process that sleeps.

    Attributes
    ----------
    enter
        What goes before a command that is to run there.
    address
        Its address on the link.
    device
        Its end of the link.
    """

    enter: tuple[str, ...]
    address: str
    device: str

    def run(self, *command: str) -> str:
        """What a command prints there; raises RuntimeError with what it says if it fails."""
        return _run(*self.enter, *command)


class Link:
    """The link between two hosts, as the first one sends on it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def cut(self) -> None:
        """Let nothing through any more, without a word to anyone."""
        self._host.run("ip", "link", "set", self._host.device, "down")

    def mend(self) -> None:
        """Let everything through again."""
        self._host.run("ip", "link", "set", self._host.device, "up")

    def disturb(self) -> None:
        """Make it slow, and let it lose packets."""
        qdisc = ("tc", "qdisc", "replace", "dev", self._host.device, "root")
        try:
            self._host.run(*qdisc, "netem", "delay", "20ms", "loss", "2%")
        except RuntimeError:  # a kernel without netem: what a short queue has no room for is lost
            self._host.run(*qdisc, *["tbf", "rate", "8mbit", "burst", "3k", "limit", "12k"])

    def lost(self) -> int:
        """How many packets it has lost since it was disturbed."""
        told = self._host.run("tc", "-s", "qdisc", "show", "dev", self._host.device)
        return int(told.partition("dropped ")[2].partition(",")[0])


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


@functools.cache
def why_no_hosts() -> str | None:
    """Why this machine cannot have such hosts; None if it can."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not found; on Debian: apt-get install -y iproute2 util-linux"
    try:
        with two_hosts():
            return None
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return f"network namespaces are not allowed here: {error}"


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host, Link]]:
    """Two hosts and the link between them, of which the first host has the near end.

    Raises
    ------
    RuntimeError
        If they are not allowed.
    """
    with ExitStack() as stack:
        user: tuple[str, ...] = ("--user", "--map-root-user")
        try:
            _run("unshare", *user, "--net", "true")
        except RuntimeError:  # then root may do without
            user = ()
        into = ("--user", "--preserve-credentials") if user else ()
        first = stack.enter_context(_namespace((), *user))
        enter = ("nsenter", "--target", str(first), *into, "--net")
        second = stack.enter_context(_namespace(enter))
        near = Host(enter, "10.99.0.1", "near")
        far = Host(("nsenter", "--target", str(second), *into, "--net"), "10.99.0.2", "far")
        pair = ("near", "type", "veth", "peer", "name", "far", "netns", str(second))
        near.run("ip", "link", "add", *pair)
        for host in (near, far):
            host.run("ip", "address", "add", f"{host.address}/24", "dev", host.device)
            for device in ("lo", host.device):
                host.run("ip", "link", "set", device, "up")
        yield near, far, Link(near)


@contextmanager
def _namespace(enter: tuple[str, ...], *options: str) -> Iterator[int]:
    """A new network namespace; yields the number of the process that holds it."""
    own = _network_of("self")
    command = [*enter, "unshare", *options, "--net", "sleep", "infinity"]
    process: subprocess.Popen[Any] = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + _SECONDS
        # It is `unshare` first, and `sleep` once it is where it should be.
        while not _runs(process.pid, "sleep") or _network_of(process.pid) == own:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(command)}: came to nothing")
            time.sleep(0.01)
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def _network_of(pid: int | str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def _runs(pid: int, name: str) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == name
    except OSError:
        return False
