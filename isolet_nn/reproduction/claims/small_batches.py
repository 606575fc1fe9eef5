"""Claim 4: too small batches make it worse; whether it is the batch or the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isolet_nn.reproduction.bars import HURT, ROUNDED_AWAY
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import BATCH, EPOCHS, RATE, Evidence, differences
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.rules import Verdict, paired_below, under
from isolet_nn.reproduction.tables import TextTable, spread_table

BATCHES, _SCALED = "batch-sizes", "scaled-rates"
_SMALL, _USUAL, _END = 2, 128, 10
"""Figure 6 shows batches of 2 more than a point behind by epoch 10, and no others."""


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    usual = evidence.by_seed(BATCHES, {BATCH: _USUAL, EPOCHS: _END})
    at_one_rate = evidence.by_seed(BATCHES, {BATCH: _SMALL, EPOCHS: _END})
    scaled = evidence.by_seed(_SCALED, {BATCH: _SMALL})
    what = f"batches of {_SMALL} less batches of {_USUAL} with the same seed, after {_END} epochs,"
    return {
        "at learning rate 0.001": under(
            ROUNDED_AWAY, paired_below(differences(at_one_rate, usual), -HURT, what)
        ),
        "at a rate scaled with the batch": under(
            ROUNDED_AWAY, paired_below(differences(scaled, usual), -HURT, what)
        ),
    }


def _table(evidence: Evidence) -> TextTable:
    rows: dict[str, Sequence[float]] = {}
    for size in dict.fromkeys(trial.settings[BATCH] for trial in evidence.trials(BATCHES)):
        where = {BATCH: size, EPOCHS: _END}
        rows[f"{size}, at 0.001"] = [*evidence.by_seed(BATCHES, where).values()]
        scaled = evidence.of_setting(_SCALED, BATCH, size)
        if scaled:
            name = f"{size}, at {scaled[0].settings[RATE]:.2g}"
            rows[name] = [trial.test_accuracy for trial in scaled]
    return spread_table("batch size", rows)


SMALL_BATCHES = ReportClaim(
    number=4,
    name="small-batches",
    text="Too small batches make it worse.",
    runs="The left edge of figure 6 with fresh networks of 128 neurons, 10 epochs of Adam: at "
    "0.001 as in the figure, and at 0.001 times the square root of batch size / 128, as Adam's "
    "rate is to be scaled (S. Malladi et al., 2022).",
    judge=_judge,
    parts=(
        Part(
            BATCHES,
            ("claim4", "claim5"),
            "report/claim4_batch_sizes",
            quick={"grid": {BATCH: [128, 256, 8192], EPOCHS: [1, 2, 5]}, "seeds": 3},
            takes_over=("figure6",),
        ),
        Part(
            _SCALED,
            ("claim4",),
            "report/claim4_scaled_rates",
            quick=None,
        ),
    ),
    table=_table,
)
