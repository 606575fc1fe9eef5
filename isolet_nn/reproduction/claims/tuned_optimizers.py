"""Claim 9: the best optimizer was Adam; whether that holds when every one is tuned."""

from __future__ import annotations

from collections.abc import Mapping

from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import OPTIMIZERS, RATE, Evidence, differences
from isolet_nn.reproduction.parts import Choice, Part
from isolet_nn.reproduction.rules import Verdict, paired_above
from isolet_nn.reproduction.tables import TextTable, spread_table

OPTIMIZER = "optimizer.name"
TUNING, TUNED = "optimizer-rates", "optimizers-tuned"
_QUICK = {"adagrad": (0.01,), "rmsprop": (3e-4, 1e-3)}
"""What another claim rests on, too."""


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    of = {name: evidence.by_seed(TUNED, {OPTIMIZER: name}) for name in OPTIMIZERS}
    return {
        f"Adam less {OPTIMIZERS[other]}": paired_above(
            differences(of["adam"], of[other]),
            0.0,
            "the difference with the same seed, each at its own best rate,",
        )
        for other in ("rmsprop", "adagrad", "sgd")
    }


def _table(evidence: Evidence) -> TextTable:
    rows = {}
    for name, label in OPTIMIZERS.items():
        trials = evidence.of_setting(TUNED, OPTIMIZER, name)
        if trials:
            rate = trials[0].settings[RATE]
            rows[f"{label}, {rate:g}"] = [trial.test_accuracy for trial in trials]
    return spread_table("optimizer, its best rate", rows)


TUNED_OPTIMIZERS = ReportClaim(
    number=9,
    name="tuned-optimizers",
    text="The best optimizer was Adam.",
    runs="Figure 8's four optimizers, each at the learning rate of five that does best on speakers "
    "held out of the training part, compared on the test part with fresh seeds: 256 hidden "
    "neurons, batch size 128, 10 epochs.",
    judge=_judge,
    parts=(
        Part(
            TUNING,
            ("claim9",),
            "report/claim9_optimizer_rates",
            quick={
                "list": [
                    {OPTIMIZER: name, RATE: rate}
                    for name, rates in _QUICK.items()
                    for rate in rates
                ],
                "seeds": 1,
            },
        ),
        Part(
            TUNED,
            ("claim9",),
            "report/claim9_optimizers_tuned",
            quick={"seeds": 3},
            choice=Choice(TUNING, OPTIMIZER),
        ),
    ),
    table=_table,
)
