"""What the columns of a table's file are, by what the config says of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data.columns import (
    COLUMN_USES,
    ColumnUse,
    position_of,
    refuse_to_use,
    require_names,
)
from isolet_nn.data.reading import TableFormat
from isolet_nn.data.table import Kind, listing
from isolet_nn.errors import ConfigError, DataError


@dataclass(frozen=True)
class Layout:
    """What the columns are, by position."""

    columns: tuple[str, ...]
    label: int
    group: int | None
    features: list[int]
    named: Mapping[int, Kind]
    """Features of which the config says what they are."""
    is_named: bool
    """Whether columns have names, or positions only."""

    @classmethod
    def of(cls, path: Path, columns: tuple[str, ...], config: CsvDataset) -> Layout:
        """What a file's columns are.

        Raises
        ------
        ConfigError
            If a column is named that does not exist, or for two uses.
        DataError
            If a feature has no name of its own, or there is none.
        """
        label = column_position(path, columns, config.label, config.header, "label")
        group = None
        if config.group is not None:
            group = column_position(path, columns, config.group, config.header, "group")
            if group == label:
                raise ConfigError(f"dataset.group: column {columns[group]!r} is the label already")
        uses = _uses(path, columns, config)
        for role, position in (("label", label), ("group", group)):
            if position in uses:
                refuse_to_use(uses[position], columns[position], role)
        features = [i for i in range(len(columns)) if i not in {label, group, *_dropped(uses)}]
        if config.header:
            require_names(str(path), columns, features, names_columns=False)
            _require_different_names(path, columns, features, config.columns.drop)
        if not features:
            raise DataError(
                f"{path}: found no features, only {len(columns)} columns: {listing(columns)}; "
                f"is {table_format(config).delimiter_of(path)!r} the right dataset.delimiter?"
            )
        named: dict[int, Kind] = {i: use for i, use in uses.items() if use != "drop"}
        return cls(columns, label, group, features, named, config.header)

    @property
    def names(self) -> list[int]:
        """The columns that name a class or group."""
        return [self.label] if self.group is None else [self.label, self.group]

    @property
    def as_named(self) -> Sequence[str | int]:
        """The columns as ``dataset.columns`` takes them: by name or by position."""
        return self.columns if self.is_named else range(len(self.columns))

    def name_of(self, position: int) -> str:
        """Name of a column, or its position."""
        return self.columns[position] or str(position)


def table_format(config: CsvDataset) -> TableFormat:
    """How the files of a data set are written."""
    return TableFormat(
        config.delimiter,
        config.decimal,
        config.encoding,
        config.header,
        tuple(config.na_values),
    )


def _uses(path: Path, columns: Sequence[str], config: CsvDataset) -> dict[int, ColumnUse]:
    """What the config says is made of columns, by position."""
    uses: dict[int, ColumnUse] = {}
    for use in COLUMN_USES:
        for wanted in getattr(config.columns, use):
            position = column_position(path, columns, wanted, config.header, f"columns.{use}")
            if uses.setdefault(position, use) != use:
                raise ConfigError(
                    f"dataset.columns: column {columns[position]!r} is in {uses[position]} and "
                    f"in {use}"
                )
    return uses


def _dropped(uses: Mapping[int, ColumnUse]) -> list[int]:
    return [position for position, use in uses.items() if use == "drop"]


def _require_different_names(
    path: Path, columns: Sequence[str], features: list[int], dropped: Sequence[str | int]
) -> None:
    """Refuse features that have the name of another column, if not of one dropped by position."""
    gone = {wanted % len(columns) for wanted in dropped if isinstance(wanted, int)}
    seen: dict[str, int] = {}
    for position, name in enumerate(columns):
        if position in gone:
            continue
        before = seen.setdefault(name, position)
        if before != position and (before in features or position in features):
            raise DataError(
                f"{path}: columns {before} and {position} are both named {name!r}; leave one out "
                f"with dataset.columns: {{drop: [{position}]}}, or, if the first line holds data, "
                "set dataset.header: false"
            )


def column_position(
    path: Path, columns: Sequence[str], wanted: str | int, header: bool, key: str
) -> int:
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
            f"dataset.{key}: found the name {wanted!r}, but without a header the columns of {path} "
            f"have positions only: 0 to {len(columns) - 1}"
        )
    return position_of(str(path), columns, wanted, f"dataset.{key}")


def is_a_row(
    names: Sequence[str],
    values: Sequence[Collection[str] | None],
    label: str,
    classes: Collection[str],
    is_number: Callable[[str], bool],
) -> bool:
    """Whether what should name the columns is one more row, as in a file without a header.

    Parameters
    ----------
    names
        What the features are called.
    values
        The categories of each; None where it holds numbers.
    label
        What the column of the classes is called.
    classes
        What stands in it.
    is_number
        Whether a text is a number in this table.
    """
    if label not in classes or not names:
        return False
    if all(name.isdecimal() for name in names):  # as pandas counts columns
        first, *others = map(int, names)
        if first < 2 and others == [*range(first + 1, first + len(names))]:
            return False
    return all(
        is_number(name) if known is None else name in known
        for name, known in zip(names, values, strict=True)
    )
