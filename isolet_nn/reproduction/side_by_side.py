"""Parts side by side: the next begins when those before it leave a core without work.

Else a core would stand still while the other is at the last training of a sweep, or at the one
network that is carried over. What is computed is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
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
        waiting, stopped = list(parts), False
        with ThreadPoolExecutor(max(1, len(waiting))) as threads:
            try:
                while self._running or (waiting and not stopped):
                    part = None if stopped else self._next(waiting)
                    if part is not None:
                        waiting.remove(part)
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

    def _next(self, waiting: Sequence[Part]) -> Part | None:
        """The first that may begin: what rests on one that is not at its end is passed over."""
        turns = [*self._running.values()]
        if not all(self._overlaps and turn.is_passed_on.is_set() for turn in turns):
            return None
        not_ended = {part.name for part in (*waiting, *(turn.part for turn in turns))}
        for part in waiting:
            if part.is_timed and turns:  # nothing may begin before it
                return None
            if not part.after & not_ended:
                return part
        return None
