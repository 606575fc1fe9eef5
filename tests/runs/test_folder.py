"""Run folders: made, locked, read back, and damaged in every way a disk or a person can."""

from __future__ import annotations

import json
import math
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_dataset, make_experiment, same_arrays, trained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from needs import needs_torch
from processes import Process

from isolet_nn.data.dataset import Dataset
from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.errors import ConfigError, IsoletNNError, RunError
from isolet_nn.results.selection import load_run
from isolet_nn.runs.environment import describe_environment
from isolet_nn.runs.folder import Run
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Row

COLUMNS = ["epoch", "train_loss", "test_accuracy", "seconds"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    experiment = make_experiment(name="clouds")
    environment = describe_environment(experiment, make_dataset())
    return Run.create(tmp_path / "runs", experiment, environment)


def scaled(dataset: Dataset) -> Dataset:
    inputs = tuple(
        InputColumn(f"f{number}", mean=number / 7, scale=number + 1 / 3) for number in range(7)
    )
    return replace(dataset, preprocessing=Preprocessing(inputs, dataset.classes))


def test_a_new_folder_holds_config_environment_and_a_running_status(run: Run) -> None:
    assert re.fullmatch(r"\d{8}-\d{6}-clouds", run.path.name)
    assert sorted(path.name for path in run.path.iterdir()) == [
        "config.yaml",
        "environment.json",
        "summary.json",
    ]
    assert run.summary["status"] == "running"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", run.summary["started"])
    environment = run.environment
    assert environment["experiment"] == run.experiment.model_dump(mode="json")
    assert (environment["format"], environment["dataset"]) == (
        1,
        {"name": "clouds", "checksum": "clouds 0"},
    )
    assert load_run(run.path).experiment == run.experiment


def test_a_model_of_another_shape_than_the_config_says_is_refused(tmp_path: Path) -> None:
    experiment = make_experiment(name="clouds")
    dataset = make_dataset()
    run = Run.create(tmp_path, experiment, {})
    run.write_model(Training([experiment], [dataset]).weights(0), dataset)
    assert run.model().experiment == experiment
    config = run.path / "config.yaml"
    text = config.read_text("utf-8")
    config.write_text(text.replace("dropout: 0.0", "dropout: 0.25", 1), encoding="utf-8")
    found = r"config\.yaml: is not what model\.safetensors .*\nmodel\.dropout: was 0\.0, is 0\.25$"
    with pytest.raises(RunError, match=found):
        load_run(run.path).model()


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = [Run.create(tmp_path, make_experiment(), {}) for _ in range(12)]
    assert len({run.path for run in runs}) == len(list(tmp_path.iterdir())) == 12


def test_a_place_where_no_folder_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot make a folder here"):
        Run.create(tmp_path / "file", make_experiment(), {})


def test_a_folder_that_is_no_run_is_refused_with_the_newest_run_beside_it(run: Run) -> None:
    with pytest.raises(RunError, match=r"no such folder; the newest run there is .*-clouds"):
        Run.open(run.path.parent / "nothing")
    other = run.path.parent / "other"
    other.mkdir()
    with pytest.raises(RunError, match=r"not a run folder: it has no config\.yaml; the newest run"):
        Run.open(other)


def test_a_damaged_config_is_a_config_error_that_names_the_file(run: Run) -> None:
    (run.path / "config.yaml").write_text("dataset: [")
    with pytest.raises(ConfigError, match=r"config\.yaml:1:\d+: not valid YAML"):
        Run.open(run.path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "damaged: Expecting value"),
        (b'{"status": "runn', "damaged: Unterminated"),
        (b"\xff\xfe", "damaged: .*utf-8"),
        (b"[1]", r"damaged: found \[1\], expected an object"),
        (b"[" * 100_000, "damaged: nested too deep"),
        (b'{"format": 1, "status": "running", "started": NaN}', "damaged: found NaN"),
        (b'{"format": 1, "format": 1}', "damaged: key 'format' is given twice"),
        (b'{"format": 1e999}', "damaged: found 1e999, which is beyond"),
        (b'{"format": true}', "damaged: format: found true, expected 1"),
        (
            b'{"format": 1, "status": "done"}',
            "damaged: status: found 'done'; it should be 'running', ",
        ),
        (b'{"format": 1, "status": "running"}', "damaged: started: missing"),
        (b'{"format": 1, "status": "running", "started": "1"}', "damaged: started: "),
        (
            b'{"format": 1, "status": "completed", "started": "2026-01-01T00:00:00+00:00"}',
            "damaged: status is completed, but there is no ended",
        ),
        (b'{"format": 2, "news": 1}', "is of format 2, and isolet-nn .* reads format 1: use the"),
        (b'{"status": "running"}', "is of an earlier format, and isolet-nn .* reads format 1"),
    ],
)
def test_a_summary_that_is_missing_or_damaged_is_a_run_error(
    content: bytes | None, message: str, run: Run
) -> None:
    path = run.path / "summary.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=message) as caught:
        _ = run.summary
    assert str(path) in str(caught.value)


