"""Numbers as a page holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def significant(values: NDArray[np.floating[Any]], digits: int) -> list[Any]:
    """Nested lists of numbers rounded to so many significant digits."""
    if values.ndim > 1:
        return [significant(part, digits) for part in values]
    return [float(f"{value:.{digits}g}") for value in values.tolist()]
