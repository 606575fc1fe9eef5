"""The first layer of a network, as a browser draws it: small enough to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import counted, printable
from isolet_nn.pages.reading import Problems, number
from isolet_nn.pages.shapes import Weights
from isolet_nn.plots.weights import similar_together
from isolet_nn.runs.folder import Run
from isolet_nn.runs.model_file import Model

_MOST_CELLS, _MOST_NEURONS, _MOST_FEATURES, _MOST_NAMES = 60_000, 400, 4_000, 1_000
_MOST_BYTES = 200_000_000
"""Of a model that is read for its first layer."""
_STEPS = 100
_CLIPPED = 99.5
"""Percentile of the sizes at which colours end, as in the picture of a run."""


def first_layer(run: Run, problems: Problems) -> Weights | None:
    """The first layer of a run's model; None where there is no model, or a huge one."""
    path = run.model_path
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return None
    model = problems.read(run.model, None)
    return None if model is None else _drawn(model)


def _drawn(model: Model) -> Weights:
    weights, features = model.first_layer, model.preprocessing.feature_names
    hidden = bool(model.experiment.model.hidden_layers)
    sizes = np.sqrt(np.square(weights, dtype=np.float64).mean(axis=0))
    shown = _shown(weights)
    order = shown[similar_together(weights[shown])] if hidden else shown
    unit, rows = _in_steps(weights[order]) if len(order) else (0.0, [])
    names = [str(row + 1) if hidden else model.classes[row] for row in order.tolist()]
    return {
        "neurons": [printable(name) for name in names],
        "features": _names(features),
        "sizes": [number(size) or 0.0 for size in sizes[:_MOST_FEATURES].tolist()],
        "rows": rows,
        "unit": unit,
        "note": _note(model, weights.shape, len(shown)),
    }


def _shown(weights: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The neurons that have a row: all, or of many those with the largest weights."""
    neurons, inputs = weights.shape
    most = min(_MOST_CELLS // inputs, _MOST_NEURONS)
    if neurons <= most:
        return np.arange(neurons)
    sizes = np.square(weights, dtype=np.float64).sum(axis=1)
    return np.sort(np.argsort(-sizes, kind="stable")[:most])


def _in_steps(rows: NDArray[np.floating[Any]]) -> tuple[float, list[list[int]]]:
    """Weights in whole units, of which the most is 100."""
    limit = float(np.percentile(np.abs(rows), _CLIPPED)) or 1.0
    steps = np.clip(np.rint(rows / limit * _STEPS), -_STEPS, _STEPS)
    return number(limit / _STEPS) or 0.0, steps.astype(np.int64).tolist()


def _names(features: Sequence[str]) -> list[str]:
    """Names of features, unless they are only numbered."""
    numbered = [f"x{place}" for place in range(1, len(features) + 1)]
    if len(features) > _MOST_NAMES or list(features) == numbered:
        return []
    return [printable(name) for name in features]


def _note(model: Model, shape: tuple[int, ...], shown: int) -> str:
    neurons, inputs = shape
    networks = model.experiment.ensemble
    parts = [
        f"{counted(neurons, 'neuron')}, {counted(inputs, 'input')}",
        "" if networks == 1 else f"network 1 of {networks}",
        "" if shown == neurons else f"rows of the {shown} with the largest weights",
        "" if inputs <= _MOST_FEATURES else f"the first {_MOST_FEATURES} inputs",
    ]
    return "; ".join(filter(None, parts))
