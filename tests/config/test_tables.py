from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.config.section import NAME_PATTERN
from isolet_nn.config.tables import is_table, table_experiment


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
    assert table_experiment(path) == {"name": name, "dataset": {"name": "csv", "path": path}}


@given(st.text())
def test_every_file_gives_a_valid_name(path: str) -> None:
    assert re.fullmatch(NAME_PATTERN, table_experiment(f"{path}.csv")["name"])


@pytest.mark.parametrize("path", ["isolet", "a.yaml", "csv", "a.gz", "a.csv.zip", "tsv.gz", ""])
def test_other_arguments_are_no_tables(path: str) -> None:
    assert not is_table(path)
