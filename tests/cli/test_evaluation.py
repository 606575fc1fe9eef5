"""`isolet-nn eval` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from needs import needs_torch

from cli.helpers import QUICK, Command
from isolet_nn.config.metrics import SCORES
from isolet_nn.runs.folder import Run

EVALUATION_KEYS = {
    *SCORES,
    "undefined",
    "warning",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "loss",
    "top3_accuracy",
    "n",
    "split",
    "classes",
    "confusion_matrix",
    "per_class",
    "per_speaker",
    "calibration",
}


def test_of_few_classes_three_guesses_are_no_score(nn: Command, tmp_path: Path) -> None:
    settings = ["dataset={name: iris, validation: {fraction: 0.2}}", "training.epochs=2"]
    options = [option for setting in settings for option in ("--set", setting)]
    trained = nn("train", "quickstart", *options, "--runs-dir", tmp_path)
    assert "best validation loss in epoch" in trained.out
    evaluated = nn("eval", trained.out.splitlines()[-1])
    assert "accuracy" in evaluated.out
    assert "top-3" not in evaluated.out


def test_the_best_epoch_is_said_of_what_early_stopping_watches(nn: Command, tmp_path: Path) -> None:
    settings = ["training.early_stopping={metric: validation_accuracy}", "training.epochs=2"]
    options = [option for setting in settings for option in ("--set", setting)]
    trained = nn("train", "quickstart", *options, "--runs-dir", tmp_path)
    assert "best validation accuracy in epoch" in trained.out


def test_eval_writes_tables_alone_as_csv(nn: Command, digits_run: Run) -> None:
    result = nn("eval", digits_run.path, "--format", "csv")
    assert result.code == 0
    tables = dict(part.split("\n", 1) for part in result.out.split("\n\n"))
    assert [*tables] == ["# test split, 359 rows", "# by class", "# most confused"]
    accuracy = digits_run.summary["metrics"]["test_accuracy"]
    assert tables["# test split, 359 rows"].splitlines()[1].startswith(f"accuracy,{accuracy},0.")
    assert all(len(line.split(",")) == 5 for line in tables["# by class"].splitlines())
    assert nn("eval", digits_run.path, "--format", "csv", "--json").refusal() == (
        "--format goes with tables, and --json prints none: drop one"
    )
    assert "did you mean latex" in nn("eval", digits_run.path, "--format", "latx").refusal()


def test_eval_prints_accuracy_classes_and_confused_pairs(nn: Command, digits_run: Run) -> None:
    result = nn("eval", digits_run.path)
    assert result.code == 0
    accuracy = digits_run.summary["metrics"]["test_accuracy"]
    assert result.out.startswith("test split, 359 rows\n")
    assert f"accuracy              {100 * accuracy:.2f} %  (95 % interval " in result.out
    assert "calibration           expected error " in result.out
    for heading in ("top-3 accuracy", "by class", "precision", "most confused", "taken for"):
        assert heading in result.out
    assert result.err.splitlines() == [
        f"written: {digits_run.path}/{name}"
        for name in (
            "confusion_matrix.csv",
            "calibration.csv",
            "roc.csv",
            "precision_recall.csv",
            "plots/confusion_matrix.png",
            "plots/confusion_normalized.png",
            "plots/reliability.png",
            "plots/roc.png",
            "plots/precision_recall.png",
        )
    ]


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_eval_prints_json_of_a_split_on_stdout(nn: Command, digits_run: Run, split: str) -> None:
    result = nn("eval", digits_run.path, "--split", split, "--json")
    evaluation = json.loads(result.out)
    assert evaluation.keys() == EVALUATION_KEYS
    assert evaluation["split"] == split
    assert evaluation["n"] == {"test": 359, "validation": 143, "train": 1295}[split]
    assert evaluation["accuracy_low"] < evaluation["accuracy"] < evaluation["accuracy_high"]
    assert evaluation["accuracy"] <= evaluation["top3_accuracy"] <= 1.0
    assert evaluation["classes"] == list("0123456789")
    matrix = evaluation["confusion_matrix"]
    assert sum(map(sum, matrix)) == evaluation["n"]
    right = sum(row[index] for index, row in enumerate(matrix))
    assert evaluation["accuracy"] == right / evaluation["n"]
    assert [score["name"] for score in evaluation["per_class"]] == evaluation["classes"]
    assert evaluation["per_speaker"] == []
    if split != "train":
        final = digits_run.summary["metrics"]
        assert evaluation["accuracy"] == final[f"{split}_accuracy"]
        assert evaluation["loss"] == pytest.approx(final[f"{split}_loss"], rel=1e-6)
        for score in SCORES:
            assert evaluation[score] == final[f"{split}_{score}"]


def test_eval_of_another_split_leaves_the_test_splits_files_alone(
    nn: Command, digits_run: Run
) -> None:
    table = digits_run.path / "confusion_matrix.csv"
    before = table.read_bytes()
    result = nn("eval", digits_run.path, "--split", "train")
    assert f"{digits_run.path}/confusion_matrix_train.csv" in result.err
    assert table.read_bytes() == before


@needs_torch
@pytest.mark.parametrize(("trained", "other"), [("numpy", "torch"), ("torch", "numpy")])
def test_a_model_of_one_backend_evaluates_with_the_other(
    nn: Command, trained: str, other: str
) -> None:
    run = nn("train", *QUICK, "-q", "--backend", trained).run
    own, others = (
        json.loads(nn("eval", run.path, "--json", "--backend", backend).out)
        for backend in (trained, other)
    )
    assert others["confusion_matrix"] == own["confusion_matrix"]
    assert others["loss"] == pytest.approx(own["loss"], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "tset"), "--split: found 'tset'; allowed: test, validation, train; did you"),
        (("--split", "scaler"), "--split: found 'scaler'; allowed: test, validation, train"),
        (("--backend", "nunpy"), "--backend: found 'nunpy'; allowed: numpy, torch; did you mean"),
    ],
)
def test_a_wrong_option_of_eval_is_refused(
    nn: Command, digits_run: Run, arguments: tuple[str, ...], message: str
) -> None:
    assert nn("eval", digits_run.path, *arguments).refusal().startswith(message)


def test_eval_of_a_split_the_data_does_not_have_says_which_there_are(nn: Command) -> None:
    run = nn("train", *QUICK, "-q", "--set", "dataset.validation=none").run
    assert nn("eval", run.path, "--split", "validation").refusal() == (
        f"{run.path}: its data has no validation split, as dataset.validation is none; "
        "it has test and train"
    )


@pytest.mark.parametrize("size", [0, 3, 2000])
def test_eval_of_a_damaged_model_names_the_file(nn: Command, digits_run: Run, size: int) -> None:
    model = digits_run.path / "model.safetensors"
    model.write_bytes(model.read_bytes()[:size])
    message = nn("eval", digits_run.path).refusal()
    assert message.startswith(f"{model}: damaged, or not written by isolet-nn: ")


def test_eval_of_a_pickle_under_the_models_name_is_refused(nn: Command, digits_run: Run) -> None:
    model = digits_run.path / "model.safetensors"
    model.write_bytes(b"cos\nsystem\n(S'touch pickled'\ntR.")
    message = nn("eval", digits_run.path).refusal()
    assert message.startswith(f"{model}: damaged, or not written by isolet-nn: ")
    assert not Path("pickled").exists()


@pytest.mark.parametrize(
    ("status", "rest"),
    [("interrupted", "; end it with: isolet-nn train --resume {run}"), ("failed", "")],
)
def test_eval_of_a_run_without_a_model_says_how_the_run_ended(
    nn: Command, digits_run: Run, status: str, rest: str
) -> None:
    model = digits_run.path / "model.safetensors"
    model.unlink()
    digits_run.write_summary(digits_run.summary | {"status": status})
    expected = f"{model}: no such file; the run is {status}{rest.format(run=digits_run.path)}"
    assert nn("eval", digits_run.path).refusal() == expected


@pytest.mark.parametrize("name", ["environment.json", "config.yaml"])
def test_eval_names_a_damaged_file_of_the_run(nn: Command, digits_run: Run, name: str) -> None:
    (digits_run.path / name).write_text("{", encoding="utf-8")
    assert nn("eval", digits_run.path).refusal().startswith(str(digits_run.path / name))


def test_eval_on_other_data_than_the_run_was_trained_on_is_refused(
    nn: Command, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    lines = [f"{i},{(7 * i) % 11},{'ab'[i % 2]}" for i in range(40)]
    table.write_text("\n".join(["x,y,label", *lines]), encoding="utf-8")
    config = tmp_path / "own.yaml"
    config.write_text("dataset: {name: csv, path: table.csv}\ntraining: {epochs: 1}\n")
    run = nn("train", config, "-q").run
    table.write_text("\n".join(["x,y,label", *lines, "3,4,a"]), encoding="utf-8")
    message = nn("eval", run.path).refusal()
    assert message.startswith(f"{run.path}: the data is not what the run was trained on: checksum")
    table.unlink()
    assert nn("eval", run.path).refusal() == f"dataset.path: {table}: no such file"


def test_eval_shows_its_result_also_where_it_cannot_write(
    nn: Command, digits_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "runs/x/confusion_matrix.csv")

    monkeypatch.setattr("isolet_nn.runs.drawing.write_evaluation", refuse)
    result = nn("eval", digits_run.path, "--json")
    assert result.code == 0
    assert json.loads(result.out)["n"] == 359
    assert result.err == "not written: runs/x/confusion_matrix.csv: Permission denied\n"


@needs_torch
@pytest.mark.slow
def test_isolet_is_learned_and_evaluated_by_class_and_speaker(nn: Command) -> None:
    trained = nn("train", "isolet", "--epochs", "12")
    assert trained.code == 0, trained.err
    assert trained.err.splitlines()[1] == "isolet: 4991 training, 1247 validation, 1559 test rows"
    run = trained.run
    evaluation = json.loads(nn("eval", run.path, "--json").out)
    assert evaluation.keys() == EVALUATION_KEYS
    assert evaluation["n"] == 1559
    assert evaluation["accuracy"] == run.summary["metrics"]["test_accuracy"]
    assert 0.945 < evaluation["accuracy"] < 0.975
    assert evaluation["accuracy_high"] - evaluation["accuracy_low"] < 0.025
    assert evaluation["classes"] == list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    speakers = evaluation["per_speaker"]
    assert len({speaker["speaker"] for speaker in speakers}) == 30
    assert sum(speaker["n"] for speaker in speakers) == 1559
    shown = nn("eval", run.path, "--backend", "torch").out
    assert "lowest accuracy by speaker" in shown
    assert f"accuracy              {100 * evaluation['accuracy']:.2f} %" in shown
