"""What a user names as a file may be none: nothing waits for it, and a message says what it is."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from isolet_nn.cli import app as cli
from isolet_nn.config.datasets import BundledDataset, CsvDataset
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_raw
from isolet_nn.data.cache import CACHE_VARIABLE
from isolet_nn.errors import DataError
from isolet_nn.runs.execution import train
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep as run_sweep
from isolet_nn.system.files import UnreadableFileError, open_file, read_bytes, read_text, write_text

if os.name == "nt":
    pytest.skip("has no named pipes among its files", allow_module_level=True)
assert sys.platform != "win32"  # for mypy

Maker = Callable[[Path], object]


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may not be long
        server.bind(path.name)
        os.chdir(here)


NO_FILES: dict[str, Maker] = {
    "it is a named pipe, not a file": os.mkfifo,
    "it is a folder, not a file": os.mkdir,
    "it is a device, not a file": lambda path: path.symlink_to("/dev/zero"),
    "Too many levels of symbolic links": lambda path: path.symlink_to(path),
}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Let a test fail that waits for a pipe."""

    def fail(*_: object) -> NoReturn:
        raise AssertionError("waits for what is no file")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("message", NO_FILES)
def test_only_files_are_opened(message: str, tmp_path: Path) -> None:
    path = tmp_path / "there"
    NO_FILES[message](path)
    with pytest.raises(OSError, match=message) as caught:
        open_file(path)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("message", [m for m in NO_FILES if "links" not in m])
def test_what_is_no_file_is_not_replaced_by_one(message: str, tmp_path: Path) -> None:
    path = tmp_path / "there"
    NO_FILES[message](path)
    before = path.lstat()
    with pytest.raises(OSError, match=message) as caught:
        write_text(path, "a file")
    assert caught.value.filename == str(path)
    assert path.lstat() == before
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_that_leads_in_a_circle_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.symlink_to(path)
    write_text(path, "a file")
    assert read_text(path) == "a file"


def test_a_socket_is_no_file(tmp_path: Path) -> None:
    make_socket(tmp_path / "there")
    with pytest.raises(OSError, match=r"No such device or address|it is a socket"):
        open_file(tmp_path / "there")


def test_a_name_with_a_zero_byte_is_an_error_like_others(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"null (byte|character)"):
        open_file(tmp_path / "a\0b")


def test_a_file_is_read_up_to_its_limit_and_not_beyond(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("größer\r\n".encode())
    assert read_text(path, 10) == "größer\r\n"
    assert read_bytes(path, 10) == path.read_bytes()
    with pytest.raises(UnreadableFileError, match="it holds more than 9 bytes"):
        read_bytes(path, 9)


@pytest.mark.skipif(not Path("/proc/meminfo").is_file(), reason="has no files of unknown size")
def test_a_file_that_tells_no_size_is_bounded_too() -> None:
    assert read_bytes(Path("/proc/meminfo"))
    with pytest.raises(UnreadableFileError, match="it holds more than 10 bytes"):
        read_bytes(Path("/proc/meminfo"), 10)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of a run, and that of a sweep."""
    runs = tmp_path_factory.mktemp("runs")
    experiment = {"dataset": {"name": "xor"}, "training": {"epochs": 1}}
    sweep = {"experiment": experiment, "grid": {"training.batch_size": [1, 4]}, "workers": 1}
    return {
        "run": train(load_experiment(experiment), runs_dir=runs).path,
        "sweep": run_sweep(load_sweep(sweep), runs_dir=runs).path,
    }


def end_of(*arguments: object) -> object:
    """Run a command; the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["isolet-nn", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
    return end.value.code


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The message of a command that the user is to blame for."""
    code = end_of(*arguments)
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith("error: ")
    return captured.err


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        ("run", "config.yaml", ["train"]),
        ("run", "config.yaml", ["eval", ".."]),
        ("run", "config.yaml", ["plot", ".."]),
        ("run", "config.yaml", ["train", "--resume", ".."]),
        ("run", "environment.json", ["eval", ".."]),
        ("run", "model.safetensors", ["eval", ".."]),
        ("run", "metrics.csv", ["plot", ".."]),
        ("run", "summary.json", ["train", "--resume", ".."]),
        ("run", "confusion_matrix.csv", ["plot", "..", "--kind", "confusion"]),
        ("sweep", "sweep.yaml", ["sweep"]),
        ("sweep", "sweep.yaml", ["sweep", "--resume", ".."]),
        ("sweep", "sweep.yaml", ["plot", ".."]),
        ("sweep", "trials.jsonl", ["plot", ".."]),
        ("sweep", "trials.jsonl", ["sweep", "--resume", ".."]),
    ],
)
def test_a_command_says_which_of_its_files_is_none(
    kind: str,
    name: str,
    command: list[str],
    make: Maker,
    finished: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / kind
    shutil.copytree(finished[kind], folder)
    (folder / name).unlink()
    make(folder / name)
    arguments = [str(folder) if argument == ".." else argument for argument in command]
    if len(arguments) == 1:
        arguments.append(str(folder / name))
    message = refusal(capsys, *arguments)
    assert str(folder / name) in message
    assert "not a file" in message


@pytest.mark.parametrize("name", ["config.yaml", "summary.json"])
def test_a_pipe_in_a_run_folder_does_not_keep_the_others_from_being_listed(
    name: str, finished: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished["run"], tmp_path / "20260101-000000-good")
    shutil.copytree(finished["run"], tmp_path / "20260101-000001-bad")
    (tmp_path / "20260101-000001-bad" / name).unlink()
    os.mkfifo(tmp_path / "20260101-000001-bad" / name)
    assert not end_of("runs", tmp_path)
    listing = capsys.readouterr().out
    assert "completed" in listing
    assert "damaged" in listing


@pytest.mark.parametrize("key", ["path", "test_path"])
@pytest.mark.parametrize("message", NO_FILES)
def test_a_table_that_is_no_file_is_named_with_its_key(
    message: str, key: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("x,y\n1,a\n2,b\n")
    NO_FILES[message](tmp_path / "there")
    paths = {"path": str(tmp_path / "table.csv")} | {key: str(tmp_path / "there")}
    with pytest.raises(DataError, match=rf"^dataset\.{key}: .*there: cannot be read: {message}"):
        load_raw(CsvDataset.model_validate({"name": "csv"} | paths))


@pytest.mark.parametrize("suffix", ["json", "x.npy"])
@pytest.mark.parametrize("message", NO_FILES)
def test_what_is_no_file_in_the_cache_is_done_without(
    message: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    config = BundledDataset(name="iris")
    checksum = load_raw(config).checksum
    (path,) = (tmp_path / "arrays").glob(f"iris-*.{suffix}")
    path.unlink()
    NO_FILES[message](path)
    assert load_raw(config).checksum == checksum
