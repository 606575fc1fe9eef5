"""What is drawn is what was given, and a plot's file is whole, deterministic and quiet about it.

Figures are inspected as objects; files only for what makes a file.
"""

import itertools
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from isolet_nn import plots
from isolet_nn.plots.fonts import render_with_fonts
from isolet_nn.plots.letters import ALIKE, letter_groups
from isolet_nn.plots.style import in_words, quantity, setting_label, shorten_all
from isolet_nn.plots.weights import similar_together
from isolet_nn.scores.calibration import Calibration, CalibrationBin
from isolet_nn.scores.evaluation import GroupScore, wilson_interval

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR_CLASSES = np.array([0, 1, 1, 0])
HISTORY: dict[str, list[float | None]] = {
    "epoch": [1, 2, 3, 4],
    "train_loss": [2.0, 1.0, 0.5, 0.25],
    "train_accuracy": [0.2, 0.5, 0.8, 0.95],
    "test_loss": [None, 1.5, None, 0.75],
    "test_accuracy": [None, 0.4, None, 0.9],
}
GRID: dict[str, Any] = {
    "x_labels": ["0.001", "0.01", "0.1"],
    "y_labels": ["16", "64"],
    "x_name": "optimizer.learning_rate",
    "y_name": "model.hidden_layers",
    "value_name": "test_accuracy",
}

CALIBRATION = Calibration(
    (
        CalibrationBin(0.0, 0.5, 10, 0.4, 0.6),
        CalibrationBin(0.5, 0.75, 0, None, None),
        CalibrationBin(0.75, 1.0, 30, 0.9, 0.8),
    )
)
SPEAKERS = [
    GroupScore(120 + index, 52, 52 - index % 7, (52 - index % 7) / 52) for index in range(30)
]
RATES = plots.Coordinate("optimizer.learning_rate", [1e-4, 0.1], logarithmic=True)
NAMES = plots.Coordinate("optimizer.name", [0, 1], labels=["sgd", "adam"])
WEIGHTS = np.random.default_rng(0).normal(size=(44, 617))


def probability(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.abs(points[:, 0] - points[:, 1]), 0, 1)


def axes_of(figure: Figure) -> list[Any]:
    """The figure's axes without types: by them, the data of a line may be almost anything."""
    return list(figure.axes)


def written_in(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def written_in_cell(axes: Axes, row: int, column: int) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_position() == (column, row)]


