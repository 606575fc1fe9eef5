"""Coloured planes: confusion matrix, and heat map of a sweep.

Cells have a size in inches and the figure grows with their number, so that numbers stay readable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isolet_nn.plots.colors import color_bar
from isolet_nn.plots.letters import letter_groups
from isolet_nn.plots.style import (
    EMPTY,
    INK,
    MISSING,
    PALETTE,
    axes_at,
    in_style,
    quantity,
    setting_label,
    shorten,
    shorten_all,
    text_width,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

_MOST_ANNOTATED = 40
_TICK_SIZE = 9.0
_PANELS_IN_A_ROW = 3


@in_style
def figure_confusion_matrix(
    matrix: NDArray[np.int64], classes: Sequence[str], title: str = "", *, normalize: bool = False
) -> Figure:
    """Counts of predicted classes for each actual class, or with `normalize` their shares of it.

    The colour is the share of the actual class on a logarithmic scale, because single mistakes
    are what one looks for; cells without a count stay pale. Beyond 40 classes the counts are
    not written. The letters A to Z are ordered by the vowel of their names, so that those that
    are easily mistaken (B C D E G P T V Z above all) stand together in a frame.

    Parameters
    ----------
    matrix
        (n_classes, n_classes) counts: rows are actual classes, columns predicted ones.

    Raises
    ------
    ValueError
        If the matrix does not have a row and a column for each class.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    n = len(classes)
    if matrix.shape != (n, n):
        raise ValueError(f"a matrix of shape {matrix.shape} for {n} classes")
    groups = letter_groups(classes)
    if groups is not None:
        order = np.concatenate(groups)
        matrix, classes = matrix[np.ix_(order, order)], [classes[index] for index in order]
    cell = min(2.0 + 0.2 * n, 10.0) / n
    labels = shorten_all(classes)
    what = "class" if groups is None else "letter, by the vowel of its name, the E-set first"
    names = f"predicted {what}", f"actual {what}"
    figure, (axes,), bar = _cell_figure(labels, labels, (cell, cell), names, title=title)
    colors = ScalarMappable(
        LogNorm(1.0, 100.0, clip=True),
        _between("#dcebf5", PALETTE[0], "#00263d").with_extremes(bad=EMPTY),
    )
    share = 100.0 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    if normalize:
        texts = [[_share_text(of_row) for of_row in row] for row in share.tolist()]
    else:
        texts = [[str(count) if count else "" for count in row] for row in matrix.tolist()]
    _paint_cells(
        axes, colors, np.ma.masked_equal(share, 0.0), texts if n <= _MOST_ANNOTATED else None, cell
    )
    _frame_blocks(axes, [len(group) for group in groups or ()])
    color_bar(figure, bar, colors, "share of the actual class (%)", [1, 3, 10, 30, 100])
    return figure


def _share_text(share: float) -> str:
    """A share in percent in three characters; nothing for none."""
    return "" if not share else f"{share:.0f}" if share >= 9.95 else f"{share:.1f}"


def _frame_blocks(axes: Axes, sizes: Sequence[int]) -> None:
    """Frame square blocks along the diagonal, from the upper left corner on."""
    ends = np.cumsum(sizes) - 0.5
    for end, size in zip(ends.tolist(), sizes, strict=True):
        if size > 1:
            start = end - size
            corners = [start, end, end, start, start], [start, start, end, end, start]
            axes.plot(*corners, color=PALETTE[1], lw=1.6, clip_on=False)


