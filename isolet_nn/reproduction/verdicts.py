"""The report's claims, each with the rule that fits it and the evidence from fresh runs.

Nothing is typed in here but which numbers go into which rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from isolet_nn.reproduction.evidence import EPOCHS, Cells, Evidence
from isolet_nn.reproduction.parts import has_torch
from isolet_nn.reproduction.report import Report
from isolet_nn.reproduction.rules import (
    FEWEST,
    NOT_DECIDABLE,
    Outcome,
    Verdict,
    above,
    all_of,
    below,
    box_holds_mean,
    grids_agree,
    is_better,
    mostly,
    never,
    on_a_par,
    one_more_run,
)

PARITY_MARGIN = 0.5
"""Points that two implementations on a par may differ by: eight of the 1,559 test rows."""
HURT = 0.5
"""Points that a setting must cost to be said to hurt."""
NO_WORSE = 1.0
"""Points that a simpler network may lose and still solve the problem."""
SOLVED = 90.0
"""Percent of another data set's test rows that are to be right."""
CONVERGED, LATE = 20.0, 60.0
"""Epochs after which over-fitting is said to begin, and at which it must show."""
HAS_LEARNT = 94.0
"""Percent at epoch 20: a training below is not yet where it could over-fit."""
FEW_NEURONS = 64.0
EXCELLENT, NEARLY_BEST = 92.0, 2.0
"""What an excellent learning rate reaches in percent, and how far it may be from the best one.

The best of nine cells of one seed each is flattered by chance, hence two points.
"""


@dataclass(frozen=True)
class Claim:
    """Something that the report says, in words, and what became of it."""

    text: str
    parts: Mapping[str, Verdict]
    """Verdicts by what each is about; the claim holds if all do."""

    @property
    def outcome(self) -> Outcome:
        """Confirmed, refuted, or not decidable."""
        return all_of(self.parts.values())

    def to_json(self) -> dict[str, Any]:
        """For verdicts.json."""
        parts = {name: asdict(verdict) for name, verdict in self.parts.items()}
        return {"claim": self.text, "verdict": self.outcome, "parts": parts}


def conclusions(report: Report, evidence: Evidence) -> list[Claim]:
    """The report's six conclusions, in its order."""
    parts = (
        _parity(evidence),
        _optimizers(evidence),
        _no_hidden_layer(evidence.cells("figure7", report.grids["figure7"])),
        _learning_rate(evidence.cells("figure5", report.grids["figure5"])),
        _over_fitting(evidence.cells("figure6", report.grids["figure6"])),
        _other_data_sets(evidence),
    )
    return [Claim(text, of) for text, of in zip(report.conclusions, parts, strict=True)]


def figures(report: Report, evidence: Evidence) -> dict[str, Claim]:
    """Whether fresh runs give what each of the report's figures shows."""
    figure6 = evidence.cells("figure6", report.grids["figure6"])
    figure7 = evidence.cells("figure7", report.grids["figure7"])
    return {
        "figures1-2": _curve(report, evidence, "figures1-2", "Without momentum"),
        "figures3-4": _curve(report, evidence, "figures3-4", "With momentum 0.9"),
        "xor": _xor(evidence),
        "figure5": _grid(evidence.cells("figure5", report.grids["figure5"]), "figure 5"),
        "figure6": _grid(figure6, "figure 6, with a fresh network in every cell"),
        "figure6-carried-over": Claim(
            "Its bottom row, batches of 8192, comes about with one network kept across all cells.",
            {"bottom row": _bottom_row(evidence.carried_over(report.grids["figure6"]))},
        ),
        "figure7": _grid(figure7, "figure 7"),
        "momentum": Claim("Adam's momentum (beta1) hurt.", _momentum(figure7)),
        "figure8": Claim(
            "Four optimizers at the same learning rate reach what figure 8 shows.",
            {
                name: box_holds_mean(
                    (box.low, box.high),
                    evidence.accuracies("figure8", "optimizer.name", name),
                    reading=box.reading,
                )
                for name, box in report.boxes.items()
            },
        ),
    }


def _curve(report: Report, evidence: Evidence, part: str, how: str) -> Claim:
    parts = {}
    for claim in report.curves[part].claims:
        trials = evidence.of_setting(part, EPOCHS, claim.epoch)
        parts[claim.what] = one_more_run(
            (claim.low, claim.high),
            [getattr(trial, claim.column) for trial in trials],
            reading=claim.reading,
            unit="%" if claim.column == "test_accuracy" else "nats",
        )
    return Claim(f"{how}, 617-44-26 learns as its figures show.", parts)


def _xor(evidence: Evidence) -> Claim:
    text = "2-3-2 solves exclusive or with its recipe; 2-2, without a hidden layer, cannot."
    found = evidence.xor()
    if found is None:
        return Claim(text, {"2-3-2": _not_run("a seed solves it")})
    recipe = mostly(found.solved, found.seeds, "a seed solves it")
    flat = never(found.solved_without_hidden_layer, found.seeds, "a seed solves it")
    return Claim(text, {"2-3-2": recipe, "2-2": flat})


def _grid(cells: Cells, name: str) -> Claim:
    verdict = grids_agree(cells.reported, cells.fresh)
    return Claim(f"Fresh runs give the grid of {name}.", {"cells": verdict})


def _bottom_row(cells: Cells) -> Verdict:
    return grids_agree(cells.reported[-1:], cells.fresh[-1:])


