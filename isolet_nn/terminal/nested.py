"""What a person sees of a nested cross-validation: each outer fold, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from isolet_nn.config.metrics import in_words
from isolet_nn.errors import counted
from isolet_nn.terminal.printer import Printer
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable
from isolet_nn.terminal.words import metric_text, setting_text

if TYPE_CHECKING:
    from isolet_nn.sweeps.outer_scores import NestedScore, OuterFold


def outer_table(
    folds: Sequence[OuterFold], found: NestedScore, settings: Sequence[PrintedColumn]
) -> PrintedTable:
    """The setting and the score of each outer fold; `settings` are the columns of the former."""
    inner = [fold.inner_mean for fold in folds]
    columns = [
        *(
            PrintedColumn(name, [fold.division[name] for fold in folds])
            for name in folds[0].division
        ),
        *settings,
        PrintedColumn(f"inner {found.chosen_by}", inner, partial(metric_text, found.chosen_by)),
        PrintedColumn(
            found.score, [fold.score for fold in folds], partial(metric_text, found.score)
        ),
    ]
    return PrintedTable(columns, "outer folds")


def say_nested(found: NestedScore, printer: Printer) -> None:
    """Print what the outer folds say together, and how stable the choice was."""
    say = partial(metric_text, found.score)
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f" (95 % interval {say(found.low)} to {say(found.high)})"
    printer.say(
        f"{in_words(found.score)} of settings chosen like this: {say(found.mean)}{interval}, "
        f"the mean over {counted(found.n, 'outer fold')}"
    )
    most = found.choices[0]
    setting = ", ".join(f"{key}={setting_text(value)}" for key, value in most.setting.items())
    name = f": {setting}" if setting else ""
    if len(found.choices) == 1:
        printer.say(f"all outer folds chose the same setting{name}")
    else:
        several = counted(len(found.choices), "setting")
        printer.say(f"{several} were chosen, most often ({most.n} of {found.n}){name}")
    for part in found.unread:
        printer.say(f"the test part that the data itself has, {part}, was not evaluated")
