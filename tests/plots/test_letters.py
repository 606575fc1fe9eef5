"""The letters of the alphabet stand in the order in which they sound alike."""

import numpy as np
import pytest

from isolet_nn import plots
from isolet_nn.plots.letters import ALIKE, letter_groups
from plots.figures import LETTERS, axes_of, written_in, written_in_cell


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
