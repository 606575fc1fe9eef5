"""What a sweep folder keeps as JSON, as models that are checked when it is read back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from isolet_nn.config.metrics import Metric, TestMetric, ValidationMetric
from isolet_nn.runs.records import Record, Seconds, Summary, Whole


class MeanScoreRecord(Record):
    """A mean over trials, their standard deviation (None for a single one), and its interval."""

    mean: float
    deviation: Seconds | None
    low: float | None = None
    high: float | None = None


class RankedSetting(Record):
    """One of a sweep's best settings."""

    setting: dict[str, JsonValue]
    n: Whole
    scores: dict[Metric, MeanScoreRecord]
    means: dict[Metric, float] = Field(default={})
    adapted_to: str | None = None
    """Whose own rows standardise them, where they do: another task than without."""


class ChosenSettingRecord(Record):
    """A setting that outer folds were scored with, and how many were."""

    setting: dict[str, JsonValue]
    n: Whole


class NestedScoreRecord(Record):
    """What a nested cross-validation found."""

    score: Metric
    chosen_by: Metric
    n: Whole
    mean: float
    deviation: Seconds | None
    low: float | None
    high: float | None
    choices: list[ChosenSettingRecord]
    unread: list[str]


class SweepSummary(Summary):
    """summary.json of a sweep."""

    trials: Whole
    completed: Whole
    failed: Whole
    pending: Whole
    reused: Whole = 0
    """Of the completed ones, those that were taken over from earlier sweeps and runs."""
    pruned: Whole = 0
    """Of a search."""
    ranked_by: ValidationMetric | TestMetric
    best: list[RankedSetting]
    nested: NestedScoreRecord | None = None
    """Of a nested cross-validation, once an outer fold is scored."""


class JournalHeader(Record):
    """The first line of a journal: what the results after it depend on."""

    format: Literal[1]
    identity: str
    """SHA-256 of sweep, data and version."""
    sweep: dict[str, JsonValue]
    data: list[str]
    version: str
    processor: str | None
    """None where workers are not on this machine."""
