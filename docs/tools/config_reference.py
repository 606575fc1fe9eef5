"""The reference of all keys of an experiment or a sweep, as Markdown made from its models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from isolet_nn.config.bounds import MOST
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.section import Section

Schema = Mapping[str, Any]


@dataclass
class _Table:
    """One section of the reference: a model, and everywhere it is used."""

    schema: Schema
    paths: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    shares_path: bool = False
    """Whether another section describes what may stand in the same place."""

    def heading(self) -> str:
        where = ", ".join(f"`{path}`" for path in self.paths) or "Top level"
        if names := _names(self.schema):
            return f"{where} with `name: {', '.join(names)}`"
        if self.owners:
            where += f" of {', '.join(self.owners)},"
        elif not self.shares_path:
            return where
        required = " and ".join(f"`{key}`" for key in self.schema.get("required", ()))
        return f"{where} with {required}" if required else where.removesuffix(",")


def config_reference(model: type[Section] = Experiment) -> str:
    """All sections of `model` as Markdown: for each a heading, a sentence and a table of keys."""
    # The schema of what is written, not of what is read: it has no shorthands to describe twice.
    root = model.model_json_schema(mode="serialization")
    models = root["$defs"]
    return "\n\n".join(_markdown(table, models) for table in _tables(root))


def _tables(root: Schema) -> list[_Table]:
    tables: dict[str, _Table] = {}

    def visit(key: str, schema: Schema, path: str, owner: Schema | None) -> None:
        table = tables.setdefault(key, _Table(schema))
        table.paths += [path] if path and path not in table.paths else []
        table.owners += [name for name in _names(owner or {}) if name not in table.owners]
        for name, value in schema["properties"].items():
            for inner in _references(value):
                inner_path = f"{path}.{name}" if path else name
                visit(inner, root["$defs"][inner], inner_path, schema)

    visit("", root, "", None)
    uses = Counter(path for table in tables.values() for path in table.paths)
    for table in tables.values():
        table.shares_path = any(uses[path] > 1 for path in table.paths)
    return list(tables.values())


def _references(schema: Schema) -> Iterator[str]:
    """Names of the models that a value may be."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    inner = [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *inner):
        if isinstance(part, Mapping):
            yield from _references(part)


def _names(schema: Schema) -> list[str]:
    """The values of ``name`` that choose this model, if there are any."""
    name = schema.get("properties", {}).get("name", {})
    return [name["const"]] if "const" in name else name.get("enum", [])


def _markdown(table: _Table, models: Schema) -> str:
    properties = table.schema["properties"]
    keys = sorted(properties, key=lambda key: key != "name")
    rows = [("Key", "Allowed", "Default", "Meaning"), ("---",) * 4]
    required = table.schema.get("required", ())
    rows += [_row(key, properties[key], key in required, models) for key in keys]
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([f"## {table.heading()}", table.schema["description"], "", *lines])


def _row(key: str, schema: Schema, required: bool, models: Schema) -> tuple[str, str, str, str]:
    default = "required" if required else _default(schema, models)
    return f"`{key}`", _allowed(schema), default, schema["description"]


def _default(schema: Schema, models: Schema) -> str:
    value = schema["default"]
    for name in _references(schema):
        keys = models[name]["properties"]
        if value == {key: keys[key].get("default") for key in keys}:
            return "each key's own"
    if isinstance(value, Mapping) and "name" in value:
        value = value["name"]
    return f"`{_inline(value)}`"


def _inline(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")


def _allowed(schema: Schema) -> str:
    """What a value may be, in words."""
    if "discriminator" in schema:
        return "keys below, chosen by `name`"
    if parts := [*schema.get("oneOf", ()), *schema.get("anyOf", ())]:
        return ", or ".join(dict.fromkeys(_allowed(part) for part in parts))
    if "$ref" in schema:
        return "keys below"
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{_inline(value)}`" for value in values)
    return _scalar(schema)


def _scalar(schema: Schema) -> str:
    match schema.get("type", "any value"):
        case "array":
            return f"list, each {_allowed(schema['items'])}"
        case "boolean":
            return "`true`, `false`"
        case "integer":
            return f"whole number{_bounds(schema)}"
        case "number":
            return f"number{_bounds(schema)}"
        case "null":
            return "`null`"
        case "object":
            return "mapping"
        case "string" if schema.get("maxLength") == 1:
            return "one character"
        case kind:
            return "text" if kind == "string" else str(kind)


def _bounds(schema: Schema) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    bounds = [
        f"{word} {_number(schema[key])}"
        for key, word in words.items()
        if key in schema and schema[key] != MOST  # which no one asks for
    ]
    return f" {' and '.join(bounds)}" if bounds else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