def legend_of(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def all_figures() -> dict[str, Callable[[], Figure]]:
    matrix = np.diag(np.arange(26)) + np.eye(26, k=3, dtype=np.int64)
    lines = {"a": plots.Band([0.1, 1.0], [0.5, 0.9], [0.4, 0.8], [0.6, 1.0])}
    return {
        "loss": lambda: plots.figure_loss(HISTORY, "a run"),
        "accuracy": lambda: plots.figure_accuracy(HISTORY, "a run"),
        "confusion_matrix": lambda: plots.figure_confusion_matrix(matrix, LETTERS, "a run"),
        "heatmap": lambda: plots.figure_heatmap(np.arange(6.0).reshape(2, 3) / 6, **GRID),
        "decision_boundary": lambda: plots.figure_decision_boundary(probability, XOR, XOR_CLASSES),
        "boxplot": lambda: plots.figure_boxplot(
            {"sgd": [0.4, 0.5], "adam": [0.9]}, x_name="optimizer.name", value_name="test_accuracy"
        ),
        "lines": lambda: plots.figure_lines(
            lines, x_name="optimizer.learning_rate", value_name="test_accuracy", log_x=True
        ),
        "line_panels": lambda: plots.figure_line_panels(
            {"test_accuracy": lines, "test_loss": lines}, x_name="epoch"
        ),
        "points": lambda: plots.figure_scatter([0.5, 0.9], x=RATES, value_name="test_accuracy"),
        "coloured_points": lambda: plots.figure_scatter(
            [0.5, 0.9], x=NAMES, y=RATES, value_name="test_loss", title="a sweep", note="a note"
        ),
        "reliability": lambda: plots.figure_reliability(CALIBRATION, "a run"),
        "groups": lambda: plots.figure_groups(SPEAKERS, title="a run"),
        "weights": lambda: plots.figure_weights(WEIGHTS, title="a run"),
        "bars": lambda: plots.figure_bars({"small": {"a": 1.0, "b": 2.0}}, reference="a"),
    }


@pytest.fixture(params=list(all_figures()))
def draw(request: pytest.FixtureRequest) -> Callable[[], Figure]:
    return all_figures()[request.param]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_same_input_gives_the_same_bytes(
    draw: Callable[[], Figure], suffix: str, tmp_path: Path
) -> None:
    first, second = tmp_path / f"1.{suffix}", tmp_path / f"2.{suffix}"
    plots.save(draw(), first)
    plots.save(draw(), second)
    assert first.read_bytes() == second.read_bytes()


def test_a_png_is_of_sensible_size_not_blank_and_names_no_software(
    draw: Callable[[], Figure], tmp_path: Path
) -> None:
    plots.save(draw(), tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        image.load()
        assert image.format == "PNG"
        assert 350 <= image.width <= 1400
        assert 250 <= image.height <= 1400
        assert "Software" not in image.info
        extremes = image.convert("L").getextrema()
    assert extremes[0] != extremes[1]


def test_an_svg_bears_neither_date_nor_version(draw: Callable[[], Figure], tmp_path: Path) -> None:
    plots.save(draw(), tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert text.rstrip().endswith("</svg>")
    assert "dc:date" not in text
    assert matplotlib.__version__ not in text


def test_no_text_leaves_the_figure(draw: Callable[[], Figure]) -> None:
    figure = draw()
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    bounds = np.array(figure.get_tightbbox().extents) * figure.dpi
    assert bounds.min() >= -1
    assert bounds[2] <= width + 1
    assert bounds[3] <= height + 1


def test_settings_of_matplotlib_stay_as_they_were(
    draw: Callable[[], Figure], tmp_path: Path
) -> None:
    before = dict(matplotlib.rcParams.copy())
    plots.save(draw(), tmp_path / "plot.png")
    assert dict(matplotlib.rcParams.copy()) == before


def test_importing_loads_no_matplotlib_and_drawing_loads_no_pyplot(tmp_path: Path) -> None:
    code = """
import io, sys
from pathlib import Path
from isolet_nn import plots
assert not any(name.startswith("matplotlib") for name in sys.modules)
sys.path.insert(0, sys.argv[1])
from test_plots import all_figures
for name, draw in all_figures().items():
    plots.save(draw(), Path(sys.argv[2]) / f"{name}.png")
assert "matplotlib.backends.backend_agg" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    here = Path(__file__).parent
    result = subprocess.run(
        [sys.executable, "-c", code, str(here), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(here.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("prompt", "written"), [("", False), ("sys.ps1 = '> '", True)])
def test_matplotlib_writes_its_docstrings_only_where_there_is_a_prompt(
    prompt: str, written: bool
) -> None:
    code = f"""
import sys
{prompt}
from isolet_nn import plots
plots.figure_loss({{"epoch": [1, 2], "train_loss": [2.0, 1.0]}})
import matplotlib.artist, matplotlib.lines
line = matplotlib.lines.Line2D
assert "Properties:" in matplotlib.artist.kwdoc(line)
print("Properties:" in line.set.__doc__)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == str(written), result.stderr


def test_a_plot_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "loss.png"
    path.write_bytes(b"the plot before")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        plots.plot_loss(HISTORY, path)
    assert path.read_bytes() == b"the plot before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_plot_makes_its_folder(tmp_path: Path) -> None:
    plots.plot_accuracy(HISTORY, tmp_path / "plots" / "accuracy.png", title="run")
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["accuracy.png"]


def test_another_suffix_than_png_and_svg_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.png or \.svg, found '\.jpg'"):
        plots.plot_loss(HISTORY, tmp_path / "loss.jpg")
    assert list(tmp_path.iterdir()) == []


def test_every_plot_function_writes_what_its_figure_function_draws(tmp_path: Path) -> None:
    matrix = np.eye(3, dtype=np.int64)
    values = np.arange(6.0).reshape(2, 3)
    groups = {"a": [1.0, 2.0]}
    box = {"x_name": "seed", "value_name": "test_loss"}
    lines = {"a": plots.Band([1, 2], [1, 2])}
    bars = {"small": {"a": 1.0}}
    pairs = [
        (plots.plot_confusion_matrix, (matrix, "abc"), {}, plots.figure_confusion_matrix),
        (plots.plot_heatmap, (values,), GRID, plots.figure_heatmap),
        (
            plots.plot_decision_boundary,
            (probability, XOR, XOR_CLASSES),
            {},
            plots.figure_decision_boundary,
        ),
        (plots.plot_boxplot, (groups,), box, plots.figure_boxplot),
        (plots.plot_lines, (lines,), box, plots.figure_lines),
        (plots.plot_reliability, (CALIBRATION,), {}, plots.figure_reliability),
        (plots.plot_groups, (SPEAKERS,), {"name": "group"}, plots.figure_groups),
        (
            plots.plot_scatter,
            ([0.5, 0.9],),
            {"x": RATES, "value_name": "test_loss"},
            plots.figure_scatter,
        ),
        (plots.plot_weights, (WEIGHTS,), {}, plots.figure_weights),
        (plots.plot_bars, (bars,), {"reference": "a"}, plots.figure_bars),
    ]
    for plot, data, options, figure in pairs:
        written, expected = tmp_path / "written.png", tmp_path / "expected.png"
        plot(*data, written, **options)  # type: ignore[operator]
        plots.save(figure(*data, **options), expected)  # type: ignore[operator]
        assert written.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("figure5", "figure 5"),
        ("isolet-best_seeds", "isolet best seeds"),
        ("figure1_2_no_momentum", "figure 1 2 no momentum"),
        ("mnist784", "mnist784"),
        ("lr0.001", "lr0.001"),
        ("音-nn", "音 nn"),
    ],
)
def test_a_title_is_words(name: str, words: str) -> None:
    assert in_words(name) == words


def test_long_names_are_cut_where_that_leaves_them_different() -> None:
    alike = [f"a class with a long name, number {number}" for number in range(100)]
    assert len(set(shorten_all(alike))) == 100
    assert all(len(label) <= 24 for label in shorten_all(alike))
    assert shorten_all(["one with an end of no interest", "b"]) == ["one with an end of no i…", "b"]


def test_a_note_stands_between_title_and_axes() -> None:
    figure = plots.figure_loss(HISTORY, "momentum", "the training loss includes mixup")
    figure.draw_without_rendering()
    (axes,) = axes_of(figure)
    (note,) = axes.texts
    title, below = axes._left_title.get_window_extent(), note.get_window_extent()
    assert note.get_text() == "the training loss includes mixup"
    assert title.y0 >= below.y1 >= below.y0 >= axes.bbox.y1


@pytest.mark.parametrize(
    "figure",
    [
        lambda: plots.figure_reliability(CALIBRATION, "a run"),
        lambda: plots.figure_groups(SPEAKERS, title="a run"),
        lambda: plots.figure_groups(SPEAKERS[:1], title="a run"),
    ],
    ids=["reliability", "speakers", "one speaker"],
)
def test_a_legend_covers_no_point_where_one_can_be_anywhere(figure: Any) -> None:
    above = axes_of(figure := figure())[0]
    figure.draw_without_rendering()
    legend = above.get_legend().get_window_extent()
    assert legend.y0 >= above.bbox.y1
    assert above._left_title.get_window_extent().y0 >= legend.y1
    assert legend.x1 <= figure.bbox.x1


def test_curves_show_the_history_and_leave_out_what_was_not_measured() -> None:
    (axes,) = axes_of(plots.figure_loss(HISTORY, "momentum"))
    train, test = axes.lines
    np.testing.assert_array_equal(train.get_xydata(), [[1, 2.0], [2, 1.0], [3, 0.5], [4, 0.25]])
    np.testing.assert_array_equal(test.get_xydata(), [[2, 1.5], [4, 0.75]])
    assert legend_of(axes) == ["train 0.25", "test 0.75"]
    assert axes.get_title(loc="left") == "momentum"
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "cross-entropy loss (nats)"


def test_accuracies_are_drawn_in_percent() -> None:
    (axes,) = axes_of(plots.figure_accuracy(HISTORY))
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[2, 40.0], [4, 90.0]])
    assert legend_of(axes) == ["train 95.00 %", "test 90.00 %"]
    assert axes.get_ylabel() == "accuracy (%)"


