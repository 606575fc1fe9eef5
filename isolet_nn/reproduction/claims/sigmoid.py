"""Claim 1: the sigmoid "proved bad"; whether it is the sigmoid or the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isolet_nn.reproduction.bars import HURT, ROUNDED_AWAY
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import EPOCHS, RATE, Evidence, differences
from isolet_nn.reproduction.parts import Choice, Part
from isolet_nn.reproduction.rules import Verdict, paired_below, under
from isolet_nn.reproduction.tables import TextTable, spread_table

ACTIVATION = "model.activation"
_RECIPE, _RATES, _TUNED = "sigmoid-recipe", "sigmoid-rates", "sigmoid-tuned"
_FIGURE, _EPOCHS = "figures3-4", 40


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    what = "what the sigmoid changes against ReLU with the same seed"
    by_recipe = differences(
        evidence.by_seed(_RECIPE, {ACTIVATION: "sigmoid"}),
        evidence.by_seed(_FIGURE, {EPOCHS: _EPOCHS}),
    )
    tuned = differences(
        evidence.by_seed(_TUNED, {ACTIVATION: "sigmoid"}),
        evidence.by_seed(_TUNED, {ACTIVATION: "relu"}),
    )
    return {
        "with the report's recipe": under(ROUNDED_AWAY, paired_below(by_recipe, -HURT, what)),
        "each at its own best rate": under(ROUNDED_AWAY, paired_below(tuned, -HURT, what)),
    }


def _table(evidence: Evidence) -> TextTable:
    rows: dict[str, Sequence[float]] = {
        "ReLU, recipe": [*evidence.by_seed(_FIGURE, {EPOCHS: _EPOCHS}).values()],
        "sigmoid, recipe": [*evidence.by_seed(_RECIPE, {ACTIVATION: "sigmoid"}).values()],
    }
    for name, label in (("relu", "ReLU"), ("sigmoid", "sigmoid")):
        trials = evidence.of_setting(_TUNED, ACTIVATION, name)
        if trials:
            rate = trials[0].settings[RATE]
            rows[f"{label}, own best rate {rate:g}"] = [trial.test_accuracy for trial in trials]
    return spread_table("hidden layer", rows)


SIGMOID = ReportClaim(
    number=1,
    name="sigmoid",
    text="The sigmoid in the hidden layer proved bad on ISOLET.",
    runs="617-44-26 by the recipe of figures 3 and 4 (momentum 0.9, 40 epochs), with ReLU and with "
    "sigmoid: at the report's learning rate, and each at the rate of six that does best on "
    "speakers held out of the training part.",
    judge=_judge,
    parts=(
        Part(
            _RECIPE,
            ("claim1",),
            "report/claim1_sigmoid_recipe",
            {"grid": {ACTIVATION: ["sigmoid"]}},  # ReLU is in figures 3 and 4
            quick=None,
        ),
        Part(
            _RATES,
            ("claim1",),
            "report/claim1_sigmoid_rates",
            quick=None,
        ),
        Part(
            _TUNED,
            ("claim1",),
            "report/claim1_sigmoid_tuned",
            quick=None,
            choice=Choice(_RATES, ACTIVATION),
        ),
    ),
    others=(_FIGURE,),
    table=_table,
)
