"""What commands and groups of them are made with: Typer's, with a plain help.

Every option is taken once, unless it is one to repeat, and `--debug` wherever a command takes
anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
import typer.core

from isolet_nn.errors import ConfigError

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _no_type(ctx: Any) -> None:  # typer calls it with this name
    """What stands in the column for the type of an argument."""


class _PlainHelp:
    """A command whose help says what to write, not of which type of Python it becomes."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""  # a flag takes no value
            elif param.param_type_name == "argument":
                param.display_type_rich = _no_type
        return params


class Command(_PlainHelp, typer.core.TyperCommand):
    """A command that takes each of its options once, unless it is one to repeat."""

    def get_params(self, ctx: Any) -> list[Any]:
        *params, help_option = super().get_params(ctx)
        # The root's own option, so that it may stand behind the command too.
        debug = [p for p in ctx.find_root().command.params if p.name == "debug" and params]
        return [*params, *debug, help_option]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for param in dict.fromkeys(given):
            is_repeated = param.param_type_name == "option" and given.count(param) > 1
            if is_repeated and not param.multiple and not getattr(param, "is_flag", False):
                raise ConfigError(
                    f"{param.opts[0]}: given {given.count(param)} times: give it once"
                )
        return super().parse_args(ctx, args)


class Group(_PlainHelp, typer.core.TyperGroup):
    """A group of commands."""


class GroupWithDefault(Group):
    """A group whose command ``list`` may be left out: what is no command's name is for it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and ctx.resilient_parsing:  # completion of the first word behind the group
            return super().parse_args(ctx, args)
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """What a first word may become: a command's name, or what ``list`` takes."""
        default = self.commands["list"]
        of_list = default.make_context("list", [], parent=ctx, resilient_parsing=True)
        offered = [
            *default.shell_complete(of_list, incomplete),
            *super().shell_complete(ctx, incomplete),
        ]
        return [*{item.value: item for item in offered}.values()]


class App(typer.Typer):
    """Commands that are each a `Command`, in a `Group` unless another class is given."""

    def __init__(self, *, cls: type[Group] = Group, **options: Any) -> None:
        super().__init__(cls=cls, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[_Function], _Function]:
        return super().command(name, cls=Command, **options)
