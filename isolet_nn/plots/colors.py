"""Colours for values, and their scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.style import quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_FAR = 3.0
"""Times the range between the quartiles: a value so far beyond them has no room of its own."""


def far_limit(
    values: NDArray[np.float64], greater_is_better: bool, usual: NDArray[np.float64] | None = None
) -> float | None:
    """Where an axis or a scale of colours ends on the worse side; None if no value is beyond.

    One training that went wrong would leave all others no room.

    Parameters
    ----------
    usual
        What values must be far from to be beyond; all of them if None.
    """
    known = values if usual is None else usual
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return None
    low, high = np.percentile(known, [25, 75])
    reach = _FAR * (high - low)
    end = float(low - reach if greater_is_better else high + reach)
    beyond = values < end if greater_is_better else values > end
    return end if reach > 0.0 and beyond.any() else None


def color_scale(drawn: NDArray[np.float64], value_name: str) -> ScalarMappable:
    """Colours of values that are not all the same good; those far from the others share the last.

    Parameters
    ----------
    drawn
        At least one, all finite.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    greater_is_better = quantity(value_name).greater_is_better
    limit = far_limit(drawn, greater_is_better)
    low, high = float(drawn.min()), float(drawn.max())
    if limit is None:
        return ScalarMappable(Normalize(low, high), "viridis")
    norm = Normalize(limit, high) if greater_is_better else Normalize(low, limit)
    colormap = colormaps["viridis"].copy()
    cast("Any", colormap).colorbar_extend = "min" if greater_is_better else "max"
    return ScalarMappable(norm, colormap)


def color_bar(
    figure: Figure,
    axes: Axes,
    image: ScalarMappable,
    label: str,
    ticks: Sequence[float] | None = None,
    extend: Literal["neither", "both"] | None = None,
) -> None:
    """Draw the scale of an image's colours into `axes`; `extend` says that some are beyond it.

    None asks the colours themselves.
    """
    from matplotlib.ticker import FuncFormatter, NullLocator

    if ticks is None:
        bar = figure.colorbar(image, cax=axes, extend=extend)
    else:
        plain = FuncFormatter(lambda value, _: f"{value:g}")
        bar = figure.colorbar(image, cax=axes, ticks=ticks, format=plain, extend=extend)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.grid(visible=False)
    bar.outline.set_visible(False)
    bar.set_label(label)
