"""Drawing once more: the same pictures from the same folder, and others of a sweep."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from isolet_nn import evaluate, plots, sweep, train
from isolet_nn.cli.app import app
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.redraw import redraw
from isolet_nn.runs.drawing import write_evaluation
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.drawing import name_of
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.redraw import PlotChoice, choose_plot

EXPERIMENT = {
    "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [4]},
    "training": {"epochs": 2, "batch_size": 32},
}
RATE, HIDDEN, EPOCHS = "optimizer.learning_rate", "model.hidden_layers", "training.epochs"
SWEEP = {
    "name": "grid",
    "experiment": EXPERIMENT,
    "grid": {HIDDEN: [[2], [4]], RATE: [0.01, 0.1], EPOCHS: [1, 2]},
    "seeds": 2,
    "plot": [
        {"kind": "heatmap", "x": RATE, "y": HIDDEN},
        {"kind": "boxplot", "x": HIDDEN, "value": "validation_accuracy"},
    ],
}


@pytest.fixture(scope="module")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = train(load_experiment(EXPERIMENT), runs_dir=tmp_path_factory.mktemp("plot"))
    for split in ("test", "validation"):
        write_evaluation(run, evaluate(run, split=split))
    return run.path


@pytest.fixture(scope="module")
def grouped_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table whose rows have speakers; its model has no hidden layer."""
    folder = tmp_path_factory.mktemp("grouped")
    random = np.random.default_rng(0)
    rows = [
        f"{random.normal():.3f},{random.normal() + row % 2:.3f},{'AB'[row % 2]},{row // 6}"
        for row in range(60)
    ]
    (folder / "table.csv").write_text("\n".join(["one,two,letter,who", *rows]) + "\n")
    dataset = {
        "name": "csv",
        "path": str(folder / "table.csv"),
        "label": "letter",
        "group": "who",
        "test": {"fraction": 0.5, "by": "group"},
    }
    experiment = {**EXPERIMENT, "dataset": dataset, "model": {"hidden_layers": []}}
    return train(load_experiment(experiment), runs_dir=folder / "runs").path


@pytest.fixture(scope="module")
def made_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep(load_sweep(SWEEP), runs_dir=tmp_path_factory.mktemp("plot"), workers=1).path


@pytest.fixture
def run_folder(made_run: Path, tmp_path: Path) -> Path:
    """A copy of a run, to be changed."""
    return shutil.copytree(made_run, tmp_path / "run")


@pytest.fixture
def sweep_folder(made_sweep: Path, tmp_path: Path) -> Path:
    """A copy of a sweep, to be changed."""
    return shutil.copytree(made_sweep, tmp_path / "sweep")


def make_sweep(**changes: Any) -> Sweep:
    return load_sweep({**SWEEP, **changes})


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "plots").iterdir()}


def test_a_run_is_drawn_again_to_the_same_bytes(run_folder: Path) -> None:
    before = pictures(run_folder)
    shutil.rmtree(run_folder / "plots")
    written = redraw(run_folder)
    assert pictures(run_folder) == before
    assert {path.name for path in written} == set(before)
    assert "confusion_matrix_validation.png" in before


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, ""),
        ({"model.dropout": 0.5}, "the training loss includes dropout"),
        ({"model.dropout": 0.5, "model.hidden_layers": []}, ""),
        (
            {"model.input_dropout": 0.1, "training.mixup": 0.2, "training.label_smoothing": 0.1},
            "the training loss includes dropout, mixup and label smoothing",
        ),
    ],
)
def test_the_loss_says_what_only_that_of_training_includes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], note: str
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(plots, "plot_loss", lambda *_, note, **__: notes.append(note))
    train(load_experiment(EXPERIMENT, changes), runs_dir=tmp_path)
    assert notes == [note]


def test_a_sweep_is_drawn_again_to_the_same_bytes(sweep_folder: Path) -> None:
    before = pictures(sweep_folder)
    table = (sweep_folder / "heatmap.csv").read_bytes()
    shutil.rmtree(sweep_folder / "plots")
    (sweep_folder / "heatmap.csv").unlink()
    written = redraw(sweep_folder)
    assert pictures(sweep_folder) == before
    assert (sweep_folder / "heatmap.csv").read_bytes() == table
    assert {path.name for path in written} == {*before, "heatmap.csv"}


