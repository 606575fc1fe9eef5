"""What there is to train on: data sets, and the configs that come with the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table

from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import print_pairs
from isolet_nn.terminal.words import number

if TYPE_CHECKING:
    from isolet_nn.config.shipped import ShippedConfig
    from isolet_nn.data.kind import DatasetInfo


def print_datasets(infos: Sequence[DatasetInfo]) -> None:
    """Print a table of data sets."""
    table = Table(
        "name", "rows", "features", "classes", Column("what, and where it lies", overflow="fold")
    )
    separator = "\n" if RESULTS.is_terminal else "; "
    for info in infos:
        table.add_row(
            info.name,
            number(info.rows),
            number(info.features),
            number(None if info.classes is None else len(info.classes)),
            f"{info.description}{separator}{info.source}",
        )
    RESULTS.print(table)


def print_dataset(info: DatasetInfo) -> None:
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
    print_pairs({name: str(value) for name, value in lines.items() if value is not None})


def print_configs(configs: Sequence[ShippedConfig]) -> None:
    """Print names and first lines of the shipped configs, by the command that runs them."""
    for command in ("train", "sweep", "reproduce report"):
        RESULTS.print(f"for isolet-nn {command}:")
        print_pairs({c.name: c.description for c in configs if c.command == command})
