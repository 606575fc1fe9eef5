"""The reliability diagram and the groups show how sure and how right a model is."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isolet_nn import plots
from isolet_nn.scores.calibration import Calibration, CalibrationBin
from isolet_nn.scores.evaluation import GroupScore, wilson_interval
from plots.figures import CALIBRATION, SPEAKERS, axes_of, legend_of, written_in


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
