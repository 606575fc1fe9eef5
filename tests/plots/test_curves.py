"""Lines show what was measured, over the epochs of a run or the settings of a sweep."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isolet_nn import plots
from plots.figures import HISTORY, axes_of, legend_of


def test_curves_show_the_history_and_leave_out_what_was_not_measured() -> None:
    (axes,) = axes_of(plots.figure_loss(HISTORY, "momentum"))
    train, test = axes.lines
    np.testing.assert_array_equal(train.get_xydata(), [[1, 2.0], [2, 1.0], [3, 0.5], [4, 0.25]])
    np.testing.assert_array_equal(test.get_xydata(), [[2, 1.5], [4, 0.75]])
    assert legend_of(axes) == ["train 0.2500", "test 0.7500"]
    assert axes.get_title(loc="left") == "momentum"
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "cross-entropy loss (nats)"


def test_accuracies_are_drawn_in_percent() -> None:
    (axes,) = axes_of(plots.figure_accuracy(HISTORY))
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[2, 40.0], [4, 90.0]])
    assert legend_of(axes) == ["train 95.00 %", "test 90.00 %"]
    assert axes.get_ylabel() == "accuracy (%)"


def test_a_single_epoch_is_a_visible_point() -> None:
    history = {name: values[:1] for name, values in HISTORY.items()}
    (axes,) = axes_of(plots.figure_loss(history))
    (line,) = axes.lines
    assert line.get_marker() == "o"
    assert axes.get_xlim() == (0, 2)


def test_a_history_without_values_gives_an_empty_plot(tmp_path: Path) -> None:
    history: dict[str, list[float | None]] = {"epoch": [1, 2], "train_loss": [None, None]}
    (axes,) = axes_of(plots.figure_loss(history))
    assert not axes.lines
    plots.plot_loss(history, tmp_path / "loss.png")
    plots.plot_loss({"epoch": []}, tmp_path / "loss.png")


def test_a_loss_that_is_not_finite_is_a_gap(tmp_path: Path) -> None:
    history: dict[str, list[float | None]] = {
        "epoch": [1, 2, 3],
        "train_loss": [1.0, float("inf"), float("nan")],
    }
    (axes,) = axes_of(plots.figure_loss(history))
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, np.nan, np.nan])
    plots.plot_loss(history, tmp_path / "loss.png")


def test_lines_show_mean_and_band() -> None:
    band = plots.Band([1, 2, 3], [0.5, None, 0.7], [0.4, None, 0.6], [0.6, None, 0.8])
    plain = plots.Band([1, 2], [0.1, 0.2])
    figure = plots.figure_lines(
        {"banded": band, "plain": plain}, x_name="training.epochs", value_name="test_accuracy"
    )
    (axes,) = axes_of(figure)
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 50], [3, 70]])
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[1, 10], [2, 20]])
    (patch,) = axes.patches
    np.testing.assert_allclose(patch.get_xy()[:4], [[1, 40], [3, 60], [3, 80], [1, 60]])
    assert legend_of(axes) == ["banded", "plain"]
    assert axes.get_xlabel() == "epochs"


def test_a_single_line_needs_no_legend() -> None:
    band = plots.Band([1, 2], [0.1, 0.2])
    names: dict[str, Any] = {"x_name": "seed", "value_name": "test_loss"}
    (alone,) = axes_of(plots.figure_lines({"test_loss": band}, **names))
    assert alone.get_legend() is None
    (two,) = axes_of(plots.figure_lines({"a": band, "b": band}, **names))
    assert legend_of(two) == ["a", "b"]


@pytest.mark.parametrize("x", [[0, 1, 2, 3], [1.0, 2.0], [4.0], [1, 2, 30]])
def test_an_axis_of_whole_numbers_has_ticks_at_whole_numbers_only(x: list[float]) -> None:
    lines = {"a": plots.Band(x, [0.5] * len(x)), "b": plots.Band(x[:1], [0.6])}
    figure = plots.figure_lines(lines, x_name="a_number", value_name="test_accuracy")
    figure.draw_without_rendering()
    (axes,) = axes_of(figure)
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
    assert len(x) > 4 or max(x) > 4 or set(x) == set(ticks)


def test_an_axis_of_fractions_has_ticks_between_whole_numbers() -> None:
    lines = {"a": plots.Band([0.0, 0.5, 1.0], [0.5, 0.6, 0.7])}
    (axes,) = axes_of(plots.figure_lines(lines, x_name="a_number", value_name="test_accuracy"))
    assert any(tick != round(tick) for tick in axes.get_xticks())


def flat_lines(n: int) -> dict[str, plots.Band]:
    return {f"line {index}": plots.Band([1, 2], [0.01 * index, 0.01 * index]) for index in range(n)}


def test_ten_lines_are_told_apart_by_colour_and_dashes_in_a_legend_beside_them() -> None:
    lines = flat_lines(10)
    figure = plots.figure_lines(lines, x_name="epoch", value_name="test_loss")
    (axes,) = axes_of(figure)
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 10
    assert legend_of(axes) == list(lines)
    figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().x0 >= axes.bbox.x1


@pytest.mark.parametrize(
    ("value_name", "best"),
    [("test_loss", range(7)), ("test_accuracy", range(21, 14, -1))],
)
def test_of_more_lines_the_best_are_named_and_the_others_pale(value_name: str, best: range) -> None:
    lines = flat_lines(22) | {"never measured": plots.Band([1, 2], [None, None])}
    (axes,) = axes_of(plots.figure_lines(lines, x_name="epoch", value_name=value_name))
    assert legend_of(axes) == [*(f"line {index}" for index in best), "16 others"]
    panels = plots.figure_line_panels({value_name: lines, "train_loss": lines}, x_name="epoch")
    (legend,) = panels.legends
    assert [text.get_text() for text in legend.get_texts()] == legend_of(axes)
    assert len(axes.lines) == 23


def test_panels_of_lines_share_one_legend_and_the_legend_may_have_a_title() -> None:
    lines = {name: plots.Band([1.0, 2.0], [0.5, 0.75]) for name in ("first", "second")}
    figure = plots.figure_line_panels({"test_accuracy": lines, "test_loss": lines}, x_name="epoch")
    left, right = figure.axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("test accuracy (%)", "test loss (nats)")
    assert legend_of(left) == legend_of(right) == []
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["first", "second"]
    named = plots.figure_lines(
        lines, x_name="epoch", value_name="test_loss", lines_name="model.hidden_layers"
    )
    of_lines = axes_of(named)[0].get_legend()
    assert of_lines is not None
    assert of_lines.get_title().get_text() == "hidden neurons by layer"
