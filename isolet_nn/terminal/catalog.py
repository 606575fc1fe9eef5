"""What there is to train on: data sets, and the configs that come with the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable

if TYPE_CHECKING:
    from isolet_nn.config.shipped import ShippedConfig
    from isolet_nn.data.kind import DatasetInfo


def print_datasets(infos: Sequence[DatasetInfo], printer: Printer = FOR_TERMINAL) -> None:
    """Print a table of data sets."""
    what, where = [info.description for info in infos], [info.source for info in infos]
    separator = "\n" if RESULTS.is_terminal else "; "
    columns = [
        PrintedColumn("name", [info.name for info in infos]),
        PrintedColumn("rows", [info.rows for info in infos]),
        PrintedColumn("features", [info.features for info in infos]),
        PrintedColumn("classes", [None if i.classes is None else len(i.classes) for i in infos]),
        PrintedColumn(
            "what, and where it lies",
            [*zip(what, where, strict=True)],
            separator.join,
            {"what": what, "where": where},
        ),
    ]
    printer.tables(PrintedTable(columns))


def print_dataset(info: DatasetInfo, printer: Printer = FOR_TERMINAL) -> None:
    """Print all that is known of one data set, a line each."""
    classes = None if info.classes is None else f"{len(info.classes)}: {' '.join(info.classes)}"
    groups = None if info.groups is None else f"{info.groups} ({info.group_name})"
    lines = {
        "name": info.name,
        "what": info.description,
        "where": info.source,
        "rows": info.rows,
        "training rows": info.train_rows,
        "test rows": info.test_rows,
        "features": info.features,
        "classes": classes,
        "groups": groups,
        "checksum": info.checksum,
        **{f"checksum of {part}": value for part, value in info.part_checksums.items()},
        "verdict": info.verdict,
        "licence": info.licence,
        "citation": info.citation,
    }
    known = {name: value for name, value in lines.items() if value is not None}
    printer.tables(_pairs("name", "value", known))


def print_configs(configs: Sequence[ShippedConfig], printer: Printer = FOR_TERMINAL) -> None:
    """Print names and first lines of the shipped configs, by the command that runs them."""
    commands = ("train", "sweep", "reproduce report")
    printer.tables(
        *(
            _pairs(
                *("config", "description"),
                {c.name: c.description for c in configs if c.command == command},
                f"for isolet-nn {command}",
            )
            for command in commands
        )
    )


def _pairs(name: str, what: str, pairs: Mapping[str, Any], title: str = "") -> PrintedTable:
    columns = [PrintedColumn(name, list(pairs)), PrintedColumn(what, list(pairs.values()), str)]
    return PrintedTable(columns, title, "pairs")
