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
    STEPS = 2
    """Everything random within a training step: mixup, noise, dropout."""
    TEST_SPLIT = 3
    VALIDATION_SPLIT = 4
    FOLDS = 5
    """An index a repeat."""
    OUTER_FOLDS = 6
    """Likewise."""
    SUBSETS = 7
    """Of a group's rows, for its statistics; an index a copy of the training rows."""
    KNOWN_ROWS = 8
    """Of a group's rows, where a curve is made of how many are known; an index a repeat."""
    NOISE_OF_DATA = 7
    """Of data sets that are made by a formula."""


def generator(seed: int, stream: Stream, index: int = 0, network: int = 0) -> np.random.Generator:
    """The generator of one stream of a seed.

    Parameters
    ----------
    seed, stream
        Which seed, and what the numbers are for.
    index
        Counts epochs, or repeats of a division into folds, where a stream has several.
    network
        Its place in an ensemble; the first has the streams of a single network.
    """
    return np.random.Generator(np.random.PCG64(_sequence(seed, stream, index, network)))


def word(seed: int, stream: Stream, index: int = 0, network: int = 0) -> int:
    """64 random bits of a stream, for generators that are not NumPy's; as `generator`."""
    return int(_sequence(seed, stream, index, network).generate_state(1, np.uint64)[0])


def _sequence(seed: int, stream: Stream, index: int, network: int) -> np.random.SeedSequence:
    key = (int(stream), index, network) if network else (int(stream), index)
    return np.random.SeedSequence(seed, spawn_key=key)
