"""A process of its own for each contestant, which lives through all rounds.

Engines in one process would share what they load: two linear algebra libraries and the pools of
threads they leave spinning. Here a contestant that waits for its turn is asleep.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self, TypeVar

from isolet_nn.benchmarks.engines import (
    TRAIN,
    Contestant,
    DataName,
    Setting,
    Trained,
    load_data,
)
from isolet_nn.errors import IsoletNNError
from isolet_nn.system.interrupts import leave_interrupts_to_parent
from isolet_nn.system.processes import starting

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

_SETTLE_SECONDS = 0.1
"""Idle threads of OpenBLAS and OpenMP spin this long at most before they sleep."""


class Worker:
    """One contestant's process; a context manager that ends it.

    Parameters
    ----------
    contestant
        Who trains there.
    data, data_dir
        What `load_data` loads there.
    """

    def __init__(self, contestant: Contestant, data: DataName, data_dir: str | None) -> None:
        self.contestant = contestant
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, contestant, data, data_dir), daemon=True
        )
        with starting():
            self._process.start()
        theirs.close()

    def train(self, setting: Setting, epochs: int) -> Trained:
        """Train once.

        Raises
        ------
        IsoletNNError
            If the process failed, or has died.
        """
        try:
            self._connection.send((setting, epochs))
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise IsoletNNError(f"{self.contestant.name}: the process has died") from None
        time.sleep(_SETTLE_SECONDS)
        if isinstance(answer, Trained):
            return answer
        raise IsoletNNError(f"{self.contestant.name}: {answer}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.join()
        self._process.close()


def _serve(
    connection: Connection, contestant: Contestant, data: DataName, data_dir: str | None
) -> None:
    """Train whatever is asked for, until the other end is closed."""
    leave_interrupts_to_parent()
    train = TRAIN[contestant.engine]
    try:
        dataset = load_data(data, data_dir)
        while True:
            setting, epochs = connection.recv()
            connection.send(train(dataset, setting, epochs, contestant.threads))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")


def in_own_process(name: str, function: Callable[[Argument], Answer], argument: Argument) -> Answer:
    """What a function returns in a process that is started for it, and ended after it.

    Parameters
    ----------
    name
        What the work is called in messages.
    function, argument
        Both have to be known to another process by their modules.

    Raises
    ------
    IsoletNNError
        If the function failed, or the process has died.
    """
    context = multiprocessing.get_context("spawn")
    connection, theirs = context.Pipe()
    process = context.Process(target=_call, args=(theirs, function, argument), daemon=True)
    with starting():
        process.start()
    theirs.close()
    try:
        answer, error = connection.recv()
    except (EOFError, OSError):
        raise IsoletNNError(f"{name}: the process has died") from None
    finally:
        connection.close()
        process.terminate()
        process.join()
        process.close()
    if error is not None:
        raise IsoletNNError(f"{name}: {error}")
    result: Answer = answer
    return result


def _call(connection: Connection, function: Callable[[Any], Any], argument: Any) -> None:
    leave_interrupts_to_parent()
    try:
        connection.send((function(argument), None))
    except Exception as error:
        connection.send((None, f"{type(error).__name__}: {error}"))
