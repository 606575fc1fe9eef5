"""The epoch loop, one for both backends.

A :class:`Training` drives the stacked networks of some experiments through epochs: it draws the
order of the rows, hands steps to the backend, evaluates, and decides for each experiment when it
is finished. It knows nothing of files or terminals, so a single run and a sweep use the same code.

A training has failed if the training loss of an epoch is not finite, or if the weights it ends with
are worthless: they, or a loss evaluated with them, are not finite. An evaluation on the way that is
not finite decides nothing, since how often one is made is a setting: it is never the best one, and
to early stopping it is one without improvement.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.training import Constant, Cosine, Ema, OneCycle, ScheduleConfig, Step, Swa
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.nn import schedules
from isolet_nn.scores.evaluation import ensemble_logits, loss_and_accuracy
from isolet_nn.seeding import Stream, generator
from isolet_nn.training.backend import (
    Backend,
    FloatArray,
    Weights,
    below,
    layout_of,
    require_layout,
)
from isolet_nn.training.capacity import out_of_memory_in_words, require_trainable

Row = dict[str, float | None]
"""One epoch's metrics under the names of metrics.csv; None where it was not evaluated."""

EVALUATED_SPLITS = ("validation", "test")


def evaluated_splits(experiment: Experiment, dataset: Dataset) -> list[str]:
    """The splits that a training evaluates beside its own part, in the order of metrics.csv."""
    wanted = EVALUATED_SPLITS if experiment.training.evaluate_test else ("validation",)
    return [name for name in wanted if getattr(dataset, name) is not None]


@dataclass
class Member:
    """One experiment of a stack, a network or an ensemble: how far it is.

    Attributes
    ----------
    history
        A row for every completed epoch.
    finished
        Whether training is over, for whatever reason.
    error
        Why training failed, or None.
    best_epoch
        Epoch of the best validation metric so far (of the lowest validation loss, unless early
        stopping names another metric); None without validation.
    best_value
        The metric there.
    best_weights
        The weights there, kept where early stopping is to restore them.
    weights
        The final weights, once finished without an error.
    """

    history: list[Row] = field(default_factory=list)
    finished: bool = False
    error: str | None = None
    best_epoch: int | None = None
    best_value: float = math.nan
    evaluations_since_best: int = 0
    best_weights: Weights | None = None
    weights: Weights | None = None


