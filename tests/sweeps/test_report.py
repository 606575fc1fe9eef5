"""What a sweep's results say: the ranking of settings, and what its pictures show."""

from __future__ import annotations

import csv
import itertools
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isolet_nn.plots import Band, Coordinate
from isolet_nn.sweeps.axes import axis_of, means_on_grid
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.drawing import default_plots, draw_plots
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.journal import Results
from isolet_nn.sweeps.scores import best_settings, write_settings
from isolet_nn.sweeps.sweep import sweep
from isolet_nn.system.statuses import COMPLETED, FAILED
from isolet_nn.terminal.sweeps import print_sweep
from sweeps.helpers import IRIS, InlineWorkers, iris_sweep, trials_of

RATE = "optimizer.learning_rate"
HIDDEN = "model.hidden_layers"
DROPOUT = "model.dropout"
ACTIVATION = "model.activation"


def results_of(trials: Trials, values: Mapping[int, float], metric: str) -> Results:
    """Results in which some trials have a value, and all others failed."""
    results = Results(len(trials))
    for trial in range(len(trials)):
        if trial in values:
            results.record(TrialResult(trial, COMPLETED, {metric: values[trial]}))
        else:
            results.record(TrialResult(trial, FAILED, error="no luck"))
    return results


@given(
    n_settings=st.integers(1, 5),
    n_seeds=st.integers(1, 4),
    most=st.integers(1, 6),
    data=st.data(),
)
def test_settings_are_ranked_by_their_mean_over_completed_seeds(
    n_settings: int, n_seeds: int, most: int, data: st.DataObject
) -> None:
    trials = trials_of(grid={RATE: [0.1 * (k + 1) for k in range(n_settings)]}, seeds=n_seeds)
    accuracies = st.dictionaries(st.integers(0, len(trials) - 1), st.floats(0.0, 1.0))
    values = data.draw(accuracies)
    found = best_settings(
        trials, results_of(trials, values, "test_accuracy"), "test_accuracy", most
    )

    by_setting = {
        number: [values[t] for t in range(number * n_seeds, (number + 1) * n_seeds) if t in values]
        for number in range(n_settings)
    }
    ranked = sum(bool(of_setting) for of_setting in by_setting.values())
    assert len(found) == min(most, ranked)
    most_seeds = max((len(of_setting) for of_setting in by_setting.values()), default=0)
    ranks = [(score.n == most_seeds, score.scores["test_accuracy"].mean) for score in found]
    for (complete, mean), (next_complete, next_mean) in itertools.pairwise(ranks):
        assert complete >= next_complete
        if complete == next_complete:
            assert mean >= next_mean or math.isclose(mean, next_mean)
    for score in found:
        of_setting = by_setting[round(score.setting[RATE] / 0.1) - 1]
        assert score.n == len(of_setting)
        test = score.scores["test_accuracy"]
        assert math.isclose(test.mean, statistics.fmean(of_setting), abs_tol=1e-12)
        if score.n == 1:
            assert test.deviation is None
        else:
            assert test.deviation is not None
            assert math.isclose(test.deviation, statistics.stdev(of_setting), abs_tol=1e-9)


