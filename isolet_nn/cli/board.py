"""The command board, which shows runs and sweeps in the browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.errors import one_line
from isolet_nn.terminal.options import whole

_HOST, _PORT = "localhost", 8617


def board(
    runs_dir: Annotated[Path, typer.Argument(help="Where runs and sweeps lie.")] = Path("runs"),
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="NAME",
            help="Name or address of this machine to answer at. Any but localhost is for other "
            "machines too, and then the link has a token.",
        ),
    ] = _HOST,
    port: Annotated[
        int,
        typer.Option("--port", help="0 takes one that is free.", **whole("--port", 0, 65535)),
    ] = _PORT,
    token: Annotated[
        bool,
        typer.Option("--token", help="Ask for a token at localhost too, for others log in here."),
    ] = False,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the link only: open no browser.")
    ] = False,
) -> None:
    """Show runs and sweeps in the browser, live while they train, until Ctrl-C.

    They are only read, and nothing leaves this machine.
    """
    from isolet_nn.board.serving import open_board, open_browser
    from isolet_nn.terminal.streams import print_line, print_message, print_warning

    opened = open_board(runs_dir, host, port, with_token=token, tell=print_warning)
    if not opened.is_local:
        print_message(
            "other machines can reach it: whoever has the link sees the runs, and so may who "
            "listens on the network between, as it is not encrypted"
        )
    print_message(f"{one_line(runs_dir)}: shown at this address until Ctrl-C")
    print_line(opened.link)
    sys.stdout.flush()
    # Others who log in here can read with what a browser was started.
    if not (no_open or opened.needs_token):
        open_browser(opened.link)
    opened.serve()
