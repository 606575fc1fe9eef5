"""Scores and mistakes as tables, each made once for terminal, paper, program and page."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from isolet_nn.baselines.mistakes import Mistakes
from isolet_nn.baselines.scores import Line
from isolet_nn.scores.statistics import Interval
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable

_PAIRS = 8
"""Most frequent ones that are named."""


def score_table(lines: Sequence[Line]) -> PrintedTable:
    """The table to cite: a line for each contestant."""
    chosen = [line.contestant.shown(line.setting) for line in lines]
    return PrintedTable(
        [
            PrintedColumn("model", [line.contestant.label for line in lines]),
            _intervals("cross-validation (%)", "validation", [line.validation for line in lines]),
            _intervals("test set (%)", "test", [line.test for line in lines]),
            _intervals(
                "less isolet-nn (points)",
                "difference",
                [line.difference for line in lines],
                signed=True,
            ),
            PrintedColumn("errors", [line.errors for line in lines], lambda n: f"{n:.1f}"),
            PrintedColumn("seeds", [len(line.fits) for line in lines]),
            _seconds("train (s)", "train_seconds", [line.train_seconds for line in lines]),
            _seconds("answer (s)", "predict_seconds", [line.predict_seconds for line in lines]),
            PrintedColumn("settings", chosen),
        ]
    )


def candidate_table(lines: Sequence[Line]) -> PrintedTable:
    """Every setting that was tried, with its accuracy in cross-validation."""
    rows = [
        (line, number, accuracy) for line in lines for number, accuracy in enumerate(line.tried)
    ]
    texts = [line.contestant.shown(number) for line, number, _ in rows]
    return PrintedTable(
        [
            PrintedColumn("model", [line.contestant.name for line, _, _ in rows]),
            PrintedColumn("settings", texts),
            PrintedColumn(
                "cross-validation (%)",
                [accuracy for _, _, accuracy in rows],
                _percent,
                {"validation": [accuracy for _, _, accuracy in rows]},
            ),
            PrintedColumn(
                "chosen", ["yes" if number == line.setting else "" for line, number, _ in rows]
            ),
        ]
    )


def error_table(mistakes: Mistakes, rows: Sequence[int] | Any) -> PrintedTable:
    """Rows of the test set with what each contestant takes them for."""
    places = [int(row) for row in rows]
    classes, network = mistakes.rows.classes, mistakes.network
    of_network = mistakes.probability[network]
    probabilities = [None if np.isnan(of_network[row]) else of_network[row] for row in places]
    return PrintedTable(
        [
            PrintedColumn("row", [row + 1 for row in places]),
            PrintedColumn("speaker", [int(mistakes.rows.speakers[row]) for row in places]),
            PrintedColumn("utterance", [int(mistakes.utterance[row]) for row in places]),
            PrintedColumn("spoken", [classes[mistakes.rows.y[row]] for row in places]),
            *(
                PrintedColumn(
                    contestant.short,
                    [classes[mistakes.predicted[number, row]] for row in places],
                    exact={contestant.name: [classes[k] for k in mistakes.predicted[number, rows]]},
                )
                for number, contestant in enumerate(mistakes.contestants)
            ),
            PrintedColumn("wrong in", [int(mistakes.wrong_in[row]) for row in places]),
            PrintedColumn(
                f"probability by {mistakes.contestants[network].short}", probabilities, _share
            ),
        ]
    )


def pair_table(mistakes: Mistakes) -> PrintedTable:
    """Pairs of letters that are taken for each other, by model, with their share of its errors."""
    pairs, totals = mistakes.pairs()[:_PAIRS], mistakes.is_wrong.sum(axis=1)
    columns = [PrintedColumn("pair", ["/".join(pair.letters) for pair in pairs] + ["all"])]
    for number, contestant in enumerate(mistakes.contestants):
        counts = [pair.counts[number] for pair in pairs] + [int(totals[number])]
        say = functools.partial(_with_share, total=max(int(totals[number]), 1))
        columns.append(PrintedColumn(contestant.short, counts, say))
    return PrintedTable(columns)


def speaker_table(mistakes: Mistakes) -> PrintedTable:
    """Errors of each speaker by model, the network's worst speaker first, and its confusions."""
    counts = mistakes.by_speaker()
    order = np.lexsort((mistakes.speakers, -counts.sum(axis=0), -counts[mistakes.network]))
    speakers = [int(mistakes.speakers[place]) for place in order]
    return PrintedTable(
        [
            PrintedColumn("speaker", speakers),
            *(
                PrintedColumn(contestant.short, counts[number, order].tolist())
                for number, contestant in enumerate(mistakes.contestants)
            ),
            PrintedColumn(
                f"{mistakes.contestants[mistakes.network].short}: spoken → heard",
                [_confusions(mistakes, speaker) for speaker in speakers],
            ),
        ]
    )


def agreement_table(mistakes: Mistakes) -> PrintedTable:
    """How many rows are wrong in one model, in two, ... in all, and how many the network has."""
    n = len(mistakes.contestants)
    counts = np.bincount(mistakes.wrong_in, minlength=n + 1)[1:]
    of_network = mistakes.wrong_in[mistakes.is_wrong[mistakes.network]]
    shared = np.bincount(of_network, minlength=n + 1)[1:]
    names = ["one model", *(f"{k} models" for k in range(2, n)), f"all {n} models"][:n]
    short = mistakes.contestants[mistakes.network].short
    return PrintedTable(
        [
            PrintedColumn("wrong in", names),
            PrintedColumn("rows", counts.tolist()),
            PrintedColumn(f"of these wrong by {short}", shared.tolist()),
        ]
    )


def _with_share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.0f} %)"


def _confusions(mistakes: Mistakes, speaker: int) -> str:
    return ", ".join(
        letters if count == 1 else f"{letters} ({count})"
        for letters, count in mistakes.confusions_of(speaker)
    )


def _intervals(
    heading: str, name: str, values: Sequence[Interval | None], *, signed: bool = False
) -> PrintedColumn:
    def say(value: Interval | None) -> str:
        if value is None:
            return ""
        form = "+.2f" if signed else ".2f"
        numbers = (f"{100 * x:{form}}" for x in (value.estimate, value.low, value.high))
        return "{} ({} to {})".format(*numbers)

    return PrintedColumn(
        heading,
        values,
        say,
        {
            name: [None if value is None else value.estimate for value in values],
            f"{name}_low": [None if value is None else value.low for value in values],
            f"{name}_high": [None if value is None else value.high for value in values],
        },
        numbers=True,
    )


def _seconds(heading: str, name: str, values: Sequence[float]) -> PrintedColumn:
    return PrintedColumn(heading, values, lambda s: f"{s:.3g}", {name: values})


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
