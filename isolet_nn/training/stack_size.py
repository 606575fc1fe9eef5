"""How many networks are computed by one batched product, whatever the number that is trained.

On a GPU the bits of a product depend on how many networks are in it, and on nothing else of its
neighbours. So that number follows from the experiment's own config and data alone: it is the same
for one training and for every sweep. A stack is computed in chunks of that size, the last of which
is filled up with copies that nobody reads. On the processor each network is computed by itself.
"""

from __future__ import annotations

MOST = 32
"""Networks of a chunk at the most: more make no product faster."""
LEAST = 8
"""Where fewer would do, each network is computed alone: it keeps the device busy by itself."""
STEP_SECONDS = 1.3e-4
"""What a step of a full chunk may take: about as much again as the launches of a step."""
PRODUCTS_PER_SECOND = 2e13
"""Operations of float32 in small batched products."""
BYTES_PER_SECOND = 2e12
"""That an optimizer's passes come to."""
_BYTES_A_PARAMETER = 80
"""Read and written by a step of Adam."""


def stack_size(n_parameters: int, batch_size: int, *, on_gpu: bool) -> int:
    """Networks of a chunk: a power of two; 1 where networks are so wide that padding would cost.

    Bits on a GPU depend on the constants, which are estimates for an H100: they give the 3.5
    microseconds of 617-64-26 and a batch of 128 that stacks of 32 and 256 took on an H200.

    Parameters
    ----------
    n_parameters
        Of one network.
    batch_size
        Rows of a step.
    on_gpu
        Whether products are batched.
    """
    if not on_gpu:
        return 1
    products = 6.0 * batch_size * n_parameters  # two operations each, forwards and backwards
    traffic = _BYTES_A_PARAMETER * n_parameters
    seconds = products / PRODUCTS_PER_SECOND + traffic / BYTES_PER_SECOND
    size = MOST
    while size >= LEAST and size * seconds > STEP_SECONDS:
        size //= 2
    return size if size >= LEAST else 1
