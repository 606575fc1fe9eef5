"""Names that a browser must take for text, and an experiment that has them everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isolet_nn.system.csv_tables import csv_text

CLASSES = ('<script>alert("c")</script>', '"><img src=x onerror=alert(1)>', "a &amp; <b>b</b> %{x}")
COLUMNS = ("<i>one</i>", "'\"><svg onload=alert(2)>", "$three$")
SPEAKERS = tuple(f"<u>{name}</u>" for name in "uvwxyz")
NOTE = "<a href='javascript:alert(3)'>read me</a>"
FOLDER = '"><img src=x onerror=alert(4)>'


def write_table(path: Path) -> None:
    """Three clouds of points, ten of each speaker."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(60):
        kind = number // 6 % 3
        x = random.normal(size=3) + 1.5 * kind
        rows.append([*x.round(3).tolist(), SPEAKERS[number % 6], CLASSES[kind]])
    path.write_text(csv_text([*COLUMNS, "speaker", "class"], rows))


def experiment(table: Path, **changes: Any) -> Mapping[str, Any]:
    dataset = {
        "name": "csv",
        "path": str(table),
        "label": "class",
        "group": "speaker",
        "test": {"fraction": 0.3, "by": "group"},
        "validation": {"fraction": 0.3, "by": "group"},
    }
    return {
        "dataset": dataset,
        "model": {"hidden_layers": [6, 4]},
        "training": {"epochs": 5, "batch_size": 16},
        **changes,
    }
