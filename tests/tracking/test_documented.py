"""The observers for other trackers, as the documentation shows them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tools.examples import read_blocks

import isolet_nn

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "tracking.md"


class Recorder:
    """Stands for a package's run, and remembers what it is told by epoch."""

    def __init__(self, **_: Any) -> None:
        self.losses: dict[int, float] = {}
        self.summary: dict[str, float] = {}
        self.is_over = False

    def __setitem__(self, key: str, value: Any) -> None:
        assert (key, value["optimizer"]["name"]) == ("settings", "adam")

    def log(self, row: dict[str, float], step: int) -> None:
        self.losses[step] = row["train_loss"]

    def track(self, value: float, name: str, step: int) -> None:
        if name == "train_loss":
            self.losses[step] = value

    def finish(self, exit_code: int) -> None:
        self.is_over = exit_code == 0

    def close(self) -> None:
        self.is_over = True


@pytest.mark.parametrize("package", ["wandb", "aim"])
def test_an_observer_of_the_documentation_tells_its_package_of_every_epoch(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (b for b in read_blocks(PAGE) if f"import {package}" in b.text)
    made: list[Recorder] = []

    def make(**settings: Any) -> Recorder:
        made.append(Recorder(**settings))
        return made[-1]

    monkeypatch.setitem(sys.modules, package, SimpleNamespace(init=make, Run=make))
    monkeypatch.chdir(tmp_path)
    exec(compile(block.text, str(block), "exec"), {})
    (folder,) = (tmp_path / "runs").iterdir()
    run = isolet_nn.load_run(folder)
    assert made[0].losses == {n: row["train_loss"] for n, row in enumerate(run.history(), 1)}
    assert len(made[0].losses) == 20
    assert made[0].is_over
