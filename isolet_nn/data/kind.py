"""What the file of a data set has to offer: how it is read, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np

from isolet_nn.config.section import Section
from isolet_nn.data.raw import RawDataset

ConfigT = TypeVar("ConfigT", bound=Section)


@dataclass(frozen=True)
class DatasetKind(Generic[ConfigT]):
    """A data set, or several that are read alike.

    Attributes
    ----------
    load
        Reads it; raises as `isolet_nn.data.load_raw`.
    outlines
        What can be said without reading or downloading anything, for each name that an experiment
        can give.
    describe
        All facts; reads it, and raises as `load`, except that content other than expected is no
        error but the verdict.
    """

    load: Callable[[ConfigT], RawDataset]
    outlines: Callable[[], Sequence[DatasetInfo]]
    describe: Callable[[ConfigT], DatasetInfo]


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


def with_data(outline: DatasetInfo, raw: RawDataset, **more: Any) -> DatasetInfo:
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
        features=raw.n_columns,
        classes=raw.classes,
        group_name=raw.group_name,
        groups=None if raw.groups is None else len(np.unique(raw.groups)),
        checksum=raw.checksum,
        **more,
    )