class Training:
    """The stacked networks of some experiments in training.

    Parameters
    ----------
    experiments
        They share backend, ensemble, model, and the training section up to schedules and numbers
        of epochs; seeds and optimizers may differ.
    datasets
        One an experiment, with training parts of equal size; may be the same object several times.
    evaluate_at
        Epochs that are evaluated instead of those the experiments ask for.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        datasets: Sequence[Dataset],
        evaluate_at: Collection[int] | None = None,
    ) -> None:
        first, data = experiments[0], datasets[0]
        require_trainable(first, len(data.train.y), data.n_features, data.n_classes)
        self.experiments = list(experiments)
        self.datasets = list(datasets)
        self.members = [Member() for _ in experiments]
        self.epoch = 0
        """Completed epochs."""
        self.step = 0
        """Completed steps of the epoch in progress."""
        self._networks = [(e, member) for e in experiments for member in range(e.ensemble)]
        self.n_rows = len(datasets[0].train.y)
        self.batch_size = min(first.training.batch_size, self.n_rows)
        rows_used = self.n_rows
        if first.training.drop_last:
            rows_used -= self.n_rows % self.batch_size
        self._batch_starts = range(0, rows_used, self.batch_size)
        self.steps_per_epoch = len(self._batch_starts)
        self._rows_used = rows_used
        self._schedules = [make_schedule(e.training.schedule) for e in experiments]
        self._evaluate_at = evaluate_at
        with out_of_memory_in_words():
            self.backend = make_backend(experiments, datasets)
        self._step_generators: list[np.random.Generator] = []
        self._seconds = 0.0

    @property
    def finished(self) -> bool:
        """Whether every experiment is."""
        return all(member.finished for member in self.members)

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
        started = time.perf_counter()
        if self.step == 0:
            self._step_generators = [
                generator(e.seed, Stream.STEPS, self.epoch, member) for e, member in self._networks
            ]
        self.backend.seed_steps(self._step_generators)
        orders = self._orders()
        # A diverging network is found by its loss.
        with np.errstate(all="ignore"), out_of_memory_in_words():
            for start in self._batch_starts[self.step :]:
                rows = _batch_of(orders, slice(start, start + self.batch_size))
                self.backend.step(rows, self._learning_rates())
                self.step += 1
                self._update_averages()
                if should_stop() and self.step < self.steps_per_epoch:
                    self._seconds += time.perf_counter() - started
                    return False
            rows_of_epoch = self._evaluate()
        seconds = (self._seconds + time.perf_counter() - started) / len(self.members)
        self.epoch, self.step, self._seconds = self.epoch + 1, 0, 0.0
        for member, row in enumerate(rows_of_epoch):
            self._record(member, {"epoch": self.epoch, **row, "seconds": seconds})
        return True

    def _orders(self) -> list[NDArray[np.int64]]:
        """The order of the rows in this epoch; one object where networks have the same."""
        natural = np.arange(self._rows_used)
        shuffled: dict[tuple[int, int], NDArray[np.int64]] = {}
        orders = []
        for experiment, member in self._networks:
            if not experiment.training.shuffle:
                orders.append(natural)
                continue
            key = experiment.seed, member
            if key not in shuffled:
                source = generator(experiment.seed, Stream.SHUFFLE, self.epoch, member)
                shuffled[key] = source.permutation(self.n_rows)[: self._rows_used]
            orders.append(shuffled[key])
        return orders

    def _learning_rates(self) -> list[float]:
        """The learning rate of each network in this step."""
        step = self.epoch * self.steps_per_epoch + self.step
        rates = []
        for experiment, schedule in zip(self.experiments, self._schedules, strict=True):
            total = experiment.training.epochs * self.steps_per_epoch
            factor = schedule(step, self.steps_per_epoch, total)
            rates += [experiment.optimizer.learning_rate * factor] * experiment.ensemble
        return rates

    def _update_averages(self) -> None:
        """Average the weights of the networks of which the step just done counts."""
        for network, (experiment, _) in enumerate(self._networks):
            match experiment.training.weight_averaging:
                case Ema():
                    self.backend.update_average(network)
                case Swa(start=start):
                    ends_epoch = self.step == self.steps_per_epoch
                    if ends_epoch and self.epoch + 1 > start * experiment.training.epochs:
                        self.backend.update_average(network)

    def _evaluate(self) -> list[Row]:
        """Metrics of the epoch just trained, a row an experiment, without epoch and seconds."""
        losses, correct = self.backend.take_totals()
        shape = (len(self.experiments), -1)  # train metrics of an ensemble are its networks' mean
        rows: list[Row] = [
            {
                "train_loss": float(loss / self._rows_used),
                "train_accuracy": float(hits / self._rows_used),
            }
            for loss, hits in zip(
                losses.reshape(shape).mean(axis=1), correct.reshape(shape).mean(axis=1), strict=True
            )
        ]
        evaluated = [self._is_evaluated(e, self.epoch + 1) for e in self.experiments]
        for members in _runs_of_same(self.datasets):
            dataset = self.datasets[members.start]
            for name in evaluated_splits(self.experiments[0], dataset):
                split: Split = getattr(dataset, name)
                for row in rows[members]:
                    row[f"{name}_loss"] = row[f"{name}_accuracy"] = None
                if not any(evaluated[members]):
                    continue
                logits = self.logits(split.x, members)
                scores = zip(*loss_and_accuracy(logits, split.y), strict=True)
                for member, (loss, accuracy) in enumerate(scores, members.start):
                    if evaluated[member]:
                        rows[member][f"{name}_loss"] = float(loss)
                        rows[member][f"{name}_accuracy"] = float(accuracy)
        return rows

    def logits(self, x: FloatArray, members: slice = slice(None)) -> FloatArray:
        """Logits (members, rows, classes) for standardised inputs (rows, features).

        An ensemble's are the logarithms of its networks' mean probabilities. `members` selects
        some of the experiments.
        """
        ensemble = self.experiments[0].ensemble
        start, stop, _ = members.indices(len(self.members))
        logits = self.backend.logits(x, slice(start * ensemble, stop * ensemble))
        return ensemble_logits(logits.reshape(-1, ensemble, *logits.shape[1:]))

    def weights(self, member: int) -> Weights:
        """A copy of an experiment's weights; ``k.`` goes before the names of ensemble network k."""
        ensemble = self.experiments[0].ensemble
        if ensemble == 1:
            return self.backend.weights(member)
        return {
            f"{k}.{name}": array
            for k in range(ensemble)
            for name, array in self.backend.weights(member * ensemble + k).items()
        }

    def load_weights(self, member: int, weights: Weights) -> None:
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

    def _record(self, number: int, row: Row) -> None:
        """Append one experiment's row; decide whether it goes on."""
        member = self.members[number]
        if member.finished:
            return
        loss = row["train_loss"]
        if loss is None or not math.isfinite(loss):
            member.error = (
                f"training diverged: the training loss of epoch {self.epoch} is {loss}; "
                "a smaller optimizer.learning_rate may help"
            )
            member.finished = True
            return
        self._watch_validation(number, row)
        if self.epoch >= self.experiments[number].training.epochs:
            member.finished = True
        if member.finished:
            self._end(number, row)
        if member.error is None:
            member.history.append(row)

    def _end(self, number: int, last: Row) -> None:
        """Settle on the weights that a member ends with, or on the error with which it has failed.

        `last` is the row of the epoch just trained, which is not in the history yet.
        """
        member = self.members[number]
        weights, row = member.best_weights, last
        if weights is None:
            weights = self.weights(number)
        elif member.best_epoch is not None and member.best_epoch < self.epoch:
            row = member.history[member.best_epoch - 1]
        member.error = _error_of(row, weights)
        member.weights = weights if member.error is None else None

    def error_of_ending(self, number: int, row: Row) -> str | None:
        """Why an experiment that ends with the epoch just trained, whose row this is, has failed.

        None if it has not. The training loss of an epoch tells nothing of its last step.
        """
        return _error_of(row, self.weights(number))

    def _watch_validation(self, number: int, row: Row) -> None:
        """Follow the best validation epoch; finish when patience is used up."""
        member = self.members[number]
        stopping = self.experiments[number].training.early_stopping
        metric = stopping.metric if stopping else "validation_loss"
        value = row.get(metric)
        if value is None:
            return
        sign = 1.0 if metric == "validation_accuracy" else -1.0
        min_delta = stopping.min_delta if stopping else 0.0
        is_better = member.best_epoch is None or sign * (value - member.best_value) > min_delta
        if is_better and math.isfinite(value):
            member.best_epoch, member.best_value = self.epoch, value
            member.evaluations_since_best = 0
            if stopping and stopping.restore_best:
                member.best_weights = self.weights(number)
            return
        member.evaluations_since_best += 1
        if stopping and member.evaluations_since_best >= stopping.patience:
            member.finished = True

    def final_row(self, number: int) -> Row | None:
        """The metrics of the epoch that an experiment's weights are from; None before the first."""
        member = self.members[number]
        if not member.history:
            return None
        if member.finished and member.best_weights is not None and member.best_epoch is not None:
            return member.history[member.best_epoch - 1]
        return member.history[-1]

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
            "members": [_progress_of(member) for member in self.members],
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
        rows = min(self.step * self.batch_size, self._rows_used)
        self.backend.load_state(below("backend.", arrays), steps, rows)
        self._seconds = progress["seconds"]
        self._step_generators = [np.random.default_rng() for _ in progress["generators"]]
        for source, saved in zip(self._step_generators, progress["generators"], strict=True):
            source.bit_generator.state = saved
        for number, member in enumerate(self.members):
            for key, value in progress["members"][number].items():
                setattr(member, key, value)
            if progress["members"][number]["best_value"] is None:
                member.best_value = math.nan
            member.history = histories[number]
            member.best_weights = below(f"best.{number}.", arrays) or None

    def _require_state(
        self, arrays: Mapping[str, NDArray[Any]], progress: Mapping[str, Any]
    ) -> None:
        """Refuse what cannot be the state of a training of these experiments."""
        epoch, step = progress["epoch"], progress["step"]
        last = max(e.training.epochs for e in self.experiments)
        _require_within("epoch", epoch, 0, last)
        _require_within("step", step, 0, self.steps_per_epoch - 1)
        has_begun = epoch > 0 or step > 0
        networks, members = len(self._networks) * has_begun, len(self.members)
        _require_within("generators", len(progress["generators"]), networks, networks)
        _require_within("members", len(progress["members"]), members, members)
        if all(member["finished"] for member in progress["members"]):
            raise ValueError("members: all are finished, so there is nothing to go on with")
        layout = {
            f"backend.{name}": of_array
            for name, of_array in self.backend.state_layout(has_begun).items()
        }
        for number, member in enumerate(progress["members"]):
            _require_within(f"members.{number}.best_epoch", member["best_epoch"] or 0, 0, epoch)
            stopping = self.experiments[number].training.early_stopping
            if stopping and stopping.restore_best and member["best_epoch"] is not None:
                of_weights = layout_of(self.weights(number))
                layout |= {f"best.{number}.{name}": of for name, of in of_weights.items()}
        require_layout(arrays, layout)


