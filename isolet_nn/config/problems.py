"""Content checked against the config models, and what is wrong with it in words.

A problem names the key path, what was found, what is allowed, and the nearest valid name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from isolet_nn.config.holdouts import ONE_FOLD, SHARE, Fold, says_fold
from isolet_nn.config.section import NAME_PATTERN, Section, names_of, sections_of
from isolet_nn.errors import ConfigError, nearest, short_repr, suggestion

SectionT = TypeVar("SectionT", bound=Section)


def validate(model: type[SectionT], content: Mapping[str, Any], source: str) -> SectionT:
    """Check `content` against `model`; `source` names it in messages.

    Raises
    ------
    ConfigError
        Listing every problem with its key path, what was found and what is allowed.
    """
    section, problems = check(model, content)
    if section is None:
        raise ConfigError("\n".join(f"{source}: {problem}" for problem in problems))
    return section


def check(model: type[SectionT], content: Mapping[str, Any]) -> tuple[SectionT | None, list[str]]:
    """Check `content` against `model`: the section, or None and every problem, a line each."""
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, _joined(_describe(model, content, details) for details in error.errors())


def _joined(problems: Iterable[str]) -> list[str]:
    """One line of those that find the same wrong: each says what one of several types allows."""
    remedies: dict[str, list[str]] = {}
    for problem in problems:
        found, _, remedy = problem.partition("; ")
        remedies.setdefault(found, []).append(remedy)
    lines = []
    for found, of_found in remedies.items():
        if len(of_found) > 1:  # a nearest name is no hint where something else is allowed too
            of_found = [remedy.partition("; did you mean")[0] for remedy in of_found]
        lines.append("; ".join(filter(None, [found, ", or ".join(of_found)])))
    return lines


def _describe(model: type[Section], content: Mapping[str, Any], details: ErrorDetails) -> str:
    path = list(_key_path(content, details["loc"]))
    where = ".".join(map(str, path)) or "experiment"
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    match kind:
        case "extra_forbidden":
            allowed = _allowed_keys(model, content, path[:-1])
            hint = suggestion(path[-1], allowed)
            listing = "" if hint else f"; allowed: {', '.join(allowed)}"
            return f"{where}: unknown key{hint or listing}"
        case "missing":
            return f"{where}: missing, and there is no default"
        case "union_tag_not_found" if typo := _nearly_name(found):
            return f"{where}.{typo}: unknown key; did you mean name?"
        case "union_tag_not_found":
            allowed = _allowed_names(model, content, path)
            return f"{where}: the key `name` is missing; allowed: {', '.join(allowed)}"
        case "union_tag_invalid":
            tag = context.get("tag", found)
            hint = suggestion(tag, re.findall(r"'([^']*)'", str(context.get("expected_tags", ""))))
            return f"{where}.name: found {short_repr(tag)}; allowed: {_tags(context)}{hint}"
        case "literal_error":
            expected = str(context.get("expected", ""))
            hint = suggestion(found, re.findall(r"'([^']*)'", expected))
            return f"{where}: found {short_repr(found)}; allowed: {_unquote(expected)}{hint}"
        case "value_error":
            section = ".".join(map(str, _existing(content, path)))
            return f"{section}: {context.get('error')}" if path else str(context.get("error"))
        case "string_pattern_mismatch" if context.get("pattern") == NAME_PATTERN:
            return (
                f"{where}: found {short_repr(found)}; allowed: at most 80 letters, digits, dots, "
                "dashes and underscores, the first a letter or digit"
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{where}: found {short_repr(found)}; expected keys and values below it"
        case _:
            expectation = re.sub("^[A-Z][a-z]* should ", "", details["msg"])
            hint = _spelling_hint(kind, found, str(path[-1]) if path else "")
            return f"{where}: found {short_repr(found)}; it should {expectation}{hint}"


def _spelling_hint(kind: str, found: object, key: str) -> str:
    """How to write what YAML takes for another type."""
    if kind == "string_type" and isinstance(found, bool | int | float | None):
        return (
            ", which is written in quotes where YAML would take it for something else: "
            f'{key}: "...", or --set \'{key}="..."\''
        )
    if kind in ("int_type", "float_type") and isinstance(found, str) and found[:1].isdigit():
        return ", which is written in decimal digits, without quotes"
    return ""


def _nearly_name(section: object) -> str | None:
    """The key that was probably meant to be ``name``."""
    keys = [key for key in section if isinstance(key, str)] if isinstance(section, dict) else []
    return nearest("name", keys)


def _tags(context: Mapping[str, Any]) -> str:
    tags = context.get("expected_tags")
    return _unquote(str(tags)) if tags else "see the config reference"


def _unquote(listing: str) -> str:
    words = listing.replace("'", "").replace(" or ", ", ").split(", ")
    return ", ".join({"True": "true", "False": "false"}.get(word, word) for word in words)


def _key_path(content: object, loc: Sequence[int | str]) -> Iterator[int | str]:
    """Drop from pydantic's `loc` the union tags, which are no keys of the file."""
    current: Any = content
    may_be_tag = False
    for position, key in enumerate(loc):
        is_tag = may_be_tag and isinstance(current, Mapping) and _is_tag(key, current)
        may_be_tag = not is_tag
        if is_tag and position < len(loc) - 1:
            continue
        try:
            current = current[key]
        except (KeyError, IndexError, TypeError):
            if position < len(loc) - 1 or not isinstance(current, Mapping):
                continue
        yield key


def _is_tag(key: object, section: Mapping[str, Any]) -> bool:
    """Whether `key` names the member of a union that pydantic took `section` for."""
    return key in (section.get("name"), SHARE, ONE_FOLD)


def _existing(content: Mapping[str, Any], path: Sequence[int | str]) -> Iterator[int | str]:
    """The part of `path` that there is in `content`: without the union tag that may end it."""
    current: Any = content
    for key in path:
        if not isinstance(current, Mapping) or key not in current:
            return
        current = current[key]
        yield key


def _allowed_keys(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> list[str]:
    """Keys of the section at `path`."""
    return list(_model_at(model, content, path).model_fields)


def _allowed_names(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> list[str]:
    """What the ``name`` key of the section at `path` may say."""
    field = _model_at(model, content, path[:-1]).model_fields[str(path[-1])]
    return [name for section in sections_of(field.annotation) for name in names_of(section)]


def _model_at(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> type[Section]:
    """The model of the section at `path`, following the keys that choose among models."""
    current: Any = content
    for key in path:
        current = current[key]
        candidates = sections_of(model.model_fields[str(key)].annotation)
        chosen = [c for c in candidates if current.get("name") in names_of(c)]
        if says_fold(current):
            chosen += [c for c in candidates if issubclass(c, Fold)]
        model = (chosen or candidates)[0]
    return model