def test_a_lock_keeps_other_processes_out_and_dies_with_its_holder(run: Run) -> None:
    code = (
        "import sys\nfrom isolet_nn.runs.folder import Run\n"
        f"with Run.open({str(run.path)!r}).locked():\n"
        "    print('locked', flush=True)\n    sys.stdin.read()\n"
    )
    with Process(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(RunError, match="another process is working on it"), run.locked():
            raise AssertionError("both hold the lock")
        holder.kill()
    with run.locked():
        assert run.path.is_dir()


def test_an_error_inside_the_lock_passes_through_and_frees_it(run: Run) -> None:
    def fail_inside() -> None:
        with run.locked():
            raise ValueError("inside")

    for _ in range(2):
        with pytest.raises(ValueError, match="inside"):
            fail_inside()


values = st.tuples(st.floats(allow_nan=False), st.none() | st.floats(0, 1), st.floats(0, 1e6)).map(
    list
)


def rows(values: list[list[float | None]], after: int = 0) -> list[Row]:
    """A row for each epoch after the given one."""
    return [
        dict(zip(COLUMNS, [epoch, *of_epoch], strict=True))
        for epoch, of_epoch in enumerate(values, after + 1)
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    first=st.lists(values, max_size=3).map(rows),
    more=st.lists(values, max_size=4),
)
def test_metrics_are_read_back_with_all_their_digits(
    run: Run, first: list[Row], more: list[list[float | None]]
) -> None:
    later = rows(more, len(first))
    run.start_metrics(COLUMNS, first)
    for row in later:
        run.append_metrics(row)
    assert run.history() == [*first, *later]
    assert all(isinstance(row["epoch"], int) for row in run.history())


def test_there_are_no_metrics_before_the_first_epoch(run: Run) -> None:
    assert run.history() == []
    run.start_metrics(COLUMNS)
    assert run.history() == []
    assert (run.path / "metrics.csv").read_text() == "epoch,train_loss,test_accuracy,seconds\n"


@pytest.mark.parametrize("torn", ["2", "2,", "2,0.5,", "2,0.5,0.7,1.2", "\x00\x00"])
def test_a_torn_last_line_of_the_metrics_is_left_out(torn: str, run: Run) -> None:
    run.start_metrics(COLUMNS, [{"epoch": 1, "train_loss": 0.1, "test_accuracy": 1, "seconds": 2}])
    whole = run.history()
    with (run.path / "metrics.csv").open("a") as file:
        file.write(torn)
    assert run.history() == whole
    assert len(whole) == 1


@pytest.fixture
def model_run(run: Run) -> Run:
    dataset = scaled(make_dataset())
    training = trained([run.experiment], [dataset])
    weights = training.members[0].weights
    assert weights is not None
    run.write_model(weights, dataset)
    return run


def test_a_model_is_read_back_with_its_preprocessing_and_experiment(run: Run) -> None:
    dataset = scaled(make_dataset())
    weights = trained([run.experiment], [dataset]).members[0].weights
    assert weights is not None
    run.write_model(weights, dataset)
    model = run.model()
    assert same_arrays(model.weights, weights)
    assert model.classes == dataset.classes
    assert model.experiment == run.experiment
    assert model.preprocessing == dataset.preprocessing
    run.write_model(weights, make_dataset())
    assert run.model().preprocessing.scaler is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"f3"', '"f4"', "two columns have the same name"),
        ('"scale": 2.3333333333333335', '"scale": -1.0', "scale is above zero"),
        ('"scale": 2.3333333333333335', '"scale": null', "has a mean or a scale, but not both"),
        ('"scale": 2.3333333333333335', '"scale": 2.3333333333333330', "is not what model"),
        ('"kind": "numeric"', '"kind": "text"', r"inputs\.0\.kind: found 'text'"),
        ('"class 1"', '"class one"', "is not what model.safetensors was trained with"),
        ('"format": 1', '"format": 2', "is of format 2"),
    ],
)
def test_a_preprocessing_that_was_changed_is_refused(
    old: str, new: str, says: str, model_run: Run
) -> None:
    path = model_run.path / "preprocessing.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RunError, match=f"{re.escape(str(path))}: .*{says}"):
        model_run.model()


