"""Carrying out a plan: cohorts go to workers, results to the journal, until nothing is left.

A cohort whose worker dies, or that fails as a whole, is split into its trainings, and each is
tried once more; what fails again is recorded as failed and the sweep goes on.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import rank
from isolet_nn.errors import ConfigError, DataError
from isolet_nn.runs.model_file import files_of_model
from isolet_nn.sweeps.cohort import CohortTask, LineTask, TrialResult, model_path
from isolet_nn.sweeps.curves import SavedCurves
from isolet_nn.sweeps.datasets import data_key
from isolet_nn.sweeps.grid import EPOCHS, Trials
from isolet_nn.sweeps.journal import Journal
from isolet_nn.sweeps.nested import NO_SETTING, OuterTrials
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.plan import Cohort, Plan
from isolet_nn.sweeps.rungs import Rungs
from isolet_nn.sweeps.workers import Workers
from isolet_nn.system.statuses import COMPLETED, FAILED

_WAIT_SECONDS = 0.1
_EXPERIMENTS_KEPT = 1000


@dataclass(frozen=True)
class _Attempt:
    cohort: Cohort
    is_second: bool = False


class ModelKeeper:
    """Keeps the weights that a sweep is asked to keep: all, the best trial's, or none.

    Parameters
    ----------
    save_models
        ``all``, ``best`` or ``none``.
    folder
        Where weights lie.
    metric
        What the best trial is chosen by.
    best
        The best of the trials that are already done, and its value.
    """

    def __init__(
        self, save_models: str, folder: Path, metric: str, best: tuple[int, float] | None
    ) -> None:
        self.save_models = save_models
        self.folder = folder
        self.metric = metric
        self.best_trial: int | None = None
        self.best_value: float | None = None
        if best is not None:
            self.best_trial, self.best_value = best
        if save_models != "none":
            folder.mkdir(exist_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Remove what was left when a process was killed: torn files, models that lost.

        To be called while no worker writes.
        """
        kept = set()
        if self.best_trial is not None:
            kept = files_of_model(model_path(self.folder, self.best_trial))
        for path in self.folder.glob("*"):
            lost = self.save_models == "best" and path not in kept
            if path.suffix in (".safetensors", ".json") and (lost or path.name.startswith(".")):
                path.unlink(missing_ok=True)

    def instruct(self, lines: tuple[LineTask, ...], data_key: str) -> CohortTask:
        """The task of training these lines, with what is to be saved."""
        if self.save_models == "none":
            return CohortTask(lines, data_key, metric=self.metric)
        threshold = self.best_value if self.save_models == "best" else None
        return CohortTask(lines, data_key, str(self.folder), self.metric, threshold)

    def consider(self, results: Iterable[TrialResult]) -> None:
        """Take note of results that are in the journal; remove weights that are not the best."""
        for result in sorted(results, key=lambda result: result.trial):
            value = result.metrics.get(self.metric)
            if result.status != COMPLETED or value is None:
                continue
            loser: int | None = result.trial
            if self._is_best(result.trial, value):
                loser, self.best_trial, self.best_value = self.best_trial, result.trial, value
            if self.save_models == "best" and loser is not None:
                model_path(self.folder, loser).unlink(missing_ok=True)

    def _is_best(self, trial: int, value: float) -> bool:
        """Whether a trial is better than the best so far; of equals the lower number is."""
        if self.best_trial is None or self.best_value is None:
            return True
        ours, theirs = rank(self.metric, value), rank(self.metric, self.best_value)
        return (ours, -trial) > (theirs, -self.best_trial)


