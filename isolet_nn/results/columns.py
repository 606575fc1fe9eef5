"""The columns of a list of runs and sweeps: what is known of each, and every setting by key path.

Settings are only read where one is asked for, since that takes most of the time: of a run from
environment.json, which has what it was begun with and is read many times faster than a config.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from isolet_nn.config.key_paths import flat
from isolet_nn.config.metrics import METRICS, is_metric
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.results.listing import Entry
from isolet_nn.system.files import open_file, parse_json, read_bytes
from isolet_nn.system.folders import CONFIG, ENVIRONMENT, JOURNAL, SWEEP

COLUMNS = tuple(
    field.name for field in fields(Entry) if field.name not in ("best_setting", "settings")
)
"""What entries have besides settings."""
NUMBERS = {
    *METRICS,
    *("epochs", "best_validation_epoch", "parameters"),
    *("trials", "completed", "failed", "pruned", "reused", "seconds", "age"),
}
TASK = "adapted_to"
"""What tells another task than that of most models."""
UNKNOWN = object()
"""The value of what an entry does not have."""


def value_of(entry: Entry, column: str) -> Any:
    """An entry's value in a column, or of a setting; `UNKNOWN` where it has no such setting."""
    if column in COLUMNS:
        return getattr(entry, column)
    return (entry.settings or {}).get(column, UNKNOWN)


def with_columns(
    entries: Iterable[Entry], columns: Sequence[str], where: str, also: Sequence[str] = ()
) -> list[Entry]:
    """The entries, with their settings if one of the columns is a setting.

    Parameters
    ----------
    also
        Words that may stand for columns there, to be suggested where they are misspelt.

    Raises
    ------
    ConfigError
        If something is neither a column nor a setting of any entry; it begins with `where`. Where
        there is no entry, nobody can tell.
    """
    entries = list(entries)
    settings = [column for column in columns if column not in COLUMNS]
    if not settings:
        return entries
    entries = with_settings(entries)
    keys = dict.fromkeys(key for entry in entries for key in entry.settings or {})
    for column in settings:
        if entries and column not in keys:
            hint = suggestion(column, [*COLUMNS, *keys, *also])
            raise ConfigError(
                f"{where}: no column {column!r}; there is {', '.join(COLUMNS)}, and every setting "
                f"by its key path, such as optimizer.learning_rate{hint}"
            )
    return entries


def with_task(columns: Sequence[str], entries: Iterable[Entry]) -> list[str]:
    """The columns, and `TASK` where scores among them are of models that adapt to a group.

    Such a score is never shown as if it were of a model that knows nothing of groups.
    """
    names = [*columns]
    is_named = TASK in names or not any(map(is_metric, names))
    return names if is_named or all(e.adapted_to is None for e in entries) else [*names, TASK]


def with_settings(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with their settings by key path."""
    return [
        entry if entry.settings is not None else replace(entry, settings=_settings_of(entry))
        for entry in entries
    ]


def _settings_of(entry: Entry) -> dict[str, Any]:
    """Settings by key path, a sweep's with its best; nothing where they cannot be read."""
    folder = Path(entry.folder)
    try:
        experiment = (_of_sweep if entry.kind == "sweep" else _of_run)(folder)
    except (ConfigError, OSError, ValueError):
        return {}
    settings = flat(experiment) if isinstance(experiment, Mapping) else {}
    for key, value in (entry.best_setting or {}).items():
        # A section that is replaced leaves none of its keys behind.
        settings = {k: v for k, v in settings.items() if not f"{k}.".startswith(f"{key}.")}
        settings |= flat({key: value})
    return settings


def _of_run(folder: Path) -> Any:
    try:
        content = from_json(read_bytes(folder / ENVIRONMENT))
        if isinstance(content, dict) and isinstance(content.get("experiment"), dict):
            return content["experiment"]
    except (OSError, ValueError):
        pass
    from isolet_nn.config.yaml_files import read_mapping

    return read_mapping(folder / CONFIG)


def _of_sweep(folder: Path) -> Any:
    try:
        with open_file(folder / JOURNAL) as file:
            return parse_json(file.readline())["sweep"]["experiment"]
    except (OSError, ValueError, TypeError, KeyError):
        from isolet_nn.config.yaml_files import read_mapping

        return read_mapping(folder / SWEEP).get("experiment")


def is_number(value: Any) -> bool:
    """Whether a value is a number, which truth values are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def text_of_value(value: Any) -> str:
    """A value as text to be compared; all but text as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