def test_another_picture_is_written_beside_those_of_the_file(sweep_folder: Path) -> None:
    before = pictures(sweep_folder)
    config = (sweep_folder / "sweep.yaml").read_bytes()
    written = redraw(sweep_folder, PlotChoice(value="test_loss", y=EPOCHS))
    name = f"heatmap-test_loss-by-{RATE}-and-{EPOCHS}"
    assert [path.name for path in written] == [f"{name}.csv", f"{name}.png", f"{name}.svg"]
    assert pictures(sweep_folder).items() >= before.items()
    assert (sweep_folder / "sweep.yaml").read_bytes() == config


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (PlotChoice(), f"heatmap-test_accuracy-by-{RATE}-and-{HIDDEN}"),
        (PlotChoice(value="test_loss"), f"heatmap-test_loss-by-{RATE}-and-{HIDDEN}"),
        (PlotChoice(x=EPOCHS), f"heatmap-test_accuracy-by-{EPOCHS}-and-{HIDDEN}"),
        (PlotChoice(x=HIDDEN), f"heatmap-test_accuracy-by-{HIDDEN}-and-{RATE}"),
        (PlotChoice(y=RATE), f"heatmap-test_accuracy-by-{HIDDEN}-and-{RATE}"),
        (
            PlotChoice(panels=HIDDEN),
            f"heatmap-test_accuracy-by-{RATE}-and-{EPOCHS}-for-each-{HIDDEN}",
        ),
        (PlotChoice(kind="boxplot"), f"boxplot-validation_accuracy-by-{HIDDEN}"),
        (PlotChoice(kind="boxplot", x="seed"), "boxplot-validation_accuracy-by-seed"),
        (PlotChoice(kind="line", x=EPOCHS), f"line-test_accuracy-by-{EPOCHS}"),
        (PlotChoice(kind="line", x=RATE, y="seed"), f"line-test_accuracy-by-{RATE}-and-seed"),
    ],
)
def test_what_is_left_open_is_taken_from_the_sweep(choice: PlotChoice, name: str) -> None:
    assert name_of(choose_plot(make_sweep(), choice)) == name


@pytest.mark.parametrize(
    ("grid", "name"),
    [
        ({HIDDEN: [[2], [4]], RATE: [0.1, 0.2]}, f"heatmap-test_accuracy-by-{HIDDEN}-and-{RATE}"),
        ({HIDDEN: [[2], [4]]}, f"boxplot-test_accuracy-by-{HIDDEN}"),
        (None, "boxplot-test_accuracy-by-seed"),
    ],
)
def test_a_sweep_whose_file_has_no_picture_gets_one(grid: dict[str, Any], name: str) -> None:
    assert name_of(choose_plot(make_sweep(plot=[], grid=grid), PlotChoice())) == name


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (PlotChoice(x="optimizer.learning_rat"), f"--x: .* did you mean {RATE}"),
        (PlotChoice(y="model.activation"), f"--y: .* the sweep varies {HIDDEN}, {RATE}"),
        (PlotChoice(x=RATE, y=RATE), f"--y: {RATE} is on --x already"),
        (PlotChoice(value="test_acuracy"), "--value: .* did you mean test_accuracy"),
        (PlotChoice(kind="boxplot", y="seed"), "kind: boxplot has no y"),
        (PlotChoice(kind="line", x=RATE, panels=HIDDEN), "panels go with kind: heatmap alone"),
        (PlotChoice(kind="line", x=HIDDEN), r"--x: a line needs numbers, and .* is \[2\]"),
    ],
)
def test_a_choice_that_does_not_fit_is_refused_and_draws_nothing(
    made_sweep: Path, choice: PlotChoice, message: str
) -> None:
    before = pictures(made_sweep)
    with pytest.raises(ConfigError, match=message):
        redraw(made_sweep, choice)
    assert pictures(made_sweep) == before


def test_a_heatmap_of_nothing_but_seeds_is_refused() -> None:
    with pytest.raises(ConfigError, match="--y: a heatmap needs one more key; there is seed"):
        choose_plot(make_sweep(grid=None, plot=[]), PlotChoice(kind="heatmap"))


def test_a_metric_that_no_trial_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    content = {**SWEEP, "plot": [], "grid": {HIDDEN: [[2], [4]]}, "seeds": 1}
    content["experiment"] = {**EXPERIMENT, "dataset": {"name": "wine"}}
    folder = sweep(load_sweep(content), runs_dir=tmp_path, workers=1).path
    with pytest.raises(ConfigError, match="no trial has validation_loss; there is train_loss"):
        redraw(folder, PlotChoice(value="validation_loss"))
    assert [path.name for path in redraw(folder)] == [
        f"boxplot{suffix}" for suffix in (".png", ".svg")
    ]


def test_a_sweep_that_has_only_begun_has_nothing_to_draw(sweep_folder: Path) -> None:
    journal = sweep_folder / "trials.jsonl"
    journal.write_text(journal.read_text().splitlines()[0] + "\n")
    for choice in (None, PlotChoice(x=EPOCHS)):
        with pytest.raises(RunError, match="no trial is completed"):
            redraw(sweep_folder, choice)


