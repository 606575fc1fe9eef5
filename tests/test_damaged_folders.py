"""Whatever becomes of a file in a folder: a message names it, and nothing else is touched."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sweeps.helpers import InlineWorkers, stop_after
from typer.testing import CliRunner

from isolet_nn.cli.app import app
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.comparison import compare
from isolet_nn.results.listing import list_runs
from isolet_nn.results.redraw import redraw
from isolet_nn.runs.execution import evaluate, resume, train
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import resume_sweep
from isolet_nn.sweeps.sweep import sweep as run_sweep
from isolet_nn.system.files import UnreadableFileError, write_json
from isolet_nn.system.statuses import DAMAGED

pytestmark = pytest.mark.skipif(os.name != "posix", reason="has no named pipes among its files")

EXPERIMENT = {
    "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [3]},
    "training": {"epochs": 3, "batch_size": 64, "early_stopping": {"patience": 9}},
}
SWEEP = {"experiment": EXPERIMENT, "grid": {"optimizer.learning_rate": [0.1, 0.01]}, "seeds": 2}


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A completed and an interrupted run, and an interrupted sweep, in one folder."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda *_: [])
        patch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: [])
        done = train(load_experiment(EXPERIMENT | {"name": "done"}), runs_dir=runs)
        stopped = train(
            load_experiment(EXPERIMENT | {"name": "stopped"}),
            runs_dir=runs,
            should_stop=stop_after(6),
        )
        swept = run_sweep(
            load_sweep(SWEEP | {"name": "swept"}),
            runs_dir=runs,
            workers=1,
            make_workers=InlineWorkers,
            should_stop=stop_after(1),
        )
    assert (done.summary["status"], stopped.summary["status"]) == ("completed", "interrupted")
    return {"done": done.path, "stopped": stopped.path, "swept": swept.path}


@pytest.fixture
def copied(whole: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """A copy, to be damaged."""
    runs = tmp_path / "runs"
    shutil.copytree(whole["done"].parent, runs)
    return {name: runs / path.name for name, path in whole.items()}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Let a test fail that waits for a pipe."""

    def fail(*_: object) -> NoReturn:
        raise AssertionError("waits for what is no file")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": written(b""),
    "binary": written(bytes(range(256)) * 20),
    "a list": written(b"[]\n"),
    "a number": written(b"17\n"),
    "an empty object": written(b"{}\n"),
    "null": written(b"null\n"),
    "nested deep": written(b'{"format": ' + b"[" * 100_000),
    "UTF-16": written("format: 1\n".encode("utf-16")),
    "another format": written(b'{"format": 99, "status": "completed"}\n'),
    "a folder": lambda path: replaced(path, Path.mkdir),
    "a pipe": lambda path: replaced(path, os.mkfifo),
    "a link in a circle": lambda path: replaced(path, lambda p: p.symlink_to(p)),
    "missing": Path.unlink,
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
}
READ = (
    *(("done", name) for name in ("config.yaml", "environment.json", "metrics.csv")),
    *(("done", name) for name in ("summary.json", "model.safetensors", "preprocessing.json")),
    *(("done", name) for name in ("confusion_matrix.csv", "calibration.csv")),
    *(("stopped", name) for name in ("config.yaml", "environment.json", "metrics.csv")),
    *(("stopped", name) for name in ("summary.json", "checkpoint.safetensors")),
    *(("swept", name) for name in ("sweep.yaml", "summary.json", "trials.jsonl")),
)
WRITTEN_ONLY = ("trials.csv", "settings.csv", "environment.json")
"""Of a sweep: made anew from the journal."""


def attempt(use: Callable[[], object]) -> str:
    """Use a folder; the message where it is refused. Any other error lets the test fail."""
    try:
        use()
    except (ConfigError, RunError) as error:
        return str(error)
    except (IsADirectoryError, UnreadableFileError) as error:  # a place that is taken
        return str(error)
    return ""


