from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import isolet_nn
from isolet_nn.config.section import NAME_PATTERN
from isolet_nn.config.tables import is_table, table_experiment
from isolet_nn.estimator.classifier import NeuralNetworkClassifier


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("visits.csv", "visits"),
        ("data/My visits (2).CSV.gz", "My-visits-2"),
        ("a.b.tsv", "a.b"),
        (".csv", "table"),
        ("größe.parquet", "gr-e"),
        ("x" * 100 + ".tsv.gz", "x" * 80),
    ],
)
def test_an_experiment_is_called_as_its_table(path: str, name: str) -> None:
    assert is_table(path)
    experiment = table_experiment(path)
    assert (experiment["name"], experiment["dataset"]) == (name, {"name": "csv", "path": path})


def test_a_table_is_trained_on_as_by_the_estimator() -> None:
    estimator = NeuralNetworkClassifier().get_params()
    for key, value in table_experiment("visits.csv")["training"].items():
        assert value == estimator[key]


@given(st.text())
def test_every_file_gives_a_valid_name(path: str) -> None:
    assert re.fullmatch(NAME_PATTERN, table_experiment(f"{path}.csv")["name"])


@pytest.mark.parametrize("path", ["isolet", "a.yaml", "csv", "a.gz", "a.csv.zip", "tsv.gz", ""])
def test_other_arguments_are_no_tables(path: str) -> None:
    assert not is_table(path)


def test_python_reads_a_table_as_the_command_does() -> None:
    experiment = isolet_nn.load_experiment("visits.csv", {"dataset.label": "kind"})
    assert experiment.name == "visits"
    assert experiment.training.epochs == 100


def test_a_prompt_completes_the_public_names() -> None:
    assert {*isolet_nn.__all__} <= {*dir(isolet_nn)}
