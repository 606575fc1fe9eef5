"""Optimizers: how parameters follow from gradients, defined as in ``torch.optim``.

Every optimizer works on one network: its parameters are a row of the stack's buffer. A step runs
block by block over that row, with blocks so small that all arrays involved stay in the cache; it
allocates nothing and uses the gradients as work space.

Below, g is the gradient, p the parameters, t = 1, 2, ... the number of the step, and all
operations are elementwise. Formulas stand in the order in which the code performs them.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from isolet_nn.nn.pool import Pool

FloatArray = NDArray[np.floating[Any]]

BLOCK_BYTES = 512 * 1024
"""Size of a block of parameters: four such arrays stay in the last-level cache.

Measured for Adam: smaller blocks, which would fit in the second-level cache, lose more to the
calls than they save (128 KiB: 1.25 times the time), larger ones gain nothing.
"""

RANGE_PARAMETERS = 2**17
"""Parameters that a thread takes at least; with fewer, Adam gains nothing by a second one."""


SHARED_BLOCK_BYTES = 2 * BLOCK_BYTES
"""The same where several threads share a step: with fewer calls they wait less for each other."""


def blocks_of(*arrays: FloatArray, n_bytes: int = BLOCK_BYTES) -> list[list[FloatArray]]:
    """Cut arrays (n,) of one size and type into blocks, each with work space of its size before it.

    The work space is the same for all blocks.
    """
    n, dtype = arrays[0].size, arrays[0].dtype
    length = min(n, n_bytes // dtype.itemsize)
    scratch = np.empty(length, dtype)
    return [
        [scratch[: min(length, n - start)], *(array[start : start + length] for array in arrays)]
        for start in range(0, n, length)
    ]


class Optimizer(ABC):
    """One network's optimizer.

    Parameters
    ----------
    parameters, gradients
        (n,) contiguous, of one type. A step changes the parameters and overwrites the gradients.
    weight_decay
        Factor of the L2 penalty's gradient, ``g = g + weight_decay p``.
    decoupled_weight_decay
        Whether weights decay by themselves instead, before the step:
        ``p = p - learning_rate weight_decay p`` (Loshchilov and Hutter, 2019).

    Attributes
    ----------
    state : (slots, n)
        What the optimizer remembers of each parameter, zeros at first; `slots` names the rows.
    steps : int
        Steps done so far.
    """

    slots: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
    ) -> None:
        self.state = np.zeros((len(self.slots), parameters.size), parameters.dtype)
        self.steps = 0
        self.weight_decay = weight_decay
        self.decoupled_weight_decay = decoupled_weight_decay
        self._arrays = (parameters, gradients, *self.state)
        self._pool = Pool()
        self._ranges = [blocks_of(*self._arrays)]

    def share(self, pool: Pool) -> None:
        """Let the threads of a pool share each step, where the parameters are many.

        All operations are elementwise, so that no bit depends on it.
        """
        n = self._arrays[0].size
        count = max(1, min(pool.threads, n // RANGE_PARAMETERS))
        bounds = [n * k // count for k in range(count + 1)]
        self._pool = pool
        n_bytes = BLOCK_BYTES if count == 1 else SHARED_BLOCK_BYTES
        self._ranges = [
            blocks_of(*(array[start:end] for array in self._arrays), n_bytes=n_bytes)
            for start, end in itertools.pairwise(bounds)
        ]

    def step(self, learning_rate: float) -> None:
        """Update the parameters from the gradients."""
        self.steps += 1
        self._begin_step()
        if len(self._ranges) == 1:
            self._step_range(self._ranges[0], learning_rate)
        else:
            self._pool.run([partial(self._step_range, r, learning_rate) for r in self._ranges])

    def _begin_step(self) -> None:  # noqa: B027 - few have something to
        """Compute what all blocks of a step share; `steps` is the number of this one."""

    def _step_range(self, blocks: list[list[FloatArray]], learning_rate: float) -> None:
        for scratch, p, g, *slots in blocks:
            if self.decoupled_weight_decay:
                p *= 1.0 - learning_rate * self.weight_decay
            elif self.weight_decay:
                np.multiply(p, self.weight_decay, out=scratch)
                g += scratch
            self._update(p, g, scratch, slots, learning_rate)

    @abstractmethod
    def _update(
        self,
        p: FloatArray,
        g: FloatArray,
        scratch: FloatArray,
        slots: Sequence[FloatArray],
        learning_rate: float,
    ) -> None:
        """Update one block of parameters and of the state's rows."""


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Polyak, 1964; Sutskever et al., 2013).

    ::

        velocity = momentum velocity + g
        g = g + momentum velocity          with nesterov, else g = velocity
        p = p - learning_rate g
    """

    slots = ("velocity",)

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, gradients, weight_decay=weight_decay)
        self.momentum = momentum
        self.nesterov = nesterov

    def _update(
        self,
        p: FloatArray,
        g: FloatArray,
        scratch: FloatArray,
        slots: Sequence[FloatArray],
        learning_rate: float,
    ) -> None:
        (velocity,) = slots
        if self.momentum:
            # PyTorch's momentum: the learning rate is not part of the velocity, so that a new
            # rate acts on all of it at once (Sutskever et al. have it inside).
            velocity *= self.momentum
            velocity += g
            if self.nesterov:
                np.multiply(velocity, self.momentum, out=scratch)
                g += scratch
            else:
                g = velocity
        np.multiply(g, learning_rate, out=scratch)
        p -= scratch


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011).

    ::

        sum = sum + g^2
        p = p - learning_rate / (1 + (t - 1) learning_rate_decay) g / (sqrt(sum) + epsilon)
    """

    slots = ("sum",)

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        learning_rate_decay: float = 0.0,
        initial_accumulator: float = 0.0,
        epsilon: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, gradients, weight_decay=weight_decay)
        self.learning_rate_decay = learning_rate_decay
        self.epsilon = epsilon
        self.state[...] = initial_accumulator

    def _update(
        self,
        p: FloatArray,
        g: FloatArray,
        scratch: FloatArray,
        slots: Sequence[FloatArray],
        learning_rate: float,
    ) -> None:
        (total,) = slots
        np.square(g, out=scratch)
        total += scratch
        np.sqrt(total, out=scratch)
        scratch += self.epsilon  # outside the root, here and in all others: as PyTorch has it
        g *= learning_rate / (1.0 + (self.steps - 1) * self.learning_rate_decay)
        g /= scratch
        p -= g


