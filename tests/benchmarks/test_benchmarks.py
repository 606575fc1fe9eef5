"""The timing comparison: that it is complete and its arithmetic honest, never how fast it is."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import yaml
from builders import make_dataset
from needs import in_full, needs_torch
from sweeps.helpers import InlineWorkers, is_alive, start, trials_of, wait_until, worker_pids
from typer.testing import CliRunner

from isolet_nn.benchmarks import engines, training
from isolet_nn.benchmarks import sweep as timing
from isolet_nn.benchmarks.console import print_benchmark, print_training_times
from isolet_nn.benchmarks.engines import TRAIN, Contestant, EngineName, Setting, Trained
from isolet_nn.benchmarks.sweep import time_sweep
from isolet_nn.benchmarks.training import (
    Measurement,
    TrainingBenchmark,
    TrainingTimes,
    make_benchmark,
    summarize,
    time_training,
)
from isolet_nn.benchmarks.worker import Worker
from isolet_nn.cli.app import app
from isolet_nn.errors import BackendUnavailableError, ConfigError, IsoletNNError
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.plan import make_plan
from isolet_nn.sweeps.sweep import sweep

pytestmark = needs_torch

NUMPY, TORCH = Contestant("numpy", 1), Contestant("torch", 1)


class MadeUpWorker:
    """A contestant whose times are drawn at random; no process."""

    random = np.random.default_rng(0)

    def __init__(self, contestant: Contestant, data: str, data_dir: str | None) -> None:
        self.contestant = contestant

    def train(self, setting: Setting, epochs: int) -> Trained:
        seconds, accuracy = self.random.uniform(0.1, 1.0, 2)
        return Trained(seconds, accuracy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """There is nothing to end."""


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> TrainingTimes:
    """Two rounds of one epoch by all engines; they train only where tests are run in full."""
    benchmark = make_benchmark(
        hidden=[3, 2], batch_sizes=[3000], epochs=1, rounds=2, data="random", threads=2
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "Worker", in_full(few=MadeUpWorker, many=Worker))
        return time_training(benchmark, tmp_path_factory.mktemp("runs"))


def measured(path: Path) -> list[dict[str, str]]:
    with (path / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_every_contestant_is_measured_in_every_round_in_turn(times: TrainingTimes) -> None:
    names = [c.name for c in times.benchmark.contestants]
    assert names == [
        "numpy, 1 thread",
        "numpy, 2 threads",
        "torch, 1 thread",
        "torch, 2 threads",
        "scikit-learn, 1 thread",
        "scikit-learn, 2 threads",
    ]
    order = [
        (int(row["hidden"]), int(row["round"]), Contestant(engine, int(row["threads"])).name)
        for row in measured(times.path)
        for engine in engines.ENGINES
        if engine == row["engine"]
    ]
    assert order == [(h, r, name) for h in (3, 2) for r in (1, 2) for name in names]


@pytest.mark.slow
def test_results_are_the_medians_and_paired_ratios_of_what_was_measured(
    times: TrainingTimes,
) -> None:
    rows = measured(times.path)
    results = json.loads((times.path / "results.json").read_text(encoding="utf-8"))
    assert results["reference"] == "numpy, 1 thread"
    assert len(results["results"]) == 12
    for result in results["results"]:
        at = [row for row in rows if row["hidden"] == str(result["hidden"])]

        def seconds_of(engine: str, threads: int, at: list[dict[str, str]] = at) -> list[float]:
            of = engine, str(threads)
            return [float(r["seconds"]) for r in at if (r["engine"], r["threads"]) == of]

        base, mine = seconds_of("numpy", 1), seconds_of(result["engine"], result["threads"])
        equal = seconds_of("numpy", result["threads"])
        assert result["median_seconds"] == statistics.median(mine)
        assert (result["fastest_seconds"], result["slowest_seconds"]) == (min(mine), max(mine))
        for name, others in (("ratio", base), ("equal_threads_ratio", equal)):
            ratios = [a / b for a, b in zip(mine, others, strict=True)]
            assert result[name] == statistics.median(ratios)


@pytest.mark.slow
def test_the_folder_names_machine_versions_and_data_and_has_a_plot(times: TrainingTimes) -> None:
    environment = json.loads((times.path / "environment.json").read_text(encoding="utf-8"))
    assert environment["dataset"] == {"name": "random", "checksum": "random"}
    assert environment["cores"] >= 1
    assert environment["cpu"]
    assert {"numpy", "torch", "scikit-learn"} <= environment["packages"].keys()
    assert times.path.name.endswith("-bench-train")
    assert (times.path / "plots" / "bars.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_table_names_networks_engines_and_last_the_folder(
    times: TrainingTimes, capsys: pytest.CaptureFixture[str]
) -> None:
    print_training_times(times)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(times.path)
    for word in ("617-3-26, batch 3000", "617-2-26, batch 3000", "torch, 2 threads", "time /"):
        assert any(word in line for line in lines)


def test_ratios_are_medians_within_rounds_and_not_ratios_of_medians() -> None:
    setting = Setting(16, 128)
    times = {NUMPY: (1.0, 2.0, 4.0), TORCH: (3.0, 2.0, 8.0)}
    results = summarize(
        [
            Measurement(setting, contestant, number, seconds[number], accuracy=0.5)
            for number in range(3)
            for contestant, seconds in times.items()
        ]
    )
    assert [(r.contestant, r.median, r.ratio) for r in results] == [
        (NUMPY, 2.0, 1.0),
        (TORCH, 3.0, 2.0),
    ]
    assert summarize([]) == []


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_every_engine_learns_and_says_how_long_it_took(engine: EngineName) -> None:
    dataset = make_dataset(rows=200, features=7, classes=3)
    few = TRAIN[engine](dataset, Setting(16, 20), 1, 1)
    many = TRAIN[engine](dataset, Setting(16, 20), 100, 1)
    assert min(few.seconds, many.seconds) > 0.0
    assert many.accuracy > max(0.9, few.accuracy)


def test_dropout_is_measured_without_scikit_learn_which_has_none() -> None:
    options: dict[str, Any] = {"hidden": [16], "batch_sizes": [20], "data": "random"}
    benchmark = make_benchmark(**options, threads=1, dropout=0.5, input_dropout=0.2)
    assert [c.engine for c in benchmark.contestants] == ["numpy", "torch"]
    assert benchmark.settings == (Setting(16, 20, 0.5, 0.2),)
    for engine in ("numpy", "torch"):
        dataset = make_dataset(rows=200, features=7, classes=3)
        trained = [TRAIN[engine](dataset, Setting(64, 20, p, 0.0), 20, 1) for p in (0.0, 0.98)]
        assert trained[0].accuracy > trained[1].accuracy
    with pytest.raises(ConfigError, match="scikit-learn's network knows no dropout"):
        make_benchmark(**options, dropout=0.5, engines=["scikit-learn"])


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_a_batch_larger_than_the_data_is_all_of_it(engine: EngineName) -> None:
    trained = TRAIN[engine](make_dataset(rows=30), Setting(4, 100), 2, 1)
    assert 0.0 <= trained.accuracy <= 1.0


def test_random_data_has_isolets_size_and_is_always_the_same() -> None:
    first, second = engines.load_data("random", None), engines.load_data("random", None)
    assert first.train.x.shape == (6238, 617)
    assert first.n_classes == 26
    assert (first.train.x == second.train.x).all()


def test_isolet_is_taken_unless_random_data_is_asked_for() -> None:
    assert make_benchmark(hidden=[16], batch_sizes=[128]).data == "isolet"
    assert make_benchmark(hidden=[16], batch_sizes=[128], data="random").data == "random"


def test_sizes_given_twice_are_measured_once() -> None:
    benchmark = make_benchmark(hidden=[16, 8, 16], batch_sizes=[4, 4], data="random")
    assert benchmark.settings == (Setting(16, 4), Setting(8, 4))


def test_pytorch_that_is_not_installed_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "has_torch", lambda: False)
    benchmark = make_benchmark(hidden=[16], batch_sizes=[128], data="random", threads=1)
    assert [c.engine for c in benchmark.contestants] == ["numpy", "scikit-learn"]
    print_benchmark(benchmark)
    assert "torch is left out: it is not installed" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="PyTorch is not installed"):
        make_benchmark(hidden=[16], batch_sizes=[128], data="random", engines=["torch"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engines": ["nunpy"]}, "--engine: found 'nunpy'.*did you mean numpy"),
        ({"data": "iris"}, "--dataset: found 'iris'; allowed: isolet, random"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_allowed(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_benchmark(hidden=[16], batch_sizes=[128], **options)


def test_an_interrupted_comparison_keeps_what_it_measured_and_leaves_no_process(
    tmp_path: Path,
) -> None:
    benchmark = TrainingBenchmark(
        (Setting(2, 3000), Setting(3, 3000)), (NUMPY,), epochs=1, rounds=1, data="random"
    )

    def interrupt(measurement: Measurement) -> None:
        if measurement.setting.hidden == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        time_training(benchmark, tmp_path, interrupt)
    (folder,) = tmp_path.iterdir()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert [result["hidden"] for result in results["results"]] == [2]
    assert len(measured(folder)) == 2
    assert multiprocessing.active_children() == []


def test_a_worker_that_fails_says_who_and_why(tmp_path: Path) -> None:
    with (
        Worker(NUMPY, "isolet", str(tmp_path)) as worker,
        pytest.raises(IsoletNNError, match=r"numpy, 1 thread: DataError: dataset\.dir"),
    ):
        worker.train(Setting(2, 3000), 1)


def test_a_worker_that_dies_says_so() -> None:
    with Worker(NUMPY, "random", None) as worker:
        (process,) = multiprocessing.active_children()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(IsoletNNError, match="numpy, 1 thread: the process has died"):
            worker.train(Setting(2, 3000), 1)


@pytest.mark.parametrize("command", [["bench"], ["bench", "train"]])
def test_train_is_the_comparison_when_none_is_named(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    benchmarks = []

    def take(
        benchmark: TrainingBenchmark, runs_dir: Path, on_measurement: Callable[..., None]
    ) -> TrainingTimes:
        benchmarks.append(benchmark)
        environment = {
            "cpu": "c", "cores": 1, "platform": "p", "python": "3", "dataset": {"name": "random"},
            "packages": dict.fromkeys(engines.ENGINES, "1"),
        }  # fmt: skip
        return TrainingTimes(benchmark, tmp_path, environment, 617, 26)

    monkeypatch.setattr(training, "time_training", take)
    options = ["--hidden", "8", "--batch-size", "32", "--rounds", "3", "--dataset", "random"]
    result = CliRunner().invoke(app, [*command, *options])
    assert result.exit_code == 0, result.output
    (benchmark,) = benchmarks
    assert benchmark.settings == (Setting(8, 32),)
    assert (benchmark.rounds, benchmark.epochs, benchmark.data) == (3, 10, "random")


def test_bench_help_lists_the_comparisons() -> None:
    result = CliRunner().invoke(app, ["bench", "--help"])
    assert result.exit_code == 0
    assert "NumPy, PyTorch and scikit-learn" in result.output


# --- sweeps against a loop

TIMED: dict[str, Any] = {
    "experiment": {
        "dataset": {"name": "digits"},
        "model": {"hidden_layers": [8], "initializer": "uniform_fan_in"},
        "training": {"epochs": 12, "batch_size": 32},
    },
    "grid": {"optimizer.learning_rate": [0.003, 0.01]},
    "workers": 1,
    "save_models": "none",
}


def sweep_file(folder: Path, **changes: Any) -> Path:
    """The file of a small sweep; changes to its experiment are given with ``__`` for the dots."""
    settings = {key.replace("__", "."): value for key, value in changes.items()}
    path = folder / "timed.yaml"
    path.write_text(yaml.safe_dump(TIMED | {"set": settings}), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_sweep_the_loop_and_a_grid_search_are_timed_in_turn_and_learn_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "_SGEMM_SECONDS", 0.05)
    said: list[str] = []
    rounds = in_full(few=1, many=2)
    result = time_sweep(
        sweep_file(tmp_path), rounds=rounds, with_search=True, runs_dir=tmp_path, say=said.append
    )
    assert (result.trials, result.trainings, result.workers) == (2, 2, 1)
    assert len(result.sweep_seconds) == len(result.loop_seconds) == rounds
    expected = [f"round {n}: {who}" for n in (1, 2) for who in ("sweep", "loop", "GridSearchCV")]
    assert [line.rsplit(" ", 2)[0] for line in said] == expected[: 3 * rounds]
    ratios = [a / b for a, b in zip(result.loop_seconds, result.sweep_seconds, strict=True)]
    assert result.speedup == pytest.approx(np.median(ratios))
    ratios = [a / b for a, b in zip(result.search_seconds, result.sweep_seconds, strict=True)]
    assert result.speedup_of_search == pytest.approx(np.median(ratios))
    assert result.largest_difference is not None
    assert result.largest_difference < 0.05
    assert result.gflops > 0
    assert json.loads((result.path / "results.json").read_text())["speedup"] == result.speedup


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ensemble": 2}, "ensemble: found 2"),
        ({"model__batch_normalization": True}, "model.batch_normalization: found True"),
        ({"model__dropout": 0.5}, "model.dropout: found 0.5"),
        ({"training__mixup": 0.2}, "training.mixup: found 0.2"),
        ({"training__schedule": "cosine"}, "training.schedule: found"),
    ],
)
def test_a_sweep_of_what_the_loop_does_not_do_is_refused_before_any_work(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    file = sweep_file(tmp_path, **changes)
    with pytest.raises(ConfigError) as caught:
        time_sweep(file, runs_dir=tmp_path / "runs")
    assert str(caught.value).startswith(f"{file}: {named}")
    assert "--no-loop" in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"optimizer": "sgd"}, "optimizer: found sgd"),
        ({"optimizer": {"name": "adam", "weight_decay": 0.1}}, "optimizer.weight_decay: found 0.1"),
        ({"model__dropout": 0.5}, "model.dropout: found 0.5"),
    ],
)
def test_a_sweep_of_what_grid_search_does_not_do_is_refused_before_any_work(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    file = sweep_file(tmp_path, **changes)
    with pytest.raises(ConfigError) as caught:
        time_sweep(file, with_loop=False, with_search=True, runs_dir=tmp_path / "runs")
    assert str(caught.value).startswith(f"{file}: {named}")
    assert "--no-grid-search" in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"grid": {"ensemble": [1, 2]}}, "varies ensemble,"),
        (
            {"grid": {"dataset.validation": ["none", {"fraction": 0.5}]}},
            "varies dataset.validation,",
        ),
        ({"cross_validation": {"folds": 3}}, "cross_validation: found 3 folds,"),
    ],
)
def test_what_the_loop_does_not_do_is_timed_without_it(
    keys: dict[str, Any], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "timed.yaml"
    file.write_text(yaml.safe_dump(TIMED | keys), encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(f"{file}: {named}")):
        time_sweep(file, runs_dir=tmp_path / "runs")
    monkeypatch.setattr(timing, "sgemm_gflops", lambda processes: 1.0)
    result = time_sweep(file, with_loop=False, runs_dir=tmp_path / "runs")
    assert len(result.sweep_seconds) == 1
    assert (result.loop_seconds, result.speedup, result.largest_difference) == ([], None, None)
    assert result.gflops > 0


def test_a_sweep_is_timed_on_the_device_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "sgemm_gflops", lambda processes: 1.0)
    asked: list[tuple[str, str]] = []

    def run_sweep(swept: Sweep, folder: Path) -> tuple[float, SweepFolder]:
        asked.extend(
            (e.backend, e.device)
            for e in make_trials(swept).one_experiment_each("backend", "device")
        )
        return 1.0, sweep(swept, runs_dir=folder, make_workers=InlineWorkers)

    monkeypatch.setattr(timing, "_run_sweep", run_sweep)
    result = time_sweep(sweep_file(tmp_path), with_loop=False, device="cpu", runs_dir=tmp_path)
    assert set(asked) == {("torch", "cpu")}
    assert result.trainings == 2


def test_arithmetic_is_that_of_each_trainings_own_data_networks_and_epochs() -> None:
    grid = {
        "dataset.validation": ["none", {"fraction": 0.5}],
        "ensemble": [1, 2],
        "training.epochs": [3, 9],
    }
    trials = trials_of(grid=grid)
    source = DataSource()
    plan = make_plan(trials, np.arange(len(trials)), 1, source.size)
    sizes = [source.size(trials.make_experiment(trial)).n_rows for trial in (0, 4)]
    assert sizes[1] < sizes[0]
    epochs = np.array([3, 7] * 4, np.int32)  # 9 were asked for
    each_row = 2.0 * (2 * 4 * 5 + 3 * 5 * 3)  # 4 features, 5 hidden neurons, 3 classes
    done = timing.floating_point_operations(trials, plan, source.size, epochs)
    assert plan.n_trainings == 4  # one serves both numbers of epochs
    assert done == sum(sizes) * (1 + 2) * 7 * each_row


@pytest.mark.parametrize("file", [False, True])
def test_without_pytorch_the_loop_is_refused_before_any_work(
    file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    options = ["--rounds", "1", "--runs-dir", tmp_path / "runs"]
    config = [sweep_file(tmp_path)] if file else []
    result = CliRunner().invoke(app, ["bench", "sweep", *map(str, [*config, *options])])
    assert isinstance(result.exception, BackendUnavailableError)
    assert result.exception.exit_code == 2
    message = str(result.exception)
    assert "needs PyTorch, which is not installed" in message
    assert "`pip install 'isolet-nn[torch]'`" in message
    assert "--no-loop" in message
    assert not (tmp_path / "runs").exists()


def test_without_pytorch_a_sweep_is_timed_without_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(timing, "sgemm_gflops", lambda processes: 1.0)
    result = time_sweep(sweep_file(tmp_path), with_loop=False, runs_dir=tmp_path / "runs")
    assert len(result.sweep_seconds) == 1


# --- Ctrl-C


def interrupt_group(process: subprocess.Popen[str]) -> str:
    """Send what Ctrl-C at a terminal sends; return what came on standard error from then on."""
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    return err


@pytest.mark.slow
@pytest.mark.parametrize(
    "seconds", in_full([0.05, 0.35, 1.0], [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0])
)
def test_ctrl_c_ends_a_comparison_with_one_line(seconds: float, tmp_path: Path) -> None:
    options = ("--rounds", "2", "--dataset", "random", "--runs-dir", tmp_path)
    with start("bench", "train", *options) as process:
        assert process.stderr is not None
        assert "2 rounds" in process.stderr.readline()  # the processes are started from here on
        time.sleep(seconds)
        assert interrupt_group(process) == "interrupted\n"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", in_full([0.0, 0.3], [0.0, 0.1, 0.3, 1.0]))
def test_ctrl_c_ends_a_timed_sweep_with_one_line(seconds: float, tmp_path: Path) -> None:
    with start("bench", "sweep", sweep_file(tmp_path), "--runs-dir", tmp_path) as process:
        wait_until(lambda: worker_pids(process.pid))
        workers = worker_pids(process.pid)
        time.sleep(seconds)
        assert interrupt_group(process) == "interrupted\n"
        wait_until(lambda: not any(map(is_alive, workers)), seconds=5)


LONG_LOOP = """
from isolet_nn.benchmarks import sweep as timing
from isolet_nn.cli.app import main
if __name__ == "__main__":
    run = timing.train_one_after_another
    timing._SGEMM_SECONDS = 0.05
    timing._run_loop = lambda trials, threads: timing._in_new_processes(
        1, run, [trials.content(0) | {"training": {"epochs": 100_000}}], threads
    )
    main()
"""


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_the_end_of_the_loop(tmp_path: Path) -> None:
    file, program = sweep_file(tmp_path, training__batch_size=4), tmp_path / "program.py"
    program.write_text(LONG_LOOP, encoding="utf-8")
    command = ("bench", "sweep", file, "--runs-dir", tmp_path)
    with start(*command, program=[str(program)]) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("round 1: sweep")
        time.sleep(1.0)
        (loop,) = worker_pids(process.pid)
        started = time.monotonic()
        assert interrupt_group(process) == "interrupted\n"
        assert time.monotonic() - started < 10
        assert not is_alive(loop)


@pytest.mark.slow
def test_a_timed_sweep_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    with start("bench", "sweep", sweep_file(tmp_path), "--runs-dir", tmp_path) as process:
        wait_until(lambda: worker_pids(process.pid))
        time.sleep(1.0)
        workers = worker_pids(process.pid)
        process.kill()
        wait_until(lambda: not any(map(is_alive, workers)), seconds=5)
