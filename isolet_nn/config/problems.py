"""Content checked against the config models, and what is wrong with it in words.

A problem names the key path, what was found, what is allowed, and the nearest valid name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from isolet_nn.config.columns import BY_KIND, ONE_CONSTANT
from isolet_nn.config.holdouts import ONE_FOLD, SHARE, Fold, says_fold
from isolet_nn.config.section import BY_KEY, NAME_PATTERN, RuleError, Section, names_of, sections_of
from isolet_nn.config.standardization import FOR_ALL, FOR_EACH
from isolet_nn.config.training import BY_CLASS
from isolet_nn.errors import ConfigError, Kind, Problem, nearest, short_repr, suggestion

_SHORT = 40

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
        raise ConfigError(*(problem.at(f"{source}: ") for problem in problems))
    return section


def check(
    model: type[SectionT], content: Mapping[str, Any]
) -> tuple[SectionT | None, list[Problem]]:
    """Check `content` against `model`: the section, or None and every problem."""
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, _joined(_problem(model, content, details) for details in error.errors())


def _joined(problems: Iterable[Problem]) -> list[Problem]:
    """One problem of those that find the same wrong: each says what one of several types allows."""
    alike: dict[tuple[str, Kind, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((problem.path, problem.kind, problem.found), []).append(problem)
    return [_of_alike(*same) for same in alike.values()]


def _of_alike(first: Problem, *others: Problem) -> Problem:
    if not others:
        return first
    allowed = ", or ".join(problem.allowed for problem in (first, *others) if problem.allowed)
    return replace(first, allowed=allowed, hint="")  # no hint where something else is allowed too


def _problem(model: type[Section], content: Mapping[str, Any], details: ErrorDetails) -> Problem:
    path = list(_key_path(content, details))
    where = ".".join(map(str, path)) or "experiment"
    kind, found, context = details["type"], details["input"], details.get("ctx", {})

    def found_but(allowed: str, hint: str = "") -> Problem:
        return Problem(short_repr(found), where, Kind.FOUND, allowed, hint)

    match kind:
        case "extra_forbidden":
            keys = list(_model_at(model, content, path[:-1]).model_fields)
            hint = suggestion(path[-1], keys)
            return Problem("", where, Kind.UNKNOWN_KEY, "" if hint else _listing(keys), hint)
        case "missing":
            return Problem("", where, Kind.MISSING)
        case "union_tag_not_found" if typo := _nearly_name(found):
            hint = "; did you mean name?"
            return Problem("", f"{where}.{typo}", Kind.UNKNOWN_KEY, hint=hint)
        case "union_tag_not_found":
            return Problem("", where, Kind.NAMELESS, _listing(_allowed_names(model, content, path)))
        case "union_tag_invalid":
            tag, expected = context.get("tag", found), str(context.get("expected_tags", ""))
            allowed = _unquote(expected) or "see the config reference"
            return Problem(
                short_repr(tag),
                f"{where}.name",
                Kind.FOUND,
                f"allowed: {allowed}",
                suggestion(tag, _quoted(expected)),
            )
        case "literal_error":
            expected = str(context.get("expected", ""))
            hint = suggestion(found, _quoted(expected))
            return found_but(f"allowed: {_unquote(expected)}", hint)
        case "value_error":
            error = context.get("error")
            if isinstance(error, RuleError):
                return error.problem
            return Problem(str(error), ".".join(map(str, _existing(content, path))))
        case "string_pattern_mismatch" if context.get("pattern") == NAME_PATTERN:
            return found_but(
                "allowed: at most 80 letters, digits, dots, dashes and underscores, the first a "
                "letter or digit"
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            return found_but("expected keys and values below it")
        case _:
            expectation = re.sub("^[A-Z][a-z]* should ", "", details["msg"])
            spelling = _spelling(kind, found, path)
            return found_but(f"it should {expectation}{spelling}")


def _spelling(kind: str, found: object, path: Sequence[int | str]) -> str:
    """How to write what YAML takes for another type."""
    if kind == "string_type" and isinstance(found, bool | int | float | None) and path:
        value = '"..."'
        while isinstance(path[-1], int):  # an item is set with the list that it is in
            path, value = path[:-1], f"[{value}]"
        where = ".".join(map(str, path))
        return (
            ", which is written in quotes where YAML would take it for something else: "
            f"{path[-1]}: {value}, or --set '{where}={value}'"
        )
    if kind in ("int_type", "float_type") and isinstance(found, str) and found[:1].isdigit():
        return ", which is written in decimal digits, without quotes"
    if kind in ("list_type", "tuple_type") and isinstance(found, str | int | float):
        return f", such as [{found}]" if len(str(found)) <= _SHORT else ""
    return ""


def _nearly_name(section: object) -> str | None:
    """The key that was probably meant to be ``name``."""
    keys = [key for key in section if isinstance(key, str)] if isinstance(section, dict) else []
    return nearest("name", keys)


def _listing(allowed: Iterable[str]) -> str:
    return f"allowed: {', '.join(allowed)}"


def _quoted(listing: str) -> list[str]:
    """The names in what pydantic expects: ``'sgd', 'adam' or 'adamw'``."""
    return re.findall(r"'([^']*)'", listing)


def _unquote(listing: str) -> str:
    words = listing.replace("'", "").replace(" or ", ", ").split(", ")
    return ", ".join({"True": "true", "False": "false"}.get(word, word) for word in words)


def _key_path(content: object, details: ErrorDetails) -> Iterator[int | str]:
    """Drop from pydantic's ``loc`` what is no key of the file: members of unions, and tags."""
    current: Any = content
    loc, is_missing = details["loc"], details["type"] == "missing"
    may_be_tag = False
    for position, key in enumerate(loc):
        is_tag = may_be_tag and isinstance(current, Mapping) and _is_tag(key, current)
        may_be_tag = not is_tag
        is_last = position == len(loc) - 1
        if is_tag and not is_last:
            continue
        if is_last and not is_missing and current == details["input"]:  # what is wrong is reached
            continue
        try:
            current = current[key]
        except (KeyError, IndexError, TypeError):
            if not is_last or not isinstance(current, Mapping):
                continue
        yield key


