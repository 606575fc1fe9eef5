"""Labels of tables: which are classes, and which are quantities."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.test_tables import read, refusal


def quantities(rows: int, different: int) -> str:
    return "x,y\n" + "".join(f"{row},{0.5 * (row % different)}\n" for row in range(rows))


@pytest.mark.parametrize(("rows", "different"), [(210, 22), (1000, 101), (1000, 1000)])
def test_a_quantity_is_not_taken_for_classes_unless_told_so(
    tmp_path: Path, rows: int, different: int
) -> None:
    for _ in ("parsed", "from the cache"):
        message = refusal(tmp_path, quantities(rows, different))
        assert f"the label takes {different:,} different numbers in {rows:,} rows" in message
        assert "dataset.many_classes: true" in message
        raw = read(tmp_path, quantities(rows, different), many_classes=True)
        assert len(raw.classes) == different


@pytest.mark.parametrize(("rows", "different"), [(20, 20), (210, 21), (1000, 100)])
def test_few_different_numbers_are_classes(tmp_path: Path, rows: int, different: int) -> None:
    assert len(read(tmp_path, quantities(rows, different)).classes) == different


def test_many_names_are_classes(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{row},p{row // 2}\n" for row in range(200))
    assert len(read(tmp_path, text).classes) == 100