def test_means_of_losses_beyond_all_squares_are_taken_without_a_warning(tmp_path: Path) -> None:
    trials = trials_of(grid={RATE: [0.1]}, seeds=2)
    results = Results(2)
    for trial, loss in enumerate([1e200, 3e200]):
        results.record(TrialResult(trial, COMPLETED, {"test_accuracy": 0.5, "test_loss": loss}))
    write_settings(tmp_path / "settings.csv", trials, results, "test_accuracy")
    with (tmp_path / "settings.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["test_loss_mean"]) == 2e200


def test_equal_settings_are_ranked_in_the_order_of_the_file() -> None:
    trials = trials_of(grid={RATE: [0.3, 0.1, 0.2]})
    results = results_of(trials, dict.fromkeys(range(3), 0.5), "test_accuracy")
    found = best_settings(trials, results, "test_accuracy", 9)
    assert [score.setting[RATE] for score in found] == [0.3, 0.1, 0.2]


@pytest.mark.parametrize(
    ("keys", "metric"),
    [
        ({}, "test_accuracy"),
        ({"set": {"dataset.validation": {"fraction": 0.2}}}, "validation_accuracy"),
        ({"grid": {"dataset.validation": ["none", {"fraction": 0.2}]}}, "validation_accuracy"),
        ({"grid": {"dataset.split_seed": [1, 2]}}, "test_accuracy"),
        ({"grid": {"dataset": [{"name": "iris"}, {"name": "wine"}]}}, "test_accuracy"),
        ({"grid": {"dataset.validation.fraction": [0.1, 0.2]}}, "validation_accuracy"),
    ],
)
def test_the_ranking_is_by_validation_wherever_there_is_some(
    tmp_path: Path, keys: dict[str, Any], metric: str
) -> None:
    config = iris_sweep(**keys)
    assert SweepFolder(tmp_path, config, make_trials(config)).metric == metric


def test_test_accuracy_stands_beside_validation_accuracy(tmp_path: Path) -> None:
    config = iris_sweep(
        set={"dataset.validation": {"fraction": 0.2}, "training.epochs": 2},
        grid={RATE: [0.001, 0.1]},
        seeds=3,
    )
    folder = sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers)
    best = folder.best()
    assert [list(score.scores) for score in best] == [["validation_accuracy", "test_accuracy"]] * 2
    assert folder.summary["ranked_by"] == "validation_accuracy"
    assert folder.summary["best"][0]["setting"] == best[0].setting
    assert folder.summary["best"][0]["n"] == 3


def test_an_axis_of_numbers_is_sorted_and_has_the_experiments_value_too() -> None:
    trials = trials_of(list=[{RATE: 0.5}, {DROPOUT: 0.1}, {RATE: 0.1}, {RATE: 0.5, DROPOUT: 0.2}])
    axis = axis_of(trials, RATE)
    assert axis.values == [0.001, 0.1, 0.5]
    assert axis.position.tolist() == [2, 0, 1, 2]


def test_an_axis_of_all_else_has_the_order_of_the_file() -> None:
    hidden = "model.hidden_layers"
    axis = axis_of(trials_of(grid={hidden: [[8, 8], [2], []]}), hidden)
    assert axis.values == [[8, 8], [2], []]
    assert axis.position.tolist() == [0, 1, 2]
    seeds = axis_of(trials_of(seeds=[4, 2], grid={RATE: [1, 2]}), "seed")
    assert (seeds.values, seeds.position.tolist()) == ([4, 2], [0, 1, 0, 1])


def test_a_key_that_is_left_open_has_the_value_that_the_trial_is_trained_with() -> None:
    trials = trials_of(
        list=[
            {RATE: 0.1},
            {RATE: 0.001},
            {DROPOUT: 0.5},
            {"optimizer": {"name": "sgd", "learning_rate": 0.1}},
            {"optimizer": {"name": "sgd"}},
        ],
        seeds=2,
    )
    used = [trials.make_experiment(trial).optimizer.learning_rate for trial in range(10)]
    assert used[::2] == [0.1, 0.001, 0.001, 0.1, 0.01]
    assert [trials.value(trial, RATE) for trial in range(10)] == used
    axis = axis_of(trials, RATE)
    assert axis.values == [0.001, 0.01, 0.1]
    assert [axis.values[place] for place in axis.position] == used
    optimizers = axis_of(trials, "optimizer")
    assert [optimizers.values[place]["learning_rate"] for place in optimizers.position[:6]] == [
        *(0.1, 0.1, 0.001, 0.001, 0.001, 0.001)
    ]


