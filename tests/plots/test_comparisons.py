"""Box plots and bars show shapes and numbers of groups side by side."""

import numpy as np
import pytest

from isolet_nn import plots
from plots.figures import axes_of, legend_of, written_in


def test_the_box_plot_shows_every_value_and_the_median() -> None:
    groups = {"sgd": [0.4, 0.5, 0.42], "adam": [0.95, float("nan"), 0.97], "none": []}
    (axes,) = axes_of(
        plots.figure_boxplot(groups, x_name="optimizer.name", value_name="test_accuracy")
    )
    drawn = [sorted(line.get_ydata()) for line in axes.lines]
    np.testing.assert_allclose(drawn[0], [40, 42, 50])
    np.testing.assert_allclose(drawn[1], [95, 97])
    assert written_in(axes) == ["42.0", "96.0"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["sgd", "adam", "none"]


def test_boxes_end_at_the_quartiles_and_whiskers_leave_outliers_out() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 100.0]
    (axes,) = axes_of(plots.figure_boxplot({"a": values}, x_name="seed", value_name="test_loss"))
    (box,) = axes.patches
    assert box.get_bbox().intervaly.tolist() == [2.0, 4.0]
    ends = {
        float(y)
        for collection in axes.collections
        for segment in collection.get_paths()
        for y in segment.vertices[:, 1]
    }
    assert ends == {1.0, 2.0, 3.0, 4.0}


def test_bars_show_times_and_ratios_to_the_reference() -> None:
    times: dict[str, dict[str, float | None]] = {
        "small": {"NumPy": 0.5, "PyTorch": 1.0},
        "large": {"NumPy": 120.0, "PyTorch": None},
    }
    (axes,) = axes_of(plots.figure_bars(times, reference="NumPy"))
    widths = [[bar.get_width() for bar in container] for container in axes.containers]
    assert widths == [[0.5, 120.0], [1.0]]
    assert written_in(axes) == [" 0.500", " 120", " 1.00  (2.00x)"]
    assert legend_of(axes) == ["NumPy", "PyTorch"]


@pytest.mark.parametrize("value_name", ["test_accuracy", "test_loss"])
@pytest.mark.parametrize("groups", [{"a": [0.5] * 3, "b": [0.9]}, {"a": [0.0] * 3, "b": [1.0]}])
def test_boxes_at_the_ends_of_the_axis_have_room_for_their_dots_and_medians(
    value_name: str, groups: dict[str, list[float]]
) -> None:
    figure = plots.figure_boxplot(groups, x_name="optimizer.name", value_name=value_name)
    (axes,) = axes_of(figure)
    figure.draw_without_rendering()
    frame = axes.get_window_extent()
    for text in axes.texts:
        assert frame.y0 < text.get_window_extent().y0
        assert text.get_window_extent().y1 < frame.y1
    low, high = axes.get_ylim()
    if value_name == "test_accuracy":
        ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
        assert 0 <= ticks[0] < ticks[-1] <= 100
