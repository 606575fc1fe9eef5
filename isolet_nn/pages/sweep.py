"""The document of a sweep: its best settings, and means along its axes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isolet_nn.config.metrics import METRICS, in_words, measure_of, task_text
from isolet_nn.errors import counted, printable
from isolet_nn.notebook.cards import value_text
from isolet_nn.pages.grids import axes_of, grids_of
from isolet_nn.pages.reading import (
    Problems,
    files_in,
    metrics_shown,
    number,
    title_of,
)
from isolet_nn.pages.shapes import Fact, SettingRow, SweepDocument
from isolet_nn.plots.colors import far_limit
from isolet_nn.results.labels import read_labels
from isolet_nn.results.listing import read_entry
from isolet_nn.runs.records import Labels
from isolet_nn.sweeps.card import nested_text
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.sweeps.scores import Means, completed_trials, ranked_settings
from isolet_nn.system.statuses import DAMAGED

_MOST_SETTINGS, _MOST_ERRORS, _MOST_TRIALS = 200, 5, 100


def sweep_document(
    folder: Path, path: str, open_sweep: OpenSweep = SweepFolder.open
) -> SweepDocument:
    """What a browser shows of a sweep.

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
    document: SweepDocument = {
        "kind": "sweep",
        "path": path,
        "name": printable(folder.name),
        "task": "",
        "status": DAMAGED,
        "problems": [],
        "facts": [],
        "metric": "",
        "metrics": {},
        "counts": {},
        "keys": [],
        "settings": [],
        "n_settings": 0,
        "axes": [],
        "grids": [],
        "far": {},
        "files": [],
    }
    if sweep is not None:
        _fill(document, sweep, problems)
    document["problems"] = problems.found
    document["files"] = problems.read(lambda: files_in(folder), [])
    return document


def _fill(document: SweepDocument, folder: SweepFolder, problems: Problems) -> None:
    measured = measured_metrics(folder)
    entry = read_entry(folder.path, ended_in=lambda _journal: {})
    document["name"] = title_of(folder.sweep.name)
    document["task"] = printable(task_text(*set(folder.trial_table.tasks)))
    document["status"] = DAMAGED if entry is None else entry.status
    document["facts"] = _facts(folder, problems)
    document["metric"] = folder.metric
    document["metrics"] = metrics_shown(dict.fromkeys([folder.metric, *measured]))
    document["counts"] = {state: folder.count(state) for state in folder.states}
    document["keys"] = [printable(key) for key in folder.trial_table.keys]
    document["n_settings"] = len(folder.trial_table.codes)
    means = {name: Means.of(folder.trial_table, folder.results, name) for name in measured}
    document["settings"] = _settings(folder, means)
    errors = [f"trial {trial}: {error}" for trial, error in folder.errors.items()]
    for error in errors[:_MOST_ERRORS]:
        problems.add(error)
    if len(errors) > _MOST_ERRORS:
        problems.add(f"{len(errors) - _MOST_ERRORS} more trials failed")
    axes = axes_of(folder)
    document["axes"] = [placed.axis for placed in axes]
    document["grids"] = grids_of(folder, axes, [folder.metric, *measured])
    for name, of_settings in means.items():
        limit = far_limit(of_settings.means, measure_of(name).greater_is_better)
        document["far"][name] = number(limit)


def measured_metrics(folder: SweepFolder) -> list[str]:
    """The metrics that some trial has, what settings are ranked by first."""
    found = [name for name in METRICS if folder.results.has_metric(name)]
    return sorted(found, key=lambda name: (name != folder.metric, name.startswith("train_")))


def _facts(folder: SweepFolder, problems: Problems) -> list[Fact]:
    trials, nested = folder.trial_table, folder.nested
    summary: dict[str, Any] = problems.read(lambda: folder.earlier_summary, {})
    labels = problems.read(lambda: read_labels(folder.path), Labels())
    seconds = summary.get("seconds")
    shape = " x ".join(counted(n, name) for name, n in trials.shape.items())
    told = {
        "trials": f"{folder.n_own:,}",
        "settings": f"{len(trials.codes):,}, each with {shape}",
        "ranked by": in_words(folder.metric),
        "outer folds": "" if nested is None else nested_text(nested[1]),
        "taken over": f"{counted(folder.n_reused, 'trial')}" if folder.n_reused else "",
        "time": "" if seconds is None else f"{seconds:.2f} s",
        "started": summary.get("started") or "",
        "tags": ", ".join(labels.tags),
        "note": labels.note or "",
    }
    return [{"name": name, "text": printable(text)} for name, text in told.items() if text]


def _settings(folder: SweepFolder, of: Mapping[str, Means]) -> list[SettingRow]:
    """The best settings, as many as are shown."""
    trials, results = folder.trial_table, folder.results
    order = ranked_settings(trials, results, folder.metric)[0][:_MOST_SETTINGS]
    done = completed_trials(trials, results)
    return [
        {
            "number": setting,
            "values": _values(folder, setting),
            "n": int(done[setting].sum()),
            "trials": [*range(first, first + min(trials.per_setting, _MOST_TRIALS))],
            "means": {
                name: mean
                for name, means in of.items()
                if (mean := number(float(means.means[setting]))) is not None
            },
            "deviation": number(float(of[folder.metric].deviations[setting]))
            if folder.metric in of
            else None,
        }
        for setting in order
        for first in [setting * trials.per_setting]
    ]


def _values(folder: SweepFolder, setting: int) -> list[str]:
    given = folder.trial_table.setting(setting)
    return [
        printable(value_text(given[key])) if key in given else "" for key in folder.trial_table.keys
    ]