def percent_figures() -> dict[str, Callable[[], Figure]]:
    """Figures with values of 100 % and some far below."""
    lines = {"a": plots.Band([1, 2], [0.0, 1.0], [0.0, 0.9], [0.1, 1.0])}
    sure = Calibration((CalibrationBin(0.0, 0.5, 9, 0.1, 0.0), CalibrationBin(0.5, 1.0, 9, 1, 1)))
    scores = [GroupScore(0, 9, 0, 0.0), GroupScore(1, 52, 52, 1.0)]
    names: dict[str, Any] = {"x_name": "seed", "value_name": "test_accuracy"}
    return {
        "accuracy": lambda: plots.figure_accuracy({"epoch": [1, 2], "test_accuracy": [0.0, 1.0]}),
        "lines": lambda: plots.figure_lines(lines, **names),
        "line_panels": lambda: plots.figure_line_panels({"test_accuracy": lines}, x_name="epoch"),
        "boxplot": lambda: plots.figure_boxplot({"a": [0.0, 1.0], "b": [1.0]}, **names),
        "reliability": lambda: plots.figure_reliability(sure),
        "groups": lambda: plots.figure_groups(scores),
    }


@pytest.mark.parametrize("name", list(percent_figures()))
def test_an_axis_of_percent_ends_at_0_and_100_and_what_is_there_is_whole(name: str) -> None:
    axes = axes_of(percent_figures()[name]())[0]
    assert axes.get_ylabel().endswith("accuracy (%)")
    assert axes.get_ylim() == (0, 100)
    assert not any(artist.get_clip_on() for artist in (*axes.lines, *axes.collections))


