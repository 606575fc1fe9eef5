"""The picture of the first layer shows its weights, similar neurons together."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from isolet_nn import plots
from isolet_nn.plots.weights import similar_together
from plots.figures import LETTERS, WEIGHTS, axes_of


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


def test_columns_bear_the_names_of_features_where_these_have_room(tmp_path: Path) -> None:
    names = ["age", "sex=f", "sex=m", "income of the household before taxes, in thousands"]
    figure = plots.figure_weights(WEIGHTS[:, :4], features=names)
    axes, _, above = axes_of(figure)
    plots.save(figure, tmp_path / "weights.png")
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    assert [label.get_text() for label in labels][:3] == names[:3]
    assert labels[3].get_text().endswith("…")
    assert min(label.get_window_extent().y0 for label in labels) > 0
    assert list(above.get_xticks()) == [1, 2, 3, 4]
    many = [f"f{number}" for number in range(1, WEIGHTS.shape[1] * 20 + 1)]
    wide = axes_of(plots.figure_weights(np.tile(WEIGHTS, 20), features=many))[0]
    assert "f1" not in [label.get_text() for label in wide.get_xticklabels()]
    with pytest.raises(ValueError, match="2 names for 4 columns"):
        plots.figure_weights(WEIGHTS[:, :4], features=["a", "b"])


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
    for name in ("all", "some"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
