"""The loss over the learning rate, as a range test measures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isolet_nn.plots.style import (
    INK,
    PALETTE,
    in_style,
    logarithmic,
    new_figure,
    short_text,
    shorten,
    titled,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ABOVE_THE_FIRST = 1.3
"""Times the first losses that the axis reaches: beyond, it is known that the training diverges."""


@dataclass(frozen=True)
class LossByRate:
    """Losses (n,) of the steps of a training whose learning rates (n,) rise."""

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]


@in_style
def figure_rates(
    measured: LossByRate, *, suggestion: float | None = None, title: str = "", note: str = ""
) -> Figure:
    """The loss of each step as a dot, smoothed as a line, the suggested rate as an upright."""
    figure, axes = new_figure(6.6, 4.25, left=0.75, right=0.25, bottom=0.6, top=0.7)
    losses = np.array(measured.losses, dtype=np.float64)
    smoothed = np.array(measured.smoothed, dtype=np.float64)
    axes.plot(measured.rates, losses, ".", color=PALETTE[0], ms=3, alpha=0.4, label="each step")
    axes.plot(measured.rates, smoothed, color=PALETTE[0], label="smoothed")
    known = losses[np.isfinite(losses)]
    if len(known):
        axes.set_ylim(0.0, _ABOVE_THE_FIRST * max(known[:10].max(), 1e-6))
    if suggestion is not None:
        label = f"suggested: {short_text(suggestion)}"
        axes.axvline(suggestion, color=INK, lw=1.0, ls="--", label=label)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss (nats)")
    logarithmic(axes.xaxis)
    axes.legend(loc="lower left")
    titled(axes, shorten(title, 60), note)
    return figure


plot_rates = to_file(figure_rates)
