"""What the shell offers, asked as bash and zsh ask it: through the environment of a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from isolet_nn.config.shipped import list_configs

PROGRAM = Path(sys.executable).with_name("isolet-nn")
"""The shell asks the installed command, whose name is part of the question."""


def completions(shell: str, line: str, folder: Path, *options: str) -> tuple[list[str], str]:
    """What is offered at the end of a command line, its last word incomplete; and stderr."""
    words = f"isolet-nn {line}"
    asked = {
        "_ISOLET_NN_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
    }
    done = subprocess.run(
        [sys.executable, *options, str(PROGRAM)],
        env=os.environ | asked,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if shell == "bash":
        return done.stdout.split(), done.stderr
    return re.findall(r'^[^"]*"([^"]+)"', done.stdout, re.MULTILINE), done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "two").mkdir()
    (tmp_path / "runs" / "one" / "config.yaml").touch()
    (tmp_path / "runs" / "two" / "sweep.yaml").touch()
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "data.csv").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("train quick", ["quickstart"]),
        ("train mi", ["mine.yaml"]),
        ("runs de", ["delete"]),
        ("runs --col", ["--columns"]),
        ("sweep report/figure5", ["report/figure5_learning_rate_by_hidden"]),
        ("data show i", ["isolet", "iris"]),
        ("eval runs/", ["runs/one", "runs/two/"]),
        ("train --resume runs/o", ["runs/one"]),
        ("sweep --resume runs/t", ["runs/two"]),
        ("train quickstart --set training.ep", ["training.epochs="]),
        ("train quickstart --set optimizer=adam", ["optimizer=adam", "optimizer=adamw"]),
        ("train quickstart --backend t", ["torch"]),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes(shell: str, line: str, expected: list[str], folder: Path) -> None:
    assert completions(shell, line, folder) == (expected, "")


def test_completion_loads_nothing_heavy(folder: Path) -> None:
    for line in ("train q", "train quickstart --set m", "data show i", "eval r"):
        _, imported = completions("bash", line, folder, "-X", "importtime")
        assert "isolet_nn.terminal.completion" in imported
        for module in ("numpy", "sklearn", "matplotlib", "torch", "yaml"):
            assert not re.search(rf"\| +{module}$", imported, re.MULTILINE), (line, module)


def test_all_shipped_configs_can_be_copied_by_completion(folder: Path) -> None:
    offered, _ = completions("bash", "configs copy ", folder)
    assert offered == [config.name for config in list_configs()]
