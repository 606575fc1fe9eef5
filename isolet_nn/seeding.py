"""Random streams: every use of randomness draws from a generator of its own.

All come from the experiment's one seed through `numpy.random.SeedSequence`, so what one use draws
never changes what another does, and an epoch's numbers do not depend on the epochs before it.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What the random numbers are for; the numbers are part of what a seed means."""

    WEIGHTS = 0
    SHUFFLE = 1
    DROPOUT = 2
    TEST_SPLIT = 3
    VALIDATION_SPLIT = 4


def generator(seed: int, stream: Stream, index: int = 0) -> np.random.Generator:
    """The generator of one stream of a seed; `index` counts epochs where a stream has several."""
    sequence = np.random.SeedSequence(seed, spawn_key=(int(stream), index))
    return np.random.Generator(np.random.PCG64(sequence))
