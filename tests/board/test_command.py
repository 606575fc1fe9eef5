"""The command `isolet-nn board` as a process: what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from processes import Process
from typer.testing import CliRunner

from isolet_nn.board.serving import Board
from isolet_nn.cli.app import app

pytestmark = pytest.mark.slow


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_it_prints_its_link_serves_and_ends_by_ctrl_c_as_done(trained: Path) -> None:
    command = [sys.executable, "-m", "isolet_nn", "board", str(trained), "--port", "0", "--no-open"]
    root = Path(__file__).parents[2]
    with Process(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as board:
        assert board.stdout is not None
        link = board.stdout.readline().strip()
        with urllib.request.urlopen(f"{link}documents/table") as answer:
            assert b'"there": 3' in answer.read()
            board.send_signal(signal.SIGINT)
        out, err = board.communicate(timeout=60)
    assert (board.returncode, out) == (0, "")
    assert err == f"{trained}: shown at this address until Ctrl-C\n"


def test_no_browser_is_started_with_a_secret_in_its_arguments(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("isolet_nn.board.serving.open_browser", opened.append)
    monkeypatch.setattr(Board, "serve", lambda board: board._socket.close())
    for options in ([], ["--token"], ["--no-open"]):
        result = CliRunner().invoke(app, ["board", str(trained), "--port", "0", *options])
        assert result.exit_code == 0
    assert len(opened) == 1
    assert "token" not in opened[0]
