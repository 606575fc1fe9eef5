"""Documents of how a sweep's settings went one after another, and of what mattered in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isolet_nn.config.metrics import measure_of
from isolet_nn.errors import printable
from isolet_nn.pages.reading import Problems, metrics_shown, number, numbers, thinned, title_of
from isolet_nn.pages.shapes import (
    History,
    ImportanceDocument,
    Parallel,
    ParallelAxis,
    SearchDocument,
)
from isolet_nn.plots import Coordinate, setting_label
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.sweeps.overview import Overview, axes_of_settings, overview
from isolet_nn.sweeps.overview_drawing import importance_of
from isolet_nn.sweeps.setting_importance import SettingImportance

_MOST_POINTS, _MOST_LINES, _MOST_AXES = 3_000, 500, 12
_EMPTY: History = {
    "numbers": [],
    "values": [],
    "statuses": [],
    "epochs": [],
    "best": [],
    "trials": [],
}


def search_document(
    folder: Path, path: str, open_sweep: OpenSweep = SweepFolder.open
) -> SearchDocument:
    """What a browser shows of a search, or of any sweep, setting by setting.

    Parameters
    ----------
    folder
        A sweep's folder.
    path
        What the document calls it.
    open_sweep
        Reads it, for those who remember what they have read of it.
    """
    problems = Problems()
    sweep = problems.read(lambda: open_sweep(folder), None)
    document: SearchDocument = {
        "kind": "search",
        "path": path,
        "name": printable(folder.name),
        "problems": problems.found,
        "metric": "",
        "metrics": {},
        "n_settings": 0,
        "history": _EMPTY,
        "parallel": {"values": [], "trials": [], "axes": []},
    }
    if sweep is not None:
        found = overview(sweep, sweep.metric)
        document["name"] = title_of(sweep.sweep.name)
        document["metric"] = sweep.metric
        document["metrics"] = metrics_shown([sweep.metric])
        document["n_settings"] = len(found.statuses)
        document["history"] = _history(sweep, found)
        document["parallel"] = _parallel(sweep, found)
    return document


def _history(folder: SweepFolder, found: Overview) -> History:
    """All settings, or of very many those that were the best so far, and some of the others."""
    greater = measure_of(folder.metric).greater_is_better
    accumulate = np.fmax.accumulate if greater else np.fmin.accumulate
    best = accumulate(found.scores) if len(found.scores) else found.scores
    previous = np.concatenate([[np.nan], best[:-1]])
    improved = np.flatnonzero(np.isfinite(best) & (best != previous))
    some = thinned(range(len(best)), _MOST_POINTS)
    shown = np.union1d(np.array(some, np.int64), improved).tolist()
    per_setting = folder.trial_table.per_setting
    return {
        "numbers": shown,
        "values": numbers(found.seen[shown].tolist()),
        "statuses": [found.statuses[place] for place in shown],
        "epochs": found.epochs[shown].tolist(),
        "best": numbers(best[shown].tolist()),
        "trials": [place * per_setting for place in shown],
    }


def _parallel(folder: SweepFolder, found: Overview) -> Parallel:
    """The completed settings, the best first; of very many the best, and some of the others."""
    worse_last = found.scores * (-1.0 if measure_of(folder.metric).greater_is_better else 1.0)
    order = np.argsort(worse_last, kind="stable")
    order = order[np.isfinite(found.scores[order])]
    half = _MOST_LINES // 2
    shown = [*order[:half].tolist(), *thinned(order[half:].tolist(), half)]
    axes = [*axes_of_settings(folder).values()][:_MOST_AXES]
    return {
        "values": [float(value) for value in found.scores[shown].tolist()],
        "trials": [place * folder.trial_table.per_setting for place in shown],
        "axes": [_axis(axis, shown) for axis in axes],
    }


def _axis(axis: Coordinate, shown: list[int]) -> ParallelAxis:
    return {
        "key": printable(axis.name),
        "label": printable(setting_label(axis.name)),
        "places": numbers(axis.places[place] for place in shown),
        "values": [printable(value) for value in axis.labels or ()],
        "logarithmic": axis.logarithmic,
    }


def importance_document(
    folder: Path, path: str, open_sweep: OpenSweep = SweepFolder.open
) -> ImportanceDocument:
    """How much of the scores' variation each key of a sweep is responsible for.

    Parameters
    ----------
    folder
        A sweep's folder.
    path
        What the document calls it.
    open_sweep
        Reads it, for those who remember what they have read of it.
    """
    problems = Problems()
    document: ImportanceDocument = {
        "kind": "importance",
        "path": path,
        "problems": problems.found,
        "note": "",
        "shares": [],
    }
    found = problems.read(lambda: _importance(open_sweep(folder)), None)
    if found is not None:
        document["note"] = found.basis + (
            f"; without {', '.join(map(printable, found.left_out))}, which not all of them set"
            if found.left_out
            else ""
        )
        document["shares"] = [
            {"key": printable(key), "share": number(share) or 0.0}
            for key, share in found.shares.items()
        ]
    return document


def _importance(sweep: SweepFolder) -> SettingImportance:
    return importance_of(
        sweep, axes_of_settings(sweep), sweep.metric, overview(sweep, sweep.metric)
    )
