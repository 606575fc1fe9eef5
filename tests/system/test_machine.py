"""What a run says of the machine it ran on."""

from __future__ import annotations

import os

from isolet_nn.system.machine import machine_memory, peak_memory_bytes


def test_memory_is_told_in_bytes() -> None:
    megabyte = 1024**2
    assert 256 * megabyte < machine_memory() < 2**50
    before = peak_memory_bytes()
    block = os.urandom(1) * (before + 64 * megabyte)
    grown = peak_memory_bytes() - before
    assert 32 * megabyte < grown < 2 * len(block)
