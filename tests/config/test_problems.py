"""What an experiment file may not say, and in which words it is told."""

from __future__ import annotations

import math
from typing import Any

import pytest

from config.helpers import IRIS, problems, with_iris
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError


def test_a_data_set_is_all_that_an_experiment_needs() -> None:
    experiment = load_experiment(IRIS)
    assert experiment.optimizer.name == "adam"
    assert experiment.training.epochs == 20
    assert experiment.model.hidden_layers == [64]
    assert (experiment.seed, experiment.backend, experiment.training.threads) == (
        0,
        "numpy",
        "auto",
    )


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "dataset: missing, and there is no default"),
        (with_iris(optimizer={"nmae": "sgd"}), "optimizer.nmae: unknown key; did you mean name?"),
        (with_iris(trainig={}), "trainig: unknown key; did you mean training?"),
        (
            with_iris(training={"epoch": 3}),
            "training.epoch: unknown key; did you mean epochs?",
        ),
        (
            with_iris(optimizer={"name": "sgd", "beta1": 0.9}),
            "optimizer.beta1: unknown key; allowed: "
            "weight_decay, name, learning_rate, momentum, nesterov",
        ),
        (
            with_iris(optimizer={"name": "adam", "learning_rat": 0.9}),
            "optimizer.learning_rat: unknown key; did you mean learning_rate?",
        ),
        (
            with_iris(optimizer={"name": "adm"}),
            "optimizer.name: found 'adm'; allowed: sgd, adagrad, rmsprop, adam, adamw, radam, "
            "nadam; did you mean adam?",
        ),
        (
            with_iris(optimizer="adm"),
            "optimizer.name: found 'adm'; allowed: sgd, adagrad, rmsprop, adam, adamw, radam, "
            "nadam; did you mean adam?",
        ),
        (
            with_iris(backend="pytorch"),
            "backend: found 'pytorch'; allowed: numpy, torch; did you mean torch?",
        ),
        (with_iris(backend=3), "backend: found 3; allowed: numpy, torch"),
        (
            with_iris(model={"activation": "sigmod"}),
            "model.activation.name: found 'sigmod'; allowed: relu, sigmoid, tanh, gelu, silu, "
            "leaky_relu, elu; did you mean sigmoid?",
        ),
        (
            with_iris(model={"initializer": {"name": "he", "scale": 1.0}}),
            "model.initializer.scale: unknown key; allowed: name",
        ),
        (
            with_iris(training={"epochs": 0}),
            "training.epochs: found 0; it should be greater than or equal to 1",
        ),
        (
            with_iris(training={"epochs": 2.5}),
            "training.epochs: found 2.5; it should be a valid integer",
        ),
        (
            with_iris(training={"epochs": "3"}),
            "training.epochs: found '3'; it should be a valid integer, which is written in decimal "
            "digits, without quotes",
        ),
        (
            with_iris(training={"epochs": True}),
            "training.epochs: found true; it should be a valid integer",
        ),
        (
            with_iris(training={"shuffle": "yes"}),
            "training.shuffle: found 'yes'; it should be a valid boolean",
        ),
        (
            with_iris(optimizer={"name": "sgd", "learning_rate": "fast"}),
            "optimizer.learning_rate: found 'fast'; it should be a valid number",
        ),
        (
            with_iris(optimizer={"name": "sgd", "learning_rate": 0}),
            "optimizer.learning_rate: found 0; it should be greater than 0",
        ),
        (
            with_iris(optimizer={"name": "sgd", "learning_rate": math.inf}),
            "optimizer.learning_rate: found inf; it should be a finite number",
        ),
        (
            with_iris(optimizer={"name": "sgd", "momentum": 1.0}),
            "optimizer.momentum: found 1.0; it should be less than 1",
        ),
        (
            with_iris(optimizer={"name": "sgd", "nesterov": True}),
            "optimizer: nesterov: true needs a momentum above 0",
        ),
        (
            with_iris(model={"hidden_layers": 44}),
            "model.hidden_layers: found 44; it should be a valid list, such as [44]",
        ),
        (
            with_iris(model={"hidden_layers": [44, 0]}),
            "model.hidden_layers.1: found 0; it should be greater than or equal to 1",
        ),
        (with_iris(model=None), "model: found null; expected keys and values below it"),
        (with_iris(training=[1]), "training: found [1]; expected keys and values below it"),
        (with_iris(seed=-1), "seed: found -1; it should be greater than or equal to 0"),
        (
            with_iris(training={"early_stopping": {}}),
            "training.early_stopping needs a validation split: set dataset.validation, "
            "for instance {fraction: 0.1}",
        ),
        (
            with_iris(training={"schedule": "reduce_on_plateau"}),
            "training.schedule: reduce_on_plateau needs a validation split: set "
            "dataset.validation, for instance {fraction: 0.1}",
        ),
        (
            with_iris(device="cuda"),
            "device: cuda needs backend: torch (backend numpy computes on the cpu)",
        ),
        (
            {"dataset": {"name": "openml"}},
            "dataset: give exactly one of data_id and data_name",
        ),
        (
            {"dataset": {"name": "csv"}},
            "dataset.path: missing, and there is no default",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"fraction": 0.2, "by": "spekr"}}},
            "dataset.validation.by: found 'spekr'; allowed: rows, speaker; did you mean speaker?",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"fraction": 1.5}}},
            "dataset.validation.fraction: found 1.5; it should be less than 1",
        ),
        (
            {"dataset": {"name": "isolet", "validation": "some"}},
            "dataset.validation: found 'some'; allowed: none; did you mean none?",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"folds": 5, "fold": 5}}},
            "dataset.validation.fold: found 5; with folds: 5 there are 0 to 4",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"folds": 1, "fold": 0}}},
            "dataset.validation.folds: found 1; it should be greater than or equal to 2",
        ),
        (
            {"dataset": {"name": "digits", "validation": {"folds": 5}}},
            "dataset.validation.fold: missing, and there is no default",
        ),
        (
            {"dataset": {"name": "digits", "validation": {"folds": 5, "fold": -1}}},
            "dataset.validation.fold: found -1; it should be greater than or equal to 0",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"folds": 5, "fold": 0, "by": "speaker"}}},
            "dataset.validation.by: found 'speaker'; allowed: rows",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"folds": 5, "fold": 0, "seed": 0}}},
            "dataset.validation.seed: unknown key; allowed: folds, fold, repeat, by",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"folds": 5, "fold": 0, "fraction": 0.1}}},
            "dataset.validation.fraction: unknown key; allowed: folds, fold, repeat, by",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"fraction": 0.1, "seed": 0}}},
            "dataset.validation.seed: unknown key; allowed: fraction, by",
        ),
        (
            {"dataset": {"name": "iris", "test": {"folds": 5, "fold": 0, "fraction": 0.1}}},
            "dataset.test.fraction: unknown key; allowed: folds, fold, repeat, by",
        ),
        (
            {
                "dataset": {
                    "name": "csv",
                    "path": "a.csv",
                    "validation": {"folds": 2, "fold": 0, "by": "group"},
                }
            },
            "dataset: validation.by: group needs to know the column: set group",
        ),
    ],
)
def test_a_problem_is_told_in_one_line_with_key_path_found_and_allowed(
    config: dict[str, Any], problem: str
) -> None:
    assert problems(config) == [problem]


