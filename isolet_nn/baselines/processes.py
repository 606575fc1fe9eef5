"""Processes that carry out fits, some at a time, and end at once when they are to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext
from typing import Any

from isolet_nn.baselines.fits import Division, Task, carry_out
from isolet_nn.errors import IsoletNNError
from isolet_nn.system.processes import new_executor, starting

_ASKING_SECONDS = 0.2
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")

Outcomes = Iterator[tuple[Task, dict[str, Any]]]


def carried_out(
    tasks: Sequence[Task], division: Division, processes: int, should_stop: Callable[[], bool]
) -> Outcomes:
    """Each task with what came of it, as they end; fewer where it was to stop.

    Raises
    ------
    IsoletNNError
        If a fit fails, or its process dies.
    """
    from joblib.externals.loky import FIRST_COMPLETED, wait

    executor = new_executor(min(processes, len(tasks)), **dict.fromkeys(_ONE_THREAD, "1"))
    running: dict[Any, Task] = {}
    left = list(reversed(tasks))
    try:
        while left or running:
            while left and len(running) < processes:
                with nullcontext() if running else starting():
                    task = left.pop()
                    running[executor.submit(carry_out, task, division)] = task
            ended, _ = wait(running, timeout=_ASKING_SECONDS, return_when=FIRST_COMPLETED)
            for future in ended:
                yield running[future], _outcome(running.pop(future), future)
            if should_stop():
                return
    finally:
        executor.shutdown(wait=False, kill_workers=True)


def _outcome(task: Task, future: Any) -> dict[str, Any]:
    try:
        outcome: dict[str, Any] = future.result()
    except BrokenExecutor:
        reason = "its process died (killed, or out of memory)"
        raise IsoletNNError(f"{task.name}: {reason}; --resume goes on") from None
    except IsoletNNError as error:
        raise type(error)(f"{task.name}: {error}") from None
    except Exception as error:
        raise IsoletNNError(f"{task.name}: {type(error).__name__}: {error}") from None
    return outcome
