"""The command page: what a browser shows of runs and sweeps, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.cli.choice import Best, TrialNumbers, choose_all
from isolet_nn.terminal.completion import complete_run_or_sweep


def page(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="A run or a sweep; or several runs, which are shown side by side.",
            autocompletion=complete_run_or_sweep,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The page; page.html in the folder of the run or the sweep, for several runs "
            "comparison.html in the current one.",
        ),
    ] = None,
    trials: TrialNumbers = None,
    best: Best = False,
) -> None:
    """Write what a browser shows of a run, a sweep or several runs as one HTML file; prints it.

    Charts are in it, and all else that it needs: it opens without a network, and can be sent.
    """
    from isolet_nn.pages.page import write_page
    from isolet_nn.terminal.streams import print_line

    chosen = choose_all(folders, trials or [], best) if trials or best else folders
    print_line(write_page(chosen, output))
