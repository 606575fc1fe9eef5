"""Softmax and categorical cross-entropy, differentiated together.

For logits z, target distribution t (rows sum to 1) and a batch of B rows::

    L  = 1/B sum_rows ( logsumexp(z) - sum_classes t z )
    dL/dz = (softmax(z) - t) / B

with logsumexp(z) = m + log sum e^(z - m), m = max z, so nothing overflows and nothing is clipped
(Bishop, Pattern Recognition and Machine Learning, 2006, eq. 4.108 and 4.109). Label smoothing
with share s (Szegedy et al., 2016, section 7) is t = (1 - s) onehot + s / classes. Where mixup
blends two rows, t is the same blend of theirs.

Where rows have weights w, each row's part is multiplied by its own::

    L  = 1/B sum_rows w ( logsumexp(z) - sum_classes t z )
    dL/dz = (w softmax(z) - w t) / B

The sum is divided by the rows of the batch, not by their weights as PyTorch's CrossEntropyLoss
with `weight` does: with weights whose mean over all rows is 1, a batch's gradient is then on
average that of the weighted mean over all rows, however the weights fall into batches, and a batch
of weights 0 is no division by zero. Of two rows that mixup blends, each brings its own weight:
w t is the blend of theirs, and w the blend of the weights.

A probability below the root of the smallest normal number (1e-19 in float32) counts as 0 in the
gradient. Its square would be no normal number any more, and with such numbers processors compute
many times more slowly: networks that are certain of their training rows took 3 times as long.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


class SoftmaxCrossEntropy:
    """Loss, gradient and hits of K networks on a batch.

    Parameters
    ----------
    networks, batch_size, classes
        Size of the stack, largest batch, number of classes.
    dtype
        Number type of the logits.
    label_smoothing
        Share of the target probability that is spread evenly over all classes.

    Attributes
    ----------
    loss_sums : (K,) float64
        Sums over the rows (not means) of the last batch's losses, weights included.
    correct : (K,) int64
        Rows of the last batch whose largest logit is that of their class.
    """

    def __init__(
        self,
        networks: int,
        batch_size: int,
        classes: int,
        dtype: np.dtype[Any],
        label_smoothing: float = 0.0,
    ) -> None:
        self.loss_sums = np.zeros(networks)
        self.correct = np.zeros(networks, np.int64)
        # Row c is the target distribution of class c.
        self._targets_of_class = np.full((classes, classes), label_smoothing / classes, dtype)
        self._targets_of_class[np.diag_indices(classes)] += 1.0 - label_smoothing
        self._targets = np.empty((networks, batch_size, classes), dtype)
        self._weights = np.empty((networks, batch_size, 1), dtype)
        self._products = np.empty((networks, batch_size, classes), dtype)
        self._by_class = np.empty((networks, classes, batch_size), dtype)
        self._largest = np.empty((networks, 1, batch_size), dtype)
        self._column = np.empty((networks, batch_size, 1), dtype)
        self._inverse = np.empty((networks, batch_size, 1), dtype)
        self._losses = np.empty((networks, batch_size, 1), dtype)
        self._ones = np.ones((classes, 1), dtype)
        self._negligible = math.sqrt(np.finfo(dtype).tiny)
        # Where z - m is below the first, e^(z - m) is negligible; where none is below the second,
        # no e^(z - m) / sum is, as the sum is `classes` at most.
        self._floor = math.log(self._negligible) - 1.0
        self._none_below = math.log(self._negligible) + math.log(classes) + 1.0
        self._predicted = np.empty((networks, batch_size), np.int64)
        self._is_largest = np.empty((networks, batch_size, classes), np.bool_)
        rows = np.arange(networks * batch_size).reshape(networks, batch_size)
        self._row_starts = rows * classes  # of `_is_largest`, flat
        self._own = np.empty((networks, batch_size), np.int64)
        self._hits = np.empty((networks, batch_size), np.bool_)

    def forward_backward(
        self,
        logits: FloatArray,
        labels: NDArray[np.int64],
        others: NDArray[np.int64] | None = None,
        shares: FloatArray | None = None,
        weights: FloatArray | None = None,
        weights_of_others: FloatArray | None = None,
    ) -> FloatArray:
        """Compute `loss_sums` and `correct`, and replace the logits by their gradient.

        Parameters
        ----------
        logits
            (K, batch, classes); overwritten.
        labels
            (K, batch) class indices.
        others, shares
            Where rows are blends: the classes (K, batch) of the rows blended in, and the shares
            (K, 1, 1) that `labels` keep.
        weights, weights_of_others
            Where rows have weights: theirs (K, batch), and those of the rows blended in.

        Returns
        -------
        The gradient of the mean loss, (K, batch, classes), in the memory of `logits`.
        """
        batch = logits.shape[1]
        targets, products = self._targets[:, :batch], self._products[:, :batch]
        column, losses = self._column[:, :batch], self._losses[:, :batch]
        inverse = self._inverse[:, :batch]

        self._targets_of_class.take(labels, axis=0, out=targets, mode="clip")
        row_weights = None
        if weights is not None:
            row_weights = self._weights[:, :batch]
            row_weights[...] = weights[:, :, np.newaxis]
            targets *= row_weights
        if others is not None and shares is not None:
            np.take(self._targets_of_class, others, axis=0, out=products, mode="clip")
            if row_weights is not None and weights_of_others is not None:
                products *= weights_of_others[:, :, np.newaxis]
                _blend(row_weights, weights_of_others[:, :, np.newaxis], shares)
            _blend(targets, products, shares)
        # From here on `logits` turns from z into z - m, e^(z - m), softmax(z) and the gradient.

        # Over classes NumPy reduces slowly row by row: the maximum is taken of a transposed copy,
        # and sums are products with ones.
        by_class, largest = self._by_class[:, :, :batch], self._largest[:, :, :batch]
        np.copyto(by_class, logits.transpose(0, 2, 1))
        np.maximum.reduce(by_class, axis=1, keepdims=True, out=largest)
        logits -= largest.transpose(0, 2, 1)  # z - m
        least = logits.min()
        self._count_hits(logits, by_class, labels, are_numbers=least == least)
        np.multiply(targets, logits, out=products)
        # sum t (z - m), to be subtracted from log sum e^(z - m): m goes out, as t sums to 1
        # (and w t to the w that the logarithm is multiplied by).
        np.matmul(products, self._ones, out=losses)
        # Asked of the whole stack, and so that the answer changes no network that has none: one
        # whose logits are no numbers says yes.
        may_be_negligible = not least >= self._none_below
        if may_be_negligible:
            np.maximum(logits, self._floor, out=logits)
        np.exp(logits, out=logits)
        np.matmul(logits, self._ones, out=column)
        np.divide(1.0, column, out=inverse)
        logits *= inverse  # softmax(z)
        if may_be_negligible:
            np.greater(logits, self._negligible, out=products, casting="unsafe")
            logits *= products
        np.log(column, out=column)
        if row_weights is not None:
            column *= row_weights
            logits *= row_weights
        np.subtract(column, losses, out=losses)
        np.add.reduce(losses[:, :, 0], axis=1, dtype=np.float64, out=self.loss_sums)

        logits -= targets
        logits /= batch  # (softmax(z) - t) / B
        return logits

    def _count_hits(
        self,
        differences: FloatArray,
        by_class: FloatArray,
        labels: NDArray[np.int64],
        *,
        are_numbers: bool,
    ) -> None:
        """Fill `correct`, given z - m (K, batch, classes) and z (K, classes, batch).

        Every row of numbers has a difference of 0. Only where some have two, or are no numbers,
        the first largest logit of each is looked for, which takes ten times as long.
        """
        batch = labels.shape[1]
        hits, is_largest = self._hits[:, :batch], self._is_largest[:, :batch]
        np.equal(differences, 0.0, out=is_largest)
        if are_numbers and np.count_nonzero(is_largest) == labels.size:
            own = self._own[:, :batch]
            np.add(self._row_starts[:, :batch], labels, out=own)
            self._is_largest.take(own, out=hits, mode="clip")
        else:
            predicted = self._predicted[:, :batch]
            by_class.argmax(axis=1, out=predicted)
            np.equal(predicted, labels, out=hits)
        np.add.reduce(hits, axis=1, out=self.correct)


def _blend(own: FloatArray, others: FloatArray, shares: FloatArray) -> None:
    """Replace `own` by l own + (1 - l) others, as l (own - others) + others: in no other memory."""
    own -= others
    own *= shares
    own += others


def softmax(logits: FloatArray) -> FloatArray:
    """Class probabilities: e^z / sum e^z over the last axis, any leading shape."""
    with np.errstate(over="ignore"):  # of huge logits, the least are 0 as they should be
        exponentials: FloatArray = np.exp(logits - logits.max(axis=-1, keepdims=True))
    exponentials /= exponentials.sum(axis=-1, keepdims=True)
    return exponentials
