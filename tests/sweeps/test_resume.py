"""A sweep survives anything: stopped at any moment, it goes on and ends with the same table."""

from __future__ import annotations

import functools
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from needs import in_full

from isolet_nn.data import isolet_files
from isolet_nn.errors import ConfigError, IsoletNNError, RunError
from isolet_nn.runs import execution
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.drawing import draw_plots
from isolet_nn.sweeps.folder import SweepFolder, trial_config
from isolet_nn.sweeps.journal import make_header, read_journal
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from sweeps.helpers import (
    IRIS,
    InlineWorkers,
    iris_sweep,
    is_alive,
    kill,
    model_bytes,
    result_table,
    start,
    stop_after,
    wait_until,
    worker_pids,
)

JOURNAL = "trials.jsonl"

pytestmark = pytest.mark.usefixtures("without_pictures")


def begun(config: Any, runs_dir: Path, questions: int = 4) -> SweepFolder:
    """A sweep that was stopped on the way."""
    folder = sweep(
        config,
        runs_dir=runs_dir,
        workers=1,
        make_workers=InlineWorkers,
        should_stop=stop_after(questions),
    )
    assert folder.summary["status"] == "interrupted"
    assert folder.summary["pending"] > 0
    return folder


def resumed(folder: SweepFolder | Path, **options: Any) -> SweepFolder:
    path = folder.path if isinstance(folder, SweepFolder) else folder
    return resume_sweep(path, make_workers=InlineWorkers, **options)


def whole(config: Any, runs_dir: Path) -> SweepFolder:
    """The same sweep, undisturbed."""
    return sweep(config, runs_dir=runs_dir, make_workers=InlineWorkers)


