"""Optimizers that follow from Adam: rectified (RAdam), and with Nesterov's momentum (NAdam).

As in `optimizers`, formulas stand in the order in which the code performs them, and both running
means are kept unscaled: Adam's own are (1 - beta1) mean and (1 - beta2) square.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from isolet_nn.nn.optimizers import Adam, FloatArray


def rectification_of(beta2: float, step: int) -> float | None:
    """RAdam's number c3 in a step; None where the mean of squares is too short."""
    power = beta2**step
    longest = 2.0 / (1.0 - beta2) - 1.0
    length = longest - 2.0 * step * power / (1.0 - power)
    if length <= 5.0:
        return None
    return (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)


class RAdam(Adam):
    """Rectified Adam (Liu et al., 2020, algorithm 2), with PyTorch's limit and epsilon.

    ::

        p = p - learning_rate weight_decay p      if decoupled
        mean = beta1 mean + g
        square = beta2 square + g^2
        c1 = (1 - beta1) / (1 - beta1^t)
        r_inf = 2 / (1 - beta2) - 1
        r = r_inf - 2 t beta2^t / (1 - beta2^t)
        p = p - learning_rate c1 mean             where r <= 5, else with
        c2 = (1 - beta2) / (1 - beta2^t)
        c3 = (r - 4) (r - 2) r_inf / ((r_inf - 4) (r_inf - 2) r)
        p = p - learning_rate c1 sqrt(c3 / c2) mean / (sqrt(square) + epsilon / sqrt(1 - beta2))

    r is the length of the mean of squares: short ones, whose root varies much, are left out.
    """

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
        np.square(g, out=g)
        square *= self.beta2
        square += g
        c1 = (1.0 - self.beta1) / (1.0 - self.beta1**self.steps)
        rectification = rectification_of(self.beta2, self.steps)
        if rectification is None:
            np.multiply(mean, learning_rate * c1, out=g)
        else:
            c2 = (1.0 - self.beta2) / (1.0 - self.beta2**self.steps)
            np.sqrt(square, out=g)
            g += self.epsilon / math.sqrt(1.0 - self.beta2)
            np.divide(mean, g, out=g)
            g *= learning_rate * c1 * math.sqrt(rectification / c2)
        p -= g


def momentum_of(beta1: float, momentum_decay: float, step: int) -> float:
    """NAdam's number mu in a step."""
    decay: float = 0.96 ** (step * momentum_decay)
    return beta1 * (1.0 - 0.5 * decay)


class NAdam(Adam):
    """Adam with Nesterov's momentum (Dozat, 2016), whose momentum grows as in ``torch.optim``.

    ::

        p = p - learning_rate weight_decay p      if decoupled
        mean = beta1 mean + g
        square = beta2 square + g^2
        mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
        product_t = mu_1 mu_2 ... mu_t
        c2 = (1 - beta2) / (1 - beta2^t)
        root = sqrt(c2) (sqrt(square) + epsilon / sqrt(c2))
        p = p - learning_rate (1 - mu_t) / (1 - product_t) g / root
        p = p - learning_rate (1 - beta1) mu_(t+1) / (1 - product_(t+1)) mean / root
    """

    def __init__(
        self,
        parameters: FloatArray,
        gradients: FloatArray,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            gradients,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        self.momentum_decay = momentum_decay
        self._product, self._n_factors = 1.0, 0

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
        np.square(g, out=scratch)
        square *= self.beta2
        square += scratch
        mu, mu_next = self._momentum(self.steps), self._momentum(self.steps + 1)
        product = self._product
        root_c2 = math.sqrt((1.0 - self.beta2) / (1.0 - self.beta2**self.steps))
        np.sqrt(square, out=scratch)
        scratch += self.epsilon / root_c2
        rate = learning_rate / root_c2
        g *= rate * (1.0 - mu) / (1.0 - product)
        g /= scratch
        p -= g
        np.divide(mean, scratch, out=g)
        g *= rate * (1.0 - self.beta1) * mu_next / (1.0 - product * mu_next)
        p -= g

    def _momentum(self, step: int) -> float:
        return momentum_of(self.beta1, self.momentum_decay, step)

    def _begin_step(self) -> None:
        """Multiply mu_1 to mu_t: the product follows from t, and so is no part of the state."""
        if self._n_factors > self.steps:
            self._product, self._n_factors = 1.0, 0
        while self._n_factors < self.steps:
            self._n_factors += 1
            self._product *= self._momentum(self._n_factors)
