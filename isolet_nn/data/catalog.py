"""The register of data sets: each is a config model, and a file here that reads and describes it.

What it returns is for people and programs; nothing is printed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from isolet_nn.config.datasets import (
    BundledDataset,
    CsvDataset,
    DatasetConfig,
    IsoletDataset,
    OpenmlDataset,
    PlaneDataset,
    XorDataset,
)
from isolet_nn.config.section import Section
from isolet_nn.data.kind import DatasetInfo, DatasetKind
from isolet_nn.data.raw import RawDataset

KINDS: Final[dict[type[Section], str]] = {
    IsoletDataset: "isolet",
    BundledDataset: "bundled",
    XorDataset: "xor",
    PlaneDataset: "plane",
    CsvDataset: "csv_table",
    OpenmlDataset: "openml",
}
"""By config model: the module that holds its `KIND`."""


def _kind(model: type[Section]) -> DatasetKind[Any]:
    """Import what reads a data set, which is done when it is used: `isolet_nn.data` is cheap."""
    kind: DatasetKind[Any] = import_module(f"isolet_nn.data.{KINDS[model]}").KIND
    return kind


def load_raw(config: DatasetConfig) -> RawDataset:
    """Read a data set without splitting or scaling it; raises as `load_dataset`."""
    return _kind(type(config)).load(config)


def describe_all() -> list[DatasetInfo]:
    """One entry for every name an experiment can give, without reading or downloading anything."""
    return [info for model in KINDS for info in _kind(model).outlines()]


def describe(config: DatasetConfig) -> DatasetInfo:
    """All facts about one data set; reads it.

    Raises
    ------
    DataError
        If there is data that cannot be read.
    DownloadError
        If a data set of OpenML cannot be fetched.
    """
    return _kind(type(config)).describe(config)


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
