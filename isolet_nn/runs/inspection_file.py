"""inspection.csv, written and read: a row an epoch, network and layer, as they were trained.

Its columns are the attributes of :class:`~isolet_nn.training.inspector.LayerInspection`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from isolet_nn.errors import RunError, short_repr
from isolet_nn.runs.growing import read_growing
from isolet_nn.system.csv_tables import csv_line, csv_text
from isolet_nn.system.files import errors_name, write_text
from isolet_nn.system.folders import INSPECTION
from isolet_nn.training.inspector import LayerInspection

_COLUMNS = tuple(field.name for field in fields(LayerInspection))
_DIGITS = 10
"""Epochs, networks, layers and units have no more."""


def read_inspection(folder: str | Path) -> list[LayerInspection]:
    """What was seen of a run's networks; nothing where it was not inspected.

    Of a run that is in training, whole epochs only.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    return read_growing(Path(folder) / INSPECTION, _read)


def start_inspection(folder: Path, epochs: int = 0, source: Path | None = None) -> None:
    """Begin the file anew, with the first epochs of what is there, or in another folder.

    Raises
    ------
    RunError
        If they are not there.
    """
    source = folder if source is None else source
    records = [record for record in read_inspection(source) if record.epoch <= epochs]
    found = records[-1].epoch if records else 0
    if found != epochs:
        raise RunError(
            f"{source / INSPECTION}: found {found} of the {epochs} epochs that "
            "checkpoint.safetensors goes on from; remove that to begin anew"
        )
    write_text(folder / INSPECTION, csv_text(_COLUMNS, map(astuple, records)))


def append_inspection(folder: Path, records: Iterable[LayerInspection]) -> None:
    """Append one epoch and hand it to the operating system."""
    path = folder / INSPECTION
    with errors_name(path), path.open("a", encoding="utf-8") as file:
        file.write("".join(csv_line(astuple(record)) for record in records))


def _read(text: str) -> list[LayerInspection]:
    """The records of all lines, which must be complete, but for an epoch that is not."""
    if not text:
        return []
    header, *lines = text.removesuffix("\n").split("\n")
    if header != ",".join(_COLUMNS):
        raise ValueError(f"found the columns {short_repr(header)}")
    records = [_record(line) for line in lines]
    places = [(r.network, r.layer) for r in records if r.epoch == 1]
    for number, record in enumerate(records):
        epoch, place = divmod(number, max(1, len(places)))
        found = record.epoch, (record.network, record.layer)
        if found != (epoch + 1, places[place] if places else None):
            raise ValueError(f"found epoch {found[0]}, network and layer {found[1]} out of order")
    return records[: len(records) - len(records) % max(1, len(places))]


def _record(line: str) -> LayerInspection:
    cells = line.split(",")
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"found {short_repr(line)}, expected {len(_COLUMNS)} cells")
    values = {
        column: _READERS.get(column, _number)(cell)
        for column, cell in zip(_COLUMNS, cells, strict=True)
    }
    return LayerInspection(**values)


def _whole(cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) <= _DIGITS):
        raise ValueError(f"found {short_repr(cell)}, expected a whole number")
    return int(cell)


def _number(cell: str) -> float | None:
    if cell == "":
        return None
    try:
        number = float(cell) if cell.isascii() else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"found {short_repr(cell)}, expected a number")
    return number


def _word(cell: str) -> str:
    if not (cell.isascii() and cell.isidentifier()):
        raise ValueError(f"found {short_repr(cell)}, expected the name of an activation function")
    return cell


_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("epoch", "network", "layer", "units"), _whole),
    "activation": _word,
    "dead_units": lambda cell: None if cell == "" else _whole(cell),
}