def test_a_preprocessing_that_is_not_there_is_an_error(model_run: Run) -> None:
    (model_run.path / "preprocessing.json").unlink()
    with pytest.raises(RunError, match=r"preprocessing\.json: no such file"):
        model_run.model()


@pytest.mark.parametrize(
    ("value", "says"),
    [(-1e-3, "a variance is negative"), (math.nan, "not all weights are finite")],
)
def test_a_running_variance_that_none_can_be_is_damage(
    value: float, says: str, tmp_path: Path
) -> None:
    experiment, dataset = make_experiment(model__batch_normalization=True), make_dataset()
    run = Run.create(tmp_path, experiment, {})
    weights = dict(Training([experiment], [dataset]).weights(0))
    weights["1.running_var"] = np.full_like(weights["1.running_var"], value)
    run.write_model(weights, dataset)
    with pytest.raises(RunError, match=rf"damaged: 1\.running_var: {says}"):
        run.model()


@needs_torch
def test_a_model_has_the_names_and_layout_of_pytorch(model_run: Run) -> None:
    import torch
    from safetensors.torch import load_file

    tensors = load_file(model_run.path / "model.safetensors")
    network = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    network.load_state_dict(tensors, strict=True)


def test_the_bytes_of_a_model_depend_on_its_content_alone(model_run: Run) -> None:
    path = model_run.path / "model.safetensors"
    before, model = path.read_bytes(), model_run.model()
    model_run.write_model(dict(reversed(model.weights.items())), scaled(make_dataset()))
    assert path.read_bytes() == before


def test_a_model_that_is_not_there_is_an_error_that_says_how_to_get_it(run: Run) -> None:
    with pytest.raises(RunError, match=r"no such file; the run is running; .*--resume"):
        run.model()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_truncated_model_is_a_run_error(model_run: Run, data: st.DataObject) -> None:
    path = model_run.path / "model.safetensors"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(RunError, match="damaged"):
            model_run.model()
    finally:
        path.write_bytes(whole)


def header(whole: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", whole[:8])
    return json.loads(whole[8 : 8 + length]), whole[8 + length :]


def joined(head: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not safetensors at all, but long enough",
        b"\x00" * 64,
        joined({}, b""),
        joined({"__metadata__": {"other": "tool"}}, b""),
        joined({"__metadata__": {"isolet_nn": "{"}}, b""),
    ],
    ids=["empty", "text", "zeros", "nothing", "foreign", "broken"],
)
def test_a_file_that_is_no_model_is_a_run_error(content: bytes, run: Run) -> None:
    (run.path / "model.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="damaged, or not written by isolet-nn"):
        run.model()


def test_a_folder_in_the_place_of_the_model_is_a_run_error(run: Run) -> None:
    (run.path / "model.safetensors").mkdir()
    with pytest.raises(RunError, match="damaged"):
        run.model()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_flipped_bits_in_the_head_of_a_model_never_end_in_another_error(
    model_run: Run, data: st.DataObject
) -> None:
    path = model_run.path / "model.safetensors"
    whole = path.read_bytes()
    head = len(whole) - len(header(whole)[1])
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, head - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        path.write_bytes(damaged)
        try:
            found = str(model_run.model().experiment)
        except IsoletNNError as error:
            found = str(error)
        assert found
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        [],
        None,
        {"classes": ["a"]},
        {"experiment": {}, "classes": ["a"]},
        {"experiment": None, "classes": None},
    ],
)
def test_a_model_without_the_facts_that_go_with_it_is_an_error(
    metadata: Any, model_run: Run
) -> None:
    path = model_run.path / "model.safetensors"
    head, body = header(path.read_bytes())
    head["__metadata__"] = {"isolet_nn": json.dumps(metadata)}
    path.write_bytes(joined(head, body))
    with pytest.raises(IsoletNNError, match=re.escape(str(path))):
        model_run.model()


