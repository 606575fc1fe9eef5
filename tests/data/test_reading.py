"""Blocks of tables: the same from text, gzip and Parquet, fast or careful, in bounded memory."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from isolet_nn.data import csv_pieces, csv_text
from isolet_nn.data.cells import Numbers, Words
from isolet_nn.data.reading import TableFormat, likely_kinds, open_table, read_blocks
from isolet_nn.data.table import Table
from isolet_nn.errors import DataError

Rows = list[list[Any]]

ANIMALS = 'height,"kind",owner\n1.5,dog,ann\n,cat,\n0.25,NA,"b, c"\n'
TABS = ANIMALS.replace(",", "\t").replace("b\t", "b,")
KINDS: dict[str, Any] = {"owner": "categorical", "height": "numeric", "kind": "categorical"}
FOUND: Rows = [["ann", 1.5, "dog"], [None, None, "cat"], ["b, c", 0.25, None]]


def rows_of(blocks: Iterator[Table]) -> Rows:
    """Cells of all blocks in words."""
    rows = []
    for block in blocks:
        for cells in block.cells.tolist():
            row: list[Any] = []
            for column, cell in zip(block.columns, cells, strict=True):
                value: Any = None if np.isnan(cell) else cell
                if value is not None and column.kind == "categorical":
                    value = column.categories[int(cell)]
                row.append(value)
            rows.append(row)
    return rows


def written(tmp_path: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["pyarrow", *(name for name in sys.modules if name.startswith("pyarrow."))]:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("piece", [1, 20, 1 << 20])
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (ANIMALS, "table.csv"),
        (TABS, "table.tsv"),
        (gzip.compress(ANIMALS.encode(), mtime=0), "table.csv.gz"),
        (gzip.compress(TABS.encode(), mtime=0), "table.tsv.gz"),
        (ANIMALS.encode("utf-16"), "table.csv"),
        ("\ufeff" + ANIMALS.replace("\n", "\r\n"), "table.csv"),
        (ANIMALS.replace("\n", "\r"), "table.csv"),
    ],
)
def test_columns_are_read_by_name_however_the_text_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes, name: str, piece: int
) -> None:
    monkeypatch.setattr(csv_text, "_PIECE", piece)
    path = written(tmp_path, content, name)
    assert rows_of(read_blocks(path, KINDS)) == FOUND
    assert rows_of(read_blocks(path, {"kind": "categorical"})) == [row[2:] for row in FOUND]


def test_without_pyarrow_text_is_read_alike(tmp_path: Path, without_pyarrow: None) -> None:
    assert rows_of(read_blocks(written(tmp_path, ANIMALS), KINDS)) == FOUND


def test_standard_input_is_read_alike(tmp_path: Path) -> None:
    for content in (ANIMALS.encode(), gzip.compress(ANIMALS.encode())):
        assert rows_of(read_blocks(io.BytesIO(content), KINDS)) == FOUND
    with pytest.raises(DataError, match=r"^standard input:3: column 'x': found 'b', expected"):
        list(read_blocks(io.BytesIO(b"x,y\n1,2\nb,2\n"), {"x": "numeric"}))


def test_a_row_is_given_on_before_the_next_is_written() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "wb", buffering=0) as sink:
        sink.write(b"x,y\n1,a\n")
        blocks = read_blocks(source, {"x": "numeric"})
        threading.Timer(60, sink.close).start()
        assert rows_of(iter([next(blocks)])) == [[1]]
        sink.write(b"2,b\n")
        assert rows_of(iter([next(blocks)])) == [[2]]
        sink.close()
        assert list(blocks) == []


def save_parquet(tmp_path: Path, columns: dict[str, Any]) -> Path:
    path = tmp_path / "table.parquet"
    parquet.write_table(pyarrow.table(columns), path, row_group_size=2)
    return path


def test_parquet_is_read_alike(tmp_path: Path) -> None:
    kinds = ["dog", "cat", "NA"]
    path = save_parquet(
        tmp_path,
        {
            "height": [1.5, None, 0.25],
            "kind": pyarrow.array(kinds).dictionary_encode(),
            "owner": ["ann", None, "b, c"],
            "unused": [[1], [2], [3]],
            "whole": pyarrow.array([1, None, 3], pyarrow.int8()),
            "flag": [True, False, None],
        },
    )
    assert rows_of(read_blocks(path, KINDS)) == FOUND
    more = rows_of(read_blocks(path, {"whole": "numeric", "flag": "categorical"}))
    assert more == [[1, "true"], [None, "false"], [3, None]]
    with open_table(path, TableFormat()) as table:
        assert table.columns == ("height", "kind", "owner", "unused", "whole", "flag")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": ["1", "b"]}, "table.parquet: data row 2: column 'x': found 'b', expected a finite"),
        ({"x": [1.0, np.inf]}, "table.parquet: data row 2: column 'x': found 'inf', expected"),
        ({"x": [[1], [2]]}, "table.parquet: column 'x': holds list<element: int64>, expected"),
        ({"x": [b"1"]}, "table.parquet: column 'x': holds binary, expected numbers or words"),
        ({"y": [1]}, "table.parquet: has no column x; found y"),
    ],
)
def test_what_is_wrong_with_parquet_is_named(
    tmp_path: Path, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        list(read_blocks(save_parquet(tmp_path, columns), {"x": "numeric"}))
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x,y\n1,2\n", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content, "table.parquet")
    with pytest.raises(DataError, match=r"table\.parquet: cannot be read"):
        list(read_blocks(path, {"x": "numeric"}))


def test_parquet_whose_words_are_not_utf8_is_refused(tmp_path: Path) -> None:
    stored = pyarrow.array([b"good", b"bad\x80"])
    words = pyarrow.Array.from_buffers(pyarrow.string(), 2, stored.buffers())
    path = save_parquet(tmp_path, {"x": words})
    with pytest.raises(DataError, match="cannot be read as Parquet: 'utf-8' codec can't decode"):
        list(read_blocks(path, {"x": "categorical"}))


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, without_pyarrow: None
) -> None:
    path = written(tmp_path, b"PAR1", "table.parquet")
    with pytest.raises(DataError, match=r"pip install 'isolet-nn\[tables\]'"):
        list(read_blocks(path, {"x": "numeric"}))


def test_all_missing_columns_are_named_and_those_that_need_not_be_are_left_out(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, ANIMALS)
    with pytest.raises(DataError, match=r"has no column weight, hight; found height, kind, owner"):
        list(read_blocks(path, {"weight": "numeric", "hight": "numeric", "kind": "categorical"}))
    found = read_blocks(path, {"weight": "numeric", "height": "numeric"}, optional=["weight"])
    assert rows_of(found) == [[1.5], [None], [0.25]]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than one column x"):
        list(read_blocks(written(tmp_path, "x,x\n1,2\n"), {"x": "numeric"}))


def test_a_column_that_need_not_be_there_is_left_out_where_it_is_there_twice(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "x,y,x\n1,2,3\n")
    assert rows_of(read_blocks(path, {"x": "numeric", "y": "numeric"}, optional=["x"])) == [[2.0]]


def test_kinds_are_told_by_the_first_rows(tmp_path: Path) -> None:
    text = "a,b,c,d,e\n1,x,,1,true\n2,y,,z,false\n"
    kinds = likely_kinds(written(tmp_path, text), TableFormat())
    assert [kinds[position] for position in range(5)] == [
        "numeric",
        "categorical",
        "numeric",
        "numeric",
        "categorical",
    ]


cells = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["", "NA", "nan", " 1", "1 ", "+1", "1.", ".5", "1e5", "1e999", "1e-999", "-"]),
    st.sampled_from(['"1"', '""', '"a,b"', '"a\nb"', '"', 'a"b', '"a""b"', ' "a"', "\r", "\0"]),
    st.text(max_size=4),
)


@settings(max_examples=60)
@given(
    st.lists(st.lists(cells, min_size=2, max_size=3), min_size=1, max_size=6), st.integers(1, 40)
)
@example([["1", "a"], ["nan(1)", "b"]], 40).via("a word for NaN that only pyarrow knows")
@example([['"a,"b"', "c"], ["1", '"']], 40).via("marks that are in balance, but not in place")
def test_pyarrow_reads_what_the_csv_module_reads(rows: list[list[str]], piece: int) -> None:
    content = ("x,y\n" + "".join(",".join(row) + "\n" for row in rows)).encode(errors="replace")

    def read() -> Any:
        with (
            pytest.MonkeyPatch.context() as patch,
            open_table(io.BytesIO(content), TableFormat()) as table,
        ):
            patch.setattr(csv_text, "_PIECE", piece)
            found: list[Any] = []
            for block in table.blocks({0: "numeric", 1: "categorical"}):
                numbers, words = block.cells[0], block.cells[1]
                assert isinstance(numbers, Numbers)
                assert isinstance(words, Words)
                missing = numbers.missing and (block.lines[numbers.missing[0]], numbers.missing[1])
                found += [("missing", missing)] if missing else []
                found += [("ragged", *row) for row in block.ragged]
                found += [(block.lines[row], cell) for row, cell in numbers.bad.items()]
                found += zip(
                    block.lines.tolist(),
                    numbers.values.view(np.int64).tolist(),
                    (words.words[code] for code in words.codes),
                    strict=True,
                )
            return found

    def outcome() -> Any:
        try:
            return read()
        except DataError as error:
            return str(error)

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_pieces._Arrow, "of", lambda division, encoding: None)
        assert outcome() == fast
