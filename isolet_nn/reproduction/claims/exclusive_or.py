"""Claim 10: 2-2 cannot solve exclusive or, 2-3-2 can; by activation and initial scale."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import shipped_config
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import Evidence
from isolet_nn.reproduction.exclusive_or import RECIPE
from isolet_nn.reproduction.parts import Measuring, Part
from isolet_nn.reproduction.records import SolvedByScale
from isolet_nn.reproduction.rules import Verdict, ever, never, not_run
from isolet_nn.reproduction.tables import TextTable
from isolet_nn.runs.xor import count_solved
from isolet_nn.scores.evaluation import wilson_interval

NETWORKS: tuple[tuple[str | None, float], ...] = (
    (None, 0.1),
    *((activation, scale) for activation in ("relu", "tanh", "sigmoid") for scale in (0.1, 1.0)),
)
"""Activations of the hidden layer (None: there is none) and scales of the initial weights."""
SEEDS = {False: 1000, True: 100}
"""Seeds in full and quick."""
_PART, _RECIPE = "xor-by-scale", ("relu", 0.1)


def measure_solved(how: Measuring) -> dict[str, Any] | None:
    """Count the seeds of each kind of network that solve it, as many kinds at once as cores.

    A sweep stacks a few networks, as suits larger ones; a thousand of these are one stack.
    """
    recipe = load_experiment(shipped_config(RECIPE), how.computing).model_dump(mode="json")
    kinds = [load_experiment(recipe, _changes(*network)) for network in NETWORKS]
    seeds = SEEDS[how.quick]

    def count(kind: Experiment) -> int | None:
        solved: int | None = None if how.should_stop() else how.call(count_solved, kind, seeds)
        return solved

    with ThreadPoolExecutor(len(kinds)) as threads:
        counts = [*threads.map(count, kinds)]
    if None in counts:
        return None
    return {
        "seeds": seeds,
        "counts": [
            {"activation": activation, "scale": scale, "solved": solved}
            for (activation, scale), solved in zip(NETWORKS, counts, strict=True)
        ],
    }


def _changes(activation: str | None, scale: float) -> dict[str, Any]:
    shape: dict[str, Any] = {"model.hidden_layers": []}
    if activation is not None:
        shape = {"model.activation": activation}
    return {**shape, "model.initializer.scale": scale}


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    facts = evidence.measured(_PART, SolvedByScale)
    if facts is None:
        return {"2-2": not_run("2-2 solves it"), "2-3-2": not_run("2-3-2 solves it")}
    solved = {(of.activation, of.scale): of.solved for of in facts.counts}
    return {
        "2-2": never(solved[NETWORKS[0]], facts.seeds, "a network of 2-2 solves it"),
        "2-3-2": ever(solved[_RECIPE], facts.seeds, "a network of 2-3-2 by the recipe solves it"),
    }


def _table(evidence: Evidence) -> TextTable:
    facts = evidence.measured(_PART, SolvedByScale)
    rows = []
    for of in [] if facts is None else facts.counts:
        assert facts is not None
        low, high = wilson_interval(of.solved, facts.seeds)
        share = f"{100 * of.solved / facts.seeds:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        name = "2-2" if of.activation is None else f"2-3-2, {of.activation}"
        rows.append([name, f"{of.scale:g}", share, str(of.solved), str(facts.seeds)])
    headings = ["network", "scale of the weights", "solved (95 % interval)", "seeds that do"]
    return TextTable([*headings, "seeds"], rows)


EXCLUSIVE_OR = ReportClaim(
    number=10,
    name="exclusive-or",
    text="2-2 cannot solve exclusive or; 2-3-2 can.",
    runs="The report's recipe (1,000 epochs at 0.1, all four points a step) with many seeds, and "
    "with other activations in the hidden layer and initial weights of another scale.",
    judge=_judge,
    parts=(Part(_PART, ("claim10",), on_isolet=False, measure=measure_solved),),
    table=_table,
)
