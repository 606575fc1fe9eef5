"""Framed tables in a terminal that has no room for them."""

from __future__ import annotations

import pytest

from isolet_nn.terminal import layouts
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable

TABLE = PrintedTable(
    [
        PrintedColumn("first", [1, 1, 2]),
        PrintedColumn("difference", ["+6.29 (-0.55 to +13.14)"] * 3),
        PrintedColumn("effect", ["+1.23 (-0.08 to +2.49)"] * 3),
        PrintedColumn("differ", ["not shown", "yes", "yes"]),
    ],
    "pairs",
)


@pytest.mark.parametrize("width", [48, 60, 100])
def test_no_word_is_cut_where_all_words_have_room(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RESULTS, "_width", width)
    layouts.print_tables([TABLE])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.replace("┃", "│").replace("│", " ").split()}
    assert {"difference", "effect", "shown", "+13.14)", "(-0.08"} <= words
