"""What tables of the user's own have in common, wherever they come from.

Classes and groups are numbered, columns are looked up, and all that is wrong with the cells is
collected and said at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.yaml_files import quoted
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import MOST_SHOWN, Column, listing, some
from isolet_nn.errors import ConfigError, DataError, suggestion

MAX_NUMBERS = 1 << 28
"""A table of more numbers (2 GB) is a mistake more often than a wish."""
MISSING = "the value is missing"

# More digits are no number, but a name.
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}(\.0*)?")
# pandas calls a column so that had no name when it was read.
_UNNAMED = re.compile(r"Unnamed: [0-9]+")
# A label of numbers with more different values than this, and this share of the rows, is refused.
# The tables of quantities that come with scikit-learn have 19 % and more, those of classes less
# than 1 %; forty people with ten pictures each have 10 %.
_MOST_CLASSES = 20
_MOST_DIFFERENT = 0.1


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

    def message(self, where: str, columns: Sequence[str | int], features: Sequence[int]) -> str:
        """A line for each fault, `where` before the numbers of lines, and what to do.

        `columns` are as ``dataset.columns.drop`` takes them, by name or by position.
        """
        lines = [
            f"{where}{first}: {message}{_in_rows(count)}"
            for _, (first, message, count) in sorted(self.found.items())
        ]
        if len(lines) > MOST_SHOWN:
            lines[MOST_SHOWN:] = [f"(and {len(lines) - MOST_SHOWN} more)"]
        bad = sorted({column for column, _ in self.found} & set(features))
        if bad and len(bad) < len(features):
            names = some(quoted(columns[column] for column in bad))
            lines.append(
                f"every column but label and group is a feature, and takes numbers only; to leave "
                f"columns out, set dataset.columns: {{drop: [{names}]}}"
            )
        return "\n".join(lines)


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
    unnamed = [i for i in features if _UNNAMED.fullmatch(columns[i])]
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


def refuse_to_drop(name: str, role: str) -> NoReturn:
    """Say that a column is needed."""
    raise ConfigError(f"dataset.columns.drop: column {name!r} is the {role}, which is needed")


def raw_dataset(name: str, parsed: ParsedData, source: str, many_classes: bool) -> RawDataset:
    """The data set that `number_classes` made.

    Raises
    ------
    DataError
        If the classes look like a quantity, and `many_classes` does not say that they are none.
    """
    y, n_train, classes = parsed.arrays["y"], parsed.facts["n_train"], parsed.facts["classes"]
    if not many_classes:
        _refuse_quantity(classes, len(y), source)
    return RawDataset(
        name=name,
        stored=parsed.arrays["x"],
        y=y,
        classes=tuple(classes),
        groups=parsed.arrays.get("groups"),
        group_name=parsed.facts["group_name"],
        test_rows=None if n_train is None else np.arange(n_train, len(y)),
        checksum=parsed.checksum,
        source=source,
        columns=tuple(Column(name) for name in parsed.facts["features"]),
    )


def _refuse_quantity(classes: Sequence[str], rows: int, source: str) -> None:
    if len(classes) <= max(_MOST_CLASSES, _MOST_DIFFERENT * rows):
        return
    if all(_is_number(name) for name in classes):
        raise DataError(
            f"{source}: the label takes {len(classes):,} different numbers in {rows:,} rows, so it "
            "seems to be a quantity; only classes can be learned (classification, not regression). "
            "If the label is another column, set dataset.label; if these are classes, "
            "dataset.many_classes: true"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def number_classes(
    x: NDArray[np.float64],
    features: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str] | None,
    group_name: str | None,
    n_train: int | None,
    source: str,
) -> ParsedData:
    """What is kept of a table: features, and numbered classes and groups.

    Raises
    ------
    DataError
        If there is only one class.
    """
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
    facts = {
        "classes": classes,
        "features": list(features),
        "group_name": group_name,
        "n_train": n_train,
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
