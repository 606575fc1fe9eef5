from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sweeps.helpers import InlineWorkers

from isolet_nn.config.datasets import OpenmlDataset
from isolet_nn.config.holdouts import GroupHoldout
from isolet_nn.data import load_dataset, load_raw
from isolet_nn.data.table import Column
from isolet_nn.errors import ConfigError, DataError, DownloadError
from isolet_nn.reproduction.claims.data_sets import DATA_SETS
from isolet_nn.reproduction.evidence import LAYERS, Evidence
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep

ARFF = """@RELATION animals
@ATTRIBUTE height REAL
@ATTRIBUTE coat {short, long, none}
@ATTRIBUTE weight REAL
@ATTRIBUTE owner {ann, bob, cyd}
@ATTRIBUTE kind {dog, cat}
@DATA
1.5,short,20,ann,dog
0.3,long,4,bob,cat
1.4,none,19.5,ann,dog
0.25,short,3.5,cyd,cat
"""
PAIRS = (("ann", "dog"), ("bob", "cat"))
"""Owners and what they have."""
TYPES = ["numeric", "nominal", "numeric", "nominal", "nominal"]


class FakeOpenml:
    """Answers the four requests scikit-learn makes for a data set."""

    def __init__(self) -> None:
        self.arff = ARFF
        self.types = list(TYPES)
        self.target = "kind"
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                status, body = outer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(gzip.compress(body))

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def answer(self, path: str) -> tuple[int, bytes]:
        names = [
            shlex.split(line)[1] for line in self.arff.splitlines() if line[:10] == "@ATTRIBUTE"
        ]
        rows = len(self.arff.partition("@DATA\n")[2].splitlines())
        answers: dict[str, Any] = {
            "/info/7": {
                "data_set_description": {
                    "id": "7",
                    "name": "animals",
                    "version": "1",
                    "description": "",
                    "status": "active",
                    "format": "ARFF",
                    "default_target_attribute": self.target,
                    "url": f"{self.url}/download/7/animals.arff",
                    "md5_checksum": hashlib.md5(self.arff.encode()).hexdigest(),
                }
            },
            "/features/7": {
                "data_features": {
                    "feature": [
                        {
                            "index": str(index),
                            "name": name,
                            "data_type": self.types[index],
                            "is_target": str(name == self.target).lower(),
                            "number_of_missing_values": "0",
                            "is_ignore": "false",
                            "is_row_identifier": "false",
                        }
                        for index, name in enumerate(names)
                    ]
                }
            },
            "/qualities/7": {
                "data_qualities": {"quality": [{"name": "NumberOfInstances", "value": f"{rows}.0"}]}
            },
            "/search/animals/status/active/": {
                "data": {"dataset": [{"did": 7, "name": "animals", "version": 1}]}
            },
        }
        if path in answers:
            return 200, json.dumps(answers[path]).encode()
        return (200, self.arff.encode()) if path.startswith("/download/7") else (412, b"{}")

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def openml(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenml]:
    from sklearn.datasets import _openml

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = FakeOpenml()
    monkeypatch.setattr(_openml, "_SEARCH_NAME", f"{server.url}/search/{{}}")
    monkeypatch.setattr(_openml, "_DATA_INFO", f"{server.url}/info/{{}}")
    monkeypatch.setattr(_openml, "_DATA_FEATURES", f"{server.url}/features/{{}}")
    monkeypatch.setattr(_openml, "_DATA_QUALITIES", f"{server.url}/qualities/{{}}")
    yield server
    server.close()


def config(**settings: Any) -> OpenmlDataset:
    return OpenmlDataset.model_validate({"name": "openml", "data_id": 7} | settings)


def test_named_values_are_categories(openml: FakeOpenml) -> None:
    raw = load_raw(config())
    assert raw.columns == (
        Column("height"),
        Column("coat", "categorical", ("short", "long", "none")),
        Column("weight"),
        Column("owner", "categorical", ("ann", "bob", "cyd")),
    )
    assert raw.x.tolist() == [[1.5, 0, 20, 0], [0.3, 1, 4, 1], [1.4, 2, 19.5, 0], [0.25, 0, 3.5, 2]]
    assert raw.classes == ("cat", "dog")
    assert raw.y.tolist() == [1, 0, 1, 0]
    assert raw.groups is None
    assert raw.source == "OpenML data set 7"


def test_it_is_fetched_once_and_then_comes_from_the_cache(openml: FakeOpenml) -> None:
    first = load_raw(config())
    count = len(openml.requests)
    again = load_raw(config())
    assert len(openml.requests) == count
    assert again.checksum == first.checksum


def test_a_name_serves_instead_of_a_number(openml: FakeOpenml) -> None:
    raw = load_raw(config(data_id=None, data_name="animals"))
    assert raw.source == "OpenML data set animals"
    assert len(raw.y) == 4


