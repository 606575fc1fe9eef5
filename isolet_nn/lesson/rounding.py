"""Numbers as a page holds them."""

from __future__ import annotations

from typing import Any

import numpy as np


def significant(numbers: Any, digits: int) -> Any:
    """A number, or nested lists of numbers, rounded to so many significant digits."""
    if np.ndim(numbers):
        return [significant(part, digits) for part in numbers]
    return float(f"{float(numbers):.{digits}g}")
