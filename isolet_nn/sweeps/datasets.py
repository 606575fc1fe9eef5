"""Data sets for workers: written once, memory-mapped by every process, checked when first read.

A data set travels as plain arrays with a SHA-256 over their bytes; nothing is pickled to disk.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import canonical
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.errors import DataError, RunError
from isolet_nn.system.files import write_array, write_json
from isolet_nn.system.folders import read_json

Arrays = dict[str, NDArray[Any]]
_SPLITS = ("train", "validation", "test", "varied")
_META = "meta.json"
_DATASETS_KEPT = 2


@dataclass(frozen=True, eq=False)
class PackedDataset:
    """A data set as arrays and JSON, with a checksum over both."""

    arrays: Arrays
    meta: dict[str, Any]
    checksum: str

    @property
    def n_bytes(self) -> int:
        """Size of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())

    def unpack(self) -> Dataset:
        """The data set, after checking that it is what was packed.

        Raises
        ------
        DataError
            If the checksum does not fit.
        """
        found = _checksum(self.arrays, self.meta)
        if found != self.checksum:
            raise DataError(
                f"the data set was damaged on its way to the worker: checksum {found}, "
                f"sent {self.checksum}"
            )
        group_names = self.meta["group_names"]
        train, validation, test, varied = (self._split(name) for name in _SPLITS)
        assert train is not None, "every data set has a training part"
        assert test is not None, "and a test part"
        return Dataset(
            name=self.meta["name"],
            classes=tuple(self.meta["classes"]),
            train=train,
            validation=validation,
            test=test,
            preprocessing=Preprocessing.from_json(self.meta["preprocessing"]),
            checksum=self.meta["checksum"],
            group_name=self.meta["group_name"],
            group_names=None if group_names is None else tuple(group_names),
            varied=varied,
        )

    def _split(self, name: str) -> Split | None:
        if f"{name}.x" not in self.arrays:
            return None
        groups = self.arrays.get(f"{name}.groups")
        return Split(self.arrays[f"{name}.x"], self.arrays[f"{name}.y"], groups)

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` an array into `folder`, the description last."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self.arrays.items():
            write_array(folder / f"{name}.npy", array)
        content = {
            "meta": self.meta,
            "checksum": self.checksum,
            "arrays": list(self.arrays),
        }
        write_json(folder / _META, content)

    @classmethod
    def open(cls, folder: Path) -> PackedDataset:
        """Memory-map what `save` wrote.

        Copy on write: pages are shared, and PyTorch does not complain that it must not write.
        """
        content = read_json(folder / _META)
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
            for name in content["arrays"]
        }
        return cls(arrays, content["meta"], content["checksum"])


def pack(dataset: Dataset) -> PackedDataset:
    """Take a data set apart into arrays and JSON."""
    arrays: Arrays = {}
    for name in _SPLITS:
        split: Split | None = getattr(dataset, name)
        if split is not None:
            arrays[f"{name}.x"] = split.x
            arrays[f"{name}.y"] = split.y
            if split.groups is not None:
                arrays[f"{name}.groups"] = split.groups
    meta = {
        "name": dataset.name,
        "classes": list(dataset.classes),
        "checksum": dataset.checksum,
        "group_name": dataset.group_name,
        "group_names": dataset.group_names,
        "preprocessing": dataset.preprocessing.to_json(),
    }
    return PackedDataset(arrays, meta, _checksum(arrays, meta))


def _checksum(arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class DataSize:
    """What the cost of a training depends on."""

    n_rows: int
    """Rows of the training part."""
    n_features: int
    n_classes: int


def splits_depend_on_seed(dataset: DatasetConfig) -> bool:
    """Whether different seeds split the data differently."""
    draws = dataset.validation != "none" or not dataset.has_own_test
    return draws and dataset.split_seed is None


def data_depends_on_seed(dataset: DatasetConfig) -> bool:
    """Whether different seeds split the data differently, or draw other subsets of groups."""
    subsets = dataset.by_group is not None and dataset.by_group.subset is not None
    return splits_depend_on_seed(dataset) or (subsets and dataset.split_seed is None)


def data_key(experiment: Experiment) -> str:
    """Equal for experiments that see the same rows in the same splits, preprocessed the same.

    One that does not evaluate the test part does not see it.
    """
    seed = experiment.seed if data_depends_on_seed(experiment.dataset) else None
    dataset = experiment.dataset.model_dump(mode="json")
    training = experiment.training
    return canonical([dataset, seed, training.dtype, training.evaluate_test])


def _no_rows(split: Split) -> Split:
    """A split without its rows: what is not to be read is not there to read."""
    groups = None if split.groups is None else split.groups[:0].copy()
    return Split(split.x[:0].copy(), split.y[:0].copy(), groups)


class DataSource:
    """The data sets of a sweep, in the process that runs it; keeps the last two in memory."""

    def __init__(self) -> None:
        self._datasets: OrderedDict[str, Dataset] = OrderedDict()
        self._sizes: dict[str, DataSize] = {}
        self._checksums: dict[str, str] = {}

    def dataset(self, experiment: Experiment) -> Dataset:
        """The data set of an experiment."""
        key = data_key(experiment)
        if key not in self._datasets:
            while len(self._datasets) >= _DATASETS_KEPT:
                self._datasets.popitem(last=False)
            dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
            self._require_unchanged(experiment, dataset)
            if not experiment.training.evaluate_test:
                dataset = replace(dataset, test=_no_rows(dataset.test))
            self._datasets[key] = dataset
        return self._datasets[key]

    def _require_unchanged(self, experiment: Experiment, dataset: Dataset) -> None:
        section = canonical(experiment.dataset.model_dump(mode="json"))
        if self._checksums.setdefault(section, dataset.checksum) != dataset.checksum:
            raise RunError(
                f"{dataset.name}: the data changed while the sweep was running; what was done "
                "before is kept"
            )

    def size(self, experiment: Experiment) -> DataSize:
        """The size of an experiment's data; seeds hardly change it and are not told apart."""
        key = canonical(experiment.dataset.model_dump(mode="json"))
        if key not in self._sizes:
            dataset = self.dataset(experiment)
            self._sizes[key] = DataSize(len(dataset.train.y), dataset.n_features, dataset.n_classes)
        return self._sizes[key]

    def pack(self, experiment: Experiment) -> PackedDataset:
        """An experiment's data set for sending."""
        return pack(self.dataset(experiment))
