"""Whether a training can be carried out at all, told before any of its work is done.

What it needs at the least follows from the experiment and the size of its data: two rows a batch
where batches are normalised, and memory for all that lives as long as the training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError, Kind, OutOfMemoryError, Problem, short_repr
from isolet_nn.system.machine import machine_memory
from isolet_nn.training.backend import network_shape

_BYTES_A_NETWORK = {"numpy": 3000, "torch": 15_000}
"""Python's objects of each network (measured with tracemalloc, 2-3-2, Python 3.11, Linux)."""
_SLOTS = {"sgd": 1, "adagrad": 1, "rmsprop": 2, "adam": 2, "adamw": 2, "radam": 2, "nadam": 2}
"""Numbers that an optimizer remembers of each parameter, momentum included."""
_GIGABYTE = 10**9


def require_trainable(
    experiment: Experiment,
    n_rows: int,
    n_features: int,
    n_classes: int,
    *,
    on_this_machine: bool = True,
) -> None:
    """Refuse an experiment that no training can carry out.

    Parameters
    ----------
    experiment
        The experiment.
    n_rows
        Rows of its training part.
    n_features, n_classes
        Of its data.
    on_this_machine
        Whether this machine's memory has to do.

    Raises
    ------
    ConfigError
        If a batch of one row would be normalised, or the memory cannot suffice.
    """
    _require_two_rows_a_batch(experiment, n_rows)
    if on_this_machine:
        _require_memory(experiment, n_rows, n_features, n_classes)


def _require_two_rows_a_batch(experiment: Experiment, n_rows: int) -> None:
    """Refuse a batch of one row to batch normalisation, which needs a variance."""
    if not (experiment.model.batch_normalization and experiment.model.hidden_layers):
        return
    batch_size = min(experiment.training.batch_size, n_rows)
    is_last = not experiment.training.drop_last and n_rows % batch_size == 1
    if batch_size == 1 or is_last:
        remedy = "" if batch_size == 1 else ", or training.drop_last: true"
        found = f"{experiment.training.batch_size}, which leaves a batch of one of {n_rows} rows"
        allowed = f"model.batch_normalization needs two in each: take another size{remedy}"
        also = ("model.batch_normalization", "training.drop_last")
        raise ConfigError(Problem(found, "training.batch_size", Kind.FOUND, allowed, also=also))


def _require_memory(experiment: Experiment, n_rows: int, n_features: int, n_classes: int) -> None:
    needed = least_bytes(experiment, n_rows, n_features, n_classes)
    device, available = _device_with_memory(experiment)
    if device is None:
        _require_bytes(experiment, needed, machine_memory(), "this machine")
        return
    _require_bytes(experiment, needed, available, f"the device {device}")
    drawing = least_bytes_to_draw(experiment, n_features, n_classes)
    where = "this machine, where initial weights are drawn,"
    _require_bytes(experiment, drawing, machine_memory(), where)


def _require_bytes(experiment: Experiment, needed: int, available: int, where: str) -> None:
    if needed > available:
        layers = short_repr(experiment.model.hidden_layers)
        found = (
            f"hidden layers {layers}, with ensemble: {experiment.ensemble} and "
            f"training.batch_size: {experiment.training.batch_size}, need {_gigabytes(needed)} of "
            f"memory at least, and {where} has {_gigabytes(available)}"
        )
        also, allowed = ("ensemble", "training.batch_size"), "take less of one of them"
        raise ConfigError(Problem(found, "model.hidden_layers", allowed=allowed, also=also))


def least_bytes(experiment: Experiment, n_rows: int, n_features: int, n_classes: int) -> int:
    """Bytes that a training holds at the same time, at the least.

    Weights, gradients, what the optimizer remembers and averages; a batch in each layer; the order
    of the rows; and the objects of each network.
    """
    model, training, optimizer = experiment.model, experiment.training, experiment.optimizer
    itemsize = 8 if training.dtype == "float64" else 4
    slots = _SLOTS[optimizer.name]
    if experiment.backend == "torch" and getattr(optimizer, "momentum", None) == 0.0:
        slots -= 1
    copies = 2 + slots + (training.weight_averaging.name != "none")
    parameters = network_shape(experiment, n_features, n_classes).n_parameters
    batch = min(training.batch_size, n_rows) * (n_features + sum(model.hidden_layers) + n_classes)
    batches = experiment.ensemble if experiment.backend == "numpy" else 1  # torch: in turn
    order = 8 * n_rows if training.shuffle else 0
    return itemsize * (
        experiment.ensemble * parameters * copies + batches * batch
    ) + experiment.ensemble * (order + _BYTES_A_NETWORK[experiment.backend])


