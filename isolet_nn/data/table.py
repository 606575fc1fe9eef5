"""Tables of the user's own, from text files with a class column, and data sets of openml.org.

Classes are sorted by number where all of them are whole numbers, else by name. A feature of
OpenML that takes one of k named values becomes k features of 0 and 1.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import warnings
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config import CsvDataset, OpenmlDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import Entry
from isolet_nn.data.dataset import Table
from isolet_nn.errors import ConfigError, DataError, DownloadError, suggestion

_GZIP = b"\x1f\x8b"
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}
# A class may well be called none.
_NO_NAME = _MISSING - {"null", "none"}
_HEADER_HINT = "; if this line names the columns, set dataset.header: true"
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
# A one-hot table above this many numbers (2 GB) is a mistake more often than a wish.
_MAX_NUMBERS = 1 << 28


def load_csv(config: CsvDataset) -> Table:
    """Read a table from a text file, and its test part from a second one if there is one.

    Raises
    ------
    DataError
        If a file is missing or unreadable, or a cell is not what it should be: names file, line
        and column.
    ConfigError
        If a column is named that does not exist.
    """
    paths = [("dataset.path", config.path)]
    if config.test_path is not None:
        paths.append(("dataset.test_path", config.test_path))
    files = [(key, Path(path).expanduser()) for key, path in paths]
    state = [_file_checksum(key, path) for key, path in files]
    settings = config.model_dump(include={"label", "header", "delimiter", "group"})
    entry = cache.get_or_build(
        "csv",
        [*(str(path.resolve()) for _, path in files), settings],
        state,
        lambda: _csv_entry([path for _, path in files], config),
    )
    return _table("csv", entry, " and ".join(str(path) for _, path in files))


def load_openml(config: OpenmlDataset) -> Table:
    """Fetch a data set of openml.org, once; later it comes from the cache.

    Raises
    ------
    DownloadError
        If it cannot be fetched.
    DataError
        If there is no such data set, or it is not a table with one class column.
    ConfigError
        If a column is named that does not exist.
    """
    identity = config.model_dump(include={"data_id", "data_name", "version", "label", "group"})
    entry = cache.get_or_build("openml", identity, [], lambda: _openml_entry(config))
    return _table("openml", entry, _openml_name(config))


def _table(name: str, entry: Entry, source: str) -> Table:
    y, n_train = entry.arrays["y"], entry.facts["n_train"]
    return Table(
        name=name,
        stored=entry.arrays["x"],
        y=y,
        classes=tuple(entry.facts["classes"]),
        groups=entry.arrays.get("groups"),
        group_name=entry.facts["group_name"],
        test_rows=None if n_train is None else np.arange(n_train, len(y)),
        checksum=entry.checksum,
        source=source,
    )


def _entry(
    x: NDArray[np.float64],
    labels: Sequence[str],
    groups: Sequence[str] | None,
    group_name: str | None,
    n_train: int | None,
    source: str,
) -> Entry:
    classes, y = encode(labels)
    if len(classes) < 2:
        raise DataError(
            f"{source}: all {len(y)} rows are of class {classes[0]}; two are needed to tell apart"
        )
    arrays: dict[str, NDArray[Any]] = {"x": x, "y": y}
    if groups is not None:
        names, indices = encode(groups)
        whole = all(_WHOLE.fullmatch(name) and len(name) < 18 for name in names)
        # Groups that have numbers keep them; others are numbered in the order of their names.
        arrays["groups"] = np.array([int(n) for n in names])[indices] if whole else indices
    return Entry(arrays, {"classes": classes, "group_name": group_name, "n_train": n_train})


def encode(labels: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Sort the different labels, by number if all are whole numbers; 1, 1. and 1.0 are the same.

    Returns
    -------
    classes
        Names of the classes, in order.
    indices
        (len(labels),) index of each label's class.
    """
    different = set(labels)
    if all(_WHOLE.fullmatch(label) for label in different):
        names = {label: str(int(label.partition(".")[0])) for label in different}
        classes = sorted(set(names.values()), key=int)
    else:
        names = {label: label for label in different}
        classes = sorted(different)
    index = {name: i for i, name in enumerate(classes)}
    return classes, np.array([index[names[label]] for label in labels], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """One text file: x (n, n_features), and label, group and line number of each row."""

    path: Path
    columns: list[str]
    x: NDArray[np.float64]
    labels: list[str]
    groups: list[str] | None
    group_name: str | None
    lines: list[int]


def _csv_entry(paths: list[Path], config: CsvDataset) -> Entry:
    train = _read_sheet(paths[0], config)
    if len(paths) == 1:
        return _entry(train.x, train.labels, train.groups, train.group_name, None, str(train.path))
    test = _read_sheet(paths[1], config)
    _require_same_columns(train, test)
    _require_known_classes(train, test)
    groups = None
    if train.groups is not None and test.groups is not None:
        groups = train.groups + test.groups
    return _entry(
        np.concatenate([train.x, test.x]),
        train.labels + test.labels,
        groups,
        train.group_name,
        len(train.lines),
        str(train.path),
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
    try:
        with _open_text(path) as file:
            return _parse_sheet(path, file, config)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def _open_text(path: Path) -> IO[str]:
    """Open UTF-8 text, decompressing .gz (told by its first bytes) and skipping a BOM."""
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
    if compressed:
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


@dataclass(frozen=True)
class _Layout:
    """What the columns are, by position."""

    columns: list[str]
    label: int
    group: int | None
    features: list[int]

    @classmethod
    def of(cls, path: Path, first: list[str], config: CsvDataset) -> _Layout:
        columns = _column_names(path, first, config)
        label = _column(path, columns, config.label, config.header, "label")
        group = None
        if config.group is not None:
            group = _column(path, columns, config.group, config.header, "group")
            if group == label:
                raise ConfigError(f"dataset.group: column {columns[group]!r} is the label already")
        features = [i for i in range(len(columns)) if i not in (label, group)]
        if not features:
            raise DataError(
                f"{path}: found no features, only {len(columns)} columns: {', '.join(columns)}; "
                f"is {config.delimiter!r} the right dataset.delimiter?"
            )
        return cls(columns, label, group, features)


def _parse_sheet(path: Path, file: IO[str], config: CsvDataset) -> _Sheet:
    rows = _rows(path, file, config.delimiter)
    first_line, first = next(rows, (0, []))
    if not first:
        raise DataError(f"{path}: holds no rows")
    layout = _Layout.of(path, first, config)
    values, labels, groups, lines = array("d"), [], [], []
    for line, cells in rows if config.header else chain([(first_line, first)], rows):
        try:
            values.extend([float(cells[i]) for i in layout.features])
            labels.append(_name_in(cells[layout.label]))
            groups.append("" if layout.group is None else _name_in(cells[layout.group]))
            if len(cells) != len(layout.columns):
                raise ValueError
        except (ValueError, IndexError):
            problem = _problem(cells, layout)
            hint = "" if config.header or line > first_line else _HEADER_HINT
            raise DataError(f"{path}:{line}: {problem}{hint}") from None
        lines.append(line)
    if not lines:
        raise DataError(f"{path}: holds no rows below the names of the columns")
    x = np.array(values).reshape(len(lines), len(layout.features))
    for row, position in np.argwhere(~np.isfinite(x)):
        column = layout.columns[layout.features[position]]
        raise DataError(f"{path}:{lines[row]}: {_bad_number(column, str(x[row, position]))}")
    return _Sheet(
        path,
        layout.columns,
        x,
        labels,
        None if layout.group is None else groups,
        None if layout.group is None else layout.columns[layout.group],
        lines,
    )


def _name_in(cell: str) -> str:
    name = cell.strip()
    if name.lower() in _NO_NAME:
        raise ValueError
    return name


def _problem(cells: list[str], layout: _Layout) -> str:
    """What is wrong with a row that could not be taken."""
    if len(cells) != len(layout.columns):
        return f"found {len(cells)} cells, expected {len(layout.columns)}"
    for position in (layout.label, layout.group):
        if position is not None and cells[position].strip().lower() in _NO_NAME:
            return f"column {layout.columns[position]!r}: the value is missing"
    bad = next(i for i in layout.features if not _is_number(cells[i]))
    return _bad_number(layout.columns[bad], cells[bad])


def _bad_number(column: str, cell: str) -> str:
    if cell.strip().lower() in _MISSING:
        return f"column {column!r}: the value is missing (found {cell!r})"
    return f"column {column!r}: found {cell[:60]!r}, expected a finite number"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _rows(path: Path, file: IO[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the (last) line and cells of every row that is not blank."""
    try:
        reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"dataset.delimiter: found {delimiter!r}: {error}") from None
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}") from None


def _column_names(path: Path, first: list[str], config: CsvDataset) -> list[str]:
    """Names of the columns; without a header, their positions from 0."""
    if not config.header:
        return [str(position) for position in range(len(first))]
    names = [name.strip() for name in first]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise DataError(
                f"{path}: columns {names.index(name)} and {position} are both named {name!r}; if "
                "the first line holds data, set dataset.header: false"
            )
    return names


def _column(path: Path, columns: list[str], wanted: str | int, header: bool, key: str) -> int:
    """Position of the column that ``dataset.<key>`` names."""
    if isinstance(wanted, int):
        if not -len(columns) <= wanted < len(columns):
            raise ConfigError(
                f"dataset.{key}: found position {wanted}, but {path} has {len(columns)} columns: "
                f"0 to {len(columns) - 1}, or -1 to -{len(columns)} from the end"
            )
        return wanted % len(columns)
    if not header:
        raise ConfigError(
            f"dataset.{key}: found the name {wanted!r}, but without a header columns have "
            f"positions only: 0 to {len(columns) - 1}"
        )
    if wanted not in columns:
        hint = suggestion(wanted, columns)
        shown = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
        raise ConfigError(f"dataset.{key}: {path} has no column {wanted!r}; found {shown}{hint}")
    return columns.index(wanted)


def _file_checksum(key: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise DataError(f"{key}: {path}: no such file") from None
    except OSError as error:
        raise DataError(f"{key}: {path}: cannot be read: {error.strerror}") from None


def _openml_name(config: OpenmlDataset) -> str:
    if config.data_id is not None:
        return f"OpenML data set {config.data_id}"
    version = "" if config.version is None else f" version {config.version}"
    return f"OpenML data set {config.data_name}{version}"


def _openml_entry(config: OpenmlDataset) -> Entry:
    name = _openml_name(config)
    bunch = _fetch_openml(config, name)
    columns: list[str] = list(bunch.feature_names)
    categories: dict[str, list[str]] = dict(bunch.categories or {})
    data = bunch.data.toarray() if hasattr(bunch.data, "toarray") else np.asarray(bunch.data)
    target = bunch.target
    if target is None or np.ndim(target) != 1:
        raise DataError(f"{name}: has no single class column; name one as dataset.label")
    labels = [_label_text(value) for value in target.tolist()]
    groups = None
    if config.group is not None:
        if config.group not in columns:
            raise ConfigError(
                f"dataset.group: {name} has no column {config.group!r}"
                f"{suggestion(config.group, columns)}"
            )
        values = data[:, columns.index(config.group)]
        named = categories.get(config.group)
        groups = [named[int(v)] if named else _label_text(v) for v in values.tolist()]
    x = _one_hot(name, data, columns, categories, config.group)
    return _entry(x, labels, groups, config.group, None, name)


def _fetch_openml(config: OpenmlDataset, name: str) -> Any:
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            # What it says whenever something fails, before it tries again.
            warnings.filterwarnings("ignore", "Invalid cache")
            return fetch_openml(
                name=config.data_name,
                version="active" if config.version is None else config.version,
                data_id=config.data_id,
                target_column="default-target" if config.label is None else config.label,
                data_home=str(cache.cache_folder() / "openml"),
                as_frame=False,
                parser="liac-arff",
            )
    except OSError as error:
        raise DownloadError(
            f"{name}: cannot be fetched: {error}; a table that is a text file needs no network, as "
            "dataset.name: csv"
        ) from None
    except Exception as error:  # its parser and its HTTP library each raise errors of their own
        raise DataError(f"{name}: {error}") from None


def _label_text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _one_hot(
    name: str,
    data: NDArray[np.float64],
    columns: list[str],
    categories: dict[str, list[str]],
    group: str | None,
) -> NDArray[np.float64]:
    features = [column for column in columns if column != group]
    width = sum(len(categories.get(column, [""])) for column in features)
    if not features or width * len(data) > _MAX_NUMBERS:
        raise DataError(f"{name}: {len(data):,} rows of {width:,} features cannot be used")
    x = np.empty((len(data), width))
    start = 0
    for column in features:
        values = data[:, columns.index(column)]
        missing = np.flatnonzero(~np.isfinite(values))
        if len(missing):
            raise DataError(
                f"{name}: row {missing[0]}: column {column!r}: the value is missing "
                f"({len(missing)} in this column)"
            )
        kinds = categories.get(column)
        stop = start + (len(kinds) if kinds else 1)
        block = values[:, None] == np.arange(len(kinds)) if kinds else values[:, None]
        x[:, start:stop] = block
        start = stop
    return x
