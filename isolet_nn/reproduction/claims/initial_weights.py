"""Claim 11: initial weights from a scaled normal distribution are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isolet_nn.reproduction.bars import HURT, ROUNDED_AWAY
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import EPOCHS, Evidence, differences
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.rules import Verdict, paired_above, under
from isolet_nn.reproduction.tables import TextTable, spread_table

INITIALIZER = "model.initializer"
_OTHERS, _FIGURE, _END = "initial-weights", "figures3-4", 40
_NAMES = {"he": "he", "glorot": "glorot", "uniform_fan_in": "PyTorch's"}


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    normal = evidence.by_seed(_FIGURE, {EPOCHS: _END})
    return {
        f"normal less {label}": under(
            ROUNDED_AWAY,
            paired_above(
                differences(normal, evidence.by_seed(_OTHERS, {INITIALIZER: name})),
                -HURT,
                "the difference with the same seed",
            ),
        )
        for name, label in _NAMES.items()
    }


def _table(evidence: Evidence) -> TextTable:
    rows: dict[str, Sequence[float]] = {
        "normal, scale 0.01": [*evidence.by_seed(_FIGURE, {EPOCHS: _END}).values()]
    }
    for name, label in _NAMES.items():
        rows[label] = [*evidence.by_seed(_OTHERS, {INITIALIZER: name}).values()]
    return spread_table("initial weights", rows)


INITIAL_WEIGHTS = ReportClaim(
    number=11,
    name="initial-weights",
    text="Initial weights from a scaled normal distribution are enough.",
    runs="617-44-26 by the recipe of figures 3 and 4, begun from the report's weights and from "
    "those of he, glorot and PyTorch.",
    judge=_judge,
    parts=(
        Part(
            _OTHERS,
            ("claim11",),
            "report/claim11_initial_weights",
            {"grid": {INITIALIZER: [*_NAMES]}},  # the report's are in figures 3 and 4
            quick=None,
        ),
    ),
    others=(_FIGURE,),
    table=_table,
)
