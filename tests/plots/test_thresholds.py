"""Curves over thresholds, and the importance of columns: what is shown of many."""

from __future__ import annotations

import numpy as np
import pytest

from isolet_nn import plots
from isolet_nn.scores.curves import Curve
from isolet_nn.scores.importance import Importance
from plots.figures import axes_of, legend_of


def curve(name: str, area: float, false: float = 0.2, true: float = 0.8) -> Curve:
    return Curve(name, area, np.array([0.0, false, 1.0]), np.array([0.0, true, 1.0]))


def test_few_classes_have_a_line_each_with_the_area() -> None:
    axes = axes_of(plots.figure_roc([curve("yes", 0.8), curve("no", 0.7)], "a run"))
    assert len(axes) == 1
    assert legend_of(axes[0]) == ["chance", "yes 0.8000", "no 0.7000"]
    assert "on average 0.7500" in axes[0].texts[0].get_text()


def test_of_many_classes_the_worst_are_named_and_the_mean_of_all_is_drawn() -> None:
    curves = [curve(f"c{k}", 0.9 - 0.01 * k) for k in range(26)]
    axes = axes_of(plots.figure_roc(curves))[0]
    worst = [f"c{k} {0.9 - 0.01 * k:.4f}" for k in range(25, 20, -1)]
    assert legend_of(axes) == ["chance", *worst, "21 better classes", "mean of all classes"]


@pytest.mark.parametrize(("false", "n_panels", "side"), [(0.2, 1, None), (0.012, 2, 0.03)])
def test_curves_close_to_the_corner_have_a_panel_of_it(
    false: float, n_panels: int, side: float | None
) -> None:
    panels = axes_of(plots.figure_roc([curve("a", 0.9, false, 1.0 - false)]))
    assert len(panels) == n_panels
    if side is not None:
        assert panels[1].get_xlim()[1] == pytest.approx(side)
        assert panels[1].get_ylim()[0] == pytest.approx(1.0 - side)


def test_the_corner_of_precision_and_recall_is_the_other_one() -> None:
    perfect = Curve("a", 1.0, np.array([1.0, 1.0, 0.0]), np.array([0.5, 1.0, 1.0]))
    _, corner = axes_of(plots.figure_precision_recall([perfect, perfect]))
    assert corner.get_xlim()[0] == pytest.approx(0.99)
    assert corner.get_ylim()[0] == pytest.approx(0.99)


def test_the_twenty_most_important_columns_are_drawn_and_the_number_of_all_is_said() -> None:
    found = [Importance(f"f{k}", 1.0 - 0.01 * k, 0.0, 1.0, 0.001 * k) for k in range(30)]
    axes = axes_of(plots.figure_importance(found, title="a run", note="95 % interval"))[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"f{k}" for k in range(20)]
    texts = [text.get_text() for text in axes.texts]
    assert "95 % interval; the 20 most important of 30 columns" in texts
    assert "-0.30" in texts
    assert "+0.00" in texts
