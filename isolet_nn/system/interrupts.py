"""Ctrl-C: it ends the program without a traceback, whatever the program is at.

Worker processes leave it to their parent: the terminal sends it to all of them.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from isolet_nn.system.start import end_at_once

_REPEAT_SECONDS = 0.01
_was_raised = False


def was_raised() -> bool:
    """Whether a signal has interrupted this process by an exception.

    An extension module that is being imported may turn that into an exception of its own.
    """
    return _was_raised


def interrupt(_number: int = signal.SIGINT, _frame: FrameType | None = None) -> None:
    """Raise KeyboardInterrupt (a signal handler)."""
    global _was_raised
    _was_raised = True
    raise KeyboardInterrupt


def interrupts_raise() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from here on: there is something to be saved.

    Where Python cannot pass the exception on, as in a callback, it would print it and go on.
    """
    global _was_raised
    _was_raised = False
    if signal.getsignal(signal.SIGINT) is not end_at_once:
        return
    signal.signal(signal.SIGINT, interrupt)
    show = sys.unraisablehook

    def show_others(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            again = threading.Timer(_REPEAT_SECONDS, _interrupt_main_thread)
            again.daemon = True
            again.start()
        else:
            show(unraisable)

    sys.unraisablehook = show_others


def _interrupt_main_thread() -> None:
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        main = threading.main_thread().ident
        assert main is not None, "it is running"
        signal.pthread_kill(main, signal.SIGINT)


def ignore_interrupts() -> None:
    """Let Ctrl-C do nothing from here on: the program is ending.

    Whichever handler of ours is there: a second Ctrl-C may have come before the one of a
    `stop_signal` was taken back, and the interpreter would end by a third one.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class StopSignal:
    """SIGINT and SIGTERM as a wish to stop, heard by who asks.

    Until somebody asks for the first time, nobody would hear the wish: then a signal raises
    KeyboardInterrupt at once, and so does a second one.
    """

    def __init__(self) -> None:
        self._heard = False
        self._received = False

    def __call__(self) -> bool:
        """Whether a signal came."""
        self._heard = True
        return self._received

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note a signal (a signal handler)."""
        if self._received or not self._heard:
            interrupt()
        self._received = True


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Handle SIGINT and SIGTERM by a `StopSignal` while the block runs."""
    stop = StopSignal()
    previous = {
        number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def held_interrupt() -> Iterator[None]:
    """Hold back Ctrl-C while processes are started, which inherit that until they ignore it.

    One that is not held back would print a traceback until it gets that far. In this process the
    signal arrives when the block ends, as SIGTERM does; ignored instead, it would be lost.
    """
    held: list[int] = []
    before: dict[signal.Signals, Callable[[int, FrameType | None], object]] = {}
    # Only this thread is blocked below. Any other, such as one of BLAS, may still receive the
    # signal, and then its handler would interrupt the block in the middle of a start.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler) and not isinstance(handler, signal.Handlers):
                before[number] = handler
                signal.signal(number, lambda came, _frame: held.append(came))
    try:
        with _blocked_interrupt():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


@contextmanager
def _blocked_interrupt() -> Iterator[None]:
    if sys.platform == "win32":
        yield
    else:
        from multiprocessing import resource_tracker

        # It is started along with the first process, and that would let interrupts through again.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C from here on, in a process that was started while it was held back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
