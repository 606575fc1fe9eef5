"""One small comparison for all tests that look at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from baselines.helpers import FITS, ThisProcess, begin_small, go_on_with


@pytest.fixture(scope="package", autouse=True)
def in_this_process() -> Iterator[None]:
    """Start no processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isolet_nn.baselines.run.Processes", ThisProcess)
        yield


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory, in_this_process: None) -> Path:
    """The folder of a comparison that was carried out without an interruption."""
    folder = begin_small(tmp_path_factory.mktemp("whole"))
    assert len(go_on_with(folder)) == FITS
    return folder
