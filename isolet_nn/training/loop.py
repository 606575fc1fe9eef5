"""The epoch loop, one for both backends.

A :class:`Training` drives the stacked networks of some experiments through epochs: it draws the
order of the rows, hands steps to the backend and evaluates. Each experiment watches itself: its
:class:`~isolet_nn.training.progress.Member` hears of every epoch and says when it is finished.
Nothing here knows of files or terminals, so a single run and a sweep use the same code.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import ALWAYS_MEASURED
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.nn.schedules import Schedule
from isolet_nn.scores.evaluation import ensemble_logits, loss_and_accuracy
from isolet_nn.scores.measures import scores_of
from isolet_nn.training.backend import FloatArray, Weights, below, require_layout
from isolet_nn.training.backends import make_backend
from isolet_nn.training.capacity import out_of_memory_in_words, require_trainable
from isolet_nn.training.epoch import Epochs
from isolet_nn.training.inspector import Inspector, LayerInspection
from isolet_nn.training.measured import (
    evaluated_splits,
    require_defined_scores,
    scores_asked_for,
)
from isolet_nn.training.progress import Member, Row

MemberIndex = int
"""Place of an experiment among those that are trained together."""
TrainedModel = Callable[[FloatArray], FloatArray]
"""Gives the logits (rows, classes) of a network's inputs (rows, features)."""


