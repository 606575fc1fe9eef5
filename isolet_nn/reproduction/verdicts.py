"""The report's claims, each with the rule that fits it and the evidence from fresh runs.

Nothing is typed in here but which numbers go into which rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from isolet_nn.reproduction.bars import LEAST_VISIBLE, PARITY_MARGIN, ROUNDED_AWAY, VISIBLE
from isolet_nn.reproduction.claims import CLAIMS
from isolet_nn.reproduction.evidence import EPOCHS, OPTIMIZERS, Cells, CompletedTrial, Evidence
from isolet_nn.reproduction.parts import FEW_NEURONS
from isolet_nn.reproduction.report import ROUNDING, Report
from isolet_nn.reproduction.rules import (
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
    not_run,
    on_a_par,
    one_more_run,
    under,
)
from isolet_nn.system.machine import has_torch

SOLVED = 90.0
"""Percent of another data set's test rows that are to be right; the report has no such number."""
CONVERGED, LATE = 20.0, 60.0
"""Epochs after which over-fitting is said to begin, and at which it must show."""
HAS_LEARNT = 94.0
"""Percent: a training that never reached it by epoch 20 is not yet where it could over-fit.

It is what the report has after one epoch and calls excellent.
"""
COLLAPSED = 90.0
"""Percent below which a cell of figure 6 belongs to its collapse."""
FEW = 64.0
"""Neurons of a hidden layer that are few: the report's script has as many, its figure up to 512."""
_OWN_BAR = (
    "The report proposes this and claims nothing, so the bar is ours: the same kind of network is "
    f"to get {SOLVED:g} % of each set right."
)


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
        _learning_rate(evidence.cells(FEW_NEURONS, report.grids["figure5"])),
        _over_fitting(evidence.cells("figure6", report.grids["figure6"])),
        _other_data_sets(evidence),
    )
    return [Claim(text, of) for text, of in zip(report.conclusions, parts, strict=True)]


def claims(evidence: Evidence) -> list[Claim]:
    """The claims of the report's text, in the order of `claims.CLAIMS`."""
    return [Claim(claim.text, claim.judge(evidence)) for claim in CLAIMS]