def _require_within(name: str, found: int, low: int, high: int) -> None:
    if not low <= found <= high:
        expected = str(low) if low == high else f"{low} to {high}"
        raise ValueError(f"{name}: found {found}, expected {expected}")


def _progress_of(member: Member) -> dict[str, Any]:
    progress = {key: getattr(member, key) for key in _MEMBER_PROGRESS}
    best = member.best_value
    return progress | {"best_value": None if math.isnan(best) else best}


_MEMBER_PROGRESS = ("finished", "error", "best_epoch", "best_value", "evaluations_since_best")


def _error_of(row: Row, weights: Weights) -> str | None:
    """Why weights, and the row of metrics that they gave, are worthless; None if they are not."""
    wrong = [
        f"the {name.replace('_', ' ')} is {value}"
        for name, value in row.items()
        if name.endswith("_loss") and value is not None and not math.isfinite(value)
    ]
    if not all(np.isfinite(array).all() for array in weights.values()):
        wrong = ["weights are no longer finite"]
    if not wrong:
        return None
    return (
        f"training diverged: after epoch {row['epoch']} {wrong[0]}; "
        "a smaller optimizer.learning_rate may help"
    )


def _batch_of(orders: Sequence[NDArray[np.int64]], part: slice) -> list[NDArray[np.int64]]:
    """The same part of each order; one object where they are one, which backends look for."""
    parts = {id(order): order[part] for order in orders}
    return [parts[id(order)] for order in orders]