@pytest.mark.parametrize("key", ["optimizer", "dataset"])
def test_a_section_without_its_name_says_which_names_there_are(key: str) -> None:
    (problem,) = problems({**IRIS, key: {}})
    assert problem.startswith(f"{key}: the key `name` is missing; allowed: ")
    assert "," in problem


def test_a_name_that_no_folder_could_have_is_refused() -> None:
    for name in ("", "a/b", "../up", "-x", ".hidden", "a b", "x" * 81, "a\n"):
        (problem,) = problems(with_iris(name=name))
        assert problem.startswith("name: found ")
    assert load_experiment(with_iris(name="a.B-c_9")).name == "a.B-c_9"


def test_all_problems_are_reported_at_once() -> None:
    config = {
        "sead": 1,
        "dataset": {"name": "iris", "standardise": True},
        "optimizer": {"name": "sgd", "learning_rate": -1, "momentum": 2},
        "training": {"epochs": 0, "batch_size": "many", "schedule": "linear"},
    }
    found = problems(config)
    assert {line.partition(":")[0] for line in found} == {
        "sead",
        "dataset.standardise",
        "optimizer.learning_rate",
        "optimizer.momentum",
        "training.epochs",
        "training.batch_size",
        "training.schedule.name",
    }
    assert len(found) == 7


def test_a_long_value_is_shortened() -> None:
    (problem,) = problems(with_iris(training={"epochs": "x" * 1000}))
    assert len(problem) < 150
    assert "..." in problem


def problems_of_dropped(*columns: Any) -> list[str]:
    return problems({"dataset": {"name": "csv", "path": "a.csv", "columns": {"drop": [*columns]}}})


@pytest.mark.parametrize("column", [{"a": "b"}, {"str": "b"}, {"int": {}}, {}, [1]])
def test_an_item_that_fits_none_of_several_types_is_one_problem(column: Any) -> None:
    (problem,) = problems_of_dropped("x", column)
    path, _, wrong = problem.partition(": found ")
    assert path.endswith("dataset.columns.drop.1")
    assert wrong.endswith("; it should be a valid string, or it should be a valid integer")


@pytest.mark.parametrize("column", [False, None, 1.5])
def test_an_item_that_is_to_be_quoted_is_shown_within_its_list(column: Any) -> None:
    (problem,) = problems_of_dropped("x", column)
    assert "dataset.columns.drop.1: found " in problem
    assert """: drop: ["..."], or --set 'dataset.columns.drop=["..."]'""" in problem


def test_a_value_that_is_to_be_quoted_is_shown_with_its_whole_key_path() -> None:
    (problem,) = problems({"dataset": {"name": "csv", "path": 2019}})
    assert """: path: "...", or --set 'dataset.path="..."'""" in problem


def test_a_value_that_fits_none_of_several_types_is_one_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment({"dataset": {"name": "csv", "path": "a.csv", "label": [1]}, "foo": 1})
    first, second = str(caught.value).splitlines()
    assert first == (
        "experiment: dataset.label: found [1]; it should be a valid string, or it should be a "
        "valid integer"
    )
    assert second.startswith("experiment: foo: unknown key; allowed: ")
