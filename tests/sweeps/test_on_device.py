"""Sweeps in PyTorch on a GPU, where there is one: the same tests hold on a processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import same_arrays, trained
from needs import has_cuda, needs_torch
from safetensors.numpy import load_file

from isolet_nn.data import load_dataset
from isolet_nn.sweeps.cohort import model_path
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from isolet_nn.system.folders import MODELS
from sweeps.helpers import InlineWorkers, iris_sweep, result_table, stop_after

pytestmark = [needs_torch, pytest.mark.usefixtures("without_pictures")]

DEVICE = "cuda" if has_cuda() else "cpu"
RANDOM = {"model.dropout": 0.2, "model.input_noise": 0.1, "training.mixup": 0.2}


def swept(tmp_path: Path, **keys: Any) -> SweepFolder:
    """A sweep of iris in stacks on the device."""
    settings = {"backend": "torch", "device": DEVICE, "dataset.split_seed": 0, **RANDOM}
    config = iris_sweep(
        set={**settings, "training.epochs": 3},
        grid={"optimizer.learning_rate": [0.01, 0.02, 0.03]},
        seeds=2,
        save_models="all",
    )
    return sweep(config, runs_dir=tmp_path, workers=1, make_workers=InlineWorkers, **keys)


def test_a_trial_of_a_sweep_has_the_weights_of_train(tmp_path: Path) -> None:
    folder = swept(tmp_path)
    for trial in (0, 3, 5):
        experiment = folder.trial_table.make_experiment(trial)
        alone = trained([experiment], [load_dataset(experiment.dataset, experiment.seed)])
        of_trial = load_file(model_path(folder.path / MODELS, trial))
        assert same_arrays(of_trial, alone.weights(0))


def test_a_sweep_gone_on_with_ends_with_the_table_of_one_that_was_not_stopped(
    tmp_path: Path,
) -> None:
    whole = swept(tmp_path / "whole")
    stopped = swept(tmp_path / "stopped", should_stop=stop_after(1))
    resumed = resume_sweep(stopped.path, workers=1, make_workers=InlineWorkers)
    assert result_table(resumed) == result_table(whole)


def test_little_memory_changes_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = swept(tmp_path / "whole")
    count: Callable[..., int] = lambda *_: 2  # noqa: E731
    monkeypatch.setattr("isolet_nn.sweeps.cohort.free_memory_for", lambda _: 1)
    monkeypatch.setattr("isolet_nn.sweeps.room.networks_in_memory", count)
    assert result_table(swept(tmp_path / "cut")) == result_table(whole)


def test_accuracies_are_those_of_numpy_within_the_spread_of_seeds(tmp_path: Path) -> None:
    config = iris_sweep(
        set={"dataset.split_seed": 0, "device": "auto", "training.epochs": 12, **RANDOM},
        grid={"backend": ["numpy", "torch"]},
        seeds=12,
        save_models="none",
    )
    folder = sweep(config, runs_dir=tmp_path, workers=1, make_workers=InlineWorkers)
    numpy, torch = folder.results.metric("test_accuracy").reshape(2, -1)
    spread = float(np.sqrt((numpy.var(ddof=1) + torch.var(ddof=1)) / len(numpy)))
    assert abs(numpy.mean() - torch.mean()) <= 3 * spread + 0.01
