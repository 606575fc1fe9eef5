"""The reference of all commands as Markdown, made from the command line's own definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from isolet_nn.cli.app import app

_EVERYWHERE = {"debug", "help"}


def command_reference() -> str:
    """Every command: a heading, what it does, and a table of its arguments and options."""
    return "\n\n".join(_sections("isolet-nn", get_command(app)))


def _sections(name: str, command: Any) -> Iterator[str]:
    subcommands = getattr(command, "commands", {})
    yield _section(name, command, list(subcommands))
    for subname, subcommand in subcommands.items():
        yield from _sections(f"{name} {subname}", subcommand)


def _section(name: str, command: Any, subcommands: list[str]) -> str:
    parameters = [p for p in command.params if p.name not in _EVERYWHERE]
    arguments = [_argument(p) for p in parameters if p.param_type_name == "argument"]
    usage = " ".join([name, *(["COMMAND"] if subcommands else arguments)])
    parts = [f"## `{usage}`", _prose(command.help or "")]
    rows = [_row(parameter) for parameter in parameters]
    if rows:
        parts.append("\n".join(["| Option | Meaning |", "| --- | --- |", *rows]))
    if subcommands:
        anchors = [f"[`{sub}`](#{_anchor(name, command, sub)})" for sub in subcommands]
        parts.append(f"Commands: {', '.join(anchors)}.")
    return "\n\n".join(part for part in parts if part)


def _anchor(name: str, command: Any, subname: str) -> str:
    """Where the section of a subcommand begins, as the site names it after its heading."""
    subcommand = command.commands[subname]
    arguments = [_argument(p) for p in subcommand.params if p.param_type_name == "argument"]
    group = bool(getattr(subcommand, "commands", {}))
    heading = " ".join([name, subname, *(["COMMAND"] if group else arguments)])
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-")


def _argument(parameter: Any) -> str:
    metavar = parameter.metavar or parameter.name.upper()
    return str(metavar) if parameter.required else f"[{metavar}]"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        names = _option(parameter)
    return f"| {names} | {_cell(parameter.help or '')}{_default(parameter)} |"


def _option(parameter: Any) -> str:
    """An option's names, the long one first and with its value, if it takes one."""
    names = sorted([*parameter.opts, *parameter.secondary_opts], key=len, reverse=True)
    if not parameter.is_flag:
        names[0] += f" {parameter.metavar or _value(parameter.type_descriptor.annotation)}"
    return ", ".join(f"`{name}`" for name in names).replace("|", "\\|")


def _value(annotation: object) -> str:
    if annotation in (int, list[int]):
        return "N"
    return "PATH" if annotation is Path else "TEXT"


def _default(parameter: Any) -> str:
    default = parameter.default
    if parameter.param_type_name == "argument" and parameter.required:
        return ""
    if isinstance(default, (list, tuple)):
        default = ", ".join(str(part) for part in default)
    shown = default is not None and not isinstance(default, bool) and str(default)
    return f" Default: `{default}`." if shown and "Sentinel" not in str(default) else ""


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|").replace("\n", " ")


def _prose(text: str) -> str:
    """Help text as Markdown: what an HTML reader would take for a tag is kept."""
    return text.strip().replace("<", "&lt;").replace(">", "&gt;")
