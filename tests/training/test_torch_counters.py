"""Random numbers that follow from a key and a place: as NumPy computes them, and evenly spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import make_experiment
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import needs_torch

from isolet_nn.training.epoch import Epochs

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = needs_torch

words_of_64_bits = st.integers(0, 2**64 - 1)


@settings(max_examples=25)
@given(keys=st.lists(words_of_64_bits, min_size=1, max_size=4), count=st.integers(1, 20))
def test_words_are_those_of_splitmix64(keys: list[int], count: int) -> None:
    import torch

    from isolet_nn.training.torch_counters import words

    def next_words(state: int) -> list[int]:  # Vigna's C, in Python's whole numbers
        found = []
        for _ in range(count):
            state = (state + 0x9E3779B97F4A7C15) % 2**64
            z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
            found.append(z ^ (z >> 31))
        return found

    signed = torch.from_numpy(np.array(keys, np.uint64).view(np.int64))
    found = words(signed, count).numpy().view(np.uint64)
    assert found.tolist() == [next_words(key) for key in keys]


@settings(max_examples=25)
@given(keys=st.lists(words_of_64_bits, min_size=2, max_size=5), units=st.integers(1, 9))
def test_what_a_network_draws_depends_on_its_key_alone(keys: list[int], units: int) -> None:
    import torch

    from isolet_nn.training.torch_counters import dropout_factors, normal_numbers, permutations

    signed = torch.from_numpy(np.array(keys, np.uint64).view(np.int64))
    for k in range(len(keys)):
        one = signed[k : k + 1]
        draws: list[Callable[[Tensor], Tensor]] = [
            lambda own: dropout_factors(0.3, own, (len(own), 5, units), torch.float32),
            lambda own: normal_numbers(own, (len(own), 5, units), torch.float32),
            lambda own: permutations(own, units),
        ]
        for draw in draws:
            assert torch.equal(draw(signed)[k], draw(one)[0])


@pytest.mark.parametrize("probability", [0.01, 0.2, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(probability: float) -> None:
    import torch

    from isolet_nn.training.torch_counters import dropout_factors

    keys = torch.arange(4)
    factors = dropout_factors(probability, keys, (4, 500, 100), torch.float64).numpy()
    deviation = np.sqrt(probability * (1 - probability) / factors.size)
    assert abs((factors == 0.0).mean() - probability) < 4 * deviation
    assert abs(factors.mean() - 1.0) < 4 * deviation / (1 - probability)
    of_units = (factors == 0.0).mean(axis=(0, 1))  # the four of a word alike
    assert np.abs(of_units - probability).max() < 5 * np.sqrt(probability * (1 - probability) / 2e3)
    others = [np.corrcoef(factors[0].ravel(), factors[k].ravel())[0, 1] for k in (1, 2, 3)]
    assert np.abs(others).max() < 4 / np.sqrt(factors[0].size)


def test_noise_is_normal() -> None:
    import torch
    from scipy.stats import kstest

    from isolet_nn.training.torch_counters import normal_numbers

    numbers = normal_numbers(torch.arange(3), (3, 99, 101), torch.float32).numpy()
    assert kstest(numbers.ravel(), "norm").pvalue > 0.001
    first, second = numbers[:, ::2].ravel(), numbers[:, 1::2].ravel()
    assert abs(np.corrcoef(first[: second.size], second)[0, 1]) < 4 / np.sqrt(second.size)
    assert np.isfinite(numbers).all()


def test_orders_are_permutations_of_which_each_is_as_likely() -> None:
    import torch

    from isolet_nn.training.torch_counters import permutations

    found = Counter(map(tuple, permutations(torch.arange(6000), 3).tolist()))
    assert set(found) == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}
    assert all(abs(count - 1000) < 150 for count in found.values())


def test_keys_differ_between_networks_epochs_steps_and_layers() -> None:
    import torch

    from isolet_nn.training.torch_counters import CounterDraws
    from isolet_nn.training.torch_tables import StepNumber

    experiments = [
        make_experiment(seed=seed, ensemble=2, model__hidden_layers=[3, 2], model__dropout=0.5)
        for seed in (0, 1)
    ]
    epochs = Epochs(experiments, 200, one_part=True)
    draws = CounterDraws(
        [experiments[n] for n in (0, 0, 1, 1)], [0, 1, 0, 1], torch.float32, torch.device("cpu")
    )
    seen = []
    for number in (0, 1):
        epoch = epochs.make(number, [], [1.0] * 2)
        draws.begin_epoch(epoch, range(4))
        for step in range(epoch.steps):
            draws.begin_step(StepNumber(step))
            seen += [draws.dropout(0.5, layer, (4, 40, 8)) for layer in (1, 2)]
    masks = torch.cat(seen).flatten(1).tolist()
    assert len(masks) == 2 * 2 * 2 * 4
    assert len(set(map(tuple, masks))) == len(masks)


def test_orders_that_are_drawn_ahead_are_the_same_orders() -> None:
    experiments = [make_experiment(seed=seed) for seed in (0, 1, 0)]
    ahead = Epochs(experiments, 50, one_part=True, ahead=True)
    usual = Epochs(experiments, 50, one_part=True)
    factors = [1.0] * 3
    for number in (0, 1, 2, 5):  # one that is resumed begins anywhere
        drawn = zip(
            ahead.make(number, [], factors).orders,
            usual.make(number, [], factors).orders,
            strict=True,
        )
        assert all(np.array_equal(one, other) for one, other in drawn)
