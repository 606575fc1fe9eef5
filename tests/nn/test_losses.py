"""Softmax with cross-entropy: gradient, extreme logits, and PyTorch's and SciPy's values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import needs_torch
from numpy.typing import NDArray

from isolet_nn.nn.losses import SoftmaxCrossEntropy, softmax
from nn.gradients import TOLERANCE, central_differences, relative_error

seeds = st.integers(0, 2**32 - 1)
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
smoothings = st.sampled_from([0.0, 0.1, 0.5])


@given(
    seed=seeds,
    k=st.integers(1, 4),
    batch=st.integers(1, 7),
    spare=st.integers(0, 3),
    classes=st.integers(2, 8),
    smoothing=smoothings,
    is_blended=st.booleans(),
    is_weighted=st.booleans(),
)
def test_gradient_equals_central_differences(
    seed: int,
    k: int,
    batch: int,
    spare: int,
    classes: int,
    smoothing: float,
    is_blended: bool,
    is_weighted: bool,
) -> None:
    random = np.random.default_rng(seed)
    loss = SoftmaxCrossEntropy(k, batch + spare, classes, F64, smoothing)
    logits = 2.0 * random.standard_normal((k, batch, classes))
    labels, others = random.integers(0, classes, (2, k, batch))
    blend = (others, random.uniform(0.5, 1.0, (k, 1, 1))) if is_blended else (None, None)
    weights = random.choice([0.0, 0.3, 1.0, 2.7], (2, k, batch)) if is_weighted else (None, None)

    def mean_losses() -> NDArray[np.float64]:
        loss.forward_backward(logits.copy(), labels, *blend, *weights)
        return loss.loss_sums / batch

    gradient = loss.forward_backward(logits.copy(), labels, *blend, *weights).copy()
    assert relative_error(gradient, central_differences(mean_losses, logits)) < TOLERANCE


@needs_torch
@given(
    seed=seeds,
    batch=st.integers(1, 20),
    classes=st.integers(2, 30),
    scale=st.sampled_from([0.0, 1.0, 100.0]),
    smoothing=smoothings,
    is_weighted=st.booleans(),
)
def test_loss_and_gradient_are_those_of_pytorch(
    seed: int, batch: int, classes: int, scale: float, smoothing: float, is_weighted: bool
) -> None:
    import torch

    random = np.random.default_rng(seed)
    logits = scale * random.standard_normal((1, batch, classes))
    labels = random.integers(0, classes, (1, batch))
    theirs = torch.tensor(logits[0], requires_grad=True)
    weights = random.uniform(0.0, 3.0, (1, batch)) if is_weighted else None
    losses = torch.nn.functional.cross_entropy(
        theirs, torch.from_numpy(labels[0]), label_smoothing=smoothing, reduction="none"
    )
    value = (losses * torch.from_numpy(np.ones(batch) if weights is None else weights[0])).mean()
    value.backward()  # type: ignore[no-untyped-call]
    assert theirs.grad is not None
    loss = SoftmaxCrossEntropy(1, batch, classes, F64, smoothing)
    gradient = loss.forward_backward(logits, labels, weights=weights)
    assert np.isclose(loss.loss_sums[0] / batch, value.item(), rtol=1e-12, atol=1e-12)
    assert np.allclose(gradient[0], theirs.grad.numpy(), rtol=1e-12, atol=1e-14)


@given(
    seed=seeds,
    k=st.integers(1, 3),
    batch=st.integers(1, 9),
    spare=st.integers(0, 2),
    classes=st.integers(2, 9),
    special=st.sampled_from(["none", "ties", "no numbers"]),
)
def test_hits_are_the_rows_whose_first_largest_logit_is_that_of_their_class(
    seed: int, k: int, batch: int, spare: int, classes: int, special: str
) -> None:
    random = np.random.default_rng(seed)
    logits = random.standard_normal((k, batch, classes))
    if special != "none":
        logits = np.round(logits)
    if special == "no numbers":
        logits[random.random(logits.shape) < 0.1] = random.choice([np.nan, np.inf])
    labels = random.integers(0, classes, (k, batch))
    expected = (logits.argmax(axis=2) == labels).sum(axis=1)
    loss = SoftmaxCrossEntropy(k, batch + spare, classes, F64)
    with np.errstate(invalid="ignore"):
        loss.forward_backward(logits, labels)
    assert np.array_equal(loss.correct, expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@given(seed=seeds)
def test_logits_of_ten_thousand_are_no_trouble_in_float32(smoothing: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.choice([-1e4, -1.0, 0.0, 1e4], (1, 30, 5)).astype(np.float32)
    labels = random.integers(0, 5, (1, 30))
    logarithms = scipy.special.log_softmax(logits[0].astype(np.float64), axis=1)
    targets = np.full((30, 5), smoothing / 5)
    targets[np.arange(30), labels[0]] += 1 - smoothing
    loss = SoftmaxCrossEntropy(1, 30, 5, F32, smoothing)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient = loss.forward_backward(logits.copy(), labels)
    assert np.isclose(loss.loss_sums[0], -(targets * logarithms).sum(), rtol=1e-6)
    expected = (np.exp(logarithms) - targets) / 30
    assert np.allclose(gradient[0], expected, rtol=1e-5, atol=1e-8)


@given(seed=seeds, scale=st.sampled_from([1.0, 1e4]))
def test_softmax_is_that_of_scipy_for_any_leading_shape(seed: int, scale: float) -> None:
    logits = scale * np.random.default_rng(seed).standard_normal((2, 3, 5))
    assert np.allclose(softmax(logits), scipy.special.softmax(logits, axis=-1), rtol=1e-12)
    assert np.allclose(softmax(logits[0, 0]), scipy.special.softmax(logits[0, 0]), rtol=1e-12)


def test_huge_logits_have_probabilities() -> None:
    largest = np.finfo(np.float32).max
    assert softmax(np.array([-largest, largest], np.float32)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", [F32, F64])
def test_probabilities_too_small_to_be_squared_are_0_in_the_gradient_and_change_no_loss(
    dtype: np.dtype[np.floating],
) -> None:
    least = np.finfo(dtype).tiny
    z = np.linspace(0.0, 1.2 * np.log(least), 200, dtype=dtype).reshape(1, 1, 200)
    loss = SoftmaxCrossEntropy(1, 1, 200, dtype)
    labels = np.full((1, 1), 150)
    gradient = loss.forward_backward(z.copy(), labels).ravel()
    expected = scipy.special.softmax(z.astype(np.float64)).ravel()
    expected[150] -= 1.0
    small = np.abs(expected) < 0.99 * np.sqrt(least)
    large = np.abs(expected) > 1.01 * np.sqrt(least)
    assert small.any()
    assert (gradient[small] == 0.0).all()
    assert np.allclose(gradient[large], expected[large], rtol=1e-4, atol=0.0)
    assert loss.loss_sums[0] == pytest.approx(scipy.special.logsumexp(z) - z[0, 0, 150], rel=1e-6)


@settings(max_examples=25)
@given(seed=seeds, dtype=st.sampled_from([F32, F64]), neighbour=st.sampled_from([-2.0, np.nan]))
def test_what_is_negligible_in_one_network_or_no_number_changes_no_bit_of_another(
    seed: int, dtype: np.dtype[np.floating], neighbour: float
) -> None:
    random = np.random.default_rng(seed)
    limit = np.log(np.finfo(dtype).tiny) / 2
    logits = np.zeros((2, 3, 4), dtype)
    logits[0, :, 1] = limit + random.uniform(-3.0, 3.0)  # at the limit, divided by the sum or not
    logits[1, :, 1] = neighbour * abs(limit)
    labels = np.zeros((2, 3), np.int64)
    alone = SoftmaxCrossEntropy(1, 3, 4, dtype).forward_backward(logits[:1].copy(), labels[:1])
    with np.errstate(invalid="ignore"):
        stacked = SoftmaxCrossEntropy(2, 3, 4, dtype).forward_backward(logits.copy(), labels)
    assert np.array_equal(stacked[0], alone[0])
    probabilities = np.abs(3.0 * alone)[:, :, 1:]
    assert ((probabilities == 0.0) | (probabilities >= 0.99 * np.exp(limit))).all()
