"""Settings as lines across an axis a key: which values the good ones have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.colors import color_bar, color_scale
from isolet_nn.plots.scatters import Coordinate
from isolet_nn.plots.style import (
    PALETTE,
    axes_at,
    in_style,
    new_figure,
    quantity,
    setting_label,
    short_text,
    shorten,
    shorten_all,
    text_width,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NARROWEST, _WIDEST, _LEAST_WIDTH = 1.15, 2.2, 6.0
"""Inches from an axis to the next, and of the whole."""
_BEST = PALETTE[1]
_NOT_SET = -0.1
"""Where a setting stands along the axis of a key that it does not set; axes go from 0 to 1."""
_MOST_LABELS = 14
"""Values of a key that are written beside its axis."""
_LONGEST_VALUE, _LONGEST_KEY = 16, 24
_TITLE: Mapping[str, Any] = {"size": 11, "weight": "bold", "va": "center"}


@in_style
def figure_parallel(
    values: Sequence[float],
    *,
    axes_of_keys: Sequence[Coordinate],
    value_name: str,
    title: str = "",
    note: str = "",
) -> Figure:
    """A line for each value, through its setting on an axis for each key, coloured by the value.

    The best line is orange, which is no colour of the scale. A line that does not set a key passes
    below its axis.

    Parameters
    ----------
    values
        (n,) at least one finite; lines whose value is not are left out.
    axes_of_keys
        From left to right, with (n,) places each; NaN where a key is not set.
    value_name
        Column of trials.csv; accuracies are drawn in percent.
    """
    from matplotlib.collections import LineCollection

    scale = quantity(value_name)
    drawn = np.asarray(values, np.float64) * scale.factor
    worse_first = np.argsort(drawn if scale.greater_is_better else -drawn, kind="stable")
    shown = worse_first[np.isfinite(drawn[worse_first])]
    names = shorten_all([setting_label(axis.name) for axis in axes_of_keys], _LONGEST_KEY)
    steps = [_step(axis, name) for axis, name in zip(axes_of_keys, names, strict=True)]
    # Few axes take the room that there is, so that lines between them can be followed.
    stretch = (_LEAST_WIDTH - 2.0 - steps[-1]) / max(sum(steps[:-1]), _NARROWEST)
    steps = [step * max(1.0, stretch) for step in steps[:-1]] + steps[-1:]
    places = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    room = 1.15 if title else 0.9
    width = float(places[-1]) + steps[-1]
    full = max(width + 2.0, _LEAST_WIDTH)
    figure, axes = new_figure(full, 4.4, left=0.2, right=full - width - 0.6, bottom=0.35, top=room)
    axes.set_xlim(-0.2, width + 0.2)
    axes.set_ylim(_NOT_SET - 0.05, 1.0)
    heights = np.array([_heights(axis) for axis in axes_of_keys])[:, shown]
    colors = color_scale(drawn[shown], value_name)
    alpha = float(np.clip(30.0 / len(shown), 0.2, 0.9))
    lines = LineCollection(
        [np.column_stack([places, column]) for column in heights.T],
        colors=colors.to_rgba(drawn[shown]),
        linewidths=1.2,
        alpha=alpha,
    )
    axes.add_collection(lines)
    axes.plot(places, heights[:, -1], color=_BEST, lw=2.4, marker="o", ms=5, zorder=3)
    for axis, name, place in zip(axes_of_keys, names, places.tolist(), strict=True):
        _draw_axis(axes, axis, name, place)
    axes.axis("off")
    bar = axes_at(figure, width + 0.8, 0.7, 0.15, 4.4 - room - 0.7)
    color_bar(figure, bar, colors, scale.label)
    best = f"orange: the best, {scale.text(float(drawn[shown[-1]]))}"
    # From the edge of the figure and above the names of the keys.
    height = figure.get_figheight()
    figure.text(0.2 / figure.get_figwidth(), 1 - 0.25 / height, shorten(title, 60), **_TITLE)
    below = 0.5 if title else 0.25
    text = f"{note}; {best}" if note else best
    figure.text(0.2 / figure.get_figwidth(), 1 - below / height, text, va="center")
    return figure


def _step(axis: Coordinate, name: str) -> float:
    """Inches from an axis to the next: for its name, and what is written beside it."""
    texts = [] if axis.labels is None else shorten_all(axis.labels, _LONGEST_VALUE)
    needed = max(text_width([name], 9.0) + 0.1, text_width(texts, 8.0) + 0.3)
    return min(max(_NARROWEST, needed), _WIDEST)


def _heights(axis: Coordinate) -> NDArray[np.float64]:
    """Where settings stand along an axis that goes from 0 to 1."""
    places = np.asarray(axis.places, np.float64)
    low, high = _ends(axis)
    if axis.logarithmic:
        places, low, high = np.log(places), np.log(low), np.log(high)
    heights = (places - low) / (high - low) if high > low else places * 0.0 + 0.5
    return np.asarray(np.where(np.isfinite(heights), heights, _NOT_SET))


def _ends(axis: Coordinate) -> tuple[float, float]:
    if axis.labels is not None:
        return 0.0, float(len(axis.labels) - 1)
    places = np.asarray(axis.places, np.float64)
    known = places[np.isfinite(places)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def _draw_axis(axes: Axes, axis: Coordinate, name: str, place: float) -> None:
    """Draw a key's axis: its name above, values at its right."""
    axes.plot([place, place], [0, 1], color="#808080", lw=0.9, zorder=2.5)
    axes.text(place, 1.045, name, ha="left", va="bottom")
    for height, text in _ticks(axis):
        axes.plot([place, place + 0.05], [height, height], color="#808080", lw=0.8, zorder=2.5)
        axes.text(
            *(place + 0.08, height, text), va="center", fontsize=8, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.6},
        )  # fmt: skip
    if np.isnan(np.asarray(axis.places, np.float64)).any():
        axes.text(place, _NOT_SET - 0.03, "not set", va="top", ha="center", fontsize=8)


def _ticks(axis: Coordinate) -> list[tuple[float, str]]:
    """Heights and texts of what is written beside an axis."""
    if axis.labels is not None:
        texts = shorten_all(axis.labels, _LONGEST_VALUE)
        each = -(-len(texts) // _MOST_LABELS)
        numbers = range(0, len(texts), each)
        heights = _heights(Coordinate(axis.name, list(numbers), axis.labels))
        return [(float(h), texts[n]) for h, n in zip(heights, numbers, strict=True)]
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = _ends(axis)
    if not low < high:
        return [] if np.isnan(low) else [(0.5, short_text(low))]
    few = high / low < 300.0 if axis.logarithmic else True
    locator = LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)) if axis.logarithmic else None
    whole = all(place == round(place) for place in axis.places if np.isfinite(place))
    plain = MaxNLocator(5, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=1)
    ticks = (locator or plain).tick_values(low, high)
    inside = [float(tick) for tick in ticks if low <= tick <= high]
    both = Coordinate(axis.name, [low, high, *inside], logarithmic=axis.logarithmic)
    heights = _heights(both)[2:]
    return [(float(h), short_text(t)) for h, t in zip(heights, inside, strict=True)]


plot_parallel = to_file(figure_parallel)
