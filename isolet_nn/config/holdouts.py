"""Parts of the rows that are held out: a share of them, or one fold of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from isolet_nn.config.bounds import MOST
from isolet_nn.config.section import Folds, Fraction, Section


class Holdout(Section):
    """A share held out."""

    fraction: Fraction
    """Share that is held out: of the rows, or of what is kept together."""
    by: str = "rows"


class Fold(Section):
    """One fold of a cross-validation held out."""

    folds: Folds
    """Folds that the rows are divided into, as equal in size as can be; each row is in one."""
    fold: Annotated[int, Field(ge=0, lt=MOST)]
    """Which of them is held out, counted from 0; one seed divides the same for all of them."""
    repeat: Annotated[int, Field(ge=0, lt=MOST)] = 0
    """Which division into folds: each repeat deals the rows anew."""
    by: str = "rows"

    @field_validator("fold")
    @classmethod
    def _is_one_of_the_folds(cls, value: int, info: ValidationInfo) -> int:
        folds = info.data.get("folds")
        if folds is not None and value >= folds:
            raise ValueError(f"found {value}; with folds: {folds} there are 0 to {folds - 1}")
        return value


class _ByRow(Section):
    by: Literal["rows"] = "rows"
    """What is kept together: nothing, rows are drawn one by one within each class."""


class _BySpeaker(Section):
    by: Literal["rows", "speaker"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a speaker."""


class _ByGroup(Section):
    by: Literal["rows", "group"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a group."""


class RowHoldout(_ByRow, Holdout):
    """A share held out by rows, stratified by class, as {fraction: 0.1}."""


class SpeakerHoldout(_BySpeaker, Holdout):
    """A share held out by rows, or with all rows of a speaker: {fraction: 0.2, by: speaker}."""


class GroupHoldout(_ByGroup, Holdout):
    """A share held out by rows, or with all rows of a group: {fraction: 0.2, by: group}."""


class RowFold(_ByRow, Fold):
    """One fold of a cross-validation by rows, stratified by class, as {folds: 5, fold: 0}."""


class SpeakerFold(_BySpeaker, Fold):
    """One fold of a cross-validation by rows, or by speakers: {folds: 5, fold: 0, by: speaker}."""


class GroupFold(_ByGroup, Fold):
    """One fold of a cross-validation by rows, or by groups: {folds: 5, fold: 0, by: group}."""


# Tags are no keys of the file, so that they can be told from keys in pydantic's error locations.
SHARE, ONE_FOLD = "a share", "one fold"


def _holdout_kind(value: object) -> str:
    if isinstance(value, str):
        return "none"
    is_fold = isinstance(value, Fold) or (isinstance(value, Mapping) and says_fold(value))
    return ONE_FOLD if is_fold else SHARE


def says_fold(section: Mapping[str, Any]) -> bool:
    """Whether a held-out part, as in a file, is meant to be a fold."""
    return "folds" in section or "fold" in section


RowTest = Annotated[
    Annotated[RowHoldout, Tag(SHARE)] | Annotated[RowFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
GroupTest = Annotated[
    Annotated[GroupHoldout, Tag(SHARE)] | Annotated[GroupFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
_NoHoldout = Annotated[Literal["none"], Tag("none")]
RowValidation = Annotated[
    _NoHoldout | Annotated[RowHoldout, Tag(SHARE)] | Annotated[RowFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
SpeakerValidation = Annotated[
    _NoHoldout | Annotated[SpeakerHoldout, Tag(SHARE)] | Annotated[SpeakerFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
GroupValidation = Annotated[
    _NoHoldout | Annotated[GroupHoldout, Tag(SHARE)] | Annotated[GroupFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
