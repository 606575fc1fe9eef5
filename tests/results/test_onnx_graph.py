"""A model as an ONNX graph: onnxruntime gives its probabilities, and names of the same classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn import load_experiment, load_model, train
from isolet_nn.data import load_raw
from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.errors import BackendUnavailableError, RunError
from isolet_nn.results.models import TrainedModel
from isolet_nn.results.onnx_graph import export_onnx, lossy_columns, onnx_model
from isolet_nn.runs.model_file import Model
from results.test_models import mixed_model

TOLERANCE = 1e-5
SMALL = {"model": {"hidden_layers": [9, 7]}, "training": {"epochs": 1}}


def run_onnx(graph: onnx.ModelProto, inputs: dict[str, Any]) -> tuple[Any, Any]:
    """Labels and probabilities by onnxruntime."""
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    labels, probabilities = session.run(["output_label", "output_probability"], inputs)
    return labels, probabilities


def require_same(model: TrainedModel, inputs: dict[str, Any], expected: Any) -> None:
    """Compare labels and probabilities; a label may differ where two classes are as good."""
    labels, probabilities = run_onnx(onnx_model(model.model), inputs)
    np.testing.assert_allclose(probabilities, expected, atol=TOLERANCE, rtol=0)
    best = probabilities.argmax(axis=1)
    assert labels.tolist() == model.classes_[best].tolist()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("iris", {"model.activation": "tanh"}),
        ("wine", {"ensemble": 3, "model.batch_normalization": True}),
        ("digits", {"model.hidden_layers": []}),
        ("breast_cancer", {"model.activation": "sigmoid", "training.dtype": "float64"}),
        ("isolet", {"model.batch_normalization": True, "dataset.standardize": "global"}),
        ("xor", {"training.batch_size": 4}),
        ("iris", {"model.activation": {"name": "leaky_relu", "negative_slope": 0.2}}),
        ("iris", {"model.activation": {"name": "elu", "alpha": 2.0}, "training.dtype": "float64"}),
        ("wine", {"model.activation": "gelu"}),
        ("wine", {"model.activation": "gelu", "training.dtype": "float64"}),
        ("wine", {"model.activation": "silu", "training.dtype": "float64"}),
    ],
)
def test_every_shipped_data_set_gets_the_same_answers(
    name: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    experiment = load_experiment({**SMALL, "dataset": {"name": name}}, changes)
    model = load_model(train(experiment, runs_dir=tmp_path).path)
    x = load_raw(experiment.dataset).x[:500]
    inputs = {"X": x.astype(experiment.training.dtype)}
    require_same(model, inputs, model.predict_proba(x))


NUMBERS = st.floats(-1e3, 1e3, width=32) | st.just(float("nan"))
WORDS = st.sampled_from(["Aix", "Bonn", "Cork", "", "true", "TRUE", "2"])


@given(st.lists(st.tuples(NUMBERS, WORDS, WORDS, WORDS), min_size=1, max_size=8), st.integers(1, 2))
@settings(max_examples=15, deadline=None)
def test_columns_of_text_and_missing_cells_are_part_of_the_graph(
    rows: list[tuple[float, str, str, str]], ensemble: int
) -> None:
    model = mixed_model(ensemble=ensemble, **{"model.batch_normalization": ensemble > 1})
    names = model.feature_names_in_.tolist()
    inputs = {
        name: np.array([[row[i]] for row in rows], np.float32 if i == 0 else object)
        for i, name in enumerate(names)
    }
    expected = model.predict_proba(np.array([*rows], dtype=object))
    require_same(model, inputs, expected)


def model_of(*columns: InputColumn) -> TrainedModel:
    """A model without hidden layers whose weights count up."""
    preprocessing = Preprocessing(columns, ("no", "yes"))
    weights: Any = {
        "0.weight": np.arange(2.0 * preprocessing.n_features).reshape(2, -1).astype(np.float32),
        "0.bias": np.zeros(2, np.float32),
    }
    config = {"dataset": {"name": "iris"}, "model": {"hidden_layers": []}}
    return TrainedModel(Model(weights, preprocessing, load_experiment(config)))


def test_what_nothing_takes_the_place_of_stays_missing() -> None:
    model = model_of(InputColumn("n"), InputColumn("word", "categorical", ("a", "b")))
    words = np.array([["a"], [""], ["c"]], dtype=object)
    numbers = np.array([[1.0], [2.0], [np.nan]], np.float32)
    _, probabilities = run_onnx(onnx_model(model.model), {"n": numbers, "word": words})
    assert np.isnan(probabilities).all(axis=1).tolist() == [False, True, True]


def test_a_column_that_is_called_like_a_feature_of_another_keeps_its_place() -> None:
    model = model_of(InputColumn("word", "categorical", ("a", "b")), InputColumn("word=a"))
    rows = np.array([["a", 0.25], ["b", -0.5]], dtype=object)
    inputs = {"word": rows[:, :1], "word=a": rows[:, 1:].astype(np.float32)}
    require_same(model, inputs, model.predict_proba(rows))


def test_numbers_with_indicators_take_their_place_among_the_features() -> None:
    model = model_of(
        InputColumn("a", fill=1.0, indicator=True, mean=0.5, scale=2.0),
        InputColumn("b", mean=1.0, scale=3.0),
        InputColumn("c", fill=-1.0, indicator=True, mean=0.0, scale=1.0),
    )
    x = np.array([[0.25, 1.5, np.nan], [np.nan, 2.0, 1.0]])
    require_same(model, {"X": x.astype(np.float32)}, model.predict_proba(x))


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    path = export_onnx(mixed_model().model, tmp_path / "model.onnx")
    graph = onnx.load(path)
    assert [value.name for value in graph.graph.input] == ["age", "city", "member", "rooms"]
    properties = {entry.key: entry.value for entry in graph.metadata_props}
    assert properties["classes"] == '["no", "yes"]'
    assert graph.producer_name == "isolet-nn"
    assert path.read_bytes() == export_onnx(mixed_model().model, tmp_path / "again").read_bytes()


def test_large_numbers_beside_a_small_spread_are_told() -> None:
    column = InputColumn("time", mean=1.7e9, scale=1000.0)
    assert lossy_columns(model_of(column, InputColumn("n", mean=5.0, scale=1.0)).model) == ["time"]


@pytest.mark.parametrize("name", ["output_label", "isolet_nn/gemm_1"])
def test_a_column_may_not_have_a_name_of_the_graph(name: str) -> None:
    model = model_of(InputColumn(name, "categorical", ("a", "b")))
    with pytest.raises(RunError, match="the graph needs this name"):
        onnx_model(model.model)


def test_without_onnx_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'isolet-nn\[onnx\]'"):
        onnx_model(mixed_model().model)
