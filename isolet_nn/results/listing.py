"""Listing runs and sweeps: which there are in a folder, how they ended, and how good they are.

Only small files are read, and nothing heavy is imported, so that thousands are listed at once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from isolet_nn.config.metrics import METRICS as EVERY_METRIC
from isolet_nn.errors import RunError
from isolet_nn.results.ended_trials import EndedTrials
from isolet_nn.runs.metrics_file import read_epoch
from isolet_nn.runs.records import Labels, RunSummary, Summary, read_record
from isolet_nn.sweeps.records import SweepSummary
from isolet_nn.system.files import open_file
from isolet_nn.system.folders import (
    CONFIG,
    JOURNAL,
    LABELS,
    METRICS,
    SUMMARY,
    SWEEP,
    is_locked,
)
from isolet_nn.system.statuses import (
    COMPLETED,
    DAMAGED,
    FAILED,
    INTERRUPTED,
    KILLED,
    RUNNING,
)

STATUSES = (RUNNING, COMPLETED, INTERRUPTED, FAILED, KILLED, DAMAGED)
_TAIL_BYTES = 4096
"""No line of metrics.csv is longer than that, nor the line with the name in a config."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A run or a sweep in a list; None is what it does not have, or not yet."""

    folder: str
    name: str | None = None
    kind: str | None
    """``run`` or ``sweep``; None if what there is does not tell."""
    status: str
    """One of `STATUSES`. A killed one says that it runs, but no process works on it."""
    test_accuracy: float | None = None
    """Of the last epoch; of a sweep's best setting, the mean over its seeds and folds.

    What failed has none."""
    validation_accuracy: float | None = None
    """Likewise. A sweep's best setting is the best by validation, where there is such a split."""
    train_accuracy: float | None = None
    """Likewise, and so are the losses."""
    test_loss: float | None = None
    validation_loss: float | None = None
    train_loss: float | None = None
    test_balanced_accuracy: float | None = None
    """Likewise, and so are the other scores; of a sweep those that it measured."""
    test_macro_f1: float | None = None
    test_matthews: float | None = None
    test_roc_auc: float | None = None
    test_average_precision: float | None = None
    validation_balanced_accuracy: float | None = None
    validation_macro_f1: float | None = None
    validation_matthews: float | None = None
    validation_roc_auc: float | None = None
    validation_average_precision: float | None = None
    epochs: int | None = None
    """Of a run: epochs done."""
    best_validation_epoch: int | None = None
    adapted_to: str | None = None
    """Whose own rows standardise them (of a sweep: its best setting's), which is another task."""
    parameters: int | None = None
    """Of a run: numbers that were learned."""
    trials: int | None = None
    """Of a sweep: all its trials."""
    completed: int | None = None
    failed: int | None = None
    pruned: int | None = None
    """Of a search: trials that were ended before their time."""
    reused: int | None = None
    """Of the completed ones, those that were taken over from earlier sweeps and runs."""
    seconds: float | None = None
    """Of a run: time of its epochs. Of a sweep: time from its last start to its end."""
    started: str | None = None
    """ISO 8601."""
    ended: str | None = None
    age: float
    """Seconds since it was started."""
    best_setting: Mapping[str, Any] | None = None
    """Of a sweep: its best setting, by key path."""
    settings: Mapping[str, Any] | None = None
    """All settings by key path, a sweep's those of its best; None where nobody asked for one."""
    tags: tuple[str, ...] = ()
    note: str | None = None
    """What a person says of it, as the tags."""
    problem: str | None = None
    """The error of one that failed, or what is damaged."""


def names_in(parent: Path) -> list[str]:
    """What lies in a folder of runs and sweeps, newest first by the times in their names.

    Raises
    ------
    RunError
        If there is no such folder, or it is a run's or a sweep's own.
    """
    try:
        for file in (CONFIG, SWEEP):
            if (parent / SUMMARY).exists() and (parent / file).exists():
                raise RunError(f"{parent}: is a run or a sweep itself; give the folder it lies in")
        return sorted(os.listdir(parent), reverse=True)  # noqa: PTH208 - thousands of them
    except FileNotFoundError:
        raise RunError(
            f"{parent}: no such folder; runs lie in the folder `runs` of where they were started "
            "unless --runs-dir named another, and `isolet-nn train quickstart` makes a first one"
        ) from None
    except OSError as error:
        raise RunError(f"{parent}: {error.strerror}") from None


