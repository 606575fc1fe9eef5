"""What tables of the user's own have in common, wherever they come from.

Classes and groups are numbered, columns are looked up, and all that is wrong with the cells is
collected and said at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, get_args

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset, OpenmlDataset
from isolet_nn.config.yaml_files import quoted
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import MOST_SHOWN, Column, Table, listing, some
from isolet_nn.errors import ConfigError, DataError, suggestion

MAX_NUMBERS = 1 << 28
"""A table of more numbers (2 GB) is a mistake more often than a wish."""
MISSING = "the value is missing"

# More digits are no number, but a name.
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}(\.0*)?")
# pandas calls a column so that had no name when it was read.
UNNAMED = re.compile(r"Unnamed: [0-9]+")
# A label of numbers with more different values than this, and this share of the rows, is refused.
# The tables of quantities that come with scikit-learn have 19 % and more, those of classes less
# than 1 %; forty people with ten pictures each have 10 %.
_MOST_CLASSES = 20
_MOST_DIFFERENT = 0.1


ColumnUse = Literal["drop", "categorical", "numeric"]
COLUMN_USES: Final[tuple[ColumnUse, ...]] = get_args(ColumnUse)
"""What ``dataset.columns`` can make of a column."""


@dataclass
class BadCells:
    """Cells that cannot be used: of each column and kind of fault, the first and how many."""

    found: dict[tuple[int, str], tuple[int, str, int]] = field(default_factory=dict)
    """Number of the first line, what it says, and number of rows, by column and kind."""

    def add(self, column: int, kind: str, line: int, says: str, rows: int = 1) -> None:
        """Note a fault of `rows` rows, of which `line` is the first and `says` the message."""
        first, message, count = self.found.get((column, kind), (line, says, 0))
        if line < first:
            first, message = line, says
        self.found[column, kind] = first, message, count + rows

    def __bool__(self) -> bool:
        return bool(self.found)

    def message(
        self,
        where: str,
        columns: Sequence[str | int],
        features: Sequence[int],
        *,
        has_na_values: bool = False,
    ) -> str:
        """A line for each fault, `where` before the numbers of lines, and what to do.

        `columns` are as ``dataset.columns`` takes them, by name or by position; `has_na_values` is
        whether the data set has that key.
        """
        lines = [
            f"{where}{first}: {message}{_in_rows(count)}"
            for _, (first, message, count) in sorted(self.found.items())
        ]
        if len(lines) > MOST_SHOWN:
            lines[MOST_SHOWN:] = [f"(and {len(lines) - MOST_SHOWN} more)"]
        return "\n".join(lines + self._remedies(columns, features, has_na_values))

    def _remedies(
        self, columns: Sequence[str | int], features: Sequence[int], has_na_values: bool
    ) -> list[str]:
        def names(positions: Iterable[int]) -> str:
            return some(quoted(columns[position] for position in sorted(positions)))

        bad = {column for column, _ in self.found} & set(features)
        gaps = {column for column, kind in self.found if kind == MISSING} & bad
        words = {column for column, kind in self.found if kind != MISSING} & bad
        lines = []
        if gaps:
            lines.append(
                "what takes the place of missing values is dataset.missing: median (or mean, "
                "most_frequent, {constant: 0})"
            )
        if words:
            blanks = "; where words mean that there is no number, add them to dataset.na_values"
            lines.append(
                "a column holds numbers or names, not both; where all are names, set "
                f"dataset.columns: {{categorical: [{names(words)}]}}{blanks * has_na_values}"
            )
        if bad and len(bad) < len(features):
            lines.append(f"to leave columns out, set dataset.columns: {{drop: [{names(bad)}]}}")
        return lines

    def of(self, columns: Collection[int]) -> BadCells:
        """The faults of some columns."""
        return BadCells({key: fault for key, fault in self.found.items() if key[0] in columns})

    def gaps(self, features: Collection[int]) -> BadCells:
        """Those features that are missing, which may be filled in."""
        return BadCells(
            {
                (column, kind): fault
                for (column, kind), fault in self.found.items()
                if column in features and kind == MISSING
            }
        )

    def to_json(self) -> list[list[Any]]:
        """As plain values."""
        return [[*key, *fault] for key, fault in self.found.items()]

    @classmethod
    def from_json(cls, content: Sequence[Sequence[Any]]) -> BadCells:
        """What `to_json` gave."""
        return cls({(column, kind): tuple(fault) for column, kind, *fault in content})


def _in_rows(count: int) -> str:
    return f" (in {count:,} rows)" if count > 1 else ""


def column_error(column: str, problem: str) -> str:
    """What is wrong with a column, or with its value in a row."""
    return f"column {column!r}: {problem}"


def position_of(where: str, columns: Sequence[str], wanted: str, key: str) -> int:
    """Position of the column that a key of the config names.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if wanted not in columns:
        raise ConfigError(
            f"{key}: {where} has no column {wanted!r}; found {listing(columns)}"
            f"{suggestion(wanted, columns)}"
        )
    return columns.index(wanted)


