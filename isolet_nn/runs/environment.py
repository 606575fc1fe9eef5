"""What a result depends on besides its config: versions, machine, data and command line.

It goes into environment.json of every run and sweep folder.
"""

from __future__ import annotations

from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.system.machine import cpu_name, describe_process
from isolet_nn.training.threads import threads_of


def describe_environment(experiment: Experiment, dataset: Dataset) -> dict[str, Any]:
    """Describe this process as it stands, for a run of `experiment` on `dataset`."""
    more = ("torch",) if experiment.backend == "torch" else ()
    return describe_process(*more) | {
        "threads": threads_of(experiment),
        "processor": processor(experiment),
        "dataset": {"name": dataset.name, "checksum": dataset.checksum},
    }


def processor(experiment: Experiment) -> str:
    """What computes an experiment here: bits are equal on equal processors only."""
    if experiment.backend == "torch":
        import torch

        from isolet_nn.training.devices import choose_device

        if (device := choose_device(experiment.device)).type == "cuda":
            return torch.cuda.get_device_name(device)
        if device.type != "cpu":
            return f"{cpu_name()} ({device.type})"
    return cpu_name()
