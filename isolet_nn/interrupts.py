"""Ctrl-C and worker processes: the terminal sends it to all, and the parent alone acts on it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_interrupt() -> Iterator[None]:
    """Hold back Ctrl-C while processes are started, which inherit that until they ignore it.

    One that is not held back would print a traceback until it gets that far. In this process the
    signal arrives when the block ends; ignored instead, it would be lost.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    # It is started along with the first process, and that would let interrupts through again.
    resource_tracker.ensure_running()
    # Only this thread is blocked. Any other, such as one of BLAS, may still receive the signal,
    # and then its handler would interrupt the block in the middle of a start.
    held: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    is_ours = callable(handler) and threading.current_thread() is threading.main_thread()
    if is_ours:
        signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if is_ours:
            signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


def leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C from here on, in a process that was started while it was held back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
