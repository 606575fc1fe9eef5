"""Confusion matrix and heat map show what was given, cell by cell."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn import plots
from plots.figures import (
    GRID,
    LETTERS,
    axes_of,
    written_in,
    written_in_cell,
)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12))
@settings(max_examples=10, deadline=None)
def test_the_confusion_matrix_writes_every_count_but_no_zero(seed: int, n: int) -> None:
    matrix = np.random.default_rng(seed).integers(0, 4, (n, n))
    axes = axes_of(plots.figure_confusion_matrix(matrix, LETTERS[:n]))[0]
    for (row, column), count in np.ndenumerate(matrix):
        assert written_in_cell(axes, row, column) == ([str(count)] if count else [])
    assert set(LETTERS[:n]) <= set(written_in(axes))


def test_a_confusion_matrix_of_many_classes_has_colours_but_no_numbers() -> None:
    matrix = 7 * np.eye(60, dtype=np.int64)
    axes = axes_of(plots.figure_confusion_matrix(matrix, [f"class {i}" for i in range(60)]))[0]
    assert "7" not in written_in(axes)
    (image,) = axes.images
    assert image.get_array().shape[:2] == (60, 60)


def test_single_mistakes_and_empty_rows_are_told_from_nothing_by_colour() -> None:
    matrix = np.array([[59, 1, 0], [0, 60, 0], [0, 0, 0]])
    (image,) = axes_of(plots.figure_confusion_matrix(matrix, "ABC"))[0].images
    colors = np.asarray(image.get_array())
    assert not np.allclose(colors[0, 1], colors[0, 2])
    np.testing.assert_array_equal(colors[2, 2], colors[0, 2])


def test_the_heat_map_writes_percent_in_each_cell_and_marks_what_is_missing() -> None:
    values = np.array([[0.5, 0.951, np.nan], [0.1, 1.0, 0.0]])
    figure = plots.figure_heatmap(values, **GRID)
    axes, bar = axes_of(figure)
    expected = [["50.0", "95.1", "-"], ["10.0", "100.0", "0.0"]]
    for row in range(2):
        for column in range(3):
            assert written_in_cell(axes, row, column) == [expected[row][column]]
    assert {"learning rate", "hidden neurons by layer", "0.001", "64"} <= set(written_in(axes))
    assert bar.get_ylabel() == "test accuracy (%)"


def test_panels_share_their_colours_and_bear_headings() -> None:
    values = np.zeros((4, 2, 3))
    values[3] = 1.0
    figure = plots.figure_heatmap(values, **GRID, panels=["sgd", "adagrad", "rmsprop", "adam"])
    *panels, _ = axes_of(figure)
    assert [axes.get_title(loc="left") for axes in panels] == ["sgd", "adagrad", "rmsprop", "adam"]
    colors = [np.asarray(axes.images[0].get_array())[0, 0] for axes in panels]
    np.testing.assert_array_equal(colors[0], colors[1])
    assert not np.allclose(colors[0], colors[3])


@pytest.mark.parametrize("fill", [np.nan, 0.5])
def test_a_heat_map_without_a_range_of_values_can_be_drawn(fill: float, tmp_path: Path) -> None:
    path = tmp_path / "heatmap.png"
    plots.plot_heatmap(np.full((2, 3), fill), path, **GRID)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_labels_that_do_not_fit_the_values_are_an_error() -> None:
    with pytest.raises(ValueError, match="2 rows and 3 columns"):
        plots.figure_heatmap(np.zeros((3, 2)), **GRID)
    with pytest.raises(ValueError, match="for 2 classes"):
        plots.figure_confusion_matrix(np.zeros((3, 3), dtype=np.int64), ["a", "b"])


def test_numbers_in_12_by_12_cells_neither_overlap_nor_shrink() -> None:
    labels = [str(2**power) for power in range(12)]
    options = GRID | {"x_labels": labels, "y_labels": labels}
    figure = plots.figure_heatmap(np.full((12, 12), 0.888), **options)
    axes = axes_of(figure)[0]
    figure.draw_without_rendering()
    cell_width, cell_height = axes.bbox.width / 12, axes.bbox.height / 12
    numbers = [text for text in axes.texts if text.get_text() == "88.8"]
    assert len(numbers) == 144
    for text in numbers:
        box = text.get_window_extent()
        assert text.get_fontsize() >= 8
        assert box.width < cell_width
        assert box.height < cell_height
