"""The first layer of a network: which feature drives which neuron, and in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import counted
from isolet_nn.plots.colors import color_bar
from isolet_nn.plots.style import (
    MISSING,
    PALETTE,
    axes_at,
    in_style,
    new_figure,
    shorten,
    shorten_all,
    text_width,
    to_file,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MOST_NAMED, _MOST_NUMBERED, _MOST_FEATURES = 60, 75, 64
"""Classes whose names have room, neurons whose numbers have, and features whose names have."""
_NAME_SIZE = 7.5
"""Points of the names of features."""
_CLIPPED = 99.5
"""Percentile of the weights' sizes at which the colours end, lest outliers leave the rest pale."""


@in_style
def figure_weights(
    weights: NDArray[np.floating[Any]],
    classes: Sequence[str] | None = None,
    title: str = "",
    features: Sequence[str] | None = None,
) -> Figure:
    """Weights of the first layer, a row for each neuron and a column for each feature.

    Blue is negative, white is zero, red is positive; above stands the root mean square of each
    column. Neurons are ordered so that similar ones stand together: the leaves of an
    average-linkage clustering by cosine, its branches turned so that neighbours are close
    (Z. Bar-Joseph, D. K. Gifford and T. S. Jaakkola, "Fast optimal leaf ordering for
    hierarchical clustering", Bioinformatics 17 (2001) S22-S29). Where there is room, each bears
    its number in the layer, from 1 on.

    Parameters
    ----------
    weights
        (neurons, features).
    classes
        Names of the rows where the layer's outputs are the classes; their order is kept.
    features
        Names of the columns, shown where they are few enough to be read.

    Raises
    ------
    ValueError
        If there is not a name for each row, or for each column.
    """
    from matplotlib.ticker import MaxNLocator

    n, n_features = weights.shape
    if classes is not None and len(classes) != n:
        raise ValueError(f"{len(classes)} class names for {n} rows of weights")
    if features is not None and len(features) != n_features:
        raise ValueError(f"{len(features)} names for {n_features} columns of weights")
    inputs = _column_names(features)
    slanted = 0.0 if not inputs else text_width(inputs, _NAME_SIZE) + 0.1
    order = similar_together(weights) if classes is None else np.arange(n)
    names = _row_names(order, classes)
    height = min(max((0.03 if not names else 0.1 if classes is None else 0.19) * n, 2.5), 7.5)
    size = min(9.0, 60 * height / n)
    left, right = 0.75 + text_width(names, size), 1.2
    width = max(min(n_features / 80, 7.7), 3.5, min(0.12 * len(inputs), 7.7))
    bottom = 0.6 + slanted
    figure, axes = new_figure(
        left + width + right, height + bottom + 1.4, left=left, right=right, bottom=bottom, top=1.4
    )
    image = _paint(axes, weights[order])
    axes.grid(visible=False)
    if inputs:
        axes.set_xticks(range(1, n_features + 1), inputs, fontsize=_NAME_SIZE, rotation=90)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    if names:
        axes.set_yticks(range(1, n + 1), names, fontsize=size)
    elif classes is None:
        axes.set_yticks([])
    else:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    neurons = "neuron" if names else counted(n, "neuron")
    axes.set(
        xlabel="input feature",
        ylabel="class" if classes is not None else f"{neurons}, similar ones together",
    )
    bar = axes_at(figure, left + width + 0.2, bottom, 0.16, height)
    color_bar(figure, bar, image, "weight", extend="both")
    above = axes_at(figure, left, bottom + 0.1 + height, width, 0.75)
    _draw_sizes(above, weights)
    above.set(title=shorten(title, int(width * 72 / 7)), xlim=axes.get_xlim())
    above.xaxis.set_major_locator(axes.xaxis.get_major_locator())
    return figure


def _row_names(order: NDArray[np.int64], classes: Sequence[str] | None) -> list[str]:
    """Names of classes or numbers of neurons, from the top; none where they have no room."""
    if classes is None:
        return [str(row + 1) for row in order] if len(order) <= _MOST_NUMBERED else []
    return shorten_all(classes) if len(classes) <= _MOST_NAMED else []


def _column_names(features: Sequence[str] | None) -> list[str]:
    """Names of features as they are written below the columns; none where they have no room."""
    return shorten_all(features) if features is not None and len(features) <= _MOST_FEATURES else []


def _paint(axes: Axes, rows: NDArray[np.floating[Any]]) -> AxesImage:
    """Colour the weights; features and rows count from 1, and zero is white."""
    import matplotlib

    n, n_features = rows.shape
    sizes = np.abs(rows[np.isfinite(rows)])
    limit = float(np.percentile(sizes, _CLIPPED)) if sizes.any() else 1.0
    return axes.imshow(
        np.ma.masked_invalid(rows),
        cmap=matplotlib.colormaps["RdBu_r"].with_extremes(bad=MISSING),
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="auto",
        extent=(0.5, n_features + 0.5, n + 0.5, 0.5),
    )


def _draw_sizes(axes: Axes, weights: NDArray[np.floating[Any]]) -> None:
    """Draw the root of the mean square of each feature's weights: how much it matters to all."""
    sizes = np.sqrt(np.square(weights, dtype=np.float64).mean(axis=0))
    axes.stairs(sizes, np.arange(len(sizes) + 1) + 0.5, fill=True, color=PALETTE[0])
    axes.set_ylim(bottom=0)
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("r.m.s.")


def similar_together(weights: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """An order (n,) of the rows of `weights` (n, features) in which neighbours are similar."""
    if len(weights) < 3:
        return np.arange(len(weights))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    rows = np.nan_to_num(weights.astype(np.float64), posinf=0.0, neginf=0.0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    distances = np.clip(1.0 - rows @ rows.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    return np.asarray(leaves_list(tree), np.int64)


plot_weights = to_file(figure_weights)