def test_metrics_that_are_no_numbers_are_a_run_error(run: Run) -> None:
    run.start_metrics(COLUMNS)
    with (run.path / "metrics.csv").open("a") as file:
        file.write("1,0.5,half,2.0\n")
    with pytest.raises(RunError, match=r"metrics\.csv: damaged: test_accuracy: found 'half'"):
        run.history()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "found the columns ''"),
        ("epoch,seconds,test_accuracy\n1,1.0,1.0\n", "found the columns"),
        ("epoch,colour,seconds\n1,1.0,1.0\n", "found the columns"),
        ("epoch,test_loss,test_loss,seconds\n1,1.0,1.0,1.0\n", "found the columns"),
        ("epoch,test_loss,seconds\n1,1.0\n", "found '1,1.0', expected 3 cells"),
        ("epoch,test_loss,seconds\n2,1.0,1.0\n", "found epoch 2 where 1 should be"),
        ("epoch,test_loss,seconds\n1,1.0,1.0\n1,1.0,1.0\n", "found epoch 1 where 2 should"),
        ("epoch,test_loss,seconds\n-1,1.0,1.0\n", "found epoch '-1'"),
        ("epoch,test_loss,seconds\n" + "9" * 9000 + ",1.0,1.0\n", "found epoch '999"),
        ("epoch,test_loss,seconds\n1,1_0.0,1.0\n", "test_loss: found '1_0.0'"),
        ("epoch,test_loss,seconds\n1,1.0,-1.0\n", "seconds: found -1.0, which cannot be"),
        ("epoch,test_loss,seconds\n1,1.0,nan\n", "seconds: found nan, which cannot be"),
        ("epoch,test_accuracy,seconds\n1,1.5,1.0\n", "test_accuracy: found 1.5, which cannot be"),
    ],
)
def test_metrics_that_cannot_be_are_a_run_error(text: str, message: str, run: Run) -> None:
    (run.path / "metrics.csv").write_text(text)
    with pytest.raises(RunError, match=re.escape(f"metrics.csv: damaged: {message}")):
        run.history()


def test_a_checkpoint_without_the_metrics_before_it_is_a_run_error(run: Run) -> None:
    training = Training([run.experiment], [make_dataset()])
    training.run_epoch()
    run.start_metrics(COLUMNS)
    run.write_checkpoint(training)
    with pytest.raises(RunError, match=r"metrics\.csv: found 0 of the 1 epochs"):
        run.load_checkpoint(Training([run.experiment], [make_dataset()]))


def test_a_checkpoint_comes_back_with_the_metrics_of_its_epochs(run: Run) -> None:
    dataset = make_dataset(validation=10)
    training = Training([run.experiment], [dataset])
    run.start_metrics(COLUMNS)
    for _ in range(3):
        training.run_epoch()
        row = training.members[0].history[-1]
        run.append_metrics({name: row[name] for name in COLUMNS})
        if training.epoch == 2:
            run.write_checkpoint(training)
    again = Training([run.experiment], [dataset])
    run.load_checkpoint(again)
    assert (again.epoch, again.step) == (2, 0)
    assert [row["epoch"] for row in again.members[0].history] == [1, 2]
    assert run.has_checkpoint
    run.remove_checkpoint()
    run.remove_checkpoint()
    assert not run.has_checkpoint


def test_no_checkpoint_leaves_a_training_at_its_beginning(run: Run) -> None:
    training = Training([run.experiment], [make_dataset()])
    run.load_checkpoint(training)
    assert training.epoch == 0
    assert math.isnan(training.members[0].best_value)
