"""Fresh networks on ISOLET, against numbers that were measured without this package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isolet_nn.reproduction.evidence import BATCH, EPOCHS
from isolet_nn.reproduction.rules import REFUTED, one_more_run
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import sweep

FIRST_EPOCHS = [1, 2, 4, 5]
MEASURED = {
    64: [92.4, 94.2, 95.1, 95.4],
    128: [89.8, 93.0, 94.8, 95.3],
    1024: [59.3, 73.2, 86.1, 89.7],
    8192: [19.3, 34.8, 52.4, 56.0],
}
"""Test accuracy in percent by batch size: one plain PyTorch training a cell, Adam at 0.001, 128
hidden neurons."""


@pytest.mark.slow
def test_the_first_epochs_of_figure_6_are_those_of_plain_pytorch(tmp_path: Path) -> None:
    config = load_sweep(
        "report/figure6_epochs_by_batch_size",
        {"grid": {BATCH: [*MEASURED], EPOCHS: FIRST_EPOCHS}, "seeds": 10},
    )
    folder = sweep(config, runs_dir=tmp_path)
    accuracies = 100 * folder.results.metric("test_accuracy").reshape(4, 4, 10)
    assert np.isfinite(accuracies).all()
    for batch_size, of_batch_size in zip(MEASURED, accuracies, strict=True):
        cells = zip(FIRST_EPOCHS, MEASURED[batch_size], of_batch_size, strict=True)
        for epochs, measured, by_seed in cells:
            verdict = one_more_run((measured, measured), by_seed.tolist(), reading=0.05)
            where = f"batch {batch_size}, {epochs} epochs: {verdict.evidence}"
            assert verdict.outcome != REFUTED, where