def least_bytes_to_draw(experiment: Experiment, n_features: int, n_classes: int) -> int:
    """Bytes that this machine holds at the least while a device's networks are made.

    They are made one after another: a whole network, and the layer that is being drawn.
    """
    shape = network_shape(experiment, n_features, n_classes)
    largest = max(inputs * outputs for inputs, outputs in pairwise(shape.layer_sizes))
    itemsize = 8 if experiment.training.dtype == "float64" else 4
    return itemsize * (shape.n_parameters + largest)


_ROOM = 0.8
"""Share of a device's memory that stacks may take: kernels and fragments need some, too."""
_WORKING_COPIES = 2
"""Bytes that a stack takes in fact, for each that it needs at the least."""


def networks_in_memory(
    experiment: Experiment, n_rows: int, n_features: int, n_classes: int, n_bytes: int
) -> int:
    """How many of an experiment's networks a device trains at once; 1 at the least.

    Parameters
    ----------
    n_bytes
        Of its memory, the data set's included.
    """
    alone = experiment.model_copy(update={"ensemble": 1})
    data = n_rows * n_features * (8 if experiment.training.dtype == "float64" else 4)
    network = _WORKING_COPIES * least_bytes(alone, n_rows, n_features, n_classes)
    return max(1, int(_ROOM * n_bytes - data) // network)


def _device_with_memory(experiment: Experiment) -> tuple[str | None, int]:
    """The device that an experiment computes on, and its bytes, if it has memory of its own."""
    if experiment.backend == "torch":
        from isolet_nn.training.devices import choose_device, device_memory

        device = choose_device(experiment.device)
        if (own := device_memory(device)) is not None:
            return str(device), own
    return None, 0


def free_memory_for(experiment: Experiment) -> int | None:
    """Bytes that nobody uses of the device that an experiment computes on, if it has its own."""
    if experiment.backend != "torch":
        return None
    from isolet_nn.training.devices import choose_device, free_memory

    return free_memory(choose_device(experiment.device))


def gpu_of(experiment: Experiment) -> tuple[str, str, int] | None:
    """The GPU that an experiment computes on here, if it does: which, its kind, and its bytes."""
    if experiment.backend != "torch":
        return None
    from isolet_nn.training.devices import choose_device, describe_gpu

    device = choose_device(experiment.device)
    return describe_gpu(device) if device.type == "cuda" else None


def release_memory_of(experiment: Experiment, *, collecting: bool = False) -> None:
    """Give back what a training of an experiment held, once nothing refers to it.

    `collecting` finds what an error has left behind, too.
    """
    if experiment.backend == "torch":
        from isolet_nn.training.devices import release_memory

        release_memory(collecting=collecting)


def stream_for(experiment: Experiment) -> Callable[[], AbstractContextManager[Any]]:
    """Gives contexts in which an experiment's work overlaps with that of others on its device."""
    if experiment.backend != "torch":
        return nullcontext
    from isolet_nn.training.devices import Stream, choose_device

    return Stream(choose_device(experiment.device)).entered


def _gigabytes(n_bytes: int) -> str:
    if n_bytes > _GIGABYTE * 10**9:
        return "more than a billion GB"
    return f"{n_bytes / _GIGABYTE:,.1f} GB"


_ALLOCATOR = re.compile(
    "can't allocate memory|not enough memory|out of memory|alloc_failed", re.IGNORECASE
)


@contextmanager
def out_of_memory_in_words() -> Iterator[None]:
    """Make one error of the several that NumPy and PyTorch raise when memory runs out.

    Raises
    ------
    OutOfMemoryError
        Saying how much was asked for, where that is known, and what needs less.
    """
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(str(error)) from error
    except RuntimeError as error:  # PyTorch has a class for it on a GPU only
        if not _ALLOCATOR.search(str(error)):
            raise
        raise _out_of_memory(_as_numpy_says(str(error))) from error


def _out_of_memory(what: str) -> OutOfMemoryError:
    said = f": {what}" if what else ""
    return OutOfMemoryError(
        f"out of memory{said}; a smaller network, ensemble or training.batch_size needs less"
    )


def _as_numpy_says(text: str) -> str:
    """What PyTorch could not get, without the place in its source."""
    if found := re.search(r"tried to allocate (\d+) bytes", text):
        return f"Unable to allocate {_gigabytes(int(found[1]))}"
    if found := re.search(r"[Tt]ried to allocate ([\d.]+ \w+)", text):
        return f"Unable to allocate {found[1]}"
    return ""
