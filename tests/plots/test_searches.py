"""Pictures of searches show how each setting ended, and leave room for what matters."""

import math
from typing import Any

import numpy as np
import pytest

from isolet_nn import plots
from isolet_nn.plots.colors import color_scale, far_limit
from plots.figures import NAMES, PLANE, RATES, axes_of, written_in


def history(values: list[float], statuses: list[str], name: str = "validation_accuracy") -> Any:
    return plots.figure_history(values, statuses=statuses, value_name=name)


def line_called(figure: Any, start: str) -> Any:
    (axes,) = axes_of(figure)
    (line,) = [line for line in axes.lines if str(line.get_label()).startswith(start)]
    return line


def test_the_best_so_far_only_gets_better_and_counts_completed_settings_alone() -> None:
    values = [0.5, 0.9, 0.7, 0.95, 0.8]
    figure = history(values, ["completed", "completed", "completed", "pruned", "completed"])
    best = line_called(figure, "best so far, 90.0")
    np.testing.assert_allclose(best.get_ydata(), [50, 90, 90, 90, 90])
    losses = history(values, ["completed"] * 5, "validation_loss")
    np.testing.assert_allclose(line_called(losses, "best so far").get_ydata(), [0.5] * 5)


def test_a_training_that_went_wrong_leaves_the_others_their_room() -> None:
    values = [0.9, 0.92, 0.03, 0.94, 0.91, 0.93]
    (axes,) = axes_of(history(values, ["completed"] * 6))
    assert axes.get_ylim()[0] > 50
    assert "far beyond" in [line.get_label() for line in axes.lines]


def test_what_was_pruned_far_from_the_completed_stands_at_the_edge() -> None:
    values = [0.1, 0.12, 0.11, 0.13, 5.0]
    (axes,) = axes_of(history(values, ["completed"] * 4 + ["pruned"], "validation_loss"))
    assert axes.get_ylim()[1] < 1


def test_settings_that_failed_are_told_though_they_have_no_score() -> None:
    figure = history([0.9, math.nan], ["completed", "failed"])
    assert list(line_called(figure, "failed").get_xdata()) == [1]


def test_a_search_of_which_nothing_is_completed_yet_can_be_drawn() -> None:
    history([math.nan] * 3, ["pending", "failed", "pruned"])
    plots.figure_epochs([0, 0, 0], statuses=["pending", "failed", "pruned"])


def test_only_values_far_from_the_others_end_a_scale_on_the_worse_side() -> None:
    values = np.array([90.0, 91.0, 92.0, 93.0, 3.0])
    limit = far_limit(values, greater_is_better=True)
    assert limit is not None
    assert 3.0 < limit < 90.0
    assert far_limit(values, greater_is_better=False) is None
    assert far_limit(np.array([1.0, 2.0, 3.0]), greater_is_better=True) is None
    assert color_scale(values, "test_accuracy").get_clim() == (limit, 93.0)


def test_bars_are_as_high_as_the_epochs_and_counted_by_how_settings_ended() -> None:
    statuses = ["completed", "pruned", "pruned"]
    (axes,) = axes_of(figure := plots.figure_epochs([16, 1, 4], statuses=statuses))
    assert [bar.get_height() for bar in axes.patches] == [16, 1, 4]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["completed: 1", "pruned: 2"]


def parallel(values: list[float], *keys: plots.Coordinate) -> Any:
    return axes_of(
        plots.figure_parallel(values, axes_of_keys=keys, value_name="validation_accuracy")
    )[0]


def test_lines_go_through_their_settings_and_the_best_is_marked() -> None:
    axes = parallel([0.9, 0.5], RATES, NAMES)
    (lines,) = axes.collections
    worst, best = (segment[:, 1] for segment in lines.get_segments())
    np.testing.assert_allclose(best, [0, 0], err_msg="the lowest rate, and sgd")
    np.testing.assert_allclose(worst, [1, 1])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), best)


def test_what_a_setting_lacks_stands_below_the_axis_and_says_so() -> None:
    momentum = plots.Coordinate("optimizer.momentum", [0.5, math.nan, 0.9])
    axes = parallel([0.7, 0.9, 0.8], momentum)
    assert axes.lines[0].get_ydata()[0] < 0
    assert "not set" in written_in(axes)
    assert "not set" not in written_in(parallel([0.7, 0.8], NAMES))


def test_whole_numbers_have_whole_ticks() -> None:
    layers = plots.Coordinate("model.hidden_layers (number)", [1, 2, 3])
    texts = written_in(parallel([0.7, 0.8, 0.9], layers))
    assert [text for text in texts if text[0].isdigit()] == ["1", "2", "3"]


@pytest.mark.parametrize(("n", "surfaces"), [(20, 1), (5, 0)])
def test_a_surface_takes_ten_points(n: int, surfaces: int) -> None:
    values = [*np.linspace(0, 1, n), *[math.nan] * (20 - n)]
    figure = plots.figure_scatter(values, **PLANE, value_name="test_accuracy", with_surface=True)
    meshes = [c for c in axes_of(figure)[0].collections if type(c).__name__ == "QuadMesh"]
    assert len(meshes) == surfaces


def test_the_largest_share_is_on_top() -> None:
    (axes,) = axes_of(plots.figure_shares({"a": 0.25, "b": 0.75}))
    assert [text.get_text() for text in axes.get_yticklabels()] == ["b", "a"]
    assert axes.yaxis_inverted()