def edit(path: Path, changes: Mapping[str, str]) -> None:
    """Replace text in a file."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


SEVERAL: dict[str, Any] = {
    "grid": {"training.epochs": [1, 2], "optimizer.learning_rate": [0.1, 0.01]},
    "seeds": 3,
}


def test_a_stopped_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    folder = begun(config, tmp_path)
    done_before = [row for row in result_table(folder) if row["status"] == "completed"]
    assert 0 < len(done_before) < 12

    class Watcher(SweepObserver):
        again: list[int] = []  # noqa: RUF012 - one watcher

        def on_results(self, results: list[TrialResult], cost: float) -> None:
            self.again += [result.trial for result in results]

    watcher = Watcher()
    resumed(folder, observer=watcher)
    assert not {str(trial) for trial in watcher.again} & {row["trial"] for row in done_before}
    assert result_table(folder) == result_table(whole(config, tmp_path))
    assert [row for row in result_table(folder) if row in done_before] == done_before


@pytest.mark.parametrize("keys", [SEVERAL, {"seeds": 2}, {"grid": {"optimizer": ["sgd", "adam"]}}])
def test_a_completed_sweep_has_nothing_left_to_do(tmp_path: Path, keys: dict[str, Any]) -> None:
    folder = whole(iris_sweep(**keys), tmp_path)
    table = (folder.path / "trials.csv").read_bytes()
    journal = (folder.path / JOURNAL).read_bytes()
    before = folder.summary
    again = resumed(folder)
    assert again.summary["status"] == "completed"
    assert again.summary["started"] == before["started"]
    assert again.summary["seconds"] > before["seconds"] > 0.0
    assert (folder.path / "trials.csv").read_bytes() == table
    assert (folder.path / JOURNAL).read_bytes() == journal


def test_a_changed_config_is_refused_with_every_difference(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    edit(
        folder.path / "sweep.yaml",
        {"batch_size: 32": "batch_size: 33", "drop_last: false": "drop_last: true"},
    )
    with pytest.raises(RunError) as caught:
        resumed(folder)
    message = str(caught.value)
    assert "--force" in message
    lines = message.splitlines()[1:]
    assert lines == [
        "sweep.experiment.training.batch_size: was 32, is 33",
        "sweep.experiment.training.drop_last: was false, is true",
    ]


@pytest.mark.parametrize("force", [False, True])
def test_results_are_never_taken_for_those_of_other_trials(tmp_path: Path, force: bool) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    edit(folder.path / "sweep.yaml", {"- 0.01": "- 0.02"})
    with pytest.raises(RunError, match=r"grid in sweep\.yaml changed since the sweep was begun"):
        resumed(folder, force=force)
    with pytest.raises(RunError, match="grid"):
        SweepFolder.open(folder.path)


def test_what_was_overruled_stays_recorded(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    edit(folder.path / "sweep.yaml", {"batch_size: 32": "batch_size: 33"})
    resumed(folder, force=True)
    edit(folder.path / "sweep.yaml", {"batch_size: 33": "batch_size: 32"})
    assert resumed(folder).summary["overruled"] == [
        "sweep.experiment.training.batch_size: was 32, is 33"
    ]


def test_data_that_moved_is_the_same_data(tmp_path: Path) -> None:
    table = tmp_path / "data.csv"
    rows = [f"{k},{k * k % 7},{'ab'[k % 2]}" for k in range(40)]
    table.write_text("\n".join(["x,y,label", *rows]) + "\n", encoding="utf-8")
    experiment = {"dataset": {"name": "csv", "path": str(table)}, "training": {"batch_size": 9}}
    folder = begun(load_sweep({"experiment": experiment, **SEVERAL}), tmp_path)
    table.rename(tmp_path / "moved.csv")
    edit(folder.path / "sweep.yaml", {"data.csv": "moved.csv"})
    assert resumed(folder).summary["status"] == "completed"


def test_force_goes_on_and_is_recorded(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    edit(folder.path / "sweep.yaml", {"batch_size: 32": "batch_size: 33"})
    assert folder.summary["overruled"] == []
    done = resumed(folder, force=True)
    assert done.summary["status"] == "completed"
    assert done.summary["overruled"] == ["sweep.experiment.training.batch_size: was 32, is 33"]


def test_changed_data_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "data.csv"
    rows = [f"{k},{k * k % 7},{'ab'[k % 2]}" for k in range(40)]
    table.write_text("\n".join(["x,y,label", *rows]) + "\n", encoding="utf-8")
    experiment = {"dataset": {"name": "csv", "path": str(table)}, "training": {"batch_size": 9}}
    folder = begun(load_sweep({"experiment": experiment, **SEVERAL}), tmp_path)
    table.write_text("\n".join(["x,y,label", *rows[:-1], "39,5,b"]) + "\n", encoding="utf-8")
    with pytest.raises(RunError) as caught:
        resumed(folder)
    (line,) = str(caught.value).splitlines()[1:]
    assert line.startswith("data: was ")
    table.unlink()
    with pytest.raises(IsoletNNError, match=r"data\.csv"):
        resumed(folder)


def test_another_processor_is_refused_where_both_are_known(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    header, *results = (folder.path / JOURNAL).read_text(encoding="utf-8").splitlines()
    content = json.loads(header)
    elsewhere = make_header(content["sweep"], content["data"], content["version"], "a 6502")
    lines = "\n".join([elsewhere.model_dump_json(), *results]) + "\n"
    (folder.path / JOURNAL).write_text(lines, encoding="utf-8")
    with pytest.raises(RunError, match="processor: was a 6502, is "):
        resume_sweep(folder.path, workers=1)
    resumed(folder)  # by workers that are not known to be here


def test_another_version_is_refused(tmp_path: Path) -> None:
    import isolet_nn

    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    header, *results = (folder.path / JOURNAL).read_text(encoding="utf-8").splitlines()
    content = json.loads(header)
    earlier = make_header(content["sweep"], content["data"], "0.0.1", content["processor"])
    lines = "\n".join([earlier.model_dump_json(), *results]) + "\n"
    (folder.path / JOURNAL).write_text(lines, encoding="utf-8")
    with pytest.raises(RunError, match=f'version: was "0.0.1", is "{isolet_nn.__version__}"'):
        resumed(folder)
    assert resumed(folder, force=True).summary["status"] == "completed"


def test_workers_plots_models_and_the_name_may_change(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL, save_models="none", workers=1)
    folder = begun(config, tmp_path)
    edit(
        folder.path / "sweep.yaml",
        {
            "name: sweep": "name: other",
            "workers: 1": "workers: 3",
            "save_models: none": "save_models: all",
            "plot: []": "plot: {kind: boxplot, x: seed}",
        },
    )
    done = resumed(folder)
    assert done.summary["status"] == "completed"
    assert done.summary["overruled"] == []
    assert result_table(done) == result_table(whole(config, tmp_path))
    assert draw_plots(done)[0] == folder.path / "plots" / "boxplot.png"
    assert model_bytes(done)


def test_the_data_may_have_moved(tmp_path: Path) -> None:
    link, there = tmp_path / "isolet", tmp_path / "there"
    there.mkdir()
    link.symlink_to(there)
    for part in isolet_files.PARTS:
        rows = "".join(f"{'0.1, ' * 616}0.{n}, {1 + n % 3}.\n" for n in range(30))
        (there / f"{part}.data").write_text(rows, encoding="utf-8")
    experiment = {
        "dataset": {"name": "isolet", "dir": str(link), "verify": False},
        "model": {"hidden_layers": []},
        "training": {"epochs": 1, "batch_size": 4096},
    }
    config = load_sweep({"experiment": experiment, "seeds": 3})
    table = result_table(whole(config, tmp_path))
    folder = begun(config, tmp_path, questions=2)
    link.unlink()
    done = resumed(folder, data_dir=str(there))
    assert result_table(done) == table
    assert done.summary["overruled"] == []


def test_failed_trials_are_tried_again_only_when_asked(tmp_path: Path) -> None:
    config = iris_sweep(
        grid={"optimizer": [{"name": "sgd", "learning_rate": 1e38}, {"name": "sgd"}]}, seeds=2
    )
    folder = whole(config, tmp_path)
    table = result_table(folder)
    assert [row["status"] for row in table] == ["failed"] * 2 + ["completed"] * 2
    assert (folder.summary["failed"], folder.summary["completed"]) == (2, 2)

    def lines() -> Counter[int]:
        return Counter(result.trial for result in read_journal(folder.path / JOURNAL)[1])

    resumed(folder)
    assert lines() == {0: 1, 1: 1, 2: 1, 3: 1}
    resumed(folder, retry_failed=True)
    assert lines() == {0: 2, 1: 2, 2: 1, 3: 1}
    assert result_table(folder) == table


def test_a_torn_last_line_is_a_trial_to_be_done(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    folder = begun(config, tmp_path)
    journal = folder.path / JOURNAL
    content = journal.read_bytes()
    for cut in (1, 20, len(content.splitlines()[-1]) + 1, len(content) - 10):
        journal.write_bytes(content[:-cut])
        resumed(folder)
        assert result_table(folder) == result_table(whole(config, tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_accuracy": None}, "without test_accuracy"),
        ({"train_loss": ...}, "without train_loss"),
        ({"validation_loss": 0.5}, "with validation_loss"),
    ],
)
def test_a_completed_trial_has_the_metrics_that_it_evaluates_or_is_damaged(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    journal = folder.path / JOURNAL
    header, first, *others = journal.read_text(encoding="utf-8").splitlines()
    content = json.loads(first)
    kept = {k: v for k, v in (content["metrics"] | changes).items() if v is not ...}
    damaged = "\n".join([header, json.dumps(content | {"metrics": kept}), *others, ""])
    journal.write_text(damaged, encoding="utf-8")
    with pytest.raises(RunError, match=f"damaged: found trial {content['trial']} .* {message}"):
        resumed(folder)
    assert journal.read_text(encoding="utf-8") == damaged


@pytest.mark.parametrize(
    "varied",
    [
        {"grid": {"dataset.validation": ["none", {"fraction": 0.2}]}},
        {"cross_validation": {"folds": 2}},
    ],
)
def test_trials_that_evaluate_other_splits_are_all_whole(
    varied: dict[str, Any], tmp_path: Path
) -> None:
    folder = whole(iris_sweep(**varied), tmp_path)
    opened = SweepFolder.open(folder.path)
    assert len(opened.results.trials_with("completed")) == len(opened.trial_table) == 2


def test_a_sweep_told_to_go_on_with_another_validation_split_can_be_opened(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    edit(folder.path / "sweep.yaml", {"validation: none": "validation: {fraction: 0.2}"})
    assert resumed(folder, force=True).summary["status"] == "completed"
    opened = SweepFolder.open(folder.path)
    assert len(opened.results.trials_with("completed")) == len(opened.trial_table)


def test_a_damaged_line_is_named_and_nothing_is_done(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    journal = folder.path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 3
    lines[1] = lines[1][:10] + b"#" + lines[1][11:]
    journal.write_bytes(b"".join(lines))
    with pytest.raises(RunError, match=rf"{JOURNAL}:2: damaged"):
        resumed(folder)
    assert journal.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("number", ["99999", "1.5", "-1", "true"])
def test_a_trial_that_there_is_not_is_damage(tmp_path: Path, number: str) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    journal = folder.path / JOURNAL
    with journal.open("a", encoding="utf-8") as file:
        file.write(f'{{"trial": {number}, "status": "completed", "metrics": {{}}}}\n')
    with pytest.raises(RunError, match=rf"{JOURNAL}.*: damaged: "):
        resumed(folder)


def test_a_folder_without_its_sweep_file_is_refused(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    (folder.path / "sweep.yaml").unlink()
    with pytest.raises(RunError, match=r"no sweep\.yaml in it, so not a sweep folder"):
        resumed(folder)
    with pytest.raises(RunError, match="nowhere: no such folder"):
        resumed(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_sweep_file_that_is_wrong_is_refused(tmp_path: Path) -> None:
    folder = begun(iris_sweep(**SEVERAL), tmp_path)
    edit(folder.path / "sweep.yaml", {"batch_size: 32": "batch_size: none"})
    with pytest.raises(ConfigError, match=r"sweep\.yaml.*batch_size: found 'none'"):
        resumed(folder)


def test_a_sweep_without_a_journal_begins_anew(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    folder = begun(config, tmp_path)
    (folder.path / JOURNAL).unlink()
    assert result_table(resumed(folder)) == result_table(whole(config, tmp_path))


def write_sweep(path: Path, experiment: Mapping[str, Any] = IRIS, **keys: Any) -> Path:
    """A sweep's file; JSON is YAML."""
    path.write_text(json.dumps({"experiment": experiment, **keys}), encoding="utf-8")
    return path


