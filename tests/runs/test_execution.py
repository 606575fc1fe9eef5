"""Experiments carried out in run folders: equal bits twice, after a stop, and after a crash."""

from __future__ import annotations

import csv
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_experiment, rows_without_seconds
from needs import BACKENDS, needs_torch

from isolet_nn import plots
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.metrics import METRICS as ALL_METRICS
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.execution import evaluate, resume, train
from isolet_nn.runs.folder import Run
from isolet_nn.runs.observers import Observer
from isolet_nn.system.machine import available_cores
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row

METRICS = [f"{s}_{m}" for s in ("train", "validation", "test") for m in ("loss", "accuracy")]
COMPLETE = {
    "config.yaml",
    "environment.json",
    "metrics.csv",
    "summary.json",
    "model.safetensors",
    "preprocessing.json",
    "confusion_matrix.csv",
    "calibration.csv",
    "plots/loss.png",
    "plots/accuracy.png",
    "plots/confusion_matrix.png",
}


def eventful(**changes: Any) -> Experiment:
    """An experiment on iris in which everything happens that a state must hold."""
    settings: dict[str, Any] = {
        "seed": 3,
        "ensemble": 2,
        "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
        "model__hidden_layers": [6, 4],
        "model__dropout": 0.2,
        "model__input_dropout": 0.1,
        "model__input_noise": 0.1,
        "model__batch_normalization": True,
        "model__max_norm": 2.0,
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training__epochs": 12,
        "training__batch_size": 16,
        "training__mixup": 0.2,
        "training__weight_averaging": {"name": "ema", "decay": 0.9},
        "training__schedule": "cosine",
        "training__early_stopping": {"patience": 8},
        "training__evaluate_every": 2,
        "training__checkpoint_seconds": 0,
    }
    return make_experiment(**settings | changes)


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files in the place of plots, which most of these tests do not look at."""

    def draw(*arguments: Any, **_: Any) -> None:
        (path,) = (argument for argument in arguments if isinstance(argument, Path))
        path.write_bytes(b"a plot")

    for name in ("plot_loss", "plot_accuracy", "plot_confusion_matrix"):
        monkeypatch.setattr(plots, name, draw)


def files_of(run: Run) -> set[str]:
    return {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}


def metric_rows(run: Run) -> list[dict[str, str]]:
    return rows_without_seconds(run.history())


def assert_equal_results(run: Run, other: Run) -> None:
    """Equal bytes of the model, equal metrics and summary but for names and times."""
    model, expected = (r.path / "model.safetensors" for r in (run, other))
    assert model.read_bytes() == expected.read_bytes()
    assert metric_rows(run) == metric_rows(other)
    table, expected = (r.path / "confusion_matrix.csv" for r in (run, other))
    assert table.read_bytes() == expected.read_bytes()
    timeless = [
        {k: v for k, v in r.summary.items() if k not in ("started", "ended", "seconds")}
        for r in (run, other)
    ]
    assert timeless[0] == timeless[1]


def after_steps(count: int) -> Callable[[], bool]:
    """A `should_stop` that says yes from the given time of asking on."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > count

    return should_stop