class Training:
    """The stacked networks of some experiments in training.

    Parameters
    ----------
    experiments
        They share backend, ensemble, model, and the training section up to schedules and numbers
        of epochs; seeds and optimizers may differ.
    datasets
        One an experiment, with training parts of equal size, and as many copies of them; may be
        the same object several times.
    evaluate_at
        Epochs that are evaluated instead of those the experiments ask for.
    schedule
        Of the learning rates, instead of the experiments' own.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        datasets: Sequence[Dataset],
        evaluate_at: Collection[int] | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        first, data = experiments[0], datasets[0]
        require_trainable(first, len(data.train.y), data.n_features, data.n_classes)
        self.experiments = list(experiments)
        self.datasets = list(datasets)
        self.members = [Member(e.training) for e in experiments]
        self._scores = [scores_asked_for(e.training) for e in experiments]
        for experiment, dataset in zip(experiments, datasets, strict=True):
            require_defined_scores(experiment.training, dataset)
        self.epoch = 0
        """Completed epochs."""
        self.step = 0
        """Completed steps of the epoch in progress."""
        self._evaluate_at, self._schedule = evaluate_at, schedule
        self._make_stack()
        self._step_generators: list[np.random.Generator] = []
        self._seconds = 0.0
        self.inspected: list[list[LayerInspection]] = []
        """What was seen in the last epoch, a list an experiment, where they are inspected."""

    def _make_stack(self) -> None:
        """Stack the networks of all experiments, with their initial weights."""
        data = self.datasets[0]
        one_part = all(dataset is data for dataset in self.datasets)
        with out_of_memory_in_words():
            self.backend = make_backend(self.experiments, self.datasets)
        self._epochs = Epochs(
            self.experiments,
            len(data.train.y),
            one_part=one_part,
            copies=data.copies,
            ahead=self.backend.computes_elsewhere,
            schedule=self._schedule,
        )
        self.steps_per_epoch = self._epochs.steps
        self._inspector = None
        if self.experiments[0].training.inspect:
            neighbours = _neighbours_on_one_dataset(self.datasets)
            self._inspector = Inspector(
                self.experiments, self.datasets, neighbours, self.steps_per_epoch
            )

    @property
    def finished(self) -> bool:
        """Whether every experiment is."""
        return all(member.finished for member in self.members)

    def rows_of_step(self, step: int) -> int:
        """How many rows a step of an epoch takes: a batch, or what is left for the last one."""
        batch_size = self._epochs.batch_size
        return min(batch_size, self._epochs.rows_used - step * batch_size)

    def run_epoch(self, should_stop: Callable[[], bool] = lambda: False) -> bool:
        """Train one epoch (or the rest of one) and evaluate it; append to each history.

        Parameters
        ----------
        should_stop
            Asked after every step; once it says yes, training stands still between two steps.

        Returns
        -------
        Whether the epoch was completed.
        """
        if not self.take_steps(should_stop):
            return False
        self.end_epoch()
        return True

    def take_steps(self, should_stop: Callable[[], bool] = lambda: False) -> bool:
        """Take the steps of an epoch (or of the rest of one); return whether all were taken.

        A device may still be at them: `end_epoch` waits for it.
        """
        started = time.perf_counter()
        if self.step == 0:  # else the epoch goes on, and so do the streams that it began with
            self._step_generators = self._epochs.generators(self.epoch)
        factors = [member.rate_factor for member in self.members]
        epoch = self._epochs.make(self.epoch, self._step_generators, factors)
        # A diverging network is found by its loss, so overflows on the way are no news.
        with np.errstate(all="ignore"), out_of_memory_in_words():
            self.backend.begin_epoch(epoch)
            while self.step < self.steps_per_epoch:
                self.backend.step(self.step)
                self.step += 1
                if should_stop() and self.step < self.steps_per_epoch:
                    self._seconds += time.perf_counter() - started
                    return False
        self._seconds += time.perf_counter() - started
        return True

    def end_epoch(self) -> None:
        """Evaluate an epoch whose steps are taken; append to each history."""
        started = time.perf_counter()
        with np.errstate(all="ignore"), out_of_memory_in_words():
            rows_of_epoch = self._evaluate()
            if self._inspector is not None:
                self.inspected = self._inspector.inspect(self.backend, self.epoch + 1)
        seconds = (self._seconds + time.perf_counter() - started) / len(self.members)
        self.pass_epoch()
        for number, (member, row) in enumerate(zip(self.members, rows_of_epoch, strict=True)):
            member.record(
                {"epoch": self.epoch, **row, "seconds": seconds},
                functools.partial(self.weights, number),
            )

    def pass_epoch(self) -> None:
        """Go on to the next epoch without looking at the one whose steps are taken."""
        self.epoch, self.step, self._seconds = self.epoch + 1, 0, 0.0

    def leave_finished(self) -> list[MemberIndex]:
        """Go on without those that are finished, after an epoch; the others' bits stay theirs.

        On a device the size of a stack decides on its bits: there, all stay.

        Returns
        -------
        The places so far of the experiments that are left, whose places are now 0, 1, ...
        """
        left = [number for number, member in enumerate(self.members) if not member.finished]
        if not left or len(left) == len(self.members) or self.experiments[0].backend != "numpy":
            return [*range(len(self.members))]
        from isolet_nn.training.numpy_backend import NumpyBackend

        assert isinstance(self.backend, NumpyBackend)
        ensemble = self.experiments[0].ensemble
        state = self.backend.state_of([n * ensemble + k for n in left for k in range(ensemble)])
        self.experiments = [self.experiments[n] for n in left]
        self.datasets = [self.datasets[n] for n in left]
        self.members = [self.members[n] for n in left]
        self._scores = [self._scores[n] for n in left]
        self._make_stack()
        self.backend.load_state(state, self.epoch * self.steps_per_epoch, 0)
        return left

    def stop(self, member: MemberIndex) -> None:
        """End an experiment after an epoch, as if that had been its last: no failure by itself.

        To be called before the next step is made, since the weights kept are those of then.
        """
        self.members[member].stop(functools.partial(self.weights, member))

    def _evaluate(self) -> list[Row]:
        """Metrics of the epoch just trained, a row an experiment, without epoch and seconds."""
        losses, correct = self.backend.take_totals()
        shape = (len(self.experiments), -1)  # train metrics of an ensemble are its networks' mean
        rows: list[Row] = [
            {
                "train_loss": float(loss / self._epochs.rows_used),
                "train_accuracy": float(hits / self._epochs.rows_used),
            }
            for loss, hits in zip(
                losses.reshape(shape).mean(axis=1), correct.reshape(shape).mean(axis=1), strict=True
            )
        ]
        evaluated = [self._is_evaluated(e, self.epoch + 1) for e in self.experiments]
        for members in _neighbours_on_one_dataset(self.datasets):
            dataset = self.datasets[members.start]
            for name in evaluated_splits(self.experiments[0], dataset):
                split: Split = getattr(dataset, name)
                for row, asked in zip(rows[members], self._scores[members], strict=True):
                    row |= dict.fromkeys(f"{name}_{m}" for m in (*ALWAYS_MEASURED, *asked))
                if not any(evaluated[members]):
                    continue
                self._measure(name, split, members, rows, evaluated)
        return rows

    def _measure(
        self,
        name: str,
        split: Split,
        members: slice,
        rows: Sequence[Row],
        evaluated: Sequence[bool],
    ) -> None:
        """Fill in what is measured on a split by the members that are evaluated."""
        found = logits = None
        if self.experiments[0].ensemble == 1:
            found = self.backend.loss_and_accuracy(split.x, split.y, members)
        if found is None or any(self._scores[members]):
            logits = self.logits(split.x, members)
        if found is None:
            assert logits is not None, "what the backend does not measure is measured here"
            found = loss_and_accuracy(logits, split.y)
        for member, loss, accuracy in zip(range(members.start, members.stop), *found, strict=True):
            if not evaluated[member]:
                continue
            measured: Row = {"loss": float(loss), "accuracy": float(accuracy)}
            if logits is not None:
                of_member = logits[member - members.start]
                scores = scores_of(of_member, split.y, self._scores[member])
                measured.update({str(score): value for score, value in scores.items()})
            rows[member].update({f"{name}_{score}": v for score, v in measured.items()})

    def logits(self, x: FloatArray, members: slice = slice(None)) -> FloatArray:
        """Logits (members, rows, classes) for standardised inputs (rows, features).

        An ensemble's are the logarithms of its networks' mean probabilities. `members` selects
        some of the experiments.
        """
        ensemble = self.experiments[0].ensemble
        start, stop, _ = members.indices(len(self.members))
        logits = self.backend.logits(x, slice(start * ensemble, stop * ensemble))
        return ensemble_logits(logits.reshape(-1, ensemble, *logits.shape[1:]))

    def weights(self, member: MemberIndex) -> Weights:
        """A copy of an experiment's weights; ``k.`` goes before the names of ensemble network k."""
        ensemble = self.experiments[0].ensemble
        if ensemble == 1:
            return self.backend.weights(member)
        return {
            f"{k}.{name}": array
            for k in range(ensemble)
            for name, array in self.backend.weights(member * ensemble + k).items()
        }

    def load_weights(self, member: MemberIndex, weights: Weights) -> None:
        """Replace an experiment's weights."""
        ensemble = self.experiments[0].ensemble
        for k in range(ensemble):
            of_network = weights if ensemble == 1 else below(f"{k}.", weights)
            self.backend.load_weights(member * ensemble + k, of_network)

    def _is_evaluated(self, experiment: Experiment, epoch: int) -> bool:
        if self._evaluate_at is not None:
            return epoch in self._evaluate_at
        training = experiment.training
        return epoch % training.evaluate_every == 0 or epoch == training.epochs

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Everything needed to go on with the same bits, histories aside: arrays, and JSON."""
        arrays = {f"backend.{name}": array for name, array in self.backend.state().items()}
        for number, member in enumerate(self.members):
            for name, array in (member.best_weights or {}).items():
                arrays[f"best.{number}.{name}"] = array
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self._seconds,
            "generators": [g.bit_generator.state for g in self._step_generators],
            "members": [member.state() for member in self.members],
        }
        return arrays, progress

    def load_state(
        self,
        arrays: Mapping[str, NDArray[Any]],
        progress: Mapping[str, Any],
        histories: Sequence[list[Row]],
    ) -> None:
        """Go on from what `state` gave, with the rows of the completed epochs.

        Raises
        ------
        ValueError
            If it is not the state of such a training, saying where.
        """
        self._require_state(arrays, progress)
        self.epoch, self.step = progress["epoch"], progress["step"]
        steps = self.epoch * self.steps_per_epoch + self.step
        rows = min(self.step * self._epochs.batch_size, self._epochs.rows_used)
        self.backend.load_state(below("backend.", arrays), steps, rows)
        self._seconds = progress["seconds"]
        self._step_generators = [np.random.default_rng() for _ in progress["generators"]]
        for source, saved in zip(self._step_generators, progress["generators"], strict=True):
            source.bit_generator.state = saved
        for number, member in enumerate(self.members):
            best_weights = below(f"best.{number}.", arrays) or None
            member.load_state(progress["members"][number], histories[number], best_weights)

    def _require_state(
        self, arrays: Mapping[str, NDArray[Any]], progress: Mapping[str, Any]
    ) -> None:
        """Refuse what cannot be the state of a training of these experiments."""
        epoch, step = progress["epoch"], progress["step"]
        last = max(e.training.epochs for e in self.experiments)
        _require_within("epoch", epoch, 0, last)
        _require_within("step", step, 0, self.steps_per_epoch - 1)
        has_begun = epoch > 0 or step > 0
        members = len(self.members)
        generators = len(self._epochs.generators(epoch)) if has_begun else 0
        _require_within("generators", len(progress["generators"]), generators, generators)
        _require_within("members", len(progress["members"]), members, members)
        if all(member["finished"] for member in progress["members"]):
            raise ValueError("members: all are finished, so there is nothing to go on with")
        layout = {
            f"backend.{name}": of_array
            for name, of_array in self.backend.state_layout(has_begun).items()
        }
        for number, (member, state) in enumerate(
            zip(self.members, progress["members"], strict=True)
        ):
            _require_within(f"members.{number}.best_epoch", state["best_epoch"] or 0, 0, epoch)
            if (state["plateau"] is None) is not (member.plateau is None):
                raise ValueError(f"members.{number}.plateau: it is not that of the schedule")
            best = member.layout_of_best_weights(state, functools.partial(self.weights, number))
            layout |= {f"best.{number}.{name}": of_array for name, of_array in best.items()}
        require_layout(arrays, layout)


def _require_within(name: str, found: int, low: int, high: int) -> None:
    if not low <= found <= high:
        expected = str(low) if low == high else f"{low} to {high}"
        raise ValueError(f"{name}: found {found}, expected {expected}")


def _neighbours_on_one_dataset(datasets: Sequence[Dataset]) -> list[slice]:
    """Slices of neighbouring experiments that have the same data set."""
    neighbours: list[slice] = []
    start = 0
    for end in range(1, len(datasets) + 1):
        if end == len(datasets) or datasets[end] is not datasets[start]:
            neighbours.append(slice(start, end))
            start = end
    return neighbours


def trained_model(experiment: Experiment, dataset: Dataset, weights: Weights) -> TrainedModel:
    """A model with the weights it was trained to.

    Returns
    -------
    A function that gives the logits (rows, classes) of standardised inputs (rows, features).

    Raises
    ------
    BackendUnavailableError
        If PyTorch, or the device asked for, is not there.
    """
    training = Training([experiment], [dataset])
    training.load_weights(0, weights)

    def logits(x: FloatArray) -> FloatArray:
        # The loss says what comes of too large weights.
        with np.errstate(all="ignore"), out_of_memory_in_words():
            z: FloatArray = training.logits(x)[0]
            return z

    return logits