def list_runs(runs_dir: str | Path = "runs") -> list[Entry]:
    """The runs and sweeps in a folder, newest first; other folders in it are left out.

    Raises
    ------
    RunError
        If there is no such folder, or it is a run's or a sweep's own.
    """
    parent, names = Path(runs_dir), names_in(Path(runs_dir))
    now = datetime.now().astimezone()
    entries = [entry for name in names if (entry := read_entry(parent / name, now))]
    return sorted(entries, key=lambda entry: entry.age)


def _ended_in(journal: Path) -> dict[str, int]:
    return EndedTrials(journal).counts()


def read_entry(
    folder: Path,
    now: datetime | None = None,
    ended_in: Callable[[Path], dict[str, int]] = _ended_in,
) -> Entry | None:
    """A folder's entry in the list; None if it is neither a run's nor a sweep's.

    Parameters
    ----------
    ended_in
        Counts by a journal how trials ended, for those who remember what they have read of it.
    """
    kind = None
    figures: dict[str, Any]
    try:
        names = frozenset(os.listdir(folder))  # noqa: PTH208 - thousands of them
        kind = _kind(names)
        if kind is None and not _just_made(folder.name, names):
            return None
        if kind == "sweep":
            figures = _read_sweep(folder, names, ended_in)
        else:
            figures = _read_run(folder, names)
        if LABELS in names:
            figures |= _read_labels(folder, figures)
    except (NotADirectoryError, FileNotFoundError):  # such as a link to nowhere
        return None
    except RunError as error:
        figures = _damaged(_within(folder, error))
    except OSError as error:  # whatever it is, it must not hide the other entries
        where = Path(os.fsdecode(error.filename or folder))
        of_file = "" if where == folder else f"{where.name}: "
        figures = _damaged(f"{of_file}cannot be read: {error.strerror or error}")
    begun = _instant(figures.get("started")) or _begun_at(folder.name) or _changed_at(folder)
    age = ((now or datetime.now().astimezone()) - begun).total_seconds()
    return Entry(folder=str(folder), kind=kind, age=age, **figures)


def is_listed(folder: Path) -> bool:
    """Whether a folder is a run's or a sweep's, damaged or not."""
    return read_entry(folder, ended_in=lambda _journal: {}) is not None


