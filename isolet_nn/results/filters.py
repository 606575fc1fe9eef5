"""Sorting and filtering a list of runs and sweeps by what is known of them, and by their settings.

Configs are only read where a setting is asked for, since that takes most of the time.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from isolet_nn.config.key_paths import flat
from isolet_nn.config.metrics import METRICS, is_metric, measure_of
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.results.listing import STATUSES, Entry
from isolet_nn.system.folders import CONFIG, SWEEP
from isolet_nn.system.statuses import DAMAGED, FAILED

COLUMNS = tuple(
    field.name for field in fields(Entry) if field.name not in ("best_setting", "settings")
)
"""What entries can be sorted and filtered by, besides settings."""
NUMBERS = {*METRICS, "epochs", "trials", "completed", "failed", "seconds", "age"}
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
_UNKNOWN = object()
"""The value of what an entry does not have."""


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


def sort_entries(entries: Iterable[Entry], column: str) -> list[Entry]:
    """Sort by a column: texts from A to Z, numbers from the highest, ages from the youngest.

    Entries without a value come last, the failed and damaged ones of them behind the others; equal
    ones keep their order.

    Raises
    ------
    ConfigError
        If there is no such column.
    """
    entries = _with_column(entries, column, "--sort")
    known: list[Entry] = []
    unknown: list[Entry] = []
    for entry in entries:
        (unknown if value_of(entry, column) in (None, _UNKNOWN) else known).append(entry)
    values = [value_of(entry, column) for entry in known]
    numeric = all(map(_is_number, values))
    descending = (numeric and column != "age") or column == "started"

    def key(entry: Entry) -> Any:
        value = value_of(entry, column)
        return value if numeric else _text(value)

    # Sorting with reverse=True keeps equal ones in order, too.
    return sorted(known, key=key, reverse=descending) + sorted(
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
    for expression in expressions:
        where = f"--filter {expression}"
        wanted = parse_filter(expression)
        kept = _with_column(kept, wanted.column, where)
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


def value_of(entry: Entry, column: str) -> Any:
    """An entry's value in a column, or of a setting."""
    if column in COLUMNS:
        return getattr(entry, column)
    return (entry.settings or {}).get(column, _UNKNOWN)


def _column_test(wanted: Filter, where: str) -> Callable[[Any], bool]:
    """What tells whether a value in one of `COLUMNS` fits."""
    column, sign = wanted.column, wanted.sign
    if (sign == "~") if column in NUMBERS else (sign not in ("=", "!=", "~")):
        allowed = "= != < <= > >=" if column in NUMBERS else "= != ~"
        raise ConfigError(f"{where}: {column} can be compared by {allowed}")
    if column in _CHOICES and sign != "~":
        _require_one_of(where, wanted.text, _CHOICES[column])
    value = wanted.number(where) if column in NUMBERS else wanted.text
    compare = _COMPARISONS[sign]
    return lambda found: sign == "!=" if found is None else compare(found, value)


def _setting_test(wanted: Filter, where: str) -> Callable[[Any], bool]:
    """What tells whether a setting fits; numbers are equal however they are spelled."""
    sign, compare = wanted.sign, _COMPARISONS[wanted.sign]
    if sign == "~":
        return lambda found: found is not _UNKNOWN and compare(_text(found), wanted.text)
    if sign in ("=", "!="):
        from isolet_nn.config.yaml_files import parse_yaml

        texts = {wanted.text, _comparable(parse_yaml(wanted.text, where))}
        equal = sign == "="
        return lambda found: (
            not equal
            if found is _UNKNOWN
            else ({_text(found), _comparable(found)} & texts != set()) == equal
        )
    number = wanted.number(where)
    return lambda found: _is_number(found) and compare(found, number)


def _with_column(entries: Iterable[Entry], column: str, where: str) -> list[Entry]:
    """The entries, with their settings if the column is one.

    Raises
    ------
    ConfigError
        If it is neither a column nor a setting of any entry.
    """
    entries = list(entries)
    if column in COLUMNS:
        return entries
    entries = [
        entry if entry.settings is not None else replace(entry, settings=_settings_of(entry))
        for entry in entries
    ]
    keys = dict.fromkeys(key for entry in entries for key in entry.settings or {})
    if column not in keys and (entries or "." not in column):
        hint = suggestion(column, [*COLUMNS, *keys])
        raise ConfigError(
            f"{where}: no column {column!r}; there is {', '.join(COLUMNS)}, and every setting by "
            f"its key path, such as optimizer.learning_rate{hint}"
        )
    return entries


def _settings_of(entry: Entry) -> dict[str, Any]:
    """Settings by key path, a sweep's with its best; nothing where the config cannot be read."""
    from isolet_nn.config.yaml_files import read_mapping

    folder = Path(entry.folder)
    try:
        if entry.kind != "sweep":
            return flat(read_mapping(folder / CONFIG))
        experiment = read_mapping(folder / SWEEP).get("experiment")
    except ConfigError:
        return {}
    settings = flat(experiment) if isinstance(experiment, dict) else {}
    for key, value in (entry.best_setting or {}).items():
        # A section that is replaced leaves none of its keys behind.
        settings = {k: v for k, v in settings.items() if not f"{k}.".startswith(f"{key}.")}
        settings |= flat({key: value})
    return settings


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_in_percent(column: str) -> bool:
    return is_metric(column) and measure_of(column).in_percent


def _comparable(value: Any) -> str:
    """Text that is equal for 1 and 1.0."""
    return repr(float(value)) if _is_number(value) else _text(value)


def _require_one_of(where: str, text: str, allowed: Sequence[str]) -> None:
    if text not in allowed:
        hint = suggestion(text, allowed)
        raise ConfigError(f"{where}: found {text!r}; allowed: {', '.join(allowed)}{hint}")