def test_another_column_may_be_the_class_and_one_the_group(openml: FakeOpenml) -> None:
    raw = load_raw(config(label="coat", group="owner"))
    assert raw.classes == ("long", "none", "short")
    assert raw.y.tolist() == [2, 0, 1, 2]
    assert raw.groups is not None
    assert raw.groups.tolist() == [0, 1, 0, 2]
    assert raw.group_name == "owner"
    assert raw.feature_names == ("height", "weight", "kind")


def test_the_kinds_of_columns_can_be_chosen(openml: FakeOpenml) -> None:
    openml.arff = ARFF.replace("{short, long, none}", "{7, 8, 9}")
    for word, number in (("short", "7"), ("long", "8"), (",none,", ",9,")):
        openml.arff = openml.arff.replace(word, number)
    raw = load_raw(config(columns={"numeric": ["coat"], "categorical": ["weight"]}))
    assert [column.kind for column in raw.columns] == ["numeric"] * 2 + ["categorical"] * 2
    assert raw.columns[2].categories == ("3.5", "4", "19.5", "20")
    assert raw.x[:, 1:3].tolist() == [[7, 3], [8, 1], [9, 2], [7, 0]]


def test_names_are_no_numbers_whatever_the_config_says(openml: FakeOpenml) -> None:
    with pytest.raises(DataError) as caught:
        load_raw(config(columns={"numeric": ["coat"]}))
    expected = "data row 1: column 'coat': found 'short', expected a finite number (in 4 rows)"
    assert expected in str(caught.value)


def test_missing_values_are_filled_in_where_that_is_asked_for(openml: FakeOpenml) -> None:
    openml.arff = ARFF.replace("1.5,short", "?,?")
    raw = load_raw(config(missing="median"))
    assert np.isnan(raw.x[0, :2]).all()
    assert load_raw(config(missing="median")).checksum == raw.checksum
    with pytest.raises(DataError) as caught:
        load_raw(config(missing={"numeric": "mean"}))
    assert "column 'coat': the value is missing" in str(caught.value)
    assert "height" not in str(caught.value)


def test_splits_by_group_hold_out_whole_groups(openml: FakeOpenml) -> None:
    holdout = GroupHoldout(fraction=0.4, by="group")
    dataset = load_dataset(config(group="owner", test=holdout, split_seed=3), seed=0)
    assert dataset.train.groups is not None
    assert dataset.test.groups is not None
    assert not set(dataset.train.groups.tolist()) & set(dataset.test.groups.tolist())


def test_numbers_as_classes_are_named_as_whole_numbers(openml: FakeOpenml) -> None:
    openml.arff = "@RELATION a\n@ATTRIBUTE x REAL\n@ATTRIBUTE y REAL\n@DATA\n1,10\n2,9\n3,10\n"
    openml.types, openml.target = ["numeric", "numeric"], "y"
    raw = load_raw(config())
    assert raw.classes == ("9", "10")
    assert raw.y.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(raw.x, [[1], [2], [3]])


def test_a_missing_value_is_named(openml: FakeOpenml) -> None:
    openml.arff = ARFF.replace("19.5", "?")
    message = "OpenML data set 7: data row 3: column 'weight': the value is missing"
    with pytest.raises(DataError, match=message):
        load_raw(config())


@pytest.mark.parametrize(
    ("cells", "column"),
    [("short,20,ann", "kind"), ("short,20,?", "owner"), ("?,20,ann", "coat")],
)
def test_missing_labels_and_groups_are_named_as_missing_features_are(
    openml: FakeOpenml, cells: str, column: str
) -> None:
    kind = "?" if column == "kind" else "dog"
    openml.arff = ARFF.replace("1.5,short,20,ann,dog", f"1.5,{cells},{kind}")
    openml.arff += f"2,{cells},{kind}\n"
    with pytest.raises(DataError) as caught:
        load_raw(config(group="owner"))
    first, *_ = str(caught.value).splitlines()
    assert first == (
        f"OpenML data set 7: data row 1: column {column!r}: the value is missing (in 2 rows)"
    )


def test_missing_numbers_as_label_and_group_are_named(openml: FakeOpenml) -> None:
    openml.arff = (
        "@RELATION a\n@ATTRIBUTE x REAL\n@ATTRIBUTE g REAL\n@ATTRIBUTE y REAL\n@DATA\n"
        "1,1,10\n2,?,9\n3,2,?\n4,?,9\n"
    )
    openml.types, openml.target = ["numeric"] * 3, "y"
    with pytest.raises(DataError) as caught:
        load_raw(config(group="g"))
    assert str(caught.value).splitlines() == [
        "OpenML data set 7: data row 2: column 'g': the value is missing (in 2 rows)",
        "OpenML data set 7: data row 3: column 'y': the value is missing",
    ]


def test_a_column_of_row_numbers_without_a_name_is_no_feature(openml: FakeOpenml) -> None:
    openml.arff = ARFF.replace("height", "'Unnamed: 0'")
    with pytest.raises(DataError) as caught:
        load_raw(config())
    assert str(caught.value).startswith("OpenML data set 7: 'Unnamed: 0' is what pandas calls a ")
    assert "dataset.columns: {drop: ['Unnamed: 0']}" in str(caught.value)
    raw = load_raw(config(columns={"drop": ["Unnamed: 0"]}))
    assert "Unnamed: 0" not in (raw.feature_names or ())