def _read_labels(folder: Path, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Tags and note; where their file is damaged, that is told, but the run is as it was."""
    try:
        labels = read_record(folder / LABELS, Labels)
    except RunError as error:
        return {"problem": figures.get("problem") or _within(folder, error)}
    return {"tags": tuple(labels.tags), "note": labels.note}


def _within(folder: Path, error: RunError) -> str:
    """What an error says, without the folder that it is listed for."""
    return str(error).replace(f"{folder}{os.sep}", "")


def _kind(names: frozenset[str]) -> str | None:
    # Names, not `exists`: what a link in a circle or a forbidden folder stands for is there too.
    if names & {SWEEP, JOURNAL}:
        return "sweep"
    return "run" if names & {CONFIG, METRICS, SUMMARY} else None


def _just_made(name: str, names: frozenset[str]) -> bool:
    """Whether a folder has a run's or a sweep's name and nothing in it: its process was killed."""
    return _begun_at(name) is not None and all(inside.startswith(".") for inside in names)


def _damaged(problem: str) -> dict[str, Any]:
    return {"status": DAMAGED, "problem": problem}


def _read_run(folder: Path, names: frozenset[str]) -> dict[str, Any]:
    name = _name_in(folder / CONFIG)
    summary = _summary(folder, names, RunSummary)
    if summary is None:
        return {"name": name, "status": RUNNING}
    status = status_of(folder, summary.status)
    metrics: Mapping[str, Any] = summary.metrics or {}
    epochs = summary.epochs
    if status in (RUNNING, KILLED):
        metrics, epochs = _last_row(folder / METRICS)
    elif status == FAILED:  # what it had reached before does not count
        metrics = {}
    return {
        "name": name,
        "status": status,
        **{name: _finite(metrics.get(name)) for name in EVERY_METRIC},
        "epochs": epochs,
        "seconds": summary.seconds,
        "started": summary.started,
        "ended": summary.ended,
        "best_validation_epoch": summary.best_validation_epoch,
        "adapted_to": summary.adapted_to,
        "parameters": summary.parameters,
        "problem": summary.error,
    }


def _read_sweep(
    folder: Path, names: frozenset[str], ended_in: Callable[[Path], dict[str, int]]
) -> dict[str, Any]:
    name = _name_in(folder / SWEEP)
    summary = _summary(folder, names, SweepSummary)
    if summary is None:
        return {"name": name, "status": RUNNING}
    status = status_of(folder, summary.status)
    figures: dict[str, Any] = {
        "name": name,
        "status": status,
        "trials": summary.trials,
        "completed": summary.completed,
        "failed": summary.failed,
        "pruned": summary.pruned,
        "reused": summary.reused,
        "seconds": summary.seconds,
        "started": summary.started,
        "ended": summary.ended,
    }
    if status in (RUNNING, KILLED) and (folder / JOURNAL).exists():
        figures |= ended_in(folder / JOURNAL)
    for best in summary.best[:1]:
        figures["best_setting"] = best.setting
        figures["adapted_to"] = best.adapted_to
        figures |= {metric: score.mean for metric, score in best.scores.items()}
        for metric, mean in best.means.items():
            figures[metric] = mean
    return figures


def status_of(folder: Path, status: str) -> str:
    """How a run or sweep is: its summary's word, unless a process works on it, or none does."""
    if status != COMPLETED and is_locked(folder):
        return RUNNING
    return KILLED if status == RUNNING else status


SummaryT = TypeVar("SummaryT", bound=Summary)


def _summary(folder: Path, names: frozenset[str], model: type[SummaryT]) -> SummaryT | None:
    """The content of summary.json, which is not there yet when a process has just begun."""
    if SUMMARY not in names and is_locked(folder):
        return None
    return read_record(folder / SUMMARY, model)


def _name_in(config: Path) -> str:
    """The name at the top of a config file; reading all of it would take most of the time."""
    try:
        with open_file(config) as file:
            key, _, name = file.readline(_TAIL_BYTES).decode().partition(":")
    except FileNotFoundError:
        raise RunError(f"{config}: no such file") from None
    except ValueError:
        key = ""
    if key != "name":
        raise RunError(f"{config}: damaged: it does not begin with a name")
    return name.strip().strip("'\"")


def _last_row(metrics: Path) -> tuple[Mapping[str, float | None], int | None]:
    """The last complete row of metrics.csv and its epoch; nothing where there is none."""
    try:
        with open_file(metrics) as file:
            header = file.readline(_TAIL_BYTES)
            begin = file.tell()
            file.seek(max(begin, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            *rows, _ = file.read().split(b"\n")  # the last piece is empty, or still being written
    except FileNotFoundError:
        return {}, None
    if not rows:
        return {}, None
    names, values = header.decode(errors="replace"), rows[-1].decode(errors="replace")
    try:
        row = read_epoch(names.strip().split(","), values)
        return row, int(row["epoch"] or 0)
    except ValueError as error:
        raise RunError(f"{metrics}: damaged: {error}") from None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _begun_at(name: str) -> datetime | None:
    """The time in a folder's name, as isolet-nn gives it."""
    try:
        return datetime.strptime(name[:15], "%Y%m%d-%H%M%S").astimezone()
    except (OSError, OverflowError, ValueError):  # the first for the year 1
        return None


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime).astimezone()
