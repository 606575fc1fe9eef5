"""Four small data sets that come with scikit-learn.

They are kept in the cache too, because reading them there is faster than importing scikit-learn.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np

from isolet_nn.config.datasets import BundledDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import Column

_FACTS: dict[str, dict[str, Any]] = {
    "digits": {
        "description": "handwritten digits, 8 x 8 pixels",
        "rows": 1797,
        "features": 64,
        "classes": tuple("0123456789"),
        "citation": "Alpaydin, E. and Kaynak, C. (1998). Optical Recognition of Handwritten "
        "Digits [data set]. UCI Machine Learning Repository. https://doi.org/10.24432/C50P49",
    },
    "iris": {
        "description": "measurements of three species of iris",
        "rows": 150,
        "features": 4,
        "classes": ("setosa", "versicolor", "virginica"),
        "citation": "Fisher, R. A. (1936). Iris [data set]. UCI Machine Learning Repository. "
        "https://doi.org/10.24432/C56C76",
    },
    "wine": {
        "description": "chemical analysis of wines from three cultivars",
        "rows": 178,
        "features": 13,
        "classes": ("class_0", "class_1", "class_2"),
        "citation": "Aeberhard, S. and Forina, M. (1992). Wine [data set]. UCI Machine Learning "
        "Repository. https://doi.org/10.24432/C5PC7J",
    },
    "breast_cancer": {
        "description": "measurements of cell nuclei, malignant or benign",
        "rows": 569,
        "features": 30,
        "classes": ("malignant", "benign"),
        "citation": "Wolberg, W., Mangasarian, O., Street, N. and Street, W. (1993). Breast Cancer "
        "Wisconsin (Diagnostic) [data set]. UCI Machine Learning Repository. "
        "https://doi.org/10.24432/C5DW2B",
    },
}


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
        checksum=parsed.checksum,
        source=f"scikit-learn's {name}",
        columns=tuple(map(Column, parsed.facts["features"])),
    )


def _read(name: str) -> ParsedData:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    arrays = {
        "x": np.asarray(bunch.data, dtype=np.float64),
        "y": np.asarray(bunch.target, dtype=np.int64),
    }
    facts = {
        "classes": [str(label) for label in bunch.target_names],
        "features": [str(feature) for feature in bunch.feature_names],
    }
    return ParsedData(arrays, facts)


def _outline(name: str) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        source="comes with scikit-learn",
        available=True,
        licence="CC BY 4.0 (copy of scikit-learn, BSD 3-Clause)",
        **_FACTS[name],
    )


def _describe(config: BundledDataset) -> DatasetInfo:
    return with_data(_outline(config.name), load(config))


KIND = DatasetKind(load, lambda: [*map(_outline, _FACTS)], _describe)
