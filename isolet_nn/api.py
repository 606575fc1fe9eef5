"""Training and sweeping with a progress bar, as a person at a prompt or in a notebook wants it.

The work is done by ``runs.execution`` and ``sweeps.sweep``; what they know nothing of, the
terminal before them and pictures after them, is added here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError
from isolet_nn.results.shown import Run, SweepFolder, shown_run, shown_sweep
from isolet_nn.runs import execution, extension
from isolet_nn.runs.observers import Observer, Observers
from isolet_nn.sweeps import sweep as sweeps
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.observers import SweepObserver, SweepObservers
from isolet_nn.sweeps.workers import LocalWorkers, WorkersFactory
from isolet_nn.tracking.observers import SweepTracker, TrainingTracker

if TYPE_CHECKING:
    from isolet_nn.results.shown_contests import ShownContest


def train(
    experiment: Experiment | str | Path,
    *,
    runs_dir: str | Path = "runs",
    progress: bool = False,
    observer: Observer | None = None,
    track: Sequence[str] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Train a network and leave everything in a new run folder.

    Parameters
    ----------
    experiment
        The experiment, its YAML file, or a table.
    runs_dir
        Folder in which the run folder is made.
    progress
        Whether to show how far it is: a bar in a notebook or a terminal, lines elsewhere.
    observer
        Hears of the training, and may end it.
    track
        Names of trackers, ``tensorboard`` and ``mlflow``, instead of what the experiment's
        ``tracking`` or the user's own settings say. One that fails is warned of, and no more.
    should_stop
        Asked after every step; when it says yes, everything is written and the run's status is
        ``interrupted``. So it is after Ctrl-C, or a notebook's button to stop.

    Returns
    -------
    The run; ``run.summary["status"]`` says how it ended.

    Raises
    ------
    IsoletNNError
        If config or data are wrong. A loss that is not finite does not raise: the run's status is
        ``failed`` and its summary says why.
    """
    run = execution.train(
        experiment,
        runs_dir=runs_dir,
        observer=_of_training(progress, observer, track),
        should_stop=should_stop,
    )
    return shown_run(run)


