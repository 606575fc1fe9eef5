"""Key paths such as ``optimizer.learning_rate``: what stands there, and how it is set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from isolet_nn.errors import ConfigError, Kind, Problem, short_repr

_PLAIN = (str, int, float, list)


def split_key(path: str) -> tuple[str, ...]:
    """The keys of a key path."""
    return tuple(path.split("."))


def is_within(key: str, section: str) -> bool:
    """Whether a key path is that of a section, or of something in it."""
    return f"{key}.".startswith(f"{section}.")


def look_up(content: Any, key_path: str) -> Any:
    """The value at a key path, None where there is none."""
    for key in key_path.split("."):
        if not isinstance(content, Mapping) or key not in content:
            return None
        content = content[key]
    return content


def flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """The values of nested mappings by key path; a mapping that is empty is a value."""
    result: dict[str, Any] = {}
    _flatten(content, "", result)
    return result


def _flatten(content: Mapping[str, Any], prefix: str, result: dict[str, Any]) -> None:
    for key, value in content.items():
        # What is certainly none is asked first: a list of runs has hundreds of thousands.
        if value and not isinstance(value, _PLAIN) and isinstance(value, Mapping):
            _flatten(value, f"{prefix}{key}.", result)
        else:
            result[f"{prefix}{key}"] = value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings of values by key path: what `flat` was given."""
    result: dict[str, Any] = {}
    for path, value in values.items():
        *parents, last = path.split(".")
        section = result
        for depth, key in enumerate(parents):
            inner = section.setdefault(key, {})
            if not isinstance(inner, dict):  # a class, say, whose name has a point in it
                last = ".".join([*parents[depth:], last])
                break
            section = inner
        section[last] = value
    return result


def apply_overrides(
    config: Mapping[str, Any],
    overrides: Mapping[str, Any],
    split: Callable[[str], tuple[str, ...]] = split_key,
) -> tuple[dict[str, Any], list[Problem]]:
    """Copy `config` and set each key path of `overrides`, making sections where there are none.

    Their order does not matter: a section comes before its keys. A section written in short
    (``schedule: cosine``) becomes ``{name: cosine}`` when one of its keys is set.

    Returns
    -------
    The copy, and problems: key paths that lead into a list, a number or a truth
    value, and those that contradict a section that is set too. They are not applied.
    """
    result = dict(config)
    problems = []
    parts = {path: split(path) for path in overrides}
    for path in sorted(overrides, key=lambda path: (len(parts[path]), path)):
        problem = _contradiction(path, parts, overrides) or _set(result, path, parts, overrides)
        problems += [problem] if problem else []
    return result, problems


def with_overrides(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Copy `config` with `overrides`, as `apply_overrides` does it.

    Raises
    ------
    ConfigError
        Listing the problems.
    """
    result, problems = apply_overrides(config, overrides)
    if problems:
        raise ConfigError(*problems)
    return result


def _set(
    section: dict[str, Any],
    path: str,
    parts: Mapping[str, tuple[str, ...]],
    overrides: Mapping[str, Any],
) -> Problem | None:
    """Set one key path, in copies of the sections that it goes through; say why if it cannot."""
    *parents, last = parts[path]
    for depth, key in enumerate(parents, 1):
        inner = _as_section(section.get(key))
        if inner is None:
            whole, found = ".".join(parents[:depth]), short_repr(section[key])
            return Problem(f"{whole} is {found}, which can only be set as a whole", path)
        section[key] = inner
        section = inner
    section[last] = overrides[path]
    return None


def _contradiction(
    path: str, parts: Mapping[str, tuple[str, ...]], overrides: Mapping[str, Any]
) -> Problem | None:
    """What a section that is set says otherwise of one of its keys that is set too."""
    value, keys = overrides[path], parts[path]
    for other in sorted(overrides, key=lambda other: (len(parts[other]), other)):
        section_keys = parts[other]
        if other == path or keys[: len(section_keys)] != section_keys:
            continue
        section = overrides[other]
        if section is None or section == "none":
            return _either(value, f"{other} is {short_repr(section)}", path)
        for key in keys[len(section_keys) :]:
            section = _as_section(section) or {}
            if key not in section:
                break
            section = section[key]
        else:
            if not same_value(section, value):
                return _either(value, f"{short_repr(section)} in {other}", path)
    return None


def _either(value: Any, other: str, path: str) -> Problem:
    return Problem(f"{short_repr(value)}, but {other}: give one of them", path, Kind.FOUND)


def _as_section(value: Any) -> dict[str, Any] | None:
    """A new mapping to set keys in: a copy, a name written out, or an empty one; None if none."""
    if isinstance(value, dict):
        return dict(value)
    if value is None or isinstance(value, str):
        return {} if value in (None, "none") else {"name": value}
    return None


def contradiction(values: Iterable[Any]) -> str | None:
    """What is wrong with values that one key is given, if they are not all the same."""
    different = {equal_text(value): short_repr(value) for value in values}
    if len(different) < 2:
        return None
    return f"found {' and '.join(sorted(different.values()))}: give one of them"


def same_value(some: Any, other: Any) -> bool:
    """Whether an experiment takes two values for the same, as it does 1 and 1.0."""
    return equal_text(some) == equal_text(other)


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal text for equal values."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def equal_text(value: Any) -> str:
    """Text that is equal for values which an experiment takes for the same: 1 and 1.0."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): plain(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return int(item) if isinstance(item, float) and item.is_integer() else item

    return json.dumps(plain(value), sort_keys=True, default=repr)
