"""What a tracker is told of a run, a sweep or a trial; all of it is read from the folder."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import canonical, flat
from isolet_nn.config.metrics import METRICS, task_text
from isolet_nn.runs.folder import CHECKPOINT, Run
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import STATUSES
from isolet_nn.system.folders import PLOTS, SWEEP
from isolet_nn.system.statuses import COMPLETED, INTERRUPTED, RUNNING
from isolet_nn.tracking.journal import TRACKING
from isolet_nn.training.progress import Row
from isolet_nn.version import __version__

EVENTS = "tensorboard"
"""Folder of the event files, in that of the run or the sweep."""


TRIAL = "isolet_nn.trial"
"""What tells a trial's number."""


@dataclass(frozen=True)
class Content:
    """What there is to say.

    Attributes
    ----------
    kind
        What it is.
    name
        What it is called.
    started
        When it was begun, in seconds since 1970.
    parameters
        Settings in words, by key path.
    rows
        A row an epoch, as in metrics.csv.
    status
        How it stands.
    final
        Final metrics by name; empty before the end.
    seconds
        How long it was worked on.
    facts
        What else a person may look for: version, data, error.
    folder, files
        The folder, and those of its files that are worth keeping elsewhere.
    """

    kind: Literal["run", "sweep", "trial"]
    name: str
    started: float
    parameters: Mapping[str, str]
    rows: Sequence[Row]
    status: str
    final: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    files: Sequence[Path] = ()

    @property
    def pictures(self) -> list[Path]:
        """Those of the files that are pictures to be looked at."""
        plots = self.folder / PLOTS
        return [path for path in self.files if path.parent == plots and path.suffix == ".png"]


def measured(row: Row) -> dict[str, float]:
    """The metrics that an epoch has."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and math.isfinite(value) and name not in ("epoch", "seconds")
    }


def epochs_after(content: Content, sent: int) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Each later epoch's number, when it ended as training alone takes time, and its metrics."""
    time = content.started
    for epoch, row in enumerate(content.rows, 1):
        time += row.get("seconds") or 0.0
        if epoch > sent:
            yield epoch, time, measured(row)


def content_at_work(run: Run, rows: Sequence[Row]) -> Content:
    """What there is to say of a run while it is trained, with so many rows."""
    summary = run.summary
    return Content(
        "run",
        run.path.name,
        instant(summary["started"]),
        parameters_of(run.experiment),
        rows,
        summary["status"],
        facts=_facts(run.environment),
        folder=run.path,
    )


def content_of_run(run: Run) -> Content:
    """All that there is to say of a run that nothing works on."""
    summary = run.summary
    facts = {name: summary[name] for name in ("error", "stopped", "warning") if summary.get(name)}
    return Content(
        "run",
        run.path.name,
        instant(summary["started"]),
        parameters_of(run.experiment),
        run.history(),
        _at_rest(summary["status"]),
        _finite(summary.get("metrics") or {}) if summary["status"] == COMPLETED else {},
        summary.get("seconds") or 0.0,
        _facts(run.environment) | facts,
        run.path,
        list(files_of(run.path)),
    )


def content_of_sweep(folder: SweepFolder, *, at_work: bool) -> Content:
    """What there is to say of a sweep as a whole."""
    summary = folder.summary
    parameters = {"seeds": canonical(folder.sweep.seeds), "rank_by": folder.sweep.rank_by}
    parameters |= _task(*set(folder.trial_table.tasks))
    varied = {f"varied.{key}": canonical(values) for key, values in _varied(folder)}
    final: dict[str, float] = {}
    if not at_work and summary["status"] == COMPLETED:
        final = {name: float(folder.count(name)) for name in ("completed", "failed")}
        best = folder.best(1)
        if best and (score := best[0].scores.get(folder.metric)) is not None:
            final[f"best_{folder.metric}"] = score.mean
    return Content(
        "sweep",
        folder.path.name,
        instant(summary["started"]),
        parameters | varied,
        (),
        summary["status"] if at_work else _at_rest(summary["status"]),
        final,
        summary.get("seconds") or 0.0,
        {"isolet_nn.version": __version__},
        folder.path,
        [] if at_work else list(files_of(folder.path)),
    )


def _at_rest(status: str) -> str:
    """How something stands that nothing works on: what was killed still says that it runs."""
    return INTERRUPTED if status == RUNNING else status


def _varied(folder: SweepFolder) -> Iterator[tuple[str, list[Any]]]:
    yield from zip(folder.trial_table.keys, folder.trial_table.values, strict=True)


def content_of_trial(
    folder: SweepFolder, trial: int, rows: Sequence[Row], started: float
) -> Content:
    """What there is to say of a trial that has ended, with the rows of its curve.

    When it began is not known: `started` is when the sweep did.
    """
    table, outer = folder.trial_table, folder.outer
    results, place = folder.results_with(trial)
    settings: dict[str, Any]
    if outer is not None and trial >= outer.first:
        chosen = int(outer.settings[place])
        settings = dict(table.setting(chosen)) if chosen >= 0 else {}
        settings |= {"seed": outer.seed(place), **outer.division(place)}
        task = table.tasks[max(chosen, 0)]
    else:
        settings = dict(table.setting(trial // table.per_setting))
        settings |= {"seed": table.seed(trial), **table.division(trial)}
        task = table.tasks[trial // table.per_setting]
    values = dict(zip(METRICS, results.metrics[place].tolist(), strict=True))
    error = results.errors.get(place)
    return Content(
        "trial",
        f"trial {trial}",
        started,
        {key: _text(value) for key, value in settings.items()} | _task(task),
        rows,
        STATUSES[results.status[place]],
        _finite(values),
        float(results.seconds[place]),
        {TRIAL: str(trial), **({} if error is None else {"error": error})},
    )


def parameters_of(experiment: Experiment) -> dict[str, str]:
    """An experiment's settings in words, by key path, and its task if that is another one.

    What no result depends on is left out.
    """
    content = experiment.model_dump(mode="json", exclude={"name", "tracking"})
    return {key: _text(value) for key, value in flat(content).items()} | _task(
        experiment.dataset.adapted_to
    )


def _task(*groups: str | None) -> dict[str, str]:
    """Whose own rows standardise them, where they do, which is another task."""
    text = task_text(*groups)
    return {"task": text} if text else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {n: v for n, v in metrics.items() if v is not None and math.isfinite(v)}


def _facts(environment: Mapping[str, Any]) -> dict[str, str]:
    return {
        "isolet_nn.version": environment["isolet_nn"],
        "isolet_nn.processor": environment["processor"],
        "isolet_nn.data": environment["dataset"]["checksum"],
    }


def instant(text: str) -> float:
    """Seconds since 1970 of a time as summaries have it."""
    return datetime.fromisoformat(text).timestamp()


def files_of(folder: Path) -> Iterator[Path]:
    """The files of a run or a sweep, but for what only resuming and tracking need."""
    for parent, folders, names in os.walk(folder):
        at = Path(parent)
        folders[:] = sorted(
            name for name in folders if name[0] != "." and not (at == folder and name == EVENTS)
        )
        for name in sorted(names):
            path = at / name
            if name[0] != "." and name not in (CHECKPOINT, TRACKING) and not path.is_symlink():
                yield path


def is_sweep(path: Path) -> bool:
    """Whether a folder is a sweep's."""
    return (path / SWEEP).is_file()
