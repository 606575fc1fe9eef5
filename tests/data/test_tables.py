from __future__ import annotations

import gzip
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.config.loading import load_experiment, parse_overrides, parse_value
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data import RawDataset, load_dataset, load_raw
from isolet_nn.data.columns import encode
from isolet_nn.errors import ConfigError, DataError, IsoletNNError

ANIMALS = """height,weight,owner,kind
1.5,20,ann,dog
0.3,4,bob,cat
1.4,19.5,ann,dog
0.25,3.5,cyd,cat
"""


def read(tmp_path: Path, text: str | bytes, test: str | None = None, **settings: Any) -> RawDataset:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    if test is not None:
        (tmp_path / "test.csv").write_text(test, encoding="utf-8")
        settings["test_path"] = str(tmp_path / "test.csv")
    return load_raw(CsvDataset.model_validate({"name": "csv", "path": str(path)} | settings))


def refusal(tmp_path: Path, text: str | bytes, test: str | None = None, **settings: Any) -> str:
    with pytest.raises(IsoletNNError) as caught:
        read(tmp_path, text, test, **settings)
    assert isinstance(caught.value, DataError | ConfigError)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{tmp_path}/", "")


# What is read.


def test_a_table_has_features_classes_and_groups(tmp_path: Path) -> None:
    for _ in ("parsed", "from the cache"):
        raw = read(tmp_path, ANIMALS, group="owner")
        assert raw.x.tolist() == [[1.5, 20], [0.3, 4], [1.4, 19.5], [0.25, 3.5]]
        assert raw.classes == ("cat", "dog")
        assert raw.y.tolist() == [1, 0, 1, 0]
        assert raw.groups is not None
        assert raw.groups.tolist() == [0, 1, 0, 2]
        assert raw.group_names == ("ann", "bob", "cyd")
        assert raw.group_name == "owner"
        assert raw.test_rows is None


@pytest.mark.parametrize("label", ["kind", 2, -1])
@pytest.mark.parametrize("group", [None, "owner", 0, -3])
def test_columns_are_named_or_counted_from_either_end(
    tmp_path: Path, label: str | int, group: str | int | None
) -> None:
    raw = read(tmp_path, "owner,size,kind\n1,5,a\n2,6,b\n", label=label, group=group)
    assert raw.classes == ("a", "b")
    assert raw.x.tolist() == ([[1, 5], [2, 6]] if group is None else [[5], [6]])
    assert (raw.group_name is None) == (group is None)


def test_the_label_may_stand_anywhere(tmp_path: Path) -> None:
    raw = read(tmp_path, "a,b,c\n1,x,2\n3,y,4\n", label="b")
    assert raw.x.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,a\n3,4,b",
        "1,2,a\r\n3,4,b\r\n",
        "\ufeff1,2,a\n3,4,b\n",
        "\n1,2,a\n\n  \n3,4,b\n\n",
        " 1 , 2 , a \n3,\t4,b\n",
        '"1","2","a"\n3,4, "b"\n',
        "1.0,2e0,a\n+3,4.,b\n",
        gzip.compress(b"1,2,a\n3,4,b\n", mtime=0),
        "1,2,a\r3,4,b\r",
        "\ufeff1,2,a\r\n3,4,b\r\n".encode("utf-16-le"),
        gzip.compress("1,2,a\n3,4,b\n".encode("utf-16"), mtime=0),
    ],
)
def test_ways_of_writing_a_table_do_not_matter(tmp_path: Path, text: str | bytes) -> None:
    raw = read(tmp_path, text, header=False)
    assert raw.x.tolist() == [[1, 2], [3, 4]]
    assert raw.classes == ("a", "b")


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_other_delimiters_can_be_chosen(tmp_path: Path, delimiter: str) -> None:
    text = ANIMALS.replace(",", delimiter)
    assert read(tmp_path, text, delimiter=delimiter, group=2).x.shape == (4, 2)