def _is_tag(key: object, section: Mapping[str, Any]) -> bool:
    """Whether `key` names the member of a union that pydantic took `section` for."""
    is_by_key = isinstance(key, str) and key.startswith(BY_KEY)
    tags = (SHARE, ONE_FOLD, FOR_ALL, FOR_EACH, BY_CLASS, ONE_CONSTANT, BY_KIND)
    named = (section.get("name"), *tags)
    return is_by_key or key in named


def _existing(content: Mapping[str, Any], path: Sequence[int | str]) -> Iterator[int | str]:
    """The part of `path` that there is in `content`: without the union tag that may end it."""
    current: Any = content
    for key in path:
        if not _is_section(current, key) and (
            not isinstance(current, Mapping) or key not in current
        ):
            return
        current = current[key]
        yield key


def _is_section(items: object, place: object) -> bool:
    """Whether a list has a section at a place."""
    return isinstance(items, list) and isinstance(place, int) and isinstance(items[place], Mapping)


def _allowed_names(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> list[str]:
    """What the ``name`` key of the section at `path` may say."""
    key = [key for key in path if isinstance(key, str)][-1]  # not the place in a list
    field = _model_at(model, content, path[: path.index(key)]).model_fields[key]
    return [name for section in sections_of(field.annotation) for name in names_of(section)]


def _model_at(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> type[Section]:
    """The model of the section at `path`, following the keys that choose among models."""
    current: Any = content
    candidates: list[type[Section]] = []
    for key in path:
        current = current[key]
        if isinstance(key, str) and key in model.model_fields:  # else a key path of a space
            candidates = sections_of(model.model_fields[key].annotation)
        if not isinstance(current, Mapping):  # a list, of which one place follows
            continue
        chosen = [c for c in candidates if current.get("name") in names_of(c)]
        if says_fold(current):
            chosen += [c for c in candidates if issubclass(c, Fold)]
        # Else the one that has most of the keys: sections without a name are told apart by them.
        nearest_first = sorted(candidates, key=lambda c: -len(current.keys() & c.model_fields))
        model = (chosen or nearest_first)[0]
    return model
