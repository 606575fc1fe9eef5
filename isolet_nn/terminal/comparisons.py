"""How runs differ: settings and results side by side, and tests of their answers in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from isolet_nn.config.metrics import in_words, is_metric, is_score, measure_name, measure_of
from isolet_nn.errors import counted
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import RESULTS
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable, setting_column
from isolet_nn.terminal.words import percent

if TYPE_CHECKING:
    from isolet_nn.results.comparison import Comparison
    from isolet_nn.results.duels import Duel

_FACTS = ("status", "epochs", "parameters")
"""Results that are said once where all runs have the same."""


def print_comparison(
    comparison: Comparison, printer: Printer = FOR_TERMINAL, *, over_data: bool = False
) -> None:
    """Print what differs in the configs, then the results: a line a run, a column a key.

    Unless runs are compared over data sets, those of different data are said not to be comparable.
    """
    first = PrintedColumn("run", _names_to_fit(comparison.names, printer))
    by_label = [
        {key: values[label] for key, values in comparison.config.items() if label in values}
        for label in comparison.runs
    ]
    settings = [
        setting_column(key, by_label, _heading(key.replace(".", ".\n")))
        for key, values in comparison.config.items()
        if key != "name" or dict(values) != comparison.names
    ]
    differing, common = _split_results(comparison)
    tables = [PrintedTable([first, *differing], "results", "divided")]
    if settings:
        tables.insert(0, PrintedTable([first, *settings], "settings that differ", "divided"))
    else:
        printer.say("the configs are equal\n")
    printer.tables(*tables)
    if common:
        printer.say(f"all runs: {', '.join(common)}")
    _print_groups(comparison, printer)
    if not comparison.same_task:
        printer.say("not the same task: some adapt to whose rows they are", style="bold red")
        for label, group in comparison.tasks.items():
            task = "all rows alike" if group is None else f"adapted to the {group}"
            printer.say(f"  {task}  {comparison.names[label]}")
    if not comparison.same_data and not over_data:
        printer.say("not comparable: the runs were trained on different data", style="bold red")
        for label, checksum in comparison.checksums.items():
            printer.say(f"  {checksum}  {comparison.names[label]}")


def _names_to_fit(names: Mapping[str, str], printer: Printer) -> list[str]:
    """The runs' names; numbers, once it is said whose, if names would leave no room."""
    is_bounded = printer.is_for_terminal and RESULTS.is_terminal
    if not is_bounded or max(map(cell_len, names.values())) <= RESULTS.width // 2:
        return list(names.values())
    for number, name in enumerate(names.values(), 1):
        printer.say(f"{number:>3}  {name}")
    printer.say("")
    return [str(number) for number in range(1, len(names) + 1)]


def _heading(lines: str) -> tuple[str, ...]:
    """A heading in lines, which only a terminal is too narrow for to do without."""
    return tuple(lines.split("\n")) if RESULTS.is_terminal else ()


def _split_results(comparison: Comparison) -> tuple[list[PrintedColumn], list[str]]:
    """Columns of the results that differ or are measured, and in words those that are the same."""
    columns, common = [], []
    for name, values in comparison.results.items():
        if _is_score_of_another_split(name, comparison.split):
            continue
        cells = [values[label] for label in comparison.runs]
        say = partial(_result_text, name)
        if name in _FACTS and len(set(cells)) == 1:
            common.append(f"{name.replace('_', ' ')} {say(cells[0])}")
        else:
            columns.append(PrintedColumn(name, cells, say, heading=_heading(_words_in_lines(name))))
    return columns, common


def _words_in_lines(name: str) -> str:
    """What a person calls a result, a word a line."""
    words = in_words(name) if is_metric(name) else name.replace("best_validation", "best")
    return re.sub("[ _]", "\n", words)


def _is_score_of_another_split(name: str, split: str | None) -> bool:
    """Whether a result is a score, of which those of one split are columns enough."""
    if not (is_metric(name) and is_score(measure_name(name))):
        return False
    return not name.startswith(f"{split}_")


def _print_groups(comparison: Comparison, printer: Printer) -> None:
    """Print the mean over seeds, and its range, of runs that differ in nothing else."""
    split = comparison.split
    accuracies = comparison.results.get(f"{split}_accuracy", {})
    for labels in comparison.groups:
        values = [value for label in labels if (value := accuracies.get(label)) is not None]
        if len(values) > 1:
            mean, low, high = sum(values) / len(values), min(values), max(values)
            printer.say(
                f"{comparison.group_name(labels)}: {split} accuracy {percent(mean)} on average, "
                f"{percent(low)} to {percent(high)}"
            )


def print_duels(duels: Sequence[Duel], printer: Printer = FOR_TERMINAL) -> None:
    """Say in words how each two models differ on the test split, and how sure that is."""
    for duel in duels:
        result = duel.result
        printer.say(
            f"McNemar's test on {counted(duel.n, 'test row')}: only {duel.first} is right in "
            f"{result.only_first}, only {duel.second} in {result.only_second}; "
            f"p = {result.p_value:.2g}{_corrected(duel, len(duels))}: {_verdict(duel)}"
        )


def _corrected(duel: Duel, n_tests: int) -> str:
    if n_tests == 1:
        return ""
    return f", corrected for {n_tests} tests by Holm {duel.p_holm:.2g}"


def _verdict(duel: Duel) -> str:
    if not duel.differs:
        return "the difference may well be chance"
    better = duel.first if duel.result.only_first > duel.result.only_second else duel.second
    return f"{better} is better, at the level of 5 %"


def _result_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if is_metric(name) and measure_of(name).in_percent:
        return percent(value)
    return f"{value:#.4g}" if isinstance(value, float) else str(value)
