"""A plot's file is whole, deterministic and quiet, and all plots name things alike."""

import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from isolet_nn import plots
from isolet_nn.plots.style import (
    INK,
    STYLE,
    in_style,
    in_words,
    quantity,
    setting_label,
    shorten_all,
)
from isolet_nn.scores.calibration import Calibration, CalibrationBin
from isolet_nn.scores.evaluation import GroupScore
from plots.figures import (
    CALIBRATION,
    CURVES,
    GRID,
    HISTORY,
    IMPORTANCES,
    LAYERS,
    LOSSES_BY_RATE,
    RATES,
    SPEAKERS,
    WEIGHTS,
    XOR,
    XOR_CLASSES,
    all_figures,
    axes_of,
    probabilities,
)


@pytest.fixture(params=list(all_figures()))
def draw(request: pytest.FixtureRequest) -> Callable[[], Figure]:
    return all_figures()[request.param]


def test_threads_that_draw_at_the_same_time_all_have_the_style_and_leave_no_trace_of_it() -> None:
    settings: Any = matplotlib.rcParams
    before = {name: settings[name] for name in STYLE}
    is_first_at_work, is_second_at_work, has_first_ended = (threading.Event() for _ in range(3))

    @in_style
    def first() -> Figure:
        is_first_at_work.set()
        is_second_at_work.wait(0.2)  # it must not be, so nobody hears of it
        return Figure()

    @in_style
    def second() -> Figure:
        is_second_at_work.set()
        assert has_first_ended.wait(60.0)
        return Figure(facecolor=matplotlib.rcParams["text.color"])

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first)
        assert is_first_at_work.wait(60.0)
        other = threads.submit(second)
        one.result()
        has_first_ended.set()
        assert to_hex(other.result().get_facecolor()) == INK
    assert {name: settings[name] for name in STYLE} == before


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
from plots.figures import all_figures
for name, draw in all_figures().items():
    plots.save(draw(), Path(sys.argv[1]) / f"{name}.png")
assert "matplotlib.backends.backend_agg" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


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
            (probabilities, {"points": (XOR, XOR_CLASSES)}, ["no", "yes"]),
            {"title": "a run"},
            plots.figure_decision_boundary,
        ),
        (plots.plot_inspection, (LAYERS,), {"note": "why"}, plots.figure_inspection),
        (plots.plot_boxplot, (groups,), box, plots.figure_boxplot),
        (plots.plot_lines, (lines,), box, plots.figure_lines),
        (plots.plot_reliability, (CALIBRATION,), {}, plots.figure_reliability),
        (plots.plot_roc, (CURVES,), {"title": "a run"}, plots.figure_roc),
        (plots.plot_precision_recall, (CURVES,), {}, plots.figure_precision_recall),
        (plots.plot_rates, (LOSSES_BY_RATE,), {"suggestion": 0.01}, plots.figure_rates),
        (plots.plot_importance, (IMPORTANCES,), {"note": "why"}, plots.figure_importance),
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
        plot(data[0], written, *data[1:], **options)  # type: ignore[operator]
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
    inside = [f"{'left ' * 8}{number}{' right' * 8}" for number in range(2)]
    assert len(set(shorten_all(inside))) == 2
    assert shorten_all(["one with an end of no interest", "b"]) == ["one with an end of no i…", "b"]


def test_a_note_stands_between_title_and_axes() -> None:
    figure = plots.figure_loss(HISTORY, "momentum", "the training loss includes mixup")
    figure.draw_without_rendering()
    (axes,) = axes_of(figure)
    (note,) = axes.texts
    title, below = axes._left_title.get_window_extent(), note.get_window_extent()
    assert note.get_text() == "the training loss includes mixup"
    assert title.y0 >= below.y1 >= below.y0 >= axes.bbox.y1


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


def test_names_with_dollar_signs_are_taken_literally(tmp_path: Path) -> None:
    loss = plots.figure_loss(HISTORY, "$x^{")
    confusion = plots.figure_confusion_matrix(np.eye(2, dtype=np.int64), ["$\\alpha", "b"])
    for figure, name in ((loss, "$x^{"), (confusion, "$\\alpha")):
        plots.save(figure, tmp_path / "figure.png")
        shown = [text for text in figure.findobj(Text) if name in text.get_text()]
        assert shown
        assert not any(text.get_parse_math() for text in shown)


def test_a_logarithmic_axis_is_labelled_with_the_settings_themselves() -> None:
    band = plots.Band([1e-5, 1e-3, 0.1], [0.1, 0.9, 0.5])
    figure = plots.figure_lines(
        {"a": band}, x_name="optimizer.learning_rate", value_name="test_loss", log_x=True
    )
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["1e-5", "0.001", "0.1"]


@pytest.mark.parametrize("places", [np.geomspace(1e-5, 1, 50), [1e-3, 1.05e-3, 1.1e-3, 0.5, 1.0]])
def test_ticks_of_a_logarithmic_axis_are_not_printed_over_each_other(places: Any) -> None:
    lines = {"a": plots.Band(places, [0.5] * len(places))}
    coordinate = plots.Coordinate("optimizer.learning_rate", places, logarithmic=True)
    names: dict[str, Any] = {"x_name": "optimizer.learning_rate", "value_name": "test_loss"}
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
    assert plots.short_text(value) == text


@given(st.floats(-1e308, 1e308))
def test_a_setting_in_short_reads_back_to_four_digits(value: float) -> None:
    assert re.fullmatch(r"[-+.e\d]+", plots.short_text(value))
    assert float(plots.short_text(value)) == pytest.approx(value, rel=5.1e-4)