def require_names(
    where: str, columns: Sequence[str], features: Sequence[int], *, names_columns: bool
) -> None:
    """Refuse features without a name of their own: row numbers look so.

    `names_columns` is whether ``dataset.columns.drop`` takes names, and no positions.

    Raises
    ------
    DataError
        Naming all of them.
    """
    empty = [i for i in features if not columns[i].strip()]
    unnamed = [i for i in features if UNNAMED.fullmatch(columns[i])]
    faults = []
    if empty:
        faults.append(f"the header has no name for column {some(empty)} (from 0)")
    if unnamed:
        names = some([repr(columns[i]) for i in unnamed])
        faults.append(f"{names} is what pandas calls a column without a name")
    if faults:
        nameless = sorted(empty + unnamed)
        drop = some(quoted(columns[i] if names_columns else i for i in nameless))
        raise DataError(
            f"{where}: {', and '.join(faults)}; row numbers, as pandas writes them, are no "
            f"feature. Leave it out with dataset.columns: {{drop: [{drop}]}}, or give it a name"
        )


def refuse_bad_cells(
    bad: BadCells,
    gaps: BadCells,
    config: CsvDataset | OpenmlDataset,
    before_row: str,
    columns: Sequence[str | int],
    features: Sequence[int],
) -> None:
    """Refuse a file with bad cells that cannot be filled in; those that can are named with them.

    Raises
    ------
    DataError
        If there is more in `bad` than `gaps`.
    """
    others = BadCells({key: fault for key, fault in bad.found.items() if key not in gaps.found})
    if others:
        said = bad if config.missing == "error" else others
        has_na_values = isinstance(config, CsvDataset)
        raise DataError(said.message(before_row, columns, features, has_na_values=has_na_values))


def refuse_to_use(use: ColumnUse, name: str, role: str) -> NoReturn:
    """Say that a column that the config names is no feature."""
    why = "which is needed" if use == "drop" else "and no feature"
    raise ConfigError(f"dataset.columns.{use}: column {name!r} is the {role}, {why}")


def raw_dataset(
    config: CsvDataset | OpenmlDataset, parsed: ParsedData, source: str, before_rows: Sequence[str]
) -> RawDataset:
    """The data set that `number_classes` made.

    `before_rows` is what messages put before the number of a row, for each file.

    Raises
    ------
    DataError
        If cells are missing and nothing is to take their place, or the classes look like a
        quantity, and the config does not say that they are none.
    """
    y, n_train, classes = parsed.arrays["y"], parsed.facts["n_train"], parsed.facts["classes"]
    columns = tuple(
        Column(name, kind, tuple(categories)) for name, kind, categories in parsed.facts["columns"]
    )
    group_names = parsed.facts["groups"]
    _refuse_gaps(config, columns, parsed.facts, before_rows)
    if not config.many_classes:
        _refuse_quantity(classes, len(y), source)
    return RawDataset(
        name=config.name,
        stored=parsed.arrays["x"],
        y=y,
        classes=tuple(classes),
        groups=parsed.arrays.get("groups"),
        group_name=parsed.facts["group_name"],
        group_names=None if group_names is None else tuple(group_names),
        test_rows=None if n_train is None else np.arange(n_train, len(y)),
        checksum=parsed.checksum,
        source=source,
        columns=columns,
        label=parsed.facts["label"],
    )


