"""What is made of a table's columns, and of cells in which there is nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from isolet_nn.config.section import Count, Section
from isolet_nn.errors import short_repr


class _Columns(Section):
    min_frequency: Count = 1
    """Categories of fewer training rows share one feature, also with those never seen."""

    @model_validator(mode="after")
    def _one_use_each(self) -> Self:
        named = [name for key in ("drop", "categorical", "numeric") for name in getattr(self, key)]
        twice = [name for name, uses in Counter(named).items() if uses > 1]
        if twice:
            raise ValueError(f"column {short_repr(twice[0])} is named twice")
        return self


class Columns(_Columns):
    """What is made of the columns that are neither label nor group."""

    drop: list[str | int] = Field(default=[])
    """Columns to leave out, by name or by position from 0 (negative from the end)."""
    categorical: list[str | int] = Field(default=[])
    """Columns whose cells are names, whatever they look like: a feature for each name."""
    numeric: list[str | int] = Field(default=[])
    """Columns whose cells are numbers; each that is none is an error."""


class NamedColumns(_Columns):
    """What is made of the columns that are neither label nor group."""

    drop: list[str] = Field(default=[])
    """Names of columns to leave out."""
    categorical: list[str] = Field(default=[])
    """Names of columns whose cells are names, whatever they look like: a feature for each."""
    numeric: list[str] = Field(default=[])
    """Names of columns whose cells are numbers."""


class ConstantNumber(Section):
    """One number for all that is missing."""

    constant: float
    """The number."""


class ConstantCategory(Section):
    """One category for all that is missing."""

    constant: Annotated[str, Field(min_length=1)]
    """The category; one that no column has yet is added where training rows need it."""


A_WORD, ONE_CONSTANT, BY_KIND = "a word", "a constant", "by kind"
"""Tags of what may fill missing cells, so that a problem is told of the one that was meant."""


def _filling_kind(value: object) -> str:
    if isinstance(value, ConstantNumber | ConstantCategory):
        return ONE_CONSTANT
    if isinstance(value, MissingByKind):
        return BY_KIND
    if not isinstance(value, Mapping):
        return A_WORD
    return ONE_CONSTANT if "constant" in value else BY_KIND


def _fill_of_one_kind(value: object) -> str:
    is_constant = isinstance(value, Mapping | ConstantNumber | ConstantCategory)
    return ONE_CONSTANT if is_constant else A_WORD


NumericFilling = Annotated[
    Annotated[Literal["error", "mean", "median", "most_frequent"], Tag(A_WORD)]
    | Annotated[ConstantNumber, Tag(ONE_CONSTANT)],
    Discriminator(_fill_of_one_kind),
]
CategoricalFilling = Annotated[
    Annotated[Literal["error", "most_frequent"], Tag(A_WORD)]
    | Annotated[ConstantCategory, Tag(ONE_CONSTANT)],
    Discriminator(_fill_of_one_kind),
]


class MissingByKind(Section):
    """What takes the place of a missing cell, by kind of column."""

    numeric: NumericFilling = "error"
    """Of numbers: mean, median or most_frequent of the training rows, or {constant: 0}."""
    categorical: CategoricalFilling = "error"
    """Of categories: most_frequent of the training rows, or {constant: unknown}."""


Missing = Annotated[
    Annotated[Literal["error", "mean", "median", "most_frequent"], Tag(A_WORD)]
    | Annotated[MissingByKind, Tag(BY_KIND)]
    | Annotated[ConstantNumber, Tag(ONE_CONSTANT)],
    Discriminator(_filling_kind),
]


def by_kind(missing: Missing) -> MissingByKind:
    """Written out for each kind: what fills numbers lets categories take the most frequent."""
    if isinstance(missing, MissingByKind):
        return missing
    categorical: CategoricalFilling = "error" if missing == "error" else "most_frequent"
    return MissingByKind(numeric=missing, categorical=categorical)