def test_an_interrupted_sweep_is_drawn_as_far_as_it_came(sweep_folder: Path) -> None:
    journal = sweep_folder / "trials.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:4]) + lines[4][:10])
    before = pictures(sweep_folder)
    redraw(sweep_folder)
    after = pictures(sweep_folder)
    assert after.keys() == before.keys()
    assert after["heatmap.png"] != before["heatmap.png"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("curves", ["loss", "accuracy"]),
        ("confusion", ["confusion_matrix", "confusion_matrix_validation"]),
        ("confusion-normalized", ["confusion_normalized", "confusion_normalized_validation"]),
        ("roc", ["roc", "roc_validation"]),
        ("precision-recall", ["precision_recall", "precision_recall_validation"]),
        ("reliability", ["reliability", "reliability_validation"]),
        ("weights", ["weights"]),
    ],
)
def test_one_kind_of_a_runs_pictures_is_drawn_alone(
    run_folder: Path, kind: str, names: list[str]
) -> None:
    before = pictures(run_folder)
    shutil.rmtree(run_folder / "plots")
    written = redraw(run_folder, PlotChoice(kind=kind))
    assert [path.name for path in written] == [f"{name}.png" for name in names]
    after = pictures(run_folder)
    assert set(after) == {f"{name}.png" for name in names}
    assert kind == "weights" or after.items() <= before.items()


def test_training_leaves_the_tables_from_which_all_kinds_are_drawn(grouped_run: Path) -> None:
    assert redraw(grouped_run, PlotChoice(kind="speakers")) == [
        grouped_run / "plots" / "speakers.png"
    ]
    assert {path.name for path in redraw(grouped_run)} == {
        "loss.png",
        "accuracy.png",
        "confusion_matrix.png",
        "confusion_normalized.png",
        "reliability.png",
        "speakers.png",
        "decision_boundary.png",  # its table has two columns of numbers
    }


@pytest.mark.parametrize("kind", ["roc", "precision-recall"])
def test_curves_that_training_left_no_table_of_are_computed_first(
    grouped_run: Path, kind: str
) -> None:
    name = kind.replace("-", "_")
    assert redraw(grouped_run, PlotChoice(kind=kind)) == [grouped_run / "plots" / f"{name}.png"]
    table = (grouped_run / f"{name}.csv").read_bytes()
    assert len(redraw(grouped_run, PlotChoice(kind=kind))) == 1
    assert (grouped_run / f"{name}.csv").read_bytes() == table