def _refuse_gaps(
    config: CsvDataset | OpenmlDataset,
    columns: Sequence[Column],
    facts: Mapping[str, Any],
    before_rows: Sequence[str],
) -> None:
    """Refuse missing cells of the kinds of columns in which nothing takes their place."""
    used, features = facts["table"], facts["features"]
    refused = {
        position
        for position, column in zip(features, columns, strict=True)
        if getattr(config.filling, column.kind) == "error"
    }
    messages = []
    for before_row, content in zip(before_rows, facts["gaps"], strict=True):
        gaps = BadCells.from_json(content).of(refused)
        if gaps:
            messages.append(gaps.message(before_row, used, features))
    if messages:
        raise DataError("\n".join(messages))


def _refuse_quantity(classes: Sequence[str], rows: int, source: str) -> None:
    if is_quantity(classes, rows):
        raise DataError(
            f"{source}: the label takes {len(classes):,} different numbers in {rows:,} rows, so it "
            "seems to be a quantity; only classes can be learned (classification, not regression). "
            "If the label is another column, set dataset.label; if these are classes, "
            "dataset.many_classes: true"
        )


def is_quantity(classes: Sequence[str], rows: int) -> bool:
    """Whether the different labels of some rows are more likely numbers than names of classes."""
    few = len(classes) <= max(_MOST_CLASSES, _MOST_DIFFERENT * rows)
    return not few and all(_is_number(name) for name in classes)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class Names:
    """What a column names in each row: its class, or its group."""

    column: str
    of_rows: Sequence[str]


@dataclass(frozen=True)
class Gaps:
    """Features that are missing, of each file, and how messages name columns.

    Attributes
    ----------
    found
        `BadCells` of each file.
    columns
        All columns of the table, as ``dataset.columns`` takes them: by name or by position.
    features
        Positions of those that are features.
    """

    found: Sequence[BadCells]
    columns: Sequence[str | int]
    features: Sequence[int]


def number_classes(
    table: Table,
    label: Names,
    group: Names | None,
    gaps: Gaps,
    n_train: int | None,
    source: str,
) -> ParsedData:
    """What is kept of a table: features, and numbered classes and groups.

    Raises
    ------
    DataError
        If there is only one class.
    """
    classes, y = encode(label.of_rows)
    if len(classes) < 2:
        raise DataError(
            f"{source}: all {len(y)} rows are of class {classes[0]}; two are needed to tell apart"
        )
    arrays: dict[str, NDArray[Any]] = {"x": table.cells, "y": y}
    group_names = None
    if group is not None:
        names, indices = encode(group.of_rows)
        whole = all(_WHOLE.fullmatch(name) and len(name) < 18 for name in names)
        # Groups that have numbers keep them; others are numbered in the order of their names.
        arrays["groups"] = np.array([int(n) for n in names])[indices] if whole else indices
        group_names = None if whole else names
    facts = {
        "classes": classes,
        "columns": [[column.name, column.kind, column.categories] for column in table.columns],
        "label": label.column,
        "group_name": None if group is None else group.column,
        "groups": group_names,
        "n_train": n_train,
        "gaps": [found.to_json() for found in gaps.found],
        "table": list(gaps.columns),
        "features": list(gaps.features),
    }
    return ParsedData(arrays, facts)


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