@pytest.mark.parametrize(
    ("labels", "classes", "y"),
    [
        (["10", "9", "1"], ["1", "9", "10"], [2, 1, 0]),
        (["1.0", "2", "1"], ["1", "2"], [0, 1, 0]),
        (["-1", "+1", "0"], ["-1", "0", "1"], [0, 2, 1]),
        (["b", "10", "9"], ["10", "9", "b"], [2, 0, 1]),
        (["1.5", "0.5", "10.5"], ["0.5", "1.5", "10.5"], [1, 0, 2]),
        (["none", "Null", "none"], ["Null", "none"], [1, 0, 1]),
    ],
)
def test_classes_are_sorted_by_number_where_all_are_whole_else_by_name(
    labels: list[str], classes: list[str], y: list[int]
) -> None:
    found, indices = encode(labels)
    assert (found, indices.tolist()) == (classes, y)


@given(st.lists(st.text("aé10-+. ", min_size=1, max_size=4), min_size=1))
def test_every_label_finds_its_class(labels: list[str]) -> None:
    classes, indices = encode(labels)
    assert len(set(classes)) == len(classes)
    for label, index in zip(labels, indices, strict=True):
        assert classes[index] == label or int(classes[index]) == float(label)


def test_groups_that_have_numbers_keep_them(tmp_path: Path) -> None:
    raw = read(tmp_path, "x,g,y\n1,30,a\n2,7,b\n3,30,a\n", group="g")
    assert raw.groups is not None
    assert raw.groups.tolist() == [30, 7, 30]
    assert raw.group_names is None


TOO_LARGE = 'name,x,y\n"two\nlines",1,a\nb,2,b\n\nc,3,a\nd,1e200,b\n'


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet"])
def test_a_number_too_large_is_told_by_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    match path.suffix:
        case ".parquet":
            pandas.read_csv(io.StringIO(TOO_LARGE)).to_parquet(path, index=False)
        case ".gz":
            path.write_bytes(gzip.compress(TOO_LARGE.encode()))
        case _:
            path.write_text(TOO_LARGE)
    config = CsvDataset(name="csv", path=str(path), group="name")
    row = ":7" if path.suffix != ".parquet" else ": data row 4"
    with pytest.raises(DataError, match=r"found 1e\+200, too large") as caught:
        load_dataset(config.model_copy(update={"standardize": False}), 0, "float32")
    assert str(caught.value).startswith(f"{path}{row}: column 'x': found 1e+200")


def test_a_number_too_large_in_the_test_file_is_told_by_that_file(tmp_path: Path) -> None:
    raw = read(tmp_path, "x,y\n1,a\n2,b\n", "x,y\n3,a\n4,b\n1e300,b\n")
    assert str(raw.error(4, 0, "too large")).startswith(f"{tmp_path}/test.csv:4: column 'x'")
    (tmp_path / "test.csv").unlink()
    assert "data row 3 of the test part: column 'x'" in str(raw.error(4, 0, "too large"))


def test_a_test_file_is_the_test_part(tmp_path: Path) -> None:
    path, test = tmp_path / "train.csv", tmp_path / "test.csv"
    path.write_text(ANIMALS)
    test.write_text("height,weight,owner,kind\n0.5,5,dan,cat\n")
    config = CsvDataset(
        name="csv", path=str(path), test_path=str(test), group="owner", standardize=False
    )
    dataset = load_dataset(config, seed=0)
    assert len(dataset.train) == 4
    assert dataset.test.x.tolist() == [[0.5, 5]]
    assert dataset.test.y.tolist() == [0]
    assert dataset.test.groups is not None
    assert dataset.test.groups.tolist() == [3]


def test_classes_of_both_files_are_compared_as_numbers(tmp_path: Path) -> None:
    raw = read(tmp_path, "x,y\n1,1\n2,2\n", "x,y\n3,1.0\n", label="y")
    assert raw.y.tolist() == [0, 1, 0]


def test_a_changed_file_is_read_again_even_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n1,a\n2,b\n").x.tolist() == [[1], [2]]
    assert read(tmp_path, "x,y\n1,a\n3,b\n").x.tolist() == [[1], [3]]
    assert read(tmp_path, "x,y\n1,a\n2,b\n", label=-1, delimiter=",").x.tolist() == [[1], [2]]