def use_all(kind: str, folder: Path, other: Path) -> list[str]:
    """Everything that reads a folder, and what it says."""
    uses: list[Callable[[], object]] = [
        lambda: compare([folder, other, other.parent / "none"]),
        lambda: redraw(folder),
    ]
    if kind == "swept":
        uses = [
            lambda: redraw(folder),
            lambda: resume_sweep(folder, workers=1, make_workers=InlineWorkers),
        ]
    elif kind == "stopped":
        uses.append(lambda: resume(folder))
    else:
        uses += [lambda: evaluate(folder), lambda: resume(folder)]
    return [attempt(use) for use in uses]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("kind", "name"), READ, ids=lambda value: value)
def test_a_damaged_file_is_named_and_hides_nothing_else(
    kind: str,
    name: str,
    damage: str,
    copied: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for place in ("runs.redraw", "runs.recording"):
        monkeypatch.setattr(f"isolet_nn.{place}.draw_curves", lambda run, *_: run.history() and [])
    for place in ("sweeps.redraw", "sweeps.outputs"):
        monkeypatch.setattr(f"isolet_nn.{place}.draw_plots", lambda *_: [])
    monkeypatch.setattr("isolet_nn.runs.redraw.draw_split", lambda *_: None)
    monkeypatch.setattr("isolet_nn.sweeps.redraw.draw_plot", lambda *_: [])
    folder = copied[kind]
    path = folder / name
    DAMAGES[damage](path)
    others = {key: files_of(copied[key]) for key in copied if key != kind}
    rows = {Path(entry.folder): entry for entry in list_runs(folder.parent)}
    assert rows.keys() == {*copied.values()}
    assert not any(rows[copied[key]].problem for key in others)
    if name == "summary.json":
        assert rows[folder].status == DAMAGED
        assert (rows[folder].problem or "").startswith(name)
    said = use_all(kind, folder, copied["done" if kind == "stopped" else "stopped"])
    assert all("Traceback" not in message for message in said)
    assert {key: files_of(copied[key]) for key in others} == others


@pytest.mark.parametrize("name", WRITTEN_ONLY)
def test_a_folder_in_the_place_of_what_a_sweep_writes_loses_no_result(
    name: str, copied: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda *_: [])
    path = copied["swept"] / name
    replaced(path, Path.mkdir)

    def go_on() -> SweepFolder:
        return resume_sweep(copied["swept"], workers=1, make_workers=InlineWorkers)

    with pytest.raises(UnreadableFileError, match="it is a folder, not a file") as caught:
        go_on()
    assert caught.value.filename == str(path)
    path.rmdir()
    assert go_on().summary["completed"] == 4


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(data=st.data())
def test_bytes_that_were_changed_are_read_or_refused(
    data: st.DataObject, copied: dict[str, Path]
) -> None:
    readers: dict[tuple[str, str], Callable[[], object]] = {
        ("done", "model.safetensors"): lambda: Run.open(copied["done"]).model(),
        ("done", "metrics.csv"): lambda: Run.open(copied["done"]).history(),
        ("done", "preprocessing.json"): lambda: Run.open(copied["done"]).model(),
        ("done", "summary.json"): lambda: Run.open(copied["done"]).summary,
        ("done", "environment.json"): lambda: Run.open(copied["done"]).environment,
        ("done", "config.yaml"): lambda: Run.open(copied["done"]),
        ("swept", "trials.jsonl"): lambda: SweepFolder.open(copied["swept"]),
        ("swept", "sweep.yaml"): lambda: SweepFolder.open(copied["swept"]),
        ("swept", "summary.json"): lambda: SweepFolder.open(copied["swept"]).summary,
    }
    kind, name = data.draw(st.sampled_from(sorted(readers)))
    path = copied[kind] / name
    whole = path.read_bytes()
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        path.write_bytes(changed)
        assert len(list_runs(path.parent.parent)) == 3
        message = attempt(readers[kind, name])
        assert not message or name in message or "changed since" in message
    finally:
        path.write_bytes(whole)


def test_what_is_no_run_in_the_folder_hides_no_run(copied: dict[str, Path]) -> None:
    runs = copied["done"].parent
    (runs / "comparison.png").write_bytes(b"a picture")
    (runs / "round").symlink_to(runs / "round")
    (runs / "nowhere").symlink_to(runs / "gone")
    os.mkfifo(runs / "pipe")
    rows = {Path(entry.folder).name: entry for entry in list_runs(runs)}
    assert rows.keys() == {"round", *(path.name for path in copied.values())}
    assert rows["round"].status == DAMAGED
    assert "Too many levels of symbolic links" in (rows["round"].problem or "")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="asks for another user's rights")
