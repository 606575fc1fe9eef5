"""Loss and accuracy of a chunk's networks on the device that has their logits.

Up to the rounding of float64, the numbers are those of `scores.evaluation.loss_and_accuracy`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def loss_and_accuracy(
    blocks: Iterable[tuple[Tensor, Tensor]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean cross-entropy and accuracy (K,) of the networks of a chunk.

    The loss is NaN where a logit is not finite, and the accuracy where the loss is not finite.

    Parameters
    ----------
    blocks
        Logits (K, rows, classes) and true classes (rows,), block by block; at least one.
    """
    losses, hits, rows = [], [], 0
    for logits, y in blocks:
        log_p = torch.log_softmax(logits.double(), dim=2)
        index = y.expand(len(logits), -1).unsqueeze(2)
        of_block = log_p.gather(2, index).squeeze(2).sum(dim=1).neg_()
        # A logit of -inf leaves the loss finite where it is that of another class.
        is_finite = logits.isfinite().all(dim=2).all(dim=1)
        losses.append(torch.where(is_finite, of_block, torch.nan))
        hits.append(logits.argmax(dim=2).eq(y).sum(dim=1))
        rows += len(y)
    loss = np.sum([of_block.cpu().numpy() for of_block in losses], axis=0) / rows
    accuracy = np.sum([of_block.cpu().numpy() for of_block in hits], axis=0) / rows
    return loss, np.where(np.isfinite(loss), accuracy, np.nan)
