"""Room in a device's memory for the stacks of a cohort: which fit at once, and what if they do not.

A stack is a sequence of anything; its parts follow its order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.training.capacity import networks_in_memory

LineT = TypeVar("LineT")


def most_lines(experiment: Experiment, dataset: Dataset, free: int | None) -> int | None:
    """How many experiments of a kind a stack has room for; None where its size does not matter.

    Parameters
    ----------
    free
        Bytes that nobody uses of the device's own memory, if it has its own.
    """
    if free is None:
        return None
    size = len(dataset.learned_from.y), dataset.n_features, dataset.n_classes
    return max(1, networks_in_memory(experiment, *size, free) // experiment.ensemble)


def that_fit(
    stacks: Sequence[Sequence[LineT]], most: Callable[[Sequence[LineT]], int | None]
) -> list[list[Sequence[LineT]]]:
    """Cut stacks so that each has room, in groups that have room together.

    Parameters
    ----------
    most
        How many lines of a stack there is room for; None: any number.
    """
    groups: list[list[Sequence[LineT]]] = []
    left = 0.0
    for stack in stacks:
        room = most(stack)
        step = room or len(stack)
        for start in range(0, len(stack), step):
            part = stack[start : start + step]
            share = len(part) / room if room else 0.0
            if not groups or share > left:
                groups.append([])
                left = 1.0
            groups[-1].append(part)
            left -= share
    return groups


def halves(stacks: Sequence[Sequence[LineT]]) -> list[list[Sequence[LineT]]]:
    """Two parts of several stacks, or of one of several lines; none of a single line."""
    if len(stacks) > 1:
        middle = len(stacks) // 2
        return [list(stacks[:middle]), list(stacks[middle:])]
    (stack,) = stacks
    middle = len(stack) // 2
    return [[stack[:middle]], [stack[middle:]]] if middle else []
