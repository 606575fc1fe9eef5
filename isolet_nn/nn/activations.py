"""Activation functions of the hidden layers, applied in place.

Each derivative is written with the output a = f(z) alone, so z need not be kept:

===========  =======================  ======================
``relu``     f(z) = max(z, 0)         f' = 1 if a > 0 else 0
``sigmoid``  f(z) = 1 / (1 + e^-z)    f' = a (1 - a)
``tanh``     f(z) = tanh z            f' = 1 - a^2
===========  =======================  ======================

(Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.3.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from isolet_nn.nn.layers import FloatArray, Layer


class Activation(Layer, ABC):
    """An elementwise function as a layer; it works in the memory of the layer before it."""

    _a: FloatArray

    @abstractmethod
    def apply(self, z: FloatArray) -> None:
        """Replace z by f(z), any shape."""

    @abstractmethod
    def multiply_derivative(self, gradient: FloatArray, a: FloatArray) -> None:
        """Multiply `gradient` by f', given a = f(z); both in place, a is overwritten."""

    def forward(self, x: FloatArray) -> FloatArray:
        self.apply(x)
        self._a = x
        return x

    def backward(self, gradient: FloatArray) -> FloatArray:
        self.multiply_derivative(gradient, self._a)
        return gradient

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        self.apply(x)
        return x


class ReLU(Activation):
    """Rectified linear unit; the derivative at 0 is taken as 0, as PyTorch does."""

    def apply(self, z: FloatArray) -> None:
        np.maximum(z, 0.0, out=z)

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray) -> None:
        np.greater(a, 0.0, out=a, casting="unsafe")  # 0 or 1 as a float; faster than a mask
        gradient *= a


class Sigmoid(Activation):
    """Logistic function, computed as (1 + tanh(z / 2)) / 2, which cannot overflow."""

    def apply(self, z: FloatArray) -> None:
        z *= 0.5
        np.tanh(z, out=z)
        z += 1.0
        z *= 0.5

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray) -> None:
        gradient *= a  # a (1 - a) in two factors: a is needed before it is overwritten
        np.subtract(1.0, a, out=a)
        gradient *= a


class Tanh(Activation):
    """Hyperbolic tangent."""

    def apply(self, z: FloatArray) -> None:
        np.tanh(z, out=z)

    def multiply_derivative(self, gradient: FloatArray, a: FloatArray) -> None:
        np.square(a, out=a)
        np.subtract(1.0, a, out=a)
        gradient *= a
