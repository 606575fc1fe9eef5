"""The commands of `isolet-nn configs`, and schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.terminal.commands import App
from isolet_nn.terminal.completion import complete_config
from isolet_nn.terminal.options import TableFormat

app = App(
    invoke_without_command=True,
    help="The configs that come with isolet-nn: list, or copy one.",
)


@app.callback()
def configs(context: typer.Context) -> None:
    """List the configs that come with isolet-nn."""
    if context.invoked_subcommand is None:
        configs_list()


@app.command("list")
def configs_list(table_format: TableFormat = None) -> None:
    """List the configs that come with isolet-nn, as `configs` alone does."""
    from isolet_nn.config.shipped import list_configs
    from isolet_nn.terminal.catalog import print_configs
    from isolet_nn.terminal.printer import Printer

    print_configs(list_configs(), Printer.asked_for(table_format))


@app.command("copy")
def configs_copy(
    name: Annotated[
        str, typer.Argument(help="Name of a shipped config.", autocompletion=complete_config)
    ],
    to: Annotated[Path | None, typer.Argument(help="File or folder; the current one.")] = None,
) -> None:
    """Copy a shipped config for editing; prints where it lies."""
    from isolet_nn.config.shipped import copy_config
    from isolet_nn.terminal.streams import print_line

    print_line(copy_config(name, to))


def schema() -> None:
    """Print the JSON Schema of an experiment file, for completion in an editor."""
    from isolet_nn.config.experiment import json_schema
    from isolet_nn.terminal.streams import print_json

    print_json(json_schema())
