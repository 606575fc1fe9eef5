"""What matters: which columns to a model, and which settings to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from isolet_nn.plots.style import (
    INK,
    PALETTE,
    in_style,
    new_figure,
    shorten,
    shorten_all,
    text_width,
    titled,
    to_file,
)
from isolet_nn.scores.importance import Importance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_COLUMNS = 20
_LONGEST_NAME = 40
_STEP = 0.26
"""Inches a column."""


@in_style
def figure_importance(
    importances: Sequence[Importance], *, title: str = "", note: str = ""
) -> Figure:
    """The rise of the loss for each column with its 95 % interval, the most important on top.

    Beside each stands by how many points of percent the accuracy changes. Of more than 20 columns
    the 20 most important are drawn.

    Parameters
    ----------
    importances
        The most important first, at least one.
    note
        Put under the title, for instance what the interval is over.
    """
    shown = list(importances)[:_MOST_COLUMNS]
    labels = shorten_all([importance.name for importance in shown], _LONGEST_NAME)
    left = max(0.9, text_width(labels, 9.0) + 0.25)
    height = max(1.4 + _STEP * len(shown), 2.4)
    figure, axes = new_figure(left + 5.6, height, left=left, right=0.95, bottom=0.6, top=0.8)
    places = np.arange(len(shown))
    for place, importance in zip(places.tolist(), shown, strict=True):
        if importance.low is not None and importance.high is not None:
            axes.hlines(place, importance.low, importance.high, colors=PALETTE[0], lw=1.4)
        axes.text(
            *(1.02, place),
            f"{0.0 - round(100 * importance.accuracy, 2):+.2f}",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
        )
    axes.plot([importance.loss for importance in shown], places, "o", color=PALETTE[0], ms=5)
    axes.axvline(0.0, color=INK, lw=0.8)
    axes.text(1.02, -0.9, "accuracy (%)", transform=axes.get_yaxis_transform(), fontsize=8)
    axes.set_yticks(places, labels)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("rise of the loss when the column is shuffled (nats)")
    left_out = len(importances) - len(shown)
    rest = f"; the {_MOST_COLUMNS} most important of {len(importances)} columns" if left_out else ""
    titled(axes, shorten(title, 57), note + rest)
    return figure


@in_style
def figure_shares(shares: Mapping[str, float], *, title: str = "", note: str = "") -> Figure:
    """A bar for each setting, as long as its share of what matters, the largest on top.

    Parameters
    ----------
    shares
        By what is written beside them, of 1 together.
    note
        Put under the title, for instance what was left out.
    """
    names = sorted(shares, key=lambda name: -shares[name])[:_MOST_COLUMNS]
    labels = shorten_all(names, _LONGEST_NAME)
    values = [100.0 * shares[name] for name in names]
    left = max(0.9, text_width(labels, 9.0) + 0.25)
    height = max(1.4 + _STEP * len(names), 2.4)
    width = max(left + 5.0, text_width([note], 9.0) + left)
    figure, axes = new_figure(width, height, left=left, right=0.5, bottom=0.6, top=0.7)
    places = np.arange(len(names))
    axes.barh(places, values, 0.62, color=PALETTE[0])
    for place, value in zip(places.tolist(), values, strict=True):
        axes.text(value, place, f" {value:.0f}", va="center", fontsize=8)
    axes.set_yticks(places, labels)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(values) * 1.08 or 1.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of how much the score varies with the settings (%)")
    titled(axes, shorten(title, 57), note)
    return figure


plot_importance = to_file(figure_importance)
plot_shares = to_file(figure_shares)
