"""Points show single settings, and which is the best."""

import math

import pytest

from isolet_nn import plots
from plots.figures import axes_of, written_in


@pytest.mark.parametrize(("value_name", "best"), [("test_accuracy", "90.0"), ("test_loss", "0.5")])
def test_the_best_of_the_points_is_marked(value_name: str, best: str) -> None:
    values = [0.9, math.nan, 0.5, 0.7]
    x = plots.Coordinate("optimizer.learning_rate", [1e-4, 1e-3, 0.01, 0.1], logarithmic=True)
    figure = plots.figure_scatter(values, x=x, value_name=value_name)
    (axes,) = axes_of(figure)
    assert axes.get_xscale() == "log"
    assert written_in(axes) == [best]
    assert len(axes.lines[0].get_xdata()) == 3


@pytest.mark.parametrize(("value_name", "worst"), [("test_accuracy", 0.0), ("test_loss", 1.0)])
def test_the_best_point_and_its_value_stand_within_the_axes(value_name: str, worst: float) -> None:
    values = [1 - worst, worst, 0.5]
    x = plots.Coordinate("optimizer.learning_rate", [0.1, 0.2, 0.3])
    figure = plots.figure_scatter(values, x=x, value_name=value_name)
    (axes,) = axes_of(figure)
    figure.draw_without_rendering()
    frame = axes.get_window_extent()
    (best,) = (text for text in axes.texts if text.get_text())
    assert frame.y0 < best.get_window_extent().y0
    assert best.get_window_extent().y1 < frame.y1
    low, high = axes.get_ylim()
    assert low < min(line.get_ydata().min() for line in axes.lines)
    assert high > max(line.get_ydata().max() for line in axes.lines)