def resume(
    path: str | Path,
    *,
    data_dir: str | None = None,
    force: bool = False,
    progress: bool = False,
    observer: Observer | None = None,
    track: Sequence[str] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Go on with an interrupted run from its last checkpoint, to the bits of an undisturbed one.

    Parameters that are not named here are those of `train`.

    Parameters
    ----------
    path
        The run's folder.
    data_dir
        Where the data lies now, instead of the experiment's ``dataset.dir``.
    force
        Whether to go on although config, data, version or processor have changed; the summary
        records it.

    Raises
    ------
    RunError
        If the run is complete, has failed without a checkpoint to go on from, or if config, data,
        version or processor are no longer what it was begun with; lists the differences.
    """
    run = execution.resume(
        path,
        data_dir=data_dir,
        force=force,
        observer=_of_training(progress, observer, track),
        should_stop=should_stop,
    )
    return shown_run(run)


def extend(
    path: str | Path,
    *,
    epochs: int,
    name: str | None = None,
    runs_dir: str | Path = "runs",
    data_dir: str | None = None,
    force: bool = False,
    progress: bool = False,
    observer: Observer | None = None,
    track: Sequence[str] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Continue a completed run in a new one of more epochs, to the bits of one trained at once.

    Where the run kept a checkpoint at its end (``training.keep_checkpoint``), the new one goes on
    from there. Else its epochs are trained again, and each is compared with what it was.

    Parameters that are not named here are those of `train`.

    Parameters
    ----------
    path
        The run's folder.
    epochs
        Of the new run, those of the old one included.
    name
        Name of the new experiment; by default that of the old one.
    data_dir
        Where the data lies now, instead of the experiment's ``dataset.dir``.
    force
        Whether to go on although config, data, version or processor have changed, without
        comparing; the summary records it.

    Raises
    ------
    RunError
        If the run is not completed, or has stopped early; if config, data, version or processor
        are no longer what it was begun with; or if an epoch trained again is not what it was.
    ConfigError
        If it has that many epochs already, or if its first epochs depend on how many there are.
    """
    run = extension.extend(
        path,
        epochs=epochs,
        name=name,
        runs_dir=runs_dir,
        data_dir=data_dir,
        force=force,
        observer=_of_training(progress, observer, track),
        should_stop=should_stop,
    )
    return shown_run(run)


def sweep(
    config: Sweep | str | Path,
    *,
    runs_dir: str | Path = "runs",
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    make_workers: WorkersFactory = LocalWorkers,
    progress: bool = False,
    observer: SweepObserver | None = None,
    track: Sequence[str] | None = None,
    reuse: Iterable[str | Path] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SweepFolder:
    """Run a sweep into a new folder.

    Parameters
    ----------
    config
        The sweep, or its YAML file.
    runs_dir
        Folder in which the sweep's folder is made.
    workers
        Number of processes, instead of the sweep's own.
    devices
        GPUs such as ``cuda:0`` with a worker each, instead of the sweep's own.
    make_workers
        Makes the workers, where they are not processes on this machine.
    progress
        Whether to show how far it is: a bar in a notebook or a terminal, lines elsewhere.
    observer
        Hears of the sweep.
    track
        As for `train`.
    reuse
        Folders of earlier sweeps and runs, or folders in which these lie: what they have of this
        sweep's trials is taken over instead of trained. None trains all.
    should_stop
        Asked again and again; when it says yes, what is in the journal stays, and the status is
        ``interrupted``.

    Raises
    ------
    IsoletNNError
        If the sweep or its data are wrong. Trials that fail do not raise.
    """
    folder = sweeps.sweep(
        config,
        runs_dir=runs_dir,
        workers=workers,
        devices=devices,
        make_workers=make_workers,
        observer=_of_sweep(progress, observer, track),
        should_stop=should_stop,
        reuse=reuse,
    )
    return shown_sweep(folder)


def resume_sweep(
    path: str | Path,
    *,
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    retry_failed: bool = False,
    trials: int | None = None,
    force: bool = False,
    data_dir: str | None = None,
    make_workers: WorkersFactory = LocalWorkers,
    progress: bool = False,
    observer: SweepObserver | None = None,
    track: Sequence[str] | None = None,
    reuse: Iterable[str | Path] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SweepFolder:
    """Go on with a sweep: finished trials stay, the others are done.

    Parameters that are not named here are those of `sweep`.

    Parameters
    ----------
    path
        The sweep's folder.
    retry_failed
        Whether failed trials are tried again.
    trials
        Of a search: settings to ask for in all, instead of what it was to go to.
    force
        Whether to go on although config, data or version have changed; the summary records it.
    data_dir
        Where the data lies now, instead of the experiment's ``dataset.dir``.

    Raises
    ------
    RunError
        If config, data or version differ from those the sweep began with; lists the differences.
    """
    folder = sweeps.resume_sweep(
        path,
        workers=workers,
        devices=devices,
        retry_failed=retry_failed,
        trials=trials,
        force=force,
        data_dir=data_dir,
        make_workers=make_workers,
        observer=_of_sweep(progress, observer, track),
        should_stop=should_stop,
        reuse=reuse,
    )
    return shown_sweep(folder)


def compare(
    *folders: Run | SweepFolder | str | Path,
    metric: str | None = None,
    baseline: Run | str | Path | int | None = None,
) -> ShownContest:
    """Test who is better: the settings of a sweep, or groups of runs that differ in their seeds.

    Each two are compared by pairs of scores, on the seeds, folds or data sets that they have in
    common; p-values are corrected for their number by Holm.

    Parameters
    ----------
    folders
        A sweep, or runs.
    metric
        Such as ``validation_loss``; what the sweep ranks by, or the accuracy on the test split, or
        on the validation split where no run has read the test split.
    baseline
        What the others are tested against: a run of a group, or the number of a trial; each two
        are tested if None.

    Returns
    -------
    It shows itself in a notebook; ``pairs`` and ``ranking`` are data frames.

    Raises
    ------
    IsoletNNError
        If there is nothing to compare, or what there is was scored on other rows.
    """
    from isolet_nn.results.comparison import compare as side_by_side
    from isolet_nn.results.runs_contest import contest_of_runs
    from isolet_nn.results.selection import is_sweep
    from isolet_nn.results.settings_contest import contest_of_settings
    from isolet_nn.results.shown_contests import shown_contest

    paths = [Path(f) if isinstance(f, str | Path) else f.path for f in folders]
    if len(paths) == 1 and is_sweep(paths[0]):
        if not isinstance(baseline, int | None):
            raise ConfigError("baseline: of a sweep it is the number of a trial")
        return shown_contest(contest_of_settings(SweepFolder.open(paths[0]), metric, baseline))
    if isinstance(baseline, int):
        raise ConfigError("baseline: among runs it is one of their folders")
    base = baseline.path if isinstance(baseline, Run) else baseline
    contest = contest_of_runs(side_by_side(paths), metric, base)
    if contest is None:
        raise ConfigError(
            "nothing is repeated, so nothing can be tested: it takes two groups of runs that "
            "differ in their seeds"
        )
    return shown_contest(contest)


def _of_training(
    progress: bool, observer: Observer | None, track: Sequence[str] | None
) -> Observer:
    """The observer that is given, trackers, and what shows progress if that is asked for."""
    observers: list[Observer] = [TrainingTracker(track, warnings.warn)]
    observers += [] if observer is None else [observer]
    if progress:
        from isolet_nn.terminal.progress import progress_observer

        observers.append(progress_observer(quiet=False))
    return Observers(observers)


def _of_sweep(
    progress: bool, observer: SweepObserver | None, track: Sequence[str] | None
) -> SweepObserver:
    observers: list[SweepObserver] = [SweepTracker(track, warnings.warn)]
    observers += [] if observer is None else [observer]
    if progress:
        from isolet_nn.terminal.sweeps import sweep_observer

        observers.append(sweep_observer(quiet=False, verbose=False))
    return SweepObservers(observers)
