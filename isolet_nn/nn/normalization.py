"""Batch normalisation (Ioffe and Szegedy, 2015), defined as in torch.nn.BatchNorm1d.

For one unit and a batch of B rows, with scale and shift learned and e = 1e-5::

    mean = sum z / B                    variance = sum (z - mean)^2 / B
    n = (z - mean) / sqrt(variance + e)
    y = scale n + shift

    backward, given dy
    dshift = sum dy                     dscale = sum dy n
    dz = scale / sqrt(variance + e) (dy - dshift / B - n dscale / B)

Evaluation takes running statistics instead, which every training step moves by m = 0.1::

    running_mean = (1 - m) running_mean + m mean
    running_variance = (1 - m) running_variance + m variance B / (B - 1)
"""

from __future__ import annotations

import numpy as np

from isolet_nn.nn.layers import FloatArray, Layer

EPSILON = 1e-5
MOMENTUM = 0.1


class BatchNormalization(Layer):
    """Batch normalisation of K layers; it works in the memory of the layer before it.

    A batch needs two rows at least: the variance of one is not defined.

    Parameters
    ----------
    scale, shift
        (K, units): views into the parameter buffer of the stack.
    scale_gradients, shift_gradients
        Views of the same shape into the gradient buffer; `backward` fills them.
    running_mean, running_variance
        (K, units): views into the statistics of the stack.
    batch_size
        Largest batch of a training step.
    """

    _output: FloatArray

    def __init__(
        self,
        scale: FloatArray,
        shift: FloatArray,
        scale_gradients: FloatArray,
        shift_gradients: FloatArray,
        running_mean: FloatArray,
        running_variance: FloatArray,
        *,
        batch_size: int,
    ) -> None:
        networks, units = scale.shape
        self.scale, self.shift = scale, shift
        self.scale_gradients, self.shift_gradients = scale_gradients, shift_gradients
        self.running_mean, self.running_variance = running_mean, running_variance
        self._normalized = np.empty((networks, batch_size, units), scale.dtype)
        self._mean = np.empty((networks, units), scale.dtype)
        self._variance = np.empty_like(self._mean)
        self._inverse = np.empty_like(self._mean)

    def forward(self, x: FloatArray) -> FloatArray:
        batch = x.shape[1]
        n = self._normalized[:, :batch]
        mean, variance, inverse = self._mean, self._variance, self._inverse
        np.add.reduce(x, axis=1, out=mean)
        mean /= batch
        # Squares of differences, not the difference of squares, which would cancel.
        x -= _of_rows(mean)
        np.square(x, out=n)
        np.add.reduce(n, axis=1, out=variance)
        variance /= batch
        np.add(variance, EPSILON, out=inverse)  # 1 / sqrt(variance + e), kept for `backward`
        np.sqrt(inverse, out=inverse)
        np.divide(1.0, inverse, out=inverse)
        np.multiply(x, _of_rows(inverse), out=n)
        np.multiply(n, _of_rows(self.scale), out=x)  # n itself is needed by `backward`
        x += _of_rows(self.shift)
        variance *= batch / (batch - 1)  # running: the unbiased one, as PyTorch keeps it
        _follow(self.running_mean, mean)
        _follow(self.running_variance, variance)
        self._output = x
        return x

    def backward(self, gradient: FloatArray) -> FloatArray:
        batch = gradient.shape[1]
        n = self._normalized[:, :batch]
        products = self._output  # whose content nobody needs any more
        np.add.reduce(gradient, axis=1, out=self.shift_gradients)
        np.multiply(gradient, n, out=products)
        np.add.reduce(products, axis=1, out=self.scale_gradients)
        # dz = scale / sqrt(variance + e) (dy - dshift / B - n dscale / B), from the inside out.
        row = self._mean  # free until the next step
        np.divide(self.shift_gradients, batch, out=row)
        gradient -= _of_rows(row)
        np.divide(self.scale_gradients, batch, out=row)
        n *= _of_rows(row)
        gradient -= n
        np.multiply(self.scale, self._inverse, out=row)
        gradient *= _of_rows(row)
        return gradient

    def evaluate(self, x: FloatArray, networks: slice) -> FloatArray:
        inverse = 1.0 / np.sqrt(self.running_variance[networks] + EPSILON)
        x -= _of_rows(self.running_mean[networks])
        x *= _of_rows(inverse * self.scale[networks])
        x += _of_rows(self.shift[networks])
        return x


def _of_rows(values: FloatArray) -> FloatArray:
    """Values of each unit (K, units) as they apply to every row: (K, 1, units)."""
    return values[:, np.newaxis]


def _follow(running: FloatArray, value: FloatArray) -> None:
    """Move a running statistic towards the batch's, which is overwritten."""
    value *= MOMENTUM
    running *= 1.0 - MOMENTUM
    running += value
