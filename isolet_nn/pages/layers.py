"""What was measured inside the layers of a network while it was trained."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import fields

from isolet_nn.pages.reading import Problems, numbers, thinned
from isolet_nn.pages.shapes import InspectedLayer, Inspection
from isolet_nn.runs.folder import Run
from isolet_nn.runs.inspection_file import read_inspection
from isolet_nn.training.inspector import LayerInspection

_PLACE = ("epoch", "network", "layer", "activation", "units")
_MEASURES = [field.name for field in fields(LayerInspection) if field.name not in _PLACE]
_MOST_EPOCHS, _MOST_LAYERS = 500, 24


def inspected_layers(run: Run, problems: Problems) -> Inspection | None:
    """The content of a run's inspection.csv; None where it was not inspected."""
    records: list[LayerInspection] = problems.read(lambda: read_inspection(run.path), [])
    if not records:
        return None
    by_layer = sorted(records, key=lambda record: (record.network, record.layer))
    several = by_layer[-1].network > 1
    layers = [
        _layer([*of_one], several)
        for _, of_one in itertools.groupby(by_layer, lambda record: (record.network, record.layer))
    ]
    known = [name for name in _MEASURES if any(name in layer["values"] for layer in layers)]
    return {
        "measures": {name: name.replace("_", " ") for name in known},
        "layers": layers[:_MOST_LAYERS],
    }


def _layer(records: Sequence[LayerInspection], several: bool) -> InspectedLayer:
    first, shown = records[0], thinned(records, _MOST_EPOCHS)
    network = f"network {first.network}, " if several else ""
    columns = {name: numbers(getattr(record, name) for record in shown) for name in _MEASURES}
    return {
        "name": f"{network}layer {first.layer}, {first.units} {first.activation}",
        "epochs": [record.epoch for record in shown],
        "values": {
            name: column for name, column in columns.items() if any(v is not None for v in column)
        },
    }
