"""YAML files: read safely, with clear errors, and written complete.

Numbers mean what a person means: ``010`` is ten, and only decimal digits make a number. What
YAML 1.1 alone takes for one (``1:30``, ``0x1F``, ``1_000``), and a date, is text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from isolet_nn.errors import UNPRINTABLE, ConfigError, whole_number
from isolet_nn.system.files import read_text

_MOST_BYTES = 64 * 2**20
"""Size of the largest file that is read."""
MOST_VALUES = 100_000
"""Keys and values in a file, which are read in two seconds (measured, Python 3.11, one core)."""
MOST_LEVELS = 50
"""Sections and lists inside each other."""
MOST_ALIASED = 100_000
"""Values that aliases and merge keys may add to those written out."""

_TOO_MANY = f"more than {MOST_VALUES} keys and values in one file"
_TOO_DEEP = f"more than {MOST_LEVELS} sections or lists inside each other"
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9]+[eE][-+]?[0-9]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class _Loader(yaml.SafeLoader):
    """SafeLoader for decimal numbers, which refuses a key given twice and what would explode."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {  # noqa: RUF012
        first: [(tag, regexp) for tag, regexp in resolvers if tag in (f"{_TAG}null", _MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_TAG) in ("null", "bool", "str", "seq", "map")
    }

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._inside: list[object] = []
        """Key or position of what is being composed, in each of the levels that it is in."""
        self._n_values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._inside.append(index.value if isinstance(index, yaml.Node) else index)
        self._n_values += 1
        if len(self._inside) > MOST_LEVELS:
            raise yaml.composer.ComposerError(None, None, _TOO_DEEP, self.get_mark())
        if self._n_values > MOST_VALUES:
            of_seeds = "; seeds: N stands for N seeds from 0 on" if "seeds" in self._inside else ""
            problem = f"{_TOO_MANY}{of_seeds}"
            raise yaml.composer.ComposerError(None, None, problem, self.get_mark())
        node = super().compose_node(parent, index)
        self._inside.pop()
        return node

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            for mapping in _bounded(node):
                self._refuse_key_given_twice(mapping)
        return node

    # Before construction, which mixes the keys of merged mappings in.
    def _refuse_key_given_twice(self, node: yaml.MappingNode) -> None:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE or not isinstance(key_node, yaml.ScalarNode):
                continue
            key = self.construct_object(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        try:
            return whole_number(self._decimal(node, _INTEGER))
        except ValueError as error:
            raise yaml.constructor.ConstructorError(
                None, None, str(error), node.start_mark
            ) from None

    def construct_float(self, node: yaml.ScalarNode) -> float:
        text = self._decimal(node, re.compile(f"{_FLOAT.pattern}|{_INTEGER.pattern}")).lower()
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))

    def _decimal(self, node: yaml.ScalarNode, pattern: re.Pattern[str]) -> str:
        """The text of a number, which a tag may claim of anything: ``!!int 0x10``."""
        text = str(self.construct_scalar(node))
        if not pattern.fullmatch(text):
            problem = f"found {text!r}, expected a decimal number"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return text


_Loader.add_implicit_resolver(
    f"{_TAG}bool",
    re.compile("^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"),
    list("yYnNtTfFoO"),
)
_Loader.add_implicit_resolver(
    f"{_TAG}int", re.compile(rf"^(?:{_INTEGER.pattern})$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    f"{_TAG}float", re.compile(rf"^(?:{_FLOAT.pattern})$"), list("-+.0123456789")
)
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_integer)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_float)