def folder_in(runs_dir: Path) -> Path | None:
    """The folder of the one sweep there is."""
    return next((path.parent for path in runs_dir.glob("*/sweep.yaml")), None)


@pytest.mark.slow
def test_a_second_process_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    file = write_sweep(
        tmp_path / "a.yaml",
        grid={"training.epochs": [1, 10**6], "model.hidden_layers": [[3], [4]]},
        save_models="none",
    )
    process = start("sweep", file, "--runs-dir", tmp_path / "runs", "--workers", "1")
    wait_until(lambda: worker_pids(process.pid))
    folder = folder_in(tmp_path / "runs")
    assert folder is not None
    with pytest.raises(RunError, match="another process is working on it"):
        resumed(folder)

    workers = worker_pids(process.pid)
    process.kill()
    process.communicate(timeout=30)
    assert resumed(folder, should_stop=lambda: True).summary["status"] == "interrupted"
    wait_until(lambda: not any(map(is_alive, workers)), seconds=5)


def limit_files(n_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "full"), [(4500, JOURNAL), (1000, "")])
def test_a_full_disk_ends_a_sweep_with_a_clear_error_and_it_can_go_on(
    tmp_path: Path, limit: int, full: str
) -> None:
    """A limit on the size of files stops writes like a disk that is full."""
    keys: dict[str, Any] = {"seeds": 40, "set": {"training.epochs": 1}, "save_models": "best"}
    file = write_sweep(tmp_path / "a.yaml", **keys)
    process = start(
        *("sweep", file, "--runs-dir", tmp_path / "runs", "--workers", "1"),
        preexec_fn=lambda: limit_files(limit),
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "File too large" in err
    assert full in err
    assert "Traceback" not in err
    folder = folder_in(tmp_path / "runs")
    if full:
        assert folder is not None
        done = resumed(folder)
        assert done.summary["status"] == "completed"
        assert result_table(done) == result_table(whole(load_sweep(file), tmp_path))
        assert not list(folder.glob(".*-*"))


KILLED: dict[str, Any] = {
    "experiment": {
        "dataset": {"name": "iris", "validation": {"fraction": 0.2}},
        "model": {"hidden_layers": [6]},
        "training": {"batch_size": 4},
    },
    "grid": {
        "training.epochs": [40, 80],
        "model.dropout": [0.0, 0.3],
        "optimizer": ["adam", "sgd", {"name": "sgd", "learning_rate": 1e38}],
    },
    "seeds": 3,
    "workers": 2,
}


@pytest.mark.slow
def test_a_sweep_killed_again_and_again_ends_with_the_same_table(tmp_path: Path) -> None:
    """Parents, workers and all at once are killed at random moments, again and again."""
    file = write_sweep(tmp_path / "killed.yaml", **KILLED)
    moments = random.Random(20261123)
    manners = itertools.cycle(["kill", "ctrl-c", "all", "term", "kill", "int", "all"])
    kills = 0
    while kills < in_full(few=6, many=21):
        # A sweep that came to its end all the same is followed by another one.
        folders = sorted(path.parent for path in tmp_path.glob("runs/*/sweep.yaml"))
        going_on = [folder for folder in folders if status_of(folder) != "completed"]
        resume = ["--resume", str(going_on[0])] if going_on else []
        process = start("sweep", *(resume or [str(file), "--runs-dir", str(tmp_path / "runs")]))
        manner = next(manners)
        if manner not in ("kill", "all"):  # a signal is promised an answer once work has begun
            wait_until(functools.partial(has_begun, process))
        kills += kill_workers(process, moments)
        kills += end(process, manner, moments)

    undisturbed = whole(load_sweep(file), tmp_path)
    for path in tmp_path.glob("runs/*/sweep.yaml"):
        finished = resume_sweep(path.parent, retry_failed=True)
        assert finished.summary["status"] == "completed"
        assert result_table(finished) == result_table(undisturbed)
        assert model_bytes(finished) == model_bytes(undisturbed)
        _, results = read_journal(path.parent / JOURNAL)
        ends = Counter(result.trial for result in results if result.status == "completed")
        assert set(ends.values()) == {1}, "a finished trial was run again"

    best = undisturbed.results.best(undisturbed.metric)
    assert best is not None
    trial = tmp_path / "trial.yaml"
    trial.write_text(trial_config(undisturbed, best[0]), encoding="utf-8")
    run = execution.train(trial, runs_dir=tmp_path / "trial")
    (weights,) = model_bytes(undisturbed).values()
    assert (run.path / "model.safetensors").read_bytes() == weights


def status_of(folder: Path) -> str:
    """What summary.json says, if it was written."""
    path = folder / "summary.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["status"]) if path.exists() else ""


def has_begun(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None or bool(worker_pids(process.pid))


def kill_workers(process: subprocess.Popen[str], moments: random.Random) -> int:
    """Kill single workers at random moments; return how many."""
    killed = 0
    for _ in range(3):
        time.sleep(moments.uniform(0.0, 1.2))
        for pid in worker_pids(process.pid)[:1]:
            kill(pid)
            killed += 1
    return killed


def end(process: subprocess.Popen[str], manner: str, moments: random.Random) -> int:
    """End a sweep's process in one of many ways; return whether it had to be."""
    time.sleep(moments.uniform(0.0, 1.5))
    workers = worker_pids(process.pid)
    lives = process.poll() is None
    match manner:
        case "kill":
            process.kill()
        case "all":
            kill_group(process, signal.SIGKILL)
        case "int":
            process.send_signal(signal.SIGINT)
        case "term":
            process.terminate()
        case "ctrl-c":
            kill_group(process, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    if lives and manner in ("int", "term", "ctrl-c"):
        assert process.returncode in (130, 0), err
        if process.returncode == 130:
            assert "interrupted" in err
        assert "Traceback" not in err
    wait_until(lambda: not any(map(is_alive, workers)), seconds=5)
    return int(lives)


def kill_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
