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
    on_cuda = experiment.backend == "torch" and device_type(experiment) == "cuda"
    precision = {"matmul_precision": experiment.training.matmul_precision} if on_cuda else {}
    return describe_process(*more) | {
        "threads": threads_of(experiment),
        **precision,
        "processor": processor(experiment),
        "dataset": {"name": dataset.name, "checksum": dataset.checksum},
    }


def device_type(experiment: Experiment) -> str:
    """What kind of device an experiment of PyTorch computes on here."""
    from isolet_nn.training.devices import choose_device

    return choose_device(experiment.device).type


def processor(experiment: Experiment) -> str:
    """What computes an experiment here: bits are equal on equal processors only."""
    if experiment.backend == "torch":
        import torch

        if (device := device_type(experiment)) == "cuda":
            return torch.cuda.get_device_name(device)
        if device != "cpu":
            return f"{cpu_name()} ({device})"
    return cpu_name()
