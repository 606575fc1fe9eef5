"""Each rule gives each of its outcomes, on made-up numbers."""

from __future__ import annotations

import numpy as np
import pytest

from isolet_nn.reproduction.rules import (
    Outcome,
    Verdict,
    above,
    all_of,
    below,
    box_holds_mean,
    ever,
    grids_agree,
    is_better,
    mostly,
    never,
    on_a_par,
    one_more_run,
    paired_above,
    paired_below,
    ranked_above,
)

SPREAD = (-0.2, -0.1, 0.0, 0.1, 0.2)


def around(mean: float) -> list[float]:
    """Five seeds with this mean and standard deviation 0.16."""
    return [mean + offset for offset in SPREAD]


@pytest.mark.parametrize(
    ("reported", "outcome"),
    [(92.0, "confirmed"), (92.85, "not decidable"), (94.0, "refuted"), (90.0, "refuted")],
)
def test_one_more_run_may_fall_where_the_seeds_predict_it(
    reported: float, outcome: Outcome
) -> None:
    # 95 %: 92 ± 2.776 * 0.158 * sqrt(1.2) = 92 ± 0.48; 99 %: 92 ± 0.80; reading 0.1.
    verdict = one_more_run((reported, reported), around(92.0), reading=0.1)
    assert verdict.outcome == outcome
    assert "between 91.5 and 92.5" in verdict.evidence


def test_a_reported_range_is_confirmed_by_its_nearer_end() -> None:
    assert one_more_run((92.3, 99.0), around(92.0), reading=0.1).outcome == "confirmed"


def test_an_inexact_reading_saves_a_reported_value() -> None:
    assert one_more_run((94.0, 94.0), around(92.0), reading=2.0).outcome == "confirmed"


@pytest.mark.parametrize(
    ("gaps", "outcome"),
    [
        ([0.0] * 9 + [50.0], "confirmed"),
        ([0.0] * 8 + [5.0, 5.0], "not decidable"),
        ([0.0] * 8 + [5.0, -11.0], "refuted"),
        ([np.nan] * 10, "not decidable"),
        ([0.0] * 3 + [np.nan] * 7, "confirmed"),
    ],
)
def test_grids_agree_by_the_share_of_close_and_of_far_cells(
    gaps: list[float], outcome: Outcome
) -> None:
    reported = np.full((2, 5), 90.0)
    verdict = grids_agree(reported, reported + np.reshape(gaps, (2, 5)))
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("mean", "outcome"), [(94.0, "confirmed"), (95.0, "not decidable"), (96.0, "refuted")]
)
def test_a_box_must_hold_the_whole_interval_of_the_mean(mean: float, outcome: Outcome) -> None:
    assert box_holds_mean((93.1, 94.9), around(mean), reading=0.1).outcome == outcome


@pytest.mark.parametrize(
    ("mean", "is_above", "is_below"),
    [
        (1.0, "confirmed", "refuted"),
        (0.0, "not decidable", "not decidable"),
        (-1.0, "refuted", "confirmed"),
    ],
)
def test_a_mean_is_above_or_below_a_bound_with_its_whole_interval(
    mean: float, is_above: Outcome, is_below: Outcome
) -> None:
    assert above(around(mean), 0.0, "a mean").outcome == is_above
    assert below(around(mean), 0.0, "a mean").outcome == is_below
    assert is_better(around(90.0 + mean), around(90.0), "a difference").outcome == is_above


@pytest.mark.parametrize(
    ("difference", "outcome"),
    [(0.0, "confirmed"), (-0.2, "confirmed"), (0.5, "not decidable"), (-0.9, "refuted")],
)
def test_two_means_are_on_a_par_if_the_interval_stays_within_the_margin(
    difference: float, outcome: Outcome
) -> None:
    assert on_a_par(around(95.0 + difference), around(95.0), 0.5).outcome == outcome