def test_settings_that_change_the_reading_do_not_share_an_entry(tmp_path: Path) -> None:
    text = "1,2,3\n4,5,6\n7,8,9\n"
    assert read(tmp_path, text).x.shape == (2, 2)
    assert read(tmp_path, text, header=False).x.shape == (3, 2)
    assert read(tmp_path, text, label=0).x.tolist() == [[5, 6], [8, 9]]
    assert read(tmp_path, text, label=0, group=1).x.tolist() == [[6], [9]]


def test_equal_content_has_equal_checksums_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert (
        read(tmp_path / "one", ANIMALS, label=3, group=2).checksum
        == read(tmp_path / "two", ANIMALS, label="kind", group="owner").checksum
        != read(tmp_path, ANIMALS.replace("20", "21"), group=2).checksum
    )


def test_several_blanks_divide_as_one_does(tmp_path: Path) -> None:
    raw = read(tmp_path, " 1   2  a\n3 4 b \n", delimiter=" ", header=False)
    assert raw.x.tolist() == [[1, 2], [3, 4]]


def test_decimal_commas_can_be_read(tmp_path: Path) -> None:
    raw = read(tmp_path, "x;y;z\n1,5;-2;a\n,25;1e3;b\n", delimiter=";", decimal=",")
    assert raw.x.tolist() == [[1.5, -2], [0.25, 1000]]


def test_other_encodings_can_be_read(tmp_path: Path) -> None:
    raw = read(tmp_path, "größe,art\n1,Bär\n2,Maus\n".encode("cp1252"), encoding="cp1252")
    assert raw.classes == ("Bär", "Maus")


def test_a_class_may_be_called_as_missing_values_often_are(tmp_path: Path) -> None:
    raw = read(tmp_path, "x,y\n1,NA\n2,US\n", na_values=[])
    assert raw.classes == ("NA", "US")


# Columns that are no features.


@pytest.mark.parametrize(
    "drop", [["owner"], [2], [-2], ["owner", 2], ["height", "owner"], [0, "owner"]]
)
def test_columns_can_be_left_out(tmp_path: Path, drop: list[str | int]) -> None:
    raw = read(tmp_path, ANIMALS, columns={"drop": drop})
    kept = slice(1, 2) if len({*drop} & {0, "height"}) else slice(0, 2)
    assert raw.x.tolist() == [row[kept] for row in ([1.5, 20], [0.3, 4], [1.4, 19.5], [0.25, 3.5])]


def test_without_a_header_columns_are_left_out_by_position(tmp_path: Path) -> None:
    raw = read(tmp_path, "7,?,a\n8,x,b\n", header=False, columns={"drop": [1]})
    assert raw.x.tolist() == [[7], [8]]


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (["hight"], "dataset.columns.drop: table.csv has no column 'hight'; found height, weight,"),
        (["hight"], "did you mean height?"),
        ([4], "dataset.columns.drop: found position 4, but table.csv has 4 columns: 0 to 3"),
        (["kind"], "dataset.columns.drop: column 'kind' is the label, which is needed"),
        ([-1], "dataset.columns.drop: column 'kind' is the label, which is needed"),
        (["owner"], "dataset.columns.drop: column 'owner' is the group, which is needed"),
        (["height", "weight"], "table.csv: found no features"),
    ],
)
def test_what_cannot_be_left_out_is_refused(
    tmp_path: Path, drop: list[str | int], message: str
) -> None:
    assert message in refusal(tmp_path, ANIMALS, group="owner", columns={"drop": drop})


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (",x,y\n0,1,a\n1,2,b\n", 0),
        ('"","x","y"\n"1",1,"a"\n"2",2,"b"\n', 0),
        ("x, ,y\n1,0,a\n2,1,b\n", 1),
        ("x,y,\n1,a,\n2,b,\n", 2),
    ],
)
def test_a_column_without_a_name_is_no_feature_and_can_be_left_out(
    tmp_path: Path, text: str, position: int
) -> None:
    message = refusal(tmp_path, text, label="y")
    assert f"table.csv: the header has no name for column {position} (from 0)" in message
    assert f"dataset.columns: {{drop: [{position}]}}" in message
    raw = read(tmp_path, text, label="y", columns={"drop": [position]})
    assert raw.x.tolist() == [[1], [2]]


