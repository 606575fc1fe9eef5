"""Streams of a seed: alone, and of many networks at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn.seeding import Stream, generator, generators, words

SEEDS = st.one_of(st.integers(0, 2**32 + 5), st.integers(0, 2**140))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(SEEDS, st.integers(0, 3)), min_size=1, max_size=12),
    st.sampled_from(list(Stream)),
    st.integers(0, 2**32 - 1),
)
def test_generators_that_are_seeded_together_are_those_that_are_seeded_alone(
    networks: list[tuple[int, int]], stream: Stream, index: int
) -> None:
    seeds, places = zip(*networks, strict=True)
    together = generators(seeds, stream, index, places)
    alone = [generator(seed, stream, index, place) for seed, place in networks]
    for one, other in zip(together, alone, strict=True):
        assert one.bit_generator.state == other.bit_generator.state
        assert one.random() == other.random()
    firsts = [
        generator(seed, stream, index).bit_generator.seed_seq.generate_state(1, np.uint64)[0]
        for seed in seeds
    ]
    assert words(seeds, stream, index).tolist() == firsts


def test_no_two_uses_of_a_seed_draw_the_same_numbers() -> None:
    draws = {generator(0, stream).random() for stream in Stream}
    assert len(draws) == len(Stream.__members__)
