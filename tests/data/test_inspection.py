"""A table is looked at without a config: what it holds, what is doubtful, and what trains on it."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import in_full
from pyarrow import parquet

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.yaml_files import parse_yaml, write_yaml
from isolet_nn.data import load_dataset
from isolet_nn.data.advice import Advice, advise
from isolet_nn.data.inspection import Inspection, inspect
from isolet_nn.data.reading import TableFormat, open_table, read_blocks
from isolet_nn.errors import ConfigError, DataError

VISITS = """,id,age,sex,when,city,score,unit,code,site,diagnosis
0,A1,31,m,2024-01-01,Basel,1.5,kg,H,1,healthy
1,A2,44,f,2024-01-02,Bern,2.5,kg,I,a,ill
2,A3,,f,2024-01-03,Basel,unknown,kg,H,1,healthy
3,A4,52,m,2024-01-04,,3.5,kg,H,a,healthy
4,A5,61,f,2024-01-05,Basel,2.0,kg,I,1,ill
5,A6,29,m,2024-01-06,Bern,1.0,kg,H,a,healthy
6,A7,29,m,2024-01-06,Bern,1.5,kg,H,1,healthy
7,A8,31,f,2024-01-07,Basel,1.0,kg,I,a,ill
8,A9,33,f,2024-01-08,Bern,1.25,kg,I,1,ill
9,B1,34,m,2024-01-09,Bern,0.5,kg,H,a,healthy
10,B2,34,m,2024-01-09,Bern,0.5,kg,H,1,healthy
"""


def looked_at(path: Path, **keys: Any) -> tuple[Inspection, Advice]:
    table = inspect(CsvDataset.model_validate({"name": "csv", "path": str(path)} | keys))
    return table, advise(table, str(path))


def look(tmp_path: Path, text: str, **keys: Any) -> tuple[Inspection, Advice]:
    (tmp_path / "visits.csv").write_text(text, encoding="utf-8")
    return looked_at(tmp_path / "visits.csv", **keys)


def doubts(advice: Advice) -> list[tuple[str | None, str]]:
    return [(doubt.column, doubt.says) for doubt in advice.doubts]


def test_columns_are_told_apart_and_counted(tmp_path: Path) -> None:
    table, _ = look(tmp_path, VISITS)
    assert table.rows == 11
    assert table.classes == {"healthy": 7, "ill": 4}
    found = {c.name: (c.holds, c.missing, c.different) for c in table.columns}
    assert found == {
        "": ("numbers", 0, 11),
        "id": ("names", 0, 11),
        "age": ("numbers", 1, 7),
        "sex": ("names", 0, 2),
        "when": ("dates", 0, 9),
        "city": ("names", 1, 2),
        "score": ("numbers and words", 0, 7),
        "unit": ("names", 0, 1),
        "code": ("names", 0, 2),
        "site": ("numbers and words", 0, 1),
        "diagnosis": ("names", 0, 2),
    }


def test_what_is_doubtful_is_said_and_answered_by_a_config_that_trains(tmp_path: Path) -> None:
    _, advice = look(tmp_path, VISITS)
    assert doubts(advice) == [
        ("diagnosis", "is taken for the label; name another one as --label"),
        ("column 0", "has no name, as the row numbers that pandas and R write; left out"),
        ("id", "takes 11 different values, so it seems to be an id or text; left out"),
        ("when", "holds dates, which are neither numbers nor categories; left out"),
        ("score", "holds unknown among numbers, in 1 rows; taken for missing (na_values)"),
        ("unit", "is always 'kg'; left out"),
        ("code", "says what the label says, in other words; left out"),
        ("site", "holds a among numbers, in 5 rows; taken for categories"),
    ]
    experiment = load_experiment(parse_yaml(write_yaml(dict(advice.config)), "config"))
    dataset = load_dataset(experiment.dataset, seed=0)
    assert dataset.preprocessing.feature_names == (
        "age",
        "sex=f",
        "sex=m",
        "city=Basel",
        "city=Bern",
        "score",
        "site=1",
        "site=a",
    )


ROWS = "".join(f"{i},{i % 4},{'ab'[i % 2]}\n" for i in range(12))


@pytest.mark.parametrize(
    ("text", "keys", "column", "says"),
    [
        ("n,x,y\n" + ROWS, {}, "n", "numbers the rows, so it seems to be an id; left out"),
        ("n,x,y\n" + ROWS, {}, "x", "determines the label: each of its values goes with one class"),
        ("x,y\n" + "1,a\n" * 40 + "2,b\n" * 4, {}, "y", "the classes are unequal ('a' has 40 rows"),
        ("x,y\n1,a\n1,b\n2,b\n", {}, "y", "class a has a single row; a split needs two of each"),
        ("x,y\n1,a\n2,\n2,b\n", {}, "y", "the label is missing in 1 rows; leave these out"),
        ("x,y\n1,a\n2,a\n", {}, "y", "the label needs two classes; name another column as --label"),
        (
            "x,y\n" + "".join(f"1,{i / 7}\n" for i in range(30)),
            {},
            "y",
            "the label takes 30 different values, so it seems to be a quantity; only classes can",
        ),
        ("x,y\n1,a\n2,A\n3,b\n1,b\n", {}, "y", "'a' and 'A' count as different; if they mean"),
        ("s,x,y\nm,1,a\nf,1,b\nM,2,b\nf,2,a\n", {}, "s", "'m' and 'M' count as different"),
        (
            "patient id,x,y\n"
            + "".join(f"P{i % 7},{i % 5},{'ab'[i % 3 % 2]}\n" for i in range(30)),
            {},
            "patient id",
            "seems to be an id that several rows have; if they belong together, dataset.group:",
        ),
        ("x,x,y\n1,2,a\n2,1,b\n", {}, "x", "has the name of another column; left out"),
        ("x,z,y\n1,,a\n2,,b\n", {}, "z", "is empty; left out"),
        ("1,2\n3,4\n", {}, None, "the first line names no columns, and is taken for data"),
        ("5,x,a\n1,x,b\n2,z,a\n", {}, None, "the first line names no columns, and is taken"),
        ("5,x,a\n1,x,b\n2,z,a\n", {"label": "a"}, None, "the first line names no columns"),
        ("x,z,y\n1,$1,a\n2,$2,b\n", {}, "z", "holds $1, $2, none of which can be read as a number"),
        ("x,y\n1,a\n1\n1\n", {}, None, "line 3 has 1 cells, the first has 2; 2 such rows have to"),
        (
            "x,z,y\n" + "".join(f"w{i},{i},{'ab'[i % 2]}\n" for i in range(101)) + "7,1,a\n" * 200,
            {},
            "x",
            "holds '7' among names; taken for categories",
        ),
    ],
)
def test_doubts_name_the_column(
    tmp_path: Path, text: str, keys: dict[str, Any], column: str | None, says: str
) -> None:
    _, advice = look(tmp_path, text, **keys)
    assert [doubt for doubt in doubts(advice) if doubt[0] == column and says in doubt[1]]


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,a\n2,\n2,b\n2,a\n1,b\n",
        "x,y\n1,a\n2,b\n2,b\n2,a\n1\n",
        "x,y\n1,a\n2,a\n",
        "x,y\n1,a\n1,b\n2,b\n",
        "x,y\n1,a\n1,b\n1,b\n1,a\n",
    ],
)
def test_a_config_is_not_said_to_train_where_the_table_is_to_be_mended(
    tmp_path: Path, text: str
) -> None:
    _, advice = look(tmp_path, text)
    assert not advice.trains
    experiment = load_experiment(parse_yaml(write_yaml(dict(advice.config)), "config"))
    with pytest.raises(DataError):
        load_dataset(experiment.dataset, seed=0)


def test_rows_that_are_all_wider_than_the_header_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"visits.csv:2: found 3 cells, expected 2 \(do rows begin"):
        look(tmp_path, '"x","y"\n"1",1.5,"a"\n"2",2.5,"b"\n')


def test_the_last_column_of_names_is_the_label_where_the_last_column_is_a_quantity(
    tmp_path: Path,
) -> None:
    text = "kind,x\n" + "".join(f"{'ab'[i % 2]},{i / 7}\n" for i in range(30))
    table, advice = look(tmp_path, text)
    assert (table.label.name, advice.config["dataset"]["label"]) == ("kind", "kind")
    assert [column.holds for column in table.features] == ["numbers"]
    table, _ = look(tmp_path, text, label=-1)
    assert table.label.name == "x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x;z;y\n1,5;2;a\n2,5;1,25;b\n", {"delimiter": ";", "decimal": ","}),
        ("x;z;y\n1.5;2;a\n2.5;1.25;b\n", {"delimiter": ";"}),
        ("x\tz\ty\n1\t2\ta\n2\t3\tb\n", {"delimiter": "\t"}),
        ("1,2,a\n3,4,b\n", {}),
        ("1,2,0\n3,4,1\n", {"header": False}),
    ],
)
def test_how_a_table_is_written_is_told_from_it(
    tmp_path: Path, text: str, told: dict[str, Any]
) -> None:
    _, advice = look(tmp_path, text)
    keys = ("delimiter", "decimal", "header")
    assert {k: v for k, v in advice.config["dataset"].items() if k in keys} == told


def test_parquet_is_looked_at_alike(tmp_path: Path) -> None:
    names, *rows = csv.reader(io.StringIO(VISITS))
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pyarrow.table(columns), tmp_path / "visits.parquet")
    text, parquet_too = look(tmp_path, VISITS), looked_at(tmp_path / "visits.parquet")
    assert parquet_too[0].classes == text[0].classes
    assert doubts(parquet_too[1]) == doubts(text[1])


def test_columns_of_lists_are_left_out(tmp_path: Path) -> None:
    columns = {"x": [1, 2, 1, 2] * 3, "all": [[1.5]] * 12, "raw": [b"1"] * 12, "y": [*"aabb"] * 3}
    parquet.write_table(pyarrow.table(columns), tmp_path / "visits.parquet")
    table, advice = looked_at(tmp_path / "visits.parquet")
    assert [column.holds for column in table.columns] == [
        "numbers",
        *["lists or bytes"] * 2,
        "names",
    ]
    assert advice.config["dataset"]["columns"]["drop"] == ["all", "raw"]
    experiment = load_experiment(parse_yaml(write_yaml(dict(advice.config)), "config"))
    assert load_dataset(experiment.dataset, seed=0).preprocessing.feature_names == ("x",)
    config = CsvDataset(name="csv", path=str(tmp_path / "visits.parquet"), label="y")
    with pytest.raises(DataError, match=r"'all': holds list<.*leave it out with .*drop: \[all\]"):
        load_dataset(config, seed=0)


# Tables of all kinds, whole and damaged.

numbers = st.floats(-1e6, 1e6).map(repr) | st.integers(-100, 100).map(str)
names = st.sampled_from(["red", "green", "light blue", "no", "0x1", "a,b", 'said "x"', "é"])
gaps = st.sampled_from(["", "NA", "?", "-", "unknown"])
columns = st.sampled_from(
    [
        numbers,
        names,
        numbers | gaps,
        names | gaps,
        numbers | names,
        st.just("1"),
        gaps,
        st.dates().map(str),
        st.text(st.characters(exclude_categories=["C"]), max_size=5),
        st.integers().map(lambda n: f"id{n}"),
        st.sampled_from(["true", "false"]),
    ]
)
NAMES = st.sampled_from(["x", "y", "id", "", "Unnamed: 0", "7", "größe", "a: b", "x=1", "\u202e"])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of a table, the first with names; the last column has two classes or three."""
    n = draw(st.integers(9, 14))
    kinds = draw(st.lists(columns, min_size=1, max_size=4))
    classes = draw(st.sampled_from(["ab", "abc", "01"]))
    label = [classes[i % len(classes)] for i in range(n)]
    cells = [draw(st.lists(kind, min_size=n, max_size=n)) for kind in kinds]
    head = [draw(NAMES) for _ in kinds]
    return [[*head, "kind"], *(list(row) for row in zip(*cells, label, strict=True))]