def test_a_folder_without_permission_is_a_row_and_others_are_listed(
    copied: dict[str, Path],
) -> None:
    closed = copied["stopped"]
    for folder in (closed, *closed.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
        if folder.name.startswith("pytest-of-"):
            break
    user = os.geteuid()
    closed.chmod(0)
    if user == 0:
        os.seteuid(65534)
    try:
        rows = {Path(entry.folder): entry for entry in list_runs(closed.parent)}
    finally:
        if user == 0:
            os.seteuid(0)
        closed.chmod(0o755)
    assert rows.keys() == {*copied.values()}
    assert rows[closed].status == DAMAGED
    assert rows[closed].problem == "cannot be read: Permission denied"


def test_a_comparison_leaves_out_its_own_picture_sweeps_and_damaged_runs(
    copied: dict[str, Path],
) -> None:
    runs = copied["done"].parent
    (runs / "comparison.png").write_bytes(b"a picture")
    third = shutil.copytree(copied["done"], runs / "third")
    (third / "summary.json").write_text("{")
    result = CliRunner().invoke(app, ["compare", *map(str, sorted(runs.iterdir()))])
    assert result.exit_code == 0, result.output
    assert (runs / "comparison.png").read_bytes().startswith(b"\x89PNG")
    for name in ("comparison.png", "third", copied["swept"].name):
        assert f"left out: {runs / name}" in result.stderr
    with pytest.raises(RunError, match="no such folder"):
        compare([copied["done"], copied["stopped"], runs / "mistyped"])


def change(path: Path, **changes: object) -> None:
    write_json(path, json.loads(path.read_text()) | changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda run: (run / "config.yaml").write_text(
                (run / "config.yaml").read_text().replace("seed: 0", "seed: 5", 1)
            ),
            "config.seed: was 0, is 5",
        ),
        (lambda run: change(run / "environment.json", isolet_nn="0.0.1"), 'version: was "0.0.1"'),
        (lambda run: change(run / "environment.json", processor="a 6502"), "was a 6502, is "),
        (
            lambda run: change(
                run / "environment.json", dataset={"name": "wine", "checksum": "other"}
            ),
            'data: was "other", is ',
        ),
    ],
    ids=["config", "version", "processor", "data"],
)
def test_a_run_that_is_not_what_was_begun_is_only_resumed_when_forced(
    make: Callable[[Path], object],
    message: str,
    copied: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: [])
    stopped = copied["stopped"]
    make(stopped)
    before = files_of(stopped)
    with pytest.raises(RunError, match="--force goes on all the same") as refusal:
        resume(stopped)
    assert message in str(refusal.value)
    assert files_of(stopped) == before
    done = resume(stopped, force=True)
    assert done.summary["status"] == "completed"
    (recorded,) = done.summary["overruled"]
    assert message in recorded
    assert evaluate(done).accuracy == done.summary["metrics"]["test_accuracy"]


def test_a_run_may_write_its_checkpoints_more_often_than_it_was_begun_with(
    copied: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: [])
    config = copied["stopped"] / "config.yaml"
    changed = config.read_text().replace("checkpoint_seconds: 30.0", "checkpoint_seconds: 0.0")
    assert changed != config.read_text()
    config.write_text(changed)
    done = resume(copied["stopped"])
    assert (done.summary["status"], done.summary["overruled"]) == ("completed", [])