class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012), not centered.

    ::

        square = alpha square + (1 - alpha) g^2
        g = g / (sqrt(square) + epsilon)
        velocity = momentum velocity + g   with momentum, else velocity = g
        p = p - learning_rate velocity
    """

    slots = ("square", "velocity")

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        alpha: float = 0.99,
        momentum: float = 0.0,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, gradients, weight_decay=weight_decay)
        self.alpha = alpha
        self.momentum = momentum
        self.epsilon = epsilon

    def _update(
        self,
        p: FloatArray,
        g: FloatArray,
        scratch: FloatArray,
        slots: Sequence[FloatArray],
        learning_rate: float,
    ) -> None:
        square, velocity = slots
        np.square(g, out=scratch)
        scratch *= 1.0 - self.alpha
        square *= self.alpha
        square += scratch
        np.sqrt(square, out=scratch)
        scratch += self.epsilon
        g /= scratch
        if self.momentum:
            velocity *= self.momentum
            velocity += g
            g = velocity
        np.multiply(g, learning_rate, out=scratch)
        p -= scratch


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1), with both running means kept unscaled.

    ::

        mean = beta1 mean + g
        square = beta2 square + g^2
        c1 = (1 - beta1) / (1 - beta1^t)
        c2 = (1 - beta2) / (1 - beta2^t)
        p = p - learning_rate c1 / sqrt(c2) mean / (sqrt(square) + epsilon / sqrt(c2))

    The paper's bias-corrected means are c1 mean and c2 square, so this equals its
    ``learning_rate mean_hat / (sqrt(square_hat) + epsilon)`` with two multiplications less.
    """

    slots = ("mean", "square")

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            gradients,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def _update(
        self,
        p: FloatArray,
        g: FloatArray,
        scratch: FloatArray,
        slots: Sequence[FloatArray],
        learning_rate: float,
    ) -> None:
        mean, square = slots
        mean *= self.beta1
        mean += g
        np.square(g, out=g)  # after the mean: from here on g is work space
        square *= self.beta2
        square += g
        c1 = (1.0 - self.beta1) / (1.0 - self.beta1**self.steps)
        root_c2 = math.sqrt((1.0 - self.beta2) / (1.0 - self.beta2**self.steps))
        np.sqrt(square, out=g)
        g += self.epsilon / root_c2
        np.divide(mean, g, out=g)
        g *= learning_rate * c1 / root_c2
        p -= g


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    ::

        p = p - learning_rate weight_decay p
        then as Adam, without weight decay in g

    So the decay is not divided by sqrt(square).
    """

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(
            parameters,
            gradients,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            decoupled_weight_decay=True,
        )
