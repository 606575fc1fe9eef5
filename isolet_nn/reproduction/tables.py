"""The report's numbers beside the fresh ones, as rows of text for the page and the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isolet_nn.reproduction.evidence import EPOCHS, OPTIMIZERS, Cells, CompletedTrial, Evidence
from isolet_nn.reproduction.report import Report
from isolet_nn.reproduction.rules import DASH, FEWEST, interval_text, with_minus
from isolet_nn.scores.statistics import mean_interval
from isolet_nn.system.csv_tables import CsvCell, write_csv

_STRONGEST = 20.0
"""Points of difference from which on a cell has the full colour."""
SPREAD = ("mean (95 % interval)", "median", "range", "seeds")
"""What `spread` tells of percentages."""


@dataclass(frozen=True)
class TextTable:
    """A table with a heading for every column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Cell:
    """One cell of a grid.

    Attributes
    ----------
    fresh, difference
        None where the cell was not run.
    shade
        How strongly it is coloured, 0 to 100.
    """

    reported: str
    fresh: str | None
    difference: str | None
    shade: int
    is_higher: bool


@dataclass(frozen=True)
class GridTable:
    """A grid of the report, with what fresh runs give in each cell."""

    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def grid_table(cells: Cells, corner: str) -> GridTable:
    """Lay out a grid; `corner` says what rows and columns are."""
    return GridTable(
        corner,
        [_setting(value) for value in cells.columns],
        [
            (
                _setting(value),
                [
                    _cell(float(reported), float(fresh))
                    for reported, fresh in zip(cells.reported[row], cells.fresh[row], strict=True)
                ],
            )
            for row, value in enumerate(cells.rows)
        ],
    )


def _cell(reported: float, fresh: float) -> Cell:
    if math.isnan(fresh):
        return Cell(f"{reported:g}", None, None, 0, False)
    difference = fresh - reported
    shade = round(100 * min(1.0, abs(difference) / _STRONGEST))
    return Cell(f"{reported:g}", f"{fresh:.1f}", signed(difference, 1), shade, difference > 0)


def curve_table(report: Report, evidence: Evidence, part: str) -> TextTable:
    """The numbers read off a figure of curves, beside mean and range of fresh seeds."""
    rows = []
    for reported in report.curves[part].values:
        trials = evidence.of_setting(part, EPOCHS, reported.epoch)
        values = [getattr(trial, reported.column) for trial in trials]
        is_accuracy = reported.column == "test_accuracy"
        digits, unit = (1, " %") if is_accuracy else (3, "")
        rows.append(
            [
                reported.what,
                f"{span(reported.low, reported.high)}{unit}",
                f"{np.mean(values):.{digits}f}{unit}" if values else DASH,
                f"{min(values):.{digits}f} to {max(values):.{digits}f}" if values else DASH,
                str(len(values)),
            ]
        )
    return TextTable(["", "report", "fresh mean", "range", "seeds"], rows)


def box_table(report: Report, evidence: Evidence) -> TextTable:
    """Figure 8: the report's boxes beside fresh ones."""
    rows = []
    for name, box in report.boxes.items():
        values = evidence.accuracies("figure8", "optimizer.name", name)
        rows.append([OPTIMIZERS[name], f"{span(box.low, box.high)} %", *spread(values)])
    return TextTable(["optimizer", "report", *SPREAD], rows)


def parity_table(evidence: Evidence) -> TextTable:
    """Both backends: accuracies and the time of an epoch."""
    rows = []
    for name, label in (("numpy", "NumPy, from scratch"), ("torch", "PyTorch")):
        trials = evidence.of_setting("parity", "backend", name)
        rows.append([label, *spread([t.test_accuracy for t in trials]), _epoch_time(trials)])
    columns = ["backend", *SPREAD, "time of an epoch (median)"]
    return TextTable(columns, rows)


def data_table(evidence: Evidence) -> TextTable:
    """Accuracies on the other data sets."""
    trials = evidence.trials("other-data-sets")
    names = list(dict.fromkeys(trial.settings["dataset.name"] for trial in trials))
    rows = [
        [name, *spread(evidence.accuracies("other-data-sets", "dataset.name", name))]
        for name in names
    ]
    return TextTable(["data set", *SPREAD], rows)


def spread_table(heading: str, values: Mapping[str, Sequence[float]]) -> TextTable:
    """Percentages of several groups, a row each."""
    return TextTable([heading, *SPREAD], [[name, *spread(of)] for name, of in values.items()])


def layers_table(cells: Cells) -> TextTable:
    """Figure 7 by depth, as far as run: what beta1 0.9 and 0.99 change against 0, over seeds."""
    without = cells.rows.index(0.0)
    rows = []
    for column, depth in enumerate(cells.columns):
        at_zero = cells.fresh[without, column]
        if math.isnan(at_zero):
            continue
        changes = [cells.fresh[cells.rows.index(b), column] - at_zero for b in (0.9, 0.99)]
        shown = [DASH if math.isnan(change) else signed(change, 1) for change in changes]
        rows.append([f"{depth:g}", f"{at_zero:.1f} %", *shown])
    return TextTable(["hidden layers", "beta1 0", "beta1 0.9", "beta1 0.99"], rows)


def write_grid(path: Path, cells: Cells, row_key: str, column_key: str) -> None:
    """Write a grid as CSV, a row a cell: report, fresh mean, difference, seeds."""
    rows: list[list[CsvCell]] = []
    for (row, column), fresh in np.ndenumerate(cells.fresh):
        reported = float(cells.reported[row, column])
        n = int(np.isfinite(cells.by_seed[row, column]).sum())
        known: list[CsvCell] = [float(fresh), float(fresh) - reported] if n else [None, None]
        rows.append([cells.rows[row], cells.columns[column], reported, *known, n])
    write_csv(path, [row_key, column_key, "reported", "fresh", "difference", "seeds"], rows)


def signed(value: float, digits: int) -> str:
    """Write a difference with its sign, unless it is zero when rounded."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else with_minus(text)


def span(low: float, high: float) -> str:
    """Write a range, or the one number that it is."""
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _setting(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-")


def spread(values: Sequence[float]) -> list[str]:
    """What `SPREAD` names."""
    if not values:
        return [DASH, DASH, DASH, "0"]
    mean = f"{np.mean(values):.2f} %"
    if len(values) >= FEWEST:
        mean = interval_text(mean_interval(values), "%").replace("95 % interval ", "")
    middle = f"{np.median(values):.1f} %"
    return [mean, middle, f"{min(values):.1f} to {max(values):.1f}", str(len(values))]


def _epoch_time(trials: Sequence[CompletedTrial]) -> str:
    if not trials:
        return DASH
    return f"{1000 * float(np.median([trial.epoch_seconds for trial in trials])):.1f} ms"
