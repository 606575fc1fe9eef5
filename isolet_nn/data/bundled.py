"""Four small data sets that come with scikit-learn, and exclusive or.

They are kept in the cache too, because reading them there is faster than importing scikit-learn.
"""

from __future__ import annotations

from importlib import metadata

import numpy as np

from isolet_nn.config.datasets import BundledDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.raw import RawDataset


def load(config: BundledDataset) -> RawDataset:
    """One of scikit-learn's data sets; class names are strings, the test part is drawn later."""
    name = config.name
    version = metadata.version("scikit-learn")
    parsed = cache.get_or_build(name, [name], [version], lambda: _read(name))
    return RawDataset(
        name=name,
        stored=parsed.arrays["x"],
        y=parsed.arrays["y"],
        classes=tuple(parsed.facts["classes"]),
        groups=None,
        group_name=None,
        test_rows=None,
        checksum=parsed.checksum,
        source=f"scikit-learn's {name}",
    )


def _read(name: str) -> ParsedData:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    arrays = {
        "x": np.asarray(bunch.data, dtype=np.float64),
        "y": np.asarray(bunch.target, dtype=np.int64),
    }
    return ParsedData(arrays, {"classes": [str(label) for label in bunch.target_names]})


def xor() -> RawDataset:
    """Exclusive or: the four points, to train on and to test."""
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
        groups=None,
        group_name=None,
        test_rows=rows,
        train_rows=rows,
        checksum=cache.with_checksums(parsed).checksum,
        source="built in",
    )
