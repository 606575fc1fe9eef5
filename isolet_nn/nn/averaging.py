"""Weight averaging: the mean of the weights on the way is often better than the last of them.

With p the variables of a network after the n-th step (or epoch) that counts, n = 1, 2, ...::

    exponential (EMA)   mean = mean + (1 - decay) (p - mean), from mean = p at n = 1
    uniform (SWA)       mean = mean + (p - mean) / n

EMA is averaged after every step (Polyak and Juditsky, 1992; Tarvainen and Valpola, 2017), SWA
after every epoch of the last part of a training (Izmailov et al., 2018). The running statistics
of batch normalisation are averaged with the weights. Both are defined as by
torch.optim.swa_utils.AveragedModel with use_buffers.
"""

from __future__ import annotations

import numpy as np

from isolet_nn.nn.layers import FloatArray
from isolet_nn.nn.optimizers import BLOCK_BYTES


class WeightAverage:
    """The mean of one network's variables over the steps or epochs that counted.

    Parameters
    ----------
    variables
        (n,) contiguous: what is averaged.
    decay
        Decay of the exponential mean; None for the uniform one.

    Attributes
    ----------
    mean : (n,)
    count : int
        How often `update` was called; the mean means nothing before the first time.
    """

    def __init__(self, variables: FloatArray, decay: float | None = None) -> None:
        self.mean = np.zeros_like(variables)
        self.count = 0
        self.decay = decay
        length = min(variables.size, BLOCK_BYTES // variables.itemsize)
        scratch = np.empty(length, variables.dtype)
        self._blocks = [
            (
                variables[start : start + length],
                self.mean[start : start + length],
                scratch[: min(length, variables.size - start)],
            )
            for start in range(0, variables.size, length)
        ]

    def update(self) -> None:
        """Take the variables as they are now into the mean."""
        self.count += 1
        share = 1.0 / self.count
        if self.decay is not None and self.count > 1:
            share = 1.0 - self.decay
        for variables, mean, scratch in self._blocks:
            np.subtract(variables, mean, out=scratch)
            scratch *= share
            mean += scratch
