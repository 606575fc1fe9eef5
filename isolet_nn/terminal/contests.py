"""Contenders over the same seeds, folds or data sets: how good, how they differ, what that says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len

from isolet_nn.config.metrics import measure_of
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable, setting_column
from isolet_nn.terminal.words import metric_text

if TYPE_CHECKING:
    from isolet_nn.results.contests import Contest, Match, Standing

_LONGEST_NAME = 24
"""Beyond, contenders are called by their numbers in a table of pairs."""
_MOST_PAIRS = 20
"""Printed on a terminal; files and programs get all."""


def print_contest(
    contest: Contest, conclusions: Sequence[str], printer: Printer = FOR_TERMINAL
) -> None:
    """Print contenders, then pairs, then the sentences that say what can be concluded."""
    tables = [_contenders(contest)] if contest.standings else []
    matches = contest.matches[:_MOST_PAIRS] if printer.is_for_terminal else contest.matches
    if matches:
        tables.append(_pairs(contest, matches))
    if tables:
        printer.tables(*tables)
    if rest := len(contest.matches) - len(matches):
        printer.say(f"{rest} more pairs are in --json and --format csv")
    for sentence in conclusions:
        printer.say_sentence(sentence)


def _contenders(contest: Contest) -> PrintedTable:
    standings = contest.standings
    columns = [PrintedColumn("no.", range(1, len(standings) + 1)), *_names(standings)]
    exact: dict[str, Sequence[float | None]] = {
        f"{contest.metric}_mean": [standing.mean for standing in standings],
        f"{contest.metric}_sd": [standing.deviation for standing in standings],
    }
    say = partial(_score_text, contest.metric)
    columns.append(PrintedColumn(contest.metric, standings, say, exact, numbers=True))
    if len(standings) > 2:
        ranks = [standing.rank for standing in standings]
        columns.append(PrintedColumn("mean rank", ranks, "{:.2f}".format))
    title = f"{contest.measured}, mean +- standard deviation over the {_blocks(contest)}"
    return PrintedTable(columns, title)


def _blocks(contest: Contest) -> str:
    kind = "seeds" if contest.design.blocks == "splits" else contest.design.blocks
    return f"same {len(contest.blocks)} {kind}" if len(contest.blocks) > 1 else f"same {kind[:-1]}"


def _names(standings: Sequence[Standing]) -> list[PrintedColumn]:
    """Of settings a column a key and a trial, of groups of runs their names."""
    if standings[0].trial is None:
        return [PrintedColumn("runs", [standing.name for standing in standings])]
    keys = list(dict.fromkeys(key for standing in standings for key in standing.setting))
    settings = [standing.setting for standing in standings]
    trials = PrintedColumn("first trial", [standing.trial for standing in standings])
    return [*(setting_column(key, settings) for key in keys), trials]


def _score_text(metric: str, standing: Standing) -> str:
    mean = metric_text(metric, standing.mean)
    if standing.deviation is None:
        return mean
    deviation = metric_text(metric, standing.deviation)
    return f"{mean.removesuffix(' %')} +- {deviation}"


def _pairs(contest: Contest, matches: Sequence[Match]) -> PrintedTable:
    names = [standing.name for standing in contest.standings]
    in_percent = measure_of(contest.metric).in_percent
    points = partial(_difference_text, 100.0 if in_percent else 1.0, 2 if in_percent else 4)
    with_effects = [match for match in matches if match.effect is not None]
    columns = [
        _side("first", [match.first for match in matches], names),
        _side("second", [match.second for match in matches], names),
        _with_interval("difference", matches, points, ("difference", "low", "high")),
        PrintedColumn("better", [f"{m.better} of {_n(m)}" for m in matches], str, _counts(matches)),
        *(
            [
                _with_interval(
                    "effect", matches, _effect_text, ("effect", "effect_low", "effect_high")
                )
            ]
            if with_effects
            else []
        ),
        PrintedColumn("p", [match.p_value for match in matches], _p_text),
        PrintedColumn("p (Holm)", [match.p_holm for match in matches], _p_text),
        PrintedColumn("differ", [match.differs for match in matches], _yes),
    ]
    unit = ", differences in points of percent" if in_percent else ""
    return PrintedTable(columns, f"pairs, with 95 % intervals{unit}")


def _side(heading: str, places: Sequence[int], names: Sequence[str]) -> PrintedColumn:
    called = [names[place] for place in places]
    if max(map(cell_len, names)) <= _LONGEST_NAME:
        return PrintedColumn(heading, called, str)
    return PrintedColumn(heading, [place + 1 for place in places], exact={heading: called})


def _with_interval(
    name: str,
    matches: Sequence[Match],
    say: Callable[[float], str],
    parts: tuple[str, str, str],
) -> PrintedColumn:
    values = [tuple(getattr(match, part) for part in parts) for match in matches]

    def text(value: tuple[float | None, float | None, float | None]) -> str:
        middle, low, high = value
        if middle is None:
            return ""
        if low is None or high is None:
            return say(middle)
        return f"{say(middle)} ({say(low)} to {say(high)})"

    exact = {part: [value[n] for value in values] for n, part in enumerate(parts)}
    return PrintedColumn(name, values, text, exact, numbers=True)


def _n(match: Match) -> int:
    return match.better + match.equal + match.worse


def _counts(matches: Sequence[Match]) -> dict[str, list[int]]:
    names = ("better", "equal", "worse")
    return {name: [getattr(match, name) for match in matches] for name in names}


def _difference_text(factor: float, digits: int, value: float) -> str:
    return f"{factor * value + 0.0:+.{digits}f}"


def _effect_text(value: float) -> str:
    return f"{value:+.2f}" if abs(value) < 1000 else f"{value:+.2g}"


def _p_text(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _yes(value: bool) -> str:
    return "yes" if value else "not shown"
