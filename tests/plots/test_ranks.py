"""Ranks are shown beside names, and bars join those that cannot be told apart."""

import pytest

from isolet_nn import plots
from plots.figures import RANKS, axes_of, written_in


def bars_of(ranks: dict[str, float], ties: list[tuple[str, str]]) -> list[tuple[float, float]]:
    (axes,) = axes_of(plots.figure_ranks(ranks, ties=ties))
    return [
        (float(segment[0][0]), float(segment[1][0]))
        for collection in axes.collections
        for segment in collection.get_segments()
    ]


def test_every_name_stands_with_its_rank() -> None:
    (axes,) = axes_of(plots.figure_ranks(RANKS, ties=[]))
    assert written_in(axes) == ["a  1.25", "b  1.75", "3.00  c"]


def test_a_bar_reaches_over_neighbours_that_cannot_be_told_apart() -> None:
    ((low, high),) = bars_of(RANKS, [("b", "a")])
    assert low == pytest.approx(1.25, abs=0.05)
    assert high == pytest.approx(1.75, abs=0.05)
    assert bars_of(RANKS, []) == []


def test_no_bar_joins_two_of_which_one_between_them_differs() -> None:
    assert bars_of(RANKS, [("a", "c")]) == []


def test_equal_ranks_have_a_bar_that_can_be_seen() -> None:
    ((low, high),) = bars_of({"a": 1.5, "b": 1.5}, [("a", "b")])
    assert high > low
