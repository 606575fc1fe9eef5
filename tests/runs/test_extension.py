"""Completed runs that are continued: the bits of a run that was trained at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment, rows_without_seconds
from needs import BACKENDS

from isolet_nn import plots
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.execution import resume, train
from isolet_nn.runs.extension import extend
from isolet_nn.runs.folder import Run
from isolet_nn.runs.observers import Observer

ALL_AT_ONCE: dict[str, Any] = {
    "seed": 3,
    "ensemble": 2,
    "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
    "model__hidden_layers": [6],
    "model__dropout": 0.2,
    "model__input_noise": 0.1,
    "model__batch_normalization": True,
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training__batch_size": 16,
    "training__mixup": 0.2,
    "training__weight_averaging": {"name": "ema", "decay": 0.9},
    "training__schedule": {"name": "step", "epochs": 2, "gamma": 0.5},
    "training__early_stopping": {"patience": 8},
    "training__checkpoint_seconds": 0,
}
"""Everything that the state of a training holds."""
PLATEAU = {"name": "reduce_on_plateau", "patience": 0, "threshold": 0.3, "factor": 0.5}


@pytest.fixture(autouse=True)
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files in the place of plots."""

    def draw(*arguments: Any, **_: Any) -> None:
        (path,) = (argument for argument in arguments if isinstance(argument, Path))
        path.write_bytes(b"a plot")

    for name in ("plot_loss", "plot_accuracy", "plot_confusion_matrix"):
        monkeypatch.setattr(plots, name, draw)


def trained(folder: Path, epochs: int = 5, **changes: Any) -> Run:
    settings = {"training__early_stopping": None, "training__epochs": epochs}
    return train(make_experiment(**settings | changes), runs_dir=folder)


def assert_same_results(run: Run, other: Run) -> None:
    weights, expected = (r.path / "model.safetensors" for r in (run, other))
    assert weights.read_bytes() == expected.read_bytes()
    assert rows_without_seconds(run.history()) == rows_without_seconds(other.history())
    apart = ("started", "ended", "seconds", "grown_from")
    said, expected_words = (
        {k: v for k, v in r.summary.items() if k not in apart} for r in (run, other)
    )
    assert said == expected_words


def after_steps(count: int) -> Callable[[], bool]:
    asked = iter(range(10**6))
    return lambda: next(asked) >= count


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(ALL_AT_ONCE | {"training__keep_checkpoint": True}, id="from a checkpoint"),
        pytest.param(ALL_AT_ONCE, id="trained again"),
        pytest.param(
            ALL_AT_ONCE
            | {
                "training__keep_checkpoint": True,
                "training__evaluate_every": 2,
                "training__schedule": PLATEAU,
            },
            id="evaluated once more at its end",
        ),
        pytest.param(
            ALL_AT_ONCE
            | {
                "training__keep_checkpoint": True,
                "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
                "training__weight_averaging": "none",
                "training__schedule": PLATEAU,
                "training__early_stopping": None,
                "ensemble": 1,
            },
            id="sgd",
        ),
    ],
)
def test_an_extended_run_has_the_bits_of_one_that_its_config_trains_at_once(
    tmp_path: Path, backend: str, changes: dict[str, Any]
) -> None:
    origin = trained(tmp_path, **changes, backend=backend)
    extended = extend(origin.path, epochs=8, runs_dir=tmp_path)
    assert_same_results(extended, train(extended.path / "config.yaml", runs_dir=tmp_path))
    assert extended.summary["grown_from"] == {"run": str(origin.path), "epochs": 5}
    assert extended.summary["epochs"] == 8
    assert extended.has_checkpoint == ("training__keep_checkpoint" in changes)
    first = rows_without_seconds(extended.history())[:4]
    assert first == rows_without_seconds(origin.history())[:4]


def test_what_was_extended_can_be_extended_again(tmp_path: Path) -> None:
    origin = trained(tmp_path, 2, training__keep_checkpoint=True)
    once = extend(origin.path, epochs=3, runs_dir=tmp_path)
    twice = extend(once.path, epochs=6, runs_dir=tmp_path, name="longer")
    assert_same_results(twice, train(twice.path / "config.yaml", runs_dir=tmp_path))
    assert twice.experiment.name == "longer"


@pytest.mark.parametrize(
    ("keeps", "steps"), [(True, 0), (True, 20), (False, 0), (False, 20), (False, 55)]
)
def test_an_extension_that_is_interrupted_resumes_to_the_same_bits(
    tmp_path: Path, keeps: bool, steps: int
) -> None:
    changes = ALL_AT_ONCE | {"training__keep_checkpoint": keeps}
    origin = trained(tmp_path, **changes)
    stopped = extend(origin.path, epochs=9, runs_dir=tmp_path, should_stop=after_steps(steps))
    assert stopped.summary["status"] == "interrupted"
    resumed = resume(stopped.path)
    assert resumed.summary["grown_from"]["epochs"] == 5
    assert_same_results(resumed, train(resumed.path / "config.yaml", runs_dir=tmp_path))