def test_a_column_that_pandas_named_is_no_feature_and_can_be_left_out(tmp_path: Path) -> None:
    text = "Unnamed: 0,x,y\n0,1,a\n1,2,b\n"
    message = refusal(tmp_path, text, label="y")
    assert "table.csv: 'Unnamed: 0' is what pandas calls a column without a name" in message
    assert "dataset.columns: {drop: [0]}" in message
    raw = read(tmp_path, text, label="y", columns={"drop": [0]})
    assert raw.x.tolist() == [[1], [2]]


def test_one_of_two_columns_of_one_name_can_be_left_out_by_its_position(tmp_path: Path) -> None:
    raw = read(tmp_path, "a,a,y\n1,2,c\n3,4,d\n", columns={"drop": [1]})
    assert raw.x.tolist() == [[1], [3]]


def test_two_columns_of_one_name_can_be_left_out(tmp_path: Path) -> None:
    raw = read(tmp_path, "x,a,a,y\n1,0,0,c\n2,0,0,d\n", columns={"drop": [1, 2]})
    assert raw.x.tolist() == [[1], [2]]


# What is refused.


def test_all_bad_columns_are_named_at_once_with_their_first_row_and_a_remedy(
    tmp_path: Path,
) -> None:
    text = "id,x,sex,z,w,y\nA1,1,m,1,0,a\n2,NA,f,2,0,\nA3,,m,inf,0,NA\nA4,3,m,4\nA5,4,f,5,0,b\n"
    assert refusal(tmp_path, text).splitlines() == [
        "table.csv:5: found 4 cells, expected 6",
        "table.csv:2: column 'id': found 'A1', expected a finite number (in 3 rows)",
        "table.csv:3: column 'x': the value is missing (found 'NA') (in 2 rows)",
        "table.csv:4: column 'z': found 'inf', expected a finite number",
        "table.csv:3: column 'y': the value is missing (in 2 rows)",
        "what takes the place of missing values is dataset.missing: median (or mean, "
        "most_frequent, {constant: 0})",
        "a column holds numbers or names, not both; where all are names, set dataset.columns: "
        "{categorical: [id, z]}; where words mean that there is no number, add them to "
        "dataset.na_values",
        "to leave columns out, set dataset.columns: {drop: [id, x, z]}",
    ]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])).map(str.strip))
@example(name="2019").via("a position to YAML")
@example(name="a: b").via("a mapping to YAML")
@example(name="no").via("false to YAML")
@example(name="a, 'b' # [c]").via("several of YAML's signs")
@example(name="two\nlines").via("a line feed")
def test_the_remedy_for_bad_columns_can_be_used_as_it_stands(tmp_path: Path, name: str) -> None:
    assume(name not in ("", "x", "y"))
    head = ",".join('"' + cell.replace('"', '""') + '"' for cell in (name, "x", "y"))
    text = f"{head}\nm,1,a\n3,2,b\n"
    columns = refusal(tmp_path, text).rpartition("set dataset.columns: ")[2]
    assert "\n" not in columns
    assert parse_value(columns, "--set") == {"drop": [name]}
    raw = read(tmp_path, text, columns=parse_value(columns, "--set"))
    assert raw.x.tolist() == [[1], [2]]