def test_an_axis_of_percent_ends_where_its_values_do() -> None:
    history: dict[str, list[float | None]] = {"epoch": [1, 2], "test_accuracy": [0.5, 0.6]}
    low, high = axes_of(plots.figure_accuracy(history))[0].get_ylim()
    assert 45 < low < 50
    assert 60 < high < 65


def test_the_axis_of_confidence_goes_from_0_to_100() -> None:
    for axes in axes_of(plots.figure_reliability(CALIBRATION)):
        assert axes.get_xlim() == (0, 100)


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


def test_names_with_dollar_signs_are_taken_literally(tmp_path: Path) -> None:
    plots.plot_loss(HISTORY, tmp_path / "loss.png", "$x^{")
    plots.plot_confusion_matrix(
        np.eye(2, dtype=np.int64), ["$\\alpha", "b"], tmp_path / "confusion.png"
    )


ONLY_IN_ANOTHER_FONT = "\u1d81"
"""A d with a hook: DejaVu Sans lacks it, STIX, which comes with Matplotlib too, has it."""


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_script_that_the_usual_font_lacks_is_drawn_in_one_that_has_it(
    tmp_path: Path, suffix: str
) -> None:
    figure = plots.figure_groups([GroupScore(1, 4, 2, 0.5)], title=ONLY_IN_ANOTHER_FONT)
    plots.save(figure, tmp_path / f"1.{suffix}")
    families = axes_of(figure)[0]._left_title.get_fontfamily()
    assert families[0] == "DejaVu Sans"
    assert len(families) > 1
    plots.save(figure, tmp_path / f"2.{suffix}")
    assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()


def test_what_no_font_has_is_said_once(tmp_path: Path) -> None:
    unassigned = "\u0378"
    with pytest.warns(UserWarning, match=f"no installed font has {unassigned}, so"):
        plots.plot_loss(HISTORY, tmp_path / "loss.png", unassigned)
    plots.plot_accuracy(HISTORY, tmp_path / "accuracy.png", unassigned)


def test_other_warnings_of_matplotlib_are_not_swallowed() -> None:
    def render() -> None:
        warnings.warn("something else", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="something else"):
        render_with_fonts(Figure(), render)


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
    plots.plot_heatmap(np.full((2, 3), fill), tmp_path / "heatmap.png", **GRID)


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


def test_the_decision_boundary_shows_the_probabilities_and_the_points() -> None:
    axes = axes_of(plots.figure_decision_boundary(probability, XOR, XOR_CLASSES))[0]
    plane = np.asarray(axes.images[0].get_array())
    side = np.linspace(-0.5, 1.5, 201)
    np.testing.assert_allclose(plane[150, 50], abs(side[50] - side[150]))
    assert written_in(axes) == [
        "class 0\nP = 0.00",
        "class 1\nP = 1.00",
        "class 1\nP = 1.00",
        "class 0\nP = 0.00",
    ]
    zeros, ones = axes.lines
    assert sorted(map(tuple, zeros.get_xydata())) == [(0, 0), (1, 1)]
    assert sorted(map(tuple, ones.get_xydata())) == [(0, 1), (1, 0)]


