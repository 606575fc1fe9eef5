"""Boards that serve at a free port of this machine, and what they answer."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from isolet_nn.board.serving import Board, open_board


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Served:
    board: Board
    told: list[str]

    @property
    def link(self) -> str:
        return self.board.link.partition("?")[0].rstrip("/")

    def ask(self, target: str, method: str = "GET", **headers: str | None) -> Reply:
        """Send one request with exactly this target; underscores in headers are hyphens."""
        address = urlsplit(self.board.link)
        connection = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=60)
        given = {"host": address.netloc} | {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


@contextmanager
def serving(runs_dir: Path, **options: Any) -> Iterator[Served]:
    told: list[str] = []
    board = open_board(runs_dir, port=0, tell=told.append, **options)
    thread = threading.Thread(target=board.serve)
    thread.start()
    try:
        yield Served(board, told)
    finally:
        board.stop()
        thread.join()
