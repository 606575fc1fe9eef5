"""The plane of two features: which class a network gives each point, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import counted
from isolet_nn.plots.style import (
    INK,
    PALETTE,
    fitted_figure,
    in_style,
    shorten,
    text_width,
    titled,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Probabilities = Callable[[Floats], NDArray[np.floating]]
"""Gives the probabilities (n, classes) of points (n, 2)."""
Part = tuple[Floats, NDArray[np.integer]]
"""Points (n, 2) and their classes (n,)."""

_SIDE = 201
"""Points of the plane along each axis that the network is asked for."""
_MARKERS = "os^DvPX*"
"""As many as colours and one more, so that classes beyond those differ in the pair of both."""
_FEW, _MOST_POINTS = 8, 2000
"""Points that have room for their probabilities, and points of a part that are drawn."""
_MOST_NAMED = 26


@in_style
def figure_decision_boundary(
    probabilities: Probabilities,
    parts: Mapping[str, Part],
    classes: Sequence[str],
    *,
    names: tuple[str, str] = ("first input", "second input"),
    title: str = "",
) -> Figure:
    """Regions of the most probable class, the paler the less sure, with borders and points.

    Parameters
    ----------
    probabilities
        Of the classes, at any points.
    parts
        What to mark, by name: the last part stands out, such as the test split after the training
        split. Points that are no finite numbers are left out, and of thousands some are drawn.
    classes
        Names of the classes.
    names
        Of the features along the bottom and the side.
    """
    drawn = {part: _drawn(*of_part) for part, of_part in parts.items()}
    points = np.concatenate([of_part[0] for of_part in drawn.values()])
    few = len(points) <= _FEW
    beside = 0.85 + text_width([shorten(name) for name in (*classes, *parts)], 9.0)
    figure, (axes,) = fitted_figure(5.75 + beside, 5.2)
    (left, low), (far, high) = _corners(points, 0.5 if few else 0.08)
    x, y = np.linspace(left, far, _SIDE), np.linspace(low, high, _SIDE)
    plane = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    p = np.nan_to_num(np.asarray(probabilities(plane), dtype=np.float64))
    p = p.reshape(_SIDE, _SIDE, len(classes))
    axes.imshow(_painted(p), origin="lower", extent=(left, far, low, high), aspect="auto")
    _draw_borders(axes, x, y, p)
    for part, (places, labels) in drawn.items():
        _draw_points(axes, places, labels, stands_out=part == [*drawn][-1])
    if few:
        _write_probabilities(axes, points, drawn, probabilities, classes)
    axes.grid(visible=False)
    axes.set(xlabel=shorten(names[0], 60), ylabel=shorten(names[1], 60))
    axes.set(xlim=(left, far), ylim=(low, high))
    titled(axes, shorten(title, 60), "the paler a region, the less sure the network is")
    _name(axes, parts, classes)
    return figure


plot_decision_boundary = to_file(figure_decision_boundary)


def _drawn(points: Floats, labels: NDArray[np.integer]) -> Part:
    """The points that are drawn: finite, and of thousands some evenly apart."""
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    count = min(len(finite), _MOST_POINTS)
    some = finite[np.arange(count) * len(finite) // max(count, 1)]
    return np.asarray(points, dtype=np.float64)[some], np.asarray(labels)[some]


def _corners(points: Floats, margin: float) -> tuple[Floats, Floats]:
    """Lower left and upper right of the plane that is drawn."""
    if not len(points):
        return np.zeros(2), np.ones(2)
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.where(high > low, high - low, 1.0)
    return low - margin * size, high + margin * size


def _color(label: int) -> str:
    return PALETTE[label % len(PALETTE)]


def _painted(p: Floats) -> Floats:
    """Colours (rows, columns, 3) of a plane of probabilities (rows, columns, classes)."""
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(_color(label)) for label in range(p.shape[2])])
    chance = 1.0 / p.shape[2]
    sure = np.clip((p.max(axis=2) - chance) / (1.0 - chance), 0.0, 1.0)
    strength = (0.06 + 0.44 * sure)[..., np.newaxis]
    painted: Floats = 1.0 - strength * (1.0 - colors[p.argmax(axis=2)])
    return painted


def _draw_borders(axes: Axes, x: Floats, y: Floats, p: Floats) -> None:
    """A line where one class becomes more probable than all others."""
    best = np.sort(p, axis=2)
    for label in np.unique(p.argmax(axis=2)):
        of_class = p[..., label]
        others = np.where(of_class == best[..., -1], best[..., -2], best[..., -1])
        ahead = of_class - others
        if ahead.min() < 0.0 < ahead.max():
            axes.contour(x, y, ahead, levels=[0.0], colors=INK, linewidths=1.2)
        if p.shape[2] == 2:
            break  # the border of the other is the same


def _draw_points(
    axes: Axes, points: Floats, labels: NDArray[np.integer], *, stands_out: bool
) -> None:
    for label in np.unique(labels):
        x, y = points[labels == label].T
        edge = {"markeredgecolor": INK, "markeredgewidth": 0.8} if stands_out else {"mew": 0.0}
        axes.plot(
            x,
            y,
            _MARKERS[int(label) % len(_MARKERS)],
            color=_color(int(label)),
            markersize=10.0 if len(points) <= _FEW else 6.0 if stands_out else 4.0,
            alpha=None if stands_out else 0.7,
            **edge,
        )


def _write_probabilities(
    axes: Axes,
    points: Floats,
    parts: Mapping[str, Part],
    probabilities: Probabilities,
    classes: Sequence[str],
) -> None:
    """Write beside each point its class, and the probability that it is given."""
    if not len(points):
        return
    found = np.asarray(probabilities(points), dtype=np.float64)
    labels = np.concatenate([of_part[1] for of_part in parts.values()])
    for place, label, of_point in zip(points, labels, found, strict=True):
        text = f"{shorten(classes[label])}\nP = {of_point[label]:.2f}"
        axes.annotate(
            text, tuple(place), (0, 10), textcoords="offset points", ha="center", va="bottom"
        )


def _name(axes: Axes, parts: Mapping[str, Part], classes: Sequence[str]) -> None:
    """Say beside the plane which class is which, and which points are which."""
    from matplotlib.lines import Line2D

    shown = [
        Line2D([], [], color=_color(label), marker=_MARKERS[label % len(_MARKERS)], ls="")
        for label in range(min(len(classes), _MOST_NAMED))
    ]
    texts = [shorten(name) for name in classes[:_MOST_NAMED]]
    if len(classes) > _MOST_NAMED:
        shown.append(Line2D([], [], ls=""))
        texts.append(counted(len(classes) - _MOST_NAMED, "other"))
    for part in parts if len(parts) > 1 else ():
        stands_out = part == [*parts][-1]
        edge = {"markeredgecolor": INK} if stands_out else {"mew": 0.0}
        size = 6.0 if stands_out else 4.0
        shown.append(Line2D([], [], color="#b8b8b8", marker="o", ls="", markersize=size, **edge))
        texts.append(part)
    axes.legend(shown, texts, loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
