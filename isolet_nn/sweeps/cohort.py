"""What a worker does: train a cohort's stack, read its trials off, and send back their results.

A worker gets plain data and gives plain data, so that it may be a process on this machine or on
another one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import is_better
from isolet_nn.config.problems import validate
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import OutOfMemoryError
from isolet_nn.runs.model_file import shared_preprocessing_path, write_model, write_preprocessing
from isolet_nn.sweeps.curves import SavedCurves, curve_text, evaluated_epochs
from isolet_nn.sweeps.room import halves, most_lines, that_fit
from isolet_nn.sweeps.rungs import Rungs, RungWatch
from isolet_nn.system.statuses import COMPLETED, FAILED, PRUNED
from isolet_nn.training.capacity import free_memory_for, release_memory_of, stream_for
from isolet_nn.training.loop import MemberIndex, Training
from isolet_nn.training.progress import why_worthless
from isolet_nn.training.threads import limited_threads


@dataclass(frozen=True)
class LineTask:
    """One training of a cohort, and the trials it serves.

    Attributes
    ----------
    experiment
        The experiment of the trial with most epochs, as in a file.
    trials
        Their numbers, by ascending epochs.
    epochs
        When each is read off.
    rungs
        Where a search looks at each on the way; empty where it does not.
    """

    experiment: dict[str, Any]
    trials: tuple[int, ...]
    epochs: tuple[int, ...]
    rungs: tuple[Rungs, ...] = ()


@dataclass(frozen=True)
class CohortTask:
    """A cohort as it is sent to a worker.

    Attributes
    ----------
    lines
        Its trainings.
    data_key
        Which data set all of it needs.
    models_folder
        Where weights are written, or None.
    metric, threshold
        Weights are not written of trials whose `metric` is worse than `threshold`; None writes
        those of all.
    curves
        What is kept of each epoch.
    stacks
        How many lines, one after another, are in each stack; none: all are in one.
    """

    lines: tuple[LineTask, ...]
    data_key: str
    models_folder: str | None = None
    metric: str = "test_accuracy"
    threshold: float | None = None
    curves: SavedCurves = "none"
    stacks: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended.

    Attributes
    ----------
    metrics
        Final metrics under the names of metrics.csv, of a completed trial: all are finite.
    epochs
        Epochs trained.
    seconds
        Its share of the training's time until then.
    curve
        Its rows of curves.csv, where curves are kept.
    setting
        Number of the setting that it trained, where its own number does not tell.
    reused_from
        The run or the trial that it was taken over from; None if it was trained.
    reported
        What a search saw of it on the way: its metric by epoch.
    """

    trial: int
    status: str
    metrics: dict[str, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    error: str | None = None
    curve: str = ""
    setting: int | None = None
    reused_from: str | None = None
    reported: dict[int, float] = field(default_factory=dict)


def model_path(folder: str | Path, trial: int) -> Path:
    """Where a trial's weights lie."""
    return Path(folder) / f"trial-{trial}.safetensors"


def run_cohort(
    task: CohortTask,
    dataset: Dataset,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[TrialResult]:
    """Train a cohort; return a result for every trial.

    Stacks for which a device has no memory at once are trained in parts, one after another.

    Parameters
    ----------
    task
        The cohort.
    dataset
        Its data set.
    should_stop
        Asked after every epoch; when it says yes, what is missing is left out.
    """
    experiments = {
        line.trials[-1]: validate(Experiment, line.experiment, f"trial {line.trials[-1]}")
        for line in task.lines
    }
    work = _Work(task, dataset, experiments, should_stop)
    ends = list(itertools.accumulate(task.stacks or (len(task.lines),)))
    stacks = [task.lines[start:end] for start, end in itertools.pairwise([0, *ends])]
    first = work.experiment_of(stacks[0])
    free = free_memory_for(first)
    results: list[TrialResult] = []
    with limited_threads(first):
        for together in that_fit(
            stacks, lambda stack: most_lines(work.experiment_of(stack), dataset, free)
        ):
            if should_stop():
                break
            results += work.train(together)
            if free is not None:  # else what has ended is in the way of what comes next
                release_memory_of(first)
    return results


Stack = Sequence[LineTask]
"""Lines whose networks take their steps together."""


@dataclass(frozen=True)
class _Work:
    """A cohort at work; `experiments` are those of lines, by the last of a line's trials."""

    task: CohortTask
    dataset: Dataset
    experiments: Mapping[int, Experiment]
    should_stop: Callable[[], bool]

    def experiment_of(self, stack: Stack) -> Experiment:
        """The experiment of a stack's first line."""
        return self.experiments[stack[0].trials[-1]]

    def train(self, stacks: Sequence[Stack]) -> list[TrialResult]:
        """Train stacks side by side; where memory does not suffice, in halves."""
        try:
            return self._train(stacks)
        except OutOfMemoryError:
            parts = halves(stacks)
            if not parts:
                raise
        release_memory_of(self.experiment_of(stacks[0]), collecting=True)
        results: list[TrialResult] = []
        for half in parts:
            if self.should_stop():
                break
            try:
                results += self.train(half)
            except OutOfMemoryError as error:  # even of one training alone
                trials = [trial for stack in half for line in stack for trial in line.trials]
                results += [TrialResult(trial, FAILED, error=str(error)) for trial in trials]
        return results

    def _train(self, stacks: Sequence[Stack]) -> list[TrialResult]:
        results: list[TrialResult] = []
        active = [_StackAtWork(self, stack, alone=len(stacks) == 1) for stack in stacks]
        for one in active:
            one.begin_epoch()
        # While one stack is waited for and read off, its device goes on with the others.
        while active and not self.should_stop():
            for one in list(active):
                results += one.end_epoch()
                if one.lines:
                    one.begin_epoch()
                else:
                    active.remove(one)
        return results


class _StackAtWork:
    """A stack in training; `lines` are those that are not finished yet."""

    def __init__(self, work: _Work, stack: Stack, *, alone: bool) -> None:
        experiments = [work.experiments[line.trials[-1]] for line in stack]
        self._task, self._watch = work.task, RungWatch(work.task.metric)
        self._on_device = nullcontext if alone else stream_for(experiments[0])
        self.lines = dict(enumerate(stack))
        epochs = _epochs_to_evaluate(work.task, stack, experiments)
        with self._on_device():
            self._training = Training(experiments, [work.dataset] * len(experiments), epochs)

    def begin_epoch(self) -> None:
        """Take an epoch's steps, or let a device begin with them."""
        with self._on_device():
            self._training.take_steps()

    def end_epoch(self) -> list[TrialResult]:
        """Results of the trials that end with the epoch."""
        results: list[TrialResult] = []
        with self._on_device():
            self._training.end_epoch()
            for number, line in list(self.lines.items()):
                results += _read_off(self._task, self._training, number, line, self._watch)
                results += _prune(self._task, self._training, number, line, self._watch)
                if self._training.members[number].finished:
                    del self.lines[number]
            left = self._training.leave_finished()
            at = self.lines
            self.lines = {now: at[before] for now, before in enumerate(left) if before in at}
        return results


def _epochs_to_evaluate(
    task: CohortTask, stack: Stack, experiments: Sequence[Experiment]
) -> frozenset[int] | None:
    """Only what is read off, unless someone watches, or full curves need, other epochs too."""
    if any(e.training.early_stopping is not None for e in experiments):
        return None
    ends = frozenset(epoch for line in stack for epoch in line.epochs)
    ends |= {rung.epoch for line in stack for rungs in line.rungs for rung in rungs}
    if task.curves != "full" and not any(e.training.watched for e in experiments):
        return ends
    every = {e.training.evaluate_every for e in experiments}
    return ends.union(*(range(n, max(ends) + 1, n) for n in every))


def _read_off(
    task: CohortTask, training: Training, number: MemberIndex, line: LineTask, watch: RungWatch
) -> list[TrialResult]:
    """Results of the trials that end with the epoch just trained."""
    member, epoch = training.members[number], training.epoch
    ending = [
        (trial, epochs)
        for trial, epochs in zip(line.trials, line.epochs, strict=True)
        if (epochs == epoch or (member.finished and epochs > epoch)) and trial not in watch.pruned
    ]
    if not ending:
        return []
    seconds = sum(row["seconds"] or 0.0 for row in member.history)
    outcome = _outcome(training, number)
    curves = {trial: _curve(task, training, number, trial, epochs) for trial, epochs in ending}
    if isinstance(outcome, str):
        return [
            TrialResult(
                trial,
                FAILED,
                epochs=epoch - 1,
                seconds=seconds,
                error=outcome,
                curve=curve,
                reported=watch.reported.get(trial, {}),
            )
            for trial, curve in curves.items()
        ]
    for trial, epochs in ending:
        _write_weights(task, training, number, trial, epochs, outcome)
    return [
        TrialResult(
            trial,
            COMPLETED,
            outcome,
            epoch,
            seconds,
            curve=curve,
            reported=watch.reported.get(trial, {}),
        )
        for trial, curve in curves.items()
    ]


def _prune(
    task: CohortTask, training: Training, number: MemberIndex, line: LineTask, watch: RungWatch
) -> list[TrialResult]:
    """Results of the trials that a search ends with the epoch just trained, before their time."""
    member, epoch = training.members[number], training.epoch
    if member.finished or not line.rungs:
        return []
    pruned, going = [], False
    for trial, epochs, rungs in zip(line.trials, line.epochs, line.rungs, strict=True):
        if epochs > epoch and trial not in watch.pruned:
            ends = watch.ends(trial, rungs, member.history)
            pruned += [(trial, epochs)] * ends
            going = going or not ends
    if not going:
        training.stop(number)
    seconds = sum(row["seconds"] or 0.0 for row in member.history)
    return [
        TrialResult(
            trial,
            PRUNED,
            epochs=epoch,
            seconds=seconds,
            curve=_curve(task, training, number, trial, epochs),
            reported=watch.reported.get(trial, {}),
        )
        for trial, epochs in pruned
    ]


def _curve(
    task: CohortTask, training: Training, number: MemberIndex, trial: int, epochs: int
) -> str:
    """A trial's rows of curves.csv, with what it alone would have been evaluated for."""
    if task.curves == "none":
        return ""
    settings = training.experiments[number].training
    rows = training.members[number].history
    return curve_text(trial, rows, evaluated_epochs(settings, task.curves, epochs))


def _outcome(training: Training, number: MemberIndex) -> dict[str, float] | str:
    """How a training that ends with this epoch ends: its final metrics, or why it has failed."""
    member = training.members[number]
    if member.error is not None:
        return member.error
    row = member.final_row
    assert row is not None, "an epoch without an error leaves a row"
    # A trial that ends here fails as `train` would, though the training it is read off goes on.
    if not member.finished and (error := why_worthless(training.weights(number), row)):
        return error
    return {
        name: value
        for name, value in row.items()
        if value is not None and name not in ("epoch", "seconds")
    }


def _write_weights(
    task: CohortTask,
    training: Training,
    number: MemberIndex,
    trial: int,
    epochs: int,
    metrics: dict[str, float],
) -> None:
    if task.models_folder is None:
        return
    score = metrics.get(task.metric)
    if task.threshold is not None and (
        score is None or is_better(task.metric, task.threshold, score)
    ):
        return
    experiment = training.experiments[number]
    settings = experiment.training.model_copy(update={"epochs": epochs})
    dataset = training.datasets[number]
    path = shared_preprocessing_path(Path(task.models_folder), dataset.preprocessing.checksum)
    if not path.exists():
        write_preprocessing(path, dataset.preprocessing)
    write_model(
        model_path(task.models_folder, trial),
        training.members[number].weights or training.weights(number),
        dataset,
        experiment.model_copy(update={"training": settings}),
    )
