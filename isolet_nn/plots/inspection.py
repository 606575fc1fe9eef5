"""What was seen of a network while it learned: gradients, steps and activations of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.style import (
    FAINT,
    LineStyle,
    end_at_100,
    in_style,
    line_styles,
    logarithmic,
    shorten,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = Sequence[float | None]
Layer = Mapping[str, Values]
"""Columns of inspection.csv over the epochs of one layer; those that are not measured are left out.
Shares, ``dead_share`` and ``saturated_share``, are from 0 to 1."""

_MOST_MARKERS = 40
_COLUMNS = 5
"""Layers beside each other in the legend."""


@in_style
def figure_inspection(layers: Mapping[str, Layer], *, title: str = "", note: str = "") -> Figure:
    """Gradient norms, steps, activations and dead or saturated units over the epochs.

    Parameters
    ----------
    layers
        By the name that the legend shows, from the first to the last. Each has ``epoch``.
    note
        Put under the title.
    """
    from matplotlib.figure import Figure

    share = next(
        (name for name in _SHARES if any(name in layer for layer in layers.values())), None
    )
    rows = 1 if share is None else 2
    height = 1.2 + 3.0 * rows + 0.2 * (-(-len(layers) // _COLUMNS))
    figure = Figure(figsize=(10.0, height), layout="constrained")
    figure.suptitle(
        shorten(title, 90) + (f"\n{note}" if note else ""),
        x=0.01,
        ha="left",
        fontsize=11,
        fontweight="bold",
    )
    styles = dict(zip(layers, line_styles(len(layers)), strict=True))
    gradient, step, *below = (
        figure.add_subplot(rows, 2, number) for number in range(1, 2 * rows + 1)
    )
    _draw(gradient, layers, styles, "gradient_norm")
    gradient.set(title="gradient of the loss", ylabel="norm (root mean square)")
    _logarithmic(gradient)
    _draw(step, {name: _ratio(layer) for name, layer in layers.items()}, styles, "ratio")
    step.set(title="size of a step", ylabel="norm of update / of weights")
    _logarithmic(step)
    if share is not None:
        activations, units = below
        _draw(activations, layers, styles, "activation_mean", "activation_deviation")
        activations.set(title="activations", ylabel="mean, with deviation")
        _draw(units, layers, styles, share, factor=100.0)
        heading, label = _SHARES[share]
        units.set(title=heading, ylabel=label)
        low, high = units.get_ylim()
        units.set_ylim(min(low, 0.0), max(high, 1.0))
        end_at_100(units)
    shown = [line for line in gradient.lines if line.get_label() in layers]
    figure.legend(handles=shown, loc="outside lower left", ncols=_COLUMNS)
    return figure


plot_inspection = to_file(figure_inspection)

_SHARES = {
    "dead_share": ("dead units", "share of units (%)"),
    "saturated_share": ("saturated activations", "share of activations (%)"),
}


def _ratio(layer: Layer) -> Layer:
    """How large a step is beside the weights."""
    pairs = zip(layer["update_norm"], layer["weight_norm"], strict=True)
    ratio = [None if not update or not weight else update / weight for update, weight in pairs]
    return {"epoch": layer["epoch"], "ratio": ratio}


def _draw(
    axes: Axes,
    layers: Mapping[str, Layer],
    styles: Mapping[str, LineStyle],
    column: str,
    deviation: str | None = None,
    factor: float = 1.0,
) -> None:
    """A line a layer that has the column, and as a band around it another column."""
    from matplotlib.ticker import MaxNLocator

    for name, layer in layers.items():
        if column not in layer:
            continue
        color, dashes = styles[name]
        x, y = (_numbers(layer[key]) for key in ("epoch", column))
        marker = "o" if len(x) <= _MOST_MARKERS else ""
        axes.plot(x, factor * y, ls=dashes, color=color, marker=marker, ms=3, label=name)
        if deviation is not None:
            around = _numbers(layer[deviation])
            axes.fill_between(x, y - around, y + around, color=color, alpha=0.12, linewidth=0)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _logarithmic(axes: Axes) -> None:
    """Put values that span powers of ten on such an axis; gradients that are 0 have no place."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in axes.lines])
    positive = drawn[drawn > 0.0]
    if len(positive):
        axes.set_ylim(positive.min() / 1.3, positive.max() * 1.3)
        logarithmic(axes.yaxis)
    if len(positive) < np.isfinite(drawn).sum():
        axes.annotate(
            "0 is not drawn", (1, 0), (-4, 4), "axes fraction", "offset points", ha="right"
        )
    axes.grid(visible=True, axis="y", color=FAINT)


def _numbers(values: Values) -> NDArray[np.float64]:
    """What was not measured is a gap."""
    return np.array([np.nan if value is None else value for value in values], np.float64)
