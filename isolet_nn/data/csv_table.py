"""Tables of the user's own, from files with a class column.

Classes are sorted by number where all of them are whole numbers, else by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.cells import Block, Numbers, Words
from isolet_nn.data.columns import (
    MAX_NUMBERS,
    MISSING,
    BadCells,
    column_error,
    encode,
    number_classes,
    position_of,
    raw_dataset,
    refuse_to_drop,
    require_names,
)
from isolet_nn.data.csv_text import file_checksum
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.reading import TableFormat, bad_number, open_table, ragged_row
from isolet_nn.data.table import Kind, listing
from isolet_nn.errors import ConfigError, DataError

_HEADER_HINT = "; if this line names the columns, set dataset.header: true"


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
        }
    )
    parsed = cache.get_or_build(
        "csv",
        [*(str(path.resolve()) for _, path in files), settings],
        state,
        lambda: _parse_files([path for _, path in files], config),
    )
    source = " and ".join(str(path) for _, path in files)
    return raw_dataset("csv", parsed, source, config.many_classes)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """One file: x (n, n_features), and label, group and line number of each row."""

    path: Path
    columns: tuple[str, ...]
    features: list[str]
    x: NDArray[np.float64]
    labels: list[str]
    groups: list[str] | None
    group_name: str | None
    lines: NDArray[np.int64]


def _parse_files(paths: list[Path], config: CsvDataset) -> ParsedData:
    train = _read_sheet(paths[0], config)
    x, labels, groups, n_train = train.x, train.labels, train.groups, None
    if len(paths) > 1:
        test = _read_sheet(paths[1], config)
        _require_same_columns(train, test)
        _require_known_classes(train, test)
        x, labels = np.concatenate([x, test.x]), labels + test.labels
        groups = None if groups is None or test.groups is None else groups + test.groups
        n_train = len(train.lines)
    return number_classes(
        x, train.features, labels, groups, train.group_name, n_train, str(train.path)
    )


def _require_same_columns(train: _Sheet, test: _Sheet) -> None:
    if train.columns == test.columns:
        return
    if len(train.columns) != len(test.columns):
        raise DataError(
            f"{test.path}: found {len(test.columns)} columns, expected the {len(train.columns)} "
            f"of {train.path}"
        )
    pairs = zip(train.columns, test.columns, strict=True)
    position, (expected, found) = next((i, p) for i, p in enumerate(pairs) if p[0] != p[1])
    raise DataError(
        f"{test.path}: column {position}: found {found!r}, expected {expected!r} as in {train.path}"
    )


def _require_known_classes(train: _Sheet, test: _Sheet) -> None:
    known = set(encode(train.labels)[0]) | set(train.labels)
    for label, line in zip(test.labels, test.lines, strict=True):
        if label not in known and encode([label])[0][0] not in known:
            raise DataError(f"{test.path}:{line}: class {label!r} does not occur in {train.path}")


def _read_sheet(path: Path, config: CsvDataset) -> _Sheet:
    how = table_format(config)
    with open_table(path, how) as table:
        layout = _Layout.of(path, table.columns, config)
        taken = _SheetRows(layout, config, how)
        for block in table.blocks(layout.kinds):
            taken.take(block)
            if taken.n * len(layout.features) > MAX_NUMBERS:
                raise DataError(f"{path}: holds more than {MAX_NUMBERS:,} numbers")
    if taken.bad:
        columns = layout.columns if config.header else range(len(layout.columns))
        raise DataError(taken.bad.message(table.before_row, columns, layout.features))
    if not taken.n:
        raise DataError(f"{path}: holds no rows below the names of the columns")
    return _Sheet(
        path,
        layout.columns,
        [layout.columns[position] for position in layout.features],
        taken.features(),
        taken.names_of(layout.label),
        None if layout.group is None else taken.names_of(layout.group),
        None if layout.group is None else layout.columns[layout.group] or str(layout.group),
        np.concatenate(taken.lines),
    )


def table_format(config: CsvDataset) -> TableFormat:
    """How a table is written that a config describes."""
    return TableFormat(
        config.delimiter,
        config.decimal,
        config.encoding,
        config.header,
        tuple(config.na_values),
    )


@dataclass(frozen=True)
class _Layout:
    """What the columns are, by position."""

    columns: tuple[str, ...]
    label: int
    group: int | None
    features: list[int]

    @classmethod
    def of(cls, path: Path, columns: tuple[str, ...], config: CsvDataset) -> _Layout:
        label = _column(path, columns, config.label, config.header, "label")
        group = None
        if config.group is not None:
            group = _column(path, columns, config.group, config.header, "group")
            if group == label:
                raise ConfigError(f"dataset.group: column {columns[group]!r} is the label already")
        dropped = {
            _column(path, columns, wanted, config.header, "columns.drop")
            for wanted in config.columns.drop
        }
        for role, position in (("label", label), ("group", group)):
            if position in dropped:
                refuse_to_drop(columns[position], role)
        features = [i for i in range(len(columns)) if i not in {label, group, *dropped}]
        if config.header:
            require_names(str(path), columns, features, names_columns=False)
            _require_different_names(path, columns, features)
        if not features:
            raise DataError(
                f"{path}: found no features, only {len(columns)} columns: {listing(columns)}; "
                f"is {table_format(config).delimiter_of(path)!r} the right dataset.delimiter?"
            )
        return cls(columns, label, group, features)

    @property
    def names(self) -> list[int]:
        """The columns that name a class or group."""
        return [self.label] if self.group is None else [self.label, self.group]

    @property
    def kinds(self) -> dict[int, Kind]:
        """What the cells of each column are read as."""
        kinds: dict[int, Kind] = dict.fromkeys(self.features, "numeric")
        return kinds | dict.fromkeys(self.names, "categorical")


def _require_different_names(path: Path, columns: Sequence[str], features: list[int]) -> None:
    """Refuse features that have the name of another column."""
    seen: dict[str, int] = {}
    for position, name in enumerate(columns):
        before = seen.setdefault(name, position)
        if before != position and (before in features or position in features):
            raise DataError(
                f"{path}: columns {before} and {position} are both named {name!r}; if the first "
                "line holds data, set dataset.header: false"
            )


def _column(path: Path, columns: Sequence[str], wanted: str | int, header: bool, key: str) -> int:
    """Position of the column that ``dataset.<key>`` names."""
    if isinstance(wanted, int):
        if not -len(columns) <= wanted < len(columns):
            is_name = header and str(wanted) in columns
            hint = f"; the column of that name is written in quotes: '{wanted}'" if is_name else ""
            raise ConfigError(
                f"dataset.{key}: found position {wanted}, but {path} has {len(columns)} columns: "
                f"0 to {len(columns) - 1}, or -1 to -{len(columns)} from the end{hint}"
            )
        return wanted % len(columns)
    if not header:
        raise ConfigError(
            f"dataset.{key}: found the name {wanted!r}, but without a header columns have "
            f"positions only: 0 to {len(columns) - 1}"
        )
    return position_of(str(path), columns, wanted, f"dataset.{key}")


class _SheetRows:
    """The rows of a sheet, taken block by block; what is wrong with them is collected."""

    def __init__(self, layout: _Layout, config: CsvDataset, how: TableFormat) -> None:
        self.layout, self.config, self.how = layout, config, how
        self.n = 0
        self.lines: list[NDArray[np.int64]] = []
        self.bad = BadCells()
        self._x = np.empty((0, len(layout.features)))
        self._names: dict[int, list[str]] = {}

    def take(self, block: Block) -> None:
        """Add rows, and what is wrong with them."""
        for line, width in block.ragged:
            says = ragged_row(width, len(self.layout.columns)) + self._ragged(width)
            self.bad.add(-1, "cells", line, says)
        rows = self._room(len(block))
        is_first = not self.lines
        self.lines.append(block.lines)
        for i, position in enumerate(self.layout.features):
            cells = block.cells[position]
            assert isinstance(cells, Numbers)
            rows[:, i] = cells.values
            self._note_numbers(position, block, cells, is_first)
        for position in self.layout.names:
            names = block.cells[position]
            assert isinstance(names, Words)
            self._names.setdefault(position, []).extend(names.words[c] for c in names.codes)
            self._note_names(position, block, names)

    def _room(self, rows: int) -> NDArray[np.float64]:
        """Place for the features of rows more (rows, n_features)."""
        self.n += rows
        if self.n > len(self._x):
            # Large arrays are not copied for it; more than is needed costs memory.
            self._x.resize((self.n + self.n // 16, self._x.shape[1]), refcheck=False)
        return self._x[self.n - rows : self.n]

    def features(self) -> NDArray[np.float64]:
        """The features (n, n_features)."""
        self._x.resize((self.n, self._x.shape[1]), refcheck=False)
        return self._x

    def names_of(self, position: int) -> list[str]:
        """Label or group of each row."""
        return self._names[position]

    def _note_names(self, position: int, block: Block, cells: Words) -> None:
        for code, word in enumerate(cells.words):
            if word.lower() not in self.how.missing_names:
                continue
            says = MISSING
            if word:
                kept = [w for w in self.config.na_values if w.strip().lower() != word.lower()]
                says += (
                    f" (found {word!r}; if that is a name, set dataset.na_values: "
                    f"[{', '.join(map(repr, kept))}])"
                )
            rows = np.flatnonzero(cells.codes == code)
            line = int(block.lines[rows[0]])
            says = column_error(self.layout.columns[position], says)
            self.bad.add(position, "name", line, says, len(rows))

    def _note_numbers(self, position: int, block: Block, cells: Numbers, is_first: bool) -> None:
        column = self.layout.columns[position]
        decimal = self.config.decimal
        if cells.missing is not None:
            row, cell = cells.missing
            says = f"{MISSING} (found {cell[:60]!r})"
            count = int(np.isnan(cells.values).sum()) - len(cells.bad)
            line = int(block.lines[row])
            self.bad.add(position, MISSING, line, column_error(column, says), count)
        for row, cell in cells.bad.items():
            says = bad_number(cell, decimal)
            if is_first and row == 0 and not self.config.header:
                says += _HEADER_HINT
            self.bad.add(position, "number", int(block.lines[row]), column_error(column, says))

    def _ragged(self, cells: int) -> str:
        if self.config.header and cells == len(self.layout.columns) + 1:
            return " (do rows begin with a number or name that the header has no name for?)"
        return ""


_OUTLINE = DatasetInfo(
    "csv", "any table in a text file", "the file dataset.path names", available=False
)


def _describe(config: CsvDataset) -> DatasetInfo:
    return with_data(DatasetInfo("csv", "a table in a text file", config.path, True), load(config))


KIND = DatasetKind(load, lambda: [_OUTLINE], _describe)
