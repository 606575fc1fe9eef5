"""Curves over all thresholds of confidence: ROC, and precision over recall, a line a class.

Of many classes only the worst have a colour; all others are pale, and the mean of all is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from isolet_nn.plots.style import (
    INK,
    PALETTE,
    axes_at,
    in_style,
    new_figure,
    shorten,
    titled,
    to_file,
)
from isolet_nn.scores.curves import Curve, mean_precision_recall, mean_roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_COLOURS = 6
"""Classes up to which each has a colour of its own."""
_WORST = 5
"""Of more classes, so many of the smallest area have one."""
_SIDE, _LEFT, _BETWEEN, _RIGHT = 4.2, 0.75, 0.95, 0.25
"""Inches: a panel's side, and the room beside panels."""
_LARGEST_DETAIL = 0.3
"""Side of the corner that is worth a panel of its own, at most."""


@in_style
def figure_roc(curves: Sequence[Curve], title: str = "") -> Figure:
    """True over false positive rate of each class against the rest, with the area under each.

    Where the curves lie close to the upper left corner, a second panel shows that corner. (T.
    Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006) 861-874.)

    Parameters
    ----------
    curves
        One for each class, at least one.
    """
    figure, panels = _panels(curves, corner=(0.0, 1.0))
    for axes in panels:
        axes.plot([0, 1], [0, 1], "--", color="#808080", lw=1, label="chance")
        _draw(axes, curves, steps=False)
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
    mean = float(np.mean([curve.area for curve in curves]))
    note = f"each class against the rest; area under the curve, on average {mean:.4f}"
    _finish(panels, title, note, "lower right")
    return figure


@in_style
def figure_precision_recall(curves: Sequence[Curve], title: str = "") -> Figure:
    """Precision over recall of each class against the rest, with the average precision of each.

    Where the curves lie close to the upper right corner, a second panel shows that corner. (J.
    Davis and M. Goadrich, "The relationship between precision-recall and ROC curves", Proceedings
    of the 23rd International Conference on Machine Learning (2006) 233-240.)

    Parameters
    ----------
    curves
        One for each class, at least one.
    """
    figure, panels = _panels(curves, corner=(1.0, 1.0))
    for axes in panels:
        _draw(axes, curves, steps=True)
        axes.set(xlabel="recall", ylabel="precision")
    mean = float(np.mean([curve.area for curve in curves]))
    note = f"each class against the rest; average precision, on average {mean:.4f}"
    _finish(panels, title, note, "lower left")
    return figure


def _panels(curves: Sequence[Curve], corner: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """The whole square, and its corner where that is where the curves are."""
    side = _side_of_detail(curves, corner)
    n = 1 if side is None else 2
    width = _LEFT + n * _SIDE + (n - 1) * _BETWEEN + _RIGHT
    figure, whole = new_figure(
        width, _SIDE + 1.35, left=_LEFT, right=width - _LEFT - _SIDE, bottom=0.6, top=0.75
    )
    whole.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    if side is None:
        return figure, [whole]
    detail = axes_at(figure, _LEFT + _SIDE + _BETWEEN, 0.6, _SIDE, _SIDE)
    margin = 0.01 * side
    x = (-margin, side) if corner[0] == 0.0 else (1.0 - side, 1.0 + margin)
    detail.set(xlim=x, ylim=(1.0 - side, 1.0 + margin))
    return figure, [whole, detail]


def _side_of_detail(curves: Sequence[Curve], corner: tuple[float, float]) -> float | None:
    """Side of the corner that holds where each curve bends; None if that is most of the square."""
    distances = [
        float(np.maximum(abs(curve.x - corner[0]), abs(curve.y - corner[1])).min())
        for curve in curves
    ]
    side = max(2.0 * max(distances), 0.01)
    decade = 10.0 ** math.floor(math.log10(side))
    rounded = next(step * decade for step in (1.0, 2.0, 3.0, 5.0, 10.0) if step * decade >= side)
    return rounded if rounded <= _LARGEST_DETAIL else None


def _draw(axes: Axes, curves: Sequence[Curve], *, steps: bool) -> None:
    style = "steps-post" if steps else "default"
    worst_first = sorted(curves, key=lambda curve: curve.area)
    shown, others = worst_first[:_WORST], worst_first[_WORST:]
    if len(curves) <= _MOST_COLOURS:
        shown, others = list(curves), []
    for curve in others:
        axes.plot(curve.x, curve.y, color="#b0b0b0", lw=0.8, alpha=0.7, drawstyle=style)
    for curve, color in zip(shown, PALETTE, strict=False):
        label = f"{shorten(curve.name)} {curve.area:.4f}"
        axes.plot(curve.x, curve.y, color=color, lw=1.6, label=label, drawstyle=style)
    if others:
        axes.plot([], [], color="#b0b0b0", lw=0.8, label=f"{len(others)} better classes")
    if len(curves) > 2:
        x, y = mean_precision_recall(curves) if steps else mean_roc(curves)
        style = "steps-pre" if steps else "default"
        label, dashes = "mean of all classes", (0, (4, 1.5))
        axes.plot(x, y, color=INK, lw=1.6, ls=dashes, label=label, drawstyle=style)


def _finish(
    panels: list[Axes], title: str, note: str, place: Literal["lower left", "lower right"]
) -> None:
    titled(panels[0], shorten(title, 90 if panels[1:] else 52), note)
    panels[0].legend(loc=place, fontsize=8)
    if panels[1:]:
        panels[1].annotate(
            "the same, its corner", (0, 1), (0, 8), "axes fraction", "offset points", va="bottom"
        )


plot_roc = to_file(figure_roc)
plot_precision_recall = to_file(figure_precision_recall)
