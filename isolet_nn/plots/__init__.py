"""Plots of runs, sweeps and benchmarks, as PNG or SVG by the file's suffix.

Every plot comes twice: ``figure_x(data, ...)`` returns the figure, ``plot_x(data, path, ...)``
writes it to a file that appears whole or not at all. Matplotlib is imported when the first
figure is drawn, without pyplot: no window, no global state, the same input gives the same bytes.

- ``curves``, ``scatters``: values over an axis; ``comparisons``: groups side by side.
- ``grids``: confusion matrices (letters in the order of ``letters``), heat maps.
- ``boundaries``: the plane of two features. ``inspection``: what was seen of a training.
- ``answers``, ``weights``: a model's confidence and groups, and its first layer.
- ``rates``: the loss by the learning rate.
- ``thresholds``, ``importance``: ROC and precision-recall; what a model needs.
- ``ranks``: who is ahead of whom, and who cannot be told apart.
- ``searches``, ``parallel``: how a search went, and which values good settings have in common.
- ``colors``, ``style``: how all of them look and reach a file; ``fonts``: for scripts that are
  rarely there.
"""

from isolet_nn.plots.answers import (
    figure_groups,
    figure_reliability,
    plot_groups,
    plot_reliability,
)
from isolet_nn.plots.boundaries import figure_decision_boundary, plot_decision_boundary
from isolet_nn.plots.comparisons import figure_bars, figure_boxplot, plot_bars, plot_boxplot
from isolet_nn.plots.curves import (
    Band,
    figure_accuracy,
    figure_line_panels,
    figure_lines,
    figure_loss,
    plot_accuracy,
    plot_line_panels,
    plot_lines,
    plot_loss,
)
from isolet_nn.plots.grids import (
    figure_confusion_matrix,
    figure_heatmap,
    plot_confusion_matrix,
    plot_heatmap,
)
from isolet_nn.plots.importance import (
    figure_importance,
    figure_shares,
    plot_importance,
    plot_shares,
)
from isolet_nn.plots.inspection import figure_inspection, plot_inspection
from isolet_nn.plots.letters import letter_groups
from isolet_nn.plots.parallel import figure_parallel, plot_parallel
from isolet_nn.plots.ranks import figure_ranks, plot_ranks
from isolet_nn.plots.rates import LossByRate, figure_rates, plot_rates
from isolet_nn.plots.scatters import Coordinate, figure_scatter, plot_scatter
from isolet_nn.plots.searches import figure_epochs, figure_history, plot_epochs, plot_history
from isolet_nn.plots.style import in_words, rendered, save, setting_label, short_text, title_with
from isolet_nn.plots.thresholds import (
    figure_precision_recall,
    figure_roc,
    plot_precision_recall,
    plot_roc,
)
from isolet_nn.plots.weights import figure_weights, plot_weights

__all__ = [
    "Band",
    "Coordinate",
    "LossByRate",
    "figure_accuracy",
    "figure_bars",
    "figure_boxplot",
    "figure_confusion_matrix",
    "figure_decision_boundary",
    "figure_epochs",
    "figure_groups",
    "figure_heatmap",
    "figure_history",
    "figure_importance",
    "figure_inspection",
    "figure_line_panels",
    "figure_lines",
    "figure_loss",
    "figure_parallel",
    "figure_precision_recall",
    "figure_ranks",
    "figure_rates",
    "figure_reliability",
    "figure_roc",
    "figure_scatter",
    "figure_shares",
    "figure_weights",
    "in_words",
    "letter_groups",
    "plot_accuracy",
    "plot_bars",
    "plot_boxplot",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_epochs",
    "plot_groups",
    "plot_heatmap",
    "plot_history",
    "plot_importance",
    "plot_inspection",
    "plot_line_panels",
    "plot_lines",
    "plot_loss",
    "plot_parallel",
    "plot_precision_recall",
    "plot_ranks",
    "plot_rates",
    "plot_reliability",
    "plot_roc",
    "plot_scatter",
    "plot_shares",
    "plot_weights",
    "rendered",
    "save",
    "setting_label",
    "short_text",
    "title_with",
]
