"""Threads that share the work of a training step.

NumPy computes without Python's lock, so threads that wait for long computations are all it takes.
A pool hands out tasks that do not depend on each other; who does which, and in which order, changes
nothing. Whoever calls works too, and never waits for a helper that has not begun: where the other
cores are busy, it does everything itself.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue

import numpy as np

Task = Callable[[], object]


class Pool:
    """So many threads, the caller's included.

    Parameters
    ----------
    threads
        At least 1, which does one task after another.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def run(self, tasks: Iterable[Task]) -> None:
        """Carry out tasks; return when all are done.

        What one of them raises is raised here, and the others that have not begun are left out.
        """
        waiting = deque(tasks)
        if self.threads == 1 or len(waiting) < 2:
            for task in waiting:
                task()
            return
        _have_helpers(self.threads - 1)
        work = _Work(waiting)
        for _ in range(min(self.threads, len(waiting)) - 1):
            _offered.put(work)
        work.help()
        work.wait()


class _Work:
    """Tasks that several threads carry out."""

    def __init__(self, tasks: deque[Task]) -> None:
        self._waiting = tasks
        self._unfinished = len(tasks)
        self._counting = threading.Lock()
        self._done = threading.Lock()  # held until the last task is done
        self._done.acquire()
        self._error: BaseException | None = None

    def help(self) -> None:
        """Do tasks until none is left."""
        while True:
            try:
                task = self._waiting.popleft()
            except IndexError:
                return
            try:
                if self._error is None:
                    task()
            except BaseException as error:
                self._error = error
            with self._counting:
                self._unfinished -= 1
                if not self._unfinished:
                    self._done.release()

    def wait(self) -> None:
        """Wait for the tasks that others are at, and raise what one of them raised."""
        self._done.acquire()
        if self._error is not None:
            raise self._error


_offered: SimpleQueue[_Work] = SimpleQueue()
_helpers: list[threading.Thread] = []
_starting = threading.Lock()


def _have_helpers(count: int) -> None:
    """Start threads until there are so many; they serve all pools, and end with the process."""
    if len(_helpers) >= count:
        return
    with _starting:
        while len(_helpers) < count:
            helper = threading.Thread(target=_help, name="isolet-nn helper", daemon=True)
            helper.start()
            _helpers.append(helper)


def _forget_helpers() -> None:
    """Begin anew in a forked process, which has none of the threads."""
    global _offered, _starting
    _helpers.clear()
    _offered, _starting = SimpleQueue(), threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forget_helpers)


def _help() -> None:
    with np.errstate(all="ignore"):  # threads have a state of their own; the loss tells
        while True:
            _offered.get().help()
