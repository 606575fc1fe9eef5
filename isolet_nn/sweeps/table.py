"""trials.csv: a row a trial, with what was varied and how it ended."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolet_nn.config.metrics import METRICS
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import COLUMNS, STATUSES, Results, exact_text
from isolet_nn.sweeps.nested import OuterTrials
from isolet_nn.system.csv_tables import CsvCell, unless_nan, write_csv
from isolet_nn.system.statuses import PENDING


def write_trials(
    path: Path,
    trials: Trials,
    results: Results,
    outer: OuterTrials | None = None,
    own: Sequence[int] | None = None,
) -> None:
    """Write trials.csv: a row a trial, outer ones last, numbers with all digits.

    `own` are the numbers of those that have a row; None for all.
    """
    ended = [results] if outer is None else [results, outer.ended]
    names = [name for name in METRICS if any(each.has_metric(name) for each in ended)]
    columns = [COLUMNS[name] for name in names]
    header = ["trial", "status", *trials.keys, *trials.shape, *names]
    header += ["epochs", "seconds", "error"]
    is_reused = any(each.reused_from for each in ended)
    header += ["reused_from"] if is_reused else []
    shown = range(len(trials)) if own is None else own
    figures = _Figures(columns, is_reused)
    rows = _rows(trials, results, figures, shown)
    outer_rows = () if outer is None else _outer_rows(outer, figures)
    write_csv(path, header, itertools.chain(rows, outer_rows))


def _rows(
    trials: Trials, results: Results, figures_of: _Figures, shown: Iterable[int]
) -> Iterator[list[CsvCell]]:
    of_setting = itertools.groupby(shown, lambda trial: trial // trials.per_setting)
    for _, of_one in of_setting:
        yield from _rows_of_setting(trials, results, figures_of, [*of_one])


def _rows_of_setting(
    trials: Trials, results: Results, figures_of: _Figures, shown: Sequence[int]
) -> Iterator[list[CsvCell]]:
    settings = [exact_text(trials.value(shown[0], key)) for key in trials.keys]
    for trial in shown:
        place = [trials.seed(trial), *trials.division(trial).values()]
        status, *figures = figures_of(results, trial)
        yield [trial, status, *settings, *place, *figures]


def _outer_rows(outer: OuterTrials, figures_of: _Figures) -> Iterator[list[CsvCell]]:
    """Rows of outer trials: without a fold, and maybe without a setting."""
    trials = outer.trials
    for number in range(len(outer)):
        settings: list[CsvCell] = [None] * len(trials.keys)
        if (chosen := int(outer.settings[number])) >= 0:
            first = chosen * trials.per_setting
            settings = [exact_text(trials.value(first, key)) for key in trials.keys]
        place = [outer.seed(number), *outer.division(number).values(), None]
        status, *figures = figures_of(outer.ended, number)
        yield [outer.first + number, status, *settings, *place, *figures]


@dataclass(frozen=True)
class _Figures:
    """What a row says of how a trial ended, beginning with its status.

    Attributes
    ----------
    columns
        The metrics, as columns of `Results.metrics`.
    is_reused
        Whether there is a column for where a trial was taken over from.
    """

    columns: list[int]
    is_reused: bool

    def __call__(self, results: Results, trial: int) -> list[CsvCell]:
        """Status, metrics, epochs, seconds, error and origin of a trial."""
        status = STATUSES[results.status[trial]]
        row = results.metrics[trial].tolist()
        ended: list[CsvCell] = [int(results.epochs[trial]), float(results.seconds[trial])]
        return [
            status,
            *(unless_nan(row[c]) for c in self.columns),
            *(ended if status != PENDING else [None, None]),
            results.errors.get(trial),
            *([results.reused_from.get(trial)] if self.is_reused else []),
        ]
