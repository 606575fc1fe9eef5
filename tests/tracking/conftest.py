"""A server of MLflow for all tests that ask for one, and trackers that lose no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tracking.servers import Server, started_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trackers send at once, tell nobody else, and draw no pictures but one."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr("isolet_nn.tracking.sender._SHARE", 1e9)
    monkeypatch.setattr("isolet_nn.tracking.sender._INTERVAL", 0.02)
    monkeypatch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: None)
    monkeypatch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda *_: [])
