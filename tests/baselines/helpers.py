"""Comparisons for tests: small, and carried out in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.baselines import run
from isolet_nn.baselines.fits import Task, carry_out
from isolet_nn.baselines.processes import Processes
from isolet_nn.baselines.run import BaselinesObserver

MODELS = ("nearest-neighbours", "isolet-nn")
"""Those that take the least time, the project's network among them."""
FITS = 2 * 2 + 2 + 1 + 2
"""Of a quick comparison of these: two settings and one on two folds, then one seed and two."""


class ThisProcess(Processes):
    """Carries out fits one after another here."""

    def carry_out(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, dict[str, Any]]]:
        for task in tasks:
            if self._should_stop():
                return
            yield task, carry_out(task, self._division)


class Names(BaselinesObserver):
    """Notes which fits are carried out."""

    def __init__(self) -> None:
        self.fits: list[str] = []

    def on_fit(self, task: Task, accuracy: float, done: int, total: int) -> None:
        assert 0.0 <= accuracy <= 1.0
        assert done <= total
        self.fits.append(task.name)


def begin_small(runs_dir: Path) -> Path:
    """The folder of a quick comparison of a few models, in which nothing is trained yet."""
    return run.begin(MODELS, quick=True, runs_dir=runs_dir)


def go_on_with(folder: Path, should_stop: Callable[[], bool] = lambda: False) -> list[str]:
    """Carry out what is left; the names of the fits."""
    names = Names()
    run.go_on(folder, workers=1, observer=names, should_stop=should_stop)
    return names.fits


def known_of(folder: Path) -> Any:
    """All that is the same in every run: what was answered, and who was chosen."""
    return [
        (line.contestant.name, line.setting, line.tried, [fit.predicted for fit in line.fits])
        for line in run.results_of(folder)
    ]