def _bounded(root: yaml.Node) -> list[yaml.MappingNode]:
    """All mappings of a document, unless it would grow out of bounds once aliases are followed.

    Each node is looked at once, before any is expanded: PyYAML would copy what is merged.
    """
    sizes: dict[yaml.Node, tuple[int, int]] = {}
    unfinished: set[yaml.Node] = set()
    written = 0

    def measure(node: yaml.Node) -> tuple[int, int]:
        """Values in a node, and levels, with every alias followed."""
        nonlocal written
        if node in sizes:
            return sizes[node]
        if node in unfinished:
            raise _refusal("an alias inside the very value that it stands for", node)
        unfinished.add(node)
        written += 1
        inner = [measure(child) for child in _children(node)]
        levels = max((level for _, level in inner), default=-1) + 1
        if levels > MOST_LEVELS:
            raise _refusal(_TOO_DEEP, node)
        sizes[node] = 1 + sum(size for size, _ in inner), levels
        return sizes[node]

    size, _ = measure(root)
    if size - written > MOST_ALIASED:
        raise _refusal(f"its aliases stand for more than {MOST_ALIASED} values", root)
    return [node for node in sizes if isinstance(node, yaml.MappingNode)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _refusal(problem: str, node: yaml.Node) -> yaml.composer.ComposerError:
    return yaml.composer.ComposerError(None, None, problem, node.start_mark)


def parse_yaml(text: str, source: str) -> Any:
    """Parse YAML text.

    Raises
    ------
    ConfigError
        If it is not YAML; the message names `source`, line and column.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise ConfigError(f"{where}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{source}: not valid YAML: {error}") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    ConfigError
        If the file is missing, unreadable, not UTF-8, not YAML, empty or not a mapping.
    """
    try:
        text = read_text(path, _MOST_BYTES)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at position {error.start}"
        raise ConfigError(f"{path}: not a YAML file: found {found}, expected UTF-8 text") from None
    content = parse_yaml(text, str(path))
    if not isinstance(content, dict):
        found = "an empty file" if content is None else f"a {type(content).__name__}"
        raise ConfigError(
            f"{path}: found {found}, expected keys: an experiment has `dataset:`, a sweep "
            "`experiment:`"
        )
    return content


def dump_yaml(section: BaseModel, in_short: Mapping[str, Any] | None = None) -> str:
    """Write a section as complete YAML, defaults filled in; reading it back gives an equal one.

    `in_short` holds what is written instead of the values of some keys.

    Raises
    ------
    ConfigError
        If it holds more than could be read back.
    """
    content = _name_first(section.model_dump(mode="json") | dict(in_short or {}))
    if _n_values(content) > MOST_VALUES:
        raise ConfigError(_TOO_MANY)
    return write_yaml(content)


def write_yaml(content: Any) -> str:
    """Write plain values as YAML that is read back as they are."""
    text = _to_yaml(content, allow_unicode=True)
    if any(character in text for character in "\x85\u2028\u2029"):  # line breaks: not read back
        return _to_yaml(content, allow_unicode=False)
    return text


def _n_values(content: Any) -> int:
    """Keys and values, as many as there are nodes when it is read."""
    if isinstance(content, dict):
        return 1 + len(content) + sum(map(_n_values, content.values()))
    return 1 + sum(map(_n_values, content)) if isinstance(content, list) else 1


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes what `_Loader`, or other readers of YAML, would not take for text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: _Loader.yaml_implicit_resolvers.get(first, [])
        + yaml.SafeLoader.yaml_implicit_resolvers.get(first, [])
        for first in _Loader.yaml_implicit_resolvers | yaml.SafeLoader.yaml_implicit_resolvers
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _to_yaml(content: Any, allow_unicode: bool) -> str:
    text: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=100
    )
    return text


def quoted(items: Iterable[str | int]) -> list[str]:
    """Items of a list as YAML spells them in one line, each in quotes where it needs them."""
    return [_quoted(item) for item in items]


def _quoted(item: str | int) -> str:
    style = '"' if isinstance(item, str) and "\n" in item else None  # the others would break lines
    text: str = yaml.dump(
        [item],
        Dumper=_Dumper,
        default_flow_style=True,
        default_style=style,
        allow_unicode=not UNPRINTABLE.search(str(item)),
        width=math.inf,
    )
    return text.strip().removeprefix("[").removesuffix("]")


def _name_first(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    name = {"name": value["name"]} if "name" in value else {}
    return name | {key: _name_first(item) for key, item in value.items()}
