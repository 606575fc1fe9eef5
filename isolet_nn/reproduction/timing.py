"""Trainings on the clock: each contestant in a process of its own, in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from isolet_nn.benchmarks.engines import Contestant, Setting
from isolet_nn.benchmarks.worker import Worker
from isolet_nn.reproduction.parts import Measure, Measuring
from isolet_nn.reproduction.records import TimedTrainings

Contests = tuple[Sequence[Contestant], Sequence[Setting]]
"""Who trains, and what each of them does."""


def timed_by(
    contests: Callable[[bool], Contests], *, epochs: Mapping[bool, int], rounds: Mapping[bool, int]
) -> Measure:
    """A measurement that times trainings on ISOLET.

    Parameters
    ----------
    contests
        Gives who trains what, in full (False) and quick (True).
    epochs
        Epochs of a training, in full and quick.
    rounds
        Trainings of each setting by each contestant, in full and quick.
    """

    def measure(how: Measuring) -> dict[str, Any] | None:
        contestants, settings = contests(how.quick)
        n_epochs, trainings = epochs[how.quick], []
        with ExitStack() as stack:
            workers = [
                stack.enter_context(Worker(contestant, "isolet", how.data_dir))
                for contestant in contestants
            ]
            for number in range(rounds[how.quick] + 1):
                for setting in settings:
                    for worker in workers:
                        if how.should_stop():
                            return None
                        # In round 0 libraries choose and compile their kernels.
                        trained = worker.train(setting, n_epochs if number else 1)
                        if number == 0:
                            continue
                        trainings.append(
                            {
                                "engine": worker.contestant.engine,
                                "hidden": setting.hidden,
                                "batch_size": setting.batch_size,
                                "round": number,
                                "seconds": trained.seconds,
                            }
                        )
        return {"epochs": n_epochs, "trainings": trainings}

    return measure


def seconds_of(
    times: TimedTrainings, engine: str, batch_size: int, hidden: int | None = None
) -> list[float]:
    """Seconds of an epoch of one engine and setting, by round."""
    return [
        training.seconds / times.epochs
        for training in times.trainings
        if training.engine == engine
        and training.batch_size == batch_size
        and hidden in (None, training.hidden)
    ]