def strict_json(path: Path) -> Any:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{path} holds {constant}, which is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_a_completed_run_s_folder_holds_everything_and_nothing_else(tmp_path: Path) -> None:
    experiment = eventful()
    run = train(experiment, runs_dir=tmp_path)
    assert files_of(run) == COMPLETE
    for name in ("loss", "accuracy", "confusion_matrix"):
        assert (run.path / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert load_experiment(run.path / "config.yaml") == experiment

    with (run.path / "metrics.csv").open() as file:
        header, *lines = csv.reader(file)
    assert header == ["epoch", *METRICS, "seconds"]
    assert [int(line[0]) for line in lines] == list(range(1, len(lines) + 1))

    summary = strict_json(run.path / "summary.json")
    assert summary["status"] == "completed"
    assert summary["error"] is None
    assert summary["epochs"] == len(lines)
    assert tuple(summary["metrics"]) == ALL_METRICS
    best = summary["best_validation_epoch"]
    assert summary["epoch"] == best  # early stopping restores it
    row = run.history()[best - 1]
    assert {name: summary["metrics"][name] for name in METRICS} == {
        name: row[name] for name in METRICS
    }
    # Two networks; a normalised layer has scales and shifts instead of biases.
    assert summary["parameters"] == 2 * ((4 + 2) * 6 + (6 + 2) * 4 + (4 + 1) * 3)
    assert summary["seconds"] == pytest.approx(sum(r["seconds"] or 0 for r in run.history()))

    environment = strict_json(run.path / "environment.json")
    assert environment["dataset"] == {"name": "iris", "checksum": summary["dataset_checksum"]}
    assert environment["threads"] == available_cores()
    assert environment["packages"]["numpy"]
    assert environment["python"] == sys.version.split()[0]
    assert environment["command_line"] == sys.argv


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_experiment_twice_gives_the_same_bytes(
    backend: str, tmp_path: Path, no_plots: None
) -> None:
    first, second = (train(eventful(backend=backend), runs_dir=tmp_path) for _ in range(2))
    assert first.path != second.path
    assert_equal_results(second, first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_s_own_config_gives_the_same_bytes_again(
    backend: str, tmp_path: Path, no_plots: None
) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(dump_yaml(eventful(backend=backend)))
    first = train(file, runs_dir=tmp_path / "runs")
    again = train(first.path / "config.yaml", runs_dir=tmp_path / "elsewhere")
    assert (again.path / "config.yaml").read_bytes() == (first.path / "config.yaml").read_bytes()
    assert_equal_results(again, first)


def test_another_seed_gives_other_weights(tmp_path: Path, no_plots: None) -> None:
    runs = [train(eventful(seed=seed), runs_dir=tmp_path) for seed in (3, 4)]
    models = [(run.path / "model.safetensors").read_bytes() for run in runs]
    assert models[0] != models[1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("steps", [0, 1, 5, 6, 7, 23, 40])
def test_an_interrupted_run_resumes_to_the_bits_of_an_undisturbed_one(
    backend: str, steps: int, tmp_path: Path, no_plots: None
) -> None:
    experiment = eventful(backend=backend, training__checkpoint_seconds=1000)
    undisturbed = train(experiment, runs_dir=tmp_path)
    run = train(experiment, runs_dir=tmp_path, should_stop=after_steps(steps))
    summary = strict_json(run.path / "summary.json")
    assert summary["status"] == "interrupted"
    assert summary["error"] is None
    assert run.has_checkpoint
    assert len(run.history()) == summary["epochs"] < 12
    with pytest.raises(RunError, match="the run is interrupted"):
        run.model()
    resumed = resume(run.path)
    assert resumed.path == run.path
    assert files_of(run) == COMPLETE
    assert run.summary["started"] == summary["started"]
    assert_equal_results(run, undisturbed)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_interrupted_again_and_again_ends_with_the_same_bits(
    backend: str, tmp_path: Path, no_plots: None
) -> None:
    experiment = eventful(backend=backend)
    undisturbed = train(experiment, runs_dir=tmp_path)
    run = train(experiment, runs_dir=tmp_path, should_stop=after_steps(4))
    resumes = 0
    while run.summary["status"] == "interrupted":
        resume(run.path, should_stop=after_steps(4))
        resumes += 1
        assert resumes < 100
    assert resumes > 5
    assert_equal_results(run, undisturbed)


def test_a_wish_to_stop_that_comes_with_the_last_step_completes_the_run(
    tmp_path: Path, no_plots: None
) -> None:
    experiment = make_experiment(training__epochs=1, training__batch_size=1000)
    run = train(experiment, runs_dir=tmp_path, should_stop=after_steps(1))
    assert run.summary["status"] == "completed"
    assert files_of(run) == COMPLETE


def test_a_torn_last_line_does_not_keep_a_run_from_resuming(tmp_path: Path, no_plots: None) -> None:
    undisturbed = train(eventful(), runs_dir=tmp_path)
    run = train(eventful(), runs_dir=tmp_path, should_stop=after_steps(20))
    with (run.path / "metrics.csv").open("a") as file:
        file.write("3,0.12345,0.")
    resume(run.path)
    assert_equal_results(run, undisturbed)


def test_epochs_after_the_last_checkpoint_are_trained_again(tmp_path: Path, no_plots: None) -> None:
    undisturbed = train(eventful(), runs_dir=tmp_path)
    run = train(eventful(), runs_dir=tmp_path, should_stop=after_steps(20))
    done = run.history()
    for epoch in (1, 2):
        run.append_metrics({**done[-1], "epoch": len(done) + epoch, "train_loss": 1e9})
    resume(run.path)
    assert_equal_results(run, undisturbed)


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    tmp_path: Path, no_plots: None
) -> None:
    undisturbed = train(eventful(), runs_dir=tmp_path)
    run = train(eventful(), runs_dir=tmp_path, should_stop=after_steps(20))
    run.remove_checkpoint()
    run.write_summary({"status": "running", "started": run.summary["started"]})
    (run.path / "metrics.csv").unlink()
    resume(run.path)
    assert_equal_results(run, undisturbed)


def test_a_completed_run_is_not_resumed(tmp_path: Path, no_plots: None) -> None:
    run = train(eventful(), runs_dir=tmp_path)
    model = (run.path / "model.safetensors").read_bytes()
    with pytest.raises(RunError, match="the run is completed; there is nothing to resume"):
        resume(run.path)
    assert (run.path / "model.safetensors").read_bytes() == model


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_diverging_run_is_failed_and_says_why_and_is_not_resumed(
    backend: str, tmp_path: Path, no_plots: None
) -> None:
    experiment = eventful(backend=backend, optimizer={"name": "sgd", "learning_rate": 1e30})
    run = train(experiment, runs_dir=tmp_path)
    summary = strict_json(run.path / "summary.json")
    assert summary["status"] == "failed"
    assert "diverged" in summary["error"]
    assert "learning_rate" in summary["error"]
    assert run.history() == []
    assert files_of(run) == {"config.yaml", "environment.json", "metrics.csv", "summary.json"}
    with pytest.raises(RunError, match="failed and left nothing to resume"):
        resume(run.path)


def test_epochs_before_a_divergence_are_kept(tmp_path: Path, no_plots: None) -> None:
    # The learning rate of one cycle rises until the weights of a deep network run away.
    experiment = make_experiment(
        model__hidden_layers=[30, 30],
        optimizer={"name": "sgd", "learning_rate": 1e8},
        training__epochs=30,
        training__batch_size=1000,
        training__schedule={"name": "one_cycle", "rise": 0.9, "initial_divisor": 1e10},
    )
    run = train(experiment, runs_dir=tmp_path)
    summary = strict_json(run.path / "summary.json")
    assert summary["status"] == "failed"
    assert 0 < summary["epochs"] == len(run.history()) < 30
    assert (summary["metrics"], summary["epoch"]) == ({}, None)
    assert (run.path / "plots" / "loss.png").exists()


class Stumbling(Observer):
    """Raises an error in some epoch."""

    def __init__(self, epoch: int, error: BaseException) -> None:
        self.epoch, self.error = epoch, error

    def on_epoch(self, training: Training, row: Row) -> None:
        if row["epoch"] == self.epoch:
            raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("out of luck"), "failed"),
        (OSError(28, "No space left on device"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_error_in_the_middle_leaves_a_folder_that_can_be_read_and_resumed(
    error: BaseException, status: str, tmp_path: Path, no_plots: None
) -> None:
    undisturbed = train(eventful(), runs_dir=tmp_path / "undisturbed")
    with pytest.raises(type(error)):
        train(eventful(), runs_dir=tmp_path, observer=Stumbling(3, error))
    (folder,) = (path.parent for path in tmp_path.glob("*/config.yaml"))
    run = Run.open(folder)
    summary = strict_json(run.path / "summary.json")
    assert summary["status"] == status
    interrupted = isinstance(error, KeyboardInterrupt)
    assert summary["error"] == (None if interrupted else f"{type(error).__name__}: {error}")
    assert summary["epochs"] == len(run.history()) == 3
    resume(run.path)
    assert_equal_results(run, undisturbed)


CHILD = """
import resource, sys
from isolet_nn.runs.execution import resume, train
folder, file, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
if file == "resume":
    resume(folder)
else:
    train(file, runs_dir=folder)
"""


def child(folder: Path, file: Path | str, limit: int = 0) -> subprocess.Popen[bytes]:
    """A process that trains or resumes; it can write no file larger than `limit` bytes."""
    command = [sys.executable, "-c", CHILD, str(folder), str(file), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def only_run(folder: Path) -> Run:
    (path,) = (path.parent for path in folder.glob("*/config.yaml"))
    return Run.open(path)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "checkpoints"), [(3000, False), (9000, True)])
def test_a_full_disk_leaves_a_folder_that_can_be_read_and_resumed_if_a_checkpoint_fitted(
    limit: int, checkpoints: bool, tmp_path: Path, no_plots: None
) -> None:
    # Files that may not grow fail in the middle of a line or a tensor, as on a full disk.
    experiment = eventful(training__epochs=40, training__early_stopping=None)
    undisturbed = train(experiment, runs_dir=tmp_path / "undisturbed")
    file = tmp_path / "experiment.yaml"
    file.write_text(dump_yaml(experiment))
    with child(tmp_path / "runs", file, limit) as process:
        assert process.stderr is not None
        assert b"File too large" in process.stderr.read()
    run = only_run(tmp_path / "runs")
    summary = strict_json(run.path / "summary.json")
    assert summary["status"] == "failed"
    assert "File too large" in summary["error"]
    assert metric_rows(run) == metric_rows(undisturbed)[: len(run.history())]
    assert run.has_checkpoint == checkpoints
    if checkpoints:
        resume(run.path)
        assert_equal_results(run, undisturbed)
    else:
        with pytest.raises(RunError, match=r"left nothing to resume .* train anew from"):
            resume(run.path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "kills", "epochs"),
    [("numpy", 3, 300), pytest.param("torch", 1, 100, marks=needs_torch)],
)
def test_a_run_killed_at_any_moment_resumes_to_the_bits_of_an_undisturbed_one(
    backend: str, kills: int, epochs: int, tmp_path: Path, no_plots: None
) -> None:
    experiment = eventful(backend=backend, training__epochs=epochs, training__early_stopping=None)
    undisturbed = train(experiment, runs_dir=tmp_path / "undisturbed")
    file, runs = tmp_path / "experiment.yaml", tmp_path / "runs"
    file.write_text(dump_yaml(experiment))
    chance = random.Random(backend)
    with child(runs, file) as process:
        kill_in_the_middle(process, runs, chance)
    run = only_run(runs)
    for _ in range(kills - 1):
        with child(run.path, "resume") as process:
            kill_in_the_middle(process, runs, chance)
    assert run.summary["status"] == "running"
    resume(run.path)
    assert_equal_results(run, undisturbed)
    assert {name for name in files_of(run) if not name.startswith(".")} == COMPLETE


def kill_in_the_middle(process: subprocess.Popen[bytes], runs: Path, chance: random.Random) -> None:
    """Kill a process at a random moment after it has trained a few epochs."""
    before = lines_of_metrics(runs)
    deadline = time.monotonic() + 60
    while lines_of_metrics(runs) < before + 3:
        assert time.monotonic() < deadline, "nothing happened for a minute"
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.1))
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"


