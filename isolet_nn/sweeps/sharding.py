"""A sweep divided among the processes of a job array, which need nothing in common but a folder.

Every process makes the same plan of the whole sweep and takes its share of it. Nothing is agreed on
and nothing is waited for: each shard has a folder, a lock and a journal of its own. What the others
are is only looked at, so that shards of different sweeps never end in one folder.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.identity import differences, processor_changes
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSize, DataSource
from isolet_nn.sweeps.folder import SweepFolder, sweep_config
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.header import make_header
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.plan import make_plan
from isolet_nn.sweeps.records import JournalHeader
from isolet_nn.sweeps.shard import SHARD, Shard, ShardName, read_shard, shard_folders
from isolet_nn.sweeps.staff import FROM_FILE, Wanted
from isolet_nn.sweeps.sweep import require_runnable, resume_sweep
from isolet_nn.sweeps.workers import LocalWorkers, WorkersFactory
from isolet_nn.system.files import write_text
from isolet_nn.system.folders import SWEEP, locked


def run_shard(
    config: Sweep | str | Path,
    shard: ShardName,
    into: str | Path,
    *,
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    force: bool = False,
    make_workers: WorkersFactory = LocalWorkers,
    **options: Any,
) -> SweepFolder:
    """Run one shard of a sweep, or go on with it.

    Parameters
    ----------
    config
        The sweep, or its YAML file; the same for all shards.
    shard
        Which shard.
    into
        The folder in which every shard has its own.
    force
        Whether to go on although other shards had other data, another version or processor.
    workers, devices, make_workers, options
        As `isolet_nn.sweeps.sweep.resume_sweep` takes them.

    Raises
    ------
    ConfigError
        If the sweep cannot be divided.
    RunError
        If the folder has shards of another sweep, or of another number of shards.
    """
    into = Path(into)
    folder, header = planned_shard(config, shard, make_workers, Wanted(workers, devices))
    _require_fit(into, shard, header, force)
    path = shard.folder(into)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path}: cannot make a folder here: {error.strerror}") from None
    with locked(path):
        if not (path / SHARD).exists():
            assert folder.shard is not None
            write_text(path / SWEEP, sweep_config(folder.sweep))
            folder.shard.write(path)
            # Of two shards that do not fit and begin at once, one at least sees the other here.
            try:
                _require_fit(into, shard, header, force)
            except RunError:
                (path / SHARD).unlink()
                (path / SWEEP).unlink()
                raise
    return resume_sweep(
        path, workers=workers, devices=devices, force=force, make_workers=make_workers, **options
    )


def shard_as_it_is(sweep: Sweep, shard: ShardName, into: Path) -> SweepFolder:
    """A shard as far as it is, or as it would be begun; nothing is made."""
    path = shard.folder(into)
    if (path / SHARD).exists():
        return SweepFolder.open(path)
    folder, _ = planned_shard(sweep, shard)
    return folder


def planned_shard(
    config: Sweep | str | Path,
    shard: ShardName,
    make_workers: WorkersFactory = LocalWorkers,
    wanted: Wanted = FROM_FILE,
) -> tuple[SweepFolder, JournalHeader]:
    """A shard that is still to be begun, without a folder, and what its results depend on.

    Raises
    ------
    IsoletNNError
        If the sweep or its data are wrong, or it cannot be divided.
    """
    sweep = config if isinstance(config, Sweep) else load_sweep(config)
    trials, source = make_trials(sweep), DataSource()
    if sweep.search is not None:
        raise ConfigError(
            f"{sweep.source}: --shard: a search cannot be divided: what it asks for next depends "
            "on the trials of all shards"
        )
    folder = SweepFolder(Path(), sweep, trials)
    if folder.outer is not None:
        raise ConfigError(
            f"{sweep.source}: --shard: a nested cross-validation cannot be divided: which setting "
            "an outer fold is scored with depends on the trials of all shards"
        )
    require_runnable(sweep, trials, source, make_workers, wanted)
    header = make_header(sweep, trials, source, make_workers)
    own = divide(trials, shard.of, source.size)[shard.number - 1]
    folder.shard = Shard(shard, header, own)
    return folder, header


def divide(
    trials: Trials, n_shards: int, data_size: Callable[[Experiment], DataSize]
) -> list[NDArray[np.int64]]:
    """The trials of each shard, ascending; of about equal cost.

    The cohorts of a plan for as many workers as there are shards are dealt out, the longest first,
    each to the shard that has least so far. All of that follows from the sweep and its data.
    """
    plan = make_plan(trials, np.arange(len(trials)), n_shards, data_size)
    shares: list[list[int]] = [[] for _ in range(n_shards)]
    least = [(0.0, number) for number in range(n_shards)]
    for cohort in plan.cohorts:
        cost, number = heapq.heappop(least)
        shares[number] += [trial for line in cohort.lines for trial in line]
        heapq.heappush(least, (cost + cohort.cost, number))
    return [np.array(sorted(share), np.int64) for share in shares]


def _require_fit(into: Path, name: ShardName, header: JournalHeader, force: bool) -> None:
    """Refuse a folder with shards of another sweep, or of another number of them."""
    for other, path in shard_folders(into):
        if other.of != name.of:
            raise RunError(
                f"{into}: has a shard {other}, and {name} would not be of the same number of "
                "shards: give that number, or another folder to --into"
            )
        begun = read_shard(path)
        if begun is None:
            continue
        changes = differences_of_shards(begun.begun, header)
        sweep = [change for change in changes if change.startswith("sweep.")]
        if sweep:
            raise RunError(
                f"{into}: has shard {other} of another sweep; give another folder to --into:\n"
                + "\n".join(sweep)
            )
        if changes and not force:
            raise RunError(
                f"{path}: shard {other} was begun elsewhere, so that results may differ in their "
                "last bits (--force goes on all the same):\n" + "\n".join(changes)
            )


def differences_of_shards(one: JournalHeader, other: JournalHeader) -> list[str]:
    """What two shards of one sweep should have in common and have not, a line each."""
    parts = {"sweep", "data", "version"}
    return differences(
        one.model_dump(include=parts), other.model_dump(include=parts)
    ) + processor_changes(one.processor, other.processor)
