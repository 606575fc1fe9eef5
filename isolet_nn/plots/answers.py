"""What a model answers: how sure it is and how often right, and how well each speaker is heard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isolet_nn.plots.style import (
    INK,
    PALETTE,
    axes_at,
    end_at_100,
    in_style,
    new_figure,
    shorten,
    shorten_all,
    to_file,
)
from isolet_nn.scores.calibration import Calibration
from isolet_nn.scores.evaluation import GroupScore, wilson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_WIDE = 11.5
"""Inches that a figure is wide at most."""
_SMALLEST_TEXT, _USUAL_TEXT = 5.0, 8.0
"""Sizes in points."""
_PAD_OVER_LEGEND = 30.0
"""Points between axes and title where a legend stands between them."""
_POINT_RADIUS = 0.8
"""Percent that a bin's point in the reliability diagram hides above and below its middle."""


@in_style
def figure_reliability(calibration: Calibration, title: str = "") -> Figure:
    """Accuracy over confidence in each bin, on the diagonal where both agree, and rows below.

    A point stands at a bin's mean confidence with the 95 % Wilson interval of its accuracy; the
    line between it and the diagonal is the gap of which the expected calibration error is the
    mean, left out where the point would hide it. (The reliability diagram of M. H. DeGroot and
    S. E. Fienberg, "The comparison and evaluation of forecasters", The Statistician 32 (1983)
    12-22.)

    Parameters
    ----------
    calibration
        The bins; empty ones show no point.
    title
        The expected calibration error is put behind it.
    """
    figure, above = new_figure(5.4, 7.1, left=0.8, right=0.3, bottom=1.9, top=0.9)
    below = axes_at(figure, 0.8, 0.6, 4.3, 1.15)
    above.plot([0, 100], [0, 100], "--", color="#808080", lw=1, label="confidence = accuracy")
    _draw_points(above, calibration)
    above.set(xlim=(0, 100), ylabel="accuracy (%)")
    end_at_100(above, lowest=0)
    above.tick_params(labelbottom=False)
    _legend_above(above)
    error = calibration.expected_calibration_error
    known = f"expected calibration error {100 * error:.2f} %" if math.isfinite(error) else ""
    above.set_title("\n".join(filter(None, (shorten(title, 52), known))), pad=_PAD_OVER_LEGEND)
    _draw_counts(below, calibration)
    return figure


def _legend_above(axes: Axes) -> None:
    """Put the legend above axes in which a point can be anywhere."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.015, 1.0),
        ncols=3,
        fontsize=8,
        frameon=False,
        handlelength=1.5,
        columnspacing=1.2,
    )


def _draw_points(axes: Axes, calibration: Calibration) -> None:
    gap, rows = "gap", "rows of a bin, 95 % interval"
    for part in calibration.bins:
        if not part.n:
            continue
        assert part.confidence is not None
        assert part.accuracy is not None
        low, high = wilson_interval(round(part.accuracy * part.n), part.n)
        place, value = 100 * part.confidence, 100 * part.accuracy
        if abs(value - place) > _POINT_RADIUS:
            axes.vlines(place, value, place, colors=PALETTE[1], lw=5, alpha=0.35, label=gap)
            gap = ""  # the legend names each thing once
        axes.vlines(place, 100 * low, 100 * high, colors=PALETTE[0], lw=1)
        axes.plot(place, value, "o", color=PALETTE[0], markersize=5, label=rows)
        rows = ""


def _draw_counts(axes: Axes, calibration: Calibration) -> None:
    """Rows of each bin on a logarithmic scale, since most are often in the last."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    for part in calibration.bins:
        middle, width = 50 * (part.low + part.high), 100 * (part.high - part.low)
        if part.n:
            axes.bar(middle, part.n, 0.9 * width, color=PALETTE[0], alpha=0.6)
            axes.text(middle, part.n, f"{part.n}", ha="center", va="bottom", fontsize=7)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    most = max((part.n for part in calibration.bins), default=0)
    axes.set(xlim=(0, 100), ylim=(0.5, 4.0 * max(most, 1)))
    axes.set(xlabel="confidence: probability of the predicted class (%)", ylabel="rows")
    axes.grid(visible=False, axis="x")


@in_style
def figure_groups(
    scores: Sequence[GroupScore], *, name: str = "speaker", title: str = ""
) -> Figure:
    """Accuracy of each speaker or other group with its 95 % Wilson interval, lowest first.

    Parameters
    ----------
    scores
        One for each group, at least one; groups of equal accuracy stand by their names.
    name
        What a group is.
    """
    ordered = sorted(scores, key=lambda score: (score.accuracy, score.group))
    labels = shorten_all([str(score.group) for score in ordered])
    left, right = 0.75, 0.25
    room = min(max(0.27 * len(ordered), 3.5), _MOST_WIDE - left - right)
    step = room / len(ordered)
    size = min(_USUAL_TEXT, max(_SMALLEST_TEXT, 72 * step))
    upright = max(map(len, labels)) * 0.65 * size / 72 > 0.9 * step
    bottom = 0.55 + (max(map(len, labels)) * 0.65 * size / 72 if upright else 0.15)
    figure, axes = new_figure(
        left + room + right, 3.7 + bottom, left=left, right=right, bottom=bottom, top=0.75
    )
    _draw_groups(axes, ordered)
    every = math.ceil(size / (72 * step) - 1e-9)
    shown = range(0, len(ordered), every)
    axes.set_xticks(shown, [labels[i] for i in shown], rotation=90 if upright else 0, fontsize=size)
    axes.set_xlim(-0.8, len(ordered) - 0.2)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    axes.set(xlabel=f"{name}, lowest accuracy first", ylabel="accuracy (%)")
    axes.set_title(shorten(title, int(room * 72 / 7)), pad=_PAD_OVER_LEGEND)
    _legend_above(axes)
    return figure


def _draw_groups(axes: Axes, ordered: Sequence[GroupScore]) -> None:
    places = np.arange(len(ordered))
    accuracy = 100.0 * np.array([score.accuracy for score in ordered])
    low, high = 100.0 * np.array([wilson_interval(s.correct, s.n) for s in ordered]).T
    rows = sum(score.n for score in ordered)
    mean = 100.0 * sum(score.correct for score in ordered) / rows
    axes.axhline(mean, color=INK, ls="--", lw=1, label=f"all rows ({rows}): {mean:.2f} %")
    axes.vlines(places, low, high, colors=PALETTE[0], lw=1.2, alpha=0.5, label="95 % interval")
    axes.plot(places, accuracy, "o", color=PALETTE[0], markersize=4.5)
    end_at_100(axes, lowest=low.min() - 4.0)


plot_reliability = to_file(figure_reliability)
plot_groups = to_file(figure_groups)
