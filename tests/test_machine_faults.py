"""What a machine may do to the command: full disks, folders that are gone, odd names, signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import in_full

NN = [sys.executable, "-m", "isolet_nn"]
SCRIPT = [str(Path(sys.executable).with_name("isolet-nn"))]
SWEEP = "experiment: quickstart\nset: {training.epochs: 2}\nseeds: 2\n"

pytestmark = pytest.mark.slow


def nn(*arguments: object, cwd: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NN, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=120
    )


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    """A sweep's file."""
    file = tmp_path / "s.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return file


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(mount, capture_output=True).returncode == 0:
            yield folder
            subprocess.run(["umount", str(folder)], check=True)
            return
    pytest.skip("only root may mount a small disk")


def test_a_full_disk_is_named_by_a_sweep(small_disk: Path, swept: Path) -> None:
    done = nn("sweep", swept, "--workers", "1", "--runs-dir", small_disk, cwd=small_disk.parent)
    assert done.returncode == 1
    (folder,) = small_disk.iterdir()
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: {folder}/.data/0/")
    assert last.endswith("No space left on device (--debug shows where)")
    assert not (folder / ".data").exists()


@pytest.mark.parametrize(
    "command",
    [("train", "quickstart", "--epochs", "1"), ("sweep", "FILE", "--workers", "1")],
    ids=["train", "sweep"],
)
def test_a_current_folder_that_was_removed_is_not_needed(
    command: tuple[str, ...], swept: Path, tmp_path: Path
) -> None:
    words = [str(swept) if word == "FILE" else word for word in command]
    gone, runs = tmp_path / "gone", tmp_path / "runs"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(gone), *SCRIPT, *words, "-q", "--runs-dir", str(runs)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = runs.iterdir()
    assert done.stdout == f"{run}\n"


def test_names_that_are_not_utf_8_are_names_like_others(tmp_path: Path) -> None:
    runs, file = "r\udcff", tmp_path / "s\udcfe.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    for command in (
        ("train", "quickstart", "--epochs", "1", "--runs-dir", runs),
        ("sweep", file.name, "--workers", "2", "--runs-dir", runs),
    ):
        done = nn(*command, "-q", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(r"r\xff/")
    run, swept = sorted((tmp_path / runs).iterdir(), key=lambda path: path.name.endswith("sweep"))
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    assert environment["command_line"][-2] == runs
    other = tmp_path / runs / "other\udcfd"
    other.symlink_to(run)
    readings = [
        ("eval", run, "--json"),
        ("runs", runs),
        ("plot", swept),
        ("compare", run, other),
        ("eval", run),
        ("runs", runs, "--json"),
        ("plot", run),
        ("sweep", "--resume", swept),
    ]
    for reading in readings[: in_full(few=4, many=8)]:
        done = nn(*reading, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_cluster_starts_leaves_one_line(
    number: signal.Signals, swept: Path, tmp_path: Path
) -> None:
    for delay in (1.5, 2.5):
        process = subprocess.Popen(
            [*NN, "sweep", str(swept), "--cluster", "local:1", "--set", "training.epochs=100000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        if number == signal.SIGTERM and err == "":  # before anybody listened to it
            assert process.returncode in (-number, 130)
            continue
        assert process.returncode == 130, err
        assert not re.search("Traceback|Error|assert", err), err
        assert err.splitlines()[-1].startswith("interrupted")


if sys.platform != "win32":
    import fcntl
    import pty
    import struct
    import termios


def screen(shown: str, columns: int) -> list[str]:
    """The lines that a terminal shows in the end."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", shown, re.DOTALL):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif piece == "\x1b[1A":
            row -= 1
        elif not piece.startswith("\x1b"):
            if column == columns:
                row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            line = lines[row].ljust(column)
            lines[row] = line[:column] + piece + line[column + 1 :]
            column += 1
        lines += [""] * (row + 1 - len(lines))
    return lines


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_ctrl_c_does_not_double_the_line_of_progress(
    command: str, swept: Path, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    words = {
        "train": ["train", "quickstart", "--epochs", "100000"],
        "sweep": ["sweep", str(swept), "--set", "training.epochs=100000", "--workers", "1"],
    }[command]
    begun = {"train": r"epoch [1-9]", "sweep": r"0:00:0[1-9]"}[command]
    process = subprocess.Popen(
        [*NN, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that ^C comes from the keys
    )
    os.close(theirs)
    shown, pressed = "", False
    with contextlib.suppress(OSError):
        while chunk := os.read(ours, 1 << 16):
            shown += chunk.decode(errors="replace")
            if not pressed and re.search(begun, shown):
                pressed = True
                os.write(ours, b"\x03")
    os.close(ours)
    assert process.wait() == 130
    assert "^C" in shown
    lines = [line for line in screen(shown, 80) if re.search(r"^(epoch )?\d+/\d+", line)]
    assert len(lines) == 1, repr(shown)
