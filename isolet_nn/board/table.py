"""The table of runs and sweeps as a document: a page of it, sorted, filtered, searched, grouped."""

from __future__ import annotations

import functools
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from isolet_nn.board.index import Known, key_of
from isolet_nn.config.metrics import METRICS
from isolet_nn.errors import one_line
from isolet_nn.results.columns import (
    COLUMNS,
    NUMBERS,
    UNKNOWN,
    value_of,
    with_columns,
    with_task,
)
from isolet_nn.results.filters import filter_entries, parse_filter, sort_entries
from isolet_nn.results.groups import Group, Mean, groups_with_members, sort_groups
from isolet_nn.results.listing import Entry
from isolet_nn.terminal.words import metric_text, number, setting_text

_Row = TypeVar("_Row")

PAGE_ROWS = 100
_MOST_VARYING = 6
"""Settings that differ and are shown unless others are asked for."""
_MOST_MEMBERS = 50
_MOST_REMEMBERED = 4
_FIRST = ("status", "dataset.name")
_SCORES = ("validation_accuracy", "test_accuracy")
_LAST = ("epochs", "trials", "seconds", "age", "tags")
_NOT_SHOWN = {*_FIRST, "name", "device", "training.threads", "training.checkpoint_seconds"}
"""Settings that have a column already, or say nothing of what a run is."""


@dataclass(frozen=True)
class Query:
    """Which part of the table is asked for, in the words of `isolet-nn runs`.

    Attributes
    ----------
    filters
        Expressions such as ``test_accuracy>95%``; all must fit.
    search
        Words that must all stand in a name, a setting, a tag, a note or a problem.
    sort, reverse
        A column, and whether the other way round; None is the newest first.
    columns
        Instead of the usual ones.
    group
        Columns that the runs of a group have in common; ``settings`` is all but the seed.
    page
        From 1 on.
    """

    filters: tuple[str, ...] = ()
    search: str = ""
    sort: str | None = None
    reverse: bool = False
    columns: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    page: int = 1

    @property
    def asks_for_age(self) -> bool:
        """Whether the answer depends on what time it is."""
        filtered = [parse_filter(expression).column for expression in self.filters]
        return "age" in (*filtered, self.sort)


def table_document(
    known: Mapping[str, Known], query: Query, now: float, in_use: SettingsInUse
) -> dict[str, Any]:
    """A page of the table.

    Parameters
    ----------
    now
        Seconds since 1970, for ages.
    in_use
        What remembers the settings of the last tables.

    Raises
    ------
    ConfigError
        If a filter is malformed, or there is no such column.
    """
    names = {each.entry.folder: name for name, each in known.items()}
    everything = [each.entry for each in known.values()]
    if query.asks_for_age:
        everything = [replace(each.entry, age=now - each.begun) for each in known.values()]
    with_columns(everything, [query.sort] if query.sort and not query.group else [], "sort")
    with_columns(everything, query.columns, "columns")
    found = _searched(filter_entries(everything, query.filters), query.search)
    varying = in_use.of(found)[1]
    document: dict[str, Any] = {
        "kind": "table",
        "there": len(known),
        "found": len(found),
        "statuses": dict(Counter(entry.status for entry in everything)),
        "readings": [r for f in query.filters if (r := parse_filter(f).reading) is not None],
        "varying": varying,
        "settings": in_use.of(everything)[0],
        "known_columns": list(COLUMNS),
    }
    if query.group:
        return document | _groups(found, query, names)
    columns = with_task(query.columns or _usual(found, varying, query), found)
    if query.sort is not None and found:
        found = sort_entries(found, query.sort, reverse=query.reverse)
    shown, page = _page(found, query.page)
    rows = [
        {
            "key": key_of(names[entry.folder]),
            "name": one_line(names[entry.folder]),
            "kind": entry.kind,
            "status": entry.status,
            "begun": known[names[entry.folder]].begun,
            "problem": entry.problem and one_line(entry.problem),
            "note": entry.note and one_line(entry.note),
            "cells": [_cell(entry, column) for column in columns],
        }
        for entry in shown
    ]
    return document | page | {"columns": [_heading(column) for column in columns], "rows": rows}


class SettingsInUse:
    """Which settings entries have, and which differ; compared anew only if some are others."""

    def __init__(self) -> None:
        self._last: list[tuple[list[Any], tuple[list[str], list[str]]]] = []

    def of(self, entries: Iterable[Entry]) -> tuple[list[str], list[str]]:
        """All from A to Z, and those of `varying_settings`."""
        settings = [entry.settings or {} for entry in entries]
        for there, found in self._last:
            if there == settings:  # at no cost: a run that changes keeps the very same ones
                return found
        found = sorted({key for each in settings for key in each}), varying_settings(settings)
        self._last = [(settings, found), *self._last[: _MOST_REMEMBERED - 1]]
        return found


