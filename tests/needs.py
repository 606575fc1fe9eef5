"""What a machine may lack, and how thoroughly it is asked to test.

Tests that need what is not there are skipped and say why.
"""

from __future__ import annotations

import os
import shutil
from typing import TypeVar

import pytest

from isolet_nn.system.machine import has_torch

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

ChoiceT = TypeVar("ChoiceT")


def in_full(few: ChoiceT, many: ChoiceT) -> ChoiceT:
    """A few examples of a property, or many where ISOLET_NN_TESTS_IN_FULL is set."""
    return many if "ISOLET_NN_TESTS_IN_FULL" in os.environ else few


def has_cuda() -> bool:
    """Whether PyTorch finds a CUDA device; PyTorch is not imported where there is no driver."""
    if not has_torch() or shutil.which("nvidia-smi") is None:
        return False
    import torch

    return torch.cuda.is_available()


needs_torch = pytest.mark.skipif(not has_torch(), reason="PyTorch is not installed")
BACKENDS = ("numpy", pytest.param("torch", marks=needs_torch))
"""For tests that hold for both."""
INSTALLED_BACKENDS = ("numpy", "torch") if has_torch() else ("numpy",)
"""For properties that draw one."""

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install -y chromium"
)
