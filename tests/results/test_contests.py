"""Groups of runs, and settings of a sweep, against each other: who, on what, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_experiment
from scipy import stats
from sweeps.helpers import HIDDEN, LEARNING_RATE, InlineWorkers, iris_sweep
from typer.testing import CliRunner

import isolet_nn
from isolet_nn.cli.app import app
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.comparison import Comparison
from isolet_nn.results.conclusions import conclusions
from isolet_nn.results.contests import MOST_CONTENDERS, Contender, Contest, hold
from isolet_nn.results.designs import Design
from isolet_nn.results.runs_contest import contest_of_runs
from isolet_nn.results.settings_contest import contest_of_settings
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.sweep import sweep

SEEDS = Design("seeds")
GOOD = [0.90, 0.92, 0.91, 0.93, 0.92]
POOR = [0.80, 0.83, 0.80, 0.84, 0.81]


def contender(name: str, scores: Mapping[str, float] | list[float]) -> Contender:
    if isinstance(scores, list):
        scores = {f"seed {number}": score for number, score in enumerate(scores)}
    return Contender(name, {}, 0, (), scores)


def said(contest: Contest) -> str:
    return "\n".join(conclusions(contest))


def folder_of(scores: Any, tmp_path: Path, metric: str = "test_accuracy", **keys: Any) -> Any:
    """A sweep whose trials have these scores in turn; those without one failed."""
    config = iris_sweep(**keys)
    folder = SweepFolder.create(tmp_path, config, make_trials(config))
    for trial, score in enumerate(np.ravel(scores).tolist()):
        ended = np.isfinite(score)
        folder.record(
            TrialResult(trial, "completed", {metric: score}, 1, 0.1)
            if ended
            else TrialResult(trial, "failed", {}, 0, 0.1, "no memory")
        )
    return folder


def test_the_better_one_stands_first_and_differs() -> None:
    contest = hold([contender("poor", POOR), contender("good", GOOD)], "test_accuracy", SEEDS)
    assert [standing.name for standing in contest.standings] == ["good", "poor"]
    (match,) = contest.matches
    assert match.p_value == pytest.approx(stats.ttest_rel(GOOD, POOR).pvalue)
    assert (match.better, match.equal, match.worse) == (5, 0, 0)
    assert match.differs
    assert "good is better than poor, at the level of 5 %" in said(contest)


def test_of_losses_the_lower_one_is_better() -> None:
    contest = hold([contender("a", GOOD), contender("b", POOR)], "test_loss", SEEDS)
    assert [standing.name for standing in contest.standings] == ["b", "a"]
    assert contest.matches[0].difference < 0
    assert contest.matches[0].better == 5


def test_what_may_be_chance_is_called_so_with_the_difference_that_could_be_seen() -> None:
    near = [0.91, 0.91, 0.93, 0.90, 0.93]
    contest = hold([contender("a", GOOD), contender("b", near)], "test_accuracy", SEEDS)
    assert not contest.matches[0].differs
    text = said(contest)
    assert "a and b cannot be told apart: the differences may well be chance" in text
    needed = contest.matches[0].detectable
    assert needed is not None
    assert f"had to differ by about {100 * needed:.2f} points" in text


def test_no_difference_is_named_that_there_cannot_be() -> None:
    pair = [contender("a", [0.66, 0.88]), contender("b", [0.27, 0.25])]
    needed = hold(pair, "test_accuracy", SEEDS).matches[0].detectable
    assert needed is not None
    assert needed > 1.0
    text = said(hold(pair, "test_accuracy", SEEDS))
    assert "hardly any difference there can be would have been told from chance" in text
    assert f"about {needed:.4f} to be told apart" in said(hold(pair, "test_loss", SEEDS))


def test_of_three_each_two_are_corrected_for_three() -> None:
    middle = [0.895, 0.925, 0.90, 0.925, 0.91]
    contest = hold(
        [contender("a", GOOD), contender("b", middle), contender("c", POOR)],
        "test_accuracy",
        SEEDS,
    )
    assert contest.n_tests == len(contest.matches) == 3
    plain, corrected = ([getattr(m, p) for m in contest.matches] for p in ("p_value", "p_holm"))
    assert min(corrected) == pytest.approx(3 * min(plain))
    assert "a has the best score, but cannot be told from b" in said(contest)
    assert "2 of 3 pairs can be told apart" in said(contest)


def test_a_baseline_is_what_the_others_are_tested_against_alone() -> None:
    three = [contender("a", GOOD), contender("b", POOR), contender("c", POOR[::-1])]
    contest = hold(three, "test_accuracy", SEEDS, baseline=1)
    assert contest.n_tests == len(contest.matches) == 2
    assert {contest.standings[match.second].name for match in contest.matches} == {"b"}
    assert "better than b: a" in said(contest)
    assert "cannot be told from b: c" in said(contest)


def test_one_pair_of_scores_says_nothing_of_chance() -> None:
    contest = hold([contender("a", [0.9]), contender("b", [0.8])], "test_accuracy", SEEDS)
    assert not contest.matches
    assert "seed 0 is all that they have in common" in said(contest)
    assert "five or more" in said(contest)


def test_scores_that_are_no_pairs_are_not_tested_and_what_is_missing_is_named() -> None:
    one = contender("a", {"seed 0": 0.9, "seed 1": 0.8})
    other = contender("b", {"seed 2": 0.9, "seed 3": 0.8})
    contest = hold([one, other], "test_accuracy", SEEDS)
    assert not contest.matches
    assert contest.left_out == {"a": "lacks seed 2, seed 3", "b": "lacks seed 0, seed 1"}
    assert "no two have a seed in common" in said(contest)


def test_those_with_fewer_seeds_are_left_out_rather_than_the_seeds() -> None:
    three = [contender("a", GOOD), contender("b", POOR), contender("c", GOOD[:2])]
    contest = hold(three, "test_accuracy", SEEDS)
    assert len(contest.blocks) == 5
    assert contest.left_out == {"c": "lacks seed 2, seed 3, seed 4"}
    assert "not compared, for want of pairs: c lacks seed 2" in said(contest)


def test_seeds_that_one_side_lacks_are_left_out_where_no_two_have_all() -> None:
    one = contender("a", {f"seed {n}": 0.9 for n in (0, 1, 2)})
    other = contender("b", {f"seed {n}": 0.8 for n in (1, 2, 3)})
    contest = hold([one, other], "test_accuracy", SEEDS)
    assert contest.blocks == ["seed 1", "seed 2"]
    assert contest.unused == {"seed 0": ["b"], "seed 3": ["a"]}
    assert "not used, since one lacks it: seed 0 (b); seed 3 (a)" in said(contest)
    assert "2 pairs of scores are too few to show" in said(contest)
    assert contest.matches[0].p_value is None
    assert "the difference is the same in each of only 2" in said(contest)


def test_too_few_data_sets_are_said_to_be_too_few_whatever_the_differences() -> None:
    sets = Design("data sets")
    four = [
        contender(name, [score + n / 50 for n in range(4)])
        for name, score in (("a", 0.9), ("b", 0.5), ("c", 0.1))
    ]
    contest = hold(four, "test_accuracy", sets)
    assert contest.friedman is not None
    assert not any(match.differs for match in contest.matches)
    # Three tests, of which 2 of 2^4 signs are as extreme; of 2^7 they are 3 * 2^-6 < 0.05.
    assert "the smallest p that can be reached is 0.38" in said(contest)
    assert "that takes 7 at least" in said(contest)


def test_of_very_many_the_best_are_shown_and_all_pairs_are_corrected_for() -> None:
    random = np.random.default_rng(0)
    many = [contender(f"{n}", random.random(4).tolist()) for n in range(MOST_CONTENDERS + 10)]
    contest = hold(many, "test_accuracy", SEEDS)
    assert len(contest.standings) == MOST_CONTENDERS
    assert contest.n_tests == (MOST_CONTENDERS + 10) * (MOST_CONTENDERS + 9) / 2
    assert "10 more with poorer scores are not shown" in said(contest)


def test_of_many_that_are_not_compared_the_number_is_told(tmp_path: Path) -> None:
    grid = {LEARNING_RATE: [0.1, 0.01, 0.001, 0.002, 0.003, 0.004, 0.005]}
    folder = folder_of([*GOOD, *POOR, 0.9], tmp_path, grid=grid, seeds=5)
    contest = contest_of_settings(folder)
    assert len(contest.standings) == 2
    assert "5 more are not compared, as they lack some of these pairs" in said(contest)


def test_settings_are_paired_by_seed_and_only_complete_ones_are_compared(tmp_path: Path) -> None:
    scores = [GOOD, POOR, [0.9, np.nan, 0.9, 0.9, 0.9]]
    grid = {LEARNING_RATE: [0.1, 0.01, 0.001]}
    experiment = {"dataset": {"name": "iris", "split_seed": 0}}
    folder = folder_of(scores, tmp_path, experiment=experiment, grid=grid, seeds=5)
    contest = contest_of_settings(folder)
    assert contest.design == Design("seeds", 0.0, "5 seeds")
    assert contest.matches[0].p_value == pytest.approx(stats.ttest_rel(GOOD, POOR).pvalue)
    assert contest.left_out == {f"{LEARNING_RATE}=0.001": "lacks seed 1"}
    assert [standing.trial for standing in contest.standings] == [0, 5]


@pytest.mark.parametrize(
    ("metric", "part", "overlap"),
    [
        ("test_accuracy", {"test": {"fraction": 0.2}}, 0.25),
        ("validation_accuracy", {"validation": {"fraction": 0.1}}, 1 / 9),
        ("test_accuracy", {"validation": {"fraction": 0.5}}, 0.2 / 0.4),
        ("test_accuracy", {"split_seed": 7}, 0.0),
        ("validation_accuracy", {"validation": {"folds": 5, "fold": 1}}, 0.25),
    ],
)
def test_what_seeds_draw_anew_decides_on_the_test(
    metric: str, part: dict[str, Any], overlap: float, tmp_path: Path
) -> None:
    experiment = {"dataset": {"name": "iris", **part}}
    grid = {LEARNING_RATE: [0.1, 0.01]}
    folder = folder_of([GOOD, POOR], tmp_path, metric, experiment=experiment, grid=grid, seeds=5)
    design = contest_of_settings(folder, metric).design
    assert design.overlap == pytest.approx(overlap)
    assert design.test == ("corrected resampled t-test" if overlap else "paired t-test")


@pytest.mark.parametrize(("split_seed", "n_blocks"), [(None, 12), (3, 6)])
def test_folds_are_pairs_and_seeds_that_divide_alike_are_averaged(
    split_seed: int | None, n_blocks: int, tmp_path: Path
) -> None:
    scores = np.random.default_rng(0).random((2, 2, 2, 3))
    folder = folder_of(
        scores,
        tmp_path,
        "validation_accuracy",
        experiment={"dataset": {"name": "iris", "split_seed": split_seed}},
        grid={LEARNING_RATE: [0.1, 0.01]},
        seeds=2,
        cross_validation={"folds": 3, "repeats": 2},
    )
    contest = contest_of_settings(folder)
    assert contest.design.blocks == "folds"
    assert contest.design.overlap == 0.5
    assert len(contest.blocks) == n_blocks
    first = contest.standings[0]
    expected = scores[0 if first.trial == 0 else 1]
    pooled = expected.mean(axis=0) if split_seed is not None else expected
    np.testing.assert_allclose(first.scores, pooled.ravel())


def test_settings_on_several_data_sets_are_compared_over_these(tmp_path: Path) -> None:
    names = ["iris", "wine", "digits", "breast_cancer"]
    grid = {"dataset.name": names, LEARNING_RATE: [0.1, 0.01]}
    scores = np.random.default_rng(0).random((4, 2, 3))
    folder = folder_of(scores, tmp_path, grid=grid, seeds=3)
    contest = contest_of_settings(folder, baseline=9)
    assert contest.design.blocks == "data sets"
    assert contest.blocks == names
    by_name = {standing.name: standing.scores for standing in contest.standings}
    np.testing.assert_allclose(by_name[f"{LEARNING_RATE}=0.01"], scores[:, 1].mean(axis=1))
    assert contest.baseline is not None
    assert contest.standings[contest.baseline].name == f"{LEARNING_RATE}=0.01"


def test_settings_that_divide_the_rows_differently_are_no_pairs(tmp_path: Path) -> None:
    grid = {"dataset.split_seed": [0, 1]}
    folder = folder_of([GOOD, POOR], tmp_path, grid=grid, seeds=5)
    with pytest.raises(ConfigError, match=r"split_seed=0 and .* is of other rows"):
        contest_of_settings(folder)


def test_what_cannot_be_compared_in_a_sweep_says_why(tmp_path: Path) -> None:
    grid = {LEARNING_RATE: [0.1, 0.01]}
    nothing = folder_of([], tmp_path, grid=grid)
    with pytest.raises(RunError, match="no trial is completed"):
        contest_of_settings(nothing)
    folder = folder_of([GOOD, POOR], tmp_path, grid=grid, seeds=5)
    with pytest.raises(ConfigError, match=r"test_acuracy; .*did you mean test_accuracy"):
        contest_of_settings(folder, "test_acuracy")
    with pytest.raises(ConfigError, match=r"found trial 10; allowed: .* 0 to 9"):
        contest_of_settings(folder, baseline=10)
    single = folder_of(GOOD, tmp_path, grid={LEARNING_RATE: [0.1]}, seeds=5)
    with pytest.raises(RunError, match=r"two settings .* and there is 1"):
        contest_of_settings(single)
    folds = {"folds": 2, "outer_folds": 2}
    nested = folder_of(
        [0.5] * 8, tmp_path, "validation_accuracy", grid=grid, cross_validation=folds
    )
    with pytest.raises(ConfigError, match=r"nested .* without outer_folds"):
        contest_of_settings(nested)


def comparison_of(
    scores: Mapping[tuple[str, int], float], tmp_path: Path, **changes: dict[str, Any]
) -> Comparison:
    """Completed runs by group and seed; groups differ in what `changes` says of them."""
    runs = {
        f"{name}-{seed}": Run(
            tmp_path / f"{name}-{seed}",
            make_experiment(seed=seed, name=name, **changes.get(name, {})),
        )
        for name, seed in scores
    }
    labels = list(runs)
    return Comparison(
        folder=tmp_path,
        runs=runs,
        config={"seed": {label: runs[label].experiment.seed for label in labels}},
        results={
            "status": dict.fromkeys(labels, "completed"),
            "test_accuracy": dict(zip(labels, scores.values(), strict=True)),
        },
        histories={label: [{"test_accuracy": 0.5}] for label in labels},
        checksums={label: runs[label].experiment.dataset.name for label in labels},
        groups=[],
        left_out={},
    )


def grouped(**scores: list[float]) -> dict[tuple[str, int], float]:
    return {(name, seed): s for name, of in scores.items() for seed, s in enumerate(of)}


def test_groups_of_runs_are_paired_by_seed(tmp_path: Path) -> None:
    wide = {"model__hidden_layers": [64]}
    comparison = comparison_of(grouped(wide=GOOD, narrow=POOR), tmp_path, wide=wide)
    contest = contest_of_runs(comparison)
    assert contest is not None
    assert [len(standing.runs) for standing in contest.standings] == [5, 5]
    assert contest.matches[0].difference == pytest.approx(np.mean(GOOD) - np.mean(POOR))
    beside = contest_of_runs(comparison, baseline=tmp_path / "wide-3")
    assert beside is not None
    assert beside.matches[0].difference < 0
    with pytest.raises(ConfigError, match="none of the completed runs"):
        contest_of_runs(comparison, baseline=tmp_path / "else")


def test_runs_of_one_seed_each_are_not_tested(tmp_path: Path) -> None:
    wide = {"model__hidden_layers": [64]}
    comparison = comparison_of(grouped(wide=[0.9], narrow=[0.8]), tmp_path, wide=wide)
    assert contest_of_runs(comparison) is None


def test_groups_on_several_data_sets_are_compared_over_these(tmp_path: Path) -> None:
    wide: dict[str, Any] = {"model__hidden_layers": [64]}
    changes: dict[str, Any] = {
        f"{kind}-{data}": {**(wide if kind == "wide" else {}), "dataset__name": data}
        for kind in ("wide", "narrow")
        for data in ("iris", "wine", "digits")
    }
    scores = grouped(**{name: [len(name) / 20, 0.5] for name in changes})
    contest = contest_of_runs(comparison_of(scores, tmp_path, **changes))
    assert contest is not None
    assert contest.design.blocks == "data sets"
    assert contest.blocks == ["iris", "wine", "digits"]
    assert len(contest.standings) == 2


def test_runs_that_divide_one_of_several_data_sets_differently_are_refused(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "a": {"dataset__name": "wine"},
        "b": {"dataset__name": "iris"},
        "c": {"dataset__name": "iris", "dataset__standardize": False},
    }
    comparison = comparison_of(grouped(a=GOOD, b=GOOD, c=GOOD), tmp_path, **changes)
    with pytest.raises(ConfigError, match=r"dataset\.standardize differs on the same data"):
        contest_of_runs(comparison)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    grid = {HIDDEN: [[2], [9]], LEARNING_RATE: [0.01, 0.03]}
    config = iris_sweep(name="sizes", grid=grid, seeds=3, save_models="none")
    return sweep(
        config, runs_dir=tmp_path_factory.mktemp("contests"), make_workers=InlineWorkers, workers=1
    )


def run_command(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_the_command_compares_the_settings_of_a_sweep_alone(swept: SweepFolder) -> None:
    result = run_command(swept.path)
    assert "6 pairs over 3 seeds: corrected resampled t-test" in result.stdout
    content = json.loads(run_command(swept.path, "--json").stdout)
    assert Path(content["picture"]).read_bytes().startswith(b"\x89PNG")
    assert len(content["pairs"]) == 6
    assert content["conclusions"] == conclusions(contest_of_settings(swept))
    table = run_command(swept.path, "--format", "csv").stdout
    assert table.count("\n") == 2 + 4 + 1 + 2 + 6


def test_the_command_takes_a_baseline_and_a_metric(swept: SweepFolder) -> None:
    content = json.loads(
        run_command(swept.path, "--json", "--baseline", 4, "--metric", "test_loss").stdout
    )
    assert content["metric"] == "test_loss"
    assert content["baseline"] == f"{HIDDEN}=[2], {LEARNING_RATE}=0.03"
    assert content["picture"] is None
    for wrong in ("x", "-1"):
        assert "--baseline: found" in str(run_command(swept.path, f"--baseline={wrong}").exception)


def test_models_are_not_tested_where_no_two_are_chosen(swept: SweepFolder) -> None:
    assert "--test is of two models" in str(run_command(swept.path, "--test").exception)


def test_a_contest_shows_itself_and_is_data_frames(swept: SweepFolder) -> None:
    contest = isolet_nn.compare(swept.path)
    assert len(contest.pairs) == 6
    assert [*contest.ranking.index] == [standing.name for standing in contest.standings]
    html = contest._repr_html_()
    assert contest.conclusions[1] in html
    assert "data:image/png" in html
    with pytest.raises(ConfigError, match="number of a trial"):
        isolet_nn.compare(swept.path, baseline="runs/x")
