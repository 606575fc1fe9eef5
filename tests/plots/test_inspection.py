"""What was seen of a training, layer by layer."""

from __future__ import annotations

import numpy as np

from isolet_nn import plots
from plots.figures import LAYERS, axes_of, written_in


def test_each_layer_is_a_line_and_what_vanishes_is_seen_on_a_logarithmic_axis() -> None:
    figure = plots.figure_inspection(LAYERS, title="a run")
    gradient, step, activations, units = axes_of(figure)
    assert (gradient.get_yscale(), step.get_yscale()) == ("log", "log")
    first, last = gradient.lines
    np.testing.assert_allclose(first.get_ydata(), [1e-4, 2e-5, 1e-6])
    np.testing.assert_allclose(last.get_ydata(), [1.0, 0.5, 0.0])
    assert "0 is not drawn" in written_in(gradient)
    assert "0 is not drawn" not in written_in(step)
    np.testing.assert_allclose(step.lines[0].get_ydata(), [0.01, 0.02, np.nan])
    assert len(activations.lines) == len(activations.collections) == 1, "of the hidden layer"
    np.testing.assert_allclose(units.lines[0].get_ydata(), [0.0, 12.5, 25.0])
    assert units.get_title(loc="left") == "dead units"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*LAYERS]


def test_a_network_without_hidden_layers_has_no_activations_to_show() -> None:
    last = {name: layer for name, layer in LAYERS.items() if name.endswith("softmax")}
    assert len(axes_of(plots.figure_inspection(last))) == 2


def test_saturation_takes_the_place_of_dead_units() -> None:
    (name, layer), *_ = LAYERS.items()
    saturated = {key: values for key, values in layer.items() if key != "dead_share"}
    saturated["saturated_share"] = [0.1, 0.5, 1.0]
    units = axes_of(plots.figure_inspection({name: saturated}))[3]
    np.testing.assert_allclose(units.lines[0].get_ydata(), [10.0, 50.0, 100.0])
    assert units.get_title(loc="left") == "saturated activations"
    assert units.get_ylim()[1] == 100.0