class Dispatcher:
    """Hands one sweep's cohorts to workers, and their results to the journal.

    Parameters
    ----------
    trials
        The table of trials.
    workers
        Where cohorts are trained.
    journal, record
        Where results go.
    models
        Which weights are kept.
    curves
        What is kept of each epoch.
    observer
        Hears of the progress.
    outer
        The trials that follow from the results of others, where there are such.
    """

    def __init__(
        self,
        trials: Trials,
        workers: Workers,
        journal: Journal,
        record: Callable[[TrialResult], None],
        models: ModelKeeper,
        curves: SavedCurves,
        observer: SweepObserver,
        outer: OuterTrials | None = None,
    ) -> None:
        self._rungs: Callable[[int], Rungs] = lambda _: ()
        self._tickets = itertools.count()
        self._outer = outer
        self._trials = trials
        self._workers = workers
        self._journal = journal
        self._take = record
        self._models = models
        self._curves = curves
        self._observer = observer
        self._due: deque[Cohort] = deque()
        self._later_cost = 0.0
        self._data: dict[tuple[int, ...], tuple[str, Experiment]] = {}
        self._data_columns = [
            column
            for column, key in enumerate(trials.keys)
            if key.split(".")[0] in ("dataset", "training") and key != EPOCHS
        ]

    def go_on_with(self, trials: Trials, rungs: Callable[[int], Rungs]) -> None:
        """Take over a table that has grown, and where its trials are looked at on the way."""
        self._trials, self._rungs = trials, rungs

    def dispatch(self, plan: Plan, should_stop: Callable[[], bool]) -> bool:
        """Train all cohorts, and what follows; return whether that was completed, not stopped."""
        waiting = deque(map(_Attempt, plan.cohorts))
        self._later_cost = plan.later_cost / max(1, plan.n_later)
        running: dict[int, _Attempt] = {}
        while waiting or running or self._due:
            if should_stop():
                return False
            waiting.extendleft(_Attempt(self._due.popleft()) for _ in range(len(self._due)))
            while waiting and self._workers.free() > 0:
                ticket, attempt = next(self._tickets), waiting.popleft()
                try:
                    self._submit(ticket, attempt.cohort)
                except (ConfigError, DataError) as error:  # data that this seed cannot split
                    self.record(list(_failed(attempt.cohort, str(error))), attempt.cohort.cost)
                else:
                    running[ticket] = attempt
            if not running and not waiting:  # none of them could be begun
                continue
            outcomes = self._workers.wait(_WAIT_SECONDS)
            for outcome in outcomes:
                attempt = running.pop(outcome.ticket)
                if outcome.results is not None:
                    self.record(outcome.results, attempt.cohort.cost)
                elif attempt.is_second:
                    self.record(list(_failed(attempt.cohort, outcome.error)), attempt.cohort.cost)
                else:
                    self._observer.on_retry(attempt.cohort, outcome.error)
                    waiting.extendleft(_Attempt(part, True) for part in attempt.cohort.split())
            if not outcomes:
                self._journal.sync_when_due()
                self._observer.on_wait()
        return True

    def _submit(self, ticket: int, cohort: Cohort) -> None:
        self._observer.on_submit(cohort, ticket)
        lines, curves = list[LineTask](), self._curves
        if self._outer is not None and cohort.lines[0][-1] >= self._outer.first:
            (line,) = cohort.lines
            experiment = self._outer.decided_experiment(line[-1] - self._outer.first)
            key, epochs = data_key(experiment), (experiment.training.epochs,)
            lines.append(LineTask(experiment.model_dump(mode="json"), line, epochs))
            if curves == "full":  # an outer fold is read once, not in every epoch
                curves = "training"
        else:
            key, experiment = self._data_of(cohort.lines[0][-1])
            for line in cohort.lines:
                _, like_it = self._data_of(line[-1])
                of_line = tuple(self._trials.epochs(trial, like_it) for trial in line)
                rungs = tuple(map(self._rungs, line))
                lines.append(LineTask(self._trials.content(line[-1]), line, of_line, rungs))
        task = self._models.instruct(tuple(lines), key)
        task = replace(task, curves=curves, stacks=cohort.stacks)
        self._workers.submit(ticket, task, experiment)

    def _data_of(self, trial: int) -> tuple[str, Experiment]:
        """A trial's data key, and an experiment that shares its data and its training section.

        Making an experiment takes far longer than the rest of submitting, so those of trials that
        agree in both sections are made once.
        """
        setting, repeat = divmod(trial, self._trials.per_setting)
        group = (*self._trials.codes[setting, self._data_columns].tolist(), repeat)
        if group not in self._data:
            if len(self._data) >= _EXPERIMENTS_KEPT:
                self._data.clear()
            experiment = self._trials.make_experiment(trial)
            self._data[group] = data_key(experiment), experiment
        return self._data[group]

    def record(self, results: list[TrialResult], cost: float = 0.0) -> None:
        """Take in results, which cost so much: into the journal first."""
        if self._outer is not None:
            results = [self._with_setting(self._outer, result) for result in results]
        self._journal.append(results)
        for result in results:
            self._take(result)
        self._models.consider(results)
        self._observer.on_results(results, cost)
        if self._outer is not None:
            self._follow(self._outer, results)

    def _with_setting(self, outer: OuterTrials, result: TrialResult) -> TrialResult:
        number = result.trial - outer.first
        setting = outer.choice(number) if number >= 0 else NO_SETTING
        return replace(result, setting=None if setting == NO_SETTING else setting)

    def _follow(self, outer: OuterTrials, results: list[TrialResult]) -> None:
        """Plan the outer trials for which these were the last inner ones."""
        inner = [result.trial for result in results if result.trial < outer.first]
        for number in dict.fromkeys(map(outer.number_of, inner)):
            if outer.is_due(number):
                self._due.append(Cohort(((outer.first + number,),), self._later_cost))


def _failed(cohort: Cohort, error: str) -> Iterator[TrialResult]:
    for line in cohort.lines:
        for trial in line:
            yield TrialResult(trial, FAILED, error=error)
