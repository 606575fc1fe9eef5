"""A training, recorded: the project's own, stopped on its way to look at every number.

Looking changes nothing: the weights at the end are those of `isolet-nn train`, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.lesson.boundary import Plane
from isolet_nn.lesson.dead import DeadNeuron, DeathWatch
from isolet_nn.lesson.moments import FloatArray, Probe, Step, Walk
from isolet_nn.nn.losses import softmax
from isolet_nn.scores.evaluation import loss_and_accuracy
from isolet_nn.training.backend import Weights
from isolet_nn.training.epoch import Epochs
from isolet_nn.training.loop import Training


@dataclass(frozen=True)
class Frame:
    """A training after some epochs.

    Attributes
    ----------
    epoch
        Completed epochs: 0 before the first step.
    weights
        (n_parameters,), in the order of the network's buffer.
    loss, accuracy
        Over all training rows, with these weights.
    answers
        The plane, as `Plane.answers` says it.
    walks
        One of each row that a reader can choose.
    step
        The next one; None where the training has ended.
    """

    epoch: int
    weights: FloatArray
    loss: float
    accuracy: float
    answers: tuple[str, str]
    walks: list[Walk]
    step: Step | None


@dataclass(frozen=True)
class Recording:
    """A whole training.

    Attributes
    ----------
    experiment, dataset
        What was trained, on what.
    rows
        Those that a reader can choose, of the training part.
    frames
        From before the first epoch to after the last.
    losses
        (epochs,): the mean training loss of each epoch.
    dead
        Neurons that were dead at the end.
    final_weights
        Under PyTorch's names.
    error
        Why the weights at the end are worthless; None where they are not.
    """

    experiment: Experiment
    dataset: Dataset
    rows: NDArray[np.int64]
    frames: list[Frame]
    losses: NDArray[np.float64]
    dead: list[DeadNeuron]
    final_weights: Weights
    error: str | None


def frame_epochs(epochs: int, frames: int) -> list[int]:
    """Epochs to record, from 0 to the last: the closer to the beginning, the more."""
    return sorted({round(epochs * (k / (frames - 1)) ** 2) for k in range(frames)})


def record(
    experiment: Experiment, dataset: Dataset, rows: NDArray[np.int64], plane: Plane, frames: int
) -> Recording:
    """Train a network, and record it at so many moments, or a few less."""
    recorder = _Recorder(experiment, dataset, rows, plane)
    wanted = set(frame_epochs(experiment.training.epochs, frames))
    recorded = []
    while not recorder.training.finished:
        if recorder.training.epoch in wanted:
            recorded.append(recorder.frame_and_epoch())
        else:
            recorder.training.run_epoch()
        recorder.look_for_dead()
    member = recorder.training.members[0]
    return Recording(
        experiment,
        dataset,
        rows,
        [*recorded, recorder.frame(None)],
        np.array([row["train_loss"] for row in member.history], np.float64),
        recorder.watch.dead(),
        recorder.training.weights(0),
        member.error,
    )


class _Recorder:
    def __init__(
        self, experiment: Experiment, dataset: Dataset, rows: NDArray[np.int64], plane: Plane
    ) -> None:
        train = dataset.train
        self.training = Training([experiment], [dataset])
        self.dataset, self.rows, self.plane = dataset, rows, plane
        self._epochs = Epochs([experiment], len(train), one_part=True, copies=dataset.copies)
        self._probe = Probe(
            experiment, dataset.n_features, dataset.n_classes, self._epochs.batch_size
        )
        self.watch = DeathWatch(experiment.model.activation.name)
        self.look_for_dead()

    @property
    def _state(self) -> tuple[FloatArray, FloatArray, int]:
        """Weights, the optimizer's memory, and its steps so far."""
        state = self.training.backend.state()
        return state["variables"][0], state["optimizer_0"], int(state["optimizer_steps"][0])

    def look_for_dead(self) -> None:
        """Note which neurons are dead after an epoch."""
        if self.watch.looks:
            self._probe.set_weights(self._state[0])
            self.watch.note(self.training.epoch, self._probe.hidden_sums(self.dataset.train.x))

    def frame(self, step: Step | None) -> Frame:
        """What there is to see before a step."""
        weights = self._state[0] if step is None else step.before
        self._probe.set_weights(weights)
        train, network = self.dataset.train, self._probe.network
        loss, accuracy = loss_and_accuracy(network.logits(train.x), train.y)
        return Frame(
            self.training.epoch,
            weights,
            float(loss[0]),
            float(accuracy[0]),
            self.plane.answers(softmax(network.logits(self.plane.points)[0])),
            [self._probe.walk(train.x[row], int(train.y[row])) for row in self.rows],
            step,
        )

    def frame_and_epoch(self) -> Frame:
        """Train an epoch; return what there was to see before it, with its first step."""
        before, memory, steps = self._state
        factor = self.training.members[0].rate_factor
        epoch = self._epochs.make(self.training.epoch, [], [factor])
        rows = epoch.batch(0).rows_of(0)
        self._probe.set_weights(before)
        part = self.dataset.learned_from
        gradients = self._probe.batch_gradients(part.x[rows], part.y[rows])
        took_all = self.training.take_steps(should_stop=lambda: True)
        after, new_memory, _ = self._state
        rate = float(epoch.learning_rates[0, 0])
        frame = self.frame(
            Step(steps + 1, rows, rate, gradients, before, after, memory, new_memory)
        )
        if not took_all:
            self.training.take_steps()
        self.training.end_epoch()
        return frame
