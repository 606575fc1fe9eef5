"""The shards of a sweep joined: a sweep folder as one process would have left it.

Nothing of the shards is changed, and their data need not be here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from isolet_nn.errors import RunError, counted
from isolet_nn.runs.model_file import files_of_model
from isolet_nn.runs.records import read_record
from isolet_nn.sweeps.cohort import TrialResult, model_path
from isolet_nn.sweeps.curves import CURVES, Curves, curve_texts
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import Journal, read_journal
from isolet_nn.sweeps.outputs import write_results, write_summary
from isolet_nn.sweeps.records import SweepSummary
from isolet_nn.sweeps.shard import Shard, ShardName, read_shard, shard_folders
from isolet_nn.sweeps.sharding import differences_of_shards
from isolet_nn.system.files import read_bytes, write_bytes
from isolet_nn.system.folders import (
    ENVIRONMENT,
    JOURNAL,
    MODELS,
    SUMMARY,
    SWEEP,
    is_locked,
    locked,
    now,
)
from isolet_nn.system.statuses import COMPLETED, INTERRUPTED, PENDING

_AT_ONCE = 10_000
"""Lines of curves.csv that are written together."""


@dataclass(frozen=True)
class _Part:
    """A shard that was begun, and how each of its trials ended that has."""

    path: Path
    shard: Shard
    results: dict[int, TrialResult]

    @property
    def left(self) -> int:
        """How many of its trials are still to be done."""
        return len(self.shard.trials) - len(self.results)


def merge_shards(
    folders: Sequence[str | Path], *, runs_dir: str | Path = "runs", force: bool = False
) -> SweepFolder:
    """Join the shards of a sweep in a new sweep folder.

    Parameters
    ----------
    folders
        Folders of shards, or folders in which these lie.
    runs_dir
        Folder in which the sweep's folder is made.
    force
        Whether to join what there is, although shards are missing, or had other data, another
        version or processor; what is missing then, a resume does.

    Raises
    ------
    RunError
        If they are no shards of one sweep, or some are not done; names these, each with the
        command that does it.
    """
    paths = [*_paths(folders)]
    parts = [_read_part(path) for path in paths]
    overruled = _require_one_sweep(parts)
    unfinished = [*_unfinished(parts)]
    if unfinished and not force:
        raise RunError(
            "some shards are not done (--force joins those that are):\n" + "\n".join(unfinished)
        )
    if overruled and not force:
        raise RunError(
            "the shards were not computed alike, so that results may differ in their last bits "
            "(--force joins them all the same):\n" + "\n".join(overruled)
        )
    return _joined(parts, Path(runs_dir), overruled)


def _paths(folders: Sequence[str | Path]) -> Iterator[Path]:
    """The folders of all shards, each once."""
    seen = set()
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise RunError(f"{folder}: no such folder")
        own = [folder] if read_shard(folder) else [path for _, path in shard_folders(folder)]
        if not own:
            raise RunError(
                f"{folder}: has no shard of a sweep; `isolet-nn sweep CONFIG --shard 1/8 --into "
                "FOLDER` makes one"
            )
        for path in own:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _read_part(path: Path) -> _Part:
    shard = read_shard(path)
    assert shard is not None
    header, results = read_journal(path / JOURNAL)
    if header is not None:
        shard = replace(shard, begun=header)
    own = {*shard.trials.tolist()}
    ended = {result.trial: result for result in results if result.trial in own}
    return _Part(path, shard, ended)


def _require_one_sweep(parts: Sequence[_Part]) -> list[str]:
    """Refuse shards that are not of one sweep; return what else they have not in common.

    Raises
    ------
    RunError
        If sweeps or numbers of shards differ, or a shard or a trial is there twice.
    """
    first, found = parts[0], dict[str, None]()
    by_name: dict[ShardName, Path] = {}
    owner: dict[int, Path] = {}
    for part in parts:
        if part.shard.name.of != first.shard.name.of:
            raise RunError(
                f"{part.path}: is shard {part.shard.name}, but {first.path} is shard "
                f"{first.shard.name}: they are not of one sweep"
            )
        if (twin := by_name.setdefault(part.shard.name, part.path)) != part.path:
            raise RunError(
                f"{part.path}: is shard {part.shard.name}, and so is {twin}: give one of them"
            )
        changes = differences_of_shards(first.shard.begun, part.shard.begun)
        sweep = [change for change in changes if change.startswith("sweep.")]
        if sweep:
            raise RunError(
                f"{part.path}: is of another sweep than {first.path}:\n" + "\n".join(sweep)
            )
        found |= dict.fromkeys(f"{part.path}: {change}" for change in changes)
        for trial in part.shard.trials.tolist():
            if (other := owner.setdefault(trial, part.path)) != part.path:
                raise RunError(f"{part.path}: has trial {trial}, and so has {other}")
    return list(found)


def _unfinished(parts: Sequence[_Part]) -> Iterator[str]:
    """What is to be done before all shards are, a line each."""
    done = {part.shard.name.number: part for part in parts}
    first = parts[0]
    for number in range(1, first.shard.name.of + 1):
        name = ShardName(number, first.shard.name.of)
        part = done.get(number)
        if part is None:
            config, into = (
                shlex.quote(str(path)) for path in (first.path / SWEEP, first.path.parent)
            )
            yield f"{name} is missing: isolet-nn sweep {config} --shard {name} --into {into}"
        elif is_locked(part.path):
            yield f"{name} is running: a process works on {part.path}"
        elif part.left:
            folder = shlex.quote(str(part.path))
            left = f"{part.left} of {counted(len(part.shard.trials), 'trial')} left"
            yield f"{name} is not done ({left}): isolet-nn sweep --resume {folder}"


def _joined(parts: Sequence[_Part], runs_dir: Path, overruled: list[str]) -> SweepFolder:
    """A new sweep folder with all that the shards have."""
    first = parts[0]
    opened = SweepFolder.open(first.path)
    _require_all_trials(parts, opened.n_trials)
    folder = SweepFolder.create(runs_dir, opened.sweep, opened.trial_table)
    earlier = [read_record(p.path / SUMMARY, SweepSummary) for p in parts if _has_summary(p)]
    folder.overruled = sorted({*overruled, *(line for one in earlier for line in one.overruled)})
    with locked(folder.path):
        for part in parts:
            for result in part.results.values():
                folder.record(result)
        _copy_models(parts, folder)
        if any((part.path / CURVES).exists() for part in parts):
            _copy_curves(parts, folder)
        header = first.shard.begun
        with closing(Journal(folder.path / JOURNAL, header)) as journal:
            for part in parts:
                journal.append(part.results[trial] for trial in sorted(part.results))
        if (first.path / ENVIRONMENT).exists():
            write_bytes(folder.path / ENVIRONMENT, read_bytes(first.path / ENVIRONMENT))
        write_results(folder)
        started = min((one.started for one in earlier), key=datetime.fromisoformat, default=now())
        seconds = sum(one.seconds or 0.0 for one in earlier)
        status = INTERRUPTED if folder.count(PENDING) else COMPLETED
        write_summary(folder, status, started, seconds)
    return folder


def _require_all_trials(parts: Sequence[_Part], n_trials: int) -> None:
    """Refuse shards that were divided otherwise than those of one sweep are."""
    found = sum(len(part.shard.trials) for part in parts)
    most = max(int(part.shard.trials.max(initial=-1)) for part in parts)
    if most >= n_trials or (len(parts) == parts[0].shard.name.of and found != n_trials):
        raise RunError(
            f"{parts[0].path.parent}: the sweep has {counted(n_trials, 'trial')}, but its shards "
            f"have {found}, up to trial {most}: they were not divided alike"
        )


def _has_summary(part: _Part) -> bool:
    return (part.path / SUMMARY).exists()


def _copy_models(parts: Sequence[_Part], folder: SweepFolder) -> None:
    """Copy the weights that a sweep keeps: those of all trials, or of the best."""
    save_models = folder.sweep.save_models
    if save_models == "none":
        return
    best = folder.results.best(folder.metric)
    (folder.path / MODELS).mkdir()
    for part in parts:
        kept = part.results if save_models == "all" else {*([best[0]] if best else [])}
        for trial in sorted({*kept} & {*part.results}):
            model = model_path(part.path / MODELS, trial)
            if not model.exists():  # of a trial that failed
                continue
            # What it needs is there before the model itself.
            for file in sorted(files_of_model(model), key=lambda path: path == model):
                target = folder.path / MODELS / file.name
                if not target.exists():
                    write_bytes(target, read_bytes(file))


def _copy_curves(parts: Sequence[_Part], folder: SweepFolder) -> None:
    with closing(Curves(folder.path / CURVES)) as curves:
        for part in parts:
            texts = curve_texts(part.path / CURVES, part.results)
            while piece := [*islice(texts, _AT_ONCE)]:
                curves.append(piece)
        curves.sync()