def test_a_model_that_is_a_link_in_a_circle_is_named_as_such(copied: dict[str, Path]) -> None:
    path = copied["done"] / "model.safetensors"
    DAMAGES["a link in a circle"](path)
    with pytest.raises(RunError, match=r"model\.safetensors: .*Too many levels of symbolic links"):
        evaluate(copied["done"])


def test_a_model_is_not_evaluated_under_another_config(copied: dict[str, Path]) -> None:
    config = copied["done"] / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 5", 1))
    with pytest.raises(RunError, match=r"is not what model\.safetensors was trained with.*\nseed"):
        evaluate(copied["done"])


def tensors_of(path: Path) -> tuple[dict[str, Any], Any]:
    """The arrays of a file of tensors, and the object beside them."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, json.loads(file.metadata()["isolet_nn"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("variables", math.nan), ("loss_sums", math.nan), ("optimizer_0", -1.0), ("variables", 0.5)],
)
def test_a_checkpoint_whose_numbers_were_changed_is_damaged_and_nothing_is_lost(
    name: str, value: float, copied: dict[str, Path]
) -> None:
    from safetensors.numpy import save

    path = copied["stopped"] / "checkpoint.safetensors"
    arrays, progress = tensors_of(path)
    arrays[f"backend.{name}"].flat[0] = value
    path.write_bytes(save(arrays, {"isolet_nn": json.dumps(progress)}))
    before = files_of(copied["stopped"])
    with pytest.raises(RunError, match="not those that were written; remove checkpoint") as refusal:
        resume(copied["stopped"])
    assert str(path) in str(refusal.value)
    assert files_of(copied["stopped"]) == before


def test_a_diverging_training_that_was_interrupted_fails_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.runs.recording.draw_curves", lambda *_: [])
    diverging = load_experiment(
        EXPERIMENT, {"optimizer": {"name": "sgd", "learning_rate": 1e30}, "training.batch_size": 8}
    )
    undisturbed = train(diverging, runs_dir=tmp_path)
    stopped = train(diverging, runs_dir=tmp_path, should_stop=stop_after(9))
    arrays, _ = tensors_of(stopped.path / "checkpoint.safetensors")
    assert not np.isfinite(arrays["backend.variables"]).all()
    resumed = resume(stopped.path)
    assert resumed.summary["status"] == "failed"
    assert resumed.summary["error"] == undisturbed.summary["error"]


def test_a_checkpoint_whose_counts_are_absurd_is_damaged(copied: dict[str, Path]) -> None:
    from safetensors.numpy import save

    path = copied["stopped"] / "checkpoint.safetensors"
    arrays, progress = tensors_of(path)

    def refused(arrays: dict[str, Any], progress: object) -> str:
        path.write_bytes(save(arrays, {"isolet_nn": json.dumps(progress)}))
        with pytest.raises(RunError, match="damaged: ") as refusal:
            resume(copied["stopped"])
        assert str(path) in str(refusal.value)
        return str(refusal.value)

    for key, value in {"step": -1, "epoch": -1, "seconds": None, "colour": 1}.items():
        assert key in refused(arrays, progress | {key: value})
    assert "step: found 2" in refused(arrays, progress | {"step": 2, "epoch": progress["epoch"]})
    member = progress["members"][0]
    seen = {"current": 0.5, "best": None, "without_improvement": 0, "cooling": 0}
    for changed in (
        {"finished": True},
        {"age": 1},
        {"best_epoch": 9},
        {"best_value": "x"},
        {"plateau": seen},
        {"plateau": seen | {"current": 2.0}},
    ):
        refused(arrays, progress | {"members": [member | changed]})
    refused(arrays, progress | {"members": []})
    variables = arrays["backend.variables"]
    assert "expected float32" in refused(
        arrays | {"backend.variables": variables.astype("int32")}, progress
    )
    refused(arrays | {"backend.variables": variables[:, :-1]}, progress)
    refused(arrays | {"backend.extra": variables}, progress)
    steps = arrays["backend.optimizer_steps"]
    assert "optimizer_steps: found -1" in refused(
        arrays | {"backend.optimizer_steps": 0 * steps - 1}, progress
    )
