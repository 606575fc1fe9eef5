"""All settings of a sweep together: how they ended, where they stand, and what matters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isolet_nn.errors import BackendUnavailableError, ConfigError, RunError
from isolet_nn.plots import Coordinate
from isolet_nn.results.redraw import redraw
from isolet_nn.sweeps import setting_importance as module
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.overview import axes_of_settings, overview
from isolet_nn.sweeps.redraw import PlotChoice, choose_plot
from isolet_nn.sweeps.setting_importance import setting_importance
from isolet_nn.sweeps.sweep import sweep
from sweeps.helpers import EPOCHS, HIDDEN, LEARNING_RATE, InlineWorkers, iris_sweep

NAME, MOMENTUM = "optimizer.name", "optimizer.momentum"
HELD_OUT = {"dataset.validation": {"fraction": 0.3}, EPOCHS: 4}
SEARCH = {
    "trials": 12,
    "sampler": "random",
    "pruner": {"name": "successive_halving", "min_resource": 1, "reduction_factor": 2},
    "space": {
        LEARNING_RATE: {"log_uniform": [1e-4, 1.0]},
        NAME: {"choice": ["sgd", "adam"]},
        MOMENTUM: {"uniform": [0, 0.9], "when": {NAME: "sgd"}},
        HIDDEN: {"list_of": {"integers": [2, 9]}, "length": [1, 2]},
    },
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    config = iris_sweep(search=SEARCH, set=HELD_OUT, save_models="none")
    return sweep(
        config, runs_dir=tmp_path_factory.mktemp("overview"), make_workers=InlineWorkers, workers=1
    )


def test_settings_have_the_mean_of_all_their_trials_or_no_score(tmp_path: Path) -> None:
    config = iris_sweep(grid={LEARNING_RATE: [0.1, 0.01, 0.001]}, seeds=2)
    folder = SweepFolder.create(tmp_path, config, SweepFolder.planned(config).trial_table)
    for trial, score in enumerate([0.5, 0.7, 0.9]):
        folder.record(TrialResult(trial, "completed", {"test_accuracy": score}, 3, 0.1))
    folder.record(TrialResult(3, "failed", {}, 1, 0.1, "no memory"))
    found = overview(folder, "test_accuracy")
    assert found.statuses == ["completed", "failed", "pending"]
    np.testing.assert_allclose(found.scores, [0.6, np.nan, np.nan])
    assert found.epochs.tolist() == [6, 4, 0]


def test_pruned_settings_have_what_was_seen_last(searched: SweepFolder) -> None:
    found = overview(searched, "validation_accuracy")
    pruned = [number for number, status in enumerate(found.statuses) if status == "pruned"]
    assert pruned
    for number in pruned:
        seen = searched.results.reported[number]
        assert found.seen[number] == seen[max(seen)]
        assert np.isnan(found.scores[number])
        assert found.epochs[number] < 4


def test_keys_that_are_not_set_and_lists_of_any_length_stand_along_axes(
    searched: SweepFolder,
) -> None:
    axes = axes_of_settings(searched)
    trials = searched.trial_table
    settings = [trials.setting(number) for number in range(len(trials.codes))]
    momentum = np.asarray(axes[MOMENTUM].places)
    assert [MOMENTUM in setting for setting in settings] == np.isfinite(momentum).tolist()
    assert axes[LEARNING_RATE].logarithmic
    labels = axes[NAME].labels or []
    names = [labels[int(place)] for place in axes[NAME].places]
    assert names == [setting[NAME] for setting in settings]
    lists = [setting[HIDDEN] for setting in settings]
    if len({tuple(values) for values in lists}) > 12:
        assert list(axes[f"{HIDDEN} (number)"].places) == [len(values) for values in lists]


def test_every_kind_can_be_drawn_of_a_search(searched: SweepFolder) -> None:
    drawn = {path.name for path in (searched.path / "plots").iterdir()}
    assert {"history.png", "parallel.png", "epochs.png"} <= drawn
    (contour, _) = redraw(searched.path, PlotChoice("contour", x=LEARNING_RATE, y=NAME))
    assert contour.name == f"contour-validation_accuracy-by-{LEARNING_RATE}-and-{NAME}.png"
    assert contour.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunError, match=r"takes \d+ completed settings"):
        redraw(searched.path, PlotChoice("importance"))


def test_random_settings_have_the_same_pictures(tmp_path: Path) -> None:
    space = {LEARNING_RATE: {"log_uniform": [1e-4, 1.0]}, "model.dropout": {"uniform": [0, 0.5]}}
    config = iris_sweep(random={"trials": 12, "space": space})
    folder = SweepFolder.create(tmp_path, config, SweepFolder.planned(config).trial_table)
    rates = [folder.trial_table.setting(n)[LEARNING_RATE] for n in range(12)]
    for trial, rate in enumerate(rates):
        score = {"test_accuracy": 0.9 + np.log10(rate) / 20}
        folder.record(TrialResult(trial, "completed", score, 1, 0.1))
    from isolet_nn.sweeps.redraw import redraw_sweep

    written = [redraw_sweep(folder, PlotChoice(kind)) for kind in ("importance", "contour")]
    assert all(path.is_file() for paths in written for path in paths)
    importance = setting_importance(
        axes_of_settings(folder), overview(folder, "test_accuracy").scores
    )
    assert importance.n == 12
    assert next(iter(importance.shares)) == LEARNING_RATE
    assert sum(importance.shares.values()) == pytest.approx(1.0)


def axes_and_scores(n: int = 12) -> tuple[dict[str, Coordinate], Any]:
    random = np.random.default_rng(0)
    places = random.random((2, n))
    gaps = [np.nan, *places[1, 1:]]
    axes = {"a": Coordinate("a", places[0].tolist()), "b": Coordinate("b", gaps)}
    return axes, places[0]


def test_what_some_settings_lack_is_left_out_of_the_importance() -> None:
    found = setting_importance(*axes_and_scores())
    assert found.left_out == ["b"]
    assert found.shares == {"a": 1.0}


def test_of_very_many_settings_the_importance_is_found_without_a_forest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_FANOVA", 20)
    random = np.random.default_rng(0)
    places = random.random((2, 60))
    axes = {name: Coordinate(name, of.tolist()) for name, of in zip("ab", places, strict=True)}
    found = setting_importance(axes, places[0])
    assert found.method == "PED-ANOVA"
    assert next(iter(found.shares)) == "a"
    assert found.basis == "PED-ANOVA over 60 completed settings"
    monkeypatch.setattr(module, "MOST_PED_ANOVA", 40)
    of_some = setting_importance(axes, places[0])
    assert of_some.basis == "PED-ANOVA over 40 of 60 completed settings"
    assert of_some.shares == setting_importance(axes, places[0]).shares
    assert next(iter(of_some.shares)) == "a"


def test_too_little_to_tell_an_importance_from_is_said() -> None:
    axes, scores = axes_and_scores(9)
    with pytest.raises(RunError, match=r"takes 10 completed settings .* there are 9"):
        setting_importance(axes, scores)
    axes, scores = axes_and_scores()
    with pytest.raises(RunError, match="all scores are equal"):
        setting_importance(axes, np.ones(12))
    with pytest.raises(RunError, match="no key is set"):
        setting_importance({"b": axes["b"]}, scores)


def test_without_optuna_the_importance_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BackendUnavailableError, match=r"isolet-nn\[search\]"):
        setting_importance(*axes_and_scores())


@pytest.mark.parametrize(
    ("plot", "wrong"),
    [
        ({"kind": "history", "x": LEARNING_RATE}, "kind: history has no x and no y"),
        ({"kind": "line"}, "kind: line needs x"),
        ({"kind": "contour", "panels": LEARNING_RATE}, "panels go with kind: heatmap alone"),
    ],
)
def test_what_a_picture_does_not_take_is_refused(plot: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        iris_sweep(grid={LEARNING_RATE: [0.1, 0.01]}, plot=plot)


def test_a_picture_of_all_settings_takes_no_key_of_another_picture() -> None:
    plot = {"kind": "heatmap", "x": LEARNING_RATE, "y": HIDDEN}
    config = iris_sweep(grid={LEARNING_RATE: [0.1, 0.01], HIDDEN: [[2], [3]]}, plot=plot)
    chosen = choose_plot(config, PlotChoice("parallel"))
    assert (chosen.x, chosen.y) == (None, None)