@in_style
def figure_heatmap(
    values: NDArray[np.float64],
    *,
    x_labels: Sequence[str],
    y_labels: Sequence[str],
    x_name: str,
    y_name: str,
    value_name: str,
    panels: Sequence[str] = (),
    title: str = "",
    note: str = "",
) -> Figure:
    """A value over two settings of a sweep, written in every cell (up to 40 by 40).

    Parameters
    ----------
    values
        (rows, columns), or (panels, rows, columns); NaN where there is no result.
    x_labels, y_labels
        Settings along the columns and the rows, the first row on top.
    x_name, y_name
        Key paths of those settings.
    value_name
        Column of trials.csv; accuracies are drawn in percent.
    panels
        A heading for each panel.
    note
        Put under the title, for instance what a cell is the mean of.

    Raises
    ------
    ValueError
        If there is not a label for each row and column.
    """
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    if values.shape[-2:] != (len(y_labels), len(x_labels)):
        raise ValueError(
            f"values of shape {values.shape} for {len(y_labels)} rows and {len(x_labels)} columns"
        )
    scale = quantity(value_name)
    cells = np.ma.masked_invalid(values.reshape(-1, *values.shape[-2:]) * scale.factor)
    texts = [
        [["-" if value is None else scale.text(value) for value in row] for row in panel]
        for panel in cells.tolist()
    ]
    columns, rows = shorten_all(x_labels), shorten_all(y_labels)
    annotated = max(values.shape[-2:]) <= _MOST_ANNOTATED
    size = _heatmap_cell(columns, rows, texts) if annotated else (0.2, 0.2)
    figure, panel_axes, bar = _cell_figure(
        columns,
        rows,
        size,
        (setting_label(x_name), setting_label(y_name)),
        n_panels=len(cells),
        headed=bool(panels),
        title=title,
        note=note,
    )
    norm = Normalize(cells.min(), cells.max()) if cells.count() else Normalize(0.0, 1.0)
    colors = ScalarMappable(norm, matplotlib.colormaps["viridis"].with_extremes(bad=MISSING))
    for index, axes in enumerate(panel_axes):
        _paint_cells(axes, colors, cells[index], texts[index] if annotated else None, size[0])
        if panels:
            axes.set_title(panels[index], fontweight="normal", fontsize=10, pad=6)
    color_bar(figure, bar, colors, scale.label)
    return figure


plot_confusion_matrix = to_file(figure_confusion_matrix)
plot_heatmap = to_file(figure_heatmap)


def _heatmap_cell(
    x_labels: Sequence[str], y_labels: Sequence[str], texts: Sequence[Sequence[Sequence[str]]]
) -> tuple[float, float]:
    """Width and height in inches that hold every number, and most column names."""
    numbers = text_width([text for panel in texts for row in panel for text in row], 9.0)
    names = min(text_width(x_labels, _TICK_SIZE), 0.7)
    width = max(0.5, numbers + 0.15, names + 0.1, 2.0 / len(x_labels))
    return width, max(0.36, 1.8 / len(y_labels))


def _cell_figure(
    x_labels: Sequence[str],
    y_labels: Sequence[str],
    cell: tuple[float, float],
    names: tuple[str, str],
    *,
    n_panels: int = 1,
    headed: bool = False,
    title: str = "",
    note: str = "",
) -> tuple[Figure, list[Axes], Axes]:
    """Make the axes of each panel, with a column for each x label and a row for each y label.

    `cell` is the width and height of a cell in inches, `names` says what is along x and y. The
    last axes returned is the colour bar's.
    """
    from matplotlib.figure import Figure

    # Constrained layout fits axes into a figure of given size. Here the cells have a size, which
    # their numbers need, and the figure follows; it would also take 230 ms for 26 classes, not 145.
    title = shorten(title, 60)
    left = 0.55 + text_width(y_labels, _TICK_SIZE)
    bottom = 0.5 + _room_below(x_labels, cell[0])[1]
    above, heading = (0.45 if headed else 0.2), (0.3 if title else 0.0) + (0.25 if note else 0.0)
    width, height = cell[0] * len(x_labels), cell[1] * len(y_labels)
    x_stride, y_stride = left + width, bottom + height + above
    down = math.ceil(n_panels / _PANELS_IN_A_ROW)
    across = math.ceil(n_panels / down)
    full_width = max(across * x_stride + 1.1, left + text_width([title], 11.5) + 0.2)
    full_width = max(full_width, left + text_width([note], 9.0) + 0.2)
    full_height = down * y_stride + heading
    figure = Figure(figsize=(full_width, full_height))
    figure.text(
        left / full_width,
        1 - 0.15 / full_height,
        title,
        va="top",
        fontsize=11,
        fontweight="bold",
    )
    figure.text(left / full_width, 1 - 0.4 / full_height, note, va="top", fontsize=9)
    panels = []
    for index in range(n_panels):
        row, column = divmod(index, across)
        x, y = column * x_stride + left, (down - 1 - row) * y_stride + bottom
        panels.append(axes_at(figure, x, y, width, height))
        _label_cells(panels[-1], x_labels, y_labels, cell, names)
    top_row = (down - 1) * y_stride + bottom
    return figure, panels, axes_at(figure, across * x_stride + 0.15, top_row, 0.16, height)


