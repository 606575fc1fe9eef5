"""Single settings as points: a value over one key of a sweep, or as the colour over two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.colors import color_scale
from isolet_nn.plots.style import (
    INK,
    PALETTE,
    ROOM,
    end_at_100,
    fitted_figure,
    in_style,
    logarithmic,
    quantity,
    setting_label,
    shorten,
    shorten_all,
    text_width,
    titled,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as MatplotlibAxis
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_FEW, _FEWEST = 200, 10
"""Points up to which they are large; and from which on there can be a surface."""
_KERNEL, _NEAR, _CELLS = 0.1, 0.3, 80
"""Of a surface: its smoothing as a share of an axis, the least weight of the points around that it
is drawn for, and its cells along an axis."""
_ROOM_FOR_LABELS = 5.0
"""Inches that labels below the axes may take beside each other."""


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coordinate:
    """Where points stand along an axis."""

    name: str
    """Key path of the setting."""
    places: Sequence[float]
    """Of each point: the setting, or which of `labels` it is."""
    labels: Sequence[str] | None = None
    """What stands at 0, 1, ...; None along an axis of numbers."""
    logarithmic: bool = False


@in_style
def figure_scatter(
    values: Sequence[float],
    *,
    x: Coordinate,
    y: Coordinate | None = None,
    value_name: str,
    with_surface: bool = False,
    title: str = "",
    note: str = "",
) -> Figure:
    """A point for each value; with `y` its colour is the value, without it stands that high.

    The best point is circled and its value written beside it. Colours end where values are far
    from the others.

    Parameters
    ----------
    values
        (n,) at least one finite; points whose value is not are left out.
    x, y
        Along the axes, (n,) places each.
    value_name
        Column of trials.csv; accuracies are drawn in percent.
    with_surface
        Whether to colour the plane between ten points or more, of two axes of numbers: with the
        mean of the points around, the near ones counting most.
    note
        Put under the title, for instance what a point is the mean of.
    """
    scale = quantity(value_name)
    drawn = np.asarray(values, np.float64) * scale.factor
    worse_first = np.argsort(drawn if scale.greater_is_better else -drawn, kind="stable")
    shown = worse_first[np.isfinite(drawn[worse_first])]
    figure, (axes,) = fitted_figure(7.0, 4.6)
    if x.labels is not None and text_width(x.labels, 9.0) * len(x.labels) > _ROOM_FOR_LABELS:
        axes.tick_params(axis="x", rotation=90)
    horizontal = np.asarray(x.places, np.float64)[shown]
    vertical = drawn[shown] if y is None else np.asarray(y.places, np.float64)[shown]
    if y is None:
        axes.margins(y=ROOM)
        axes.plot(horizontal, vertical, "o", color=PALETTE[0], markersize=5, alpha=0.75)
        axes.set_ylabel(scale.label)
        if scale.is_percent:
            end_at_100(axes, room=ROOM)
    else:
        colors = color_scale(drawn[shown], value_name)
        points = axes.scatter(
            *(horizontal, vertical),
            c=colors.to_rgba(drawn[shown]),
            s=42 if len(shown) <= _FEW else 18,
            clip_on=False,
            zorder=3,
        )
        if with_surface and len(shown) >= _FEWEST:
            points.set(edgecolors="white", linewidths=0.6)
        bar = figure.colorbar(colors, ax=axes, label=scale.label, pad=0.02)
        bar.outline.set_visible(False)
    for axis, coordinate in ((axes.xaxis, x), (axes.yaxis, y)):
        if coordinate is not None:
            _set_axis(axis, coordinate)
    if with_surface and y is not None and len(shown) >= _FEWEST:
        _draw_surface(axes, (x, y), (horizontal, vertical), colors, drawn[shown])
    _mark_best(axes, horizontal[-1], vertical[-1], scale.text(drawn[shown[-1]]))
    titled(axes, shorten(title, 60), note)
    return figure


def _draw_surface(
    axes: Axes,
    coordinates: tuple[Coordinate, Coordinate],
    places: tuple[Floats, Floats],
    colors: ScalarMappable,
    values: Floats,
) -> None:
    """Colour the plane with means over the points around, weighted by their distance.

    The weights are those of E. A. Nadaraya and G. S. Watson, with a normal kernel of a width of a
    tenth of each axis. Where no point is near, nothing is drawn.
    """
    ends, points = [], []
    for coordinate, column in zip(coordinates, places, strict=True):
        scaled = np.log(column) if coordinate.logarithmic else column
        low, high = float(scaled.min()), float(scaled.max())
        if high == low:
            return
        ends.append((low, high))
        points.append((scaled - low) / (high - low) / _KERNEL)
    mesh = (np.arange(_CELLS) + 0.5) / _CELLS / _KERNEL
    across, up = (np.exp(-np.square(mesh[:, None] - column) / 2.0) for column in points)
    weights = up @ across.T
    values = np.clip(values, *colors.get_clim())  # or one far value would darken all around it
    means = (up * values) @ across.T / np.maximum(weights, 1e-300)
    image = colors.to_rgba(means)
    image[..., 3] = np.where(weights >= _NEAR, 0.55, 0.0)
    edges = []
    for (low, high), coordinate in zip(ends, coordinates, strict=True):
        steps = np.linspace(low, high, _CELLS + 1)
        edges.append(np.exp(steps) if coordinate.logarithmic else steps)
    axes.pcolormesh(*edges, image, zorder=1.5, rasterized=True)


def _set_axis(axis: MatplotlibAxis, coordinate: Coordinate) -> None:
    axis.set_label_text(setting_label(coordinate.name))
    if coordinate.labels is not None:
        axis.set_ticks(range(len(coordinate.labels)), shorten_all(coordinate.labels))
    elif coordinate.logarithmic:
        logarithmic(axis)


def _mark_best(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=INK, clip_on=False)
    axes.autoscale_view()  # or the ends of the axes would be those before the last points
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    right_half, upper_half = across > 0.5, up > 0.5
    axes.annotate(
        text,
        (x, y),
        (-6 if right_half else 6, -6 if upper_half else 6),
        textcoords="offset points",
        ha="right" if right_half else "left",
        va="top" if upper_half else "bottom",
        zorder=1.9,  # below the points
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0},
    )


plot_scatter = to_file(figure_scatter)
