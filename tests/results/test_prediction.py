"""Predictions for a table: the model's own, in order, whatever the table looks like."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from isolet_nn.data import csv_text
from isolet_nn.errors import ConfigError, DataError
from isolet_nn.results.models import TrainedModel
from isolet_nn.results.prediction import (
    CsvOutput,
    file_output,
    output_columns,
    predict_blocks,
)
from isolet_nn.results.prediction_scores import PredictionScores
from results.test_models import mixed_model

HEADER = ["bought", "rooms", "id", "city", "age", "member"]
ROWS = [
    ["no", "2", "a", "Aix", "20", "true"],
    ["yes", "3", "b", "Bonn", "", "false"],
    ["yes", "4", "c", "Cork", "60.5", ""],
    ["no", "", "d", "", "33", "true"],
]
CODED = [[20, 0, 1, 0], [np.nan, 1, 0, 1], [60.5, -1, np.nan, -1], [33, np.nan, 1, np.nan]]


def table_of(rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def predicted(
    model: TrainedModel, table: bytes, *, keep: Sequence[str] = (), scores: bool = False
) -> tuple[list[list[str]], PredictionScores]:
    """What is written for a table, header first, and how good it is."""
    counted = PredictionScores(model.model.classes)
    text = io.StringIO()
    output = CsvOutput(text, output_columns(model, proba=True, keep=keep))
    source = io.BytesIO(table)
    for block in predict_blocks(model, source, keep=keep, scores=counted if scores else None):
        output.write(block)
    output.flush()
    return list(csv.reader(io.StringIO(text.getvalue()))), counted


def test_columns_are_found_by_name_and_those_asked_for_are_handed_on() -> None:
    model = mixed_model()
    expected = model.probabilities(np.array(CODED), "here")
    (header, *rows), _ = predicted(model, table_of(ROWS), keep=["id", "city", "age"])
    assert header == ["id", "city", "age", "prediction", "probability_no", "probability_yes"]
    assert [row[:3] for row in rows] == [
        ["a", "Aix", "20"],
        ["b", "Bonn", ""],
        ["c", "Cork", "60.5"],
        ["d", "", "33"],
    ]
    assert [row[3] for row in rows] == model.classes_[expected.argmax(axis=1)].tolist()
    assert np.array_equal(np.array([row[4:] for row in rows], np.float32), expected)


@given(st.permutations(range(len(ROWS))), st.permutations(range(len(HEADER))))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_and_columns_does_not_matter(rows: list[int], columns: list[int]) -> None:
    model = mixed_model()
    (_, *expected), _ = predicted(model, table_of(ROWS), keep=["id"])
    shuffled = [[ROWS[row][column] for column in columns] for row in rows]
    table = table_of(shuffled, [HEADER[column] for column in columns])
    (_, *found), _ = predicted(model, table, keep=["id"])
    assert sorted(found) == sorted(expected)


EDITS = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.integers(0, 20),
        st.sampled_from(
            [b"", b'"', b",", b"\n", b"\r", b"\0", b"\xff\xfe", b"1e999", b";", b"\xc3"]
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(EDITS)
@settings(max_examples=40, deadline=None)
def test_a_damaged_table_is_predicted_or_refused(edits: list[tuple[int, int, bytes]]) -> None:
    table = table_of(ROWS)
    for start, length, put in edits:
        table = table[:start] + put + table[start + length :]
    with contextlib.suppress(DataError):
        (_, *rows), _ = predicted(mixed_model(), table, keep=["id"], scores=True)
        assert all(len(row) == 4 for row in rows)


def test_scores_are_those_of_the_rows_whose_class_is_known() -> None:
    model = mixed_model()
    rows = [*ROWS, ["perhaps", *ROWS[0][1:]], ["", *ROWS[1][1:]]]
    (_, *found), scores = predicted(model, table_of(rows), scores=True)
    right = [row[0] == cells[0] for row, cells in zip(found[:4], ROWS, strict=True)]
    assert (scores.n, scores.n_known, scores.unlabelled) == (5, 4, 1)
    assert scores.unknown == {"perhaps": 1}
    assert scores.n_correct == sum(right)
    places = [1 if cells[0] == "no" else 2 for cells in ROWS]
    of_class = [float(row[place]) for row, place in zip(found[:4], places, strict=True)]
    assert scores.loss == pytest.approx(-np.log(of_class).mean(), rel=1e-5)
    assert predicted(model, table_of([row[1:] for row in ROWS], HEADER[1:]), scores=True)[1].n == 0


def test_classes_of_whole_numbers_are_the_same_however_they_are_written() -> None:
    scores = PredictionScores(("1", "2"))
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    scores.add(np.array(["1.0", "2.", "2"], dtype=object), probabilities)
    assert (scores.n_correct, scores.n, scores.unknown) == (2, 3, {})
    assert scores.balanced_accuracy == 0.75


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.tsv", "out.parquet"])
def test_a_file_holds_what_a_stream_is_given(name: str, tmp_path: Path) -> None:
    model = mixed_model()
    expected, _ = predicted(model, table_of(ROWS), keep=["city"])
    path = tmp_path / name
    with file_output(path, model, proba=True, keep=["city"]) as output:
        for block in predict_blocks(model, io.BytesIO(table_of(ROWS)), keep=["city"]):
            output.write(block)
    if name.endswith("parquet"):
        table = parquet.read_table(path)
        assert table.column_names == expected[0]
        assert table["city"].to_pylist() == ["Aix", "Bonn", "Cork", None]
        assert [f"{value:.6f}" for value in table["probability_no"].to_pylist()] == [
            f"{float(row[2]):.6f}" for row in expected[1:]
        ]
        return
    content = path.read_bytes()
    text = (gzip.decompress(content) if name.endswith("gz") else content).decode()
    delimiter = "\t" if name.endswith("tsv") else ","
    assert list(csv.reader(io.StringIO(text), delimiter=delimiter)) == expected
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_bad_row_leaves_no_file(tmp_path: Path) -> None:
    model = mixed_model()
    table = table_of([*ROWS, ["no", "2", "e", "Aix", "many", "true"]])

    def predict() -> None:
        with file_output(tmp_path / "out.csv", model, proba=False) as output:
            for block in predict_blocks(model, io.BytesIO(table)):
                output.write(block)

    with pytest.raises(DataError, match="standard input:6: column 'age': found 'many'"):
        predict()
    assert list(tmp_path.iterdir()) == []


def test_rows_of_categories_that_were_never_seen_are_counted() -> None:
    blocks = [*predict_blocks(mixed_model(), io.BytesIO(table_of(ROWS)))]
    # Cork was never seen either, but rare cities have a place of their own.
    assert [block.unseen for block in blocks if len(block)] == [{"rooms": 1}]


def test_no_rows_have_no_predictions() -> None:
    assert predicted(mixed_model(), table_of([]))[0] == [
        ["prediction", "probability_no", "probability_yes"]
    ]


@pytest.mark.parametrize(
    ("table", "keep", "message"),
    [
        (table_of([["1"]], ["Age"]), [], "has no column age, city, member, rooms"),
        (table_of(ROWS).replace(b",", b";"), [], "seems to be divided at ';', but is read as"),
        (table_of(ROWS), ["ids"], "has no column ids; found .* did you mean id"),
        (table_of(ROWS), ["id", "id"], "--keep: found 'id' twice"),
        (table_of(ROWS), ["prediction"], "--keep: found 'prediction', which is a column that is"),
        (b"", [], "holds no rows"),
        (b"PK\x03\x04", [], "is a zip archive"),
    ],
)
def test_what_cannot_be_predicted_is_refused(table: bytes, keep: list[str], message: str) -> None:
    with pytest.raises((DataError, ConfigError), match=message):
        predicted(mixed_model(), table, keep=keep)


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet"])
def test_how_much_of_a_file_is_read_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "_PIECE", 1 << 16)  # of which some are read ahead
    path, shares = tmp_path / name, list[float]()
    table = table_of([*ROWS] * 30_000)
    if name.endswith("parquet"):
        frame = pd.read_csv(io.BytesIO(table), dtype=dict.fromkeys(HEADER, str)).fillna("")
        frame.to_parquet(path)
    else:
        path.write_bytes(gzip.compress(table, 1) if name.endswith("gz") else table)
    rows = sum(map(len, predict_blocks(mixed_model(), path, on_share=shares.append)))
    assert rows == 120_000
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < shares[-1] == 1.0


def test_rows_come_out_as_they_come_in(tmp_path: Path) -> None:
    import os

    model = mixed_model()
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        sink.write(table_of(ROWS[:1]))
        blocks = predict_blocks(model, source)
        assert len(next(blocks)) == 1
        sink.write(table_of(ROWS[1:]).split(b"\n", 1)[1])
        assert len(next(blocks)) == 3
