"""The claims of the report's text against made-up runs: each verdict can go each way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import needs_torch

from isolet_nn.config.loading import load_experiment
from isolet_nn.config.optimizers import Adagrad, Rmsprop
from isolet_nn.reproduction.claims import CLAIMS
from isolet_nn.reproduction.claims.shrinking_steps import effective_step, record_effective_steps
from isolet_nn.reproduction.evidence import BATCH, BETA1, EPOCHS, LAYERS, RATE, Evidence
from isolet_nn.reproduction.parts import Choice, Measuring
from isolet_nn.reproduction.selection import PARTS, parts_of
from isolet_nn.reproduction.verdicts import Claim, claims
from reproduction.made_up import (
    MEASURED,
    Accuracy,
    Settings,
    as_reported,
    make_reproduction,
    solved_by,
    timed,
)

NAME, ACTIVATION = "optimizer.name", "model.activation"


def true_to_the_text(part: str, settings: Settings) -> float:
    """Accuracies that bear out every claim."""
    if part.startswith("sigmoid"):
        return 95.0 if settings[ACTIVATION] == "relu" else 90.0
    if part == "figures3-4":
        return 96.0
    if part == "without-momentum":
        return 93.0
    if part in ("figure7", "beta1-by-width"):
        return 96.0 - 5.0 * float(settings[BETA1])
    if part in ("batch-sizes", "scaled-rates"):
        return 93.0 if settings[BATCH] == 2 else 96.0
    if part == "optimizers-tuned":
        return {"adam": 97.0, "rmsprop": 96.0, "adagrad": 95.0, "sgd": 94.0}[settings[NAME]]
    if part == "data-sets":
        return 90.0 if settings[LAYERS] else 80.0
    return as_reported(part, settings)


def contrary(part: str, settings: Settings) -> float:
    """Accuracies that refute every claim that rests on accuracies."""
    if part in ("figure5", "few-neurons"):
        return 50.0 if settings[LAYERS] == [64] else 60.0
    if part == "without-momentum":
        return 95.5
    if part == "optimizers-tuned":
        return 95.0 if settings[NAME] == "adam" else 96.0
    if part == "data-sets":
        return 80.0 if settings[LAYERS] else 90.0
    if part == "initial-weights":
        return 97.0
    if part == "batch-sizes":
        return 80.0 if settings[EPOCHS] == 1 else 96.0
    if part in ("figure7", "beta1-by-width", "scaled-rates") or part.startswith("sigmoid"):
        return 96.0
    return as_reported(part, settings)


CONTRARY_TIMES: Mapping[str, Settings] = {
    "times-by-batch": {
        "epochs": 1,
        "trainings": timed("numpy", 128, {2: 0.3, 32: 0.3, 256: 0.3}),
    },
    "times-by-backend": {
        "epochs": 3,
        "trainings": [
            training
            for engine, seconds in (("numpy", 0.1), ("torch", 0.2))
            for hidden, size in ((64, 32), (256, 128))
            for training in timed(engine, hidden, {size: seconds})
        ],
    },
    "xor-by-scale": solved_by(lambda activation: 100 if activation is None else 0),
    "effective-steps": {
        **MEASURED["effective-steps"],
        "trainings": [
            {"optimizer": name, "seed": seed, "median": [8.0, 1.0, 0.9, 0.8]}
            for name in ("adagrad", "rmsprop")
            for seed in range(3)
        ],
    },
}


def judged(
    folder: Path, accuracy: Accuracy, measured: Mapping[str, Settings] | None = None
) -> list[Claim]:
    made = make_reproduction(folder, accuracy, measured=measured or {}, without=("xor",))
    return claims(Evidence(made))


@needs_torch
def test_runs_that_bear_out_the_text_confirm_its_claims(tmp_path: Path) -> None:
    found = judged(tmp_path, true_to_the_text)
    assert {claim.outcome for claim in found} == {"confirmed"}


@needs_torch
def test_runs_that_say_the_opposite_refute_every_claim(tmp_path: Path) -> None:
    found = judged(tmp_path, contrary, CONTRARY_TIMES)
    assert {claim.outcome for claim in found} == {"refuted"}


def test_without_runs_no_claim_is_decidable_and_each_says_why(tmp_path: Path) -> None:
    nothing = make_reproduction(tmp_path, without=tuple(part.name for part in PARTS))
    found = claims(Evidence(nothing))
    assert {claim.outcome for claim in found} == {"not decidable"}
    assert all(v.rule and v.evidence for claim in found for v in claim.parts.values())


def test_a_claim_on_the_cause_is_refuted_if_the_cause_is_another(tmp_path: Path) -> None:
    def recipe_alone(part: str, settings: Settings) -> float:
        if part == "sigmoid-recipe":
            return 4.0
        return (
            96.0 if part in ("sigmoid-tuned", "scaled-rates") else true_to_the_text(part, settings)
        )

    found = judged(tmp_path, recipe_alone)
    outcomes = {name: verdict.outcome for name, verdict in found[0].parts.items()}
    assert outcomes == {
        "with the report's recipe": "confirmed",
        "each at its own best rate": "refuted",
    }
    assert [verdict.outcome for verdict in found[3].parts.values()] == ["confirmed", "refuted"]


@pytest.mark.parametrize(
    ("long", "highest", "outcome"),
    [(1000, 93.0, "not decidable"), (1000, 96.0, "refuted"), (400, 93.0, "confirmed")],
)
def test_never_needs_many_epochs_and_is_refuted_by_few(
    long: int, highest: float, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.reproduction.claims.momentum.LONG", long)
    without = tuple(part.name for part in PARTS if part.name != "without-momentum")
    folder = make_reproduction(tmp_path, lambda part, settings: highest, without=without)
    (claim,) = (claim for claim in CLAIMS if claim.name == "momentum")
    verdict = claim.judge(Evidence(folder))["without momentum"]
    assert verdict.outcome == outcome
    assert ("first reaches 95 % at epoch 20" in verdict.evidence) == (highest > 95.0)


def test_the_verdicts_file_has_every_effect_with_its_interval(made_up: Path) -> None:
    written: Any = json.loads((made_up / "verdicts.json").read_text(encoding="utf-8"))["claims"]
    assert [claim["number"] for claim in written] == [*range(1, 13)]
    parts = [part for claim in written for part in claim["parts"].values()]
    effects = [part["effect"] for part in parts if part["effect"] is not None]
    assert len(effects) > len(parts) / 2
    assert all(effect["low"] <= effect["estimate"] <= effect["high"] for effect in effects)


def test_settings_are_chosen_by_the_validation_split_of_all_seeds(tmp_path: Path) -> None:
    def best_in_the_middle(part: str, settings: Settings) -> float:
        if part != "optimizer-rates":
            return 96.0
        best = {"rmsprop": 3e-4}.get(settings[NAME])
        return 95.0 if settings[RATE] == best else 90.0

    without = tuple(part.name for part in PARTS if part.name != "optimizer-rates")
    folder = make_reproduction(tmp_path, best_in_the_middle, without=without)
    chosen = Evidence(folder).chosen(Choice("optimizer-rates", NAME))
    assert chosen == [
        {NAME: "adagrad", RATE: 0.01},
        {NAME: "rmsprop", RATE: 3e-4},
    ]
    assert Evidence(folder).chosen(Choice("sigmoid-rates", ACTIVATION)) == []


def test_a_claim_asks_for_all_that_it_rests_on_and_no_more() -> None:
    assert [part.name for part in parts_of(["claim2"])] == ["figures3-4", "without-momentum"]
    names = [part.name for part in parts_of(["claim8"])]
    assert names == ["figure8", "effective-steps", "optimizer-rates", "optimizers-tuned"]
    known = {part.name for part in PARTS}
    assert all(claim.needs <= known for claim in CLAIMS)
    assert [claim.number for claim in CLAIMS] == [*range(1, 13)]
    assert len({claim.name for claim in CLAIMS}) == 12


def test_a_quick_reproduction_leaves_out_what_takes_long() -> None:
    quick = {part.name for part in parts_of([], quick=True)}
    assert quick == {part.name for part in PARTS if part.quick is not None}
    assert "scaled-rates" not in quick
    assert [part.name for part in parts_of(["claim1"], quick=True)] == ["figures3-4"]


def test_what_is_chosen_from_is_run_before_what_is_chosen() -> None:
    order = [part.name for part in PARTS]
    assert len(set(order)) == len(order)
    for part in PARTS:
        if part.choice is not None:
            assert order.index(part.choice.part) < order.index(part.name)


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (Adagrad(name="adagrad", learning_rate=0.1), 0.05),
        (Rmsprop(name="rmsprop", learning_rate=0.2, epsilon=1e-12), 0.1),
    ],
)
def test_the_effective_step_is_the_rate_over_the_root_of_the_total(
    optimizer: Adagrad | Rmsprop, expected: float
) -> None:
    totals = np.array([0.0, 1.0, 4.0, 9.0])
    assert effective_step(optimizer, totals) == pytest.approx(expected, rel=1e-6)


def test_effective_steps_are_read_from_the_optimizers_of_a_training() -> None:
    content = {"dataset": {"name": "iris"}, "training": {"epochs": 3, "batch_size": 32}}
    experiments = [
        load_experiment(content, {"optimizer": {"name": name, "learning_rate": 0.01}, "seed": seed})
        for name in ("adagrad", "rmsprop")
        for seed in (0, 1)
    ]
    steps, per_epoch, medians = record_effective_steps(experiments)
    assert (steps, per_epoch) == ([*range(1, 13)], 4)
    assert medians.shape == (12, 4)
    assert (np.diff(medians[:, :2], axis=0) <= 0).all(), "a sum of squares cannot fall"
    # After one step the total is the square of the gradient; RMSprop has a hundredth of it.
    assert medians[0, 2:] == pytest.approx(10.0 * medians[0, :2], rel=1e-3)


def test_a_measurement_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    how = Measuring(tmp_path, True, None, {}, lambda: True, pytest.fail)
    measures = [part.measure for part in PARTS if part.measure is not None]
    assert len(measures) == 5
    for part in PARTS:
        if part.name in ("xor", "effective-steps", "xor-by-scale"):
            assert part.measure is not None
            assert part.measure(how) is None
    assert [*tmp_path.iterdir()] == []
