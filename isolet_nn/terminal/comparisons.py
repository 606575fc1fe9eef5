"""How runs differ: settings and results side by side, and tests of their answers in words."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from isolet_nn.errors import counted
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import Column, fitted
from isolet_nn.terminal.words import percent, setting_text

if TYPE_CHECKING:
    from isolet_nn.results.comparison import Comparison
    from isolet_nn.results.duels import Duel

LEVEL = 0.05
"""A p-value below is called a difference."""
_FACTS = ("status", "epochs", "parameters")
"""Results that are said once where all runs have the same."""


def print_comparison(comparison: Comparison) -> None:
    """Print what differs in the configs, then the results: a line a run, a column a key."""
    width = RESULTS.width if RESULTS.is_terminal else sys.maxsize
    labels = list(comparison.runs)
    first = Column(("run",), _names_to_fit(comparison.names, width))
    settings = [
        Column(
            tuple(re.findall(r"[^.]+\.?", key)) if RESULTS.is_terminal else (key,),
            [setting_text(values[label]) if label in values else "" for label in labels],
            numbers=all(_is_number(value) for value in values.values()),
        )
        for key, values in comparison.config.items()
        if key != "name" or dict(values) != comparison.names
    ]
    differing, common = _split_results(comparison)
    if settings:
        RESULTS.print("settings that differ", style="bold")
        _print_lines(fitted(first, settings, width))
    else:
        RESULTS.print("the configs are equal")
    RESULTS.print("\nresults", style="bold")
    _print_lines(fitted(first, differing, width))
    if common:
        RESULTS.print(f"all runs: {', '.join(common)}", soft_wrap=True)
    _print_groups(comparison)
    if not comparison.same_data:
        RESULTS.print("not comparable: the runs were trained on different data", style="bold red")
        for label, checksum in comparison.checksums.items():
            RESULTS.print(f"  {checksum}  {comparison.names[label]}", soft_wrap=True)


def _print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        RESULTS.print(line, soft_wrap=True)


def _names_to_fit(names: Mapping[str, str], width: int) -> list[str]:
    """The runs' names; numbers, once it is said whose, if names would leave no room."""
    if max(map(cell_len, names.values())) <= width // 2:
        return list(names.values())
    for number, name in enumerate(names.values(), 1):
        RESULTS.print(f"{number:>3}  {name}", soft_wrap=True)
    RESULTS.print()
    return [str(number) for number in range(1, len(names) + 1)]


def _split_results(comparison: Comparison) -> tuple[list[Column], list[str]]:
    """Columns of the results that differ or are measured, and in words those that are the same."""
    columns, common = [], []
    for name, values in comparison.results.items():
        cells = [_result_text(name, values[label]) for label in comparison.runs]
        if name in _FACTS and len(set(cells)) == 1:
            common.append(f"{name.replace('_', ' ')} {cells[0]}")
        else:
            words = tuple(name.replace("best_validation", "best").split("_"))
            heading = words if RESULTS.is_terminal else (name,)
            columns.append(Column(heading, cells, numbers=name != "status"))
    return columns, common


def _print_groups(comparison: Comparison) -> None:
    """Print the mean over seeds, and its range, of runs that differ in nothing else."""
    split = comparison.split
    accuracies = comparison.results.get(f"{split}_accuracy", {})
    for labels in comparison.groups:
        values = [value for label in labels if (value := accuracies.get(label)) is not None]
        if len(values) > 1:
            mean, low, high = sum(values) / len(values), min(values), max(values)
            RESULTS.print(
                f"{comparison.group_name(labels)}: {split} accuracy {percent(mean)} on average, "
                f"{percent(low)} to {percent(high)}",
                soft_wrap=True,
            )


def print_duels(duels: Sequence[Duel]) -> None:
    """Say in words how each two models differ on the test split, and how sure that is."""
    for duel in duels:
        result = duel.result
        RESULTS.print(
            f"McNemar's test on {counted(duel.n, 'test row')}: only {duel.first} is right in "
            f"{result.only_first}, only {duel.second} in {result.only_second}; "
            f"p = {result.p_value:.2g}: {_verdict(duel)}",
            soft_wrap=True,
        )
    if len(duels) > 1:
        RESULTS.print(
            f"each p is of one test alone; of {len(duels)} tests some come out small by chance, "
            f"so ask for p below {LEVEL / len(duels):.2g}",
            soft_wrap=True,
        )


def _verdict(duel: Duel) -> str:
    if duel.result.p_value >= LEVEL:
        return "the difference may well be chance"
    better = duel.first if duel.result.only_first > duel.result.only_second else duel.second
    return f"{better} is better, at the level of {100 * LEVEL:.0f} %"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _result_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("accuracy"):
        return percent(value)
    return f"{value:#.4g}" if isinstance(value, float) else str(value)
