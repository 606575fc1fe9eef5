"""The report's own numbers, as `report.yaml` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from isolet_nn.config import Section, read_mapping, validate

_FILE = Path(__file__).with_name("report.yaml")


class Claim(Section):
    """One number of the report, or the range it gives."""

    what: str
    """What was measured, in words."""
    column: Literal["test_accuracy", "train_loss"]
    """Accuracies in percent, losses in nats."""
    epoch: int
    low: float
    high: float
    reading: float
    """How far the number may be off, since it was read off a figure."""


class Curve(Section):
    """A figure of accuracy and loss over the epochs of one training."""

    momentum: float
    claims: list[Claim]


class Grid(Section):
    """A heat map: test accuracies in percent."""

    rows: list[float]
    columns: list[float]
    cells: list[list[float]]


class Box(Section):
    """From where to where a box plot reaches, in percent."""

    low: float
    high: float
    reading: float
    """How far the numbers may be off, since they were read off a figure."""


class Report(Section):
    """All that the report says in numbers, and its conclusions."""

    curves: dict[str, Curve]
    grids: dict[str, Grid]
    boxes: dict[str, Box]
    xor: list[list[float]]
    """(4, 2): probability of 0 and of 1 for 00, 01, 10, 11."""
    conclusions: list[str]


def load_report() -> Report:
    """Read the report's numbers."""
    return validate(Report, read_mapping(_FILE), str(_FILE))
