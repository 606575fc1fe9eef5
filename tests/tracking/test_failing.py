"""Trackers that are slow, wrong, away or not installed: one warning, and all of it later."""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import make_experiment

import isolet_nn
from isolet_nn.errors import ConfigError
from isolet_nn.runs.execution import train
from isolet_nn.runs.folder import Run
from isolet_nn.tracking.later import send_missed
from isolet_nn.tracking.observers import TrainingTracker
from tracking.servers import BadWay, Server

SMALL = make_experiment(training__epochs=3)


def tracked(folder: Path, *names: str) -> tuple[Run, list[str]]:
    """A run that trackers hear of, and the warnings."""
    warnings: list[str] = []
    observer = TrainingTracker(names, warnings.append)
    run = train(SMALL, runs_dir=folder, observer=observer)
    assert run.summary["status"] == "completed"
    return run, warnings


def assert_whole(server: Server, experiment: str, run: Run) -> None:
    """That a server has a run once, with every epoch once, and all files."""
    (found,) = server.runs(experiment)
    assert found.status == "FINISHED"
    expected = [(n, row["train_loss"]) for n, row in enumerate(run.history(), 1)]
    assert server.history(found, "train_loss") == expected
    assert "model.safetensors" in server.files(found)


def test_answers_that_are_late_wrong_or_lost_leave_neither_gap_nor_duplicate(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {3: "lose", 5: "lose", 9: "refuse", 14: "drop", 20: "lose", 30: "refuse"}
    with BadWay(server.uri, lambda n: bad.get(n, "pass")) as way:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", way.uri)
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "bad way")
        run, warnings = tracked(tmp_path, "mlflow")
        if warnings:
            (warning,) = warnings
            assert (
                f"nothing is lost: what is missing there is sent by `isolet-nn track {run.path}`"
                in warning
            )
        for _ in range(5):  # as often as a person has to
            if [error for _, error in send_missed(run.path)] == [None]:
                break
        assert len(way.requests) > 30
    assert_whole(server, "bad%20way", run)


@pytest.mark.parametrize(
    ("treat", "words"),
    [
        ("refuse", "answers 500 500 Internal Server Error"),
        ("drop", "closed connection without response"),
        ("hang", "takes too long"),
    ],
)
def test_a_server_that_fails_costs_one_warning_and_little_time(
    treat: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.tracking.sender.SILENCE_SECONDS", 0.3)
    with BadWay(None, lambda _: treat) as way:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", way.uri)
        run, (warning,) = tracked(tmp_path, "mlflow")
        assert warning.startswith(f"mlflow: {way.uri}: ")
        assert words in warning
        assert f"`isolet-nn track {run.path}`" in warning


def test_what_a_dead_server_missed_is_sent_later_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "later")
    run, (warning,) = tracked(tmp_path, "mlflow")
    assert warning.startswith("mlflow: http://127.0.0.1:9: ")
    ((tracker, error),) = send_missed(run.path)
    assert tracker.name == "mlflow"
    assert error is not None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    for _ in range(2):
        assert [error for _, error in send_missed(run.path)] == [None]
    assert_whole(server, "later", run)


def test_trackers_that_are_not_installed_are_told_how_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mlflow", "tensorboard.compat.proto"):
        monkeypatch.setitem(sys.modules, name, None)
    _, warnings = tracked(tmp_path, "mlflow", "tensorboard")
    ours, theirs = sorted(warnings)
    assert "pip install 'mlflow>=3.1'" in ours
    assert "pip install 'isolet-nn[tracking]'" in theirs


def test_a_package_that_cannot_be_imported_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlflow.py").write_text("raise ImportError('no name service')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    (warning,) = tracked(tmp_path / "runs", "mlflow")[1]
    assert "cannot be imported (no name service)" in warning


def test_a_password_reaches_the_server_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadWay(None, lambda _: "refuse") as way:
        address = way.uri.replace("://", "://me:se%40cret@")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        run, (warning,) = tracked(tmp_path, "mlflow")
    assert "cret" not in warning
    assert way.uri in warning
    for path in run.path.rglob("*"):
        assert path.is_dir() or b"cret" not in path.read_bytes()
    assert way.headers[0] == f"Basic {base64.b64encode(b'me:se@cret').decode()}"


@pytest.mark.filterwarnings("ignore")  # of what its database's package warns of
def test_a_store_on_this_machine_is_reached_by_mlflow_s_own_package(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where its files go
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.database)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "local")
    run, warnings = tracked(tmp_path, "mlflow")
    assert warnings == []
    (found,) = server.runs("local")
    assert found.status == "FINISHED"
    assert [step for step, _ in server.history(found, "train_loss")] == [1, 2, 3]
    assert run.path.name == found.name


def test_tracking_that_nobody_asked_for_begins_no_thread_and_writes_nothing(tmp_path: Path) -> None:
    before = threading.active_count()
    run = isolet_nn.train(SMALL, runs_dir=tmp_path)
    assert threading.active_count() == before
    assert not {"tracking.json", "tensorboard"} & {path.name for path in run.path.iterdir()}
    with pytest.raises(ConfigError, match="nothing tracks it; name a tracker: --track mlflow"):
        list(send_missed(run.path))


def test_a_tracker_waits_for_its_share_of_the_processor_while_work_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from isolet_nn.tracking.sender import Sender

    monkeypatch.setattr("isolet_nn.tracking.sender._SHARE", 1e-6)
    begun = threading.Event()

    def send(pause: Callable[[], None]) -> None:
        begun.set()

    asked = threading.Semaphore(0)

    def clock() -> float:
        asked.release()
        return 50_000.0 if begun_with else 0.0

    begun_with: list[str] = []
    sender = Sender(send, 0.1, clock)
    begun_with.append("half of the 0.1 s in 100,000")
    sender.tell()
    for _ in range(4):
        asked.acquire()
    assert not begun.is_set()
    sender.end()
    sender.wait()
    assert begun.is_set()
    assert sender.complete
