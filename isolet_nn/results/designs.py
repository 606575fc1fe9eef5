"""What pairs of scores have in common, on which depends how they are tested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from isolet_nn.config.holdouts import Fold, Holdout
from isolet_nn.config.key_paths import equal_text
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.sweeps.journal import exact_text

if TYPE_CHECKING:
    from isolet_nn.config.datasets import DatasetConfig

SOURCES = ("name", "path", "test_path", "label", "data_id", "data_name", "version")
"""Keys of a dataset section that say which data it is, and not how it is read or divided."""
Blocks = Literal["seeds", "splits", "folds", "data sets"]


@dataclass(frozen=True)
class Design:
    """What pairs of scores have in common, on which the test depends.

    Attributes
    ----------
    blocks
        ``seeds``: trainings on one division of the rows. ``splits``: each seed draws the rows that
        are held out anew. ``folds``: of a cross-validation, with all repeats. ``data sets``.
    overlap
        Rows held out for each to train on, where trainings have rows in common; else 0.
    words
        What a block is, as ``5 folds x 2 repeats``.
    """

    blocks: Blocks
    overlap: float = 0.0
    words: str = ""

    @property
    def test(self) -> str:
        """The test that suits it."""
        if self.blocks == "data sets":
            return "Wilcoxon's signed-rank test"
        return "corrected resampled t-test" if self.overlap else "paired t-test"


def design_of(dataset: DatasetConfig, metric: str, words: str) -> Design:
    """The design of trainings that differ in their seeds, or each hold out another fold."""
    part = part_of(dataset, metric)
    if isinstance(part, Fold):
        return Design("folds", 1.0 / (part.folds - 1), words)
    if not isinstance(part, Holdout) or dataset.split_seed is not None:
        return Design("seeds", 0.0, words)
    held, validation = part.fraction, getattr(dataset, "validation", "none")
    trained = 1.0 - held
    if metric.startswith("test_"):
        trained *= 1.0 - share_of(validation)
    return Design("splits", held / trained, words)


def part_of(dataset: DatasetConfig, metric: str) -> object:
    """What the config says of the part that a metric is of; None where the data says it."""
    if metric.startswith("test_"):
        return None if dataset.has_own_test else getattr(dataset, "test", None)
    return getattr(dataset, "validation", None) if metric.startswith("validation_") else None


def share_of(part: object) -> float:
    """The share of the rows that a part holds out; 0 if it is none."""
    if isinstance(part, Fold):
        return 1.0 / part.folds
    return part.fraction if isinstance(part, Holdout) else 0.0


def division_of(dataset: DatasetConfig, metric: str) -> str:
    """Equal for sections by which the rows that a metric is of are the same for each seed."""
    part = part_of(dataset, metric)
    if not isinstance(part, (Holdout, Fold)):
        return ""
    test = None if dataset.has_own_test else getattr(dataset, "test", None)
    parts = [_without_fold(test), _without_fold(part)]
    return equal_text([*parts, dataset.split_seed])


def _without_fold(part: object) -> Any:
    if not isinstance(part, (Holdout, Fold)):
        return None
    return part.model_dump(exclude={"fold", "repeat"})


def require_same_division(datasets: Iterable[tuple[DatasetConfig, str]], metric: str) -> None:
    """Refuse what was scored on other rows, which makes no pairs."""
    (first, name), *others = datasets
    for other, other_name in others:
        if division_of(other, metric) != division_of(first, metric):
            raise ConfigError(
                f"{name} and {other_name}: cannot be compared by pairs: dataset.test, validation "
                f"or split_seed differ, so {metric} is of other rows; compare those that are "
                "divided alike"
            )


def source_name(dataset: DatasetConfig) -> str:
    """Which data a section names, in words."""
    said = [getattr(dataset, key) for key in SOURCES if getattr(dataset, key, None) is not None]
    return said[0] if len(said) == 1 else ", ".join(map(str, said[1:]))


def block_name(place: Mapping[str, int]) -> str:
    """What a block is called: ``seed 0, repeat 1, fold 2``."""
    return ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in place.items())


def setting_name(setting: Mapping[str, Any]) -> str:
    """What a setting is called: its keys with their values."""
    return ", ".join(f"{key}={exact_text(value)}" for key, value in setting.items()) or "as it is"


def require_metric(metric: str, known: Sequence[str], none_has: str) -> None:
    """Refuse a metric that nothing has; the message begins with `none_has`."""
    if metric not in known:
        raise ConfigError(
            f"--metric: {none_has} {metric}; there is {', '.join(known)}{suggestion(metric, known)}"
        )
