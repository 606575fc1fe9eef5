"""Activation functions of the hidden layers, applied in place.

Where it can be, the derivative is written with the output a = f(z) alone, so z need not be kept
(G is a gate, r the root of 2):

==============  ==================================  ==================================
``relu``        f(z) = max(z, 0)                    f' = 1 if a > 0 else 0
``leaky_relu``  f(z) = max(z, s z), 0 <= s <= 1     f' = 1 if a > 0 else s
``elu``         f(z) = z if z > 0 else c (e^z - 1)  f' = 1 if a > 0 else c e^z
``sigmoid``     f(z) = 1 / (1 + e^-z)               f' = a (1 - a)
``tanh``        f(z) = tanh z                       f' = 1 - a^2
``silu``        f(z) = z G, G = 1 / (1 + e^-z)      f' = G + a (1 - G)
``gelu``        f(z) = z G, G = (1 + erf(z/r)) / 2  f' = G + z e^(-z^2 / 2) / (r pi^(1/2))
==============  ==================================  ==================================

(Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.3. Leaky ReLU: Maas, Hannun and
Ng, 2013; ELU: Clevert, Unterthiner and Hochreiter, 2016; SiLU: Elfwing, Uchibe and Doya, 2018;
GELU: Hendrycks and Gimpel, 2016, in its exact form.)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from isolet_nn.nn.layers import FloatArray, Layer


class Activation(Layer, ABC):
    """An elementwise function as a layer; it works in the memory of the layer before it.

    Parameters
    ----------
    shape
        Networks, largest batch of a training step, and units.
    dtype
        float32 or float64.
    """

    n_kept: ClassVar[int] = 0
    """Arrays of z's size that `apply` fills for `multiply_derivative`, or works in."""
    _a: FloatArray
    _kept_of_batch: FloatArray

    def __init__(self, shape: tuple[int, int, int], dtype: DTypeLike) -> None:
        self._kept: FloatArray = np.empty((self.n_kept, *shape), dtype)

    @abstractmethod
    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        """Replace z by f(z), any shape; `kept` is (n_kept, *shape of z)."""

    @abstractmethod
    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        """Multiply `gradient` by f', given a = f(z); in place, `a` and `kept` are overwritten."""

    def forward(self, x: FloatArray) -> FloatArray:
        self._a = x
        self._kept_of_batch = self._kept[:, :, : x.shape[1]]
        self.apply(x, self._kept_of_batch)
        return x

    def backward(self, gradient: FloatArray) -> FloatArray:
        self.multiply_derivative(gradient, self._a, self._kept_of_batch)
        return gradient

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        self.apply(x, np.empty((self.n_kept, *x.shape), x.dtype))
        return x


class ReLU(Activation):
    """Rectified linear unit; the derivative at 0 is taken as 0, as PyTorch does."""

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        np.maximum(z, 0.0, out=z)

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        np.greater(a, 0.0, out=a, casting="unsafe")  # 0 or 1 as a float; faster than a mask
        gradient *= a


class LeakyReLU(Activation):
    """Rectified linear unit that lets a share s of what is negative through.

    Parameters
    ----------
    negative_slope
        The share s, from 0 to 1; also the derivative at 0, as PyTorch has it.
    """

    n_kept = 1

    def __init__(
        self, shape: tuple[int, int, int], dtype: DTypeLike, *, negative_slope: float = 0.01
    ) -> None:
        super().__init__(shape, dtype)
        self.negative_slope = negative_slope

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        (scratch,) = kept
        np.multiply(z, self.negative_slope, out=scratch)
        np.maximum(z, scratch, out=z)

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        np.greater(a, 0.0, out=a, casting="unsafe")
        np.maximum(a, self.negative_slope, out=a)
        gradient *= a


class ELU(Activation):
    """Exponential linear unit, which tends to -alpha (the c of the table) on the left.

    Parameters
    ----------
    alpha
        Above 0; also the derivative at 0, as PyTorch has it.
    """

    n_kept = 1

    def __init__(
        self, shape: tuple[int, int, int], dtype: DTypeLike, *, alpha: float = 1.0
    ) -> None:
        super().__init__(shape, dtype)
        self.alpha = alpha

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        (below,) = kept  # alpha (e^z - 1) left of 0, and 0 right of it
        np.minimum(z, 0.0, out=below)
        np.expm1(below, out=below)
        below *= self.alpha
        np.maximum(z, 0.0, out=z)
        z += below

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        (below,) = kept
        if self.alpha == 1.0:
            below += 1.0  # e^z left of 0, and 1 right of it
        else:
            np.greater(a, 0.0, out=a, casting="unsafe")
            below += a  # so that the 1 right of 0 is exact, however large alpha is
            a -= 1.0
            a *= self.alpha
            below -= a
        gradient *= below


class Sigmoid(Activation):
    """Logistic function, computed as (1 + tanh(z / 2)) / 2, which cannot overflow."""

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        z *= 0.5
        np.tanh(z, out=z)
        z += 1.0
        z *= 0.5

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        gradient *= a  # a (1 - a) in two factors: a is needed before it is overwritten
        np.subtract(1.0, a, out=a)
        gradient *= a


class Tanh(Activation):
    """Hyperbolic tangent."""

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        np.tanh(z, out=z)

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        np.square(a, out=a)
        np.subtract(1.0, a, out=a)
        gradient *= a


class SiLU(Activation):
    """Sigmoid linear unit (also swish): z times a gate G, which is the logistic function of z."""

    n_kept = 1

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        (gate,) = kept
        np.multiply(z, 0.5, out=gate)  # from here as Sigmoid
        np.tanh(gate, out=gate)
        gate += 1.0
        gate *= 0.5
        z *= gate

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        (gate,) = kept
        # G + a (1 - G) = 1 - (1 - G) (1 - a), which needs no third array.
        np.subtract(1.0, gate, out=gate)
        np.subtract(1.0, a, out=a)
        gate *= a
        np.subtract(1.0, gate, out=gate)
        gradient *= gate


class GELU(Activation):
    """Gaussian error linear unit: z times a gate G, the distribution function of N(0, 1) at z."""

    n_kept = 2

    def apply(self, z: FloatArray, kept: FloatArray) -> None:
        from scipy.special import erf  # NumPy has none

        inputs, gate = kept
        inputs[...] = z
        np.multiply(z, math.sqrt(0.5), out=gate)
        erf(gate, out=gate)
        gate += 1.0
        gate *= 0.5
        z *= gate

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray, kept: FloatArray) -> None:
        inputs, gate = kept
        np.square(inputs, out=a)
        a *= -0.5
        np.exp(a, out=a)
        a *= inputs
        a *= 1.0 / math.sqrt(2.0 * math.pi)
        gate += a
        gradient *= gate
