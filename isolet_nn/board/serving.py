"""The board at an address: opened, served until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import gc
import ipaddress
import logging
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from isolet_nn.board.index import RunsIndex
from isolet_nn.errors import BackendUnavailableError, ConfigError

if TYPE_CHECKING:
    import uvicorn

PORT = 8617
"""617 features have the spoken letters."""
_NEEDED = ("starlette", "uvicorn", "plotly")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_GOODBYE = 1
"""Seconds that answers under way have, once it is to end."""
_PIECE, _PAUSE = 0.1, 0.005
"""Seconds for which the folder is read at a time, and between, when others have their turn."""


@dataclass(frozen=True)
class Board:
    """A board whose port is taken: whoever has its link is answered once it serves.

    Attributes
    ----------
    link
        With the token, if one is needed.
    is_local
        Whether only this machine reaches it.
    needs_token
        Whether the link is a secret.
    """

    link: str
    is_local: bool
    needs_token: bool
    index: RunsIndex
    _server: uvicorn.Server
    _socket: socket.socket

    def serve(self) -> None:
        """Answer until SIGINT or SIGTERM."""
        threading.Thread(target=self._read, daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # the signal, passed on when all is closed
            self._server.run(sockets=[self._socket])

    def _read(self) -> None:
        """Read the folder, while whoever asks meanwhile gets what there is."""
        while self.index.known(_PIECE).unread:
            time.sleep(_PAUSE)
        # What is known stays: to search it for garbage again and again would hold answers up.
        gc.freeze()

    def stop(self) -> None:
        """Let `serve`, which runs in another thread, return."""
        self._server.should_exit = True


def open_board(
    runs_dir: Path,
    host: str = "localhost",
    port: int = PORT,
    *,
    with_token: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Board:
    """Take a port for the board of a folder.

    Parameters
    ----------
    host
        A name or an address of this machine; others than the loopback's need a token.
    port
        0 is one that is free.
    with_token
        Whether there is a token on the loopback too.
    tell
        Hears of faults of the program.

    Raises
    ------
    BackendUnavailableError
        If what it is made with is not installed.
    RunError
        If there is no such folder.
    ConfigError
        If the address cannot be had.
    """
    _require_installed()
    import uvicorn

    from isolet_nn.board.app import make_app

    index = RunsIndex(runs_dir)
    taken = _bound(host, port)
    address, port = taken.getsockname()[:2]
    is_local = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    token = secrets.token_urlsafe(32) if with_token or not is_local else None
    names = _LOCAL | {host.lower(), address}
    if not is_local:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # requests are nobody's business
    config = uvicorn.Config(
        make_app(index, frozenset(names), token, tell),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_LONGEST_GOODBYE,
    )
    # The same port at another address may be another user's: no token is sent to a name.
    called = _called(address if is_local and token else host, address)
    link = f"http://{called}:{port}/" + (f"?token={token}" if token else "")
    return Board(link, is_local, token is not None, index, uvicorn.Server(config), taken)


def _require_installed() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise BackendUnavailableError(
            f"the board needs {', '.join(missing)}: pip install 'isolet-nn[board]'"
        )


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the address."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigError(
            f"--host: found {host!r}, which is no name or address of this machine; localhost is "
            "this machine alone, 0.0.0.0 all its addresses"
        ) from None
    family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    taken = socket.socket(family, kind, protocol)
    if sys.platform != "win32":  # where it would let two programs have one port
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(address)
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise ConfigError(_why_not_bound(host, port, error)) from None
    return taken


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"--port: {port} is taken, maybe by a board that is open already; end that, or give "
            "another one: --port 0 takes one that is free"
        )
    if error.errno == errno.EACCES:
        return f"--port: {port} may not be taken; ports from 1024 on may be, and --port 0 is free"
    return f"--host: {host} is no address of this machine: {error.strerror or error}"


def _called(host: str, address: str) -> str:
    """How the link names this machine."""
    if host == "localhost":
        return host
    if ipaddress.ip_address(address.partition("%")[0]).is_unspecified:
        return socket.gethostname()
    return f"[{address}]" if ":" in address else host


def open_browser(link: str) -> None:
    """Open a link in the browser of the desktop, if there is one; says nothing if that fails."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):  # only those for terminals could open, in the terminal of the board
        return

    def attempt() -> None:
        with contextlib.suppress(Exception):
            webbrowser.open(link)

    threading.Thread(target=attempt, daemon=True).start()
