"""A few runs, boards that show them, and what an index says of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from board.boards import Served, serving
from board.large_folders import QUICK
from isolet_nn.board.index import RunsIndex
from isolet_nn.config.loading import load_experiment
from isolet_nn.runs.execution import train


@pytest.fixture
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a board look at its folder whenever it is asked."""
    monkeypatch.setattr("isolet_nn.board.index._LONGEST_WAIT", 0.0)


@pytest.fixture
def is_asked_often(looks_at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let browsers ask several times a second."""
    monkeypatch.setattr("isolet_nn.board.answers._LATEST", 0.2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs, which no test changes."""
    folder = tmp_path_factory.mktemp("runs")
    for seed, rate in ((0, 0.01), (1, 0.01), (0, 0.001)):
        changes = {
            "training.epochs": 2,
            "seed": seed,
            "optimizer": {"name": "adam", "learning_rate": rate},
        }
        train(load_experiment(QUICK, changes), runs_dir=folder)
    return folder


@pytest.fixture(scope="module")
def served(trained: Path) -> Iterator[Served]:
    with serving(trained) as board:
        yield board


Look = Callable[[], dict[str, Any]]


@pytest.fixture
def looked(looks_at_once: None, tmp_path: Path) -> Look:
    """What an index says of a folder, each time that it is asked."""
    index = RunsIndex(tmp_path)

    def look() -> dict[str, Any]:
        return {name: known.entry for name, known in index.known().known.items()}

    return look
