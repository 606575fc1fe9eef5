"""Comparing in one folder, or going on with it.

What is finished is told by the files of the fits, so that nothing is trained twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.baselines.contestants import Contestant, choose
from isolet_nn.baselines.fits import Division, Task, load_rows
from isolet_nn.baselines.folder import (
    FILE,
    Baselines,
    choose_setting,
    fit_file,
    fold_accuracies,
    open_baselines,
    tasks_of_folds,
    tasks_of_test,
)
from isolet_nn.baselines.learners import experiment_of
from isolet_nn.baselines.page import write_results
from isolet_nn.baselines.processes import Processes
from isolet_nn.baselines.scores import Line, TestRows, read_lines
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import RunError
from isolet_nn.runs.identity import differences, identity_of
from isolet_nn.runs.status_file import at_work
from isolet_nn.system.files import write_json, write_text
from isolet_nn.system.folders import ENVIRONMENT, locked, new_folder
from isolet_nn.system.machine import available_cores, describe_process
from isolet_nn.version import __version__

NAME = "reproduce-baselines"
FOLDS = {False: 5, True: 2}
"""Of the cross-validation, in full and quick."""
_PACKAGES = ("numpy", "scikit-learn", "torch")
"""Which train."""


class BaselinesObserver:
    """Hears of the progress; this one does nothing."""

    def on_start(self, folder: Path) -> None:
        """The folder exists."""

    def on_fit(self, task: Task, accuracy: float, done: int, total: int) -> None:
        """A fit has ended: how good it is on what it did not train on, and how many are done."""


def begin(
    models: Sequence[str] = (),
    *,
    quick: bool = False,
    runs_dir: str | Path = "runs",
    data_dir: str | None = None,
) -> Path:
    """Make the folder of a comparison, in which nothing is trained yet.

    Parameters
    ----------
    models
        Names of contestants; all of them if none is named.
    quick
        Whether few speakers, settings and seeds, and small models, take part.
    runs_dir
        Folder in which the folder is made.
    data_dir
        Folder of the ISOLET files.

    Raises
    ------
    IsoletNNError
        If there is no such contestant, or the data is missing or wrong.
    """
    # What is missing or wrong should be known before there is a folder.
    contestants = choose(models, quick=quick)
    content = Baselines(
        quick=quick,
        folds=FOLDS[quick],
        contestants=contestants,
        **_circumstances(contestants, Division(FOLDS[quick], quick, data_dir)),
    )
    folder = new_folder(Path(runs_dir), NAME)
    write_json(folder / ENVIRONMENT, {**describe_process("torch"), "cores": available_cores()})
    write_text(folder / FILE, dump_yaml(content))
    return folder


def go_on(
    folder: Path,
    *,
    data_dir: str | None = None,
    workers: int | None = None,
    observer: BaselinesObserver | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train what is not trained yet, and write tables and page.

    Parameters
    ----------
    folder
        What `begin` made.
    data_dir
        Folder of the ISOLET files.
    workers
        Fits at the same time, a thread each; None takes a core each.
    observer
        Hears of the progress.
    should_stop
        Asked again and again; when it says yes, what is finished stays.

    Raises
    ------
    RunError
        If it is no such folder, or what results depend on has changed.
    """
    content = open_baselines(folder)
    division = Division(content.folds, content.quick, data_dir)
    observer = observer or BaselinesObserver()
    with locked(folder):
        _refuse_changes(folder, content, division)
        observer.on_start(folder)
        with at_work(folder) as work:
            with Processes(workers or available_cores(), division, should_stop) as processes:
                fits = _Work(folder, content, processes, observer)
                work.is_completed = fits.carry_out()
            write_results(folder, content, division)


def results_of(folder: Path, data_dir: str | None = None) -> list[Line]:
    """The lines of a folder's table, of what is through so far."""
    content = open_baselines(folder)
    rows = TestRows.load(Division(content.folds, content.quick, data_dir))
    return read_lines(folder, content, rows)


def _circumstances(contestants: Iterable[Contestant], division: Division) -> dict[str, Any]:
    """What results and times depend on besides the settings."""
    process = describe_process("torch")
    configs = {str(one.fixed["config"]) for one in contestants if "config" in one.fixed}
    return {
        "version": __version__,
        "processor": process["cpu"],
        "packages": {name: process["packages"][name] for name in _PACKAGES},
        "data": load_rows(division).checksum,
        "configs": {name: identity_of(experiment_of({"config": name})) for name in sorted(configs)},
    }


def _refuse_changes(folder: Path, content: Baselines, division: Division) -> None:
    now_is = _circumstances(content.contestants, division)
    changes = differences(content.model_dump(mode="json", include=set(now_is)), now_is)
    if changes:
        raise RunError(
            f"{folder}: this is no longer what the comparison was begun with; undo the changes, or "
            "begin a new one:\n" + "\n".join(changes)
        )


class _Work:
    """A comparison at work."""

    def __init__(
        self, folder: Path, content: Baselines, processes: Processes, observer: BaselinesObserver
    ) -> None:
        self._folder, self._content = folder, content
        self._processes, self._observer = processes, observer
        of_test = sum(contestant.seeds for contestant in content.contestants)
        self._comparing = [
            task for one in content.contestants for task in tasks_of_folds(content, one)
        ]
        self._total = len(self._comparing) + of_test

    def carry_out(self) -> bool:
        """Compare all settings, then answer the test set by those chosen; return whether all is."""
        return self._train(self._comparing, 0) and self._train(self._chosen(), len(self._comparing))

    def _chosen(self) -> list[Task]:
        """The fits on all training speakers."""
        tasks: list[Task] = []
        for contestant in self._content.contestants:
            accuracies = fold_accuracies(self._folder, self._content, contestant)
            assert accuracies is not None, "all folds are done"
            tasks += tasks_of_test(contestant, choose_setting(accuracies))
        return tasks

    def _train(self, tasks: Sequence[Task], before: int) -> bool:
        """Carry out what of some tasks is not done; return whether all of them are then."""
        left = [task for task in tasks if not fit_file(self._folder, task).exists()]
        done = before + len(tasks) - len(left)
        for task, outcome in self._processes.carry_out(left):
            path = fit_file(self._folder, task)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, outcome)
            done += 1
            accuracy = outcome["correct"] / outcome["n"]
            self._observer.on_fit(task, accuracy, done, self._total)
        return done == before + len(tasks)
