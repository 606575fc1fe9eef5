"""The report's claims against made-up runs: each verdict can go each way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from needs import needs_torch

from isolet_nn.reproduction.bars import PARITY_MARGIN
from isolet_nn.reproduction.evidence import EPOCHS, LAYERS, RATE, Evidence
from isolet_nn.reproduction.parts import FEW_NEURONS
from isolet_nn.reproduction.report import load_report
from isolet_nn.reproduction.selection import PARTS
from isolet_nn.reproduction.verdicts import Claim, conclusions, figures
from reproduction.made_up import Accuracy, Settings, as_reported, make_reproduction

REPORT = load_report()


def outcomes(claims: dict[str, Claim] | list[Claim]) -> list[str]:
    return [c.outcome for c in (claims.values() if isinstance(claims, dict) else claims)]


def judged(folder: Path, accuracy: Accuracy) -> list[Claim]:
    return conclusions(REPORT, Evidence(make_reproduction(folder, accuracy, without=("xor",))))


def test_runs_that_give_the_reports_numbers_confirm_its_figures(made_up: Path) -> None:
    claims = figures(REPORT, Evidence(made_up))
    outcomes = {name: claim.outcome for name, claim in claims.items()}
    assert outcomes.pop("xor") == "refuted", "it alone was really run"
    assert outcomes.pop("figure6-collapse") == "not decidable", "too late for a quick run"
    assert set(outcomes.values()) == {"confirmed"}


@needs_torch
def test_runs_that_give_the_reports_numbers_confirm_its_conclusions(made_up: Path) -> None:
    claims = conclusions(REPORT, Evidence(made_up))
    assert outcomes(claims) == ["confirmed"] * 6
    assert [claim.text for claim in claims] == REPORT.conclusions


def test_the_verdicts_file_has_every_rule_and_its_evidence(made_up: Path) -> None:
    written: dict[str, Any] = json.loads((made_up / "verdicts.json").read_text(encoding="utf-8"))
    assert [c["number"] for c in written["conclusions"]] == [1, 2, 3, 4, 5, 6]
    parts = [
        part
        for claim in (*written["conclusions"], *written["figures"].values())
        for part in claim["parts"].values()
    ]
    assert all(part["rule"] and part["evidence"] and part["outcome"] for part in parts)


def contrary(part: str, settings: Settings) -> float:
    """The opposite of what each conclusion says."""
    if part == "parity":
        return 96.0 if settings["backend"] == "numpy" else 94.0
    if part == "figure8":
        return {"sgd": 96.0, "adagrad": 95.0, "rmsprop": 94.0, "adam": 93.0}[
            settings["optimizer.name"]
        ]
    if part == "figure7":
        return 96.0 if settings[LAYERS] else 80.0
    if part == FEW_NEURONS:
        return 96.0 if settings[RATE] > 1e-3 else 85.0
    if part == "figure6":
        return 96.0
    return 70.0 if part == "other-data-sets" else as_reported(part, settings)


@needs_torch
def test_runs_that_say_the_opposite_refute_every_conclusion(tmp_path: Path) -> None:
    assert outcomes(judged(tmp_path, contrary)) == ["refuted"] * 6


def borderline(part: str, settings: Settings) -> float:
    """Numbers at the bounds of the rules."""
    if part == "parity":
        return 96.0 if settings["backend"] == "numpy" else 95.5
    if part == "figure8":
        return 95.0
    if part == "figure7":
        return 96.0 if settings[LAYERS] else 95.0
    if part == FEW_NEURONS:
        return 92.5
    if part == "figure6":
        return 96.0 if settings[EPOCHS] <= 20 else 95.0
    return 90.0 if part == "other-data-sets" else as_reported(part, settings)


def test_runs_at_the_bounds_decide_nothing(tmp_path: Path) -> None:
    assert set(outcomes(judged(tmp_path, borderline))) == {"not decidable"}


def test_without_runs_nothing_is_decidable_and_every_claim_says_why(tmp_path: Path) -> None:
    nothing = make_reproduction(tmp_path, without=tuple(part.name for part in PARTS))
    claims = [
        *conclusions(REPORT, Evidence(nothing)),
        *figures(REPORT, Evidence(nothing)).values(),
    ]
    assert {claim.outcome for claim in claims} == {"not decidable"}
    assert all(v.rule and v.evidence for claim in claims for v in claim.parts.values())


@pytest.mark.parametrize(
    ("at_best", "outcome"),
    [(96.5, "confirmed"), (97.0, "not decidable"), (97.5, "refuted")],
)
def test_a_learning_rate_far_behind_the_best_one_is_not_excellent(
    at_best: float, outcome: str, tmp_path: Path
) -> None:
    def gap(part: str, settings: Settings) -> float:
        if part != FEW_NEURONS:
            return as_reported(part, settings)
        return at_best if settings[RATE] == 3e-3 else 95.0

    claim = judged(tmp_path, gap)[3]
    assert claim.outcome == outcome
    assert claim.parts["16 neurons"].outcome == "confirmed"
    assert claim.parts["16 neurons, 0.003 less 0.001"].outcome == outcome


def test_a_fall_counts_even_if_it_began_before_epoch_20(tmp_path: Path) -> None:
    def early(part: str, settings: Settings) -> float:
        if part != "figure6":
            return as_reported(part, settings)
        return {20: 90.0, 60: 80.0}.get(settings[EPOCHS], 95.0)

    assert judged(tmp_path, early)[4].outcome == "confirmed"


def test_without_pytorch_parity_is_not_decidable_and_says_how_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("parts", "verdicts"):
        monkeypatch.setattr(f"isolet_nn.reproduction.{module}.has_torch", lambda: False)
    folder = make_reproduction(tmp_path, without=("xor",))
    parity = conclusions(REPORT, Evidence(folder))[0]
    assert parity.outcome == "not decidable"
    assert "pip install 'isolet-nn[torch]'" in parity.parts["NumPy less PyTorch"].evidence
    assert PARITY_MARGIN == 0.5
