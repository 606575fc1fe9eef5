"""Ctrl-C: held back while processes are started, and heard as a wish to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from isolet_nn.system.interrupts import (
    StopSignal,
    held_interrupt,
    ignore_interrupts,
    stop_signal,
)

IS_BLOCKED = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
SURVIVE = """
import os, signal
from isolet_nn.system.interrupts import leave_interrupts_to_parent
leave_interrupts_to_parent()
os.kill(os.getpid(), signal.SIGINT)
print("alive", signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def another_thread() -> Iterator[None]:
    """A thread that receives signals the main thread has blocked, as those of BLAS do."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_an_interrupt_arrives_when_the_block_ends(another_thread: None) -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - where it is raised is the question
        with held_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("in the block")
        steps.append("after it")
    assert steps == ["in the block"]


def test_without_an_interrupt_everything_is_as_before() -> None:
    def state() -> tuple[object, object]:
        return signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, [])

    before = state()
    with held_interrupt():
        pass
    assert state() == before


def test_an_interrupt_that_is_ignored_stays_so() -> None:
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGINT)  # nobody hears of this one, either
    finally:
        signal.signal(signal.SIGINT, handler)


def test_it_can_be_held_in_a_thread() -> None:
    blocked: list[str] = []

    def hold() -> None:
        with held_interrupt():
            blocked.append(python(IS_BLOCKED))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert blocked == ["True"]


def test_a_process_starts_with_interrupts_held_back_until_it_ignores_them() -> None:
    with held_interrupt():
        assert python(IS_BLOCKED) == "True"
        assert python(SURVIVE) == "alive set()"
    assert python(IS_BLOCKED) == "False"


# --- a wish to stop


def handler_of(stop: StopSignal) -> Callable[[], None]:
    return lambda: stop.handle(signal.SIGINT, None)


def test_a_signal_that_nobody_would_hear_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        handler_of(StopSignal())()


def test_the_first_signal_is_a_wish_and_the_second_an_order() -> None:
    stop = StopSignal()
    assert not stop()
    handler_of(stop)()
    assert stop()
    with pytest.raises(KeyboardInterrupt):
        handler_of(stop)()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_heard_inside_the_block_only(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signal() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) is before


def test_the_handlers_are_put_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), stop_signal():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_program_that_ends_ignores_interrupts_whatever_handled_them() -> None:
    before = signal.signal(signal.SIGINT, StopSignal().handle)
    try:
        ignore_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ignore_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
