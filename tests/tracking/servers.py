"""A server of MLflow, started by the tests, and what it has; and a way to it that is a bad one."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import Process


@dataclass(frozen=True)
class TrackedRun:
    """A run that a server has."""

    identity: str
    name: str
    status: str
    tags: dict[str, str]
    parameters: dict[str, str]
    metrics: dict[str, float]


class Server:
    """A real server, and what it answers when the tests ask it themselves."""

    def __init__(self, uri: str, database: Path) -> None:
        self.uri = uri
        self.database = f"sqlite:///{database}"

    def ask(self, method: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.uri}/api/2.0/mlflow/{method}", data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def runs(self, experiment: str) -> list[TrackedRun]:
        """The runs of an experiment, by their names."""
        found = self.ask(f"experiments/get-by-name?experiment_name={experiment}")
        identity = found["experiment"]["experiment_id"]
        runs = self.ask("runs/search", {"experiment_ids": [identity]}).get("runs", [])
        return sorted((_tracked(run) for run in runs), key=lambda run: run.name)

    def history(self, run: TrackedRun, metric: str) -> list[tuple[int, float]]:
        """Steps and values in their order, each as often as the server has it."""
        asked = f"metrics/get-history?run_id={run.identity}&metric_key={metric}"
        values = self.ask(asked).get("metrics", [])
        return sorted((value["step"], value["value"]) for value in values)

    def files(self, run: TrackedRun) -> set[str]:
        """The files of a run in its folder, and in those below."""
        found = set[str]()
        folders = [""]
        while folders:
            asked = f"artifacts/list?run_id={run.identity}&path={folders.pop()}"
            for file in self.ask(asked).get("files", []):
                (folders.append if file["is_dir"] else found.add)(file["path"])
        return found


def _tracked(run: Any) -> TrackedRun:
    info, data = run["info"], run["data"]
    tags, parameters, metrics = (
        {pair["key"]: pair["value"] for pair in data.get(kind, [])}
        for kind in ("tags", "params", "metrics")
    )
    return TrackedRun(info["run_id"], info["run_name"], info["status"], tags, parameters, metrics)


@contextlib.contextmanager
def started_server(folder: Path) -> Iterator[Server]:
    """A server with its database in a folder; it takes some seconds to begin."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = folder / "mlflow.db"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{database}", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "files")]
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "HOME": str(folder),
    }
    log = folder / "log"
    with (
        log.open("wb") as output,
        Process[bytes](
            command,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        server = Server(f"http://127.0.0.1:{port}", database)
        try:
            _wait_for(server, process, log)
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


def _wait_for(server: Server, process: Process[bytes], log: Path) -> None:
    until = time.monotonic() + 300.0
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError, urllib.error.URLError, http.client.HTTPException):
            if urllib.request.urlopen(f"{server.uri}/health", timeout=5).status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"no server: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


class BadWay:
    """A server before another one, or before none, that answers badly.

    Parameters
    ----------
    to
        Address of the server behind.
    treat
        What becomes of the n-th request: ``pass``, ``lose`` (passed on, and the answer lost),
        ``refuse`` (500), ``drop`` (the connection is closed), ``hang`` (until the end).
    """

    def __init__(self, to: str | None, treat: Callable[[int], str]) -> None:
        self.requests: list[str] = []
        self.headers: list[str | None] = []
        self._over = threading.Event()
        way = self
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    way.requests.append(f"{self.command} {self.path}")
                    way.headers.append(self.headers.get("Authorization"))
                    what = treat(len(way.requests))
                status, answer = 500, b"<html>not today</html>"
                if what in ("pass", "lose"):
                    status, answer = _passed_on(to, self, body)
                if what == "hang":
                    way._over.wait()
                if what in ("lose", "drop", "hang"):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> BadWay:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _passed_on(
    to: str | None, request: http.server.BaseHTTPRequestHandler, body: bytes
) -> tuple[int, bytes]:
    kept = {"Content-Type": request.headers.get("Content-Type", "application/json")}
    asked = urllib.request.Request(
        f"{to}{request.path}", body or None, kept, method=request.command
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
