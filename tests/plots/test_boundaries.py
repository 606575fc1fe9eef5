"""The plane of two features shows what the network says there, and the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet
from numpy.typing import NDArray

from isolet_nn import plots
from isolet_nn.plots.style import PALETTE
from plots.figures import XOR, XOR_CLASSES, axes_of, legend_of, probabilities, written_in


def sectors(points: NDArray[np.float64], classes: int = 5) -> NDArray[np.float64]:
    """Sure of the class in whose sector around the origin a point is."""
    angles = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) % 1.0
    found: NDArray[np.float64] = np.eye(classes)[(classes * angles).astype(int) % classes]
    return found


def around(classes: int, rows: int = 300) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    points = np.random.default_rng(0).normal(size=(rows, 2))
    return points, sectors(points, classes).argmax(axis=1)


def borders(axes: Any) -> int:
    return sum(isinstance(drawn, ContourSet) for drawn in axes.collections)


def test_of_few_points_each_has_its_class_and_how_probable_that_is() -> None:
    parts = {"points": (XOR, XOR_CLASSES)}
    axes = axes_of(plots.figure_decision_boundary(probabilities, parts, ["no", "yes"]))[0]
    written = [text for text in written_in(axes) if "P =" in text]
    assert written == ["no\nP = 1.00", "yes\nP = 1.00", "yes\nP = 1.00", "no\nP = 1.00"]
    zeros, ones = axes.lines
    assert sorted(map(tuple, zeros.get_xydata())) == [(0, 0), (1, 1)]
    assert sorted(map(tuple, ones.get_xydata())) == [(0, 1), (1, 0)]
    assert axes.get_xlim() == axes.get_ylim() == (-0.5, 1.5)


def test_a_region_has_the_color_of_its_class_and_is_paler_where_that_is_unsure() -> None:
    parts = {"points": (XOR, XOR_CLASSES)}
    axes = axes_of(plots.figure_decision_boundary(probabilities, parts, ["no", "yes"]))[0]
    plane = np.asarray(axes.images[0].get_array())
    assert plane.shape == (201, 201, 3)
    sure, unsure = plane[50, 150], plane[50, 105]  # (1, 0) and (0.55, 0)
    tint = 1.0 - np.array(to_rgb(PALETTE[1]))
    np.testing.assert_allclose(1.0 - sure, 0.5 * tint)
    np.testing.assert_allclose(1.0 - unsure, (0.06 + 0.44 * 0.1) * tint)


@pytest.mark.parametrize(("classes", "expected"), [(2, 1), (3, 3), (5, 5)])
def test_there_is_a_border_around_each_class_and_one_between_two(
    classes: int, expected: int
) -> None:
    names = [f"class {k}" for k in range(classes)]
    points, labels = around(classes)
    parts = {"training rows": (points[:200], labels[:200]), "test rows": (points, labels)}
    axes = axes_of(
        plots.figure_decision_boundary(
            lambda x: sectors(x, classes), parts, names, names=("a", "b")
        )
    )[0]
    assert borders(axes) == expected
    assert legend_of(axes) == [*names, "training rows", "test rows"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


def test_a_network_that_is_sure_of_nothing_has_no_boundary() -> None:
    parts = {"points": (XOR, XOR_CLASSES)}

    def unsure(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full((len(points), 2), 0.5)

    axes = axes_of(plots.figure_decision_boundary(unsure, parts, ["no", "yes"]))[0]
    assert borders(axes) == 0


def test_many_points_are_thinned_and_those_that_are_missing_left_out() -> None:
    points, labels = around(3, rows=5000)
    points[::2] = np.nan
    axes = axes_of(
        plots.figure_decision_boundary(
            lambda x: sectors(x, 3), {"all": (points, labels)}, ["a", "b", "c"]
        )
    )[0]
    assert sum(len(line.get_xdata()) for line in axes.lines) == 2000
    assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()


def test_classes_beyond_the_colors_differ_in_color_and_shape_together() -> None:
    points, labels = around(30, rows=3000)
    names = [f"class {k}" for k in range(30)]
    axes = axes_of(
        plots.figure_decision_boundary(lambda x: sectors(x, 30), {"all": (points, labels)}, names)
    )[0]
    looks = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 30
    assert legend_of(axes)[-1] == "4 others"


def test_names_of_axes_have_room_beside_large_numbers() -> None:
    points, labels = around(5)
    figure = plots.figure_decision_boundary(
        lambda x: sectors(x / 1e4), {"all": (1e4 * points, labels)}, "abcde", names=("x", "height")
    )
    figure.draw_without_rendering()
    label = axes_of(figure)[0].yaxis.label.get_window_extent()
    assert label.x0 >= 0
