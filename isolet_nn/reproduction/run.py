"""Running the reproduction into one folder, or going on with it.

What is finished is told by the folders of its parts, so that nothing is run twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import shipped_config
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data import load_dataset
from isolet_nn.errors import RunError
from isolet_nn.reproduction import carried_over
from isolet_nn.reproduction.evidence import Evidence
from isolet_nn.reproduction.folder import (
    FILE,
    Reproduction,
    folder_of,
    is_finished,
    open_reproduction,
)
from isolet_nn.reproduction.page import write_page
from isolet_nn.reproduction.parts import CARRIED_OVER, Measure, Measuring, Part, sweep_of
from isolet_nn.reproduction.selection import parts_of
from isolet_nn.reproduction.side_by_side import PassesOn, SideBySide, Turn
from isolet_nn.runs.records import FORMAT
from isolet_nn.runs.status_file import at_work
from isolet_nn.sweeps.observers import SweepObserver, SweepObservers
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from isolet_nn.sweeps.workers import LocalWorkers, Processes, WorkersFactory, shared_processes
from isolet_nn.system.files import write_json, write_text
from isolet_nn.system.folders import locked, new_folder
from isolet_nn.system.machine import available_cores
from isolet_nn.system.statuses import COMPLETED
from isolet_nn.training.backends import require_backend
from isolet_nn.version import __version__

NAME = "reproduce-report"


class ReproductionObserver:
    """Hears of the progress; this one does nothing."""

    def on_start(self, folder: Path) -> None:
        """The folder exists."""

    def on_part(self, part: Part, number: int, total: int) -> None:
        """A part is about to be run; `number` counts from 1."""

    def on_cell(self, done: int, total: int) -> None:
        """The network that is carried over has passed through a cell."""

    def of_sweep(self) -> SweepObserver:
        """What hears of the next sweep."""
        return SweepObserver()


def begin(
    figures: Sequence[str] = (),
    *,
    quick: bool = False,
    backend: Literal["numpy", "torch"] | None = None,
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    runs_dir: str | Path = "runs",
    data_dir: str | None = None,
) -> Path:
    """Make the folder of a reproduction, in which nothing is run yet.

    Parameters
    ----------
    figures
        Some of `selection.FIGURES`; none stands for all.
    quick
        Whether to leave out cells and seeds.
    backend, device
        What computes it, and where; without a backend, what each config says. With one, what
        compares backends is left aside.
    runs_dir
        Folder in which the folder is made.
    data_dir
        Folder of the ISOLET files.

    Raises
    ------
    IsoletNNError
        If there is no such figure, or the data is missing or wrong.
    """
    # What is missing or wrong should be known before there is a folder.
    content = Reproduction(
        figures=[*figures], quick=quick, version=__version__, backend=backend, device=device
    )
    example = {"dataset": {"name": "xor"}}
    require_backend(load_experiment(example, content.computing))
    if any(part.on_isolet for part in parts_of(figures, backend, quick=quick)):
        _require_isolet(data_dir)
    folder = new_folder(Path(runs_dir), NAME)
    write_text(folder / FILE, dump_yaml(content))
    return folder


def go_on(
    folder: Path,
    *,
    data_dir: str | None = None,
    workers: int | None = None,
    make_workers: WorkersFactory = LocalWorkers,
    observer: ReproductionObserver | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run what a reproduction has not run yet, and write its page.

    Parameters
    ----------
    folder
        The reproduction's.
    data_dir
        Folder of the ISOLET files.
    workers, make_workers
        As of `sweeps.sweep.sweep`.
    observer
        Hears of the progress.
    should_stop
        Asked again and again; when it says yes, what is finished stays.

    Raises
    ------
    RunError
        If it is no such folder, or another version of the package began it.
    """
    content = open_reproduction(folder)
    if content.version != __version__:
        raise RunError(
            f"{folder}: was begun by isolet-nn {content.version}, this is "
            f"{__version__}; begin a new reproduction"
        )
    observer = observer or ReproductionObserver()
    with locked(folder), _processes_for(content, workers, make_workers) as processes:
        observer.on_start(folder)
        _carry_out(
            _Work(
                folder,
                content,
                data_dir,
                workers,
                make_workers,
                processes,
                observer,
                should_stop,
            )
        )


def _require_isolet(data_dir: str | None) -> None:
    experiment = load_experiment({"dataset": {"name": "isolet", "dir": data_dir}})
    load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)


_one_computes = threading.Lock()


