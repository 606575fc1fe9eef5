"""The commands of `isolet-nn data`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isolet_nn.cli.settings import read_dataset_section
from isolet_nn.errors import ConfigError
from isolet_nn.terminal.commands import App
from isolet_nn.terminal.completion import complete_dataset
from isolet_nn.terminal.options import AsJson, DataDir, Label, Set, TableFormat

if TYPE_CHECKING:
    from isolet_nn.config.datasets import DatasetConfig
    from isolet_nn.data.kind import DatasetInfo
    from isolet_nn.terminal.printer import Printer


app = App(no_args_is_help=True, help="Data sets: what there is, and where it lies.")


@app.command("list")
def data_list(as_json: AsJson = False, table_format: TableFormat = None) -> None:
    """List the data sets there are, and where they lie."""
    from isolet_nn.data import catalog
    from isolet_nn.terminal.catalog import print_datasets
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.streams import print_json

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
        typer.Argument(
            help="isolet, digits, ..., csv or openml; or a table (.csv, .tsv, .parquet).",
            autocompletion=complete_dataset,
        ),
    ],
    label: Label = None,
    settings: Set = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """Show one data set: rows, features, classes, speakers, checksum and its verdict.

    Of a table all columns are shown, what is doubtful, and a config that trains on it.
    """
    from isolet_nn.config.tables import NO_TABLE, is_table
    from isolet_nn.data import catalog
    from isolet_nn.terminal.printer import Printer

    printer = Printer.asked_for(table_format, as_json=as_json)
    if is_table(name):
        section = read_dataset_section("csv", settings, data_dir, {"path": name, "label": label})
        _show_table(name, section, as_json, printer)
    elif Path(name).is_file():
        raise ConfigError(f"{name}: {NO_TABLE}")
    else:
        section = read_dataset_section(name, settings, data_dir, {"label": label})
        _show_dataset(catalog.describe(section), as_json, printer)


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
    from isolet_nn.terminal.printer import Printer

    printer = Printer.asked_for(table_format, as_json=as_json)
    info = catalog.fetch(read_dataset_section(name, settings, data_dir))
    _show_dataset(info, as_json, printer)


def _show_table(path: str, config: DatasetConfig, as_json: bool, printer: Printer) -> None:
    from isolet_nn.config.datasets import CsvDataset
    from isolet_nn.data.advice import advise
    from isolet_nn.data.inspection import inspect
    from isolet_nn.terminal.inspection import inspection_json, print_inspection
    from isolet_nn.terminal.streams import print_json

    assert isinstance(config, CsvDataset)
    table = inspect(config)
    advice = advise(table, path)
    if as_json:
        print_json(inspection_json(table, advice))
    else:
        print_inspection(table, advice, printer)


def _show_dataset(info: DatasetInfo, as_json: bool, printer: Printer) -> None:
    from isolet_nn.terminal.catalog import print_dataset
    from isolet_nn.terminal.streams import print_json

    if as_json:
        print_json(asdict(info))
    else:
        print_dataset(info, printer)
