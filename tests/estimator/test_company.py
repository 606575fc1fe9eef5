"""The estimator among others: pipelines, searches, calibration, data frames, and on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from needs import BACKENDS
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from estimator.test_training import clouds, make
from isolet_nn import NeuralNetworkClassifier


def test_a_pipeline_is_searched_in_parallel() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), make(epochs=20))
    grid = {
        "neuralnetworkclassifier__learning_rate": np.logspace(-4, -1, 2),
        "neuralnetworkclassifier__hidden_layers": [(8,), np.array([4, 4])],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_["neuralnetworkclassifier__learning_rate"] == 0.1
    assert search.score(X, y) > 0.9


def test_scores_of_a_cross_validation_with_weights_of_the_rows() -> None:
    X, y = clouds()
    scores = cross_val_score(make(), X, y, cv=3, params={"sample_weight": np.arange(60.0) + 1})
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_its_probabilities_can_be_calibrated() -> None:
    X, y = clouds(90)
    calibrated = CalibratedClassifierCV(make(learning_rate=0.05), cv=2).fit(X, y)
    assert np.allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)
    assert calibrated.score(X, y) > 0.8


def test_the_importance_of_its_columns_can_be_measured() -> None:
    X, y = clouds(90)
    X[:, 2] = 0.0
    importance = permutation_importance(make(learning_rate=0.05).fit(X, y), X, y, n_repeats=2)
    assert importance.importances_mean[2] == 0.0
    assert importance.importances_mean.max() > 0.0


def test_a_clone_has_the_parameters_and_nothing_else() -> None:
    classifier = make(dropout=0.3, optimizer={"name": "sgd"}).fit(*clouds())
    copy = clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert not hasattr(copy, "weights_")


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_joblib_keeps_answers_and_goes_on_as_before(backend: str, tmp_path: Path) -> None:
    X, y = clouds()
    classifier = make(backend=backend).partial_fit(X, y, np.unique(y))
    joblib.dump(classifier, tmp_path / "classifier.joblib")
    kept = joblib.load(tmp_path / "classifier.joblib")
    assert np.array_equal(kept.predict_proba(X), classifier.predict_proba(X))
    classifier.partial_fit(X, y)
    kept.partial_fit(X, y)
    assert np.array_equal(kept.predict_proba(X), classifier.predict_proba(X))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_data_frames_columns_are_remembered_by_name(frame: Any) -> None:
    X, y = clouds()
    names = ["a", "b", "c", "d", "e"]
    table = frame(dict(zip(names, X.T, strict=True)))
    classifier = make().fit(table, y)
    assert classifier.feature_names_in_.tolist() == names
    assert np.array_equal(classifier.predict_proba(table), make().fit(X, y).predict_proba(X))
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        classifier.predict(table[names[::-1]])


def test_names_from_set_output_reach_it_through_a_pipeline() -> None:
    X, y = clouds()
    table = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, make()).fit(table, y)
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "b", "c", "d", "e"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"learning_rate": -1}, "learning_rate: found -1; it should be greater than 0"),
    ({"hidden_layers": 64}, "hidden_layers: found 64; it should be a valid list, such as .64"),
    ({"hidden_layers": (0,)}, "hidden_layers.0: found 0; it should be greater than or equal to 1"),
    ({"dropout": 1.0}, "dropout: found 1.0; it should be less than 1"),
    ({"optimizer": "adm"}, "optimizer.name: found 'adm'; allowed: .*did you mean adam"),
    ({"momentum": 0.9}, "momentum: the optimizer adam has no such setting; allowed: .*beta1"),
    ({"optimizer": "sgd", "nesterov": True}, "optimizer: nesterov: true needs a momentum above 0"),
    ({"schedule": {"name": "step", "epochs": 0}}, "schedule.epochs: found 0; it should be"),
    ({"dtype": "float16"}, "dtype: found 'float16'; allowed: float32, float64"),
    ({"class_weight": "balance"}, "class_weight: found 'balance'; allowed: balanced"),
    ({"class_weight": {"red": 0}}, "class_weight.red: found 0; it should be greater than 0"),
    ({"validation_fraction": 1.5}, "validation_fraction: found 1.5; it should be less than 1"),
    ({"early_stopping": {"patient": 3}}, "early_stopping.patient: unknown key; did you mean"),
    ({"random_state": -1}, "random_state: found -1; it should be greater than or equal to 0"),
    ({"device": "cuda"}, "device: cuda needs backend: torch"),
    ({"batch_normalization": True, "batch_size": 59}, "batch_size: found 59, which leaves a batch"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_a_wrong_parameter_is_named_when_fit_is_called(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        make(**wrong).fit(*clouds())


PARTLY: list[dict[str, Any]] = [
    {"early_stopping": True},
    {"validation_fraction": 0.1},
    {"class_weight": "balanced"},
    {"schedule": "cosine"},
    {"schedule": "reduce_on_plateau", "validation_fraction": None},
]


@pytest.mark.parametrize("settings", PARTLY)
def test_what_needs_all_rows_or_the_last_epoch_is_refused_by_partial_fit(
    settings: dict[str, Any],
) -> None:
    X, y = clouds()
    with pytest.raises(ValueError, match=f"partial_fit .* it cannot do .*{next(iter(settings))}"):
        make(**settings).partial_fit(X, y, np.unique(y))


def test_targets_that_are_no_classes_are_refused_in_plain_words() -> None:
    X, _ = clouds()
    with pytest.raises(ValueError, match="classifier, which expects discrete classes on a regress"):
        make().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="one class only, 'red'; a classifier needs two"):
        make().fit(X, ["red"] * 60)
    with pytest.raises(ValueError, match="class 'red' has a single row, but a validation part"):
        make(validation_fraction=0.2).fit(X[:3], ["red", "blue", "blue"])


@pytest.mark.parametrize(
    ("weights", "said"),
    [([1.0], "inconsistent numbers of samples"), ([-1.0] * 60, "negative"), ([0] * 60, "zero")],
)
def test_wrong_weights_of_rows_are_refused(weights: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make().fit(*clouds(), sample_weight=weights)


def test_answers_can_be_asked_for_after_fit_only() -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        NeuralNetworkClassifier().predict([[1.0]])
