"""Who hears of a training: told of everything, and never a reason to lose something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment, rows_without_seconds, same_arrays

import isolet_nn
from isolet_nn.runs.execution import resume, train
from isolet_nn.runs.folder import Run
from isolet_nn.runs.observers import Observer, Observers, Stop
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row

SMALL = make_experiment(training__epochs=3, training__batch_size=60)


@pytest.fixture(autouse=True)
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out pictures, which take most of the time."""
    monkeypatch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: None)
    monkeypatch.setattr("isolet_nn.runs.recording.write_evaluation", lambda *_, **__: None)


class Listening(Observer):
    """Remembers what it hears, and raises an error at one of them."""

    def __init__(self, raises_at: str = "") -> None:
        self.heard: list[str] = []
        self.raises_at = raises_at

    def hear(self, what: str) -> None:
        self.heard.append(what)
        if what == self.raises_at:
            raise RuntimeError("out of luck")

    def on_start(self, run: Run, dataset: Any, training: Training) -> None:
        self.hear("start")

    def on_step(self, training: Training) -> None:
        self.hear(f"step {training.epoch * training.steps_per_epoch + training.step}")

    def on_epoch(self, training: Training, row: Row) -> None:
        self.hear(f"epoch {row['epoch']}")

    def on_end(self, run: Run, training: Training) -> None:
        self.hear(f"end {run.summary['status']}")


def test_an_observer_that_hears_of_the_start_finds_the_folder_described(tmp_path: Path) -> None:
    class Looking(Observer):
        def on_start(self, run: Run, dataset: Any, training: Training) -> None:
            assert run.environment["experiment"] == run.experiment.model_dump(mode="json")
            found.append(run.summary["status"])

    found: list[str] = []
    train(SMALL, runs_dir=tmp_path, observer=Looking())
    assert found == ["running"]


def test_each_of_several_observers_hears_of_everything_and_at_the_end_how_it_ended(
    tmp_path: Path,
) -> None:
    one, other = Listening(), Listening()
    train(SMALL, runs_dir=tmp_path, observer=Observers([one, other]))
    assert one.heard == [
        "start", "step 1", "step 2", "epoch 1", "step 3", "step 4", "epoch 2",
        "step 5", "step 6", "epoch 3", "end completed",
    ]  # fmt: skip
    assert other.heard == one.heard


@pytest.mark.parametrize("moment", ["start", "step 1", "step 4", "epoch 2", "epoch 3"])
def test_nothing_is_lost_when_an_observer_raises(moment: str, tmp_path: Path) -> None:
    whole = train(SMALL, runs_dir=tmp_path / "whole")
    other = Listening()
    with pytest.raises(RuntimeError, match="out of luck"):
        train(SMALL, runs_dir=tmp_path, observer=Observers([other, Listening(moment)]))
    assert other.heard[-1] == ("end running" if moment == "start" else "end failed")
    (folder,) = (path.parent for path in tmp_path.glob("*/config.yaml"))
    run = Run.open(folder)
    assert run.summary["status"] == "failed"
    assert run.summary["error"] == "RuntimeError: out of luck"
    if moment == "epoch 3":
        assert not run.has_checkpoint  # nothing is left to be trained
    else:
        resume(folder)
        assert run.summary["status"] == "completed"
    assert rows_without_seconds(run.history()) == rows_without_seconds(whole.history())
    model, expected = (of.path / "model.safetensors" for of in (run, whole))
    assert model.read_bytes() == expected.read_bytes()


def test_an_error_at_the_end_leaves_the_run_as_it_ended(tmp_path: Path) -> None:
    other = Listening()
    observers = Observers([Listening("end completed"), other])
    with pytest.raises(RuntimeError, match="out of luck"):
        train(SMALL, runs_dir=tmp_path, observer=observers)
    (folder,) = (path.parent for path in tmp_path.glob("*/config.yaml"))
    assert Run.open(folder).summary["status"] == "completed"
    assert other.heard[-1] == "end completed"


def test_an_observer_hears_beside_the_one_that_shows_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    observer = Listening()
    isolet_nn.train(SMALL, runs_dir=tmp_path, progress=True, observer=observer)
    assert observer.heard[-1] == "end completed"
    assert "epoch 3/3" in capsys.readouterr().err


class Impatient(Observer):
    """Ends a training with an epoch."""

    def __init__(self, epoch: int, answer: Any = None) -> None:
        self.epoch, self.answer = epoch, answer or Stop("good enough")

    def on_epoch(self, training: Training, row: Row) -> Stop | None:
        answer: Stop | None = self.answer if row["epoch"] == self.epoch else None
        return answer


def test_an_observer_ends_a_training_as_if_the_epoch_had_been_the_last(tmp_path: Path) -> None:
    short = train(make_experiment(training__epochs=2, training__batch_size=60), runs_dir=tmp_path)
    observers = Observers([Impatient(2), other := Listening()])
    run = train(SMALL, runs_dir=tmp_path, observer=observers)
    assert run.summary["status"] == "completed"
    assert run.summary["stopped"] == "good enough"
    assert "stopped" not in short.summary
    assert other.heard[-2:] == ["epoch 2", "end completed"]
    assert run.summary["metrics"] == short.summary["metrics"]
    assert same_arrays(run.model().weights, short.model().weights)
    assert not run.has_checkpoint


def test_a_training_that_is_stopped_without_an_evaluation_has_its_final_metrics(
    tmp_path: Path,
) -> None:
    settings = {"training__epochs": 3, "training__evaluate_every": 3, "training__batch_size": 60}
    run = train(make_experiment(**settings), runs_dir=tmp_path, observer=Impatient(2))
    assert run.history()[-1]["test_accuracy"] is None
    assert run.summary["metrics"]["test_accuracy"] == isolet_nn.evaluate(run).accuracy


def test_what_is_no_way_to_stop_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="on_epoch returned True, which is neither None nor a Stop"):
        train(SMALL, runs_dir=tmp_path, observer=Impatient(1, answer=True))
