"""The command track: trackers hear of what they missed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.errors import TrackingError
from isolet_nn.terminal.completion import complete_run
from isolet_nn.terminal.options import Track


def track(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders of runs and sweeps.", autocompletion=complete_run
        ),
    ],
    track: Track = None,
) -> None:
    """Send trackers what they missed of runs and sweeps; what they have is not sent again."""
    from isolet_nn.terminal.streams import print_error, print_line
    from isolet_nn.tracking.later import send_missed

    failed = False
    for folder in folders:
        for tracker, error in send_missed(folder, track):
            if error is None:
                print_line(f"{folder}: {tracker.name} has everything ({tracker.where})")
            else:
                print_error(f"{folder}: {tracker.name}: {error}")
                failed = True
    if failed:
        raise typer.Exit(TrackingError.exit_code)
