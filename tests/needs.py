"""What a machine may lack: without it, the tests that need it are skipped and say why."""

from __future__ import annotations

import shutil

import pytest

from isolet_nn.system.machine import has_torch

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

needs_torch = pytest.mark.skipif(not has_torch(), reason="PyTorch is not installed")
BACKENDS = ("numpy", pytest.param("torch", marks=needs_torch))
"""For tests that hold for both."""

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install -y chromium"
)