def test_a_network_that_is_sure_of_nothing_has_no_boundary(tmp_path: Path) -> None:
    plots.plot_decision_boundary(
        lambda points: np.full(len(points), 0.5), XOR, XOR_CLASSES, tmp_path / "xor.png"
    )


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


def test_a_logarithmic_axis_is_labelled_with_the_settings_themselves() -> None:
    band = plots.Band([1e-5, 1e-3, 0.1], [0.1, 0.9, 0.5])
    figure = plots.figure_lines(
        {"a": band}, x_name="optimizer.learning_rate", value_name="test_loss", log_x=True
    )
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["1e-5", "0.001", "0.1"]


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


@pytest.mark.parametrize(("value_name", "best"), [("test_accuracy", "90.0"), ("test_loss", "0.5")])
def test_the_best_of_the_points_is_marked(value_name: str, best: str) -> None:
    values = [0.9, math.nan, 0.5, 0.7]
    x = plots.Coordinate("optimizer.learning_rate", [1e-4, 1e-3, 0.01, 0.1], logarithmic=True)
    figure = plots.figure_scatter(values, x=x, value_name=value_name)
    (axes,) = axes_of(figure)
    assert axes.get_xscale() == "log"
    assert written_in(axes) == [best]
    assert len(axes.lines[0].get_xdata()) == 3


@pytest.mark.parametrize("places", [np.geomspace(1e-5, 1, 50), [1e-3, 1.05e-3, 1.1e-3, 0.5, 1.0]])
def test_ticks_of_a_logarithmic_axis_are_not_printed_over_each_other(places: Any) -> None:
    lines = {"a": plots.Band(places, [0.5] * len(places))}
    coordinate = plots.Coordinate("optimizer.learning_rate", places, logarithmic=True)
    names = {"x_name": "optimizer.learning_rate", "value_name": "test_loss"}
    for figure in (
        plots.figure_lines(lines, **names, log_x=True),
        plots.figure_scatter([0.5] * len(places), x=coordinate, value_name="test_loss"),
    ):
        figure.draw_without_rendering()
        (axes,) = axes_of(figure)
        shown = [label for label in axes.get_xticklabels() if label.get_text()]
        boxes = [label.get_window_extent() for label in shown]
        inside = [box for box in boxes if axes.bbox.x0 <= (box.x0 + box.x1) / 2 <= axes.bbox.x1]
        assert len(inside) >= 2
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(inside))


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


def test_quantities_and_settings_are_named_with_their_units() -> None:
    assert quantity("validation_accuracy").label == "validation accuracy (%)"
    assert quantity("test_loss").label == "test loss (nats)"
    assert quantity("seconds").label == "time (s)"
    assert setting_label("training.batch_size") == "batch size (rows)"
    assert setting_label("optimizer.beta1") == "beta1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1e-5"),
        (0.001, "0.001"),
        (1e20, "1e+20"),
        (16, "16"),
        ([64, 32], "64, 32"),
        ([], "none"),
        (None, "none"),
        (True, "True"),
        ("adam", "adam"),
    ],
)
def test_settings_are_written_in_short(value: object, text: str) -> None:
    assert plots.setting_text(value) == text


@given(st.floats(-1e308, 1e308))
def test_a_setting_in_short_reads_back_to_four_digits(value: float) -> None:
    assert re.fullmatch(r"[-+.e\d]+", plots.setting_text(value))
    assert float(plots.setting_text(value)) == pytest.approx(value, rel=5.1e-4)


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


# --- letters


def test_the_letters_stand_by_the_vowel_of_their_names_and_the_e_set_first() -> None:
    matrix = np.arange(26 * 26).reshape(26, 26)
    axes = axes_of(plots.figure_confusion_matrix(matrix, LETTERS))[0]
    order = "".join(ALIKE)
    assert order[:9] == "BCDEGPTVZ"
    names = [text for text in written_in(axes) if text in LETTERS]
    assert names == [*order, *order]
    for row, column in [(0, 0), (3, 8), (25, 1)]:
        actual, predicted = LETTERS.index(order[row]), LETTERS.index(order[column])
        assert written_in_cell(axes, row, column) == [str(matrix[actual, predicted])]
    assert "predicted letter, by the vowel of its name, the E-set first" in written_in(axes)


