"""Running a sweep: into a new folder, or going on in one that is there.

What is made of the journal is written at the end and at every interruption.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing, nullcontext
from functools import partial
from pathlib import Path
from types import TracebackType

from isolet_nn.runs.environment import describe_environment
from isolet_nn.runs.identity import differences, processor_changes, refuse
from isolet_nn.runs.records import FORMAT
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.curves import CURVES, Curves, keep_curves
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.dispatch import Dispatcher, ModelKeeper
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.header import make_header
from isolet_nn.sweeps.journal import PENDING_CODE, Journal, read_journal
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.nested import with_outer_trials
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.outputs import write_results, write_summary
from isolet_nn.sweeps.plan import Plan
from isolet_nn.sweeps.records import JournalHeader
from isolet_nn.sweeps.requirements import (
    require_backends,
    require_defined_ranking,
    require_reusable,
    require_trainable_trials,
)
from isolet_nn.sweeps.reuse import Reused, places_to_look, reusable, take_over
from isolet_nn.sweeps.search.extent import extend, keep_extent
from isolet_nn.sweeps.search.running import Searching, batch_planner, plan_of_search
from isolet_nn.sweeps.search.study import require_optuna
from isolet_nn.sweeps.search_config import without_extent
from isolet_nn.sweeps.staff import FROM_FILE, Staff, Wanted, plan_for, staff_of
from isolet_nn.sweeps.workers import LocalWorkers, WorkersFactory
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import ENVIRONMENT, JOURNAL, MODELS, locked, now
from isolet_nn.system.statuses import COMPLETED, INTERRUPTED, PENDING, RUNNING
from isolet_nn.training.threads import limited_threads

_DATA = ".data"


def sweep(
    config: Sweep | str | Path,
    *,
    runs_dir: str | Path = "runs",
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    make_workers: WorkersFactory = LocalWorkers,
    observer: SweepObserver | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    reuse: Iterable[str | Path] | None = None,
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
    observer
        Hears of the progress.
    should_stop
        Asked again and again; when it says yes, what is in the journal stays, and the status is
        ``interrupted``.
    reuse
        Folders of earlier sweeps and runs, or folders in which these lie: what they have of this
        sweep's trials is taken over instead of trained. None trains all.

    Raises
    ------
    IsoletNNError
        If the sweep or its data are wrong. Trials that fail do not raise.
    """
    if not isinstance(config, Sweep):
        config = load_sweep(config)
    places = places_to_look(reuse, make_workers)
    require_reusable(config, places)
    trials, source = make_trials(config), DataSource()
    staff = require_runnable(config, trials, source, make_workers, Wanted(workers, devices))
    header = make_header(config, trials, source, make_workers)
    folder = SweepFolder.create(Path(runs_dir), config, trials)
    with locked(folder.path):
        _RecordedSweep(folder, source, observer or SweepObserver()).carry_out(
            header, make_workers, staff, should_stop, places
        )
    return folder


