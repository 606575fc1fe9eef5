"""Random streams: every use of randomness draws from a generator of its own.

All come from the experiment's one seed through `numpy.random.SeedSequence`, so what one use draws
never changes what another does, and an epoch's numbers do not depend on the epochs before it.

Generators of many networks are seeded at once, since a SeedSequence each takes as long as what is
drawn for a small network: its mixture (M. E. O'Neill, "Developing a seed_seq alternative", 2015) is
computed for all of them in NumPy's arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, unique
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray


@unique
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
    NOISE_OF_DATA = 7
    """Of data sets that are made by a formula."""
    KNOWN_ROWS = 8
    """Of a group's rows, where a curve is made of how many are known; an index a repeat."""
    SUBSETS = 9
    """Of a group's rows, for its statistics; an index a copy of the training rows."""


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


def generators(
    seeds: Sequence[int], stream: Stream, index: int = 0, networks: Sequence[int] | None = None
) -> list[np.random.Generator]:
    """The generators of one stream of many seeds, as `generator` makes each.

    Parameters
    ----------
    seeds
        One a network.
    networks
        Each one's place in its ensemble; None where each is the first.
    """
    states = _states(seeds, stream, index, networks, words=4)
    make: Any = np.random.PCG64  # NumPy's types know of its own SeedSequence only
    return [np.random.Generator(make(_State(state))) for state in states]


def words(
    seeds: Sequence[int], stream: Stream, index: int = 0, networks: Sequence[int] | None = None
) -> NDArray[np.uint64]:
    """64 random bits of a stream for each network, for generators that are not NumPy's."""
    return _states(seeds, stream, index, networks, words=1)[:, 0]


_FEW = 8
"""Fewer have a SeedSequence each: that is faster, and the same."""
_POOL = 4
"""Words of a SeedSequence's pool."""


def _sequence(seed: int, stream: Stream, index: int, network: int) -> np.random.SeedSequence:
    key = (int(stream), index, network) if network else (int(stream), index)
    return np.random.SeedSequence(seed, spawn_key=key)


def _states(
    seeds: Sequence[int],
    stream: Stream,
    index: int,
    networks: Sequence[int] | None,
    *,
    words: int,
) -> NDArray[np.uint64]:
    """What the SeedSequence of each network generates (K, words)."""
    places = networks or [0] * len(seeds)
    if len(seeds) < _FEW or max(seeds) >> 32 * _POOL:  # such seeds have more words than the pool
        sequences = [_sequence(s, stream, index, k) for s, k in zip(seeds, places, strict=True)]
        return np.array([one.generate_state(words, np.uint64) for one in sequences])
    parts = [[seed >> 32 * n & 0xFFFFFFFF for n in range(_POOL)] for seed in seeds]
    pools = _Pools(np.array(parts, np.uint32).T)
    for word in (int(stream), index):
        pools.stir(np.full(len(seeds), word, np.uint32))
    of_networks = np.array(places, np.uint32)
    if of_networks.any():
        pools.stir(of_networks, of_networks > 0)  # the first network's key is shorter
    return pools.generate(words)


class _State(ISeedSequence):
    """What a SeedSequence would generate for PCG64: 4 words."""

    def __init__(self, state: NDArray[np.uint64]) -> None:
        self._state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[np.uint64]:
        """The state; PCG64 asks for nothing else."""
        return self._state


class _Pools:
    """The pools of many SeedSequences, mixed as NumPy mixes one.

    Parameters
    ----------
    entropy
        The words of each seed (4, K).
    """

    def __init__(self, entropy: NDArray[np.uint32]) -> None:
        self._constant = 0x43B0D7E5
        self._words = [self._hashed(word) for word in entropy]
        for source in range(_POOL):
            for place in range(_POOL):
                if source != place:
                    self._mix_into(place, self._hashed(self._words[source]))

    def stir(self, word: NDArray[np.uint32], having: Any = True) -> None:
        """Mix in the next word of the keys (K,), where they have one."""
        for place, before in enumerate(list(self._words)):
            self._mix_into(place, self._hashed(word))
            self._words[place] = np.where(having, self._words[place], before)

    def generate(self, count: int) -> NDArray[np.uint64]:
        """The first words of 64 bits (K, count) that each generates."""
        self._constant = 0x8B51F9DD
        halves = [self._hashed(self._words[n % _POOL], 0x58F38DED) for n in range(2 * count)]
        low, high = (np.stack(halves[n::2], axis=1).astype(np.uint64) for n in (0, 1))
        found: NDArray[np.uint64] = low | high << np.uint64(32)
        return found

    def _hashed(self, word: NDArray[np.uint32], factor: int = 0x931E8875) -> NDArray[np.uint32]:
        word = word ^ np.uint32(self._constant)
        self._constant = self._constant * factor & 0xFFFFFFFF
        word *= np.uint32(self._constant)
        word ^= word >> np.uint32(16)
        return word

    def _mix_into(self, place: int, other: NDArray[np.uint32]) -> None:
        mixed = self._words[place] * np.uint32(0xCA01F9DD) - other * np.uint32(0x4973F715)
        self._words[place] = mixed ^ mixed >> np.uint32(16)