def _momentum(cells: Cells) -> dict[str, Verdict]:
    """Each of the larger beta1 against 0, over all depths and seeds."""
    without = cells.rows.index(0.0)
    return {
        f"beta1 {cells.rows[row]:g} against 0": below(
            cells.paired(row, without, axis=0),
            -HURT,
            "the mean difference (by depth and seed) to beta1 0",
        )
        for row in range(len(cells.rows))
        if cells.rows[row] in (0.9, 0.99)
    }


def _parity(evidence: Evidence) -> dict[str, Verdict]:
    by_backend = {
        name: evidence.accuracies("parity", "backend", name) for name in ("numpy", "torch")
    }
    verdict = on_a_par(by_backend["numpy"], by_backend["torch"], PARITY_MARGIN)
    if verdict.outcome == NOT_DECIDABLE and not by_backend["torch"] and not has_torch():
        missing = "PyTorch is not installed: pip install 'isolet-nn[torch]'"
        return {"NumPy less PyTorch": replace(verdict, evidence=missing)}
    times = [
        np.median([trial.epoch_seconds for trial in evidence.of_setting("parity", "backend", name)])
        for name, accuracies in by_backend.items()
        if accuracies
    ]
    if len(times) == 2:
        more = "; an epoch takes {:.1f} ms against {:.1f}".format(*(1000 * t for t in times))
        verdict = replace(verdict, evidence=verdict.evidence + more)
    return {"NumPy less PyTorch": verdict}


def _optimizers(evidence: Evidence) -> dict[str, Verdict]:
    of = {
        name: evidence.accuracies("figure8", "optimizer.name", name)
        for name in ("sgd", "adagrad", "rmsprop", "adam")
    }
    pairs = (("adam", "adagrad"), ("rmsprop", "adagrad"), ("adagrad", "sgd"))
    return {
        f"{better} less {worse}": is_better(
            of[better], of[worse], "the difference of the two means over seeds"
        )
        for better, worse in pairs
    }


def _no_hidden_layer(cells: Cells) -> dict[str, Verdict]:
    differences = cells.paired(0, 1, axis=1)
    what = "the mean difference (by beta1 and seed) between no hidden layer and one"
    return {"no hidden layer less one": above(differences, -NO_WORSE, what)}


def _learning_rate(cells: Cells) -> dict[str, Verdict]:
    rate = cells.columns.index(1e-3)
    rule = (
        f"For each width up to {FEW_NEURONS:g}: confirmed if 0.001 gives at least {EXCELLENT:g} % "
        f"and is within {NEARLY_BEST:g} points of that width's best rate; refuted if it misses "
        "either by more than a point; otherwise not decidable."
    )
    verdicts = {}
    for row, width in enumerate(cells.rows):
        fresh = cells.fresh[row]
        if width > FEW_NEURONS or not np.isfinite(fresh[rate]):
            continue
        behind = float(np.nanmax(fresh) - fresh[rate])
        short = max(EXCELLENT - float(fresh[rate]), behind - NEARLY_BEST)
        outcome: Outcome = (
            "confirmed" if short <= 0 else "refuted" if short > 1 else "not decidable"
        )
        best = cells.columns[int(np.nanargmax(fresh))]
        text = f"{fresh[rate]:.1f} %, {behind:.1f} points behind the best rate, {best:g}"
        verdicts[f"{width:g} neurons"] = Verdict(outcome, rule, text)
    return verdicts or {"few neurons": _not_run("0.001 is excellent", rule)}


def _over_fitting(cells: Cells) -> dict[str, Verdict]:
    early, late = cells.columns.index(CONVERGED), cells.columns.index(LATE)
    learnt = cells.fresh[:, early] >= HAS_LEARNT
    change = (cells.fresh[:, late] - cells.fresh[:, early])[learnt]
    change = change[np.isfinite(change)]
    what = (
        f"the mean change from epoch {CONVERGED:g} to {LATE:g}, over the batch sizes that reach "
        f"{HAS_LEARNT:g} % by epoch {CONVERGED:g},"
    )
    verdict = below([float(value) for value in change], -NO_WORSE, what)
    falls = [
        float(np.nanmax(grid[learnt, early, None] - grid[learnt, early:]))
        for grid in (cells.fresh, cells.reported)
        if len(change)
    ]
    if falls:
        more = "; the largest fall after epoch {:g} is {:.1f} points, the report's {:.1f}"
        verdict = replace(verdict, evidence=verdict.evidence + more.format(CONVERGED, *falls))
    return {"change after epoch 20": verdict}


def _other_data_sets(evidence: Evidence) -> dict[str, Verdict]:
    trials = evidence.trials("other-data-sets")
    names = list(dict.fromkeys(trial.settings["dataset.name"] for trial in trials))
    what = "the mean test accuracy over seeds"
    return {
        name: above(
            evidence.accuracies("other-data-sets", "dataset.name", name), SOLVED, what, unit="%"
        )
        for name in names
    } or {"other data sets": _not_run(f"mean test accuracies are above {SOLVED:g} %")}


def _not_run(claim: str, rule: str = "") -> Verdict:
    """The verdict where there is no evidence at all."""
    return Verdict(
        NOT_DECIDABLE, rule or f"Whether {claim} needs fresh runs.", f"not run; {FEWEST} are needed"
    )