def test_letters_that_sound_alike_are_framed() -> None:
    axes = axes_of(plots.figure_confusion_matrix(np.eye(26, dtype=np.int64), LETTERS))[0]
    frames = [(line.get_xdata().min(), line.get_xdata().max()) for line in axes.lines]
    assert frames == [(-0.5, 8.5), (8.5, 12.5), (12.5, 18.5), (18.5, 20.5), (20.5, 23.5)]
    assert all((line.get_xdata() != line.get_ydata()).any() for line in axes.lines)


@pytest.mark.parametrize("classes", [LETTERS[:25], tuple(map(str, range(26))), (*LETTERS, "Ä")])
def test_classes_that_are_not_the_alphabet_keep_their_order(classes: tuple[str, ...]) -> None:
    assert letter_groups(classes) is None
    n = len(classes)
    axes = axes_of(plots.figure_confusion_matrix(np.eye(n, dtype=np.int64), classes))[0]
    columns = [text.get_text() for text in axes.texts if text.get_position()[1] > n - 0.5]
    assert columns[:n] == list(classes)
    assert not axes.lines
    assert "predicted class" in written_in(axes)


def test_every_letter_is_in_one_group_wherever_it_stands() -> None:
    backwards = LETTERS[::-1]
    groups = letter_groups(backwards)
    assert groups is not None
    assert ["".join(backwards[index] for index in group) for group in groups] == list(ALIKE)
    assert sorted(index for group in groups for index in group) == list(range(26))


# --- answers


def test_the_reliability_diagram_shows_bins_against_the_diagonal() -> None:
    above, below = axes_of(plots.figure_reliability(CALIBRATION, "a run"))
    diagonal, *points = above.lines
    np.testing.assert_array_equal(diagonal.get_xydata(), [[0, 0], [100, 100]])
    places = [point.get_xydata()[0].tolist() for point in points]
    np.testing.assert_allclose(places, [[40, 60], [90, 80]])
    gap, interval = (c.get_segments()[0] for c in above.collections[:2])
    np.testing.assert_allclose(gap, [[40, 60], [40, 40]])
    np.testing.assert_allclose(interval[:, 1], [100 * end for end in wilson_interval(6, 10)])
    assert written_in(below) == ["10", "30"]
    assert [bar.get_height() for bar in below.patches] == [10, 30]
    # 10 rows of 40 are 20 points off, 30 are 10 points off.
    assert above.get_title(loc="left") == "a run\nexpected calibration error 12.50 %"


@pytest.mark.parametrize(("accuracy", "named"), [(1.0, False), (0.995, False), (0.97, True)])
def test_a_gap_is_in_the_legend_only_where_one_can_be_seen(accuracy: float, named: bool) -> None:
    bins = (CalibrationBin(0.0, 0.5, 200, 0.25, 0.25), CalibrationBin(0.5, 1.0, 200, 1.0, accuracy))
    axes = axes_of(plots.figure_reliability(Calibration(bins)))[0]
    drawn = [c for c in axes.collections if c.get_label() == "gap"]
    assert len(drawn) == named
    assert ("gap" in legend_of(axes)) == named
    assert "rows of a bin, 95 % interval" in legend_of(axes)


def test_a_model_without_any_confidence_has_an_empty_diagram(tmp_path: Path) -> None:
    empty = Calibration((CalibrationBin(0.0, 1.0, 0, None, None),))
    above, below = axes_of(plots.figure_reliability(empty, "a run"))
    assert above.get_title(loc="left") == "a run"
    assert not written_in(below)
    plots.plot_reliability(empty, tmp_path / "reliability.png")


def test_speakers_stand_by_accuracy_with_their_intervals() -> None:
    scores = [GroupScore(7, 4, 4, 1.0), GroupScore(5, 4, 1, 0.25), GroupScore(3, 4, 4, 1.0)]
    (axes,) = axes_of(plots.figure_groups(scores, title="who"))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5", "3", "7"]
    mean, points = axes.lines
    np.testing.assert_allclose(points.get_ydata(), [25, 100, 100])
    np.testing.assert_allclose(mean.get_ydata(), [75, 75])
    (intervals,) = axes.collections
    np.testing.assert_allclose(
        intervals.get_segments()[0][:, 1], [100 * end for end in wilson_interval(1, 4)]
    )
    assert legend_of(axes) == ["all rows (12): 75.00 %", "95 % interval"]
    assert axes.get_xlabel() == "speaker, lowest accuracy first"


