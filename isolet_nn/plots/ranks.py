"""Mean ranks of several contenders, and which of them cannot be told apart.

The picture is that of J. Demšar, "Statistical comparisons of classifiers over multiple data sets",
Journal of Machine Learning Research 7 (2006) 1-30, with bars for what pairwise tests leave open
(A. Benavoli, G. Corani and F. Mangili, "Should we really use post-hoc tests based on mean-ranks?",
Journal of Machine Learning Research 17 (2016) 5) in the place of one critical difference for all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.style import (
    INK,
    PALETTE,
    in_style,
    new_figure,
    shorten,
    shorten_all,
    text_width,
    to_file,
)
from isolet_nn.scores.paired import cliques

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONGEST_NAME = 44
_WIDTH, _LEAST_HEIGHT = 5.0, 2.2
"""Inches of the axis of ranks, and of the whole."""
_ROW, _BAR, _GAP = 0.24, 0.13, 0.16
"""Inches from name to name, from bar to bar, and between these two and the axis."""


@in_style
def figure_ranks(
    ranks: Mapping[str, float],
    *,
    ties: Iterable[tuple[str, str]],
    title: str = "",
    note: str = "",
) -> Figure:
    """Names at their mean ranks, and bars over neighbours no two of which can be told apart.

    Parameters
    ----------
    ranks
        Mean rank by name; 1 is the best.
    ties
        Each two that cannot be told apart.
    note
        Put under the title, for instance what the ranks are means over.
    """
    order = sorted(ranks, key=lambda name: ranks[name])
    places = [ranks[name] for name in order]
    levels = _stacked(cliques(_told_apart(order, ties)), places)
    n_left = math.ceil(len(order) / 2)
    bars = _GAP + _BAR * (1 + max((level for _, _, level in levels), default=-1))
    height = bars + _ROW * n_left
    labels = shorten_all(order, _LONGEST_NAME)
    side = text_width(labels, 9.0) + 0.75
    title = shorten(title, 60)
    top = 0.5 + (0.25 if title else 0.0) + (0.2 if note else 0.0)
    width = max(_WIDTH + 2 * side, text_width([note], 9.0) + 0.4, text_width([title], 12.0) + 0.4)
    full = max(height + top + 0.15, _LEAST_HEIGHT)
    figure, axes = new_figure(
        width, full, left=side, right=width - side - _WIDTH, bottom=full - height - top, top=top
    )
    _set_axes(axes, len(order), height)
    beyond = 0.01 * (len(order) - 1)
    for first, last, level in levels:
        depth = height - _GAP - _BAR * level
        ends = places[first] - beyond, places[last] + beyond
        axes.hlines(depth, *ends, colors=PALETTE[1], lw=4.0, zorder=3, clip_on=False)
    for number, (label, rank) in enumerate(zip(labels, places, strict=True)):
        is_left = number < n_left
        row = number if is_left else len(order) - 1 - number
        _hang(axes, label, rank, height - bars - _ROW * (row + 0.4), height, is_left)
    # Above the ticks, and from the edge of the figure, where there is more room.
    figure.text(0.2 / width, 1 - 0.25 / full, title, size=11, weight="bold", va="center")
    figure.text(0.2 / width, 1 - (0.5 if title else 0.25) / full, note, va="center")
    return figure


def _told_apart(order: Sequence[str], ties: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
    place = {name: number for number, name in enumerate(order)}
    apart = ~np.eye(len(order), dtype=np.bool_)
    for one, other in ties:
        apart[place[one], place[other]] = apart[place[other], place[one]] = False
    return apart


def _stacked(
    stretches: Sequence[tuple[int, int]], places: Sequence[float]
) -> list[tuple[int, int, int]]:
    """First, last and level of bars, on as few levels as they do not touch on."""
    ends: list[float] = []
    stacked = []
    room = 0.035 * len(places)
    for first, last in stretches:
        level = next((n for n, end in enumerate(ends) if end + room < places[first]), len(ends))
        ends[level : level + 1] = [places[last]]
        stacked.append((first, last, level))
    return stacked


def _set_axes(axes: Axes, n: int, height: float) -> None:
    """An axis of ranks along the top, and inches below it."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(1, n)
    axes.set_ylim(0, height)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_yticks([])
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.set_label_position("top")


def _hang(axes: Axes, label: str, rank: float, depth: float, height: float, is_left: bool) -> None:
    """Draw a line from a rank down and to the side, to a name with the rank beside it."""
    low, high = axes.get_xlim()
    end = low if is_left else high
    axes.plot([rank, rank, end], [height, depth, depth], color=INK, lw=0.8, clip_on=False)
    axes.plot(rank, height, "o", color=PALETTE[0], ms=4.5, clip_on=False, zorder=4)
    text = f"{label}  {rank:.2f}" if is_left else f"{rank:.2f}  {label}"
    axes.annotate(
        text,
        (end, depth),
        (-6 if is_left else 6, 0),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center",
        annotation_clip=False,
    )


plot_ranks = to_file(figure_ranks)