def csv_of(rows: list[list[str]], delimiter: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()


def parquet_of(rows: list[list[str]]) -> bytes:
    out = io.BytesIO()
    cells = [pyarrow.array(column[1:]) for column in zip(*rows, strict=True)]
    parquet.write_table(pyarrow.table(cells, names=rows[0]), out)
    return out.getvalue()


FORMS: dict[str, Callable[[list[list[str]]], bytes]] = {
    "t.csv": csv_of,
    "t.tsv": lambda rows: csv_of(rows, "\t"),
    "t.csv.gz": lambda rows: gzip.compress(csv_of(rows), mtime=0),
    "t.parquet": parquet_of,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples: each replaces the file of the one before."""
    return tmp_path_factory.mktemp("tables")


@settings(max_examples=in_full(40, 400))
@given(rows=tables(), name=st.sampled_from([*FORMS]))
def test_the_proposed_config_trains_wherever_a_feature_is_left(
    folder: Path, rows: list[list[str]], name: str
) -> None:
    (folder / name).write_bytes(FORMS[name](rows))
    _, advice = looked_at(folder / name, label=-1)
    if not advice.trains:
        return
    experiment = load_experiment(parse_yaml(write_yaml(dict(advice.config)), "config"))
    said = refusal_of(lambda: load_dataset(experiment.dataset, seed=0))
    assert said is None or "training rows, so nothing can be learned to fill it in" in said


@settings(max_examples=in_full(60, 1000))
@given(
    rows=tables(),
    name=st.sampled_from([*FORMS]),
    cut=st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=20)),
    label=st.sampled_from([-1, 0, "kind", "y"]),
)
def test_every_reader_of_a_damaged_table_reads_it_or_says_what_is_wrong_with_the_file(
    folder: Path,
    rows: list[list[str]],
    name: str,
    cut: tuple[float, int, bytes],
    label: str | int,
) -> None:
    content, path = FORMS[name](rows), folder / name
    place = int(cut[0] * len(content))
    path.write_bytes(content[:place] + cut[2] + content[place + cut[1] :])
    config = CsvDataset(name="csv", path=str(path), label=label, missing="median")

    def blocks() -> None:
        with open_table(path, TableFormat()) as table:
            names = table.columns
        for _ in read_blocks(path, dict.fromkeys(names, "categorical")):
            pass

    for read in (
        lambda: load_dataset(config, seed=0),
        lambda: looked_at(path, label=label),
        blocks,
    ):
        assert str(path) in (refusal_of(read) or str(path))


def refusal_of(read: Callable[[], object]) -> str | None:
    """What is said, if something is wrong with what is read."""
    try:
        read()
    except (DataError, ConfigError) as error:
        return str(error)
    return None