def test_without_a_header_the_remedy_for_bad_columns_is_positions(tmp_path: Path) -> None:
    message = refusal(tmp_path, "m,1,a\n3,2,b\n", header=False)
    assert message.endswith("set dataset.columns: {drop: [0]}")


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        ("5.1,0.2,a\n4,1,b\n3,2,a\n", {}, "set dataset.header: false; if these are names"),
        ("5.1,p,a\n4,p,b\n3,q,a\n", {"label": "a"}, "and dataset.label to its position"),
        ("5,1,1\n4,1,0\n3,2,1\n", {"columns": {"drop": [1]}}, "(found '5', and '1' as the label"),
    ],
)
def test_a_first_line_that_is_a_row_is_not_taken_for_names(
    tmp_path: Path, text: str, keys: dict[str, Any], message: str
) -> None:
    assert message in refusal(tmp_path, text, **keys)
    assert len(read(tmp_path, text, header=True, **keys).y) == 2


@pytest.mark.parametrize(
    "text", ["0,1,2\n5,6,2\n7,8,3\n", "x,7,a\n5,6,a\n7,8,b\n", "5,6,kind\n1,2,a\n3,4,b\n"]
)
def test_names_that_could_be_cells_in_part_are_names(tmp_path: Path, text: str) -> None:
    assert len(read(tmp_path, text).y) == 2


def test_a_name_that_looks_like_a_position_is_told_with_its_quotes(tmp_path: Path) -> None:
    text = "2019,no,y\n1,2,a\n3,4,b\n"
    assert "the column of that name is written in quotes: '2019'" in refusal(
        tmp_path, text, label=2019
    )
    assert "has no column 'z'; found '2019', 'no', y" in refusal(tmp_path, text, label="z")


