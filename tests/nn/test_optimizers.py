"""Optimizers against torch.optim, step by step, and their independence of the block size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import needs_torch
from numpy.typing import NDArray

from isolet_nn.nn import adam_variants, optimizers
from isolet_nn.nn.adam_variants import NAdam, RAdam
from isolet_nn.nn.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

STEPS = 100
TOLERANCE = 1e-10
seeds = st.integers(0, 2**32 - 1)
decays = st.sampled_from([0.0, 0.01, 0.3])
rates = st.floats(1e-4, 0.1)
betas = st.sampled_from([0.0, 0.5, 0.9, 0.999])
# With 0 a step's size would not depend on the gradient: where that changes sign, rounding decides.
betas_of_squares = st.sampled_from([0.5, 0.9, 0.999])
Maker = Callable[[NDArray[Any], NDArray[Any]], Optimizer]


def largest_difference(
    seed: int,
    make: Maker,
    theirs: str,
    learning_rate: float,
    size: int = 40,
    **options: Any,
) -> float:
    """Largest difference of the parameters after each of 100 steps on random gradients.

    Parameters beyond 1, where some settings push them far, are compared relatively.
    """

    import torch

    random = np.random.default_rng(seed)
    pool = random.standard_normal(2 * size) * (random.random(2 * size) < 0.9)
    parameters = random.standard_normal(size)
    gradients = np.empty(size)
    tensor = torch.tensor(parameters, requires_grad=True)
    ours = make(parameters, gradients)
    reference = getattr(torch.optim, theirs)([tensor], lr=learning_rate, **options)
    scales = 10.0 ** random.uniform(-3, 1, size)
    largest = 0.0
    for _ in range(STEPS):
        start = random.integers(0, size)
        np.multiply(pool[start : start + size], scales, out=gradients)
        tensor.grad = torch.tensor(gradients)
        ours.step(learning_rate)
        reference.step()
        expected = tensor.detach().numpy()
        difference = np.abs(parameters - expected) / np.maximum(1.0, np.abs(expected))
        largest = max(largest, float(difference.max()))
        assert np.isfinite(parameters).all()
    return largest


@contextmanager
def numbers_of_64_bits() -> Iterator[None]:
    """Let PyTorch's NAdam keep the product of its momenta, too, in float64."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@needs_torch
@settings(max_examples=25)
@given(
    seed=seeds,
    rate=rates,
    momentum=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
    nesterov=st.booleans(),
    decay=decays,
)
def test_sgd_steps_as_in_pytorch(
    seed: int, rate: float, momentum: float, nesterov: bool, decay: float
) -> None:
    options: dict[str, Any] = {
        "momentum": momentum,
        "nesterov": nesterov and momentum > 0,
        "weight_decay": decay,
    }
    difference = largest_difference(seed, lambda p, g: SGD(p, g, **options), "SGD", rate, **options)
    assert difference < TOLERANCE


@needs_torch
@settings(max_examples=25)
@given(
    seed=seeds,
    rate=rates,
    slowing=st.sampled_from([0.0, 0.01, 1.0]),
    accumulator=st.sampled_from([0.0, 0.1, 2.0]),
    epsilon=st.sampled_from([1e-10, 1e-3]),
    decay=decays,
)
def test_adagrad_steps_as_in_pytorch(
    seed: int, rate: float, slowing: float, accumulator: float, epsilon: float, decay: float
) -> None:
    def make(p: NDArray[Any], g: NDArray[Any]) -> Optimizer:
        return Adagrad(
            p,
            g,
            learning_rate_decay=slowing,
            initial_accumulator=accumulator,
            epsilon=epsilon,
            weight_decay=decay,
        )

    difference = largest_difference(
        seed,
        make,
        "Adagrad",
        rate,
        lr_decay=slowing,
        initial_accumulator_value=accumulator,
        eps=epsilon,
        weight_decay=decay,
    )
    assert difference < TOLERANCE


@needs_torch
@settings(max_examples=25)
@given(
    seed=seeds,
    rate=st.floats(1e-4, 0.02),
    alpha=betas_of_squares,
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    epsilon=st.sampled_from([1e-8, 1e-3]),
    decay=decays,
)
def test_rmsprop_steps_as_in_pytorch(
    seed: int, rate: float, alpha: float, momentum: float, epsilon: float, decay: float
) -> None:
    def make(p: NDArray[Any], g: NDArray[Any]) -> Optimizer:
        return RMSprop(p, g, alpha=alpha, momentum=momentum, epsilon=epsilon, weight_decay=decay)

    difference = largest_difference(
        seed,
        make,
        "RMSprop",
        rate,
        alpha=alpha,
        momentum=momentum,
        eps=epsilon,
        weight_decay=decay,
    )
    assert difference < TOLERANCE


@needs_torch
@pytest.mark.parametrize(("ours", "theirs"), [(Adam, "Adam"), (AdamW, "AdamW")])
@settings(max_examples=25)
@given(
    seed=seeds,
    rate=rates,
    beta1=betas,
    beta2=betas_of_squares,
    epsilon=st.sampled_from([1e-8, 1e-3]),
    decay=decays,
)
def test_adam_and_adamw_step_as_in_pytorch(
    ours: type[Adam],
    theirs: str,
    seed: int,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    decay: float,
) -> None:
    def make(p: NDArray[Any], g: NDArray[Any]) -> Optimizer:
        return ours(p, g, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=decay)

    difference = largest_difference(
        seed, make, theirs, rate, betas=(beta1, beta2), eps=epsilon, weight_decay=decay
    )
    assert difference < TOLERANCE


