"""Clipping of the gradients of a stack of networks, as torch.nn.utils does for one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from isolet_nn.config.training import TrainingConfig

_EPSILON = 1e-6
"""That clip_grad_norm_ adds to the norm."""


def clipping_form(training: TrainingConfig) -> tuple[bool, bool]:
    """In what networks agree whose gradients are clipped together: all but numbers."""
    return training.clip_value is not None, training.clip_norm is not None


class StackedClipping:
    """Clips the gradients of K networks, of one `clipping_form`, each by its own limits."""

    def __init__(self, settings: Sequence[TrainingConfig], like: Tensor) -> None:
        self._values = _column([training.clip_value for training in settings], like)
        self._norms = _column([training.clip_norm for training in settings], like)

    def clip(self, gradients: Tensor) -> None:
        """Clip the gradients (K, n) in place."""
        if self._values is not None:
            gradients.clamp_(-self._values, self._values)
        if self._norms is not None:
            found = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients *= (self._norms / (found + _EPSILON)).clamp_(max=1.0)


def _column(limits: Sequence[float | None], like: Tensor) -> Tensor | None:
    """The limits (K, 1); None where there are none."""
    given = [limit for limit in limits if limit is not None]
    return like.new_tensor(given).unsqueeze(1) if given else None
