"""What data sets there are, where they lie and whether they are what they claim to be.

This module returns facts for people and programs; it prints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from isolet_nn.config.datasets import (
    BundledDataset,
    CsvDataset,
    DatasetConfig,
    IsoletDataset,
    OpenmlDataset,
    XorDataset,
)
from isolet_nn.data import isolet, load_raw
from isolet_nn.data.isolet_files import N_FEATURES, N_TEST, N_TRAIN
from isolet_nn.data.raw import RawDataset
from isolet_nn.errors import DataError

ISOLET_CITATION = (
    "Cole, R. and Fanty, M. (1994). ISOLET [data set]. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C51G69"
)


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about a data set; `dataclasses.asdict` makes JSON of them.

    Attributes
    ----------
    name, description
        What an experiment calls it, and what it is.
    source
        Where it lies, or how it would come.
    available
        Whether it can be used without downloading or naming anything.
    rows, train_rows, test_rows
        Numbers of rows; None where they are not known before reading, or drawn by the experiment.
    features
        Number of features.
    classes
        Names of the classes.
    group_name, groups
        What rows belong to ("speaker"), and how many of these there are.
    checksum
        SHA-256 of the content in the order it is read.
    part_checksums
        Checksum of each part, whatever the order of its rows (ISOLET).
    verdict
        Whether the content is what it should be, in words.
    licence, citation
        Under what terms it may be used, and whom to cite.
    """

    name: str
    description: str
    source: str
    available: bool
    rows: int | None = None
    train_rows: int | None = None
    test_rows: int | None = None
    features: int | None = None
    classes: tuple[str, ...] | None = None
    group_name: str | None = None
    groups: int | None = None
    checksum: str | None = None
    part_checksums: dict[str, str] = field(default_factory=dict)
    verdict: str | None = None
    licence: str | None = None
    citation: str | None = None


_BUNDLED: dict[str, dict[str, Any]] = {
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


def describe_all() -> list[DatasetInfo]:
    """One entry for every name an experiment can give, without reading or downloading anything."""
    return [
        _isolet_outline(IsoletDataset(name="isolet")),
        *(_bundled_outline(name) for name in _BUNDLED),
        _xor_outline(),
        DatasetInfo("csv", "any table in a text file", "the file dataset.path names", False),
        DatasetInfo(
            "openml",
            "any table of openml.org",
            "dataset.data_id or data_name; downloads on first use",
            False,
        ),
    ]


def describe(config: DatasetConfig) -> DatasetInfo:
    """All facts about one data set; reads it.

    Raises
    ------
    DataError
        If there is data that cannot be read.
    DownloadError
        If a data set of OpenML cannot be fetched.
    """
    match config:
        case IsoletDataset():
            return _describe_isolet(config)
        case BundledDataset():
            return _with_data(_bundled_outline(config.name), load_raw(config))
        case XorDataset():
            return _with_data(_xor_outline(), load_raw(config))
        case CsvDataset():
            outline = DatasetInfo("csv", "a table in a text file", config.path, True)
            return _with_data(outline, load_raw(config))
        case OpenmlDataset():
            raw = load_raw(config)
            outline = DatasetInfo("openml", "a table of openml.org", raw.source, True)
            return _with_data(outline, raw)


def fetch(config: DatasetConfig) -> DatasetInfo:
    """Get a data set onto this machine, parsed and checked, and describe it.

    Raises
    ------
    DataError
        If it is malformed, or not what it claims to be.
    DownloadError
        If it cannot be downloaded.
    """
    load_raw(config)
    return describe(config)


def _bundled_outline(name: str) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        source="comes with scikit-learn",
        available=True,
        licence="CC BY 4.0 (copy of scikit-learn, BSD 3-Clause)",
        **_BUNDLED[name],
    )


def _xor_outline() -> DatasetInfo:
    return DatasetInfo("xor", "exclusive or, four points", "built in", True, 4, 4, 4, 2, ("0", "1"))


def _isolet_outline(config: IsoletDataset) -> DatasetInfo:
    try:
        source, available = str(isolet.locate(config.dir)), True
    except DataError as error:
        source, available = str(error), False
    return DatasetInfo(
        name="isolet",
        description="spoken letters A to Z: 617 acoustic features, 150 speakers",
        source=source,
        available=available,
        rows=N_TRAIN + N_TEST,
        train_rows=N_TRAIN,
        test_rows=N_TEST,
        features=N_FEATURES,
        classes=isolet.CLASSES,
        group_name="speaker",
        groups=150,
        licence="CC BY 4.0",
        citation=ISOLET_CITATION,
    )


def _describe_isolet(config: IsoletDataset) -> DatasetInfo:
    outline = _isolet_outline(config)
    source = isolet.locate(config.dir)
    parsed = isolet.read(source)
    speakers = "speakers" in parsed.arrays
    if not isolet.is_genuine(parsed):
        verdict = f"not ISOLET: {isolet.explain_mismatch(source)}"
    elif speakers:
        verdict = "genuine: the content and the speakers are those of ISOLET"
    else:
        verdict = "genuine content, but not in the archive's order: speakers cannot be told"
    unchecked = config.model_copy(update={"verify": False, "validation": "none"})
    return _with_data(
        outline,
        isolet.load(unchecked),
        part_checksums=dict(parsed.facts["checksums"]),
        verdict=verdict,
    )


def _with_data(outline: DatasetInfo, raw: RawDataset, **more: Any) -> DatasetInfo:
    """The outline with what the data itself says."""
    n, n_test = len(raw.y), None if raw.test_rows is None else len(raw.test_rows)
    fixed_train = n if raw.train_rows is None else len(raw.train_rows)
    if raw.train_rows is None and n_test is not None:
        fixed_train = n - n_test
    return replace(
        outline,
        rows=n,
        train_rows=None if n_test is None else fixed_train,
        test_rows=n_test,
        features=raw.n_features,
        classes=raw.classes,
        group_name=raw.group_name,
        groups=None if raw.groups is None else len(np.unique(raw.groups)),
        checksum=raw.checksum,
        **more,
    )