def test_the_importance_of_columns_is_measured_once_and_announced(run_folder: Path) -> None:
    said: list[str] = []
    expected = [run_folder / "plots" / "importance_validation.png"]
    assert redraw(run_folder, PlotChoice(kind="importance"), said.append) == expected
    assert said[0].startswith("shuffling 13 columns of ")
    with (run_folder / "importance_validation.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["column", "loss", "loss_low", "loss_high", "accuracy"]
    assert len(rows) == 13
    assert "flavanoids" in {row[0] for row in rows}
    assert [float(row[1]) for row in rows] == sorted([float(row[1]) for row in rows], reverse=True)
    assert redraw(run_folder, PlotChoice(kind="importance"), said.append) == expected
    assert len(said) == 1


def test_without_a_hidden_layer_the_rows_of_the_weights_are_the_classes(
    grouped_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(
        plots, "plot_weights", lambda *given, title, features: drawn.append((*given, features))
    )
    redraw(grouped_run, PlotChoice(kind="weights"))
    ((weights, _, classes, features),) = drawn
    assert features == Run.open(grouped_run).model().preprocessing.feature_names
    np.testing.assert_array_equal(weights, Run.open(grouped_run).model().weights["0.weight"])
    assert classes == ("A", "B")
    assert weights.shape == (2, 2)


def test_of_an_ensemble_the_first_network_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(load_experiment({**EXPERIMENT, "ensemble": 2}), runs_dir=tmp_path)
    drawn: list[Any] = []
    monkeypatch.setattr(
        plots, "plot_weights", lambda *given, title, **_: drawn.append((*given, title))
    )
    redraw(run.path, PlotChoice(kind="weights"))
    ((weights, _, classes, title),) = drawn
    np.testing.assert_array_equal(weights, run.model().weights["0.0.weight"])
    assert weights.shape == (4, 13)
    assert classes is None
    assert title.endswith("weights of the first layer, network 1 of 2")


def test_a_kind_that_is_a_sweeps_is_refused_for_a_run_and_the_other_way_round(
    made_run: Path, made_sweep: Path
) -> None:
    with pytest.raises(ConfigError, match="heatmap is a picture of a sweep; a run has curves, "):
        redraw(made_run, PlotChoice(kind="heatmap"))
    with pytest.raises(ConfigError, match="weights is a picture of a run; a sweep has heatmap, "):
        redraw(made_sweep, PlotChoice(kind="weights"))


@pytest.mark.parametrize("choice", [{"x": RATE}, {"y": RATE}, {"panels": RATE}, {"value": "a"}])
def test_a_run_has_no_axes_to_choose(made_run: Path, choice: dict[str, str]) -> None:
    (option,) = choice
    with pytest.raises(ConfigError, match=f"--{option} is for a sweep; a run takes --kind only"):
        redraw(made_run, PlotChoice(kind="curves", **choice))


def test_a_kind_without_its_table_says_which_command_writes_it(run_folder: Path) -> None:
    for split in ("test", "validation"):
        Run.open(run_folder).table_path("calibration", split).unlink()
    expected = rf"no table to draw reliability from; `isolet-nn eval {run_folder}` writes it$"
    with pytest.raises(RunError, match=expected):
        redraw(run_folder, PlotChoice(kind="reliability"))
    with pytest.raises(RunError, match=r"speakers from; .* writes it where rows have groups"):
        redraw(run_folder, PlotChoice(kind="speakers"))


def test_weights_need_a_model(run_folder: Path) -> None:
    (run_folder / "model.safetensors").unlink()
    with pytest.raises(RunError, match=r"model\.safetensors: no such file"):
        redraw(run_folder, PlotChoice(kind="weights"))


def test_a_run_without_an_epoch_has_nothing_to_draw(run_folder: Path) -> None:
    (run_folder / "metrics.csv").write_text("epoch,train_loss,seconds\n")
    with pytest.raises(RunError, match=r"metrics\.csv: no epoch to draw"):
        redraw(run_folder)


def test_a_run_that_was_interrupted_has_curves_only(run_folder: Path) -> None:
    for split in ("test", "validation"):
        for table in ("confusion_matrix", "calibration", "roc", "precision_recall"):
            Run.open(run_folder).table_path(table, split).unlink()
    assert [path.name for path in redraw(run_folder)] == ["loss.png", "accuracy.png"]


@pytest.mark.parametrize(
    "text", ["", "actual\n", "actual,a,b\na,1,2\n", "actual,a\na,x\n", "actual,a\na,0\n", "\0"]
)
def test_a_damaged_confusion_matrix_is_named(run_folder: Path, text: str) -> None:
    (run_folder / "confusion_matrix.csv").write_text(text)
    with pytest.raises(RunError, match=r"confusion_matrix\.csv: not a confusion matrix"):
        redraw(run_folder)


@pytest.mark.parametrize("table", ["calibration", "speakers"])
def test_a_damaged_table_is_named(grouped_run: Path, tmp_path: Path, table: str) -> None:
    folder = shutil.copytree(grouped_run, tmp_path / "run")
    (folder / f"{table}.csv").write_text("speaker,n\n1,2\n")
    with pytest.raises(RunError, match=rf"{table}\.csv: not a table of {table}"):
        redraw(folder)


def test_what_is_neither_run_nor_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has neither config\.yaml nor sweep\.yaml"):
        redraw(tmp_path)
    with pytest.raises(RunError, match="no such folder"):
        redraw(tmp_path / "absent")
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(
        RunError, match=r"mine\.yaml: is a file; give the folder of a run or a sweep"
    ):
        redraw(tmp_path / "mine.yaml")


def test_the_command_prints_the_files_written(made_run: Path, sweep_folder: Path) -> None:
    of_run = CliRunner().invoke(app, ["plot", str(made_run)])
    assert [Path(line).name for line in of_run.stdout.splitlines()] == [
        "loss.png",
        "accuracy.png",
        "confusion_matrix.png",
        "confusion_normalized.png",
        "reliability.png",
        "roc.png",
        "precision_recall.png",
        "confusion_matrix_validation.png",
        "confusion_normalized_validation.png",
        "reliability_validation.png",
        "roc_validation.png",
        "precision_recall_validation.png",
    ]
    options = ["--kind", "line", "--x", RATE, "--y", HIDDEN, "--value", "validation_loss"]
    of_sweep = CliRunner().invoke(app, ["plot", str(sweep_folder), *options])
    name = f"line-validation_loss-by-{RATE}-and-{HIDDEN}"
    assert of_sweep.stdout.splitlines() == [
        str(sweep_folder / "plots" / f"{name}{suffix}") for suffix in (".png", ".svg")
    ]
