"""The report's own numbers, as `report.yaml` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from isolet_nn.config.problems import validate
from isolet_nn.config.section import Section
from isolet_nn.config.yaml_files import read_mapping

_FILE = Path(__file__).with_name("report.yaml")


ROUNDING = 0.5
"""How far a cell of a grid may be off: its whole percents are rounded."""


class Range(Section):
    """From where to where something reaches, read off a curve or a box plot."""

    low: float
    high: float

    @property
    def reading(self) -> float:
        """How far either end may be off: one unit of the last digit that is given."""
        digits = (f"{end:g}".partition(".")[2] for end in (self.low, self.high))
        return float(10.0 ** -max(map(len, digits)))


class ReportedValue(Range):
    """One number of the report, or the range it gives."""

    what: str
    """What was measured, in words."""
    column: Literal["test_accuracy", "train_loss"]
    """Accuracies in percent, losses in nats."""
    epoch: int


class ReportedCurve(Section):
    """A figure of accuracy and loss over the epochs of one training."""

    momentum: float
    values: list[ReportedValue]


class Grid(Section):
    """A heat map: test accuracies in percent."""

    rows: list[float]
    columns: list[float]
    cells: list[list[float]]


class Report(Section):
    """All that the report says in numbers, and its conclusions."""

    curves: dict[str, ReportedCurve]
    grids: dict[str, Grid]
    boxes: dict[str, Range]
    """Figure 8: test accuracies by optimizer, in percent."""
    xor: list[list[float]]
    """(4, 2): probability of 0 and of 1 for 00, 01, 10, 11."""
    conclusions: list[str]


def load_report() -> Report:
    """Read the report's numbers."""
    return validate(Report, read_mapping(_FILE), str(_FILE))
