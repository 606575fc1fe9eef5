"""Random numbers on a device: each follows from a key and its place, and from no other number.

The generator is SplitMix64 (Steele, Lea and Flood, 2014), which passes BigCrush and needs no state:
word i = 1, 2, ... of a key is mix(key + i g), where g is 2^64 divided by the golden ratio, to the
nearest odd number, and::

    mix(z):  z = (z xor z >> 30) c1;  z = (z xor z >> 27) c2;  z xor z >> 31

It is eleven operations on whole numbers for 64 bits, where Philox, of which PyTorch has no tensor
operation that takes keys, would be a hundred; and whole numbers are the same on every device. A
word serves four units of dropout, or two normal numbers.

A network has a key of its own in every step for each use. Keys are drawn from the seed, the place
in the ensemble and the epoch by `numpy.random.SeedSequence`, and mixed with step and use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isolet_nn import seeding
from isolet_nn.config.experiment import Experiment
from isolet_nn.nn.noise import levels_dropped
from isolet_nn.training.epoch import Epoch, draws_in_steps
from isolet_nn.training.torch_tables import StepNumber, Table

_GOLDEN = 0x9E3779B97F4A7C15
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_SHIFTS = (30, 27, 31)


def _signed(word: int) -> int:
    """The 64-bit whole number with a sign that has these bits."""
    return word - (word >> 63 << 64)


def mix(z: Tensor) -> Tensor:
    """SplitMix64's mixture of 64-bit whole numbers, any shape; `z` is overwritten."""
    for shift, factor in zip(_SHIFTS, (*_FACTORS, 1), strict=True):
        # Shifted without a sign: what is shifted in is taken out again.
        z ^= (z >> shift).bitwise_and_((1 << (64 - shift)) - 1)
        if factor != 1:
            z *= _signed(factor)
    return z


def mix_on_host(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same with NumPy."""
    for shift, factor in zip(_SHIFTS, (*_FACTORS, 1), strict=True):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z


def words(keys: Tensor, count: int) -> Tensor:
    """The first words (K, count) of keys (K,), 64-bit whole numbers."""
    places = torch.arange(1, count + 1, device=keys.device).mul_(_signed(_GOLDEN))
    return mix(keys.unsqueeze(1) + places)


def dropout_factors(
    probability: float, keys: Tensor, shape: Sequence[int], dtype: torch.dtype
) -> Tensor:
    """Dropout's factors (K, ...), with the probabilities of `nn.noise`."""
    of_network = math.prod(shape[1:])
    levels = words(keys, -(-of_network // 4)).view(torch.int16)[:, :of_network]
    dropped, all_levels = levels_dropped(probability)
    kept = levels.ge(dropped - all_levels // 2).to(dtype)  # the levels have signs
    return kept.mul_(1.0 / (1.0 - dropped / all_levels)).view(tuple(shape))


def normal_numbers(keys: Tensor, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Normal numbers (K, ...), made as float32 (Box and Muller, 1958)."""
    of_network = math.prod(shape[1:])
    halves = words(keys, -(-of_network // 2)).view(torch.int32)
    # The upper 24 bits, which float32 holds, in the middle of their interval: never 0.
    uniform = (halves >> 8).bitwise_and_((1 << 24) - 1).to(torch.float32).add_(0.5).mul_(2.0**-24)
    radius = uniform[:, ::2].log().mul_(-2.0).sqrt_()
    angle = uniform[:, 1::2] * (2.0 * math.pi)
    numbers = torch.cat((radius * angle.cos(), radius * angle.sin()), dim=1)
    return numbers[:, :of_network].to(dtype).view(tuple(shape))


def permutations(keys: Tensor, length: int) -> Tensor:
    """A random order (K, length) of 0, 1, ... for each key: that of its words."""
    return words(keys, length).argsort(dim=1, stable=True)


class CounterDraws:
    """Mixup, noise and dropout of K networks, drawn where they are computed.

    Parameters
    ----------
    experiments
        That of each network.
    places
        Each network's place in its experiment's ensemble.
    dtype, device
        Of what is drawn.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        places: Sequence[int],
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._seeds = [(e.seed, place) for e, place in zip(experiments, places, strict=True)]
        self._is_random = draws_in_steps(experiments[0])
        self._alpha = experiments[0].training.mixup
        self._uses = 3 + len(experiments[0].model.hidden_layers)
        self._dtype = dtype
        self._keys, self._shares = Table(device), Table(device)

    def begin_epoch(self, epoch: Epoch, networks: Sequence[int]) -> None:
        if not self._is_random:
            return
        seeds, places = zip(*self._seeds, strict=True)
        of_networks = seeding.words(seeds, seeding.Stream.STEPS, epoch.number, places)
        counts = 1 + np.arange(epoch.steps * self._uses, dtype=np.uint64).reshape(
            epoch.steps, self._uses, 1
        )
        keys = of_networks + counts * np.uint64(_GOLDEN)
        self._keys.fill(mix_on_host(keys).view(np.int64))
        if self._alpha:
            sources = seeding.generators(seeds, seeding.Stream.STEPS, epoch.number, places)
            shares = np.array([s.beta(self._alpha, self._alpha, epoch.steps) for s in sources])
            shares = np.maximum(shares, 1.0 - shares).T[..., np.newaxis, np.newaxis]
            self._shares.fill(shares, self._dtype)

    def begin_step(self, at: StepNumber) -> None:
        if self._is_random:
            self._row = at.row(self._keys)
        if self._alpha:
            self._share = at.row(self._shares)

    def mixup(self, alpha: float, batch: int) -> tuple[Tensor, Tensor]:
        return self._share, permutations(self._row[0], batch)

    def noise(self, deviation: float, shape: Sequence[int]) -> Tensor:
        return normal_numbers(self._row[1], shape, self._dtype).mul_(deviation)

    def dropout(self, probability: float, layer: int, shape: Sequence[int]) -> Tensor:
        return dropout_factors(probability, self._row[2 + layer], shape, self._dtype)
