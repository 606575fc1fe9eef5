"""PyTorch's devices on this machine, and what to do where PyTorch itself is missing.

To be imported before anything else that needs PyTorch: the error of this module is for a person.
"""

from __future__ import annotations

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
