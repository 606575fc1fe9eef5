"""Lines: loss and accuracy over the epochs of a run, and means with bands over a sweep's axis.

Values that were not measured (None) are left out, and the line goes on to the next one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import counted
from isolet_nn.plots.style import (
    PALETTE,
    LineStyle,
    end_at_100,
    fitted_figure,
    in_style,
    line_styles,
    logarithmic,
    new_figure,
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
    from matplotlib.figure import Figure

History = Mapping[str, Sequence[float | None]]
"""Columns of metrics.csv by name; all as long as ``epoch``."""

_SPLITS = {
    "train": (PALETTE[0], "-"),
    "validation": (PALETTE[2], "--"),
    "test": (PALETTE[1], "-"),
}
_MOST_MARKERS = 60
_MOST_INSIDE, _LONGEST_NAME = 4, 40
"""Lines whose legend has room within the axes, and the length at which names are cut."""
_HUGE_LOSS = 1e6
"""From here on digits after the point say nothing."""
_MOST_NAMED, _BEST_NAMED = 10, 7
"""Lines that can be told apart, and of how many more than that the best are."""


@dataclass(frozen=True)
class Band:
    """One line over a common axis, with the range around it where there is one."""

    x: Sequence[float]
    mean: Sequence[float | None]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None


@in_style
def figure_loss(history: History, title: str = "", note: str = "") -> Figure:
    """Cross-entropy loss of each split over the epochs, the last value in the legend.

    Put `note` under the title, for instance what only the training loss includes.
    """
    figure, axes = _curves(history, "loss", title, note)
    axes.set_ylabel("cross-entropy loss (nats)")
    axes.set_ylim(bottom=0)
    _legend(axes)
    return figure


@in_style
def figure_accuracy(history: History, title: str = "") -> Figure:
    """Accuracy of each split in percent over the epochs, the last value in the legend."""
    figure, axes = _curves(history, "accuracy", title)
    axes.set_ylabel("accuracy (%)")
    end_at_100(axes)
    _legend(axes)
    return figure


@in_style
def figure_lines(
    lines: Mapping[str, Band],
    *,
    x_name: str,
    value_name: str,
    lines_name: str | None = None,
    log_x: bool = False,
    log_y: bool = False,
    title: str = "",
    note: str = "",
) -> Figure:
    """One line with its band for each entry of `lines`; a legend where there are several.

    Of more than ten lines the best by their last value are named, the others stay pale.

    Parameters
    ----------
    lines
        By the name that the legend shows.
    x_name
        Key path of the setting along the horizontal axis, or ``epoch``.
    value_name
        Column of trials.csv or metrics.csv; accuracies are drawn in percent.
    lines_name
        Key path of the setting that tells the lines apart, if one does.
    log_x, log_y
        Whether the horizontal, or the vertical, axis is logarithmic.
    note
        Put under the title, for instance what the bands are.
    """
    beside = len(lines) > _MOST_INSIDE
    names = text_width([shorten(name, _LONGEST_NAME) for name in lines], 9.0) + 0.8
    figure, (axes,) = fitted_figure(7.0 + (names if beside else 0.0), 4.3)
    _draw_lines(axes, lines, x_name, value_name, _line_styles(lines, value_name))
    titled(axes, shorten(title, 60), note)
    places = sorted({value for line in lines.values() for value in line.x})
    if log_x:
        logarithmic(axes.xaxis, places)
    elif all(float(place).is_integer() for place in places):
        _tick_whole_numbers(axes)
    if log_y:
        axes.set_yscale("log")
    if len(lines) > 1 and axes.lines:
        heading = setting_label(lines_name) if lines_name else None
        if beside:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title=heading)
        else:
            axes.legend(loc="best", title=heading)
    return figure


@in_style
def figure_line_panels(
    panels: Mapping[str, Mapping[str, Band]], *, x_name: str, note: str = ""
) -> Figure:
    """Several values over a common axis, side by side, with one legend for all.

    Of more than ten lines those are named that are best by the last value in the first panel.

    Parameters
    ----------
    panels
        By column of metrics.csv or trials.csv, then by the name that the legend shows; every
        panel has the same names.
    x_name
        Key path of the setting along the horizontal axis, or ``epoch``.
    note
        Put above the legend, for instance what the bands are.
    """
    value_name, lines = next(iter(panels.items()))
    styles = _line_styles(lines, value_name)
    height = 4.5 + 0.2 * min(len(lines), _MOST_NAMED)
    figure, axes_of_panels = fitted_figure(5.2 * len(panels), height, len(panels))
    for axes, (value_name, lines) in zip(axes_of_panels, panels.items(), strict=True):
        _draw_lines(axes, lines, x_name, value_name, styles)
        _tick_whole_numbers(axes)
    handles, labels = axes.get_legend_handles_labels()
    columns = 1 + (len(labels) > 6)
    legend = figure.legend(
        handles, labels, loc="outside lower left", ncols=columns, title=note or None
    )
    legend.set_alignment("left")
    return figure


plot_loss = to_file(figure_loss)
plot_accuracy = to_file(figure_accuracy)
plot_lines = to_file(figure_lines)
plot_line_panels = to_file(figure_line_panels)


def _line_styles(lines: Mapping[str, Band], value_name: str) -> dict[str, LineStyle]:
    """Styles of the lines that are named, in order; of many only the best are."""
    named = list(lines)
    if len(lines) > _MOST_NAMED:
        sign = -1.0 if quantity(value_name).greater_is_better else 1.0
        named.sort(key=lambda name: (sign * _last_value(lines[name].mean, sign), name))
        named = named[:_BEST_NAMED]
    return dict(zip(named, line_styles(len(named)), strict=True))


def _last_value(values: Sequence[float | None], sign: float) -> float:
    """The last value there is; the worst where there is none."""
    known = (value for value in reversed(values) if value is not None and math.isfinite(value))
    return next(known, sign * math.inf)


def _draw_lines(
    axes: Axes,
    lines: Mapping[str, Band],
    x_name: str,
    value_name: str,
    styles: Mapping[str, LineStyle],
) -> None:
    """Draw lines with their bands, those without a style pale and below, and label the axes."""
    scale = quantity(value_name)
    labels = dict(zip(styles, shorten_all(list(styles), _LONGEST_NAME), strict=True))
    for name, (color, dashes) in styles.items():
        line = lines[name]
        x, mean = _points(line.x, line.mean, scale.factor)
        marker = "o" if len(x) <= _MOST_MARKERS else ""
        axes.plot(
            x, mean, ls=dashes, color=color, marker=marker, markersize=3.5, label=labels[name]
        )
        if line.low is not None and line.high is not None:
            x_low, low = _points(line.x, line.low, scale.factor)
            x_high, high = _points(line.x, line.high, scale.factor)
            axes.fill(
                np.concatenate([x_low, x_high[::-1]]),
                np.concatenate([low, high[::-1]]),
                color=color,
                alpha=0.15,
                linewidth=0,
            )
    others = [line for name, line in lines.items() if name not in styles]
    label = counted(len(others), "other")
    for line in others:
        x, mean = _points(line.x, line.mean, scale.factor)
        axes.plot(x, mean, color="#b8b8b8", lw=0.9, zorder=1.5, label=label)
        label = ""  # the legend names them once
    axes.set_xlabel(setting_label(x_name))
    axes.set_ylabel(scale.label)
    if scale.is_percent:
        end_at_100(axes)


def _curves(history: History, metric: str, title: str, note: str = "") -> tuple[Figure, Axes]:
    more = 0.25 if note else 0.0
    figure, axes = new_figure(6.6, 4.0 + more, left=0.75, right=0.25, bottom=0.6, top=0.45 + more)
    scale = quantity(metric)
    for split, (color, dashes) in _SPLITS.items():
        epochs, values = _points(
            history["epoch"], history.get(f"{split}_{metric}", ()), scale.factor
        )
        if not len(epochs):
            continue
        last = f"{values[-1]:.2f} %" if scale.is_percent else _loss_text(values[-1])
        marker = "o" if len(epochs) <= _MOST_MARKERS else ""
        axes.plot(
            epochs,
            values,
            dashes,
            color=color,
            marker=marker,
            markersize=3,
            label=f"{split} {last}",
        )
    titled(axes, shorten(title, 60), note)
    axes.set_xlabel("epoch")
    _tick_whole_numbers(axes)
    if len(history["epoch"]) == 1:
        (only,) = history["epoch"]
        axes.set_xlim((only or 0) - 1, (only or 0) + 1)
    return figure, axes


def _loss_text(value: float) -> str:
    return f"{value:.4f}" if value < _HUGE_LOSS else f"{value:.4g}"


def _points(
    x: Sequence[float | None], y: Sequence[float | None], factor: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leave out what was not measured; what is not finite becomes a gap."""
    pairs = [pair for pair in zip(x, y, strict=False) if None not in pair]
    points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    values = points[:, 1] * factor
    values[~np.isfinite(values)] = np.nan
    return points[:, 0], values


def _legend(axes: Axes) -> None:
    if axes.lines:
        axes.legend(loc="best")


def _tick_whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    # With two ticks at least, a single value would have fractions beside it.
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