def _label_cells(
    axes: Axes,
    x_labels: Sequence[str],
    y_labels: Sequence[str],
    cell: tuple[float, float],
    names: tuple[str, str],
) -> None:
    """Name columns and rows (as many as have room), and both axes.

    These are plain texts: the ticks of 26 classes would take as long to draw as all the rest.
    Coordinates are cells, so that one inch is ``1 / cell`` of them.
    """
    line = 1.25 * _TICK_SIZE / 72
    x_step, y_step = math.ceil(line / cell[0]), math.ceil(line / cell[1])
    bottom, left = len(y_labels) - 0.5, -0.5
    upright, below = _room_below(x_labels, cell[0])
    x_middle, y_middle = (len(x_labels) - 1) / 2, (len(y_labels) - 1) / 2
    beside = text_width(y_labels, _TICK_SIZE)
    axes.set_axis_off()
    for column in range(0, len(x_labels), x_step):
        place = column, bottom + 0.06 / cell[1]
        axes.text(*place, x_labels[column], ha="center", va="top", rotation=90 if upright else 0)
    for row in range(0, len(y_labels), y_step):
        axes.text(left - 0.06 / cell[0], row, y_labels[row], ha="right", va="center")
    axes.text(
        x_middle, bottom + (0.14 + below) / cell[1], names[0], ha="center", va="top", fontsize=10
    )
    axes.text(
        left - (0.14 + beside) / cell[0],
        y_middle,
        names[1],
        ha="right",
        va="center",
        rotation=90,
        fontsize=10,
    )


def _room_below(x_labels: Sequence[str], cell_width: float) -> tuple[bool, float]:
    """Whether the columns' names must stand upright, and the inches they take."""
    width = text_width(x_labels, _TICK_SIZE)
    return (True, width) if width > cell_width - 0.06 else (False, 0.15)


def _paint_cells(
    axes: Axes,
    colors: ScalarMappable,
    values: NDArray[np.float64],
    texts: Sequence[Sequence[str]] | None,
    cell_width: float,
) -> None:
    """Colour the cells; write a text in each, in white where the colour below is dark."""
    painted = colors.to_rgba(values)
    axes.imshow(painted, aspect="auto")
    if texts is None:
        return
    n_rows, n_columns = values.shape
    axes.vlines(np.arange(1, n_columns) - 0.5, -0.5, n_rows - 0.5, colors="white", lw=0.8)
    axes.hlines(np.arange(1, n_rows) - 0.5, -0.5, n_columns - 0.5, colors="white", lw=0.8)
    longest = max(2, *(len(text) for row in texts for text in row))
    size = min(9.0, 0.9 * cell_width / text_width(["0" * longest], 1.0))
    # Relative luminance by the weights of ITU-R BT.709.
    luminance = painted[..., :3] @ np.array([0.2126, 0.7152, 0.0722])
    for (row, column), light in np.ndenumerate(luminance):
        text = texts[row][column]
        if text:
            color = INK if light > 0.5 else "white"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=size)


def _between(*colors: str) -> LinearSegmentedColormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("between", list(colors))
