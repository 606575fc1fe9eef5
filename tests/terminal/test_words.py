"""Numbers as people read them."""

from __future__ import annotations

import pytest

from isolet_nn.terminal.words import loss_text, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.9567, "95.67 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (None, ""), (2 / 3, "66.67 %")],
)
def test_a_share_is_shown_in_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (0.81654, "0.8165"),
        (0.0, "0.0000"),
        (123456.7, "123456.7000"),
        (948092157463258300416.0, "9.481e+20"),
        (1.7e308, "1.7e+308"),
        (None, ""),
    ],
)
def test_a_huge_loss_is_shown_with_four_significant_digits(loss: float | None, text: str) -> None:
    assert loss_text(loss) == text
