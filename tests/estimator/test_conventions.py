"""The estimator keeps scikit-learn's conventions, and says all that an experiment can say."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from needs import BACKENDS
from sklearn.utils.estimator_checks import check_estimator

from isolet_nn import NeuralNetworkClassifier
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.network import ModelConfig
from isolet_nn.config.training import TrainingConfig
from isolet_nn.estimator.parameters import MODEL, OPTIMIZER, OTHERS, TRAINING

OWN = {
    "optimizer",
    "validation_fraction",
    "random_state",
    "warm_start",
    "verbose",
}
OWN_DEFAULTS = {"epochs": 100, "batch_size": 32, "dtype": None, "threads": 1}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_check_of_scikit_learn_passes_with_the_defaults(backend: str) -> None:
    results = check_estimator(NeuralNetworkClassifier(backend=backend), on_skip=None)
    by_status: dict[str, list[str]] = {}
    for result in results:
        by_status.setdefault(result["status"], []).append(result["check_name"])
    assert len(by_status.pop("passed")) > 50
    # SCIPY_ARRAY_API, which it asks for, has to be set before SciPy is imported.
    assert by_status in ({}, {"skipped": ["check_array_api_input"]})


def parameters() -> dict[str, Any]:
    signature = inspect.signature(NeuralNetworkClassifier)
    return {name: parameter.default for name, parameter in signature.parameters.items()}


def test_the_parameters_are_all_that_model_optimizer_and_training_can_say() -> None:
    assert set(parameters()) == {*MODEL, *OPTIMIZER, *TRAINING, *OTHERS, *OWN}


def test_the_defaults_are_those_of_a_file_but_for_four() -> None:
    content = {
        **{name: field.default for name, field in Experiment.model_fields.items()},
        **ModelConfig().model_dump(),
        **TrainingConfig().model_dump(include={*TRAINING}),
        **OWN_DEFAULTS,
    }
    for name, default in parameters().items():
        if name in OPTIMIZER or name in OWN:
            continue
        expected = content[name]
        if isinstance(expected, dict):
            expected = expected["name"]
        assert default == (tuple(expected) if isinstance(expected, list) else expected), name
