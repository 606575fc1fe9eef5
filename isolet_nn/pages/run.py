"""The document of a run, or of a sweep's trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import flat, look_up
from isolet_nn.config.metrics import METRICS, is_metric, task_text
from isolet_nn.errors import counted, printable
from isolet_nn.notebook.cards import value_text
from isolet_nn.pages.answers import answers_of
from isolet_nn.pages.layer import first_layer
from isolet_nn.pages.layers import inspected_layers
from isolet_nn.pages.reading import (
    Problems,
    files_in,
    metrics_shown,
    number,
    numbers,
    thinned,
    title_of,
)
from isolet_nn.pages.shapes import Curves, Fact, Number, RunDocument, Setting
from isolet_nn.results.labels import read_labels
from isolet_nn.results.listing import read_entry
from isolet_nn.results.selection import load_run
from isolet_nn.runs.drawing import training_loss_note
from isolet_nn.runs.folder import Run
from isolet_nn.runs.records import Labels
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.sweeps.trial import Trial
from isolet_nn.system.statuses import DAMAGED
from isolet_nn.training.progress import Row

_MOST_EPOCHS = 1_000
"""Points of a curve; a chart is hardly wider."""


def run_document(folder: Path, path: str, open_sweep: OpenSweep = SweepFolder.open) -> RunDocument:
    """What a browser shows of a run.

    Parameters
    ----------
    folder
        A run's folder, or the address of a trial.
    path
        What the document calls it.
    open_sweep
        Reads a trial's sweep, for those who remember what they have read of it.
    """
    problems = Problems()
    run = problems.read(lambda: load_run(folder, open_sweep=open_sweep), None)
    document = _empty(folder, path)
    if run is not None:
        _fill(document, run, problems)
    document["problems"] = problems.found
    document["files"] = problems.read(lambda: files_in(folder), [])
    return document


def _empty(folder: Path, path: str) -> RunDocument:
    return {
        "kind": "run",
        "path": path,
        "name": printable(folder.name),
        "task": "",
        "status": DAMAGED,
        "problems": [],
        "facts": [],
        "metrics": {},
        "scores": {},
        "settings": [],
        "curves": {"epochs": [], "values": {}},
        "curves_note": "",
        "answers": [],
        "weights": None,
        "inspection": None,
        "files": [],
    }


def _fill(document: RunDocument, run: Run, problems: Problems) -> None:
    history: list[Row] = problems.read(run.history, [])
    summary: dict[str, Any] = problems.read(lambda: run.summary, {})
    scores = _scores(summary, history)
    curves = curves_of(history)
    document["name"] = title_of(run.experiment.name)
    document["task"] = printable(task_text(run.experiment.dataset.adapted_to))
    document["status"] = _status(run, summary)
    document["facts"] = _facts(run, summary, history, problems)
    document["scores"] = scores
    document["metrics"] = metrics_shown(
        name for name in METRICS if name in scores or name in curves["values"]
    )
    document["settings"] = settings_of(run.experiment)
    document["curves"] = curves
    document["curves_note"] = training_loss_note(run.experiment)
    document["answers"] = answers_of([run], problems)
    document["weights"] = first_layer(run, problems)
    document["inspection"] = inspected_layers(run, problems)
    for name in ("error", "warning"):
        if summary.get(name):
            problems.add(summary[name])


def _status(run: Run, summary: Mapping[str, Any]) -> str:
    if isinstance(run, Trial):
        return run.status
    entry = read_entry(run.path)
    return DAMAGED if entry is None or not summary else entry.status


def _scores(summary: Mapping[str, Any], history: Sequence[Row]) -> dict[str, Number]:
    known = summary.get("metrics") or (history[-1] if history else {})
    return {name: number(known[name]) for name in METRICS if known.get(name) is not None}


def curves_of(history: Sequence[Row]) -> Curves:
    """The columns of metrics.csv, as far as something was measured."""
    rows = thinned(history, _MOST_EPOCHS)
    columns = [name for name in (rows[0] if rows else ()) if is_metric(name)]
    values = {name: numbers(row[name] for row in rows) for name in columns}
    return {
        "epochs": [int(row["epoch"] or 0) for row in rows],
        "values": {
            name: column for name, column in values.items() if any(v is not None for v in column)
        },
    }


def settings_of(experiment: Experiment) -> list[Setting]:
    """The settings that are not at their defaults, and what every experiment has to say."""
    changed = experiment.model_dump(mode="json", exclude_defaults=True)
    full = flat(experiment.model_dump(mode="json"))
    named = {
        key
        for key in full
        if key.endswith(".name") and isinstance(look_up(changed, key.rpartition(".")[0]), dict)
    }
    told = [key for key in full if key in flat(changed) or key in named or key == "seed"]
    return [
        {"key": printable(key), "value": printable(value_text(full[key]))}
        for key in told
        if key != "name"
    ]


def _facts(
    run: Run, summary: Mapping[str, Any], history: Sequence[Row], problems: Problems
) -> list[Fact]:
    experiment = run.experiment
    environment: dict[str, Any] = problems.read(lambda: run.environment, {})
    labels = (
        problems.read(lambda: read_labels(run.path), Labels()) if run.path.is_dir() else Labels()
    )
    seconds = summary.get("seconds")
    best = summary.get("best_validation_epoch")
    told = {
        "data set": experiment.dataset.name,
        "epochs": counted(summary.get("epochs", len(history)), "epoch"),
        "best epoch": "" if best is None else f"{best}, by validation",
        "time": "" if seconds is None else f"{seconds:.2f} s",
        "parameters": f"{summary['parameters']:,}" if summary.get("parameters") else "",
        "seed": str(experiment.seed),
        "backend": experiment.backend,
        "processor": environment.get("processor", ""),
        "version": f"isolet-nn {environment['isolet_nn']}" if environment else "",
        "started": summary.get("started") or "",
        "tags": ", ".join(labels.tags),
        "note": labels.note or "",
    }
    return [{"name": name, "text": printable(text)} for name, text in told.items() if text]
