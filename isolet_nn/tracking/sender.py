"""A thread that waits for a tracker, so that no training has to.

It sends what there is to say now and then, takes at most a small share of a processor while work
goes on, tries again after a failure, and is left to itself where it does not come to an end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from isolet_nn.errors import IsoletNNError, one_line, without_credentials

Pause = Callable[[], None]
"""Called between two pieces of work: rests where too much time of a processor was taken."""

_SHARE = 0.02
"""Of the work's time of a processor, what a sender may take while it goes on."""
_INTERVAL = 1.0
"""Seconds from one sending to the next."""
_MOST_DELAY = 60.0
"""Seconds between two tries at a tracker that fails."""
_TRIES_AT_THE_END = 3
"""One after another that come to nothing."""
SILENCE_SECONDS, PATIENCE_SECONDS = 10.0, 30.0
"""How long the end is waited for: since something was sent, and in all."""


class _LeftAloneError(Exception):
    """Nobody waits for this thread any longer."""


class Sender:
    """One tracker's thread.

    Parameters
    ----------
    send
        Brings the tracker up to date; raises an `IsoletNNError` if it cannot.
    seconds_to_begin
        Time of a processor that its first call takes.
    clock
        Tells how much time of a processor the work has taken.
    """

    def __init__(
        self,
        send: Callable[[Pause], None],
        seconds_to_begin: float,
        clock: Callable[[], float],
    ) -> None:
        self._send = send
        self._clock = clock
        self._begun = clock()
        self._debt = seconds_to_begin
        self._news = threading.Event()
        self._ending = threading.Event()
        self._left_alone = threading.Event()
        self._done = threading.Event()
        self._progress = time.monotonic()
        self._pieces = 0
        """Of work that were done."""
        self.error: str | None = None
        """Why the last try failed; None if it did not."""
        self.complete = False
        """Whether all was sent, the end included."""
        threading.Thread(target=self._work, name="isolet-nn tracking", daemon=True).start()

    def tell(self) -> None:
        """There is something to send."""
        self._news.set()

    def end(self) -> None:
        """The work is over, and what there is to say is complete."""
        self._progress = time.monotonic()
        self._ending.set()
        self._news.set()

    def wait(self) -> None:
        """Wait until all is sent, or until it is of no use to wait longer."""
        began = time.monotonic()
        while not self._done.wait(0.05):
            now = time.monotonic()
            if now - self._progress > SILENCE_SECONDS or now - began > PATIENCE_SECONDS:
                break
        self._left_alone.set()
        self._news.set()

    def _work(self) -> None:
        try:
            self._send_all()
        except _LeftAloneError:
            pass
        finally:
            self._done.set()

    def _send_all(self) -> None:
        delay, tries, pieces = _INTERVAL, 0, 0
        while True:
            self._news.wait()
            self._news.clear()
            is_end = self._ending.is_set()
            self._pause()
            self._debt, pieces = 0.0, self._pieces
            try:
                self._send(self._pause)
                self.error, delay = None, _INTERVAL
                if is_end:
                    self.complete = True
                    return
            except _LeftAloneError:
                raise
            except Exception as error:  # whatever fails here, the training goes on
                kind = "" if isinstance(error, IsoletNNError) else f"{type(error).__name__}: "
                self.error = one_line(without_credentials(f"{kind}{error}"))
                delay = min(2 * delay, _MOST_DELAY)
                tries = tries + 1 if is_end and self._pieces == pieces else int(is_end)
                if tries >= _TRIES_AT_THE_END:
                    return
                self._news.set()
            if is_end:
                self._rest(0.2, self._left_alone)
            else:
                self._rest(delay, self._ending)

    def _pause(self) -> None:
        """Rest as long as more time of a processor was taken than there may be."""
        self._progress = time.monotonic()
        self._pieces += 1
        while not self._ending.is_set():
            due = (time.thread_time() + self._debt) / _SHARE
            if (missing := due - (self._clock() - self._begun)) <= 0.0:
                break
            self._rest(min(missing, _INTERVAL), self._ending)
        if self._left_alone.is_set():
            raise _LeftAloneError

    def _rest(self, seconds: float, unless: threading.Event) -> None:
        if seconds > 0.0:
            unless.wait(seconds)
        if self._left_alone.is_set():
            raise _LeftAloneError
