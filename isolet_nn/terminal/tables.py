"""Tables: what a command has to show in rows; `printer` takes them, and a format writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from isolet_nn.terminal.words import number, setting_text

Look = Literal["framed", "plain", "divided", "pairs"]
"""On a terminal: in a frame; in columns alone, thousands of rows at once; in columns that go on
below each other where a line has no more room; or two columns as names and what belongs to them."""


@dataclass(frozen=True)
class PrintedColumn:
    """A column of a table: its values, and what a person reads in their place.

    Attributes
    ----------
    name
        What it is called.
    values
        A value a row, with all its digits; None where there is none.
    say
        A value in words, which may be of some lines; not asked to escape anything.
    exact
        What programs get instead of the values: columns by name. For values that are more than
        one number, or none.
    heading
        The name in some lines, for a terminal.
    numbers
        Whether they stand at the right; by default if all values are numbers.
    """

    name: str
    values: Sequence[Any]
    say: Callable[[Any], str] = number
    exact: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    heading: tuple[str, ...] = ()
    numbers: bool | None = None

    @cached_property
    def texts(self) -> list[str]:
        """What a person reads in each row."""
        return [self.say(value) for value in self.values]

    @cached_property
    def is_numeric(self) -> bool:
        """Whether it is of numbers, which stand at the right and need no escapes."""
        if self.numbers is not None:
            return self.numbers
        given = [value for value in self.values if value is not None and value != ""]
        return bool(given) and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in given
        )


def setting_column(
    key: str, settings: Sequence[Mapping[str, Any]], heading: tuple[str, ...] = ()
) -> PrintedColumn:
    """What each row sets a key path to; nothing where it does not, which is not null."""
    values = [setting.get(key, "") for setting in settings]
    exact = ["null" if value is None else value for value in values]
    return PrintedColumn(key, values, setting_text, {key: exact}, heading)


@dataclass(frozen=True)
class PrintedTable:
    """Columns of equal length, and what they are called together."""

    columns: Sequence[PrintedColumn]
    title: str = ""
    look: Look = "framed"
