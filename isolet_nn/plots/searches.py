"""How a search went: the scores one after another with the best so far, and who trained how long.

Both have a place a setting, in the order in which they were tried, for three settings as for
thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.colors import far_limit
from isolet_nn.plots.style import (
    FAINT,
    INK,
    PALETTE,
    ROOM,
    end_at_100,
    fitted_figure,
    in_style,
    quantity,
    shorten,
    titled,
    to_file,
)
from isolet_nn.system.statuses import COMPLETED, FAILED, PENDING, PRUNED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {COMPLETED: PALETTE[0], PRUNED: PALETTE[4], FAILED: PALETTE[1], PENDING: FAINT}
"""Of settings, by how they ended."""
_FEW = 60
"""Settings up to which dots are large, and bars apart."""


@in_style
def figure_history(
    values: Sequence[float],
    *,
    statuses: Sequence[str],
    value_name: str,
    title: str = "",
    note: str = "",
) -> Figure:
    """The score of each setting in the order in which they were tried, and the best so far.

    Scores far below the others stand as triangles at the edge. Failed settings are ticks below.

    Parameters
    ----------
    values
        (n,) of pruned settings what was seen last; NaN where there is none.
    statuses
        How each ended: completed, pruned, failed or pending.
    value_name
        Column of trials.csv; accuracies are drawn in percent.
    """
    scale = quantity(value_name)
    drawn = np.asarray(values, np.float64) * scale.factor
    kinds = np.array(statuses, object)
    numbers = np.arange(len(drawn))
    figure, (axes,) = fitted_figure(7.0, 4.3)
    axes.margins(x=0.02, y=ROOM)
    limit = far_limit(drawn, scale.greater_is_better, drawn[kinds == COMPLETED])
    size = 5.0 if len(drawn) <= _FEW else 2.5
    for status, label in ((PRUNED, "pruned, as last seen"), (COMPLETED, "completed")):
        these = (kinds == status) & np.isfinite(drawn)
        if limit is not None:
            beyond = these & ((drawn < limit) if scale.greater_is_better else (drawn > limit))
            these &= ~beyond
            _at_edge(axes, numbers[beyond], COLORS[status], size, scale.greater_is_better)
        if these.any():
            axes.plot(
                *(numbers[these], drawn[these], "o"), color=COLORS[status], ms=size, label=label
            )
    failed = numbers[kinds == FAILED]
    if len(failed):
        axes.plot(
            *(failed, np.full(len(failed), 0.015), "|"),
            color=COLORS[FAILED],
            transform=axes.get_xaxis_transform(),
            label="failed",
        )
    best = _best_so_far(np.where(kinds == COMPLETED, drawn, np.nan), scale.greater_is_better)
    if np.isfinite(best).any():
        label = f"best so far, {scale.text(float(best[-1]))} in the end"
        if limit is not None:
            best[(best < limit) if scale.greater_is_better else (best > limit)] = np.nan
        axes.plot(numbers, best, drawstyle="steps-post", color=INK, lw=1.4, label=label)
    _number_settings(axes)
    axes.set_ylabel(scale.label)
    if scale.is_percent:
        end_at_100(axes, room=ROOM)
    titled(axes, shorten(title, 60), note)
    _legend_below(axes)
    return figure


def _at_edge(
    axes: Axes, numbers: NDArray[np.int64], color: str, size: float, is_below: bool
) -> None:
    if len(numbers):
        axes.plot(
            *(numbers, np.full(len(numbers), 0.05 if is_below else 0.95)),
            "v" if is_below else "^",
            color=color,
            ms=size + 1,
            transform=axes.get_xaxis_transform(),
            label="far beyond",
        )


def _best_so_far(drawn: NDArray[np.float64], greater_is_better: bool) -> NDArray[np.float64]:
    """The best value up to each; NaN before the first."""
    accumulate = np.fmax.accumulate if greater_is_better else np.fmin.accumulate
    return np.asarray(accumulate(drawn), np.float64)


@in_style
def figure_epochs(
    epochs: Sequence[float],
    *,
    statuses: Sequence[str],
    title: str = "",
    note: str = "",
) -> Figure:
    """A bar for each setting, as high as the epochs it was trained, in the colour of its end.

    Parameters
    ----------
    epochs
        (n,) of all its trainings together.
    statuses
        How each ended: completed, pruned, failed or pending.
    """
    from matplotlib.ticker import MaxNLocator

    kinds = np.array(statuses, object)
    numbers, heights = np.arange(len(kinds)), np.asarray(epochs, np.float64)
    figure, (axes,) = fitted_figure(7.0, 4.0)
    axes.margins(x=0.02, y=ROOM)
    width = 0.8 if len(kinds) <= _FEW else 1.0
    for status in (COMPLETED, PRUNED, FAILED, PENDING):
        these = kinds == status
        if these.any():
            axes.bar(
                *(numbers[these], heights[these], width),
                color=COLORS[status],
                linewidth=0,
                label=f"{status}: {int(these.sum())}",
            )
    axes.grid(visible=False, axis="x")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _number_settings(axes)
    axes.set_ylabel("epochs trained")
    titled(axes, shorten(title, 60), note)
    _legend_below(axes)
    return figure


def _number_settings(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("setting, in the order in which they were tried")


def _legend_below(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    axes.figure.legend(
        list(named.values()), list(named), loc="outside lower left", ncols=4, frameon=False
    )


plot_history = to_file(figure_history)
plot_epochs = to_file(figure_epochs)
