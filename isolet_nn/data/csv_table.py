"""Tables of the user's own, from text files with a class column.

Classes are sorted by number where all of them are whole numbers, else by name.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
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
from isolet_nn.data.csv_text import file_checksum, open_text, rows_of
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import listing
from isolet_nn.errors import ConfigError, DataError, short_repr

# Of a feature they mean that there is no number; a class may well be called none.
_NO_NUMBER = {"", "na", "n/a", "nan", "null", "none", "?"}
_HEADER_HINT = "; if this line names the columns, set dataset.header: true"
_DELIMITERS = ",;\t|:"
_COMMA_NUMBER = re.compile(r"\s*[+-]?[0-9]+,[0-9]+\s*")


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
    """One text file: x (n, n_features), and label, group and line number of each row."""

    path: Path
    columns: list[str]
    features: list[str]
    x: NDArray[np.float64]
    labels: list[str]
    groups: list[str] | None
    group_name: str | None
    lines: Sequence[int]


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
    with open_text(path, config.encoding) as file:
        return _parse_sheet(path, file, config)


@dataclass(frozen=True)
class _Layout:
    """What the columns are, by position."""

    columns: list[str]
    label: int
    group: int | None
    features: list[int]

    @classmethod
    def of(cls, path: Path, first: list[str], config: CsvDataset) -> _Layout:
        _require_delimiter(path, first, config.delimiter)
        columns = [name.strip() for name in first]
        if not config.header:
            columns = [str(position) for position in range(len(first))]
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
                f"is {config.delimiter!r} the right dataset.delimiter?"
            )
        return cls(columns, label, group, features)


def _require_delimiter(path: Path, first: list[str], delimiter: str) -> None:
    """Refuse a line of one cell that another character divides."""
    if len(first) > 1:
        return
    counts = {sign: first[0].count(sign) for sign in _DELIMITERS if sign != delimiter}
    likely = max(counts, key=counts.__getitem__)
    if counts[likely]:
        name = "tab" if likely == "\t" else f"'{likely}'"
        raise DataError(
            f"{path}: divided at {delimiter!r}, its first line is one column, "
            f"{short_repr(first[0])}, which contains {counts[likely]} times {likely!r}; if that "
            f"divides the columns, set dataset.delimiter: {name}"
        )


def _require_different_names(path: Path, columns: list[str], features: list[int]) -> None:
    """Refuse features that have the name of another column."""
    seen: dict[str, int] = {}
    for position, name in enumerate(columns):
        before = seen.setdefault(name, position)
        if before != position and (before in features or position in features):
            raise DataError(
                f"{path}: columns {before} and {position} are both named {name!r}; if the first "
                "line holds data, set dataset.header: false"
            )


def _column(path: Path, columns: list[str], wanted: str | int, header: bool, key: str) -> int:
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


@dataclass
class _SheetRows:
    """The rows of a sheet, taken one by one; what is wrong with them is collected."""

    layout: _Layout
    config: CsvDataset
    first_line: int
    values: array[float] = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))
    bad: BadCells = field(default_factory=BadCells)
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.na = {"", *(word.strip().lower() for word in self.config.na_values)}

    def take(self, line: int, cells: list[str]) -> None:
        """Add a row, or what is wrong with it."""
        layout = self.layout
        if len(cells) != len(layout.columns):
            says = f"found {len(cells)} cells, expected {len(layout.columns)}{self._ragged(cells)}"
            self.bad.add(-1, "cells", line, says)
            return
        numbers = self._numbers([cells[i] for i in layout.features])
        label = self._name(line, layout.label, cells)
        group = "" if layout.group is None else self._name(line, layout.group, cells)
        if numbers is None:
            self._add_bad_numbers(line, cells)
        elif label is not None and group is not None:
            self.values.extend(numbers)
            self.labels.append(label)
            self.groups.append(group)
            self.lines.append(line)

    def _numbers(self, cells: list[str]) -> list[float] | None:
        if self.config.decimal == ",":
            if "." in "".join(cells):  # would be the sign between thousands
                return None
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            numbers = list(map(float, cells))
        except ValueError:
            return None
        if "_" in "".join(cells):  # Python's 1_000 is nobody else's
            return None
        # The sum is a quick look: it overflows of finite numbers, too.
        if not math.isfinite(sum(numbers)) and not all(map(math.isfinite, numbers)):
            return None
        return numbers

    def _name(self, line: int, column: int, cells: list[str]) -> str | None:
        name = cells[column].strip()
        if name.lower() not in self.na:
            return self.names.setdefault(name, name)  # one string for all rows of a class
        says = MISSING
        if name:
            kept = [word for word in self.config.na_values if word.lower() != name.lower()]
            says += (
                f" (found {name!r}; if that is a name, set dataset.na_values: "
                f"[{', '.join(map(repr, kept))}])"
            )
        self.bad.add(column, "name", line, column_error(self.layout.columns[column], says))
        return None

    def _add_bad_numbers(self, line: int, cells: list[str]) -> None:
        for i in self.layout.features:
            if self._numbers([cells[i]]) is None:
                self._add_bad_number(line, i, cells[i])

    def _add_bad_number(self, line: int, column: int, cell: str) -> None:
        """Note a cell of a feature that is no finite number."""
        missing = cell.strip().lower() in _NO_NUMBER | self.na
        if missing:
            says = f"{MISSING} (found {cell[:60]!r})"
        else:
            says = f"found {cell[:60]!r}, expected a finite number"
        if self.config.decimal == "." and _COMMA_NUMBER.fullmatch(cell):
            says += '; of decimal commas dataset.decimal: "," makes numbers'
        if not missing and not self.config.header and line == self.first_line:
            says += _HEADER_HINT
        kind = MISSING if missing else "number"
        self.bad.add(column, kind, line, column_error(self.layout.columns[column], says))

    def _ragged(self, cells: list[str]) -> str:
        if self.config.header and len(cells) == len(self.layout.columns) + 1:
            return " (do rows begin with a number or name that the header has no name for?)"
        return ""

    def features(self) -> NDArray[np.float64]:
        """The features (n, n_features)."""
        return np.array(self.values).reshape(len(self.lines), len(self.layout.features))


def _parse_sheet(path: Path, file: IO[str], config: CsvDataset) -> _Sheet:
    rows = rows_of(path, file, config.delimiter)
    first_line, first = next(rows, (0, []))
    if not first:
        raise DataError(f"{path}: holds no rows")
    layout = _Layout.of(path, first, config)
    taken = _SheetRows(layout, config, first_line)
    for line, cells in rows if config.header else chain([(first_line, first)], rows):
        taken.take(line, cells)
        if len(taken.values) > MAX_NUMBERS:
            raise DataError(f"{path}: holds more than {MAX_NUMBERS:,} numbers")
    x = taken.features()
    if taken.bad:
        columns = layout.columns if config.header else range(len(layout.columns))
        raise DataError(taken.bad.message(f"{path}:", columns, layout.features))
    if not taken.lines:
        raise DataError(f"{path}: holds no rows below the names of the columns")
    return _Sheet(
        path,
        layout.columns,
        [layout.columns[position] for position in layout.features],
        x,
        taken.labels,
        None if layout.group is None else taken.groups,
        None if layout.group is None else layout.columns[layout.group] or str(layout.group),
        taken.lines,
    )


_OUTLINE = DatasetInfo(
    "csv", "any table in a text file", "the file dataset.path names", available=False
)


def _describe(config: CsvDataset) -> DatasetInfo:
    return with_data(DatasetInfo("csv", "a table in a text file", config.path, True), load(config))


KIND = DatasetKind(load, lambda: [_OUTLINE], _describe)
