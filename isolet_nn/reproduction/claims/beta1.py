"""Claim 3: Adam's momentum (beta1) hurt; over seeds, depths and widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isolet_nn.reproduction.bars import HURT, ROUNDED_AWAY
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import BETA1, LAYERS, Evidence, differences
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.rules import DASH, Verdict, not_run, paired_below, under
from isolet_nn.reproduction.tables import TextTable, signed

_OTHER, _FIGURE = "beta1-by-width", "figure7"
_WIDTHS = {16: _OTHER, 64: _FIGURE, 192: _OTHER}
"""Where the trainings of each width are; figure 7 has 64."""
_LARGE = (0.9, 0.99)


def _shapes(evidence: Evidence, width: int) -> list[list[int]]:
    """Hidden layers of that width, by depth."""
    found: dict[int, list[int]] = {}
    for trial in evidence.trials(_WIDTHS[width]):
        layers = trial.settings[LAYERS]
        if layers and layers[0] == width:
            found[len(layers)] = layers
    return [found[depth] for depth in sorted(found)]


def _changes(evidence: Evidence, width: int, layers: list[int], beta1: float) -> list[float]:
    """What a beta1 changes against 0, a number a seed."""
    at = [{BETA1: value, LAYERS: layers} for value in (beta1, 0.0)]
    return differences(*(evidence.by_seed(_WIDTHS[width], where) for where in at))


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    what = "what it changes against beta1 0 with the same seed, at every depth,"
    verdicts = {}
    for width in _WIDTHS:
        shapes = _shapes(evidence, width)
        for beta1 in _LARGE if shapes else ():
            changes = [
                change for layers in shapes for change in _changes(evidence, width, layers, beta1)
            ]
            verdict = under(ROUNDED_AWAY, paired_below(changes, -HURT, what))
            verdicts[f"beta1 {beta1:g}, width {width}"] = verdict
    return verdicts or {"beta1": not_run("momentum hurts")}


def _table(evidence: Evidence) -> TextTable:
    rows = []
    for width in _WIDTHS:
        for layers in _shapes(evidence, width):
            where: dict[str, Any] = {BETA1: 0.0, LAYERS: layers}
            at_zero = [*evidence.by_seed(_WIDTHS[width], where).values()]
            shown = []
            for beta1 in _LARGE:
                of = _changes(evidence, width, layers, beta1)
                shown.append(signed(sum(of) / len(of), 1) if of else DASH)
            mean = f"{sum(at_zero) / len(at_zero):.1f} %" if at_zero else DASH
            rows.append([f"{len(layers)} of {width}", mean, *shown, str(len(at_zero))])
    return TextTable(["hidden layers", "beta1 0", "beta1 0.9", "beta1 0.99", "seeds"], rows)


BETA1_HURTS = ReportClaim(
    number=3,
    name="beta1",
    text="Momentum in Adam (beta1) hurt.",
    runs="Figure 7's networks of 64 neurons a layer, and 1, 3 and 5 layers of 16 and of 192: Adam "
    "at 0.001, batch size 128, 10 epochs.",
    judge=_judge,
    parts=(
        Part(
            _OTHER,
            ("claim3",),
            "report/claim3_beta1_by_width",
            quick={"grid": {LAYERS: [[16], [16, 16, 16]]}},
        ),
    ),
    others=(_FIGURE,),
    table=_table,
)
