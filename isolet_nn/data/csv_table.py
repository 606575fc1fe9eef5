"""Tables of the user's own, from files with a class column.

Classes are sorted by number where all of them are whole numbers, else by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.config.tables import is_parquet
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.categories import require_categories
from isolet_nn.data.columns import (
    MAX_NUMBERS,
    BadCells,
    Gaps,
    Names,
    encode,
    number_classes,
    raw_dataset,
    refuse_bad_cells,
)
from isolet_nn.data.csv_text import file_checksum
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.layout import Layout, is_a_row, table_format
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.reading import TableFormat, before_row, likely_kinds, open_table
from isolet_nn.data.sheet import SheetRows
from isolet_nn.data.table import Kind, Table, joined, listing
from isolet_nn.errors import DataError


def load(config: CsvDataset) -> RawDataset:
    """Read a table from a text file, and its test part from a second one if there is one.

    Raises
    ------
    DataError
        If a file is missing or unreadable, or cells are not what they should be: names file, line
        and column of the first in each column.
    ConfigError
        If a column is named that does not exist.
    """
    paths = [("dataset.path", config.path)]
    if config.test_path is not None:
        paths.append(("dataset.test_path", config.test_path))
    files = [(key, Path(path).expanduser()) for key, path in paths]
    state = [file_checksum(key, path) for key, path in files]
    settings = config.model_dump(
        include={
            "label",
            "header",
            "delimiter",
            "decimal",
            "encoding",
            "na_values",
            "group",
            "columns",
        },
        exclude={"columns": {"min_frequency"}},
    )
    parsed = cache.get_or_build(
        "csv",
        [*(str(path.resolve()) for _, path in files), settings],
        state,
        lambda: _parse_files([path for _, path in files], config),
    )
    source = " and ".join(str(path) for _, path in files)
    raw = raw_dataset(config, parsed, source, [before_row(path) for _, path in files])
    _require_header(config, raw, files[0][1])
    paths_read = [path for _, path in files]
    return replace(raw, place_of=partial(_place_of, paths_read, table_format(config)))


def _place_of(paths: Sequence[Path], how: TableFormat, row: int) -> str | None:
    """File and line of a row, found by reading again; None if the files are others by now."""
    try:
        for path in paths:
            with open_table(path, how) as table:
                for block in table.blocks({0: "categorical"}):
                    if row < len(block):
                        return f"{table.before_row}{block.lines[row]}"
                    row -= len(block)
    except DataError:
        pass
    return None


@dataclass(frozen=True, eq=False)
class _Sheet:
    """One file: its features, and label, group and line number of each row."""

    path: Path
    layout: Layout
    kinds: Mapping[int, Kind]
    table: Table
    gaps: BadCells
    labels: list[str]
    groups: list[str] | None
    lines: NDArray[np.int64]


def _parse_files(paths: list[Path], config: CsvDataset) -> ParsedData:
    train = _read_sheet(paths[0], config)
    sheets, layout = [train], train.layout
    if len(paths) > 1:
        test = _read_sheet(paths[1], config, train.kinds, train)
        _require_known_classes(train, test)
        sheets.append(test)
    table = joined([sheet.table for sheet in sheets])
    named = [layout.columns[i] for i, kind in layout.named.items() if kind == "categorical"]
    require_categories(str(train.path), table.columns, len(table), named)
    group = None
    if layout.group is not None:
        groups = [name for sheet in sheets for name in sheet.groups or ()]
        group = Names(layout.name_of(layout.group), groups)
    return number_classes(
        table,
        Names(layout.name_of(layout.label), [name for sheet in sheets for name in sheet.labels]),
        group,
        Gaps([sheet.gaps for sheet in sheets], layout.as_named, layout.features),
        len(train.table) if len(sheets) > 1 else None,
        str(train.path),
    )


def _require_header(config: CsvDataset, raw: RawDataset, path: Path) -> None:
    """Refuse a file whose first line is one more row, unless the config says that it is none."""
    if not config.header or "header" in config.model_fields_set or is_parquet(path.name):
        return
    values = [column.categories if column.kind == "categorical" else None for column in raw.columns]
    names, is_number = [c.name for c in raw.columns], table_format(config).numbers.is_number
    if raw.label is not None and is_a_row(names, values, raw.label, raw.classes, is_number):
        where = "" if isinstance(config.label, int) else " and dataset.label to its position"
        raise DataError(
            f"{path}: the first line seems to be a row (found {listing(names)}, and "
            f"{listing([raw.label])} as the label, which is a class); set dataset.header: false"
            f"{where}; if these are names, set dataset.header: true"
        )


def _require_same_columns(train: _Sheet, path: Path, columns: tuple[str, ...]) -> None:
    if train.layout.columns == columns:
        return
    if len(train.layout.columns) != len(columns):
        raise DataError(
            f"{path}: found {len(columns)} columns, expected the {len(train.layout.columns)} of "
            f"{train.path}"
        )
    pairs = zip(train.layout.columns, columns, strict=True)
    position, (expected, found) = next((i, p) for i, p in enumerate(pairs) if p[0] != p[1])
    raise DataError(
        f"{path}: column {position}: found {found!r}, expected {expected!r} as in {train.path}"
    )


def _require_known_classes(train: _Sheet, test: _Sheet) -> None:
    known = set(encode(train.labels)[0]) | set(train.labels)
    for label, line in zip(test.labels, test.lines, strict=True):
        if label not in known and encode([label])[0][0] not in known:
            raise DataError(f"{test.path}:{line}: class {label!r} does not occur in {train.path}")


def _read_sheet(
    path: Path,
    config: CsvDataset,
    kinds: Mapping[int, Kind] | None = None,
    first: _Sheet | None = None,
) -> _Sheet:
    """Read a file, the second one as `first` was read."""
    how = table_format(config)
    if kinds is None:
        kinds = likely_kinds(path, how)
    with open_table(path, how) as table:
        if first is not None:
            _require_same_columns(first, path, table.columns)
        layout = Layout.of(path, table.columns, config)
        kinds = {i: layout.named.get(i, kinds[i]) for i in layout.features}
        taken = SheetRows(layout, kinds, config, how)
        for block in table.blocks(kinds | dict.fromkeys(layout.names, "categorical")):
            taken.take(block)
            if taken.n * len(layout.features) > MAX_NUMBERS:
                raise DataError(f"{path}: holds more than {MAX_NUMBERS:,} numbers")
        before = table.before_row
    taken.note_numbers_among_names()
    gaps = taken.bad.gaps(layout.features)
    refuse_bad_cells(taken.bad, gaps, config, before, layout.as_named, layout.features)
    if not taken.n:
        raise DataError(f"{path}: holds no rows below the names of the columns")
    return _Sheet(
        path,
        layout,
        kinds,
        taken.table(),
        gaps,
        taken.names_of(layout.label),
        None if layout.group is None else taken.names_of(layout.group),
        np.concatenate(taken.lines),
    )


_OUTLINE = DatasetInfo(
    "csv", "any table in a text or Parquet file", "the file dataset.path names", available=False
)


def _describe(config: CsvDataset) -> DatasetInfo:
    what = f"a table in a {'Parquet' if is_parquet(config.path) else 'text'} file"
    return with_data(DatasetInfo("csv", what, config.path, True), load(config))


KIND = DatasetKind(load, lambda: [_OUTLINE], _describe)