def test_columns_can_be_left_out(openml: FakeOpenml) -> None:
    openml.arff = ARFF.replace("0.3,long,4", "?,?,4")
    raw = load_raw(config(columns={"drop": ["height", "coat", "owner"]}))
    assert raw.x.tolist() == [[20], [4], [19.5], [3.5]]


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        ("hight", r"dataset\.columns\.drop: .* no column 'hight'; .*did you mean height\?"),
        ("kind", r"dataset\.columns\.drop: column 'kind' is the label, which is needed"),
        ("owner", r"dataset\.columns\.drop: column 'owner' is the group, which is needed"),
    ],
)
def test_what_cannot_be_left_out_is_refused(openml: FakeOpenml, drop: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_raw(config(group="owner", columns={"drop": [drop]}))


def test_a_quantity_is_not_taken_for_classes_unless_told_so(openml: FakeOpenml) -> None:
    rows = "".join(f"{i},{i / 4}\n" for i in range(60))
    openml.arff = f"@RELATION a\n@ATTRIBUTE x REAL\n@ATTRIBUTE y REAL\n@DATA\n{rows}"
    openml.types, openml.target = ["numeric", "numeric"], "y"
    with pytest.raises(DataError, match="OpenML data set 7: the label takes 60 different numbers"):
        load_raw(config())
    assert len(load_raw(config(many_classes=True)).classes) == 60


def test_columns_that_do_not_exist_are_named(openml: FakeOpenml) -> None:
    with pytest.raises(DataError, match=r"OpenML data set 7: .*colour"):
        load_raw(config(label="colour"))
    with pytest.raises(ConfigError, match=r"dataset\.group: .*'ower'; .*did you mean owner\?"):
        load_raw(config(group="ower"))


def test_a_set_without_a_class_column_is_refused(openml: FakeOpenml) -> None:
    openml.target = "nothing"
    with pytest.raises(DataError, match="has no single class column; name one as"):
        load_raw(config())


def test_text_columns_are_refused(openml: FakeOpenml) -> None:
    openml.types[1] = "string"
    with pytest.raises(DataError, match="OpenML data set 7: STRING attributes are not supported"):
        load_raw(config())


def test_an_unknown_data_set_is_refused(openml: FakeOpenml) -> None:
    with pytest.raises(DataError, match=r"OpenML data set 8: .*not found"):
        load_raw(config(data_id=8))


@pytest.mark.filterwarnings("ignore:A network error occurred")
def test_without_the_network_the_error_says_so(
    openml: FakeOpenml, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.datasets import _openml

    monkeypatch.setattr(_openml, "time", SimpleNamespace(sleep=lambda _: None))
    openml.close()
    with pytest.raises(DownloadError, match="OpenML data set 7: cannot be fetched") as caught:
        load_raw(config())
    assert caught.value.exit_code == 1
    openml.thread = threading.Thread(target=lambda: None)
    openml.thread.start()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "exactly one of data_id and data_name"),
        ({"data_id": 7, "data_name": "animals"}, "exactly one of data_id and data_name"),
        ({"data_id": 7, "version": 2}, "version goes with data_name"),
        ({"data_id": 7, "test": {"fraction": 0.2, "by": "group"}}, "test.by: group needs to know"),
    ],
)
def test_the_config_refuses_what_contradicts_itself(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OpenmlDataset.model_validate({"name": "openml", **settings})


def test_the_arff_file_lies_in_our_cache(openml: FakeOpenml, own_cache: Path) -> None:
    load_raw(config())
    assert list((own_cache / "openml").rglob("animals.arff.gz"))


@pytest.mark.usefixtures("without_pictures")
def test_the_reports_protocol_for_other_data_sets_judges_one_of_openml(
    openml: FakeOpenml, tmp_path: Path
) -> None:
    head, _, _ = ARFF.partition("@DATA\n")
    rows = [f"{h / 10},short,{h},{owner},{kind}" for h in range(1, 21) for owner, kind in PAIRS]
    openml.arff = head + "@DATA\n" + "\n".join(rows) + "\n"
    config = load_sweep(
        "report/claim12_data_sets",
        {
            "grid": {"dataset": [{"name": "openml", "data_id": 7}], LAYERS: [[], [64]]},
            "seeds": 3,
            "training.epochs": 30,
            "training.evaluate_every": 30,
        },
    )
    sweep(config, runs_dir=tmp_path, workers=1, make_workers=InlineWorkers)
    verdicts = DATA_SETS.judge(Evidence(tmp_path))
    assert verdicts["openml, data_id 7"].outcome == "confirmed"
    assert verdicts["a hidden layer against none"].outcome == "not decidable", "one set has no rank"