def test_labels_are_short_but_never_the_same() -> None:
    assert axis_of(trials_of(grid={RATE: [1e-5, 0.1 + 0.2]}), RATE).labels == ["1e-5", "0.3"]
    close = axis_of(trials_of(grid={RATE: [0.3, 0.1 + 0.2]}), RATE)
    assert close.labels == ["0.3", "0.30000000000000004"]


@given(data=st.data())
def test_cells_are_means_over_everything_that_is_no_axis(data: st.DataObject) -> None:
    trials = trials_of(grid={RATE: [0.1, 0.2], HIDDEN: [[1], []], DROPOUT: [0.0, 0.5]}, seeds=2)
    drawn = st.lists(
        st.one_of(st.just(math.nan), st.floats(-1, 1)), min_size=len(trials), max_size=len(trials)
    )
    values: NDArray[np.float64] = np.array(data.draw(drawn))
    keys = data.draw(st.permutations([RATE, HIDDEN, DROPOUT, "seed"]))[:2]
    axes = [axis_of(trials, key) for key in keys]
    means = means_on_grid(values, axes)
    for row, column in np.ndindex(means.shape):
        members = [
            values[trial]
            for trial in range(len(trials))
            if trials.value(trial, keys[0]) == axes[0].values[row]
            and trials.value(trial, keys[1]) == axes[1].values[column]
            and not math.isnan(values[trial])
        ]
        if members:
            assert math.isclose(means[row, column], statistics.fmean(members), abs_tol=1e-12)
        else:
            assert math.isnan(means[row, column])


Drawn = list[tuple[Any, Path, dict[str, Any]]]


def folder_with(
    tmp_path: Path, values: Mapping[int, float] | None = None, **keys: Any
) -> SweepFolder:
    """A sweep's folder in which trial k has test accuracy k / 100, or as given."""
    config = iris_sweep(**keys)
    trials = make_trials(config)
    folder = SweepFolder(tmp_path, config, trials)
    (tmp_path / "plots").mkdir()
    given_values = {k: k / 100 for k in range(len(trials))} if values is None else values
    folder.results = results_of(trials, given_values, "test_accuracy")
    return folder


def drawn(
    monkeypatch: pytest.MonkeyPatch, kind: str, folder: SweepFolder
) -> tuple[Drawn, list[Path]]:
    """What is handed to a plot function, and the files that are said to be written."""
    calls: Drawn = []
    name = f"plot_{kind}" + ("s" if kind == "line" else "")
    monkeypatch.setattr(
        f"isolet_nn.plots.{name}",
        lambda values, path, **options: calls.append((values, path, options)),
    )
    return calls, draw_plots(folder)


def test_a_heat_map_has_sorted_numbers_and_all_else_in_the_order_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = folder_with(
        tmp_path,
        grid={HIDDEN: [[8], []], RATE: [0.1, 1e-5, 0.01], DROPOUT: [0.5, 0.0]},
        plot={"kind": "heatmap", "x": RATE, "y": HIDDEN, "panels": DROPOUT},
    )
    calls, written = drawn(monkeypatch, "heatmap", folder)
    values, path, options = calls[0]
    assert [path.name for _, path, _ in calls] == ["heatmap.png", "heatmap.svg"]
    assert written == [tmp_path / "heatmap.csv", *(path for _, path, _ in calls)]
    assert path.parent == tmp_path / "plots"
    numbers = np.arange(12).reshape(2, 3, 2) / 100  # hidden, rate, dropout
    np.testing.assert_allclose(values, np.moveaxis(numbers, 2, 0)[::-1][..., [1, 2, 0]])
    assert options["x_labels"] == ["1e-5", "0.01", "0.1"]
    assert options["y_labels"] == ["8", "none"]
    assert options["panels"] == ["dropout: 0", "dropout: 0.5"]
    assert (options["x_name"], options["y_name"]) == (RATE, HIDDEN)
    assert options["value_name"] == "test_accuracy"