def figures(report: Report, evidence: Evidence) -> dict[str, Claim]:
    """Whether fresh runs give what each of the report's figures shows."""
    figure6 = evidence.cells("figure6", report.grids["figure6"])
    carried_over = evidence.carried_over(report.grids["figure6"])
    return {
        "figures1-2": _curve(report, evidence, "figures1-2", "Without momentum"),
        "figures3-4": _curve(report, evidence, "figures3-4", "With momentum 0.9"),
        "xor": _xor(evidence),
        "figure5": _grid(evidence.cells("figure5", report.grids["figure5"]), "figure 5"),
        "figure6": _grid(figure6, "figure 6, with a fresh network in every cell"),
        "figure6-carried-over": Claim(
            "Its bottom row, batches of 8192, comes about with one network kept across all cells.",
            {"bottom row": grids_agree(carried_over.reported[-1:], carried_over.fresh[-1:])},
        ),
        "figure6-collapse": Claim(
            "Its collapse, the cells below 90 % in the report, comes about in the same way.",
            {"collapse": _collapse(carried_over)},
        ),
        "figure7": _grid(evidence.cells("figure7", report.grids["figure7"]), "figure 7"),
        "figure8": Claim(
            "Four optimizers at the same learning rate reach what figure 8 shows.",
            {
                OPTIMIZERS[name]: box_holds_mean(
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
    for reported in report.curves[part].values:
        trials = evidence.of_setting(part, EPOCHS, reported.epoch)
        parts[reported.what] = one_more_run(
            (reported.low, reported.high),
            [getattr(trial, reported.column) for trial in trials],
            reading=reported.reading,
            unit="%" if reported.column == "test_accuracy" else "nats",
        )
    return Claim(f"{how}, 617-44-26 learns as its figures show.", parts)


def _xor(evidence: Evidence) -> Claim:
    text = "2-3-2 solves exclusive or with its recipe; 2-2, without a hidden layer, cannot."
    found = evidence.xor()
    if found is None:
        return Claim(text, {"2-3-2": not_run("a seed solves it")})
    recipe = mostly(found.solved, found.seeds, "a seed solves it")
    flat = never(found.solved_without_hidden_layer, found.seeds, "a seed solves it")
    return Claim(text, {"2-3-2": recipe, "2-2": flat})


def _grid(cells: Cells, name: str) -> Claim:
    verdict = grids_agree(cells.reported, cells.fresh)
    return Claim(f"Fresh runs give the grid of {name}.", {"cells": verdict})


def _collapse(cells: Cells) -> Verdict:
    collapsed = cells.reported < COLLAPSED
    return grids_agree(cells.reported[collapsed], cells.fresh[collapsed])


def _parity(evidence: Evidence) -> dict[str, Verdict]:
    numpy, torch = (evidence.of_setting("parity", "backend", name) for name in ("numpy", "torch"))
    verdict = on_a_par(
        [trial.test_accuracy for trial in numpy],
        [trial.test_accuracy for trial in torch],
        PARITY_MARGIN,
    )
    if not torch and not has_torch():
        missing = "PyTorch is not installed: pip install 'isolet-nn[torch]'"
        verdict = replace(verdict, evidence=missing)
    elif numpy and torch:
        verdict = replace(verdict, evidence=f"{verdict.evidence}; {_side_by_side(numpy, torch)}")
    return {"NumPy less PyTorch": under(ROUNDED_AWAY, verdict)}


def _side_by_side(numpy: Sequence[CompletedTrial], torch: Sequence[CompletedTrial]) -> str:
    """How far the same seeds are apart, and how long an epoch takes."""
    of_torch = {trial.seed: trial.test_accuracy for trial in torch}
    apart = [abs(t.test_accuracy - of_torch[t.seed]) for t in numpy if t.seed in of_torch]
    times = (1000 * float(np.median([t.epoch_seconds for t in of])) for of in (numpy, torch))
    return (
        f"{max(apart, default=math.nan):.2f} points at most between two trainings of one seed; "
        "an epoch takes NumPy {:.1f} ms, PyTorch {:.1f} ms".format(*times)
    )


def _optimizers(evidence: Evidence) -> dict[str, Verdict]:
    of = {name: evidence.accuracies("figure8", "optimizer.name", name) for name in OPTIMIZERS}
    pairs = (("adam", "adagrad"), ("rmsprop", "adagrad"), ("adagrad", "sgd"))
    return {
        f"{OPTIMIZERS[better]} less {OPTIMIZERS[worse]}": is_better(
            of[better], of[worse], "the difference of the two means over seeds"
        )
        for better, worse in pairs
    }


def _no_hidden_layer(cells: Cells) -> dict[str, Verdict]:
    differences = cells.paired(0, 1, axis=1)
    what = "the mean difference (by beta1 and seed) between no hidden layer and one"
    verdict = under(LEAST_VISIBLE, above(differences, -VISIBLE, what))
    if differences:
        means = (float(np.nanmean(cells.by_seed[:, depth])) for depth in (0, 1))
        more = "; {:.1f} % without, {:.1f} % with one".format(*means)
        verdict = replace(verdict, evidence=verdict.evidence + more)
    return {"no hidden layer less one": verdict}


def _learning_rate(cells: Cells) -> dict[str, Verdict]:
    """What the report's own rows of few neurons show of 0.001, asked of the mean over seeds."""
    rate, few = cells.columns.index(1e-3), np.array(cells.rows) <= FEW
    shown = cells.reported[few]
    least, most = float(shown[:, rate].min()), float((shown.max(axis=1) - shown[:, rate]).max())
    of_accuracy = (
        f"Up to {FEW:g} neurons, the report's figure 5 has {least:g} % or more at 0.001, rounded."
    )
    of_gap = (
        f"In the report no other rate gives them more than {most:g} point more; each of the two "
        f"numbers is rounded by up to {ROUNDING:g}."
    )
    accuracies, gaps = {}, {}
    for row in np.flatnonzero(few & np.isfinite(cells.fresh[:, rate])).tolist():
        width, best = f"{cells.rows[row]:g} neurons", int(np.nanargmax(cells.fresh[row]))
        reached = [float(value) for value in cells.by_seed[row, rate] if np.isfinite(value)]
        accuracies[width] = under(
            of_accuracy, above(reached, least - ROUNDING, "the mean over seeds", unit="%")
        )
        behind = cells.by_seed[row, best] - cells.by_seed[row, rate]
        gaps[f"{width}, {cells.columns[best]:g} less 0.001"] = under(
            of_gap,
            below(
                [float(value) for value in behind if np.isfinite(value)],
                most + 2 * ROUNDING,
                "what the best rate has more, on average over seeds,",
            ),
        )
    return {**accuracies, **gaps} or {"few neurons": not_run("0.001 is excellent")}


def _over_fitting(cells: Cells) -> dict[str, Verdict]:
    early, late = cells.columns.index(CONVERGED), cells.columns.index(LATE)
    learnt = (cells.fresh[:, : early + 1] >= HAS_LEARNT).any(axis=1)
    change = (cells.fresh[:, late] - cells.fresh[:, early])[learnt]
    change = change[np.isfinite(change)]
    what = (
        f"the mean change of accuracy from epoch {CONVERGED:g} to {LATE:g}, over the batch sizes "
        f"that reach {HAS_LEARNT:g} % by epoch {CONVERGED:g},"
    )
    verdict = under(LEAST_VISIBLE, below([float(value) for value in change], -VISIBLE, what))
    falls = [
        float(np.nanmax(grid[learnt, early, None] - grid[learnt, early:]))
        for grid in (cells.fresh, cells.reported)
        if len(change)
    ]
    if falls:
        more = "; the largest fall of one batch size is {:.1f} points, in the report {:.1f}"
        verdict = replace(verdict, evidence=verdict.evidence + more.format(*falls))
    return {"change after epoch 20": verdict}


def _other_data_sets(evidence: Evidence) -> dict[str, Verdict]:
    trials = evidence.trials("other-data-sets")
    names = list(dict.fromkeys(trial.settings["dataset.name"] for trial in trials))
    what = "the mean test accuracy over seeds"
    verdicts = {}
    for name in names:
        accuracies = evidence.accuracies("other-data-sets", "dataset.name", name)
        verdicts[name] = under(_OWN_BAR, above(accuracies, SOLVED, what, unit="%"))
    return verdicts or {"other data sets": not_run(f"mean test accuracies are above {SOLVED:g} %")}
