"""A table is trained on and shown without a config."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow
import pytest
import yaml
from pyarrow import parquet

from cli.helpers import Command
from isolet_nn.config.yaml_files import read_mapping

IRISES = "".join(f"{i % 3}.{i},{i % 7},{'xyz'[i % 3]},{i}\n" for i in range(30))
TABLE = "length,width,species,age\n" + IRISES


def write(path: Path, text: str = TABLE) -> None:
    if path.suffix == ".parquet":
        names, *rows = [line.split(",") for line in text.splitlines()]
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        table = {name: pyarrow.array(cells) for name, cells in columns.items()}
        parquet.write_table(pyarrow.table(table), path)
        return
    if ".tsv" in path.name:
        text = text.replace(",", "\t")
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


@pytest.mark.parametrize(
    "name", ["irises.csv", "irises.csv.gz", "irises.tsv", "irises.tsv.gz", "irises.parquet"]
)
def test_a_table_is_trained_on_in_one_line(nn: Command, tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    arguments = ("--label", "species", "--epochs", "1", "--set", "dataset.test.fraction=0.3")
    result = nn("train", name, *arguments, "--quiet")
    assert result.code == 0, result.err
    run = tmp_path / result.out.strip()
    assert run.name.endswith("-irises")
    config = read_mapping(run / "config.yaml")
    assert config["dataset"]["path"] == str(tmp_path / name)
    assert config["dataset"]["label"] == "species"
    assert config["dataset"]["test"]["fraction"] == 0.3
    again = nn("train", run / "config.yaml", "--quiet")
    metrics = [tmp_path / path.strip() / "metrics.csv" for path in (result.out, again.out)]
    first, second = [path.read_text().splitlines()[1].split(",")[1:4] for path in metrics]
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("t.csv", "--label", "specis"), "dataset.label: "),
        (("t.csv", "--label", "specis"), "has no column 'specis'; found length, width, species"),
        (("t.csv", "--label", "9"), "dataset.label: found position 9"),
        (("t.csv", "--label", "[1]"), "--label: dataset.label"),
        (("none.csv",), "none.csv: no such file"),
        (("gaps.csv",), "column 'x': the value is missing"),
        (("gaps.csv",), "`isolet-nn data show gaps.csv` shows all columns"),
        (("iris.data",), "iris.data: found a str, expected keys"),
        (("iris.data",), "a table's name ends in .csv"),
        (("t.csv", "--label", "a", "--set", "dataset.label=b"), "--label: found 'a', but --set"),
        (("quickstart", "--label", "a"), "--label: dataset.label: unknown key"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    nn: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    write(tmp_path / "t.csv")
    (tmp_path / "gaps.csv").write_text("x,y\n,a\n1,b\n", encoding="utf-8")
    (tmp_path / "iris.data").write_text("5.1,a\n4.2,b\n", encoding="utf-8")
    result = nn("train", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not (tmp_path / "runs").exists()


def test_a_table_is_shown_with_a_config_that_trains_on_it(nn: Command, tmp_path: Path) -> None:
    write(tmp_path / "irises.tsv")
    shown = nn("data", "show", "irises.tsv", "--label", "species")
    assert (shown.code, shown.err) == (0, "")
    assert "30 rows of 4 columns" in shown.out
    assert "column 'age': numbers the rows, so it seems to be an id; left out" in shown.out
    proposed = shown.out.partition("a config that trains on it:\n")[2]
    (tmp_path / "irises.yaml").write_text(proposed, encoding="utf-8")
    run = nn("train", "irises.yaml", "--epochs", "1").run
    assert run.experiment.dataset.model_dump()["columns"]["drop"] == ["age"]
    as_json = json.loads(nn("data", "show", "irises.tsv", "--label", "species", "--json").out)
    assert as_json["config"] == yaml.safe_load(proposed)
    assert as_json["classes"] == {"x": 10, "y": 10, "z": 10}
    assert [column["name"] for column in as_json["columns"] if column["is_label"]] == ["species"]


def test_ids_are_shown_with_all_digits_and_a_nameless_column_by_its_place(
    nn: Command, tmp_path: Path
) -> None:
    rows = "".join(f"{i},{10000 + i},{i % 3 / 8},{'ab'[i % 2]}\n" for i in range(9))
    (tmp_path / "t.csv").write_text(f",number,x,kind\n{rows}", encoding="utf-8")
    shown = nn("data", "show", "t.csv").out
    assert "10000 to 10008" in shown
    assert "0 to 0.25" in shown
    assert "\n- column 0: has no name" in shown
    assert "\n- column 'number': numbers the rows" in shown


def test_other_formats_hold_the_tables_alone(nn: Command, tmp_path: Path) -> None:
    write(tmp_path / "irises.csv")
    shown = nn("data", "show", "irises.csv", "--label", "species", "--format", "csv")
    assert shown.out.startswith("# columns\ncolumn,holds,missing,different,values\nlength,numbers,")
    assert "dataset:" in shown.err


def test_names_of_a_table_do_not_move_the_cursor(nn: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\x1b[2Jx,\u202ey,kind\n1,2,\x1ba\n2,1,b\n", encoding="utf-8")
    shown = nn("data", "show", "t.csv")
    assert shown.code == 0
    assert not {"\x1b", "\u202e"} & {*shown.out, *shown.err}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.csv",), "none.csv: no such file"),
        (("t.csv", "--label", "specis"), "t.csv has no column 'specis'; found length"),
        (("t.csv", "--set", "delimiter=;"), "divided at ';', its first line is one column"),
        (("bad.parquet",), "bad.parquet: cannot be read as Parquet"),
        (("empty.csv",), "empty.csv: holds no rows"),
        (("iris.data",), "iris.data: a table's name ends in .csv"),
        (("iris", "--label", "x"), "--label: dataset.label: unknown key"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    nn: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    write(tmp_path / "t.csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" * 9)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "iris.data").write_bytes(b"5.1,a\n")
    assert message in nn("data", "show", *arguments).refusal()
