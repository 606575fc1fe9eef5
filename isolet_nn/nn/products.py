"""Matrix products of a stack, cut into blocks that threads can share.

What a sum of floating-point numbers comes to depends on how the linear algebra goes about it, and
that on the size of the product. So a product is cut by its shape alone, and in the same way by one
thread: the number of threads, and the other networks of a stack, change no bit.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.nn.pool import Pool

FloatArray = NDArray[np.floating[Any]]

CUT_OPERATIONS = 2**25
"""Multiplications and additions from which on a product is cut in two, about 0.3 ms of a core.

Measured on two cores of a virtual machine (Intel Xeon, AVX-512), where a sleeping thread begins
after 0.03 to 0.06 ms. A step of 617-512-26 with batches of 64, whose products are just above it,
takes 0.83 times as long with two threads and 1.02 times with one; of smaller ones two threads make
nothing faster. With four blocks in place of two 617-1024-26 took 1.05 times as long.
"""
MOST_BLOCKS = 8
SMALL_PRODUCT = 100**3
"""Multiplications up to which OpenBLAS computes a product without copying its factors first.

It does on processors with AVX-512. Measured on the same machine: a gradient that is cut into two or
three blocks below it takes 0.65 to 0.95 times as long, with the same bits; with more blocks nothing
is gained, nor with products that multiply by transposed weights. With the kernels for AVX2 it takes
1.05 times as long.
"""
MOST_SMALL_BLOCKS = 3
_MULTIPLE = 32
"""Blocks begin at multiples of this, as the linear algebra works on tiles of up to 32."""
_SMALL_MULTIPLE = 16
"""The same for small blocks."""

Part = tuple[slice, slice, slice]
"""Networks, rows and columns of a result."""


def matmul(a: FloatArray, b: FloatArray, out: FloatArray, pool: Pool) -> None:
    """The products of a (K or 1, rows, inner) and b (K, inner, columns) into `out`."""
    networks, rows, columns = out.shape
    parts = _parts(networks, rows, a.shape[2], columns, pool.threads)
    if len(parts) == 1:
        np.matmul(a, b, out=out)
        return
    pool.run(
        partial(
            np.matmul,
            a[k if len(a) > 1 else slice(None), of_rows],
            b[k, :, of_columns],
            out=out[k, of_rows, of_columns],
        )
        for k, of_rows, of_columns in parts
    )


def matmul_gradient(a: FloatArray, b: FloatArray, out: FloatArray, pool: Pool) -> None:
    """The same for the gradient of weights, where a is a transposed array."""
    for of_rows in small_blocks(out.shape[1], a.shape[2], out.shape[2]):
        matmul(a[:, of_rows], b, out[:, of_rows], pool)


@lru_cache(maxsize=1024)
def small_blocks(rows: int, inner: int, columns: int) -> list[slice]:
    """Rows of the small blocks in which a gradient is computed; all rows where it is not cut."""
    longest = SMALL_PRODUCT // (inner * columns) // _SMALL_MULTIPLE * _SMALL_MULTIPLE
    if rows <= longest or MOST_SMALL_BLOCKS * longest < rows:
        return [slice(None)]
    count = -(-rows // longest)
    size = -(-rows // (count * _SMALL_MULTIPLE)) * _SMALL_MULTIPLE
    return [slice(start, start + size) for start in range(0, rows, size)]


def blocks(rows: int, inner: int, columns: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the blocks in which a product is computed: of its shape alone.

    It is cut along its rows where there are many, whose results lie side by side, else along its
    columns; in twice as many blocks where there are four times the operations.
    """
    along_rows = 2 * rows >= columns
    length = rows if along_rows else columns
    count, whole = 1, slice(None)
    while count < MOST_BLOCKS and 2 * rows * inner * columns >= CUT_OPERATIONS * count**2:
        count *= 2
    if count == 1:
        return [(whole, whole)]
    size = -(-length // (count * _MULTIPLE)) * _MULTIPLE
    cuts = [slice(start, start + size) for start in range(0, length, size)]
    return [(cut, whole) if along_rows else (whole, cut) for cut in cuts]


@lru_cache(maxsize=1024)
def _parts(networks: int, rows: int, inner: int, columns: int, threads: int) -> list[Part]:
    """The blocks of a stack's products; several threads also share its networks."""
    operations = 2 * rows * inner * columns
    together = networks  # networks of a part; each is a product of its own all the same
    if threads > 1 and networks * operations >= CUT_OPERATIONS:
        together = min(networks, max(1, CUT_OPERATIONS // (2 * operations)))
    return [
        (slice(start, start + together), of_rows, of_columns)
        for start in range(0, networks, together)
        for of_rows, of_columns in blocks(rows, inner, columns)
    ]