@needs_torch
@settings(max_examples=25)
@given(
    name=st.sampled_from(["RAdam", "NAdam"]),
    seed=seeds,
    rate=rates,
    beta1=betas,
    beta2=st.sampled_from([0.5, 0.8, 0.9, 0.999]),
    epsilon=st.sampled_from([1e-8, 1e-3]),
    decay=decays,
    decoupled=st.booleans(),
    momentum_decay=st.sampled_from([0.0, 0.004, 1.0]),
)
def test_radam_and_nadam_step_as_in_pytorch(
    name: str,
    seed: int,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    decay: float,
    decoupled: bool,
    momentum_decay: float,
) -> None:
    kind: Any = getattr(adam_variants, name)
    options: dict[str, Any] = {"weight_decay": decay, "decoupled_weight_decay": decoupled}
    if name == "NAdam":
        options["momentum_decay"] = momentum_decay

    def make(p: NDArray[Any], g: NDArray[Any]) -> Optimizer:
        made: Optimizer = kind(p, g, beta1=beta1, beta2=beta2, epsilon=epsilon, **options)
        return made

    with numbers_of_64_bits():
        difference = largest_difference(
            seed, make, name, rate, betas=(beta1, beta2), eps=epsilon, **options
        )
    assert difference < TOLERANCE


MAKERS: dict[str, Maker] = {
    "sgd": lambda p, g: SGD(p, g, weight_decay=0.01),
    "sgd with momentum": lambda p, g: SGD(p, g, momentum=0.9),
    "sgd with nesterov": lambda p, g: SGD(p, g, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adagrad": lambda p, g: Adagrad(p, g, learning_rate_decay=0.1, initial_accumulator=0.1),
    "rmsprop": lambda p, g: RMSprop(p, g, weight_decay=0.01),
    "rmsprop with momentum": lambda p, g: RMSprop(p, g, momentum=0.5),
    "adam": lambda p, g: Adam(p, g, weight_decay=0.01),
    "adamw": lambda p, g: AdamW(p, g),
    "radam": lambda p, g: RAdam(p, g, weight_decay=0.01),
    "radam, decoupled": lambda p, g: RAdam(
        p, g, beta2=0.9, weight_decay=0.01, decoupled_weight_decay=True
    ),
    "nadam": lambda p, g: NAdam(p, g, weight_decay=0.01),
    "nadam, decoupled": lambda p, g: NAdam(p, g, weight_decay=0.01, decoupled_weight_decay=True),
}
THEIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"weight_decay": 0.01}),
    "sgd with momentum": ("SGD", {"momentum": 0.9}),
    "sgd with nesterov": (
        "SGD",
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "adagrad": ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1}),
    "rmsprop": ("RMSprop", {"weight_decay": 0.01}),
    "rmsprop with momentum": ("RMSprop", {"momentum": 0.5}),
    "adam": ("Adam", {"weight_decay": 0.01}),
    "adamw": ("AdamW", {"weight_decay": 0.01}),
    "radam": ("RAdam", {"weight_decay": 0.01}),
    "radam, decoupled": (
        "RAdam",
        {"betas": (0.9, 0.9), "weight_decay": 0.01, "decoupled_weight_decay": True},
    ),
    "nadam": ("NAdam", {"weight_decay": 0.01}),
    "nadam, decoupled": ("NAdam", {"weight_decay": 0.01, "decoupled_weight_decay": True}),
}


@needs_torch
@pytest.mark.parametrize("name", MAKERS)
def test_parameters_of_more_than_one_block_step_as_in_pytorch(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizers, "BLOCK_BYTES", 4096)
    size = optimizers.BLOCK_BYTES // 8 + 123
    theirs, options = THEIRS[name]
    with numbers_of_64_bits():
        assert largest_difference(5, MAKERS[name], theirs, 0.01, size, **options) < TOLERANCE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MAKERS)
def test_the_block_size_changes_no_bit(
    name: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for block_bytes in (8, 1000, 4096, 128 * 1024):
        monkeypatch.setattr(optimizers, "BLOCK_BYTES", block_bytes)
        random = np.random.default_rng(8)
        parameters: NDArray[Any] = random.standard_normal(1037).astype(dtype)
        gradients = np.empty_like(parameters)
        optimizer = MAKERS[name](parameters, gradients)
        for _ in range(20):
            gradients[...] = random.standard_normal(gradients.size)
            optimizer.step(0.01)
        results.append(np.concatenate([parameters, optimizer.state.ravel()]))
    for result in results[1:]:
        assert np.array_equal(result, results[0])


@pytest.mark.parametrize("name", MAKERS)
def test_state_and_step_count_are_all_that_going_on_needs(name: str) -> None:
    random = np.random.default_rng(2)
    gradients = random.standard_normal((10, 50))
    start = random.standard_normal(50)

    def stepped(optimizer: Optimizer, p: NDArray[Any], g: NDArray[Any], which: range) -> None:
        for step in which:
            g[...] = gradients[step]
            optimizer.step(0.01)

    p, g = start.copy(), np.empty(50)
    undisturbed = MAKERS[name](p, g)
    stepped(undisturbed, p, g, range(10))

    q, h = start.copy(), np.empty(50)
    before = MAKERS[name](q, h)
    stepped(before, q, h, range(4))
    after = MAKERS[name](q, h)
    after.state[...], after.steps = before.state, before.steps
    stepped(after, q, h, range(4, 10))
    assert np.array_equal(p, q)
    assert np.array_equal(undisturbed.state, after.state)
