"""What is doubtful in a table that was inspected, and the config that would train on it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isolet_nn.config.tables import is_parquet, table_experiment
from isolet_nn.data.categories import are_too_many
from isolet_nn.data.columns import UNNAMED, is_quantity
from isolet_nn.data.inspection import InspectedColumn, Inspection
from isolet_nn.data.table import listing
from isolet_nn.errors import short_repr
from isolet_nn.scores.imbalance import unequal_classes

_FEW_WORDS = 5
_MOSTLY = 0.9
_ID = re.compile(r"(^|.*[_. -])(id|idx|index|key|uuid|row|no|nr|number)$", re.IGNORECASE)


@dataclass(frozen=True)
class Doubt:
    """Something about a table that a person should look at.

    Attributes
    ----------
    column
        The column it is about, if it is one.
    says
        What it is, and what the proposed config does about it.
    """

    column: str | None
    says: str


@dataclass(frozen=True)
class Advice:
    """Doubts, and the content of a config that answers them as well as can be.

    Attributes
    ----------
    trains
        Whether it trains on the table as it is; else the table is to be mended, or another column
        to be the label.
    """

    doubts: Sequence[Doubt]
    config: Mapping[str, Any]
    trains: bool = True


def advise(table: Inspection, path: str) -> Advice:
    """What to look at, and a config to begin with, in which the table is called `path`."""
    return _Adviser(table, path).advice()


class _Adviser:
    def __init__(self, table: Inspection, path: str) -> None:
        self.table, self.path = table, path
        self.doubts: list[Doubt] = []
        self.trains = True
        self.drop: list[str | int] = []
        self.categorical: list[str | int] = []
        self.na_values: list[str] = []

    def advice(self) -> Advice:
        self._look_at_rows()
        self._look_at_label()
        names = [column.name for column in self.table.columns]
        for column in self.table.features:
            self._look_at(column, names.count(column.name) > 1)
        if len(self.drop) == len(self.table.features):
            self._obstacle("no column is left to learn from")
        return Advice(self.doubts, self._config(), self.trains)

    def _obstacle(self, says: str, column: InspectedColumn | None = None) -> None:
        """Note a doubt that no config answers."""
        self.trains = False
        self._doubt(says, column)

    def _doubt(self, says: str, column: InspectedColumn | None = None) -> None:
        name = None if column is None else column.name or f"column {column.position}"
        self.doubts.append(Doubt(name, says))

    def _look_at_rows(self) -> None:
        if not self.table.how.header and not is_parquet(self.table.path.name):
            self._doubt("the first line names no columns, and is taken for data (header: false)")
        if self.table.ragged is not None:
            line, cells, rows = self.table.ragged
            self._obstacle(
                f"line {line} has {cells} cells, the first has {len(self.table.columns)}; "
                f"{rows:,} such rows have to be mended in the file"
            )

    def _look_at_label(self) -> None:
        label, counts = self.table.label, self.table.classes
        if self.table.is_guessed:
            self._doubt("is taken for the label; name another one as --label", label)
        self._look_at_spellings(label)
        if label.missing:
            self._obstacle(
                f"the label is missing in {label.missing:,} rows; leave these out", label
            )
        if len(counts) < 2:
            self._obstacle("the label needs two classes; name another column as --label", label)
            return
        if is_quantity([*counts], self.table.rows) or label.holds == "dates":
            self._obstacle(
                f"the label takes {len(counts):,} different values, so it seems to be a quantity; "
                "only classes can be learned (classification, not regression): name another column "
                "as --label",
                label,
            )
            return
        single = [name for name, count in counts.items() if count < 2]
        if single:
            self._obstacle(
                f"class {listing(single)} has a single row; a split needs two of each class", label
            )
        unequal = unequal_classes([*counts], [*counts.values()])
        if unequal is not None:
            self._doubt(
                f"{unequal}; look at balanced_accuracy, and training.class_weight: balanced weighs "
                "the classes",
                label,
            )

    def _look_at(self, column: InspectedColumn, is_repeated: bool) -> None:
        fault = self._fault(column, is_repeated)
        if fault:
            self.drop.append(self._reference(column))
            self._doubt(f"{fault}; left out", column)
            return
        if column.determines(self.table.label):
            self._doubt(
                "determines the label: each of its values goes with one class; leave it out if it "
                "is known only when the label is",
                column,
            )
        if _ID.fullmatch(column.name) and _FEW_WORDS < column.different <= self.table.rows / 2:
            name = self._reference(column)
            self._doubt(
                "seems to be an id that several rows have; if they belong together, "
                f"dataset.group: {name} and by: group in test and validation keep them so",
                column,
            )
        self._look_at_spellings(column)
        if column.words:
            self._look_at_words(column)
        elif column.holds == "names":
            numbers = [word for word in column.values if self.table.how.numbers.is_number(word)]
            if numbers:
                self.categorical.append(self._reference(column))
                self._doubt(
                    f"holds {listing(numbers[:3])} among names; taken for categories", column
                )

    def _look_at_spellings(self, column: InspectedColumn) -> None:
        """Say which names are perhaps one."""
        if column.holds != "names":
            return
        spellings: dict[str, list[str]] = {}
        for name in column.values:
            spellings.setdefault(" ".join(name.casefold().split()), []).append(name)
        several = [names for names in spellings.values() if len(names) > 1]
        if several:
            shown = "; ".join(" and ".join(map(short_repr, names)) for names in several[:3])
            self._doubt(f"{shown} count as different; if they mean the same, mend the file", column)

    def _fault(self, column: InspectedColumn, is_repeated: bool) -> str | None:
        """Why a column is no feature."""
        rows, label = self.table.rows, self.table.label
        has_header = self.table.how.header
        if has_header and (not column.name.strip() or UNNAMED.fullmatch(column.name)):
            return "has no name, as the row numbers that pandas and R write"
        if is_repeated:
            return "has the name of another column"
        if column.holds == "nothing":
            return "is empty"
        if column.holds == "lists or bytes":
            return "holds lists or bytes, which are neither numbers nor names"
        if column.words and not column.values:
            words = listing([*column.words][:3])
            return f"holds {words}, none of which can be read as a number; write 1234.5 in the file"
        if 2 * column.missing > rows:
            return f"is missing in {column.missing:,} of {rows:,} rows"
        if column.holds == "dates":
            return "holds dates, which are neither numbers nor categories"
        if column.different < 2 and not column.words:
            [value] = column.values
            return f"is always {f'{value:g}' if column.is_of_numbers else short_repr(value)}"
        if column.is_one_to_one_with(label):
            return "says what the label says, in other words"
        if column.holds == "names" and (column.different == rows > 2 or self._is_too_many(column)):
            return f"takes {column.different:,} different values, so it seems to be an id or text"
        if self._is_numbered(column):
            return "numbers the rows, so it seems to be an id"
        return None

    def _is_too_many(self, column: InspectedColumn) -> bool:
        """Whether a column has more values than categories could have."""
        return are_too_many(column.different + len(column.words), self.table.rows)

    def _is_numbered(self, column: InspectedColumn) -> bool:
        """Whether a column counts the rows, or is called an id and different in each."""
        rows = self.table.rows
        if column.holds != "numbers" or column.different < rows or rows < 3:
            return False
        if not all(float(value).is_integer() for value in column.values):
            return False
        is_counting = column.values[-1] - column.values[0] == rows - 1
        return is_counting or _ID.fullmatch(column.name) is not None

    def _look_at_words(self, column: InspectedColumn) -> None:
        """Say what is done with a column that has words among its numbers."""
        words, n = [word for word, _ in column.words.most_common()], column.words.total()
        says = f"holds {listing(words[:3])} among numbers, in {n:,} rows"
        if len(words) <= _FEW_WORDS and n <= (1 - _MOSTLY) * self.table.rows:
            self.na_values += [word for word in words if word not in self.na_values]
            self._doubt(f"{says}; taken for missing (na_values)", column)
        elif not self._is_too_many(column):
            self.categorical.append(self._reference(column))
            self._doubt(f"{says}; taken for categories", column)
        else:
            self.drop.append(self._reference(column))
            self._doubt(f"{says}; left out", column)

    def _reference(self, column: InspectedColumn) -> str | int:
        """A column as a config names it."""
        names = [other.name for other in self.table.columns]
        is_named = self.table.how.header and column.name and names.count(column.name) == 1
        return column.name if is_named else column.position

    def _config(self) -> dict[str, Any]:
        how, default = self.table.how, type(self.table.how)()
        content = table_experiment(self.path)
        dataset = content["dataset"]
        dataset["label"] = self._reference(self.table.label)
        for key in ("delimiter", "decimal", "encoding", "header"):
            if getattr(how, key) != getattr(default, key):
                dataset[key] = getattr(how, key)
        if self.na_values or how.na_values != default.na_values:
            dataset["na_values"] = [*how.na_values, *self.na_values]
        columns = {"drop": self.drop, "categorical": self.categorical}
        if any(columns.values()):
            dataset["columns"] = {use: names for use, names in columns.items() if names}
        kept = [c for c in self.table.features if self._reference(c) not in self.drop]
        if any(column.missing or column.words for column in kept):
            dataset["missing"] = "median"
        dataset["test"] = {"fraction": 0.2}
        if min(self.table.classes.values(), default=0) > 2:
            dataset["validation"] = {"fraction": 0.2}
        return content
