"""Whether a table is the one that a model was trained on, which no score of it should hide."""

from __future__ import annotations

import filecmp
from pathlib import Path

from isolet_nn.data import load_raw
from isolet_nn.errors import IsoletNNError
from isolet_nn.results.selection import load_run


def is_training_table(table: Path, folder: Path) -> bool:
    """Whether a table is, byte for byte, what the model of a run or a trial was trained on.

    False where that cannot be told: of a model's file alone, or where the table of the training is
    no longer there or another one by now.
    """
    try:
        run = load_run(folder)
        dataset = run.experiment.dataset
        path = getattr(dataset, "path", None)
        if path is None or not filecmp.cmp(table, path, shallow=False):
            return False
        return load_raw(dataset).checksum == run.data_checksum  # in the cache since the training
    except (IsoletNNError, OSError):
        return False
