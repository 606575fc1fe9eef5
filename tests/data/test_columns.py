"""What the columns of a person's own table are taken for, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data import RawDataset, load_dataset, load_raw
from isolet_nn.data.categories import are_dates
from isolet_nn.data.table import Column, Table, in_order, joined
from isolet_nn.errors import ConfigError, DataError, IsoletNNError

PETS = """age,coat,tame,town,kind
3,short,true,York,dog
,long,false,Leeds,cat
5,,true,York,dog
2,short,NA,Leeds,cat
4,long,false,York,dog
1,short,true,Leeds,cat
"""


def csv_config(folder: Path, text: str, **settings: Any) -> CsvDataset:
    (folder / "table.csv").write_text(text, encoding="utf-8")
    path = str(folder / "table.csv")
    return CsvDataset.model_validate({"name": "csv", "path": path} | settings)


def read(folder: Path, text: str, **settings: Any) -> RawDataset:
    return load_raw(csv_config(folder, text, **settings))


def refusal(folder: Path, text: str, **settings: Any) -> list[str]:
    with pytest.raises(IsoletNNError) as caught:
        read(folder, text, **settings)
    assert isinstance(caught.value, DataError | ConfigError)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def rows(*cells: str) -> str:
    return "x,y\n" + "".join(f'"{cell}",{"ab"[i % 2]}\n' for i, cell in enumerate(cells))


def test_words_are_categories_and_missing_cells_wait_to_be_filled(tmp_path: Path) -> None:
    for _ in ("parsed", "from the cache"):
        raw = read(tmp_path, PETS, missing="median")
        assert raw.columns == (
            Column("age"),
            Column("coat", "categorical", ("long", "short")),
            Column("tame", "categorical", ("false", "true")),
            Column("town", "categorical", ("Leeds", "York")),
        )
        nan = np.nan
        np.testing.assert_array_equal(
            raw.x[:4], [[3, 1, 1, 1], [nan, 0, 0, 0], [5, nan, 1, 1], [2, 1, nan, 0]]
        )
        assert raw.label == "kind"


def test_missing_cells_of_all_columns_are_refused_at_once_unless_something_fills_them(
    tmp_path: Path,
) -> None:
    fills = (
        "what takes the place of missing values is dataset.missing: median (or mean, "
        "most_frequent, {constant: 0})"
    )
    lines = {
        "age": "table.csv:3: column 'age': the value is missing (found '')",
        "coat": "table.csv:4: column 'coat': the value is missing",
    }
    for _ in ("parsed", "from the cache"):
        message = refusal(tmp_path, PETS)
        assert message[:2] == list(lines.values())
        assert message[2].startswith("table.csv:5: column 'tame': the value is missing (found 'NA'")
        assert message[3:] == [
            fills,
            "to leave columns out, set dataset.columns: {drop: [age, coat, tame]}",
        ]
        read(tmp_path, PETS, missing="mean")
    message = refusal(tmp_path, PETS, missing={"categorical": "most_frequent"})
    assert message[0] == lines["age"]
    assert "coat" not in " ".join(message)


def test_a_table_goes_to_the_network_by_name(tmp_path: Path) -> None:
    config = csv_config(tmp_path, PETS, missing="most_frequent", test={"fraction": 0.34})
    dataset = load_dataset(config, 0)
    names = {"age", "coat=long", "coat=short", "tame=false", "tame=true", "town=Leeds", "town=York"}
    assert set(dataset.preprocessing.feature_names) <= names
    assert dataset.preprocessing.label == "kind"
    assert np.isfinite(dataset.train.x).all()


def test_the_kind_of_a_column_can_be_said(tmp_path: Path) -> None:
    text = "x,z,y\n1,7,a\n2,8,b\n10,7,a\n"
    raw = read(tmp_path, text, columns={"categorical": ["x", 1]})
    assert raw.columns[0] == Column("x", "categorical", ("1", "2", "10"))
    assert raw.columns[1] == Column("z", "categorical", ("7", "8"))
    assert read(tmp_path, text).columns == (Column("x"), Column("z"))


@pytest.mark.parametrize(
    ("cells", "line", "found"),
    [
        (["1", "2", "low", "3"], 4, "'low', expected a finite number"),
        (["low", "high", "3", "low"], 2, "'low', expected a finite number (in 3 rows)"),
        (["low"] * 120 + ["7", "8"], 122, "'7' among names (in 2 rows)"),
        (["7"] * 120 + ["low"], 122, "'low', expected a finite number"),
    ],
)
def test_numbers_and_names_in_one_column_are_refused_with_what_to_do(
    cells: list[str], line: int, found: str, tmp_path: Path
) -> None:
    assert refusal(tmp_path, rows(*cells)) == [
        f"table.csv:{line}: column 'x': found {found}",
        "a column holds numbers or names, not both; where all are names, set dataset.columns: "
        "{categorical: [x]}; where words mean that there is no number, add them to "
        "dataset.na_values",
    ]
    assert read(tmp_path, rows(*cells), columns={"categorical": ["x"]}).columns[0].categories
    words = ["low", "high"]
    if line != 122 or "low" in found:
        raw = read(tmp_path, rows(*cells), na_values=words, missing="mean")
        assert raw.columns == (Column("x"),)


@pytest.mark.parametrize("cell", ["1,5", "1 000", "$12.50", "50 %", "<0.1", "1_000", "inf", "'7'"])
def test_what_is_meant_as_a_number_is_no_category(cell: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, rows(cell, cell, cell))
    assert message[0].startswith(f"table.csv:2: column 'x': found {cell!r}, expected a finite")


@pytest.mark.parametrize(
    "dates",
    [
        ["2024-01-31", "2023-12-01", "2023-11-05"],
        ["31.01.2024", "1.2.2024", "unknown", *(f"{day}.3.2024" for day in range(1, 20))],
        ["1/31/24", "12/1/23", "2/2/24"],
        ["2024-01-31T10:00:00Z", "2024-01-31 10:00", "2024-02-01 23:59:59.5+01:00"],
        ["31 Jan 2024", "1 February 2024", "March 5, 2024"],
        ["10:30", "9:15", "23:59:59"],
        ["2024-01", "2024-02", "2024/03"],
    ],
)
def test_dates_are_refused_with_what_to_do(dates: list[str], tmp_path: Path) -> None:
    [message] = refusal(tmp_path, rows(*dates))
    assert message.startswith("table.csv: column 'x': holds dates (found ")
    assert "leave it out with dataset.columns: {drop: [x]}, or make numbers of it" in message
    raw = read(tmp_path, rows(*dates), columns={"categorical": ["x"]})
    assert len(raw.columns[0].categories) == len(dates)


@pytest.mark.parametrize(
    "names", [["a", "b"], ["10-20", "20-30"], ["may", "june"], ["E11.9", "I10"], ["1-2", "3-4"], []]
)
def test_other_names_are_no_dates(names: list[str]) -> None:
    assert not are_dates(names)


def test_an_id_or_free_text_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    text = rows(*(f"guest {i}" for i in range(40)))
    [message] = refusal(tmp_path, text)
    assert message == (
        "table.csv: column 'x': takes 40 different values in 40 rows (guest 0, guest 1, guest 10, "
        "...), so it seems to be an id or free text, of which nothing can be learned; leave it out "
        "with dataset.columns: {drop: [x]} (if they are categories, {categorical: [x]})"
    )
    assert len(read(tmp_path, text, columns={"categorical": [0]}).columns[0].categories) == 40
    assert read(tmp_path, rows(*(f"town {i % 20}" for i in range(40)))).columns


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"categorical": ["kind"]}, "dataset.columns.categorical: column 'kind' is the label"),
        ({"numeric": [-1]}, "dataset.columns.numeric: column 'kind' is the label, and no feature"),
        ({"categorical": ["cot"]}, "dataset.columns.categorical: table.csv has no column 'cot'"),
        (
            {"drop": [0], "numeric": ["age"]},
            "dataset.columns: column 'age' is in drop and in numeric",
        ),
    ],
)
def test_columns_that_cannot_be_used_so_are_named(
    columns: dict[str, Any], says: str, tmp_path: Path
) -> None:
    assert refusal(tmp_path, PETS, columns=columns)[0].startswith(says)


def test_the_test_file_is_read_as_the_first_is(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("x,z,y\nred,7,a\npink,?,b\n", encoding="utf-8")
    raw = read(
        tmp_path,
        "x,z,y\nblue,1,a\nred,2,b\n",
        test_path=str(tmp_path / "test.csv"),
        missing="mean",
    )
    assert raw.columns[0].categories == ("blue", "pink", "red")
    np.testing.assert_array_equal(raw.x, [[0, 1], [2, 2], [2, 7], [1, np.nan]])
    message = refusal(tmp_path, "x,z,y\nblue,1,a\nred,2,b\n", test_path=str(tmp_path / "test.csv"))
    assert message[0] == "test.csv:3: column 'z': the value is missing (found '?')"


def test_equal_tables_have_equal_checksums_wherever_they_lie(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    first, second = (read(folder, PETS, missing="mean") for folder in (tmp_path, other))
    assert first.checksum == second.checksum
    changed = read(tmp_path, PETS.replace("York", "Hull"), missing="mean")
    assert changed.checksum != first.checksum


names = st.lists(st.sampled_from(["a", "b", "c", "10", "9"]), max_size=8)


@given(st.lists(names, min_size=1, max_size=4))
def test_joined_tables_have_the_same_names_in_their_cells(parts: list[list[str]]) -> None:
    tables = []
    for part in parts:
        categories = in_order(part)
        cells = np.array([[categories.index(name)] for name in part], float).reshape(-1, 1)
        tables.append(Table((Column("x", "categorical", tuple(categories)),), cells))
    whole = joined(tables)
    found = [whole.columns[0].categories[int(code)] for code in whole.cells[:, 0]]
    assert found == [name for part in parts for name in part]
