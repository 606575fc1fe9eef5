"""How numbers are standardised: by what all rows are like, or the rows of each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from isolet_nn.config.section import Count, NonNegative, Section

MOST_COPIES = 1000


class ShrinkageWeights(Section):
    """Weights of the training groups in a group's statistics, as numbers of rows."""

    mean: NonNegative = 5.0
    """In its means: of n rows, n / (n + mean) is the group's own."""
    deviation: NonNegative = 30.0
    """In its deviations, likewise (of variances)."""


class ByGroup(Section):
    """Standardise the rows of each group by the group's own means and deviations."""

    by: str
    shrinkage: NonNegative | ShrinkageWeights = ShrinkageWeights()
    """How many rows the training groups count for where a group has few of its own."""
    subset: Annotated[list[Count], Field(min_length=2, max_length=2)] | None = None
    """In training, use statistics of so few rows of a group, drawn between two numbers: [3, 52]."""
    copies: Annotated[int, Field(ge=1, le=MOST_COPIES)] = 8
    """How often rows are drawn for `subset`; epochs take these drawings in turn."""

    @property
    def weights(self) -> ShrinkageWeights:
        """The weights of the training groups, written out."""
        if isinstance(self.shrinkage, ShrinkageWeights):
            return self.shrinkage
        return ShrinkageWeights(mean=self.shrinkage, deviation=self.shrinkage)

    @field_validator("subset")
    @classmethod
    def _from_few_to_many(cls, value: list[int] | None) -> list[int] | None:
        if value is not None and value[0] > value[1]:
            raise ValueError(f"found {value}; the first is the smaller number of rows")
        return value


class BySpeaker(ByGroup):
    """Standardise each speaker's rows by that speaker's own: {by: speaker}."""

    by: Literal["speaker"]
    """Whose own statistics are used: another task than the standard one, and named so."""


class ByColumn(ByGroup):
    """Standardise each group's rows by that group's own: {by: group}."""

    by: Literal["group"]
    """Whose own statistics are used, dataset.group's: another task, and results are named so."""


FOR_ALL, FOR_EACH = "for all", "for each group"


def _kind(value: object) -> str:
    return FOR_EACH if isinstance(value, ByGroup | Mapping) else FOR_ALL


_ForAll = Annotated[Literal[True, False, "global"], Tag(FOR_ALL)]
SpeakerStandardization = Annotated[
    _ForAll | Annotated[BySpeaker, Tag(FOR_EACH)], Discriminator(_kind)
]
GroupStandardization = Annotated[_ForAll | Annotated[ByColumn, Tag(FOR_EACH)], Discriminator(_kind)]