def require_runnable(
    config: Sweep,
    trials: Trials,
    source: DataSource,
    make_workers: WorkersFactory = LocalWorkers,
    wanted: Wanted = FROM_FILE,
) -> Staff:
    """Refuse what is missing or wrong before there is a folder; parameters as of `sweep`.

    Returns
    -------
    Who is to work on it.

    Raises
    ------
    IsoletNNError
        Saying what it is.
    """
    require_backends(trials, make_workers)
    if config.search is not None:
        require_optuna(config.search)
    staff = staff_of(config, trials, wanted, make_workers)
    require_trainable_trials(config, trials, source, make_workers)
    require_defined_ranking(config, trials)
    return staff


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
    observer: SweepObserver | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    reuse: Iterable[str | Path] | None = None,
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
    ConfigError
        If `trials` is of no search, or fewer than were asked for.
    """
    opened, places = Path(path), places_to_look(reuse, make_workers)
    with locked(opened) if opened.is_dir() else nullcontext():
        folder = SweepFolder.open(opened, data_dir)
        if trials is not None:
            extend(folder, trials, data_dir)
        require_reusable(folder.sweep, places)
        require_backends(folder.samples, make_workers)
        wanted = Wanted(workers, devices)
        staff = staff_of(folder.sweep, folder.samples, wanted, make_workers)
        source = DataSource()
        header = make_header(folder.sweep, folder.samples, source, make_workers)
        require_trainable_trials(folder.sweep, folder.samples, source, make_workers)
        recorded, _ = read_journal(folder.path / JOURNAL)
        if recorded is not None:
            changes = _differences(recorded, header)
            if not force:
                refuse(folder.path, "sweep", changes)
            before = folder.earlier_summary.get("overruled", [])
            folder.overruled = sorted({*before, *changes})
        if retry_failed:
            folder.forget_failed()
        if trials is not None:
            keep_extent(folder)
        _RecordedSweep(folder, source, observer or SweepObserver()).carry_out(
            header, make_workers, staff, should_stop, places
        )
    return folder


def _differences(recorded: JournalHeader, current: JournalHeader) -> list[str]:
    before, after = (
        {"sweep": without_extent(one.sweep), "data": one.data, "version": one.version}
        for one in (recorded, current)
    )
    return differences(before, after) + processor_changes(recorded.processor, current.processor)


def plan_of(
    what: SweepFolder | Sweep,
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    *,
    retry_failed: bool = False,
    reuse: Iterable[str | Path] | None = None,
    on_reuse: Callable[[Reused], None] = lambda _: None,
) -> tuple[Plan, int, Staff]:
    """The plan of what is still to be done, the number of all trials, and who works on it.

    `reuse` is as of `sweep`; `on_reuse` is told of what would be taken over.
    """
    folder = what if isinstance(what, SweepFolder) else SweepFolder.planned(what)
    if retry_failed:
        folder.forget_failed()
    source = DataSource()
    require_trainable_trials(folder.sweep, folder.samples, source)
    if isinstance(what, Sweep):
        require_defined_ranking(what, folder.samples)
    if (places := places_to_look(reuse, LocalWorkers)) is not None:
        require_reusable(folder.sweep, places)
        header = make_header(folder.sweep, folder.trial_table, source, LocalWorkers)
        on_reuse(reusable(folder, header, places))
    staff = staff_of(folder.sweep, folder.samples, Wanted(workers, devices))
    plan = _plan_of_pending(folder, staff, source)
    n_done = folder.n_own - folder.count(PENDING)
    return plan, n_done + plan.n_trials + plan.n_later, staff


def _plan_of_pending(folder: SweepFolder, staff: Staff, source: DataSource) -> Plan:
    if folder.sweep.search is not None:
        return plan_of_search(folder, staff, source)
    plan = plan_for(staff, folder.trial_table, folder.pending(), source)
    return plan if folder.outer is None else with_outer_trials(plan, folder.outer)


class _RecordedSweep:
    """A sweep at work, and its folder that is kept up to date with it."""

    def __init__(self, folder: SweepFolder, source: DataSource, observer: SweepObserver) -> None:
        self.folder = folder
        self.source = source
        self.observer = observer
        self.status = INTERRUPTED
        before = folder.earlier_summary
        self._started: str = before.get("started", now())
        self._seconds: float = before.get("seconds", 0.0) - time.monotonic()

    def carry_out(
        self,
        header: JournalHeader,
        make_workers: WorkersFactory,
        staff: Staff,
        should_stop: Callable[[], bool],
        places: Sequence[Path] | None,
    ) -> None:
        """Do what is pending; write table, summary and plots however it ends."""
        folder = self.folder
        self._write_environment(header)
        self._write_summary(RUNNING)
        if places is not None:
            self.observer.on_reuse(folder, take_over(folder, header, places, should_stop))
        plan = _plan_of_pending(folder, staff, self.source)
        data = folder.path / _DATA
        # What ends a sweep is done even if the thing before it fails, as on a full disk.
        with ExitStack() as ending:
            ending.callback(self.observer.on_end, folder)
            ending.push(_at_the_end(lambda: self._write_summary(self.status)))
            ending.push(_at_the_end(lambda: write_results(folder)))
            ending.callback(shutil.rmtree, data, ignore_errors=True)
            self.observer.on_start(folder, plan)
            curves = self._curves()
            if curves is not None:
                ending.enter_context(closing(curves))
            opened = ending.enter_context(closing(Journal(folder.path / JOURNAL, header, curves)))
            shutil.rmtree(data, ignore_errors=True)
            models = self._models()
            is_complete = not plan.cohorts
            if plan.cohorts or folder.asked is not None:
                if staff.gpus and make_workers is LocalWorkers:
                    make_workers = partial(LocalWorkers, gpus=staff.gpus)
                workers = make_workers(staff.workers, data, self.source.pack)
                ending.callback(models.tidy)
                ending.callback(workers.close)
                dispatcher = Dispatcher(
                    folder.trial_table,
                    workers,
                    opened,
                    folder.record,
                    models,
                    folder.sweep.save_curves,
                    self.observer,
                    folder.outer,
                )
                if folder.asked is None:
                    is_complete = dispatcher.dispatch(plan, should_stop)
                else:
                    planner = batch_planner(folder, staff, self.source)
                    searching = Searching(folder, dispatcher, planner, self._elapsed)
                    is_complete = searching.run(should_stop)
            self.status = COMPLETED if is_complete else INTERRUPTED

    def _models(self) -> ModelKeeper:
        folder = self.folder
        best = folder.results.best(folder.metric)
        return ModelKeeper(folder.sweep.save_models, folder.path / MODELS, folder.metric, best)

    def _curves(self) -> Curves | None:
        path = self.folder.path / CURVES
        keep_curves(path, self.folder.status != PENDING_CODE)
        return None if self.folder.sweep.save_curves == "none" else Curves(path)

    def _write_environment(self, header: JournalHeader) -> None:
        experiment = self.folder.samples.make_experiment(0)
        with limited_threads(experiment):
            environment = describe_environment(experiment, self.source.dataset(experiment))
        environment |= {"format": FORMAT, "dataset_checksums": header.data}
        write_json(self.folder.path / ENVIRONMENT, environment)

    def _write_summary(self, status: str) -> None:
        write_summary(self.folder, status, self._started, self._elapsed())

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic()


def _at_the_end(
    work: Callable[[], None],
) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], bool]:
    """Do work however a block ends; what ended it is told, rather than that this fails too."""

    def leave(
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        try:
            work()
        except OSError:
            if error is None:
                raise
        return False

    return leave