LOG, LINEAR = {"log_uniform": [1e-4, 0.1]}, {"uniform": [0.0, 0.5]}
CHOICE = {"choice": ["relu", "tanh"]}


@pytest.mark.parametrize(
    ("varied", "expected"),
    [
        ({"grid": {RATE: [0.3, 0.1, 0.2]}}, [("line", RATE, None)]),
        ({"grid": {RATE: [0.3, 0.1]}}, [("boxplot", RATE, None)]),
        ({"grid": {HIDDEN: [[2], [3], [4]]}}, [("boxplot", HIDDEN, None)]),
        ({"grid": {RATE: [0.1, 0.2], HIDDEN: [[2], [3]]}}, [("heatmap", RATE, HIDDEN)]),
        ({"grid": {RATE: [0.1, 0.2], HIDDEN: [[2]]}}, [("boxplot", RATE, None)]),
        ({"grid": {RATE: [0.1]}, "seeds": 2}, [("boxplot", "seed", None)]),
        ({"grid": {RATE: [0.1]}}, []),
        ({"list": [{RATE: 0.1}, {DROPOUT: 0.1}]}, [("boxplot", "setting", None)]),
        ({"random": {"trials": 3, "space": {RATE: LOG}}}, [("scatter", RATE, None)]),
        (
            {"random": {"trials": 3, "space": {RATE: LOG, DROPOUT: LINEAR}}},
            [("scatter", RATE, DROPOUT)],
        ),
        (
            {"random": {"trials": 4, "space": {"model.activation": CHOICE, RATE: LOG}}},
            [("scatter", "model.activation", RATE)],
        ),
        (
            {"random": {"trials": 3, "space": {RATE: LOG, DROPOUT: LINEAR, ACTIVATION: CHOICE}}},
            [("scatter", RATE, None), ("scatter", DROPOUT, None), ("boxplot", ACTIVATION, None)],
        ),
    ],
)
def test_a_sweep_that_asks_for_no_picture_gets_what_suits_its_keys(
    tmp_path: Path, varied: dict[str, Any], expected: list[tuple[str, str, str | None]]
) -> None:
    folder = folder_with(tmp_path, **varied)
    plots = default_plots(folder.sweep, "test_accuracy")
    assert [(plot.kind, plot.x, plot.y) for plot in plots] == expected
    assert len(draw_plots(folder)) == sum(3 if plot.y == HIDDEN else 2 for plot in plots)


def test_three_keys_of_a_grid_are_a_heat_map_with_panels(tmp_path: Path) -> None:
    grid = {RATE: [0.1, 0.2], DROPOUT: [0.0, 0.5], ACTIVATION: ["relu", "tanh"]}
    (plot,) = default_plots(iris_sweep(grid=grid), "test_accuracy")
    assert (plot.kind, plot.x, plot.y, plot.panels) == ("heatmap", RATE, DROPOUT, ACTIVATION)


@pytest.mark.parametrize("kind", ["heatmap", "boxplot", "scatter"])
def test_settings_of_a_range_are_points_on_axes_of_numbers_whatever_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    axes = {"x": RATE} if kind == "boxplot" else {"x": RATE, "y": DROPOUT}
    folder = folder_with(
        tmp_path,
        random={"trials": 5, "space": {RATE: LOG, DROPOUT: LINEAR}},
        seeds=2,
        plot={"kind": kind, **axes},
    )
    calls, written = drawn(monkeypatch, "scatter", folder)
    assert [path.name for path in written] == [f"{kind}.png", f"{kind}.svg"]
    values, _, options = calls[0]
    assert values == pytest.approx([0.005, 0.025, 0.045, 0.065, 0.085])
    settings = [folder.trial_table.setting(number) for number in range(5)]
    assert options["x"] == Coordinate(RATE, [s[RATE] for s in settings], logarithmic=True)
    if kind != "boxplot":
        assert options["y"] == Coordinate(DROPOUT, [s[DROPOUT] for s in settings])
    assert options["note"] == "each point: mean of 2 seeds (n = 2)"


