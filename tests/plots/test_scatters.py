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
