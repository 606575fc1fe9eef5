"""Groups side by side: box plots of a sweep's results, and bars of the benchmark's times.

Both show the numbers as well as the shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.style import (
    INK,
    PALETTE,
    ROOM,
    end_at_100,
    fitted_figure,
    in_style,
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

_LONGEST_GROUP = 40
"""Characters at which the name of a group is cut."""
_WIDEST_NAME = 1.8
"""Inches beyond which the names of groups stand upright."""
_GOLDEN = 0.618033988749895


@in_style
def figure_boxplot(
    groups: Mapping[str, Sequence[float]],
    *,
    x_name: str,
    value_name: str,
    title: str = "",
    note: str = "",
) -> Figure:
    """A box for each group with its single values over it, and the median written beside.

    Boxes reach from the first to the third quartile, whiskers to the outermost values within
    1.5 times that range.

    Parameters
    ----------
    groups
        Values by the name of the group; those that are not finite are left out.
    x_name
        Key path of the setting that makes the groups.
    value_name
        Column of trials.csv; accuracies are drawn in percent.
    note
        Put under the title, for instance what a box pools.
    """
    scale = quantity(value_name)
    names = shorten_all(list(groups), _LONGEST_GROUP)
    crowded = len(names) > 12 or text_width(names, 9.0) > _WIDEST_NAME
    step = 0.45 if crowded else max(1.0, text_width(names, 9.0) + 0.15)
    width = max(4.5, 1.0 + step * len(names), 1.0 + text_width([note], 9.0))
    height = 4.3 + (text_width(names, 9.0) if crowded else 0.0)
    figure, (axes,) = fitted_figure(width, height)
    axes.use_sticky_edges = False  # the lower end of a box would be the end of the axis
    axes.margins(y=ROOM)
    for position, values in enumerate(groups.values()):
        drawn = np.array([v for v in values if np.isfinite(v)], dtype=np.float64) * scale.factor
        if not drawn.size:
            continue
        color = PALETTE[position % len(PALETTE)]
        _box(axes, position, drawn, color)
        # Multiples of the golden ratio spread evenly for any number of points.
        offsets = (np.arange(1, drawn.size + 1) * _GOLDEN % 1 - 0.5) * 0.3
        axes.plot(position + offsets, drawn, "o", color=color, markersize=3.5, alpha=0.8)
        median = float(np.median(drawn))
        if not crowded:
            axes.text(position + 0.28, median, scale.text(median), va="center", fontsize=8)
    upright = 90 if crowded else 0
    axes.set_xticks(range(len(names)), names, rotation=upright)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="x")
    titled(axes, shorten(title, 60), note)
    axes.set(xlabel=setting_label(x_name), ylabel=scale.label)
    if scale.is_percent:
        end_at_100(axes, room=ROOM)
    return figure


@in_style
def figure_bars(
    times: Mapping[str, Mapping[str, float | None]],
    *,
    reference: str,
    ratios: Mapping[str, Mapping[str, float | None]] | None = None,
    value_label: str = "time per training (s)",
    title: str = "",
) -> Figure:
    """Horizontal bars by setting and engine, each with its time and its ratio to the reference's.

    Parameters
    ----------
    times
        By setting, then by engine; None where an engine did not run. Settings and engines appear
        from top to bottom.
    reference
        The engine whose time the others are divided by; its own bars bear no ratio.
    ratios
        The ratios, in the shape of `times`, where they are not those of the times shown.
    """
    engines = list(dict.fromkeys(engine for group in times.values() for engine in group))
    quotients = {setting: _quotients(group, reference) for setting, group in times.items()}
    thickness = 0.8 / max(len(engines), 1)
    height = 1.2 + len(times) * (0.22 * len(engines) + 0.12)
    figure, (axes,) = fitted_figure(7.4, max(height, 2.4))
    for index, engine in enumerate(engines):
        offset = (index - (len(engines) - 1) / 2) * thickness
        measured = [
            (position + offset, seconds, (ratios or quotients)[setting].get(engine))
            for position, (setting, group) in enumerate(times.items())
            if (seconds := group.get(engine)) is not None
        ]
        color = PALETTE[index % len(PALETTE)]
        places, lengths = [row[0] for row in measured], [row[1] for row in measured]
        axes.barh(places, lengths, thickness * 0.92, color=color, label=engine)
        for place, length, ratio in measured:
            text = f" {length:#.3g}" if length < 100 else f" {length:.0f}"
            if ratio is not None and engine != reference:
                text += f"  ({ratio:.2f}x)"
            axes.text(length, place, text, va="center", fontsize=8)
    axes.set_yticks(range(len(times)), shorten_all(list(times), 40))
    axes.set_ylim(len(times) - 0.45, -0.55)
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set(
        title=shorten(title, 60), xlabel=f"{value_label}; in brackets: relative to {reference}"
    )
    if engines:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _quotients(group: Mapping[str, float | None], reference: str) -> dict[str, float | None]:
    """Each engine's time divided by the reference's, where both ran."""
    base = group.get(reference)
    return {
        engine: seconds / base if base and seconds is not None else None
        for engine, seconds in group.items()
    }


def _box(axes: Axes, position: float, values: NDArray[np.float64], color: str) -> None:
    """Draw one box by hand: ``Axes.boxplot`` reads all settings, and so loads a window system."""
    low, median, high = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (high - low)
    whiskers = values[values >= low - reach].min(), values[values <= high + reach].max()
    axes.bar(position, high - low, 0.5, bottom=low, color=color, alpha=0.25, linewidth=0)
    axes.vlines([position] * 2, [whiskers[0], high], [low, whiskers[1]], colors=color, lw=1)
    axes.hlines(whiskers, position - 0.12, position + 0.12, colors=color, lw=1)
    axes.hlines(median, position - 0.25, position + 0.25, colors=INK, lw=1.6)


plot_boxplot = to_file(figure_boxplot)
plot_bars = to_file(figure_bars)