def test_points_are_apart_by_seed_where_that_is_an_axis(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = folder_with(
        tmp_path,
        random={"trials": 2, "space": {RATE: LOG}},
        seeds=[3, 7],
        plot={"kind": "scatter", "x": "seed", "y": RATE},
    )
    calls, _ = drawn(monkeypatch, "scatter", folder)
    values, _, options = calls[0]
    assert values == [0.0, 0.01, 0.02, 0.03]
    assert options["x"].places == [3, 7, 3, 7]
    assert options["note"] == ""


@pytest.mark.parametrize(
    ("plot", "note"),
    [
        ({"kind": "boxplot", "x": RATE}, "each box: 3 seeds x all values of dropout (n = 5 to 6)"),
        (
            {"kind": "line", "x": RATE, "y": DROPOUT},
            "mean of 3 seeds, band from the lowest to the highest (n = 2 to 3)",
        ),
        ({"kind": "heatmap", "x": RATE, "y": "seed"}, "mean of all values of dropout (n = 1 to 2)"),
        ({"kind": "heatmap", "x": RATE, "y": DROPOUT}, "mean of 3 seeds (n = 2 to 3)"),
    ],
)
def test_a_picture_says_what_it_pools_and_of_how_many_trials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plot: dict[str, str], note: str
) -> None:
    folder = folder_with(
        tmp_path,
        dict.fromkeys(range(11), 0.5),
        grid={RATE: [0.1, 0.2], DROPOUT: [0.0, 0.5]},
        seeds=3,
        plot=plot,
    )
    calls, _ = drawn(monkeypatch, plot["kind"], folder)
    assert calls[0][2]["note"] == note


def test_numbers_in_the_table_of_the_best_have_four_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = iris_sweep(
        set={"training.epochs": 1}, random={"trials": 3, "space": {RATE: LOG, DROPOUT: LINEAR}}
    )
    print_sweep(sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers))
    table = capsys.readouterr().out
    for number in range(3):
        for value in make_trials(config).setting(number).values():
            assert f" {float(f'{value:.4g}')} " in table


def test_the_heat_maps_table_has_all_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(
        tmp_path,
        {0: 0.1, 1: 0.2, 2: 0.7, 3: 0.1, 5: 1 / 3},
        grid={HIDDEN: [[8], []], RATE: [0.1, 1e-5]},
        seeds=2,
        plot={"kind": "heatmap", "x": RATE, "y": HIDDEN},
    )
    drawn(monkeypatch, "heatmap", folder)
    with (tmp_path / "heatmap.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        [HIDDEN, "1e-05", "0.1"],
        ["[8]", repr((0.7 + 0.1) / 2), repr((0.1 + 0.2) / 2)],
        ["[]", "", repr(1 / 3)],
    ]


def test_a_box_plot_has_a_group_for_each_value_with_all_its_trials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = folder_with(
        tmp_path,
        {0: 0.5, 1: 0.25, 4: 0.75, 5: 0.125},
        grid={"optimizer.name": ["sgd", "adagrad", "adam"], DROPOUT: [0.0]},
        seeds=2,
        plot={"kind": "boxplot", "x": "optimizer.name"},
    )
    calls, written = drawn(monkeypatch, "boxplot", folder)
    assert [path.name for path in written] == ["boxplot.png", "boxplot.svg"]
    assert calls[0][0] == {"sgd": [0.5, 0.25], "adam": [0.75, 0.125]}
    assert calls[0][2]["x_name"] == "optimizer.name"


def test_values_that_look_alike_have_boxes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = folder_with(
        tmp_path, grid={RATE: [0.3, 0.1 + 0.2]}, plot={"kind": "boxplot", "x": RATE}
    )
    calls, _ = drawn(monkeypatch, "boxplot", folder)
    assert calls[0][0] == {"0.3": [0.0], "0.30000000000000004": [0.01]}


