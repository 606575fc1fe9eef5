"""Steps as captured CUDA graphs: launched by one call, where a step's own calls cost more than it.

The first step of a kind, which is told by the size of its batch and by whether weights are averaged
and the step inspected, is taken as it stands, the second is captured, and from then on it is
replayed: what differs from step to step lies in tables on the device. Where capturing fails, steps
are taken as they stand, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

Task = Callable[[], None]
Capture = Callable[[Task], Task]
"""Captures what a task does, without doing it; gives what does it from then on."""


class Steps:
    """Takes steps, and captures those that come again.

    Parameters
    ----------
    capture
        How a step is captured; None where it is not.
    """

    def __init__(self, capture: Capture | None) -> None:
        self._capture = capture
        self._seen: set[tuple[int, ...]] = set()
        self._replays: dict[tuple[int, ...], Task] = {}

    def step(self, take: Callable[..., None], *kind: int) -> None:
        """Take a step of a kind, by `take` or what was captured of it."""
        if kind not in self._seen:
            self._seen.add(kind)  # what is there to be made once is made, and not captured
            take(*kind)
            return
        if kind not in self._replays and self._capture is not None:
            try:
                self._replays[kind] = self._capture(lambda: take(*kind))
            except RuntimeError:  # PyTorch's, whatever an operation cannot be captured for
                self._capture = None
        replay = self._replays.get(kind)
        if replay is None:
            take(*kind)
        else:
            replay()


def cuda_capture(device: torch.device) -> Capture:
    """Captures CUDA graphs, whose memory is one pool, as no two are replayed at the same time.

    That of cuBLAS is theirs too. PyTorch keeps it by stream, and streams are shared by stacks: what
    is there already would be used by the graphs of two stacks at the same time.
    """
    pool: Any = None

    def capture(task: Task) -> Task:
        nonlocal pool
        graph = torch.cuda.CUDAGraph()
        # A graph that cannot be captured leaves its own stream behind as the current one.
        with torch.cuda.stream(torch.cuda.current_stream(device)):
            torch._C._cuda_clearCublasWorkspaces()
            try:
                # Other threads, which draw what comes next, may use CUDA meanwhile.
                with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                    task()
            finally:
                torch._C._cuda_clearCublasWorkspaces()
        pool = graph.pool()
        return graph.replay

    return capture


class Lanes:
    """Lets tasks overlap on a device, on so many streams; elsewhere one follows another.

    A task that is given at the same place gets the same stream, so that its memory stays there.
    """

    def __init__(self, device: torch.device, count: int) -> None:
        self._streams: Sequence[Any] = []
        if device.type == "cuda" and count > 1:
            make: Any = torch.cuda.Stream
            self._streams = [make(device) for _ in range(count)]

    def run(self, tasks: Iterable[Task]) -> None:
        """Carry out tasks that do not need each other."""
        if not self._streams:
            for task in tasks:
                task()
            return
        main = torch.cuda.current_stream()
        for stream in self._streams:
            stream.wait_stream(main)
        for number, task in enumerate(tasks):
            with torch.cuda.stream(self._streams[number % len(self._streams)]):
                task()
        for stream in self._streams:
            main.wait_stream(stream)
