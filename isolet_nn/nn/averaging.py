"""Weight averaging: the mean of the weights on the way is often better than the last of them.

With p the variables of a network after the n-th step (or epoch) that counts, n = 1, 2, ...::

    uniform (SWA)       mean = mean + (p - mean) / n
    exponential (EMA)   mean = mean + (p - mean) max(1 / n, 1 - decay)

SWA is averaged after every epoch of the last part of a training (Izmailov et al., 2018), EMA after
every step (Polyak and Juditsky, 1992; Tarvainen and Valpola, 2017). As long as there are fewer
than 1 / (1 - decay) steps EMA is their plain mean, so that the first weights do not linger. The
running statistics of batch normalisation are averaged with the weights.
"""

from __future__ import annotations

import numpy as np

from isolet_nn.nn.layers import FloatArray
from isolet_nn.nn.optimizers import blocks_of


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
        self._blocks = blocks_of(variables, self.mean)

    def update(self) -> None:
        """Take the variables as they are now into the mean."""
        self.count += 1
        share = average_share(self.count, self.decay)
        for scratch, variables, mean in self._blocks:
            np.subtract(variables, mean, out=scratch)
            scratch *= share
            mean += scratch


def average_share(count: int, decay: float | None) -> float:
    """Share of the newest variables in the mean of `count`; `decay` is None for a uniform mean."""
    # max: a plain mean until 1 / count falls below 1 - decay.
    return 1.0 / count if decay is None else max(1.0 / count, 1.0 - decay)
