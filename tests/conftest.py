"""What all tests share: one cache of parsed arrays for the whole session, and what saves time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from needs import in_full

# A shared machine may take long over any one example; that is no failure.
settings.register_profile("isolet-nn", max_examples=in_full(25, 100), deadline=None)
settings.load_profile("isolet-nn")


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache, data and settings out, and parse each data set once for all tests."""
    base = tmp_path_factory.getbasetemp()
    # Worker processes have a folder each below the session's.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "arrays-of-session"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOLET_NN_CACHE_DIR", str(folder))
        patch.delenv("ISOLET_NN_DATA_DIR", raising=False)
        patch.setenv("ISOLET_NN_CONFIG_DIR", str(folder / "no settings"))
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        yield folder


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Leave files to the operating system: no test pulls the plug."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def without_pictures() -> Iterator[None]:
    """Let sweeps in this process end without their pictures, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda folder: [])
        yield
