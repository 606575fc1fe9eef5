"""Parts side by side: the next begins when those before it leave a core without work.

Else a core would stand still while the other is at the last training of a sweep, or at the one
network that is carried over. What is computed is the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from isolet_nn.reproduction.parts import Part
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.plan import Cohort, Plan

_LOOK_SECONDS = 0.02


@dataclass
class Turn:
    """The turn of a part, which it may pass on before it has ended."""

    part: Part
    is_passed_on: threading.Event = field(default_factory=threading.Event)

    def pass_on(self) -> None:
        """Let the next part begin."""
        self.is_passed_on.set()


class PassesOn(SweepObserver):
    """Passes a sweep's turn on when its last cohort is with a worker."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._left = 0

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        self._left = len(plan.cohorts)

    def on_submit(self, cohort: Cohort, ticket: int) -> None:
        self._left -= 1
        if self._left <= 0:
            self._turn.pass_on()


class SideBySide:
    """Runs parts, each in a thread that leaves the computing to processes.

    Parameters
    ----------
    begin
        Told of each part before it begins; no is a wish to stop.
    run
        Runs a part; returns whether it was completed.
    overlaps
        Whether a part may begin before the one before it has ended.
    """

    def __init__(
        self,
        begin: Callable[[Part], bool],
        run: Callable[[Turn], bool],
        *,
        overlaps: bool,
    ) -> None:
        self._begin, self._run = begin, run
        self._overlaps = overlaps
        self._running: dict[Future[bool], Turn] = {}
        self._failed = threading.Event()

    def has_failed(self) -> bool:
        """Whether those that still run are to stop because of what another one raised."""
        return self._failed.is_set()

    def run(self, parts: Iterable[Part]) -> bool:
        """Run all of them; return whether all were completed, and none was stopped."""
        waiting, stopped = deque(parts), False
        with ThreadPoolExecutor(max(1, len(waiting))) as threads:
            try:
                while self._running or (waiting and not stopped):
                    if not stopped and waiting and self._may_begin(waiting[0]):
                        part = waiting.popleft()
                        if self._begin(part):
                            turn = Turn(part)
                            self._running[threads.submit(self._run, turn)] = turn
                        else:
                            stopped = True
                    stopped |= not self._are_completed()
            except BaseException:
                self._failed.set()
                raise
        return not stopped

    def _are_completed(self) -> bool:
        """Wait a moment; return whether all that have ended meanwhile were completed."""
        ended, _ = wait(self._running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for future in ended:
            del self._running[future]
        completed = [future.result() for future in ended]  # all of them: any may have raised
        return all(completed)

    def _may_begin(self, part: Part) -> bool:
        turns = self._running.values()
        if part.is_timed or not self._overlaps:
            return not turns
        is_turn = all(turn.is_passed_on.is_set() for turn in turns)
        return is_turn and not part.after & {turn.part.name for turn in turns}
