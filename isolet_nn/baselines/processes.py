"""Processes that carry out fits, some at a time, and end at once when they are to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Self

from isolet_nn.baselines.fits import Division, Task, carry_out
from isolet_nn.errors import IsoletNNError
from isolet_nn.system.processes import new_executor, starting

_ASKING_SECONDS = 0.2
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


class Processes:
    """Some processes, which are started with the first fit; a context manager that ends them.

    Parameters
    ----------
    count
        How many, with a thread each.
    division
        Which rows train.
    should_stop
        Asked again and again while fits are carried out.
    """

    def __init__(self, count: int, division: Division, should_stop: Callable[[], bool]) -> None:
        self._count, self._division, self._should_stop = count, division, should_stop
        self._executor: Any = None

    def carry_out(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, dict[str, Any]]]:
        """Each task with what came of it, as they end; fewer where it was to stop.

        Raises
        ------
        IsoletNNError
            If a fit fails, or its process dies.
        """
        from joblib.externals.loky import FIRST_COMPLETED, wait

        running: dict[Any, Task] = {}
        left = list(reversed(tasks))
        while (left or running) and not self._should_stop():
            while left and len(running) < self._count:
                task = left.pop()
                running[self._submit(task)] = task
            ended, _ = wait(running, timeout=_ASKING_SECONDS, return_when=FIRST_COMPLETED)
            for future in ended:
                task = running.pop(future)
                yield task, _outcome(task, future)

    def _submit(self, task: Task) -> Any:
        is_first = self._executor is None
        if is_first:
            self._executor = new_executor(self._count, **dict.fromkeys(_ONE_THREAD, "1"))
        with starting() if is_first else nullcontext():
            return self._executor.submit(carry_out, task, self._division)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, kill_workers=True)


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