def varying_settings(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Settings that are not the same in all entries that have them, in the order of configs."""
    firsts: dict[str, Any] = {}
    differing = set()
    for each in settings:
        for key, value in each.items():
            if key not in firsts:
                firsts[key] = value
            elif key not in differing and firsts[key] != value:
                differing.add(key)
    return [key for key in firsts if key in differing and key not in _NOT_SHOWN]


def _searched(entries: Sequence[Entry], search: str) -> list[Entry]:
    words = search.casefold().split()
    return [entry for entry in entries if all(word in _text_of(entry) for word in words)]


def _text_of(entry: Entry) -> str:
    settings = [v for v in (entry.settings or {}).values() if isinstance(v, str)]
    said = (entry.folder.rpartition(os.sep)[2], entry.name, entry.kind, entry.status, entry.note)
    return " ".join([*filter(None, said), *entry.tags, entry.problem or "", *settings]).casefold()


def _usual(entries: Sequence[Entry], varying: Sequence[str], query: Query) -> list[str]:
    """What is shown by itself: what differs, what any row has, what is asked by."""
    asked = [parse_filter(expression).column for expression in query.filters]
    asked += [query.sort] if query.sort else []

    def that_any_has(names: Sequence[str]) -> list[str]:
        return [name for name in names if any(value_of(e, name) not in (None, ()) for e in entries)]

    scores, last = that_any_has(_SCORES), that_any_has(_LAST)
    wanted = [*_FIRST, *with_task(scores, entries), *asked, *varying[:_MOST_VARYING], *last]
    # Every row says these by itself.
    return [name for name in dict.fromkeys(wanted) if name not in ("name", "folder", "problem")]


def _page(found: Sequence[_Row], page: int) -> tuple[Sequence[_Row], dict[str, int]]:
    """The rows of a page; of the last one, if there is none of that number (any more)."""
    pages = max(1, math.ceil(len(found) / PAGE_ROWS))
    page = min(max(1, page), pages)
    first = (page - 1) * PAGE_ROWS
    return found[first : first + PAGE_ROWS], {"page": page, "pages": pages, "first": first}


def _heading(column: str) -> dict[str, Any]:
    return {
        "name": column,
        "is_number": column in NUMBERS,
        "is_setting": column not in COLUMNS,
    }


def _cell(entry: Entry, column: str) -> str | None:
    """A value as a person reads it; None of what is told by the hour, or is not there."""
    value = value_of(entry, column)
    if value is None or value is UNKNOWN or column == "age":
        return None
    if column not in COLUMNS:
        return one_line(setting_text(value))
    return one_line(_SAY.get(column, str)(value))


def _groups(found: Sequence[Entry], query: Query, names: Mapping[str, str]) -> dict[str, Any]:
    """Means over the runs that have something in common, a page of them."""
    pairs = groups_with_members(found, query.group, query.columns or None)
    members = {
        id(group): [key_of(names[entry.folder]) for entry in alike] for group, alike in pairs
    }
    groups = [group for group, _ in pairs]
    if query.sort is not None and groups:
        groups = sort_groups(groups, query.sort)
        groups = groups[::-1] if query.reverse else groups
    shown, page = _page(groups, query.page)
    keys, means = (list(groups[0].by), list(groups[0].means)) if groups else ([], [])
    return page | {
        "kind": "groups",
        "columns": [*map(_heading, [*keys, *means])],
        "n_keys": len(keys),
        "groups": len(groups),
        "sweeps_left_out": sum(entry.kind == "sweep" for entry in found),
        "rows": [
            {
                "runs": group.runs,
                "members": members[id(group)][:_MOST_MEMBERS],
                "cells": _group_cells(group),
            }
            for group in shown
        ],
    }


def _group_cells(group: Group) -> list[str | None]:
    settings = [one_line(setting_text(value)) for value in group.by.values()]
    return [*settings, *(_mean_text(name, mean) for name, mean in group.means.items())]


def _mean_text(name: str, mean: Mean | None) -> str | None:
    if mean is None:
        return None
    say = _SAY[name]
    return say(mean.mean) if mean.deviation is None else f"{say(mean.mean)} ± {say(mean.deviation)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}"


_SAY: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(NUMBERS, number),
    **{metric: functools.partial(metric_text, metric) for metric in METRICS},
    "seconds": _seconds,
    "tags": ", ".join,
}