def test_a_line_has_means_with_a_band_from_lowest_to_highest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = folder_with(
        tmp_path,
        {0: 0.5, 1: 0.75, 2: 0.25, 6: 0.125, 7: 0.375},
        grid={RATE: [0.1, 1e-4], HIDDEN: [[8], []]},
        seeds=2,
        plot=[
            {"kind": "line", "x": RATE, "y": HIDDEN},
            {"kind": "line", "x": RATE},
        ],
    )
    calls, written = drawn(monkeypatch, "line", folder)
    second = "line-test_accuracy-by-optimizer.learning_rate"
    assert [path.name for path in written] == [
        *("line.png", "line.svg", f"{second}.png", f"{second}.svg"),
    ]
    assert calls[0][0] == {
        "8": Band([0.1], [0.625], [0.5], [0.75]),
        "none": Band([1e-4, 0.1], [0.25, 0.25], [0.125, 0.25], [0.375, 0.25]),
    }
    assert calls[2][0] == {
        "test_accuracy": Band([1e-4, 0.1], [0.25, 0.5], [0.125, 0.25], [0.375, 0.75])
    }


@pytest.mark.parametrize(
    ("rates", "is_logarithmic"),
    [([1e-5, 1e-3, 0.1], True), ([0.1, 0.2, 0.3], False), ([0.01, 1], False)],
)
def test_a_line_over_orders_of_magnitude_has_a_logarithmic_axis(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rates: list[float], is_logarithmic: bool
) -> None:
    folder = folder_with(tmp_path, grid={RATE: rates}, plot={"kind": "line", "x": RATE})
    calls, _ = drawn(monkeypatch, "line", folder)
    assert calls[0][2]["log_x"] is is_logarithmic


def test_a_plot_of_what_no_trial_has_is_left_out(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        grid={RATE: [0.1]},
        plot={"kind": "boxplot", "x": RATE, "value": "validation_accuracy"},
    )
    assert draw_plots(folder) == []


@pytest.mark.slow
def test_pictures_are_drawn_at_the_end_of_a_sweep(tmp_path: Path) -> None:
    config = iris_sweep(
        set={"training.epochs": 1},
        grid={RATE: [0.1, 0.01, 1e-4], HIDDEN: [[3], []], "optimizer.name": ["sgd", "adam"]},
        seeds=2,
        plot=[
            {"kind": "heatmap", "x": RATE, "y": HIDDEN, "panels": "optimizer.name"},
            {"kind": "boxplot", "x": "optimizer.name", "value": "test_loss"},
            {"kind": "line", "x": RATE, "y": HIDDEN},
            {"kind": "heatmap", "x": RATE, "y": "seed", "value": "train_accuracy"},
        ],
    )
    folder = sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers)
    plots = {path.name: path.read_bytes() for path in (folder.path / "plots").iterdir()}
    second = "heatmap-train_accuracy-by-optimizer.learning_rate-and-seed"
    names = ("heatmap", "boxplot", "line", second)
    assert sorted(plots) == sorted(
        f"{name}{suffix}" for name in names for suffix in (".png", ".svg")
    )
    for name, content in plots.items():
        assert content.startswith(b"\x89PNG") if name.endswith(".png") else b"<svg" in content
    assert (folder.path / f"{second}.csv").is_file()


def test_all_trials_failing_is_no_reason_to_fail_in_the_end(tmp_path: Path) -> None:
    config = iris_sweep(
        set={"optimizer": {"name": "sgd"}, "training.batch_size": 5},
        grid={RATE: [1e37, 1e38]},
        plot={"kind": "heatmap", "x": RATE, "y": "seed"},
    )
    folder = sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers)
    summary = folder.summary
    assert (summary["status"], summary["failed"], summary["best"]) == ("completed", 2, [])
    assert not (folder.path / "heatmap.csv").exists()
    assert IRIS["dataset"]["name"] in (folder.path / "environment.json").read_text("utf-8")
