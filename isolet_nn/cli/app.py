"""The command ``isolet-nn``, put together from one file a group of commands.

A command parses, calls the API and prints. It imports what it needs when it runs, so that
``--help`` is quick.
"""

from __future__ import annotations

import logging
import os
from typing import Annotated, Any

import typer

from isolet_nn.benchmarks import commands as bench
from isolet_nn.cli import (
    board,
    comparing,
    configs,
    data,
    lesson,
    models,
    pages,
    results,
    runs,
    sweeps,
    tracking,
    training,
)
from isolet_nn.reproduction import commands as reproduce
from isolet_nn.system import interrupts
from isolet_nn.system.standard_streams import open_closed_streams, settle_streams
from isolet_nn.terminal import endings
from isolet_nn.terminal.commands import App, Group


class _Interruptible(Group):
    """A group of which every command says when Ctrl-C ended it."""

    def invoke(self, ctx: Any) -> Any:
        interrupts.interrupts_raise()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # of which typer would say nothing
            endings.exit_interrupted()


app = App(
    cls=_Interruptible,
    name="isolet-nn",
    help="Neural-network experiments from YAML files: metrics, plots and weights in a run folder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(training.train)
app.command("eval")(training.evaluate)
app.command()(training.xor)
app.command()(lesson.lesson)
app.command()(sweeps.sweep)
app.command()(models.predict)
app.command()(models.export)
app.command()(results.plot)
app.command()(comparing.compare)
app.command()(board.board)
app.command()(pages.page)
app.command()(tracking.track)
app.command()(configs.schema)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.add_typer(configs.app, name="configs")
app.add_typer(bench.app, name="bench")
app.add_typer(reproduce.app, name="reproduce")


def _print_version(value: bool) -> None:
    if value:
        from isolet_nn.version import __version__

        typer.echo(f"isolet-nn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            callback=endings.set_debug,
            expose_value=False,  # every command takes it too
            help="Show the traceback of an error.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; errors a user can cause end without a traceback."""
    open_closed_streams()
    settle_streams()
    # Looking through all installed packages for plug-ins, of which none is used, takes time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Matplotlib warns of a home folder without room for its fonts, which concerns nobody here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    endings.run_to_its_end(app)
