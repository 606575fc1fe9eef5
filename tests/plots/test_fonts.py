"""Characters that the usual font lacks are drawn in another, or said to have none."""

import warnings
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from isolet_nn import plots
from isolet_nn.plots.fonts import render_with_fonts
from isolet_nn.scores.evaluation import GroupScore
from plots.figures import HISTORY, axes_of

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
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plots.plot_accuracy(HISTORY, tmp_path / "accuracy.png", unassigned)
    assert not caught


def test_no_font_is_looked_for_that_has_control_characters(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plots.plot_loss(HISTORY, tmp_path / "loss.png", "a\x1b[31m name\u202e")
    assert not caught


def test_other_warnings_of_matplotlib_are_not_swallowed() -> None:
    def render() -> None:
        warnings.warn("something else", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="something else"):
        render_with_fonts(Figure(), render)