def test_an_extension_that_is_killed_before_its_first_step_begins_with_the_old_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = trained(tmp_path, training__keep_checkpoint=True)

    class KilledError(Exception):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("isolet_nn.runs.recording.RecordedTraining.carry_out", die)
        with pytest.raises(KilledError):
            extend(origin.path, epochs=8, runs_dir=tmp_path)
    (killed,) = (path for path in tmp_path.iterdir() if path != origin.path)
    assert Run.open(killed).summary["status"] == "running"
    trained_here: list[int] = []

    class Counting(Observer):
        def on_epoch(self, training: Any, row: Any) -> None:
            trained_here.append(row["epoch"])

    resumed = resume(killed, observer=Counting())
    assert trained_here == [6, 7, 8]
    assert_same_results(resumed, train(killed / "config.yaml", runs_dir=tmp_path))


def test_without_the_run_it_grew_from_only_force_trains_old_epochs_uncompared(
    tmp_path: Path,
) -> None:
    origin = trained(tmp_path)
    stopped = extend(origin.path, epochs=8, runs_dir=tmp_path, should_stop=after_steps(8))
    origin.path.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"grown_from: was .*, is not there"):
        resume(stopped.path)
    done = resume(stopped.path, force=True)
    assert done.summary["overruled"] == [f"grown_from: was {origin.path}, is not there"]


def test_an_epoch_that_is_not_what_it_was_is_named_with_what_differs(tmp_path: Path) -> None:
    origin = trained(tmp_path)
    table = origin.path / "metrics.csv"
    rows = table.read_text().splitlines()
    loss = rows[3].split(",")[1]
    table.write_text("\n".join([*rows[:3], rows[3].replace(loss, "0.5"), *rows[4:], ""]))
    with pytest.raises(RunError, match=rf"epoch 3, .*: train_loss was 0\.5, is {loss}"):
        extend(origin.path, epochs=8, runs_dir=tmp_path)
    (failed,) = (path for path in tmp_path.iterdir() if path != origin.path)
    assert json.loads((failed / "summary.json").read_text())["status"] == "failed"
    assert extend(origin.path, epochs=8, runs_dir=tmp_path, force=True).summary["epochs"] == 8


def test_weights_that_are_not_what_they_were_are_named(tmp_path: Path) -> None:
    origin = trained(tmp_path)
    model = origin.path / "model.safetensors"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(bytes(content))
    with pytest.raises(RunError, match=r"epoch 5, .*: the weights [02]\.\w+ are others"):
        extend(origin.path, epochs=8, runs_dir=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training__schedule": "cosine"}, "training.schedule is cosine, which depends on the"),
        ({"training__schedule": "one_cycle"}, "training.schedule is one_cycle, which"),
        ({"training__weight_averaging": "swa"}, "training.weight_averaging is swa, which"),
        (
            {
                "training__epochs": 60,
                "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
                "training__early_stopping": {"patience": 1, "min_delta": 0.5},
            },
            "stopped early in epoch .*, and would stop there with more epochs too",
        ),
        (
            {
                "training__epochs": 2,
                "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
                "training__early_stopping": {"patience": 1, "min_delta": 0.5},
            },
            "stopped early in epoch 2",
        ),
        ({"optimizer": {"name": "sgd", "learning_rate": 1e30}}, "is failed; there is nothing to"),
    ],
)
def test_a_run_whose_first_epochs_would_be_others_is_refused_and_nothing_made(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    origin = trained(tmp_path, **changes)
    with pytest.raises((ConfigError, RunError), match=message):
        extend(origin.path, epochs=80, runs_dir=tmp_path)
    assert list(tmp_path.iterdir()) == [origin.path]


def test_an_unfinished_run_is_refused_with_the_command_that_ends_it(tmp_path: Path) -> None:
    stopped = train(make_experiment(), runs_dir=tmp_path, should_stop=after_steps(2))
    with pytest.raises(RunError, match=r"is interrupted; end it first with: .* train --resume "):
        extend(stopped.path, epochs=80, runs_dir=tmp_path)


def test_a_run_of_other_data_config_version_or_processor_is_refused_unless_forced(
    tmp_path: Path,
) -> None:
    origin = trained(tmp_path)
    path = origin.path / "environment.json"
    begun = json.loads(path.read_text())
    path.write_text(json.dumps(begun | {"isolet_nn": "0.0.1", "processor": "another"}))
    with pytest.raises(RunError, match=r"version: was \"0\.0\.1\"[^\n]*\nprocessor: was another"):
        extend(origin.path, epochs=8, runs_dir=tmp_path)
    forced = extend(origin.path, epochs=8, runs_dir=tmp_path, force=True)
    assert len(forced.summary["overruled"]) == 2
    assert forced.summary["status"] == "completed"
