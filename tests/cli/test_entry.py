"""The first moments of the command: Ctrl-C, and Python files that happen to lie in the folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from needs import in_full
from processes import Process

NN = [sys.executable, "-m", "isolet_nn"]
SCRIPT = [str(Path(sys.executable).with_name("isolet-nn"))]

pytestmark = pytest.mark.slow


DELAYS = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
FEW_DELAYS = (0.06, 0.15, 0.3, 0.7)


@pytest.mark.parametrize("command", [NN, SCRIPT], ids=["module", "script"])
def test_ctrl_c_prints_no_traceback_at_any_moment(command: list[str], tmp_path: Path) -> None:
    began = []
    for delay in in_full(FEW_DELAYS, DELAYS):
        with Process(
            [*command, "train", "quickstart", "--epochs", "100000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        ) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        # Before the package's first line Python itself answers, in its own words.
        if "isolet_nn/" in err or "interrupted" in err or process.returncode == 130:
            began.append(delay)
            assert process.returncode == 130, err
            assert "Traceback" not in err
            assert err.splitlines()[-1].startswith("interrupted")
    assert began


def test_an_interrupt_that_python_cannot_raise_comes_again(tmp_path: Path) -> None:
    code = (
        "import time, signal, weakref\n"
        "from isolet_nn import __main__\n"
        "from isolet_nn.runs import xor\n"
        "class Thing: pass\n"
        "def work(*_, **__):\n"
        "    thing = Thing()\n"
        "    mark = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))\n"
        "    del thing\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "xor.count_solved = work\n"
        "import sys\n"
        "sys.argv = ['isolet-nn', 'xor', '--trials', '2']\n"
        "__main__.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


SHADOWS = ("queue", "random", "numpy", "yaml", "typing", "signal", "rich", "json")
"""Modules of the standard library and of others, imported by the program and by Dask."""


def lay_traps(folder: Path, *names: str) -> None:
    """Write Python files that leave a trace when they are imported."""
    for name in names:
        text = f"open({str(folder / 'executed')!r}, 'a').write({name + chr(10)!r})\n"
        (folder / f"{name}.py").write_text(text, encoding="utf-8")


def executed(folder: Path) -> str:
    trace = folder / "executed"
    return trace.read_text(encoding="utf-8") if trace.exists() else ""


def run(command: list[str], folder: Path, *arguments: str, **changes: str) -> str:
    """Run a command in a folder, see that it succeeds, and return what it says."""
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        env={**os.environ, **changes},
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


BENCH = ("bench", "--dataset", "random", "--epochs", "1", "--rounds", "1", "--engine", "numpy")
SWEEP = "experiment: quickstart\nset: {training.epochs: 1}\nseeds: 2\n"


@pytest.mark.parametrize("path", [os.pathsep, "."])
def test_nothing_is_imported_from_the_current_folder_by_training(path: str, tmp_path: Path) -> None:
    lay_traps(tmp_path, *SHADOWS)
    train = ("train", "quickstart", "--epochs", "1")
    run(NN, tmp_path, *train)
    run(SCRIPT, tmp_path, *train)
    assert executed(tmp_path) == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep", "s.yaml", "--workers", "2"),
        ("sweep", "s.yaml", "--cluster", "local:2"),
        (*BENCH, "--hidden", "4", "--batch-size", "1000"),
        ("bench", "sweep", "s.yaml", "--no-loop"),
    ],
    ids=["workers", "cluster", "bench", "bench sweep"],
)
def test_nothing_is_imported_from_the_current_folder_by_workers(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "s.yaml").write_text(SWEEP, encoding="utf-8")
    lay_traps(tmp_path, "types", *SHADOWS)
    run(SCRIPT, tmp_path, *arguments)
    assert executed(tmp_path) == ""


def test_an_empty_name_in_the_search_path_does_not_mean_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SWEEP, encoding="utf-8")
    lay_traps(tmp_path, "queue", "random", "numpy", "yaml")
    path = os.pathsep.join(["", "."])
    run(SCRIPT, tmp_path, "sweep", "s.yaml", "--workers", "2", PYTHONPATH=path)
    assert executed(tmp_path) == ""
