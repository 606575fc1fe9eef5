"""Products cut into blocks: right everywhere, and with the same bits for any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import in_full
from threadpoolctl import threadpool_limits

from isolet_nn.nn import initializers, optimizers
from isolet_nn.nn.network import Network, Shape
from isolet_nn.nn.pool import Pool
from isolet_nn.nn.products import (
    CUT_OPERATIONS,
    MOST_BLOCKS,
    MOST_SMALL_BLOCKS,
    SMALL_PRODUCT,
    blocks,
    matmul,
    matmul_gradient,
    small_blocks,
)

lengths = st.integers(1, 700)


@settings(max_examples=25)
@given(rows=st.integers(1, 5000), inner=st.integers(1, 5000), columns=st.integers(1, 5000))
def test_blocks_cover_a_result_once_and_are_large_and_few(
    rows: int, inner: int, columns: int
) -> None:
    covered = np.zeros((rows, columns), np.int8)
    cuts = blocks(rows, inner, columns)
    for of_rows, of_columns in cuts:
        covered[of_rows, of_columns] += 1
    assert (covered == 1).all()
    assert len(cuts) <= MOST_BLOCKS
    assert len(cuts) == 1 or 2 * rows * inner * columns >= CUT_OPERATIONS


@settings(max_examples=25)
@given(rows=st.integers(1, 3000), inner=st.integers(1, 300), columns=st.integers(1, 300))
def test_small_blocks_cover_a_gradient_once_and_are_few_and_small(
    rows: int, inner: int, columns: int
) -> None:
    cuts = small_blocks(rows, inner, columns)
    covered = np.concatenate([np.arange(rows)[cut] for cut in cuts])
    assert np.array_equal(covered, np.arange(rows))
    assert len(cuts) <= MOST_SMALL_BLOCKS
    if len(cuts) > 1:
        assert rows * inner * columns > SMALL_PRODUCT
        assert max(cut.stop - cut.start for cut in cuts) * inner * columns <= SMALL_PRODUCT


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    networks=st.integers(1, 3),
    rows=lengths,
    inner=lengths,
    columns=lengths,
    dtype=st.sampled_from([np.float32, np.float64]),
    shared=st.booleans(),
    transposed=st.booleans(),
)
def test_a_product_has_the_same_bits_for_any_number_of_threads_and_each_network_alone(
    seed: int,
    networks: int,
    rows: int,
    inner: int,
    columns: int,
    dtype: type,
    shared: bool,
    transposed: bool,
) -> None:
    random = np.random.default_rng(seed)
    a: Any = random.standard_normal((1 if shared else networks, rows, inner), np.float32)
    a = a.astype(dtype)
    b: Any = random.standard_normal((networks, columns, inner), np.float32).astype(dtype)
    b = b.transpose(0, 2, 1) if transposed else b.reshape(networks, inner, columns)
    results: Any = np.full((4, networks, rows, columns), np.nan, dtype)
    alone: Any = np.empty((1, rows, columns), dtype)
    with threadpool_limits(1):
        for threads, result in enumerate(results, 1):
            matmul(a, b, result, Pool(threads))
            assert np.array_equal(result, results[0])
        matmul(a[-1:], b[-1:], alone, Pool(2))
    assert np.allclose(results[0], np.matmul(a, b), rtol=1e-3, atol=1e-3)
    assert np.array_equal(alone[0], results[0, -1])


@pytest.mark.parametrize(("inputs", "batch", "outputs"), [(617, 128, 16), (617, 16, 300)])
def test_a_gradient_in_small_blocks_has_the_same_bits_for_any_threads_and_each_network_alone(
    inputs: int, batch: int, outputs: int
) -> None:
    assert len(small_blocks(inputs, batch, outputs)) > 1
    random = np.random.default_rng(0)
    x: Any = random.standard_normal((1, batch, inputs), np.float32).transpose(0, 2, 1)
    gradient: Any = random.standard_normal((20, batch, outputs), np.float32)
    results: Any = np.full((3, 20, inputs, outputs), np.nan, np.float32)
    alone: Any = np.empty((1, inputs, outputs), np.float32)
    with threadpool_limits(1):
        for threads, result in enumerate(results, 1):
            matmul_gradient(x, gradient, result, Pool(threads))
            assert np.array_equal(result, results[0])
        matmul_gradient(x, gradient[-1:], alone, Pool())
    assert np.allclose(results[0], np.matmul(x, gradient), rtol=1e-3, atol=1e-3)
    assert np.array_equal(alone[0], results[0, -1])


def trained_parameters(
    layer_sizes: tuple[int, ...], networks: int, batch: int, dtype: type, threads: int
) -> bytes:
    """The bits of a stack after three steps, the last of them on fewer rows."""
    pool = Pool(threads)
    stack = Network(
        Shape(layer_sizes), networks=networks, batch_size=batch, dtype=dtype, pool=pool, dropout=0.3
    )
    stack.initialize(initializers.he, [np.random.default_rng(k) for k in range(networks)])
    stack.seed_steps([np.random.default_rng(k) for k in range(networks)])
    random = np.random.default_rng(9)
    x: Any = random.standard_normal((1, batch, layer_sizes[0])).astype(dtype)
    labels = random.integers(0, layer_sizes[-1], (networks, batch))
    adams = [optimizers.Adam(*of) for of in zip(stack.parameters, stack.gradients, strict=True)]
    for adam in adams:
        adam.share(pool)
    for rows in (batch, batch, batch // 2 + 1):
        stack.compute_gradients(x[:, :rows], labels[:, :rows])
        for adam in adams:
            adam.step(0.01)
    return stack.variables.tobytes() + stack.logits(x[0]).tobytes()


CASES: list[tuple[tuple[int, ...], int, int, type]] = [
    ((617, 1024, 26), 1, 64, np.float32),
    ((617, 530, 26), 2, 65, np.float32),
    ((617, 512, 300, 26), 1, 63, np.float64),
    ((90, 33, 7), 3, 1500, np.float32),
    ((617, 128, 26), 4, 128, np.float32),
    ((617, 16, 26), 14, 128, np.float32),
    ((13, 5, 2), 3, 1, np.float32),
]


def require_equal_bits() -> None:
    for case in CASES:
        expected = trained_parameters(*case, 1)
        for threads in in_full([2, 3], [2, 3, 4]):
            assert trained_parameters(*case, threads) == expected, (case, threads)


@pytest.mark.parametrize("kernels", in_full(["Haswell"], ["", "Haswell"]))
def test_training_has_the_same_bits_for_any_number_of_threads_with_any_kernels(
    kernels: str,
) -> None:
    """OpenBLAS's kernels for AVX2 round at the edges of blocks otherwise than within them."""
    code = (
        "from threadpoolctl import threadpool_limits\n"
        "from nn.test_products import require_equal_bits\n"
        "with threadpool_limits(1):\n"
        "    require_equal_bits()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    if kernels:
        environment["OPENBLAS_CORETYPE"] = kernels
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_training_has_the_same_bits_for_any_number_of_threads() -> None:
    with threadpool_limits(1):
        require_equal_bits()
