"""The document of a comparison: several runs side by side, seeds of one setting as one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.config.metrics import METRICS, in_words, is_metric
from isolet_nn.errors import IsoletNNError, printable
from isolet_nn.notebook.cards import value_text
from isolet_nn.pages.answers import answers_of
from isolet_nn.pages.reading import Problems, metrics_shown, number, thinned
from isolet_nn.pages.shapes import Band, ComparedGroup, ComparisonDocument
from isolet_nn.plots import Band as ReadBand
from isolet_nn.results.comparison import Comparison, bands_over_seeds, compare
from isolet_nn.runs.card import text_of
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder

MOST_RUNS = 60
_MOST_EPOCHS = 500


def comparison_document(
    of: Sequence[tuple[Path, str]],
    open_sweep: OpenSweep = SweepFolder.open,
) -> ComparisonDocument:
    """What a browser shows of several runs; those that cannot be read are told.

    Parameters
    ----------
    of
        Two folders or more, of runs or trials, each with what the document calls it.
    open_sweep
        Reads the sweeps of trials, for those who remember what they have read of them.
    """
    problems = Problems()
    if len(of) > MOST_RUNS:
        problems.add(f"of {len(of)} runs the first {MOST_RUNS} are compared")
    shown = of[:MOST_RUNS]
    document: ComparisonDocument = {
        "kind": "comparison",
        "paths": [path for _, path in of],
        "problems": [],
        "same_data": True,
        "same_task": True,
        "metrics": {},
        "runs": [],
        "groups": [],
        "settings": [],
        "results": [],
    }
    folders = [folder for folder, _ in shown]
    try:
        _fill(document, compare(folders, open_sweep=open_sweep), shown, problems)
    except IsoletNNError as error:
        problems.add(str(error))
    document["problems"] = problems.found
    return document


def _fill(
    document: ComparisonDocument,
    comparison: Comparison,
    of: Sequence[tuple[Path, str]],
    problems: Problems,
) -> None:
    for error in comparison.left_out.values():
        problems.add(error)
    labels = [*comparison.runs]
    called = {folder.absolute(): path for folder, path in of}
    document["same_data"] = comparison.same_data
    document["same_task"] = comparison.same_task
    document["runs"] = [
        {"path": called[run.path.absolute()], "name": printable(comparison.names[label])}
        for label, run in comparison.runs.items()
    ]
    document["groups"] = [
        _group(comparison, group, labels, problems) for group in comparison.groups
    ]
    drawn = {name for group in document["groups"] for name in group["curves"]}
    document["metrics"] = metrics_shown(name for name in METRICS if name in drawn)
    document["settings"] = [
        {"name": printable(key), "values": [_setting(values, label) for label in labels]}
        for key, values in comparison.config.items()
    ]
    document["results"] = [
        {
            "name": in_words(name) if is_metric(name) else name.replace("_", " "),
            "values": [_result(name, values.get(label)) for label in labels],
        }
        for name, values in comparison.results.items()
    ]


def _group(
    comparison: Comparison, group: Sequence[str], labels: Sequence[str], problems: Problems
) -> ComparedGroup:
    histories = [comparison.histories[label] for label in group]
    measured = {name for rows in histories for name in (rows[0] if rows else ()) if is_metric(name)}
    bands = bands_over_seeds(histories, [name for name in METRICS if name in measured])
    return {
        "name": comparison.group_name(group),
        "runs": [labels.index(label) for label in group],
        "curves": {name: _band(band) for name, band in bands.items() if len(band.x)},
        "answers": answers_of([comparison.runs[label] for label in group], problems),
    }


def _band(band: ReadBand) -> Band:
    low, high = band.low or (), band.high or ()
    return {
        "epochs": [int(epoch) for epoch in thinned(band.x, _MOST_EPOCHS)],
        "means": _column(band.mean),
        "low": _column(low),
        "high": _column(high),
    }


def _column(values: Sequence[float | None]) -> list[float]:
    return [number(value) or 0.0 for value in thinned(values, _MOST_EPOCHS)]


def _setting(values: Mapping[str, Any], label: str) -> str | None:
    return printable(value_text(values[label])) if label in values else None


def _result(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if is_metric(name):
        return text_of(name, value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return printable(str(value))
