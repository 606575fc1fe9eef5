"""The command sweep: a new one, one that is resumed, or a look at what would be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isolet_nn.cli.settings import read_sweep, require_own_config
from isolet_nn.errors import ConfigError
from isolet_nn.terminal.completion import complete_sweep, complete_sweep_folder
from isolet_nn.terminal.endings import exit_as_sweep, stopping
from isolet_nn.terminal.options import (
    DataDir,
    Devices,
    Quiet,
    RunsDir,
    Set,
    TableFormat,
    Track,
    Workers,
    text_of,
)

if TYPE_CHECKING:
    from isolet_nn.sweeps.config import Sweep
    from isolet_nn.sweeps.folder import SweepFolder
    from isolet_nn.sweeps.shard import ShardName
    from isolet_nn.terminal.printer import Printer

    Begin = Callable[..., SweepFolder]


def sweep(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG [FOLDER]...",
            help="A sweep's YAML file, or the name of a shipped one; "
            "FOLDERs go with --reuse and --merge.",
            autocompletion=complete_sweep,
        ),
    ] = None,
    settings: Set = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the sweep.")
    ] = None,
    workers: Workers = None,
    devices: Devices = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="A Dask scheduler, or local:N."),
    ] = None,
    save_models: Annotated[
        str | None,
        typer.Option(
            "--save-models", metavar="best|all|none", help="Weights to keep: best, all or none."
        ),
    ] = None,
    reuse: Annotated[
        bool,
        typer.Option(
            "--reuse",
            help="Take over equal trials of earlier sweeps and runs: in FOLDERs, or --runs-dir.",
        ),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Do part I of N, with --into: for job arrays."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="FOLDER", help="Where each shard makes its folder."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Join the shards in FOLDERs in a new sweep folder.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="FOLDER",
            help="Go on with an interrupted sweep instead.",
            autocompletion=complete_sweep_folder,
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: try failed trials again.")
    ] = False,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            metavar="N",
            min=1,
            help="With --resume, of a search: go on until N settings were asked for in all.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="With --resume, --shard, --merge: go on although something changed."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan: trials, cohorts, what is shared.")
    ] = False,
    print_trial: Annotated[
        int | None,
        typer.Option("--print-trial", metavar="N", help="Print trial N as a config for train."),
    ] = None,
    track: Track = None,
    quiet: Quiet = False,
    table_format: TableFormat = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Name each cohort, and each trial with its score."),
    ] = False,
) -> None:
    """Run a grid of trials, or go on with one; its folder is the last line printed."""
    from isolet_nn.sweeps.staff import parse_devices
    from isolet_nn.terminal.printer import Printer

    printer = Printer.asked_for(table_format, quiet=quiet, print_trial=print_trial is not None)
    gpus = None if devices is None else parse_devices(devices)
    changes = {"name": name, "save_models": save_models}
    is_preview = dry_run or print_trial is not None
    if is_preview and cluster is not None:
        raise ConfigError("--dry-run asks no cluster: give --workers instead of --cluster")
    if merge:
        _require_alone(
            "--merge",
            {
                "--set": settings,
                "--name": name,
                "--save-models": save_models,
                "--workers": workers,
                "--devices": devices,
                "--cluster": cluster,
                "--reuse": reuse,
                "--shard": shard,
                "--into": into,
                "--resume": resume,
                "--retry-failed": retry_failed,
                "--trials": trials,
                "--dry-run": dry_run,
                "--print-trial": print_trial is not None,
            },
        )
        _merge(given or [], runs_dir, force, printer, quiet=quiet)
        return
    config, places = _config_and_places(given, reuse, resume, runs_dir)
    what: Sweep | SweepFolder | Path
    if resume is None:
        if retry_failed or (force and shard is None):
            raise ConfigError("--retry-failed and --force go with --resume")
        if trials is not None:
            raise ConfigError(
                "--trials goes with --resume; a new search takes --set search.trials=N"
            )
        what = read_sweep(config, settings, {**changes, "workers": workers}, data_dir)
        begin = _new(what, runs_dir)
        if (part := _named_shard(shard, into)) is not None:
            from isolet_nn.sweeps import sharding

            begin = partial(sharding.run_shard, what, *part, force=force)
            what = sharding.shard_as_it_is(what, *part) if is_preview else what
    else:
        _require_alone("--resume", {"--shard": shard, "--into": into})
        require_own_config("sweep", bool(config or settings or any(changes.values())))
        what = resume
        begin = _resumed(resume, data_dir, trials, retry_failed=retry_failed, force=force)
    begin = partial(begin, reuse=places)
    if is_preview:
        options = {"retry_failed": retry_failed, "reuse": places}
        _preview(what, print_trial, trials, workers, gpus, data_dir, printer, options)
    else:
        _carry_out(
            begin, resume, workers, gpus, cluster, track, printer, quiet=quiet, verbose=verbose
        )


def _config_and_places(
    given: list[str] | None, reuse: bool, resume: Path | None, runs_dir: Path
) -> tuple[str | None, list[Path] | None]:
    """The config that is given, and folders in which to look for earlier results."""
    given = given or []
    if not reuse:
        if len(given) > 1:
            raise ConfigError(
                f"found {len(given)} configs, {' and '.join(given)}; give one (folders go with "
                "--reuse and --merge)"
            )
        return given[0] if given else None, None
    config, folders = None, given
    if resume is None:
        config, folders = given[0] if given else None, given[1:]
    usual = [runs_dir] if runs_dir.is_dir() else []
    return config, [Path(folder) for folder in folders] or usual


def _require_alone(option: str, others: Mapping[str, object]) -> None:
    """Refuse options that mean nothing beside another one."""
    found = [name for name, value in others.items() if value]
    if found:
        raise ConfigError(f"{found[0]} does not go with {option}: drop one")


def _new(sweep: Sweep, runs_dir: Path) -> Begin:
    """A sweep that is to be run in a new folder."""
    from isolet_nn.sweeps import sweep as sweeps

    return partial(sweeps.sweep, sweep, runs_dir=runs_dir)


def _named_shard(shard: str | None, into: Path | None) -> tuple[ShardName, Path] | None:
    """Which shard is meant, and where it lies; None if there is no word of one."""
    from isolet_nn.sweeps.shard import ShardName

    if shard is None and into is None:
        return None
    if shard is None or into is None:
        raise ConfigError("--shard and --into go together: --shard 3/8 --into FOLDER")
    return ShardName.parse(shard), into


def _merge(
    folders: list[str], runs_dir: Path, force: bool, printer: Printer, *, quiet: bool
) -> None:
    """Join shards, and print the results of their sweep."""
    from isolet_nn.sweeps.merging import merge_shards
    from isolet_nn.terminal.streams import print_line
    from isolet_nn.terminal.sweeps import print_sweep

    if not folders:
        raise ConfigError("which shards? Give their folders, or the one that was given to --into")
    done = merge_shards(folders, runs_dir=runs_dir, force=force)
    if quiet:
        print_line(done.path)
    else:
        print_sweep(done, printer)
    exit_as_sweep(done)


def _resumed(
    folder: Path,
    data_dir: Path | None,
    trials: int | None,
    *,
    retry_failed: bool,
    force: bool,
) -> Begin:
    """A sweep that is to be gone on with."""
    from isolet_nn.sweeps import sweep as sweeps

    return partial(
        sweeps.resume_sweep,
        folder,
        data_dir=text_of(data_dir),
        retry_failed=retry_failed,
        trials=trials,
        force=force,
    )


def _preview(
    what: Sweep | SweepFolder | Path,
    trial: int | None,
    trials: int | None,
    workers: int | None,
    devices: list[str] | None,
    data_dir: Path | None,
    printer: Printer,
    options: Mapping[str, Any],
) -> None:
    """Print a trial's config, or the plan."""
    from isolet_nn.sweeps.folder import SweepFolder, trial_config
    from isolet_nn.sweeps.search.extent import extend
    from isolet_nn.sweeps.sweep import plan_of
    from isolet_nn.terminal.streams import print_text
    from isolet_nn.terminal.sweeps import print_plan, say_reused

    seen = SweepFolder.open(what, text_of(data_dir)) if isinstance(what, Path) else what
    if trials is not None and isinstance(seen, SweepFolder):
        extend(seen, trials, text_of(data_dir))
    if trial is not None:
        print_text(trial_config(seen, trial))
    else:
        found = plan_of(seen, workers, devices, **options, on_reuse=say_reused)
        print_plan(*found, printer)


def _carry_out(
    begin: Begin,
    resumed: Path | None,
    workers: int | None,
    devices: list[str] | None,
    cluster: str | None,
    track: list[str] | None,
    printer: Printer,
    *,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run what is left of a sweep, here or on a cluster, and print its results."""
    from isolet_nn.sweeps.observers import SweepObservers
    from isolet_nn.terminal.streams import print_line, print_message, print_warning
    from isolet_nn.terminal.sweeps import print_sweep, sweep_observer
    from isolet_nn.tracking.observers import SweepTracker

    observer = sweep_observer(quiet, verbose)
    observers = SweepObservers([SweepTracker(track, print_warning), observer])
    options: dict[str, Any] = {"workers": workers, "devices": devices, "observer": observers}
    if cluster is not None:
        from isolet_nn.sweeps.cluster import cluster_workers

        found = cluster_workers(cluster, print_message)
        options |= {"make_workers": found, "workers": workers or found.n_workers}
    with stopping("sweep", lambda: resumed or observer.path) as stop:
        done = begin(should_stop=stop, **options)
    if quiet:
        print_line(done.path)
    else:
        print_sweep(done, printer)
    exit_as_sweep(done)
