"""Numbers as people read them."""

from __future__ import annotations

import pytest

from isolet_nn.terminal.words import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.9567, "95.67 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (None, ""), (2 / 3, "66.67 %")],
)
def test_a_share_is_shown_in_percent(share: float | None, text: str) -> None:
    assert percent(share) == text