def test_a_table_of_hundreds_of_bad_columns_says_so_on_one_screen(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(300))
    message = refusal(tmp_path, f"{names},x,y\n{'m,' * 300}1,a\n{'3,' * 300}1,b\n")
    assert "(and 280 more)" in message
    assert len(message.splitlines()) < 25


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (
            ANIMALS,
            {"columns": {"numeric": ["owner"]}},
            "table.csv:2: column 'owner': found 'ann', expected a finite number",
        ),
        ("x,y\n1,a\n,b\n", {}, "table.csv:3: column 'x': the value is missing (found '')"),
        ("x,y\n1,a\nNA,b\n", {}, "table.csv:3: column 'x': the value is missing (found 'NA')"),
        ("x,y\n1,a\n?,b\n", {}, "table.csv:3: column 'x': the value is missing (found '?')"),
        ("x,y\n1,a\nnan,b\n", {}, "table.csv:3: column 'x': the value is missing"),
        ("x,y\n1,a\n2,b\n-inf,b\n", {}, "table.csv:4: column 'x': found '-inf', expected a finite"),
        ("x,y\n1,a\n1e999,b\n", {}, "table.csv:3: column 'x': found '1e999', expected a finite"),
        (
            "x,z,y\n1e308,1e308,a\n1,-1.8e308,b\n",
            {},
            "table.csv:3: column 'z': found '-1.8e308', expected a finite",
        ),
        ("x,y\n1,a\n0x1,b\n", {}, "table.csv:3: column 'x': found '0x1'"),
        ("x,y\n1,a\n2,\n", {}, "table.csv:3: column 'y': the value is missing"),
        ("x,y\n1,a\n2,?\n", {}, "table.csv:3: column 'y': the value is missing"),
        (
            "x,g,y\n1,1,a\n2,,b\n",
            {"group": "g"},
            "table.csv:3: column 'g': the value is missing",
        ),
        ("x,y\n1,a\n2\n", {}, "table.csv:3: found 1 cells, expected 2"),
        ("x,y\n1,a\n\n2,b,\n", {}, "table.csv:4: found 3 cells, expected 2"),
        ('x,y\n1,a\n"2\n,b', {}, "table.csv:4: unexpected end of data"),
        ('x,y\n1,a\n"2"3,b\n', {}, "table.csv:3: "),
        ("x,x,y\n1,2,a\n", {}, "table.csv: columns 0 and 1 are both named 'x'; leave one out"),
        ("1,1,2\n3,4,5\n", {}, "or, if the first line holds data, set dataset.header"),
        ("", {}, "table.csv: holds no rows"),
        ("\n\n", {}, "table.csv: holds no rows"),
        ("x,y\n", {}, "table.csv: holds no rows below the names of the columns"),
        (
            "x;y\n1;a\n",
            {},
            "divided at ',', its first line is one column, 'x;y', which contains 1 times ';'; if "
            "that divides the columns, set dataset.delimiter: ';'",
        ),
        ("y\na\nb\n", {}, "found no features"),
        ("g,y\n1,a\n", {"group": "g"}, "found no features, only 2 columns: g, y"),
        ("x,y\n1,a\n2,a\n", {}, "table.csv: all 2 rows are of class a"),
        ("x,y\n1,a\n", {"label": "z"}, "dataset.label: table.csv has no column 'z'; found x, y"),
        ("high,kind\n1,a\n", {"label": "kid"}, "'kid'; found high, kind; did you mean kind?"),
        ("x,y\n1,a\n", {"group": "g"}, "dataset.group: table.csv has no column 'g'"),
        (
            "x,y\n1,a\n",
            {"label": 2},
            "dataset.label: found position 2, but table.csv has 2 columns: 0 to 1, or -1 to -2",
        ),
        ("x,y\n1,a\n", {"label": -3}, "dataset.label: found position -3"),
        ("x,y\n1,a\n", {"group": -1}, "dataset.group: column 'y' is the label already"),
        (
            "1,a\n2,b\n",
            {"header": False, "label": "y"},
            "dataset.label: found the name 'y', but without a header the columns of table.csv have "
            "positions only",
        ),
        (
            "x,y\n1,a\n",
            {"header": False},
            "table.csv:1: column '0': found 'x', expected a finite number; if this line names the "
            "columns, set dataset.header: true",
        ),
        (
            b"x,y\n1,\xe4\n",
            {},
            "table.csv:2: not utf-8 text: found byte 0xe4; name its encoding",
        ),
        (
            "x,y\n1,a\n2,NA\n3,na\n",
            {},
            "table.csv:3: column 'y': the value is missing (found 'NA'; if that is a name, set "
            "dataset.na_values: ['N/A', 'NaN', '?']) (in 2 rows)",
        ),
        (
            "x,g,y\n1,1,a\n2,-,b\n",
            {"group": "g", "na_values": ["-"]},
            "table.csv:3: column 'g': the value is missing (found '-'",
        ),
        ("x\ty\n1\ta\n", {}, "contains 1 times '\\t'; if that divides the columns, set dataset."),
        ("x\ty\n1\ta\n", {}, "dataset.delimiter: tab"),
        ("x,z,y\n1,1,a\n", {"delimiter": ";", "label": "y"}, "set dataset.delimiter: ','"),
        ("x y z\n1 2 a\n", {}, "found no features, only 1 columns: x y z; is ',' the right"),
        (
            "x;y\n1,5;a\n",
            {"delimiter": ";"},
            "column 'x': found '1,5', expected a finite number; of decimal commas dataset.decimal",
        ),
        ("x;y\n1.500;a\n", {"delimiter": ";", "decimal": ","}, "found '1.500', expected"),
        ("x,y\n1_000,a\n", {}, "found '1_000', expected a finite number"),
        ("x,y\n'1',a\n", {}, "found \"'1'\", expected a finite number"),
        ("x,y\nr1,1,a\nr2,2,b\n", {}, "found 3 cells, expected 2 (do rows begin with a number or"),
        ("x,y\n1,a\n2\n3\n", {}, "found 1 cells, expected 2 (in 2 rows)"),
        ('x,y\n"1,a\n2,b\n3,c\n', {}, "a quotation mark that opens in line 2 never closed?"),
        ('x,y\n1,"' + "a" * 200_000 + '"\n', {}, "field larger than field limit"),
        ("x,y\n1,a\n2,b\0\n", {}, "table.csv:3: found a zero byte, which no text has"),
        ("x,y\n1,a\n2,b\n".encode("utf-16-le"), {}, "table.csv:1: found a zero byte"),
        (b"\xff\xfex", {}, "table.csv: not utf-16 text"),
        (b"PK\x03\x04", {}, "table.csv: is a zip archive or an Excel workbook, expected text"),
        (gzip.compress(b"PAR1", mtime=0), {}, "table.csv: is a Parquet file, expected text"),
        (b"\x1f\x8b\x08broken", {}, "table.csv: cannot be read"),
        (
            gzip.compress(ANIMALS.encode(), mtime=0)[:-20],
            {"group": "owner"},
            "table.csv: cannot be read: Compressed file ended before",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_column(
    tmp_path: Path, text: str | bytes, settings: dict[str, Any], message: str
) -> None:
    assert message in refusal(tmp_path, text, **settings)


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("x,y\n1,c\n", "test.csv:2: class 'c' does not occur in table.csv"),
        ("x,z\n1,a\n", "test.csv: column 1: found 'z', expected 'y' as in table.csv"),
        ("x,w,y\n1,2,a\n", "test.csv: found 3 columns, expected the 2 of table.csv"),
        ("x,y\n1,a\nb,a\n", "test.csv:3: column 'x': found 'b'"),
        ("", "test.csv: holds no rows"),
    ],
)
def test_a_test_file_has_to_fit_the_first(tmp_path: Path, test: str, message: str) -> None:
    assert message in refusal(tmp_path, "x,y\n1,a\n2,b\n", test, label=-1)


