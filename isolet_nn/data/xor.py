"""Exclusive or: the four points, to train on and to test."""

from __future__ import annotations

import numpy as np

from isolet_nn.config.datasets import XorDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset

_OUTLINE = DatasetInfo("xor", "exclusive or, four points", "built in", True, 4, 4, 4, 2, ("0", "1"))


def load(_: XorDataset) -> RawDataset:
    """The four points; there is nothing to choose."""
    parsed = ParsedData(
        {"x": np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)},
        {"y": [0, 1, 1, 0], "classes": ["0", "1"]},
    )
    rows = np.arange(4)
    return RawDataset(
        name="xor",
        stored=parsed.arrays["x"],
        y=np.array(parsed.facts["y"], dtype=np.int64),
        classes=tuple(parsed.facts["classes"]),
        test_rows=rows,
        train_rows=rows,
        checksum=cache.with_checksums(parsed).checksum,
        source="built in",
    )


KIND = DatasetKind(load, lambda: [_OUTLINE], lambda config: with_data(_OUTLINE, load(config)))
