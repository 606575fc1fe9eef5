"""Claim 6: the worst result is at few neurons and the smallest rate; 0.001 is good at any width."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.claims.small_batches import BATCHES
from isolet_nn.reproduction.evidence import LAYERS, RATE, Cells, Evidence
from isolet_nn.reproduction.parts import FEW_NEURONS, Part
from isolet_nn.reproduction.report import ROUNDING, load_report
from isolet_nn.reproduction.rules import Verdict, above, never, not_run, paired_below, under
from isolet_nn.reproduction.tables import TextTable, spread_table

_WIDER, _GOOD = "wider", 1e-3
_SOURCES: Mapping[int, tuple[str, dict[str, object]]] = {
    16: (FEW_NEURONS, {LAYERS: [16], RATE: _GOOD}),
    32: (FEW_NEURONS, {LAYERS: [32], RATE: _GOOD}),
    64: (FEW_NEURONS, {LAYERS: [64], RATE: _GOOD}),
    128: (_WIDER, {LAYERS: [128]}),
    256: ("figure8", {"optimizer.name": "adam"}),
    512: (_WIDER, {LAYERS: [512]}),
}
"""Where a width was trained at 0.001 with several seeds."""


def _by_width(evidence: Evidence) -> dict[int, list[float]]:
    found = {
        width: [*evidence.by_seed(part, where).values()]
        for width, (part, where) in _SOURCES.items()
    }
    return {width: of for width, of in found.items() if of}


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    grid = load_report().grids["figure5"]
    worst = _worst(evidence.cells(FEW_NEURONS, grid), evidence.cells("figure5", grid))
    column = np.array(grid.cells)[:, grid.columns.index(_GOOD)]
    good = f"Figure 5 has {column.min():g} % or more at 0.001 in every row, rounded."
    bar = float(column.min()) - ROUNDING
    widths = {
        f"0.001, {width} neurons": under(good, above(of, bar, "the mean over seeds", unit="%"))
        for width, of in _by_width(evidence).items()
    }
    return {**worst, **(widths or {"0.001 at any width": not_run("0.001 is good at any width")})}


def _worst(few: Cells, whole: Cells) -> dict[str, Verdict]:
    """The corner of fewest neurons and smallest rate against all other cells."""
    corner = few.by_seed[0, 0]
    others = few.by_seed.reshape(-1, few.by_seed.shape[-1])[1:]
    known = np.isfinite(corner) & np.isfinite(others).any(axis=0)
    behind = corner[known] - np.nanmin(others[:, known], axis=0) if known.any() else np.array([])
    lower = int((whole.fresh.ravel()[1:] <= whole.fresh[0, 0]).sum())
    cells = int(np.isfinite(whole.fresh).sum()) - 1 if np.isfinite(whole.fresh[0, 0]) else 0
    return {
        "16 neurons at 1e-5, over seeds": paired_below(
            behind.tolist(), 0.0, "that cell less the lowest of the others with the same seed"
        ),
        "the same in all of figure 5": never(
            lower, max(0, cells), "another cell is as low as that one"
        ),
    }


def _table(evidence: Evidence) -> TextTable:
    named = {f"{width} neurons": of for width, of in _by_width(evidence).items()}
    return spread_table("at 0.001", named)


WIDTHS = ReportClaim(
    number=6,
    name="widths",
    text="The worst result is at few neurons and the smallest learning rate; 0.001 is good at any "
    "width.",
    runs="Figure 5's grid, its rows of few neurons with several seeds, and 0.001 with 128, 256 and "
    "512 neurons.",
    judge=_judge,
    parts=(
        Part(
            _WIDER,
            ("claim6",),
            "report/claim6_wider",
            quick=None,
            takes_over=("figure5", BATCHES),
        ),
    ),
    others=("figure5", FEW_NEURONS, "figure8"),
    table=_table,
)
