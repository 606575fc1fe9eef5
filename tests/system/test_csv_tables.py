from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.system.csv_tables import (
    Columns,
    CsvCell,
    csv_line,
    csv_rows,
    csv_text,
    read_csv,
    unless_nan,
    write_csv,
)

COLUMNS: Columns = {"name": str, "n": int, "share": float}
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r"))
records = st.tuples(texts, st.integers(), st.floats(allow_nan=False))


@given(st.lists(records))
def test_what_is_read_is_what_was_written(rows: list[tuple[str, int, float]]) -> None:
    text = csv_text(COLUMNS, rows)
    assert [tuple(row) for row in read_csv(text, COLUMNS)] == rows
    assert text == csv_line(COLUMNS) + "".join(map(csv_line, rows))


def test_a_file_has_the_text_and_empty_cells_where_nothing_is_known(tmp_path: Path) -> None:
    rows: list[list[CsvCell]] = [["a,b", None, unless_nan(0.1)], ["ü", 7, unless_nan(float("nan"))]]
    write_csv(tmp_path / "table.csv", COLUMNS, rows)
    content = (tmp_path / "table.csv").read_bytes().decode()
    assert content == csv_text(COLUMNS, rows) == 'name,n,share\n"a,b",,0.1\nü,7,\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"found the columns \[\]"),
        ("name,n\n", r"found the columns \['name', 'n'\]"),
        ("name,n,share\na,1\n", "found 2 cells, expected 3"),
        ("name,n,share\na,one,1\n", "invalid literal for int"),
        ("name,n,share\na\rb,1,1\n", "new-line character seen in unquoted field"),
    ],
)
def test_a_table_of_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(text, COLUMNS)


def test_no_text_is_one_empty_row() -> None:
    assert csv_rows("") == [[]]