def _runs_of_same(datasets: Sequence[Dataset]) -> list[slice]:
    """Slices of neighbouring experiments that have the same data set."""
    runs: list[slice] = []
    start = 0
    for end in range(1, len(datasets) + 1):
        if end == len(datasets) or datasets[end] is not datasets[start]:
            runs.append(slice(start, end))
            start = end
    return runs


def trained_model(
    experiment: Experiment, dataset: Dataset, weights: Weights
) -> Callable[[FloatArray], FloatArray]:
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


def make_backend(experiments: Sequence[Experiment], datasets: Sequence[Dataset]) -> Backend:
    """The backend that trains these experiments' networks.

    Raises
    ------
    BackendUnavailableError
        If PyTorch, or the device asked for, is not there.
    """
    n_classes = datasets[0].n_classes
    if experiments[0].backend == "torch":
        from isolet_nn.training.torch_backend import TorchBackend

        (experiment,), (dataset,) = experiments, datasets
        return TorchBackend(experiment, dataset.train, n_classes)
    from isolet_nn.training.numpy_backend import NumpyBackend

    return NumpyBackend(experiments, [dataset.train for dataset in datasets], n_classes)


def require_backend(experiment: Experiment) -> None:
    """Refuse an experiment whose backend or device this machine lacks.

    Raises
    ------
    BackendUnavailableError
        Saying what is missing, and how to install it.
    """
    if experiment.backend == "torch":
        from isolet_nn.training.torch_backend import choose_device

        choose_device(experiment.device)


def make_schedule(config: ScheduleConfig) -> schedules.Schedule:
    """The learning rate schedule that a config describes."""
    match config:
        case Constant():
            return schedules.constant
        case Step():
            return schedules.step_decay(config.epochs, config.gamma)
        case Cosine():
            return schedules.cosine(config.final_factor, config.warmup_epochs)
        case OneCycle():
            return schedules.one_cycle(config.rise, config.initial_divisor, config.final_divisor)
