"""The command plot, which draws the pictures of a run or a sweep once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.cli.choice import Best, TrialNumber, choose
from isolet_nn.terminal.completion import complete_run
from isolet_nn.terminal.options import one_of

_OF_RUNS = (
    *("curves", "confusion", "confusion-normalized", "reliability"),
    *("roc", "precision-recall", "speakers", "importance", "weights"),
    *("boundary", "inspection"),
)
_OF_SWEEPS = ("heatmap", "boxplot", "line", "scatter", "history", "parallel", "contour", "epochs")
"""Kinds of pictures, named here too as loading what draws them would take its time."""


def plot(
    folder: Annotated[
        Path, typer.Argument(help="A run's or a sweep's folder.", autocompletion=complete_run)
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help=(
                f"Of a run: {', '.join(_OF_RUNS)}. Of a sweep: {', '.join(_OF_SWEEPS)}, and "
                "importance too."
            ),
            **one_of("--kind", *_OF_RUNS, *_OF_SWEEPS) | {"metavar": "KIND"},
        ),
    ] = None,
    x: Annotated[
        str | None, typer.Option("--x", metavar="KEY", help="Varied key along the bottom.")
    ] = None,
    y: Annotated[
        str | None,
        typer.Option("--y", metavar="KEY", help="Varied key up the side, or one line each."),
    ] = None,
    panels: Annotated[
        str | None, typer.Option("--panels", metavar="KEY", help="Varied key, a heat map each.")
    ] = None,
    value: Annotated[
        str | None, typer.Option("--value", metavar="METRIC", help="What is drawn.")
    ] = None,
    trial: TrialNumber = None,
    best: Best = False,
) -> None:
    """Draw a run's or a sweep's pictures once more; prints the files written.

    Options draw one kind of a run's pictures, or another one of a sweep from the same results.
    Importance is computed first: each column is shuffled five times, and the model asked again.
    """
    from isolet_nn.results.redraw import redraw
    from isolet_nn.sweeps.redraw import PlotChoice
    from isolet_nn.terminal.streams import print_line, print_message

    choice = PlotChoice(kind, x, y, panels, value)
    chosen = choose(folder, trial, best)
    for path in redraw(chosen, None if choice == PlotChoice() else choice, print_message):
        print_line(path)
