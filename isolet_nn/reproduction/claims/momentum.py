"""Claim 2: momentum reaches 95 %, and without it that is never reached."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isolet_nn.plots import plot_lines
from isolet_nn.reproduction.claims.claim import Picture, ReportClaim
from isolet_nn.reproduction.evidence import EPOCHS, Evidence
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.plots import band, over_seeds
from isolet_nn.reproduction.rules import NOT_DECIDABLE, REFUTED, Verdict, above, below
from isolet_nn.reproduction.tables import TextTable, spread_table

REACHED = 95.0
"""Percent that the report names."""
LONG = 400
"""Epochs after which "never" may be said: momentum 0.9 takes steps up to ten times as long, and
figures 3 and 4 end at epoch 40."""
_LONG, _WITH = "without-momentum", "figures3-4"
_END = 40


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    reaches = above(
        [*evidence.by_seed(_WITH, {EPOCHS: _END}).values()],
        REACHED,
        "the mean accuracy over seeds at epoch 40",
        unit="%",
    )
    highest: dict[int, float] = {}
    last = 0
    for trial in evidence.trials(_LONG):
        highest[trial.seed] = max(highest.get(trial.seed, 0.0), trial.test_accuracy)
        last = max(last, trial.settings[EPOCHS])
    what = "the highest accuracy at any of the epochs read off, on average over seeds,"
    never = below([*highest.values()], REACHED, what, unit="%")
    outcome = never.outcome if never.outcome == REFUTED or last >= LONG else NOT_DECIDABLE
    first = _first_at(evidence)
    reached = (
        f"the mean over seeds first reaches {REACHED:g} % at epoch {first}"
        if first
        else f"the mean over seeds is below {REACHED:g} % throughout"
    )
    return {
        "momentum 0.9": reaches,
        "without momentum": Verdict(
            outcome,
            f"{never.rule} Never is not confirmed by fewer than {LONG} epochs.",
            f"{never.evidence}, of {last} epochs; {reached}" if highest else never.evidence,
            never.effect,
        ),
    }


def _by_epoch(evidence: Evidence, part: str) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for trial in evidence.trials(part):
        found.setdefault(trial.settings[EPOCHS], []).append(trial.test_accuracy)
    return dict(sorted(found.items()))


def _first_at(evidence: Evidence) -> int | None:
    by_epoch = _by_epoch(evidence, _LONG)
    return next((e for e, of in by_epoch.items() if sum(of) / len(of) >= REACHED), None)


def _table(evidence: Evidence) -> TextTable:
    rows = {"0.9, epoch 40": [*evidence.by_seed(_WITH, {EPOCHS: _END}).values()]}
    by_epoch = _by_epoch(evidence, _LONG)
    chosen = [epoch for epoch in by_epoch if epoch in (40, 80, 120, 160, 200, 400)]
    rows |= {f"0, epoch {epoch}": by_epoch[epoch] for epoch in chosen}
    return spread_table("momentum", rows)


def _draw(evidence: Evidence, path: Path) -> bool:
    of_parts = {
        "momentum 0.9": _by_epoch(evidence, _WITH),
        "momentum 0": _by_epoch(evidence, _LONG),
    }
    bands = {
        name: band({epoch: [value / 100.0 for value in of] for epoch, of in by_epoch.items()})
        for name, by_epoch in of_parts.items()
        if by_epoch
    }
    if bands:
        seeds = max(len(of) for by_epoch in of_parts.values() for of in by_epoch.values())
        plot_lines(
            bands,
            path,
            x_name="epoch",
            value_name="test_accuracy",
            title="617-44-26, learning rate 0.01",
            note=over_seeds(seeds),
        )
    return bool(bands)


MOMENTUM = ReportClaim(
    number=2,
    name="momentum",
    text="Momentum 0.9 reaches 95 %; without it that is never reached, however many epochs.",
    runs="Figures 3 and 4 with momentum 0.9, and figures 1 and 2, without it, trained on to 440 "
    "epochs.",
    judge=_judge,
    parts=(
        Part(
            _LONG,
            ("claim2",),
            "report/claim2_without_momentum",
            quick={"grid": {EPOCHS: [20, 40, 80, 120, 160, 200, 240]}, "seeds": 3},
        ),
    ),
    others=(_WITH,),
    table=_table,
    picture=Picture("Test accuracy by epoch: mean and range of the seeds", _draw),
)