@pytest.mark.parametrize(
    ("successes", "outcome"), [(80, "confirmed"), (50, "not decidable"), (33, "refuted")]
)
def test_what_happens_mostly_is_judged_by_wilsons_interval(
    successes: int, outcome: Outcome
) -> None:
    assert mostly(successes, 100, "a seed solves it").outcome == outcome


@pytest.mark.parametrize(
    ("successes", "n", "outcome"),
    [(0, 30, "confirmed"), (0, 2, "not decidable"), (1, 30, "refuted")],
)
def test_what_never_happens_must_not_happen_once(successes: int, n: int, outcome: Outcome) -> None:
    assert never(successes, n, "a seed solves it").outcome == outcome


@pytest.mark.parametrize(
    "verdict",
    [
        one_more_run((1.0, 1.0), [1.0, 1.0], reading=0.1),
        box_holds_mean((0.0, 2.0), [1.0], reading=0.1),
        above([], 0.0, "a mean"),
        below([-1.0, -1.0], 0.0, "a mean"),
        is_better([2.0, 2.0], [1.0, 1.0, 1.0], "a difference"),
        on_a_par([1.0, 1.0, 1.0], [], 0.5),
        paired_above([1.0, 1.0], 0.0, "a difference"),
    ],
)
def test_too_few_values_decide_nothing(verdict: Verdict) -> None:
    assert verdict.outcome == "not decidable"
    assert "3 are needed" in verdict.evidence


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        (["confirmed", "confirmed"], "confirmed"),
        (["confirmed", "not decidable"], "not decidable"),
        (["confirmed", "not decidable", "refuted"], "refuted"),
        ([], "not decidable"),
    ],
)
def test_a_claim_holds_if_all_its_parts_do(outcomes: list[Outcome], outcome: Outcome) -> None:
    assert all_of(Verdict(part, "", "") for part in outcomes) == outcome


@pytest.mark.parametrize(
    ("mean", "is_above", "is_below"),
    [
        (1.0, "confirmed", "refuted"),
        (0.1, "not decidable", "not decidable"),
        (-1.0, "refuted", "confirmed"),
    ],
)
def test_pairs_are_judged_by_the_interval_of_the_t_test(
    mean: float, is_above: Outcome, is_below: Outcome
) -> None:
    # 2.776 * 0.158 / sqrt(5) = 0.196
    above_zero, below_zero = (
        paired_above(around(mean), 0.0, "x"),
        paired_below(around(mean), 0.0, "x"),
    )
    assert (above_zero.outcome, below_zero.outcome) == (is_above, is_below)
    assert above_zero.effect is not None
    assert above_zero.effect.low == pytest.approx(mean - 0.196, abs=1e-3)
    assert "5 pairs; Cohen's d" in above_zero.evidence


def test_pairs_that_all_differ_by_the_same_have_no_spread_and_a_verdict() -> None:
    verdict = paired_above([0.5, 0.5, 0.5], 0.0, "x")
    assert (verdict.outcome, "Cohen" in verdict.evidence) == ("confirmed", False)
    assert paired_below([0.0, 0.0, 0.0], 0.0, "x").evidence.startswith("0.00 points")


@pytest.mark.parametrize(
    ("sign", "n", "outcome"),
    [(1, 8, "confirmed"), (-1, 8, "refuted"), (1, 5, "not decidable"), (0, 8, "not decidable")],
)
def test_data_sets_are_judged_by_ranks(sign: int, n: int, outcome: Outcome) -> None:
    differences = [sign * 2.0**k if sign else (-1.0) ** k for k in range(n)]
    assert ranked_above(differences, "x", "data sets").outcome == outcome


@pytest.mark.parametrize(
    ("successes", "n", "outcome"),
    [(1, 5, "confirmed"), (0, 1000, "refuted"), (0, 99, "not decidable")],
)
def test_what_can_happen_must_happen_once(successes: int, n: int, outcome: Outcome) -> None:
    assert ever(successes, n, "a seed solves it").outcome == outcome
