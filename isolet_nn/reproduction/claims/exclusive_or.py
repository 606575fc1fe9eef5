"""Claim 10: 2-2 cannot solve exclusive or, 2-3-2 can; by activation and initial scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isolet_nn.config.key_paths import canonical
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import LAYERS, Evidence
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.rules import Verdict, ever, never, not_run
from isolet_nn.reproduction.tables import TextTable
from isolet_nn.scores.evaluation import wilson_interval

ACTIVATION, SCALE = "model.activation", "model.initializer.scale"
_PART, _RECIPE = "xor-by-scale", {ACTIVATION: "relu", SCALE: 0.1}


def _solved(evidence: Evidence, where: Mapping[str, Any]) -> tuple[int, int]:
    """How many seeds get all four points right, and how many there are."""
    accuracies = evidence.by_seed(_PART, where).values()
    return sum(accuracy == 100.0 for accuracy in accuracies), len(accuracies)


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    if not evidence.trials(_PART):
        return {"2-2": not_run("2-2 solves it"), "2-3-2": not_run("2-3-2 solves it")}
    return {
        "2-2": never(*_solved(evidence, {LAYERS: []}), "a network of 2-2 solves it"),
        "2-3-2": ever(*_solved(evidence, _RECIPE), "a network of 2-3-2 by the recipe solves it"),
    }


def _table(evidence: Evidence) -> TextTable:
    settings = {canonical(trial.settings): trial.settings for trial in evidence.trials(_PART)}
    rows = []
    for where in settings.values():
        solved, seeds = _solved(evidence, where)
        low, high = wilson_interval(solved, seeds)
        share = f"{100 * solved / seeds:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        name = f"2-3-2, {where[ACTIVATION]}" if ACTIVATION in where else "2-2"
        rows.append([name, f"{where[SCALE]:g}", share, str(solved), str(seeds)])
    headings = ["network", "scale of the weights", "solved (95 % interval)", "seeds that do"]
    return TextTable([*headings, "seeds"], rows)


EXCLUSIVE_OR = ReportClaim(
    number=10,
    name="exclusive-or",
    text="2-2 cannot solve exclusive or; 2-3-2 can.",
    runs="The report's recipe (1,000 epochs at 0.1, all four points a step) with many seeds, and "
    "with other activations in the hidden layer and initial weights of another scale.",
    judge=_judge,
    parts=(Part(_PART, ("claim10",), "report/claim10_xor", quick={"seeds": 100}, on_isolet=False),),
    table=_table,
)
