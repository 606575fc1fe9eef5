"""What a config says of columns and missing values, and what is wrong with it in words."""

from __future__ import annotations

from typing import Any

import pytest

from isolet_nn.config.columns import ConstantCategory, ConstantNumber, MissingByKind
from isolet_nn.config.datasets import CsvDataset
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError

TABLE = {"name": "csv", "path": "table.csv"}


@pytest.mark.parametrize(
    ("missing", "by_kind"),
    [
        ("error", MissingByKind()),
        ("mean", MissingByKind(numeric="mean", categorical="most_frequent")),
        (
            {"constant": 0},
            MissingByKind(numeric=ConstantNumber(constant=0.0), categorical="most_frequent"),
        ),
        (
            {"categorical": {"constant": "unknown"}},
            MissingByKind(categorical=ConstantCategory(constant="unknown")),
        ),
    ],
)
def test_what_fills_numbers_lets_categories_take_the_most_frequent(
    missing: Any, by_kind: MissingByKind
) -> None:
    experiment = load_experiment({"dataset": TABLE | {"missing": missing}})
    assert isinstance(experiment.dataset, CsvDataset)
    assert experiment.dataset.filling == by_kind
    assert load_experiment(experiment.model_dump(mode="json")) == experiment


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"missing": "mediann"},
            "missing: found 'mediann'; allowed: error, mean, median, most_freq",
        ),
        (
            {"missing": {"constant": "x"}},
            "missing.constant: found 'x'; it should be a valid number",
        ),
        (
            {"missing": {"categorical": "mean"}},
            "missing.categorical: found 'mean'; allowed: error, m",
        ),
        ({"missing": {"numeric": 3}}, "missing.numeric: found 3; allowed: error, mean, median"),
        (
            {"missing": {"numerical": "mean"}},
            "missing.numerical: unknown key; did you mean numeric",
        ),
        ({"missing_indicator": True}, "missing_indicator goes with missing values that are filled"),
        ({"columns": {"drop": ["a"], "numeric": ["a"]}}, "columns: column 'a' is named twice"),
        ({"columns": {"min_frequency": 0}}, "columns.min_frequency: found 0; it should be"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment({"dataset": TABLE | keys})
    assert str(caught.value).startswith("experiment: dataset")
    assert says in str(caught.value)
