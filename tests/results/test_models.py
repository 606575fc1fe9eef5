"""A model from its files: answers of the run that trained it, for arrays and data frames."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from needs import needs_torch
from threadpoolctl import threadpool_limits

from isolet_nn import load_experiment, load_model, load_run, sweep, train
from isolet_nn.data import load_raw, load_test_rows
from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.data.reading import read_blocks
from isolet_nn.errors import DataError, IsoletNNError, RunError
from isolet_nn.results.frames import cells_of
from isolet_nn.results.models import TrainedModel
from isolet_nn.runs.execution import evaluate
from isolet_nn.runs.model_file import Model
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.training.backend import Weights, weight_shapes

WINE = {
    "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [6, 5]},
    "training": {"epochs": 3, "batch_size": 32},
}
NORMALIZED = {"model.batch_normalization": True, "model.dropout": 0.2}

MIXED = Preprocessing(
    inputs=(
        InputColumn("age", mean=40.0, scale=10.0, fill=35.0, indicator=True),
        InputColumn("city", "categorical", ("Aix", "Bonn"), other=True, fill=1.0),
        InputColumn("member", "categorical", ("false", "true"), fill=-1.0),
        InputColumn("rooms", "categorical", ("2", "3"), fill=0.0),
    ),
    classes=("no", "yes"),
    label="bought",
)
"""Columns of each kind: numbers, text, truth values, and numbers that are names."""


def mixed_model(**changes: Any) -> TrainedModel:
    """A model of `MIXED` with random weights."""
    experiment = load_experiment(
        {"dataset": {"name": "iris"}, "model": {"hidden_layers": [7]}}, changes
    )
    random = np.random.default_rng(0)
    weights: Weights = {
        f"{k}.{name}" if experiment.ensemble > 1 else name: random.uniform(0.1, 1.0, shape).astype(
            experiment.training.dtype
        )
        - (0.0 if name.endswith("var") else 0.5)
        for k in range(experiment.ensemble)
        for name, shape in weight_shapes(experiment, MIXED.n_features, 2).items()
    }
    return TrainedModel(Model(weights, MIXED, experiment))


ROWS = {
    "age": [20.0, None, 60.5, 33.0],
    "city": ["Aix", "Bonn", "Cork", None],
    "member": [True, False, None, True],
    "rooms": [2, 3, 4, None],
}
CODED = np.array(
    [[20, 0, 1, 0], [np.nan, 1, 0, 1], [60.5, -1, np.nan, -1], [33, np.nan, 1, np.nan]]
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(load_experiment(WINE), runs_dir=tmp_path_factory.mktemp("models")).path


@pytest.mark.parametrize(
    "changes", [{}, {"ensemble": 2}, NORMALIZED, {"training.dtype": "float64"}]
)
def test_a_model_answers_as_the_run_that_trained_it(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    run = train(load_experiment(WINE, changes), runs_dir=tmp_path)
    model = load_model(run.path)
    raw = load_raw(run.experiment.dataset)
    rows = load_test_rows(run.experiment.dataset, run.experiment.seed)
    x, names = raw.x[rows], np.array(raw.classes)[raw.y[rows]]
    evaluation = evaluate(run)
    assert np.array_equal(model.predict(x) == names, evaluation.right)
    of_class = model.predict_proba(x)[np.arange(len(x)), raw.y[rows]]
    assert -np.log(of_class).mean() == pytest.approx(evaluation.loss, rel=1e-5)
    assert list(model.feature_names_in_) == list(raw.feature_names)
    assert list(model.classes_) == list(raw.classes)


def test_answers_do_not_depend_on_the_threads_of_linear_algebra(tmp_path: Path) -> None:
    wide = load_experiment("quickstart", {"model.hidden_layers": [700], "training.epochs": 1})
    model = load_model(train(wide, runs_dir=tmp_path).path)
    x = np.random.default_rng(0).normal(8.0, 4.0, (2000, model.n_features_in_))
    with threadpool_limits(1):
        alone = model.predict_proba(x)
    with threadpool_limits(2):
        np.testing.assert_array_equal(model.predict_proba(x), alone)


def test_two_files_are_all_that_a_model_needs(made: Path, tmp_path: Path) -> None:
    for name in ("model.safetensors", "preprocessing.json"):
        shutil.copy(made / name, tmp_path)
    x = load_raw(load_run(made).experiment.dataset).x
    expected = load_model(made).predict_proba(x)
    for path in (tmp_path, tmp_path / "model.safetensors"):
        assert np.array_equal(load_model(path).predict_proba(x), expected)


def test_columns_of_a_frame_are_found_by_name_in_any_order(made: Path) -> None:
    model, x = load_model(made), load_raw(load_run(made).experiment.dataset).x
    names = list(model.feature_names_in_)
    expected = model.predict_proba(x)
    columns = {"unknown": ["?"] * len(x), **{n: x[:, names.index(n)] for n in reversed(names)}}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns)):
        assert np.array_equal(model.predict_proba(frame), expected)
    with pytest.raises(DataError) as caught:
        model.predict(
            pd.DataFrame(columns)
            .drop(columns=["ash", "hue"])
            .rename(columns={names[0]: "alcohols"})
        )
    assert "has no column alcohol, ash, hue, which the model was trained with" in str(caught.value)
    assert "did you mean alcohols?" in str(caught.value)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS).convert_dtypes(),
        pd.DataFrame(ROWS).astype({"city": "category"}),
        pl.DataFrame(ROWS),
        np.array([*zip(*ROWS.values(), strict=True)], dtype=object),
    ],
    ids=["pandas", "nullable", "category", "polars", "objects"],
)
def test_cells_of_every_kind_are_read_as_the_model_learned_them(frame: Any) -> None:
    model = mixed_model()
    expected = model.probabilities(CODED, "here")
    assert np.array_equal(model.predict_proba(frame), expected)
    assert set(model.predict(frame)) <= {"no", "yes"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": ["old", "3", 1, 2]}, "column 'age': found 'old', expected numbers"),
        ({"age": [1.0, np.inf, 2.0, 3.0]}, "row 1: column 'age': found inf"),
    ],
)
def test_a_cell_that_is_no_number_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        mixed_model().predict(pd.DataFrame(ROWS | changes))


def test_a_missing_number_needs_something_to_take_its_place(made: Path) -> None:
    x = load_raw(load_run(made).experiment.dataset).x[:5]
    x[3, 1] = np.nan
    with pytest.raises(DataError, match="row 3: column 'malic_acid': is missing, and"):
        load_model(made).predict(x)


SPELLED = [("FALSE", "TRUE"), ("False", "True"), ("false", "true")]


@pytest.mark.parametrize("spelled", SPELLED)
def test_a_truth_value_is_the_same_however_it_is_written(
    spelled: tuple[str, str], tmp_path: Path
) -> None:
    preprocessing = replace(MIXED, inputs=(InputColumn("member", "categorical", spelled),))
    truths = [True, False, True]
    for frame in (pd.DataFrame({"member": truths}), pl.DataFrame({"member": truths})):
        assert cells_of(frame, preprocessing.inputs).tolist() == [[1.0], [0.0], [1.0]]
    for no, yes in SPELLED:
        (tmp_path / "t.csv").write_text(f"member,x\n{yes},1\n{no},2\n{yes},3\n", encoding="utf-8")
        [table] = read_blocks(tmp_path / "t.csv", {"member": "categorical"})
        read = preprocessing.reader(table.columns, "t.csv")
        assert read(np.array(table.cells, np.float64)).tolist() == [[1.0], [0.0], [1.0]]


def test_categories_that_differ_in_case_alone_are_two() -> None:
    column = InputColumn("member", "categorical", ("TRUE", "True"))
    cells = cells_of(pd.DataFrame({"member": ["true", "True", "TRUE"]}), [column])
    assert cells.tolist() == [[-1.0], [1.0], [0.0]]


@pytest.mark.parametrize(
    "x",
    [
        *(np.zeros((3, 4)), np.zeros(13), [[1.0]], [[1.0], [1.0, 2.0]], None, {"alcohol": [1.0]}),
        pl.LazyFrame({"alcohol": [1.0]}),
    ],
)
def test_what_is_no_table_of_that_width_is_refused(made: Path, x: Any) -> None:
    with pytest.raises(DataError, match=r"shape \(rows, 13\) with the columns alcohol"):
        load_model(made).predict(x)


def test_no_rows_have_no_answers(made: Path) -> None:
    assert load_model(made).predict_proba(np.zeros((0, 13))).shape == (0, 3)


def test_a_sweep_gives_its_best_model_and_any_other_by_its_address(tmp_path: Path) -> None:
    config = {"experiment": WINE, "seeds": 2, "save_models": "all"}
    folder = sweep(load_sweep(config), runs_dir=tmp_path, workers=1).path
    x = load_raw(load_experiment(WINE).dataset).x
    answers = [load_model(folder / "trials" / str(n)).predict_proba(x) for n in (0, 1)]
    assert not np.array_equal(answers[0], answers[1])
    assert any(np.array_equal(load_model(folder).predict_proba(x), answer) for answer in answers)
    bare = load_model(folder / "models" / "trial-1.safetensors")
    assert np.array_equal(bare.predict_proba(x), answers[1])


def test_a_best_model_that_the_test_set_chose_comes_with_a_warning(tmp_path: Path) -> None:
    config = {"experiment": WINE | {"dataset": {"name": "wine"}}}
    folder = sweep(load_sweep(config), runs_dir=tmp_path, workers=1).path
    with pytest.warns(UserWarning, match="the test set chose the trial"):
        load_model(folder)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "no such file or folder"),
        (".", r"has no model\.safetensors"),
        ("a.txt", "is no model"),
        ("torn.safetensors", "damaged"),
    ],
)
def test_what_is_no_model_is_refused(path: str, message: str, tmp_path: Path) -> None:
    for name in ("a.txt", "torn.safetensors"):
        (tmp_path / name).write_text("no model", encoding="utf-8")
    with pytest.raises(RunError, match=message):
        load_model(tmp_path / path)


def test_a_model_of_another_preprocessing_is_refused(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "run")
    content = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))
    content["inputs"][0]["mean"] += 1.0
    (folder / "preprocessing.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(IsoletNNError, match=r"is not what .* was trained with"):
        load_model(folder)


PLAIN_PYTORCH = """
import sys
from safetensors.torch import load_file
from torch import nn

def network(normalized):
    layers, inputs = [], 13
    for outputs in (6, 5):
        layers += [nn.Linear(inputs, outputs, bias=not normalized)]
        layers += [nn.BatchNorm1d(outputs)] * normalized + [nn.ReLU(), nn.Dropout(0.2)][:1]
        inputs = outputs
    return nn.Sequential(*layers, nn.Linear(inputs, 3))

path, ensemble, normalized = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
module = network(normalized)
if ensemble > 1:
    module = nn.ModuleList(network(normalized) for _ in range(ensemble))
module.load_state_dict(load_file(path), strict=True)
assert not any(name.startswith("isolet_nn") for name in sys.modules)
"""


@needs_torch
@pytest.mark.parametrize(("ensemble", "normalized"), [(1, False), (2, True)])
def test_a_plain_sequential_loads_the_weights_in_a_process_without_us(
    ensemble: int, normalized: bool, tmp_path: Path
) -> None:
    changes = {"ensemble": ensemble, "training.epochs": 1, **(NORMALIZED if normalized else {})}
    path = train(load_experiment(WINE, changes), runs_dir=tmp_path).path / "model.safetensors"
    command = [sys.executable, "-c", PLAIN_PYTORCH, str(path), str(ensemble), str(normalized)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
