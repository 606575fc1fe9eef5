"""Which run a command is for: the folder given, or trials of a sweep that its options choose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.errors import ConfigError
from isolet_nn.terminal.options import whole

TrialNumber = Annotated[
    int | None,
    typer.Option("--trial", help="Of a sweep: trial N of it.", **whole("--trial", 0)),
]
TrialNumbers = Annotated[
    list[int] | None,
    typer.Option(
        "--trial", help="Of each sweep: trial N of it; repeatable.", **whole("--trial", 0)
    ),
]
Best = Annotated[
    bool, typer.Option("--best", help="Of a sweep: its best trial, chosen by validation.")
]


def choose(path: Path, trial: int | None, best: bool) -> Path:
    """The run folder, or the address of the trial that is meant.

    Raises
    ------
    ConfigError
        If both options are given, or one with what is no sweep.
    """
    if trial is not None and best:
        raise ConfigError("--trial and --best choose one trial each: give one of them")
    return _addresses(path, [] if trial is None else [trial], best)[0]


def choose_all(paths: Sequence[Path], trials: Sequence[int], best: bool) -> list[Path]:
    """The run folders, and in the place of each sweep the addresses of its trials that are meant.

    Raises
    ------
    ConfigError
        If trials are chosen, but there is no sweep.
    """
    from isolet_nn.results.selection import is_sweep

    sweeps = [path for path in paths if is_sweep(path)]
    if (trials or best) and not sweeps:
        option = "--trial" if trials else "--best"
        raise ConfigError(f"{option} is for a sweep's folder, and {paths[0]} is none")
    return [
        address
        for path in paths
        for address in (_addresses(path, trials, best) if path in sweeps else [path])
    ]


def _addresses(path: Path, trials: Sequence[int], best: bool) -> list[Path]:
    from isolet_nn.results.selection import best_trial, chosen, is_sweep
    from isolet_nn.terminal.streams import print_message

    found = best_trial(path) if best and is_sweep(path) else None
    if found is not None:
        print_message(f"{path}: {found}")
    if best and found is None:
        raise ConfigError(f"{path}: --best is for a sweep's folder, and this is none")
    return chosen(path, trials, found)
