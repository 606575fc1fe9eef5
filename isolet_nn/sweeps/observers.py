"""Who hears of a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.plan import Cohort, Plan
from isolet_nn.sweeps.reuse import Reused


class SweepObserver:
    """Hears of a sweep's progress; this one does nothing."""

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        """The plan is made and work is about to begin."""

    def on_reuse(self, folder: SweepFolder, reused: Reused) -> None:
        """Before all else, trials were taken over from earlier sweeps and runs."""

    def on_end(self, folder: SweepFolder) -> None:
        """Work is over, completed or not, and the folder is up to date."""

    def on_submit(self, cohort: Cohort, ticket: int) -> None:
        """A cohort was given to a worker."""

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        """Trials ended, which were planned to cost so much."""

    def on_retry(self, cohort: Cohort, error: str) -> None:
        """A cohort failed as a whole and is tried once more in parts."""

    def on_wait(self) -> None:
        """Nothing happened for a moment."""


class SweepObservers(SweepObserver):
    """Several observers, each told of everything in turn."""

    def __init__(self, observers: Iterable[SweepObserver]) -> None:
        self._observers = list(observers)

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        for observer in self._observers:
            observer.on_start(folder, plan)

    def on_reuse(self, folder: SweepFolder, reused: Reused) -> None:
        for observer in self._observers:
            observer.on_reuse(folder, reused)

    def on_end(self, folder: SweepFolder) -> None:
        with ExitStack() as ending:  # each is told, even if another raises
            for observer in reversed(self._observers):
                ending.callback(observer.on_end, folder)

    def on_submit(self, cohort: Cohort, ticket: int) -> None:
        for observer in self._observers:
            observer.on_submit(cohort, ticket)

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        for observer in self._observers:
            observer.on_results(results, cost)

    def on_retry(self, cohort: Cohort, error: str) -> None:
        for observer in self._observers:
            observer.on_retry(cohort, error)

    def on_wait(self) -> None:
        for observer in self._observers:
            observer.on_wait()