def test_missing_files_are_named_with_their_key(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^dataset\.path: .*nowhere\.csv: no such file"):
        load_raw(CsvDataset(name="csv", path=str(tmp_path / "nowhere.csv")))
    (tmp_path / "a.csv").write_text(ANIMALS)
    config = CsvDataset(
        name="csv", path=str(tmp_path / "a.csv"), test_path=str(tmp_path / "nowhere.csv")
    )
    with pytest.raises(DataError, match=r"^dataset\.test_path: .*nowhere\.csv: no such file"):
        load_raw(config)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(f"dataset.path: {tmp_path}: cannot be read")):
        load_raw(CsvDataset(name="csv", path=str(tmp_path)))


def test_a_refused_table_is_refused_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert "table.csv:3" in refusal(tmp_path, "x,y\n1,a\n,b\n")


numbers = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(numbers, numbers, st.sampled_from("ab")), min_size=2, max_size=30))
def test_every_finite_number_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float, str]]
) -> None:
    assume(len({row[2] for row in rows}) == 2)
    folder = tmp_path_factory.mktemp("numbers")
    raw = read(folder, "".join(f"{a!r},{b!r},{y}\n" for a, b, y in rows), header=False)
    np.testing.assert_array_equal(raw.x, [row[:2] for row in rows])


@pytest.mark.parametrize(
    ("written", "delimiter"),
    [(",", ","), (";", ";"), ("|", "|"), ("\\t", "\t"), ("tab", "\t"), ("\t", "\t"), (" ", " ")],
)
def test_a_delimiter_can_be_set_on_the_command_line(written: str, delimiter: str) -> None:
    overrides = parse_overrides([f"dataset.delimiter={written}"])
    experiment = load_experiment({"dataset": {"name": "csv", "path": "a.csv"}}, overrides)
    assert isinstance(experiment.dataset, CsvDataset)
    assert experiment.dataset.delimiter == delimiter
    assert load_experiment(yaml.safe_load(dump_yaml(experiment))) == experiment


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delimiter": "a"}, "dataset.delimiter: found 'a'; allowed: a sign that divides columns"),
        ({"delimiter": '"'}, "dataset.delimiter: found '\"'; allowed: a sign that divides columns"),
        ({"delimiter": "ab"}, "dataset.delimiter: found 'ab'; it should have at most 1 character"),
        ({"decimal": ","}, "dataset: decimal and delimiter are both ','"),
        ({"encoding": "utf-9"}, "dataset.encoding: found 'utf-9'; allowed: utf-8, cp1252, utf-16"),
        ({"encoding": "base64"}, "dataset.encoding: found 'base64'; allowed: utf-8, cp1252"),
        ({"columns": {"dorp": ["x"]}}, "dataset.columns.dorp: unknown key; did you mean drop?"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_config(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_experiment({"dataset": {"name": "csv", "path": "a.csv"} | settings})
