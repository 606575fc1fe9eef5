"""Cross-validation in a sweep: folds are trials, and the test set is nowhere to be seen."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from needs import needs_torch

from isolet_nn.benchmarks.sweep import time_sweep
from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_dataset, load_raw
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.errors import ConfigError, DataError, RunError
from isolet_nn.scores.statistics import resampled_interval
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.drawing import draw_plots, name_of
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.redraw import PlotChoice, choose_plot
from isolet_nn.sweeps.sweep import plan_of, resume_sweep, sweep
from sweeps.helpers import (
    IRIS,
    InlineWorkers,
    iris_sweep,
    read_table,
    result_table,
    stop_after,
    trials_of,
)

pytestmark = pytest.mark.usefixtures("without_pictures")

RATE = "optimizer.learning_rate"
EPOCHS = "training.epochs"
FOLDS: dict[str, Any] = {"folds": 3}
SEVERAL: dict[str, Any] = {
    "set": {EPOCHS: 2},
    "grid": {RATE: [0.001, 0.1], "model.hidden_layers": [[3], []]},
    "seeds": [4, 2],
    "cross_validation": FOLDS,
}


def swept(config: Sweep, runs_dir: Path, **options: Any) -> SweepFolder:
    return sweep(config, runs_dir=runs_dir, make_workers=InlineWorkers, **options)


@given(
    n_settings=st.integers(1, 4),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
    repeats=st.integers(1, 3),
    folds=st.integers(2, 7),
)
def test_a_setting_has_all_seeds_and_a_seed_all_folds_of_all_repeats_before_the_next(
    n_settings: int, seeds: list[int], repeats: int, folds: int
) -> None:
    rates = [0.1 * (number + 1) for number in range(n_settings)]
    cross_validation = {"folds": folds, "repeats": repeats}
    trials = trials_of(grid={RATE: rates}, seeds=seeds, cross_validation=cross_validation)
    expected = list(itertools.product(rates, seeds, range(repeats), range(folds)))
    assert len(trials) == len(expected)
    for trial, (rate, seed, repeat, fold) in enumerate(expected):
        experiment = trials.make_experiment(trial)
        assert (trials.value(trial, RATE), trials.seed(trial)) == (rate, seed)
        several = {"repeat": repeat} if repeats > 1 else {}
        assert trials.division(trial) == {**several, "fold": fold}
        assert (experiment.optimizer.learning_rate, experiment.seed) == (rate, seed)
        assert experiment.dataset.model_dump()["validation"] == {
            "folds": folds,
            "fold": fold,
            "repeat": repeat,
            "by": "rows",
        }
        assert experiment.training.evaluate_test is False


def test_no_trial_of_a_search_depends_on_the_test_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_test_set(config: DatasetConfig, seed: int, dtype: str = "float32") -> Dataset:
        dataset = load_dataset(config, seed, dtype)
        nothing = Split(np.full_like(dataset.test.x, np.nan), 0 * dataset.test.y, None)
        return dataclasses.replace(dataset, test=nothing)

    config = iris_sweep(**SEVERAL)
    as_it_is = swept(config, tmp_path)
    monkeypatch.setattr("isolet_nn.sweeps.datasets.load_dataset", without_test_set)
    unread = swept(config, tmp_path)
    table = result_table(as_it_is)
    assert result_table(unread) == table
    assert not [name for name in table[0] if "test" in name]
    settings = [(folder.path / "settings.csv").read_bytes() for folder in (as_it_is, unread)]
    assert settings[0] == settings[1]
    assert b"test" not in settings[0]
    assert as_it_is.metric == "validation_accuracy"


def test_the_table_of_trials_names_the_fold_beside_the_seed(tmp_path: Path) -> None:
    table = read_table(swept(iris_sweep(**SEVERAL), tmp_path).path / "trials.csv")
    assert list(table[0])[:6] == ["trial", "status", RATE, "model.hidden_layers", "seed", "fold"]
    assert [(row["seed"], row["fold"]) for row in table[:6]] == list(itertools.product("42", "012"))


def test_the_table_of_settings_averages_over_seeds_and_folds_the_best_first(
    tmp_path: Path,
) -> None:
    folder = swept(iris_sweep(**SEVERAL), tmp_path)
    trials = read_table(folder.path / "trials.csv")
    settings = read_table(folder.path / "settings.csv")
    of_accuracy = [f"validation_accuracy_{figure}" for figure in ("mean", "sd", "low", "high")]
    figures = ["n", *of_accuracy, "validation_loss_mean"]
    assert list(settings[0]) == [RATE, "model.hidden_layers", *figures]
    assert len(settings) == 4
    means = [float(row["validation_accuracy_mean"]) for row in settings]
    assert means == sorted(means, reverse=True)
    for row in settings:
        same = [t for t in trials if all(t[key] == row[key] for key in list(row)[:2])]
        assert row["n"] == str(len(same)) == "6"
        accuracies = [float(t["validation_accuracy"]) for t in same]
        losses = [float(t["validation_loss"]) for t in same]
        assert float(row["validation_accuracy_mean"]) == pytest.approx(statistics.fmean(accuracies))
        assert float(row["validation_accuracy_sd"]) == pytest.approx(statistics.stdev(accuracies))
        assert float(row["validation_loss_mean"]) == pytest.approx(statistics.fmean(losses))
    best = folder.best()[0]
    assert best.n == 6
    assert best.scores["validation_accuracy"].mean == means[0]


def test_a_stopped_search_goes_on_to_the_same_tables(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    whole = swept(config, tmp_path)
    folder = swept(config, tmp_path, workers=1, should_stop=stop_after(4))
    assert 0 < folder.summary["pending"] < 24
    resumed = resume_sweep(folder.path, make_workers=InlineWorkers)
    assert resumed.summary["status"] == "completed"
    assert result_table(resumed) == result_table(whole)
    settings = [(one.path / "settings.csv").read_bytes() for one in (resumed, whole)]
    assert settings[0] == settings[1]


def test_each_repeat_deals_the_rows_anew_and_has_a_row_a_fold_in_the_table(tmp_path: Path) -> None:
    keys = {"set": {EPOCHS: 2}, "cross_validation": {"folds": 3, "repeats": 2}}
    folder = swept(iris_sweep(**keys), tmp_path)
    table = read_table(folder.path / "trials.csv")
    assert list(table[0])[:5] == ["trial", "status", "seed", "repeat", "fold"]
    assert [(t["repeat"], t["fold"]) for t in table] == list(itertools.product("01", "012"))
    held = [rows_held_out(trials_of(**keys).make_experiment(trial)) for trial in range(6)]
    for of_repeat in (held[:3], held[3:]):
        assert sorted(itertools.chain(*of_repeat)) == sorted(itertools.chain(*held[:3]))
    assert held[0] not in held[3:]
    once = swept(iris_sweep(set={EPOCHS: 2}, cross_validation=FOLDS), tmp_path)
    for first, also in zip(table[:3], result_table(once), strict=True):
        assert {key: first[key] for key in also} == also, "a repeat more changed the first"


def rows_held_out(experiment: Experiment) -> list[int]:
    raw = load_raw(experiment.dataset)
    validation = rows_of_splits(raw, experiment.dataset, experiment.seed)[1]
    assert validation is not None
    return [*map(int, validation)]


def test_the_interval_of_a_setting_counts_seeds_on_the_same_folds_once(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"seeds": 2, "cross_validation": {"folds": 3, "repeats": 2}}
    for split_seed in (None, 5):
        changes = {EPOCHS: 2, "dataset.split_seed": split_seed}
        folder = swept(iris_sweep(set=changes, **keys), tmp_path)
        scores = folder.results.metric("validation_accuracy")
        expected = scores if split_seed is None else scores.reshape(2, 6).mean(axis=0)
        low, high = resampled_interval(expected, folds=3)
        (setting,) = read_table(folder.path / "settings.csv")
        assert float(setting["validation_accuracy_low"]) == pytest.approx(max(low, 0.0))
        assert float(setting["validation_accuracy_high"]) == pytest.approx(min(high, 1.0))
        (best,) = folder.summary["best"]
        assert best["scores"]["validation_accuracy"]["low"] == pytest.approx(max(low, 0.0))


def test_a_setting_that_lacks_a_fold_has_no_interval(tmp_path: Path) -> None:
    folder = swept(iris_sweep(set={EPOCHS: 2}, cross_validation=FOLDS), tmp_path)
    folder.results.record(TrialResult(1, "failed", error="as an example"))
    (best,) = folder.best()
    assert (best.n, best.scores["validation_accuracy"].low) == (2, None)


def test_results_are_never_taken_for_those_of_other_folds(tmp_path: Path) -> None:
    folder = swept(iris_sweep(**SEVERAL), tmp_path, should_stop=stop_after(2))
    file = folder.path / "sweep.yaml"
    text = file.read_text(encoding="utf-8")
    assert "folds: 3" in text
    file.write_text(text.replace("folds: 3", "folds: 4"), encoding="utf-8")
    with pytest.raises(RunError, match=r"cross_validation in sweep\.yaml changed since the sweep"):
        resume_sweep(folder.path, make_workers=InlineWorkers)


def test_folds_share_no_cohort_since_they_may_differ_in_size() -> None:
    config = iris_sweep(**{**SEVERAL, "cross_validation": {"folds": 7}})
    trials = make_trials(config)
    plan, count, _ = plan_of(config, workers=1)
    assert count == plan.n_trials == 56
    for cohort in plan.cohorts:
        assert len({trials.division(trial)["fold"] for line in cohort.lines for trial in line}) == 1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"cross_validation": {"folds": 1}},
            "cross_validation.folds: found 1; it should be greater",
        ),
        (
            {"cross_validation": {"fold": 5}},
            "cross_validation.fold: unknown key; did you mean folds",
        ),
        ({"cross_validation": {"folds": 5, "by": "spekr"}}, "did you mean speaker?"),
        ({"cross_validation": {"folds": 5, "by": "group"}}, "cross_validation.by: found 'group'"),
        (
            {"set": {"dataset.validation": {"fraction": 0.1}}},
            "experiment.dataset.validation: found {'fraction': 0.1}; cross_validation holds out",
        ),
        (
            {"set": {"training.early_stopping": {"patience": 3}}},
            "experiment.training.early_stopping: under cross_validation it would choose the epoch",
        ),
        (
            {"grid": {"training.early_stopping": [None, {"patience": 3}]}},
            "very fold that is scored; set null, and vary training.epochs instead (with training."
            'early_stopping={"patience": 3})',
        ),
        (
            {"set": {"training.schedule": "reduce_on_plateau"}},
            "experiment.training.schedule: under cross_validation reduce_on_plateau would choose",
        ),
        (
            {"grid": {"dataset": [{"name": "iris"}, {"name": "wine", "validation": {"folds": 3}}]}},
            "dataset.validation: found {'folds': 3}; cross_validation holds out folds instead",
        ),
        (
            {"grid": {"dataset.validation": ["none", {"fraction": 0.1}]}},
            "dataset.validation: cross_validation decides on it, so it cannot be varied",
        ),
        (
            {"grid": {"dataset.validation.fraction": [0.1, 0.2]}},
            "dataset.validation.fraction: cross_validation decides on it",
        ),
        (
            {"grid": {"training.evaluate_test": [True, False]}},
            "training.evaluate_test: cross_validation decides on it, so it cannot be varied",
        ),
        (
            {"set": {"training.evaluate_test": True}},
            "sweep: set: training.evaluate_test: found true; cross_validation leaves the test ",
        ),
        (
            {"set": {"dataset": {"name": "xor"}}},
            "sweep: cross_validation: the data set has no rows that could be held out",
        ),
        (
            {"cross_validation": {"folds": 5, "repeats": 0}},
            "cross_validation.repeats: found 0; it should be greater than or equal to 1",
        ),
        (
            {"cross_validation": {"folds": 10, "repeats": 10**6}, "seeds": 2},
            "cross_validation.repeats: 1 setting, 2 seeds, 1000000 repeats and 10 folds make ",
        ),
        (
            {"plot": {"kind": "boxplot", "x": "seed", "value": "test_loss"}},
            "plot: found value: test_loss; cross_validation leaves the test set unread: take valid",
        ),
    ],
)
def test_what_does_not_go_with_folds_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        trials_of(**{"cross_validation": FOLDS, **keys})
    assert message in str(caught.value)


def test_folds_of_groups_are_asked_for_where_the_data_has_them() -> None:
    csv_data = {"name": "csv", "path": "a.csv"}
    with pytest.raises(ConfigError, match="group needs to know the column: set group"):
        trials_of({"dataset": csv_data}, cross_validation={"folds": 3, "by": "group"})
    named = trials_of(
        {"dataset": {**csv_data, "group": "owner"}}, cross_validation={"folds": 3, "by": "group"}
    )
    assert named.content(2)["dataset"]["validation"] == {"folds": 3, "fold": 2, "by": "group"}


def test_more_folds_than_rows_are_an_error_before_there_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"found 200, but .* has only 120 rows to divide among them"
    ):
        swept(iris_sweep(cross_validation={"folds": 200}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_pictures_show_validation_and_can_have_folds_along_an_axis(tmp_path: Path) -> None:
    plots = [{"kind": "boxplot", "x": "fold"}, {"kind": "heatmap", "x": "fold", "y": RATE}]
    folder = swept(iris_sweep(**SEVERAL, plot=plots), tmp_path)
    assert [plot.value for plot in folder.sweep.plot] == ["validation_accuracy"] * 2
    names = {path.name for path in draw_plots(folder)} - {"heatmap.csv"}
    assert names == {"boxplot.png", "boxplot.svg", "heatmap.png", "heatmap.svg"}
    with (folder.path / "heatmap.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [RATE, "0", "1", "2"]
    table = read_table(folder.path / "trials.csv")
    for rate, *cells in rows:
        for fold, cell in enumerate(cells):
            of_cell = [
                float(row["validation_accuracy"])
                for row in table
                if (row[RATE], row["fold"]) == (rate, str(fold))
            ]
            assert len(of_cell) == 4
            assert float(cell) == pytest.approx(statistics.fmean(of_cell))


def test_a_picture_drawn_later_shows_validation_unless_told_otherwise() -> None:
    searched = iris_sweep(grid={RATE: [0.1, 0.2]}, cross_validation=FOLDS)
    by_rate = name_of(choose_plot(searched, PlotChoice()))
    assert by_rate == f"boxplot-validation_accuracy-by-{RATE}"
    by_fold = name_of(choose_plot(searched, PlotChoice(x="fold", value="train_loss")))
    assert by_fold == "boxplot-train_loss-by-fold"
    with pytest.raises(ConfigError, match="--x: found 'fold'"):
        choose_plot(iris_sweep(grid={RATE: [0.1]}), PlotChoice(x="fold"))


def test_without_cross_validation_there_are_no_folds(tmp_path: Path) -> None:
    folder = swept(iris_sweep(set={EPOCHS: 1}, seeds=2), tmp_path)
    assert folder.trial_table.division(1) == {}
    assert "fold" not in read_table(folder.path / "trials.csv")[0]
    (row,) = read_table(folder.path / "settings.csv")
    assert list(row) == ["n", "test_accuracy_mean", "test_accuracy_sd", "test_loss_mean"]
    assert row["n"] == "2"


def test_settings_without_a_result_stand_last_and_empty(tmp_path: Path) -> None:
    changes = {"optimizer": {"name": "sgd"}, "training.batch_size": 5, EPOCHS: 1}
    folder = swept(iris_sweep(set=changes, grid={RATE: [1e38, 0.1]}), tmp_path)
    good, failed = read_table(folder.path / "settings.csv")
    assert (good[RATE], good["n"], good["test_accuracy_sd"]) == ("0.1", "1", "")
    assert failed == {RATE: "1e+38", "n": "0", **dict.fromkeys(list(good)[2:], "")}


@needs_torch
def test_a_search_is_not_timed_against_the_loop(tmp_path: Path) -> None:
    config = tmp_path / "search.yaml"
    config.write_text(
        "experiment: {dataset: {name: iris}}\ncross_validation: {folds: 3}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="cross_validation: found 3 folds"):
        time_sweep(config, runs_dir=tmp_path / "runs")


def test_folds_of_isolet_are_by_speaker_and_one_partition_for_each_seed() -> None:
    experiment = {**IRIS, "dataset": {"name": "isolet"}}
    trials = trials_of(experiment, seeds=2, cross_validation={"folds": 5, "by": "speaker"})
    held: list[list[int]] = []
    for trial in range(len(trials)):
        one = trials.make_experiment(trial)
        dataset = load_dataset(one.dataset, one.seed)
        assert dataset.validation is not None
        assert dataset.validation.groups is not None
        assert dataset.train.groups is not None
        held.append(np.unique(dataset.validation.groups).tolist())
        assert not set(held[-1]) & set(dataset.train.groups.tolist())
        assert len(held[-1]) == 24
    for of_seed in (held[:5], held[5:]):
        assert sorted(itertools.chain(*of_seed)) == list(range(120))
    assert sorted(held[:5]) != sorted(held[5:])
