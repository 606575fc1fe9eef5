"""YAML files: read safely, with clear errors, and written complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from isolet_nn.errors import ConfigError
from isolet_nn.files import read_text

# The largest config that comes with the package has 4 KB.
_MAX_BYTES = 10_000_000


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads 1e-3 as a number and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # <<: *base
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool, type(None))):
                continue
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1, which PyYAML follows, takes 1e-3 for a string; everybody means the number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)$"),
    list("-+0123456789."),
)


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
        text = read_text(path, _MAX_BYTES)
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


def dump_yaml(section: BaseModel) -> str:
    """Write a section as complete YAML, defaults filled in; reading it back gives an equal one."""
    content = _name_first(section.model_dump(mode="json"))
    text = _to_yaml(content, allow_unicode=True)
    if any(character in text for character in "\x85\u2028\u2029"):  # line breaks: not read back
        return _to_yaml(content, allow_unicode=False)
    return text


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes what `_Loader` would not take for text."""


_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _to_yaml(content: Any, allow_unicode: bool) -> str:
    text: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=100
    )
    return text


def _name_first(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    name = {"name": value["name"]} if "name" in value else {}
    return name | {key: _name_first(item) for key, item in value.items()}