def lines_of_metrics(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/metrics.csv"))


def test_a_run_is_not_resumed_while_another_process_holds_its_lock(
    tmp_path: Path, no_plots: None
) -> None:
    run = train(eventful(), runs_dir=tmp_path, should_stop=after_steps(10))
    before = (run.path / "metrics.csv").read_bytes()
    with run.locked(), pytest.raises(RunError, match="another process is working on it"):
        resume(run.path)
    assert (run.path / "metrics.csv").read_bytes() == before
    resume(run.path)
    assert run.summary["status"] == "completed"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    chance = random.Random(0)
    lines = [f"{chance.gauss(n % 2, 1)},{chance.gauss(0, 1)},{'ab'[n % 2]}" for n in range(60)]
    path.write_text("\n".join(["x,y,class", *lines]) + "\n")
    return path


def test_a_run_is_neither_resumed_nor_evaluated_on_other_data(
    table: Path, tmp_path: Path, no_plots: None
) -> None:
    dataset = {"name": "csv", "path": str(table), "validation": {"fraction": 0.2}}
    experiment = eventful(dataset=dataset)
    complete = train(experiment, runs_dir=tmp_path / "runs")
    run = train(experiment, runs_dir=tmp_path / "runs", should_stop=after_steps(10))
    kept = table.read_text()
    table.write_text(kept + "0.5,0.5,a\n")
    with pytest.raises(RunError, match=r"no longer the run that was begun .*\ndata: was "):
        resume(run.path)
    with pytest.raises(RunError, match="the data is not what the run was trained on"):
        evaluate(complete)
    table.write_text(kept)
    resume(run.path)
    assert_equal_results(run, complete)
    assert evaluate(complete).accuracy == complete.summary["metrics"]["test_accuracy"]


@needs_torch
@pytest.mark.parametrize("backend", BACKENDS)
def test_evaluating_a_run_gives_the_metrics_it_ended_with(
    backend: str, tmp_path: Path, no_plots: None
) -> None:
    run = train(eventful(backend=backend), runs_dir=tmp_path)
    metrics = run.summary["metrics"]
    for split in ("test", "validation"):
        evaluation = evaluate(run, split=split)
        assert evaluation.loss == metrics[f"{split}_loss"]
        assert evaluation.accuracy == metrics[f"{split}_accuracy"]
    assert evaluate(run, split="train").n == 96
    other = {"numpy": "torch", "torch": "numpy"}[backend]
    assert evaluate(run.path, backend=other).loss == pytest.approx(metrics["test_loss"], rel=1e-5)


@pytest.mark.parametrize("validation", ["none", {"folds": 3, "fold": 1}])
def test_a_run_leaves_the_test_split_to_a_later_evaluation_on_request(
    validation: Any, tmp_path: Path, no_plots: None
) -> None:
    changes = {"dataset__validation": validation, "training__epochs": 3}
    blind = train(
        make_experiment(**changes, training__evaluate_test=False), runs_dir=tmp_path / "blind"
    )
    usual = train(make_experiment(**changes), runs_dir=tmp_path / "usual")
    assert not [name for name in blind.history()[0] if "test" in name]
    assert not [name for name in blind.summary["metrics"] if "test" in name]
    confusions = {path.name for path in blind.path.glob("confusion_matrix*")}
    assert confusions == (set() if validation == "none" else {"confusion_matrix_validation.csv"})
    metrics = usual.summary["metrics"]
    assert blind.summary["metrics"].items() <= metrics.items()
    assert evaluate(blind).accuracy == metrics["test_accuracy"]


def test_a_split_that_does_not_exist_is_a_config_error(tmp_path: Path, no_plots: None) -> None:
    run = train(make_experiment(training__epochs=1), runs_dir=tmp_path)
    with pytest.raises(ConfigError, match="no validation split"):
        evaluate(run, split="validation")
    with pytest.raises(ConfigError, match="did you mean train"):
        evaluate(run, split="trian")


def test_a_run_folder_can_be_moved(tmp_path: Path, no_plots: None) -> None:
    run = train(eventful(), runs_dir=tmp_path, should_stop=after_steps(10))
    moved = tmp_path / "moved"
    shutil.move(run.path, moved)
    resumed = resume(moved)
    assert resumed.path == moved
    assert_equal_results(resumed, train(eventful(), runs_dir=tmp_path))


def test_xor_which_is_its_own_test_set_trains_and_resumes(tmp_path: Path, no_plots: None) -> None:
    experiment = make_experiment(dataset={"name": "xor"}, training__epochs=5)
    undisturbed = train(experiment, runs_dir=tmp_path)
    run = train(experiment, runs_dir=tmp_path, should_stop=after_steps(4))
    assert run.summary["status"] == "interrupted"
    resume(run.path)
    assert_equal_results(run, undisturbed)
    assert evaluate(run).n == 4


@pytest.mark.parametrize(
    ("backend", "asked", "linear_algebra", "recorded"),
    [
        ("numpy", "auto", 1, available_cores()),
        ("numpy", 3, 1, 3),
        ("torch", "auto", 1, 1),
        ("torch", 2, 2, 2),
    ],
)
def test_linear_algebra_has_one_thread_where_bits_depend_on_it_unless_pytorch_is_to_have_more(
    tmp_path: Path,
    no_plots: None,
    backend: str,
    asked: str | int,
    linear_algebra: int,
    recorded: int,
) -> None:
    from threadpoolctl import threadpool_info

    class Counting(Observer):
        threads = 0

        def on_step(self, training: Training) -> None:
            pools = [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]
            Counting.threads = max(pools)

    experiment = make_experiment(backend=backend, training__epochs=1, training__threads=asked)
    run = train(experiment, runs_dir=tmp_path, observer=Counting())
    assert Counting.threads == linear_algebra
    assert run.environment["threads"] == recorded


def test_a_run_goes_on_with_other_threads_than_it_was_begun_with(
    tmp_path: Path, no_plots: None
) -> None:
    settings: dict[str, Any] = {"training__epochs": 3, "training__checkpoint_seconds": 0.0}
    whole = train(make_experiment(training__threads=1, **settings), runs_dir=tmp_path)
    stops = iter([False, False, True])
    run = train(
        make_experiment(training__threads=1, **settings),
        runs_dir=tmp_path,
        should_stop=lambda: next(stops),
    )
    assert run.summary["status"] == "interrupted"
    config = run.path / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("threads: 1", "threads: 2"), "utf-8")
    resumed = resume(run.path)
    ours, theirs = resumed.model().weights, whole.model().weights
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_a_run_on_unequal_classes_says_so_and_what_it_cannot_score(tmp_path: Path) -> None:
    states = ["fine"] * 36 + ["faulty"] * 4 + ["lost"]
    for name, there in (("train.csv", states), ("test.csv", states[:-1])):
        rows = [f"{k % 7},{k % 5},{state}" for k, state in enumerate(there)]
        (tmp_path / name).write_text("\n".join(["a,b,state", *rows]), encoding="utf-8")
    paths = {"path": str(tmp_path / "train.csv"), "test_path": str(tmp_path / "test.csv")}
    experiment = make_experiment(
        dataset={"name": "csv", "label": "state", **paths}, training__epochs=1
    )
    summary = train(experiment, runs_dir=tmp_path).summary
    assert "'fine' has 36 rows, 'faulty' 4" in summary["warning"]
    assert summary["undefined"].keys() == {"test_roc_auc", "test_average_precision"}
    assert "no row of class 'lost'" in summary["undefined"]["test_roc_auc"]
    for metric, value in summary["metrics"].items():
        assert (value is None) == (metric in summary["undefined"])
