"""Sorting and filtering a list of runs and sweeps by its columns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from isolet_nn.config.metrics import is_metric, measure_of
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.results.columns import (
    COLUMNS,
    NUMBERS,
    UNKNOWN,
    is_number,
    text_of_value,
    value_of,
    with_columns,
)
from isolet_nn.results.listing import STATUSES, Entry
from isolet_nn.system.statuses import DAMAGED, FAILED

_CHOICES = {"kind": ("run", "sweep"), "status": STATUSES}
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "~": lambda text, part: part.casefold() in text.casefold(),
}


@dataclass(frozen=True)
class Filter:
    """An expression such as ``test_accuracy>95%``."""

    column: str
    sign: str
    text: str
    """The value as it was given."""

    @property
    def reading(self) -> str | None:
        """How a number was understood that could be a share or percent."""
        if not (_is_in_percent(self.column) and re.fullmatch(r"[-+.0-9e]+", self.text)):
            return None
        return f"{self.column}{self.sign}{self.text}: read as {100 * self.number('--filter'):.6g} %"

    def number(self, where: str) -> float:
        """The value as a number: an accuracy above 1 is in percent.

        Raises
        ------
        ConfigError
            If it is none.
        """
        parts = re.fullmatch(r"([-+.0-9e]+)\s*(%|s|min|h|d)?", self.text)
        try:
            digits, unit = parts.groups() if parts else ("", None)
            number = float(digits)
        except ValueError:
            raise ConfigError(
                f"{where}: {self.text!r} is no number; say for instance 0.95, 95% or 2h"
            ) from None
        bare_percent = _is_in_percent(self.column) and abs(number) > 1.0 and unit is None
        if unit == "%" or bare_percent:
            return number / 100.0  # which times 0.01 is not
        return number * _UNITS[unit or "s"]


def sort_entries(entries: Iterable[Entry], column: str, *, reverse: bool = False) -> list[Entry]:
    """Sort by a column: texts from A to Z, numbers from the highest, ages from the youngest.

    With `reverse` it is the other way round. Entries without a value come last, the failed and
    damaged ones of them behind the others; equal ones keep their order.

    Raises
    ------
    ConfigError
        If there is no such column.
    """
    entries = with_columns(entries, [column], "--sort")
    known: list[Entry] = []
    unknown: list[Entry] = []
    for entry in entries:
        (unknown if value_of(entry, column) in (None, UNKNOWN) else known).append(entry)
    values = [value_of(entry, column) for entry in known]
    numeric = all(map(is_number, values))
    descending = (numeric and column != "age") or column in ("started", "ended")

    def key(entry: Entry) -> Any:
        value = value_of(entry, column)
        return value if numeric else text_of_value(value)

    # Sorting with reverse=True keeps equal ones in order, too.
    return sorted(known, key=key, reverse=descending != reverse) + sorted(
        unknown, key=lambda entry: entry.status in (FAILED, DAMAGED)
    )


def filter_entries(entries: Iterable[Entry], expressions: Sequence[str]) -> list[Entry]:
    """The entries that fit all expressions, such as ``status=completed`` or ``name~isolet``.

    An expression is a column or the key path of a setting, one of ``= != < <= > >=`` or ``~``
    (contains, upper and lower case alike), and a value. A number may have a unit:
    ``test_accuracy>95%``, ``age<2h`` (s, min, h, d); an accuracy above 1 is in percent without
    one. An entry without a value fits only ``!=``.

    Raises
    ------
    ConfigError
        If an expression is malformed, or there is no such column or setting.
    """
    kept = list(entries)
    wheres = [f"--filter {expression}" for expression in expressions]
    asked = [parse_filter(expression) for expression in expressions]
    for wanted, where in zip(asked, wheres, strict=True):  # while all entries are there to be asked
        kept = with_columns(kept, [wanted.column], where)
    for wanted, where in zip(asked, wheres, strict=True):
        test = _setting_test if wanted.column not in COLUMNS else _column_test
        fits = test(wanted, where)
        kept = [entry for entry in kept if fits(value_of(entry, wanted.column))]
    return kept


def parse_filter(expression: str) -> Filter:
    """Split an expression into column, sign and value.

    Raises
    ------
    ConfigError
        If it is not of that form.
    """
    parts = re.fullmatch(r"\s*([\w.]+)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", expression)
    if parts is None:
        raise ConfigError(
            f"--filter {expression}: expected for instance status=completed, test_accuracy>95% or "
            "optimizer.name=adam"
        )
    return Filter(*parts.groups())


def _column_test(wanted: Filter, where: str) -> Callable[[Any], bool]:
    """What tells whether a value in one of `COLUMNS` fits."""
    column, sign = wanted.column, wanted.sign
    if column == "tags":
        return _tag_test(wanted, where)
    if (sign == "~") if column in NUMBERS else (sign not in ("=", "!=", "~")):
        allowed = "= != < <= > >=" if column in NUMBERS else "= != ~"
        raise ConfigError(f"{where}: {column} can be compared by {allowed}")
    if column in _CHOICES and sign != "~":
        _require_one_of(where, wanted.text, _CHOICES[column])
    value = wanted.number(where) if column in NUMBERS else wanted.text
    compare = _COMPARISONS[sign]
    return lambda found: sign == "!=" if found is None else compare(found, value)


def _tag_test(wanted: Filter, where: str) -> Callable[[Any], bool]:
    """What tells whether one of the tags fits; ``!=``: whether none does."""
    if wanted.sign not in ("=", "!=", "~"):
        raise ConfigError(f"{where}: tags can be compared by = != ~")
    compare = _COMPARISONS["~" if wanted.sign == "~" else "="]
    is_wanted = wanted.sign != "!="
    return lambda tags: any(compare(tag, wanted.text) for tag in tags) == is_wanted


def _setting_test(wanted: Filter, where: str) -> Callable[[Any], bool]:
    """What tells whether a setting fits; numbers are equal however they are spelled."""
    sign, compare = wanted.sign, _COMPARISONS[wanted.sign]
    if sign == "~":
        return lambda found: found is not UNKNOWN and compare(text_of_value(found), wanted.text)
    if sign in ("=", "!="):
        from isolet_nn.config.yaml_files import parse_yaml

        texts = {wanted.text, _comparable(parse_yaml(wanted.text, where))}
        equal = sign == "="
        return lambda found: (
            not equal
            if found is UNKNOWN
            else ({text_of_value(found), _comparable(found)} & texts != set()) == equal
        )
    number = wanted.number(where)
    return lambda found: is_number(found) and compare(found, number)


def _is_in_percent(column: str) -> bool:
    return is_metric(column) and measure_of(column).in_percent


def _comparable(value: Any) -> str:
    """Text that is equal for 1 and 1.0."""
    return repr(float(value)) if is_number(value) else text_of_value(value)


def _require_one_of(where: str, text: str, allowed: Sequence[str]) -> None:
    if text not in allowed:
        hint = suggestion(text, allowed)
        raise ConfigError(f"{where}: found {text!r}; allowed: {', '.join(allowed)}{hint}")
