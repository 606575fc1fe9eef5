"""The pictures of the page: drawn from the fresh runs, or taken from the folders of sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from isolet_nn.plots import Band, plot_heatmap, plot_lines
from isolet_nn.reproduction.evidence import BATCH, BETA1, EPOCHS, Cells, Evidence
from isolet_nn.reproduction.report import Report
from isolet_nn.system.folders import PLOTS

DEPTH = "number_of_hidden_layers"
"""What no key of an experiment says, but its list of hidden layers."""
PICTURES_OF_SWEEPS = {
    "figure5": "heatmap.png",
    "figure6": "heatmap.png",
    "figure8": "boxplot.png",
    "parity": "boxplot.png",
    "other-data-sets": "boxplot.png",
}
"""What is taken from the folders of sweeps as it is, by part."""
_SHOWN_BETA1 = (0.0, 0.9, 0.99)


def draw_plots(report: Report, evidence: Evidence) -> dict[str, Path]:
    """Draw what can be drawn; the files by name."""
    drawn = {
        **_curves(report, evidence, "test_accuracy", "test-accuracy"),
        **_curves(report, evidence, "train_loss", "training-loss"),
        **_depths(evidence.cells("figure7", report.grids["figure7"]), evidence),
        **_grid(
            evidence,
            evidence.cells("figure7", report.grids["figure7"]),
            "figure7",
            (DEPTH, BETA1),
            "figure 7: mean of the seeds",
        ),
        **_grid(
            evidence,
            evidence.carried_over(report.grids["figure6"]),
            "carried-over",
            (EPOCHS, BATCH),
            "one network kept across all cells",
        ),
    }
    for part, name in PICTURES_OF_SWEEPS.items():
        folder = evidence.path(part)
        if folder is not None and (folder / PLOTS / name).is_file():
            drawn[part] = folder / PLOTS / name
    xor = evidence.xor()
    if xor is not None:
        drawn["xor"] = evidence.folder / xor.run / PLOTS / "decision_boundary.png"
    return drawn


def _curves(report: Report, evidence: Evidence, column: str, name: str) -> dict[str, Path]:
    """Figures 1 to 4 in one picture: mean and range of the seeds over the epochs."""
    factor = 100.0 if column == "test_accuracy" else 1.0
    bands, seeds = {}, 0
    for part, curve in report.curves.items():
        by_epoch: dict[int, list[float]] = {}
        for trial in evidence.trials(part):
            value = getattr(trial, column) / factor
            by_epoch.setdefault(trial.settings[EPOCHS], []).append(value)
        if by_epoch:
            bands[f"momentum {curve.momentum:g}"] = band(by_epoch)
            seeds = max(seeds, *map(len, by_epoch.values()))
    if not bands:
        return {}
    path = evidence.folder / PLOTS / f"{name}.png"
    only = f", {next(iter(bands))}" if len(bands) == 1 else ""  # which has no legend
    plot_lines(
        bands,
        path,
        x_name="epoch",
        value_name=column,
        title=f"617-44-26{only}",
        note=over_seeds(seeds),
    )
    return {name: path}


def _depths(cells: Cells, evidence: Evidence) -> dict[str, Path]:
    """Figure 7 by the number of hidden layers: mean and range of the seeds."""
    bands = {}
    for beta1 in _SHOWN_BETA1:
        row = cells.by_seed[cells.rows.index(beta1)]
        by_depth = {
            int(depth): (of_depth[np.isfinite(of_depth)] / 100.0).tolist()
            for depth, of_depth in zip(cells.columns, row, strict=True)
            if np.isfinite(of_depth).any()
        }
        if by_depth:
            bands[f"beta1 {beta1:g}"] = band(by_depth)
    if not bands:
        return {}
    path = evidence.folder / PLOTS / "depths.png"
    plot_lines(
        bands,
        path,
        x_name=DEPTH,
        value_name="test_accuracy",
        title="figure 7",
        note=over_seeds(cells.by_seed.shape[-1]),
    )
    return {"depths": path}


def _grid(
    evidence: Evidence, cells: Cells, name: str, axes: tuple[str, str], title: str
) -> dict[str, Path]:
    """The fresh cells of a grid, without the rows and columns left out."""
    known = np.isfinite(cells.fresh)
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not len(rows):
        return {}
    path = evidence.folder / PLOTS / f"{name}.png"
    plot_heatmap(
        cells.fresh[np.ix_(rows, columns)] / 100.0,
        path,
        x_labels=[f"{cells.columns[column]:g}" for column in columns],
        y_labels=[f"{cells.rows[row]:g}" for row in rows],
        x_name=axes[0],
        y_name=axes[1],
        value_name="test_accuracy",
        title=title,
    )
    return {name: path}


def over_seeds(n: int) -> str:
    """What a note says of bands over so many seeds."""
    return f"mean of {n} seeds, band from the lowest to the highest" if n > 1 else ""


def band(values: Mapping[int, list[float]]) -> Band:
    """Mean and range of the seeds, along an axis."""
    places = sorted(values)
    return Band(
        places,
        [float(np.mean(values[place])) for place in places],
        [min(values[place]) for place in places],
        [max(values[place]) for place in places],
    )
