"""Options that more than one command takes, and what options of a kind are read with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isolet_nn.config.bounds import MOST, MOST_WORKERS
from isolet_nn.errors import ConfigError, short_repr, suggestion
from isolet_nn.terminal.completion import complete_setting


def one_of(option: str, *allowed: str) -> Any:
    """An option that takes one of a few names, which completion offers."""

    def check(context: typer.Context, value: str | None) -> str | None:
        if value is None or value in allowed or context.resilient_parsing:
            return value
        hint = suggestion(value, allowed)
        raise ConfigError(f"{option}: found {value!r}; allowed: {', '.join(allowed)}{hint}")

    def complete(incomplete: str) -> list[str]:
        return [name for name in allowed if name.startswith(incomplete)]

    return {"callback": check, "autocompletion": complete, "metavar": "|".join(allowed)}


def each_of(option: str, *allowed: str) -> Any:
    """An option that takes some of a few names, of which ``none`` stands for none at all."""
    one = one_of(option, *allowed)

    def check(context: typer.Context, values: list[str] | None) -> list[str] | None:
        names = [one["callback"](context, value) for value in values or ()]
        if "none" in names and len(names) > 1:
            raise ConfigError(f"{option}: found none beside other names: give one or the other")
        return [name for name in names if name != "none"] if names else None

    return one | {"callback": check}


def setting(option: str) -> Any:
    """An option for a setting: read as ``--set`` reads it, and left to the config to check."""

    def read(text: str) -> Any:
        from isolet_nn.config.loading import parse_value

        value = parse_value(text, option)
        return text if value is None else value  # an option that is left out is None

    return {"parser": read, "metavar": "N"}


def whole(option: str, low: int, high: int = MOST) -> Any:
    """An option that takes a whole number within bounds, refused in the words of a config."""

    def read(text: str | int) -> int:
        from isolet_nn.config.loading import parse_value

        number = parse_value(text, option) if isinstance(text, str) else text
        expected = None
        if not isinstance(number, int) or isinstance(number, bool):
            expected = "be a valid integer, which is written in decimal digits"
        elif number < low:
            expected = f"be greater than or equal to {low}"
        elif number > high:
            expected = f"be less than or equal to {high}"
        if expected is not None:
            raise ConfigError(f"{option}: found {short_repr(number)}; it should {expected}")
        return int(number)

    return {"parser": read, "metavar": "N"}


def share(option: str) -> Any:
    """An option that takes a number from 0 to below 1, refused in the words of a config."""

    def read(text: str | float) -> float:
        from isolet_nn.config.loading import parse_value

        value = parse_value(text, option) if isinstance(text, str) else text
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1:
            found = short_repr(value)
            raise ConfigError(f"{option}: found {found}; it should be a number from 0 to below 1")
        return float(value)

    return {"parser": read, "metavar": "P"}


Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY.PATH=VALUE",
        help="Change a setting; repeatable.",
        autocompletion=complete_setting,
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed of everything random.", **setting("--seed"))
]
Label = Annotated[
    str | None,
    typer.Option(
        "--label",
        help="Column of the class in a table, by name or position; else the last.",
        **(setting("--label") | {"metavar": "COLUMN"}),
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend", help="What does the arithmetic.", **one_of("--backend", "numpy", "torch")
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", help="Passes over the training part.", **setting("--epochs")),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="FOLDER", help="Folder of the ISOLET files (dataset.dir)."),
]
RunsDir = Annotated[
    Path, typer.Option("--runs-dir", metavar="FOLDER", help="Where the run folder is made.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", help="Processes on this machine.", **whole("--workers", 1, MOST_WORKERS)
    ),
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        help="A tracker that hears of it, instead of those of config and settings; repeatable.",
        **each_of("--track", "tensorboard", "mlflow", "none"),
    ),
]
Devices = Annotated[
    str | None,
    typer.Option(
        "--devices", metavar="cuda:N,...", help="GPUs with a worker each. All that there are."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the folder only.")]
Force = Annotated[
    bool, typer.Option("--force", help="Go on with a folder although something changed.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TableFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="How tables are written. All but `table` go to standard output alone.",
        **one_of("--format", "table", "markdown", "latex", "csv"),
    ),
]


def text_of(path: Path | None) -> str | None:
    """A path as text, if one is given."""
    return None if path is None else str(path)
