from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from isolet_nn.config import IsoletDataset
from isolet_nn.data import download, isolet_files, load_table
from isolet_nn.errors import DataError, DownloadError

from .conftest import Isolet


class Server:
    """A web server on this machine that behaves as told, one word a request.

    ``ok`` serves the content; ``slow`` in small pieces; ``truncated`` half of it, although it
    announces all; ``short`` half of it, announcing nothing; ``page`` HTML; ``stuck`` nothing, ever;
    a number is an HTTP status. The last word holds for all further requests.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.behaviour = ["ok"]
        self.requests = 0
        self.closing = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                word = outer.behaviour[min(outer.requests, len(outer.behaviour) - 1)]
                outer.requests += 1
                outer.answer(self, word)

            def log_message(self, *_: object) -> None:
                pass

        class QuietServer(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that goes away is part of the tests."""

        self.http = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/isolet.zip"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler, word: str) -> None:
        if word.isdigit():
            handler.send_error(int(word))
            return
        if word == "stuck":
            self.closing.wait(20)
            return
        body = b"<html>Sorry</html>" if word == "page" else self.content
        half = len(body) // 2
        handler.send_response(200)
        if word != "short":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if word in ("truncated", "short"):
            handler.wfile.write(body[:half])
        elif word == "slow":
            step = len(body) // 20
            for start in range(0, len(body), step):
                handler.wfile.write(body[start : start + step])
                self.closing.wait(0.02)
        else:
            handler.wfile.write(body)

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(isolet_archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(isolet_archive.read_bytes())
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_waiting_and_no_openml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once, and let OpenML be out of reach unless a test says otherwise."""
    import pooch.core
    import sklearn.datasets

    def unreachable(**_: object) -> None:
        raise OSError("OpenML is out of reach")

    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", unreachable)


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_isolet_is_downloaded_on_first_use_and_never_again(
    server: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = download.isolet
    monkeypatch.setattr(download, "isolet", lambda folder: original(folder, server.url))
    config = IsoletDataset(name="isolet")
    table = load_table(config)
    assert len(table.y) == 7797
    assert table.source == str(own_cache / "isolet" / "isolet.zip")
    load_table(config)
    assert server.requests == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        ["ok"],
        ["slow"],
        ["500", "ok"],
        ["503", "truncated", "ok"],
        ["short", "ok"],
        ["page", "ok"],
        ["truncated", "truncated", "truncated", "ok"],
    ],
)
def test_the_file_arrives_whole_after_failures_that_pass(
    server: Server, isolet_archive: Path, tmp_path: Path, behaviour: list[str]
) -> None:
    server.behaviour = behaviour
    source = download.isolet(tmp_path / "to", server.url)
    assert source.paths == (tmp_path / "to" / "isolet.zip",)
    assert source.paths[0].read_bytes() == isolet_archive.read_bytes()
    assert server.requests == len(behaviour)
    assert names_in(tmp_path / "to") == {"isolet.zip"}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("404", "404 Client Error"),
        ("500", "500 Server Error"),
        ("truncated", "IncompleteRead|broken"),
        ("short", "what came: damaged, or no zip archive"),
        ("page", "what came: damaged, or no zip archive"),
    ],
)
def test_failures_that_last_end_with_an_explanation_and_leave_no_file(
    server: Server, tmp_path: Path, word: str, reason: str
) -> None:
    server.behaviour = [word]
    with pytest.raises(DownloadError, match=reason) as caught:
        download.isolet(tmp_path / "to", server.url)
    assert server.requests == 1 + download.RETRIES
    assert names_in(tmp_path / "to") == set()
    message = str(caught.value)
    assert server.url in message
    assert "OpenML data set 300: OpenML is out of reach" in message
    assert "dataset.dir (--data-dir)" in message
    assert caught.value.exit_code == 1


def test_a_server_that_falls_silent_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_SECONDS_OF_SILENCE", 0.2)
    monkeypatch.setattr(download, "RETRIES", 1)
    server.behaviour = ["stuck"]
    with pytest.raises(DownloadError, match="timed out"):
        download.isolet(tmp_path / "to", server.url)
    assert server.requests == 2


def test_without_a_server_the_error_says_what_to_do(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{unused_port()}/isolet.zip"
    with pytest.raises(DownloadError, match=r"Get https://archive.ics.uci.edu/.+ in another way"):
        download.isolet(tmp_path / "to", url)


def test_a_file_that_never_ends_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolet_files, "MAX_BYTES", 1_000_000)
    with pytest.raises(DownloadError, match="more than 1,000,000 bytes"):
        download.isolet(tmp_path / "to", server.url)
    assert names_in(tmp_path / "to") == set()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, server: Server) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be downloaded to"):
        download.isolet(tmp_path / "file" / "to", server.url)
    assert server.requests == 0


def test_an_archive_of_something_else_is_not_taken(server: Server, tmp_path: Path) -> None:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "something else")
    server.content = buffer.getvalue()
    with pytest.raises(DownloadError, match=r"no member isolet1\+2\+3\+4\.data"):
        download.isolet(tmp_path / "to", server.url)
    assert names_in(tmp_path / "to") == set()


def test_a_download_of_another_process_is_used(
    server: Server, tmp_path: Path, isolet_archive: Path
) -> None:
    (tmp_path / "isolet.zip").write_bytes(isolet_archive.read_bytes())
    download.isolet(tmp_path, server.url)
    assert server.requests == 0


PROGRAM = """
import sys
from pathlib import Path
from isolet_nn.data import download
print("ready", flush=True)
sys.stdin.readline()
print(download.isolet(Path(sys.argv[1]), sys.argv[2]))
"""


def test_two_processes_download_once(server: Server, tmp_path: Path) -> None:
    server.behaviour = ["slow"]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "to"), server.url]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.strip() == str(tmp_path / "to" / "isolet.zip")
    assert server.requests == 1


def test_a_killed_download_leaves_nothing_that_is_taken_for_the_file(
    server: Server, tmp_path: Path, isolet_archive: Path
) -> None:
    server.behaviour = ["slow"]
    folder = tmp_path / "to"
    command = [sys.executable, "-c", PROGRAM, str(folder), server.url]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while not any(path.stat().st_size for path in folder.glob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert not (folder / "isolet.zip").exists()
    server.behaviour = ["ok"]
    source = download.isolet(folder, server.url)
    assert source.paths[0].read_bytes() == isolet_archive.read_bytes()


def test_the_bar_goes_to_stderr(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    download.isolet(tmp_path / "to", server.url)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Downloading ISOLET" in err
    assert "9.4/9.4 MB" in err


# OpenML, when UCI does not answer.


def openml_copy(isolet: Isolet) -> SimpleNamespace:
    values = np.loadtxt([*isolet.train, *isolet.test], delimiter=",")
    return SimpleNamespace(data=values[:, :-1], target=[str(int(y)) for y in values[:, -1]])


def test_openml_steps_in_when_uci_fails_and_is_kept_like_a_download(
    server: Server,
    isolet: Isolet,
    isolet_archive: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sklearn.datasets

    asked: list[dict[str, Any]] = []

    def fetch_openml(**arguments: Any) -> SimpleNamespace:
        asked.append(arguments)
        return openml_copy(isolet)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    server.behaviour = ["404"]
    source = download.isolet(own_cache / "isolet", server.url)
    assert source.paths == (own_cache / "isolet" / "data.csv",)
    assert asked[0]["data_id"] == 300
    table = load_table(IsoletDataset(name="isolet"))
    assert table.groups is not None
    assert len(table.y) == 7797


@pytest.mark.parametrize("rows", [100, 7797])
def test_what_openml_sends_must_look_like_isolet(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    import sklearn.datasets

    wrong = SimpleNamespace(data=np.zeros((rows, 5)), target=["1"] * rows)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **_: wrong)
    server.behaviour = ["404"]
    with pytest.raises(DownloadError, match=r"OpenML data set 300: found rows and features"):
        download.isolet(tmp_path / "to", server.url)
    assert names_in(tmp_path / "to") == set()


def test_an_archive_with_other_content_is_refused_after_the_download(
    server: Server, own_cache: Path, tmp_path: Path
) -> None:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in ("isolet1+2+3+4", "isolet5"):
            archive.writestr(f"{part}.data", "0.1, 0.2, 1.\n")
    server.content = buffer.getvalue()
    download.isolet(own_cache / "isolet", server.url)
    with pytest.raises(DataError, match=r"found 3 values(.|\n)*delete it, and it is downloaded"):
        load_table(IsoletDataset(name="isolet"))