@pytest.mark.parametrize("n", [1, 2, 30, 120, 150])
def test_every_speaker_is_named_and_no_name_covers_another(n: int, tmp_path: Path) -> None:
    scores = [GroupScore(index, 52, 50, 50 / 52) for index in range(n)]
    figure = plots.figure_groups(scores)
    plots.save(figure, tmp_path / "groups.png")
    labels = figure.axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == [str(index) for index in range(n)]
    boxes = [label.get_window_extent() for label in labels]
    for left, right in itertools.pairwise(boxes):
        assert left.x1 <= right.x0 + 0.5


def test_of_more_groups_than_have_room_some_are_named() -> None:
    scores = [GroupScore(index, 10, 5, 0.5) for index in range(1000)]
    (axes,) = axes_of(plots.figure_groups(scores, name="group"))
    assert 50 < len(axes.get_xticklabels()) < 150
    assert len(axes.lines[1].get_xdata()) == 1000


# --- weights


def test_weights_are_coloured_alike_on_both_sides_of_zero() -> None:
    weights = axes_of(plots.figure_weights(WEIGHTS))[0]
    (image,) = weights.images
    low, high = image.get_clim()
    assert low == -high
    assert high == pytest.approx(np.percentile(np.abs(WEIGHTS), 99.5))
    assert sorted(map(tuple, image.get_array().tolist())) == sorted(map(tuple, WEIGHTS.tolist()))
    assert weights.get_xlabel() == "input feature"


def test_rows_that_are_classes_keep_order_and_names() -> None:
    rows = np.random.default_rng(1).normal(size=(26, 50))
    axes = axes_of(plots.figure_weights(rows, LETTERS))[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), rows)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(LETTERS)
    assert axes.get_ylabel() == "class"
    with pytest.raises(ValueError, match="2 class names for 26 rows"):
        plots.figure_weights(rows, ["a", "b"])


def test_neurons_that_look_the_same_way_are_put_together() -> None:
    random = np.random.default_rng(2)
    kinds = random.permutation(np.repeat(np.arange(3), 5))
    directions = random.normal(size=(3, 40))
    sizes = random.uniform(0.1, 10, (15, 1))
    rows = sizes * (directions[kinds] + 0.05 * random.normal(size=(15, 40)))
    order = similar_together(rows)
    assert sorted(order) == list(range(15))
    assert np.count_nonzero(np.diff(kinds[order])) == 2


def test_a_neuron_bears_its_own_number_wherever_it_stands(tmp_path: Path) -> None:
    figure = plots.figure_weights(WEIGHTS)
    axes = axes_of(figure)[0]
    drawn = np.asarray(axes.images[0].get_array())
    numbers = [int(label.get_text()) for label in axes.get_yticklabels()]
    assert numbers != sorted(numbers)
    np.testing.assert_array_equal(drawn, WEIGHTS[np.array(numbers) - 1])
    assert axes.get_ylabel() == "neuron, similar ones together"
    plots.save(figure, tmp_path / "weights.png")
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(below.y1 <= above.y0 + 0.5 for above, below in itertools.pairwise(boxes))


def test_neurons_that_are_too_many_to_be_numbered_are_counted() -> None:
    axes = axes_of(plots.figure_weights(np.repeat(WEIGHTS, 3, axis=0)))[0]
    assert len(axes.get_yticks()) == 0
    assert axes.get_ylabel() == "132 neurons, similar ones together"


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 2), (1024, 617)])
def test_weights_of_any_shape_are_drawn(shape: tuple[int, int], tmp_path: Path) -> None:
    rows = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    figure = plots.figure_weights(rows, [str(i) for i in range(shape[0])])
    plots.save(figure, tmp_path / "weights.png")
    assert max(figure.get_size_inches()) < 11


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_weights_of_a_network_that_came_to_grief_are_drawn_without_a_warning(
    value: float, tmp_path: Path
) -> None:
    rows = np.full((4, 5), value)
    plots.plot_weights(rows, tmp_path / "all.png")
    rows[0] = 1.0
    plots.plot_weights(rows, tmp_path / "some.png")
