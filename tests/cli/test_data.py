"""`isolet-nn data` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import Command


def test_data_list_names_every_data_set_an_experiment_can_name(nn: Command) -> None:
    result = nn("data", "list")
    assert (result.code, result.err) == (0, "")
    infos = json.loads(nn("data", "list", "--json").out)
    names = [info["name"] for info in infos]
    bundled = ["isolet", "digits", "iris", "wine", "breast_cancer", "xor", "moons", "spirals"]
    assert names == [*bundled, "csv", "openml"]
    for info in infos:
        (line,) = (line for line in result.out.splitlines() if line.startswith(f"│ {info['name']}"))
        assert info["description"] in line


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [
        ("digits", 1797, 64, 10),
        ("iris", 150, 4, 3),
        ("wine", 178, 13, 3),
        ("breast_cancer", 569, 30, 2),
        ("xor", 4, 2, 2),
        ("moons", 600, 2, 2),
        ("spirals", 600, 2, 3),
    ],
)
@pytest.mark.parametrize("command", ["show", "fetch"])
def test_a_bundled_data_set_is_shown(
    nn: Command, command: str, name: str, rows: int, features: int, classes: int
) -> None:
    info = json.loads(nn("data", command, name, "--json").out)
    assert (info["rows"], info["features"], len(info["classes"])) == (rows, features, classes)
    lines = nn("data", command, name).out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    shown = dict(line.split("  ", 1) for line in lines)
    assert shown["name"].strip() == name
    assert shown["rows"].strip() == str(rows)
    assert shown["checksum"].strip() == info["checksum"]


def test_isolet_is_shown_with_its_verdict(nn: Command) -> None:
    for command in ("show", "fetch"):
        info: dict[str, Any] = json.loads(nn("data", command, "isolet", "--json").out)
        assert info["source"] == "comes with isolet-nn"
        assert (info["rows"], info["train_rows"], info["test_rows"]) == (7797, 6238, 1559)
        assert (info["group_name"], info["groups"]) == ("speaker", 150)
        assert info["verdict"].startswith("genuine")
        assert len(info["part_checksums"]) == 2


def test_a_csv_table_is_shown(nn: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y,label\n1,2,[b]a[/b]\n3,4,:b:\n", encoding="utf-8")
    result = nn("data", "show", "csv", "--set", "path=t.csv")
    assert result.code == 0
    assert "[b]a[/b]" in result.out
    assert ":b:" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("isloet",), "dataset.name: found 'isloet'; allowed: isolet, digits, iris, wine, "),
        (("csv",), "dataset.path: missing, and there is no default"),
        (("openml",), "dataset: give exactly one of data_id and data_name"),
        (("csv", "--set", "path=t.csv", "--set", "lable=3"), "--set dataset.lable: unknown key"),
        (("csv", "--set", "path=no.csv"), "/no.csv: no such file"),
        (("isolet", "--data-dir", "no"), "no: no such folder; it should hold isolet.zip, or "),
        (("isolet", "--data-dir", "."), ": found no ISOLET data; looked for isolet.zip, or"),
        (("digits", "--data-dir", "."), "--data-dir: dataset.dir: unknown key"),
    ],
)
@pytest.mark.parametrize("command", ["show", "fetch"])
def test_a_wrong_data_set_is_refused(
    nn: Command, command: str, arguments: tuple[str, ...], message: str
) -> None:
    assert message in nn("data", command, *arguments).refusal()
