"""The commands of `isolet-nn data`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from isolet_nn.cli.settings import read_dataset_section
from isolet_nn.terminal.commands import App
from isolet_nn.terminal.completion import complete_dataset
from isolet_nn.terminal.options import AsJson, DataDir, Set, TableFormat

if TYPE_CHECKING:
    from isolet_nn.data.kind import DatasetInfo
    from isolet_nn.terminal.tables import Printer


app = App(no_args_is_help=True, help="Data sets: what there is, and where it lies.")


@app.command("list")
def data_list(as_json: AsJson = False, table_format: TableFormat = None) -> None:
    """List the data sets there are, and where they lie."""
    from isolet_nn.data import catalog
    from isolet_nn.terminal.catalog import print_datasets
    from isolet_nn.terminal.streams import print_json
    from isolet_nn.terminal.tables import Printer

    printer = Printer.asked_for(table_format, as_json=as_json)
    infos = catalog.describe_all()
    if as_json:
        print_json([asdict(info) for info in infos])
    else:
        print_datasets(infos, printer)


@app.command("show")
def data_show(
    name: Annotated[
        str,
        typer.Argument(help="isolet, digits, ..., csv or openml.", autocompletion=complete_dataset),
    ],
    settings: Set = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """Show one data set: rows, features, classes, speakers, checksum and its verdict."""
    from isolet_nn.data import catalog
    from isolet_nn.terminal.tables import Printer

    printer = Printer.asked_for(table_format, as_json=as_json)
    info = catalog.describe(read_dataset_section(name, settings, data_dir))
    _show_dataset(info, as_json, printer)


@app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="openml; all others are there already.")],
    settings: Set = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """Download a data set unless it is there, check it, and show it."""
    from isolet_nn.data import catalog
    from isolet_nn.terminal.tables import Printer

    printer = Printer.asked_for(table_format, as_json=as_json)
    info = catalog.fetch(read_dataset_section(name, settings, data_dir))
    _show_dataset(info, as_json, printer)


def _show_dataset(info: DatasetInfo, as_json: bool, printer: Printer) -> None:
    from isolet_nn.terminal.catalog import print_dataset
    from isolet_nn.terminal.streams import print_json

    if as_json:
        print_json(asdict(info))
    else:
        print_dataset(info, printer)
