"""The pictures of the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isolet_nn.baselines.mistakes import Mistakes
from isolet_nn.plots import Band, plot_confusion_matrix, plot_lines
from isolet_nn.system.folders import PLOTS

_MOST_LINES = 10


def draw_plots(folder: Path, mistakes: Mistakes) -> dict[str, Path]:
    """Draw the network's confusions, and how few speakers make how many errors; files by name.

    Of more lines than can be told apart, those of adapted models are left out.
    """
    network = mistakes.contestants[mistakes.network]
    matrix, cumulative = folder / PLOTS / "confusions.png", folder / PLOTS / "cumulative.png"
    plot_confusion_matrix(
        mistakes.confusion_matrix(), matrix, mistakes.rows.classes, title=network.label
    )
    shares = mistakes.cumulative()
    drawn = list(enumerate(mistakes.contestants))
    if len(drawn) > _MOST_LINES:
        drawn = [(number, one) for number, one in drawn if not one.is_adapted]
    places = np.arange(len(mistakes.speakers) + 1).tolist()
    plot_lines(
        {
            contestant.label: Band(places, [0.0, *(100.0 * shares[number]).tolist()])
            for number, contestant in drawn
        },
        cumulative,
        x_name="speakers, each model's worst first",
        value_name="share of the errors (%)",
        title="errors on the test set",
    )
    return {"confusions": matrix, "cumulative": cumulative}
