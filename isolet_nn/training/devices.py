"""PyTorch's devices on this machine, and what to do where PyTorch itself is missing.

To be imported before anything else that needs PyTorch: the error of this module is for a person.
"""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from isolet_nn.errors import BackendUnavailableError

try:
    import torch
except ImportError as error:
    raise BackendUnavailableError(
        "backend: torch needs PyTorch, which is not installed; install it with "
        "`pip install 'isolet-nn[torch]'`, or use backend: numpy"
    ) from error


def choose_device(name: str) -> torch.device:
    """The device a config names; auto takes cuda or mps where there is one.

    Raises
    ------
    BackendUnavailableError
        If PyTorch does not see that device here.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(device for device, there in available.items() if there))
    if not available[name]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        raise BackendUnavailableError(
            f"device: PyTorch sees no {name} on this machine; available: auto, {there}"
        )
    return torch.device(name)


def device_memory(device: torch.device) -> int | None:
    """Bytes of a device's own memory; None where it computes in the machine's."""
    if device.type != "cuda":
        return None
    return int(torch.cuda.get_device_properties(device).total_memory)


def kinds_of_gpus() -> list[str]:
    """What each CUDA device that PyTorch sees here is."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_name(number) for number in range(count)]


def describe_gpu(device: torch.device) -> tuple[str, str, int]:
    """What tells a CUDA device of this machine from the others, its kind, and its bytes."""
    properties = torch.cuda.get_device_properties(device)
    return str(getattr(properties, "uuid", device)), properties.name, int(properties.total_memory)


def memory_of_gpu(number: int) -> int:
    """Bytes of a CUDA device's memory."""
    return int(torch.cuda.get_device_properties(number).total_memory)


def free_memory(device: torch.device) -> int | None:
    """Bytes of a device's own memory that nobody uses; None where it computes in the machine's.

    What trainings that have ended held is given back first: PyTorch keeps it as its own.
    """
    if device.type != "cuda":
        return None
    release_memory()
    return int(torch.cuda.mem_get_info()[0])


def release_memory(*, collecting: bool = False) -> None:
    """Give back what a training held on a device, once nothing refers to it.

    Trainings leave no circles behind, so that garbage, which takes a tenth of a second to collect
    beside PyTorch, is to be collected only after an error, which may have held some.
    """
    if collecting:
        gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class Stream:
    """Lets what is done within it overlap, on a CUDA device, with what others do.

    To be entered again and again; elsewhere it does nothing.
    """

    def __init__(self, device: torch.device) -> None:
        make: Any = torch.cuda.Stream
        self._stream = make(device) if device.type == "cuda" else None

    def entered(self) -> AbstractContextManager[Any]:
        """A context in which work goes to the stream."""
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