@dataclass(frozen=True)
class _Work:
    """A reproduction at work: where, what, and by which means.

    `processes` are those that all parts share; None where each has its own.
    """

    folder: Path
    content: Reproduction
    data_dir: str | None
    workers: int | None
    make_workers: WorkersFactory
    processes: Processes | None
    observer: ReproductionObserver
    should_stop: Callable[[], bool]

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What a function returns, computed in a process where there are some; None if stopped.

        Else one after another: threads share the libraries' settings and a GPU's memory.
        """
        if self.processes is None:
            with _one_computes:
                return None if self.should_stop() else function(*arguments)
        return self.processes.call(function, *arguments, should_stop=self.should_stop)


def _processes_for(
    content: Reproduction, workers: int | None, make_workers: WorkersFactory
) -> AbstractContextManager[Processes | None]:
    """The processes that all parts share; where there may be a GPU, each part has its own."""
    may_use_gpu = content.backend == "torch" and content.device != "cpu"
    if make_workers is not LocalWorkers or may_use_gpu:
        return nullcontext()
    return shared_processes(workers or available_cores())


def _carry_out(work: _Work) -> None:
    """Run what is left, then draw the page, however far it got."""
    content = work.content
    parts = parts_of(content.figures, content.backend, quick=content.quick)
    numbers = {part.name: number for number, part in enumerate(parts, 1)}

    def begin(part: Part) -> bool:
        work.observer.on_part(part, numbers[part.name], len(parts))
        return not work.should_stop()

    side_by_side = SideBySide(
        begin, lambda turn: _run_part(stoppable, turn), overlaps=work.processes is not None
    )
    stoppable = replace(work, should_stop=lambda: work.should_stop() or side_by_side.has_failed())
    with at_work(work.folder) as progress:
        left = (part for part in parts if not is_finished(work.folder, part))
        progress.is_completed = side_by_side.run(left)
        write_page(work.folder)


def _run_part(work: _Work, turn: Turn) -> bool:
    """Run a part, or go on with it; return whether it was completed."""
    part = turn.part
    if part.measure is not None:
        return _run_measurement(work, turn, part.measure)
    own = folder_of(work.folder, part.name)
    if part.name == CARRIED_OVER:
        return _run_carried_over(work, turn, own)
    options: dict[str, Any] = {
        "workers": work.workers,
        "make_workers": work.make_workers,
        "observer": SweepObservers([work.observer.of_sweep(), PassesOn(turn)]),
        "should_stop": work.should_stop,
    }
    if own is not None:
        data_dir = work.data_dir if part.on_isolet else None
        done = resume_sweep(own, data_dir=data_dir, **options)
        return bool(done.summary["status"] == COMPLETED)
    settings = None
    if part.choice is not None:
        settings = Evidence(work.folder).chosen(part.choice)
        if not settings:  # all that it is chosen from has failed, which the verdict says
            return True
    config = sweep_of(
        part,
        quick=work.content.quick,
        data_dir=work.data_dir,
        computing=work.content.computing,
        settings=settings,
    )
    done = sweep(config, runs_dir=work.folder, reuse=_earlier(work, part), **options)
    return bool(done.summary["status"] == COMPLETED)


def _earlier(work: _Work, part: Part) -> list[Path] | None:
    """Folders of the parts that have some of a part's trainings."""
    folders = [folder_of(work.folder, name) for name in part.takes_over]
    found = [folder for folder in folders if folder is not None]
    return found if found and work.make_workers is LocalWorkers else None


def _run_measurement(work: _Work, turn: Turn, measure: Measure) -> bool:
    if not turn.part.is_timed:
        turn.pass_on()
    measured = measure(
        Measuring(
            work.folder,
            work.content.quick,
            work.data_dir,
            work.content.computing,
            work.should_stop,
            work.call,
        )
    )
    if measured is None:
        return False
    write_json(work.folder / turn.part.file, {"format": FORMAT, **measured})
    return True


def _run_carried_over(work: _Work, turn: Turn, own: Path | None) -> bool:
    part = turn.part
    if own is None:
        changes = (part.quick or {}) if work.content.quick else {}
        config = carried_over.load_carried_over(
            shipped_config(part.config),
            data_dir=work.data_dir,
            computing=work.content.computing,
            **changes,
        )
        own = carried_over.begin(config, work.folder)
    # It is trained in this process: a worker leaves its core to it.
    with nullcontext() if work.processes is None else work.processes.one_resting():
        turn.pass_on()
        return carried_over.go_on(
            own,
            data_dir=work.data_dir,
            should_stop=work.should_stop,
            on_cell=work.observer.on_cell,
        )
