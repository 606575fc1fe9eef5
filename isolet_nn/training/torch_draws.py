"""Where the mixup, noise and dropout of a stack in PyTorch come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from isolet_nn.nn.noise import draw_dropout, draw_mixup, draw_noise
from isolet_nn.training.epoch import Epoch
from isolet_nn.training.torch_tables import StepNumber


class Draws(Protocol):
    """What is random in the steps of K networks."""

    def begin_epoch(self, epoch: Epoch, networks: Sequence[int]) -> None:
        """Draw for an epoch from now on; `networks` are the places of the K in their stack."""

    def begin_step(self, at: StepNumber) -> None:
        """Draw for a step from now on."""

    def mixup(self, alpha: float, batch: int) -> tuple[Tensor, Tensor]:
        """The share (K, 1, 1) of each row itself, and each row's partner (K, batch)."""

    def noise(self, deviation: float, shape: Sequence[int]) -> Tensor:
        """Noise (K, batch, inputs)."""

    def dropout(self, probability: float, layer: int, shape: Sequence[int]) -> Tensor:
        """Factors (K, batch, units) of what goes into a layer."""


class HostDraws:
    """Drawn on the processor by `nn.noise`, as for the network from scratch, to the bit."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._numpy_dtype = np.dtype(str(dtype).removeprefix("torch."))
        self._device = device
        self._generators: Sequence[np.random.Generator] = ()

    def begin_epoch(self, epoch: Epoch, networks: Sequence[int]) -> None:
        alone = dict.fromkeys(networks)  # copies that fill a chunk up draw nothing
        self._generators = [epoch.generators[k] for k in alone] if epoch.generators else []
        self._copies = len(networks) - len(alone)

    def begin_step(self, at: StepNumber) -> None:
        pass  # the generators go on by themselves

    def mixup(self, alpha: float, batch: int) -> tuple[Tensor, Tensor]:
        positions = np.arange(batch)
        partners = np.empty((len(self._generators), batch), np.int64)
        shares = np.array(
            [
                draw_mixup(alpha, generator, positions, own)
                for generator, own in zip(self._generators, partners, strict=True)
            ],
            self._numpy_dtype,
        )
        return self._tensor(shares[:, np.newaxis, np.newaxis]), self._tensor(partners)

    def noise(self, deviation: float, shape: Sequence[int]) -> Tensor:
        return self._draw(draw_noise, deviation, shape)

    def dropout(self, probability: float, layer: int, shape: Sequence[int]) -> Tensor:
        return self._draw(draw_dropout, probability, shape)

    def _draw(
        self,
        draw: Callable[[float, np.random.Generator, Any], None],
        p: float,
        shape: Sequence[int],
    ) -> Tensor:
        numbers = np.empty((len(self._generators), *shape[1:]), self._numpy_dtype)
        for generator, own in zip(self._generators, numbers, strict=True):
            draw(p, generator, own)
        return self._tensor(numbers)

    def _tensor(self, array: Any) -> Tensor:
        if self._copies:
            array = np.concatenate([array, np.repeat(array[-1:], self._copies, axis=0)])
        return torch.from_numpy(array).to(self._device)
