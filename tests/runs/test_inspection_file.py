"""inspection.csv: written as a run is trained, and the same whatever happens on the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment
from needs import BACKENDS

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import RunError
from isolet_nn.runs.execution import resume, train
from isolet_nn.runs.extension import extend
from isolet_nn.runs.inspection_file import read_inspection
from isolet_nn.runs.recording import RecordedTraining

each_backend = pytest.mark.parametrize("backend", BACKENDS)


def inspected(**changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "ensemble": 2,
        "model__hidden_layers": [6, 4],
        "model__batch_normalization": True,
        "model__dropout": 0.2,
        "training__epochs": 5,
        "training__batch_size": 16,
        "training__checkpoint_seconds": 0,
        "training__inspect": True,
    }
    return make_experiment(**settings | changes)


@pytest.fixture(autouse=True)
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordedTraining, "_draw_curves", lambda _: None)
    monkeypatch.setattr("isolet_nn.runs.recording.write_evaluation", lambda *_, **__: [])


def stop_after(steps: int) -> Any:
    left = iter(range(steps))
    return lambda: next(left, None) is None


@each_backend
def test_a_run_that_was_stopped_is_seen_as_one_that_was_not(tmp_path: Path, backend: str) -> None:
    experiment = inspected(backend=backend)
    whole = train(experiment, runs_dir=tmp_path)
    stopped = train(experiment, runs_dir=tmp_path, should_stop=stop_after(20))
    assert stopped.summary["status"] == "interrupted"
    assert len(read_inspection(stopped.path)) == 2 * 2 * 3
    with (stopped.path / "inspection.csv").open("a") as file:
        file.write("3,1,1,relu,6,0.")  # as if it had been killed while it wrote
    resume(stopped.path)
    texts = [(run.path / "inspection.csv").read_text() for run in (whole, stopped)]
    assert texts[0] == texts[1]
    records = read_inspection(whole.path)
    places = [(record.epoch, record.network, record.layer) for record in records]
    assert places == [(e, n, k) for e in range(1, 6) for n in (1, 2) for k in (1, 2, 3)]
    assert {record.activation for record in records} == {"relu", "softmax"}


def test_a_run_that_is_extended_has_the_epochs_that_it_grew_from(tmp_path: Path) -> None:
    short = inspected(training__epochs=3, training__keep_checkpoint=True)
    extended = extend(train(short, runs_dir=tmp_path).path, epochs=5, runs_dir=tmp_path)
    at_once = train(inspected(), runs_dir=tmp_path)
    assert read_inspection(extended.path) == read_inspection(at_once.path)


def test_a_run_that_is_not_inspected_has_no_file(tmp_path: Path) -> None:
    run = train(inspected(training__inspect=False, training__epochs=1), runs_dir=tmp_path)
    assert not (run.path / "inspection.csv").exists()
    assert read_inspection(run.path) == []


def test_all_epochs_of_a_run_are_inspected_or_none(tmp_path: Path) -> None:
    run = train(inspected(), runs_dir=tmp_path, should_stop=stop_after(20))
    config = run.path / "config.yaml"
    written = config.read_text()
    config.write_text(dump_yaml(inspected(training__inspect=False)))
    with pytest.raises(RunError, match=r"inspect: was true, is false; .* undo the change"):
        resume(run.path)
    config.write_text(written)
    (run.path / "inspection.csv").unlink()
    with pytest.raises(RunError, match="found 0 of the 2 epochs that checkpoint"):
        resume(run.path)


HEADER = (
    "epoch,network,layer,activation,units,gradient_norm,update_norm,weight_norm,"
    "activation_mean,activation_deviation,dead_units,saturated_share\n"
)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("epoch,layer\n", "found the columns"),
        (HEADER + "1,1,1,relu,6,0.5,0.1,1.0,0.3,0.2,1\n", "expected 12 cells"),
        (HEADER + "1,1,1,relu,6,zwei,0.1,1.0,0.3,0.2,1,\n", "found 'zwei', expected a number"),
        (HEADER + "1,1,1,relu,6,inf,0.1,1.0,0.3,0.2,1,\n", "found 'inf', expected a number"),
        (HEADER + "1,1,1,<b>,6,0.5,0.1,1.0,0.3,0.2,1,\n", "expected the name of an activation"),
        (HEADER + "1,1,1,relu,-6,0.5,0.1,1.0,0.3,0.2,1,\n", "expected a whole number"),
        (HEADER + "2,1,1,relu,6,0.5,0.1,1.0,0.3,0.2,1,\n", "found epoch 2"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "inspection.csv").write_text(lines)
    with pytest.raises(RunError, match=message) as error:
        read_inspection(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'inspection.csv'}: damaged: ")


def test_of_a_run_in_training_whole_epochs_are_read(tmp_path: Path) -> None:
    lines = [f"{e},1,{k},relu,6,0.5,0.1,1.0,0.3,0.2,1,\n" for e in (1, 2) for k in (1, 2)]
    (tmp_path / "inspection.csv").write_text(HEADER + "".join(lines)[:-20])
    (first, second) = read_inspection(tmp_path)
    assert dataclasses.astuple(first)[:5] == (1, 1, 1, "relu", 6)
    assert second.layer == 2
    assert (second.dead_units, second.saturated_share) == (1, None)
