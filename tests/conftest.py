"""What all tests share: real ISOLET, and one cache of parsed arrays for the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine may take long over any one example; that is no failure.
settings.register_profile("isolet-nn", settings(), deadline=None)
settings.load_profile("isolet-nn")

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "isolet"


@pytest.fixture(scope="session")
def isolet_dir() -> Path:
    """The folder of the real ISOLET files; a test that needs them fails where they are not."""
    folder = Path(os.environ.get("ISOLET_NN_DATA_DIR") or BESIDE)
    assert folder.is_dir(), f"{folder} is missing; name ISOLET's folder in ISOLET_NN_DATA_DIR"
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache out of the tests, and parse each data set once for all of them."""
    base = tmp_path_factory.getbasetemp()
    # Worker processes have a folder each below the session's.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "arrays-of-session"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOLET_NN_CACHE_DIR", str(folder))
        if BESIDE.is_dir() and not os.environ.get("ISOLET_NN_DATA_DIR"):
            patch.setenv("ISOLET_NN_DATA_DIR", str(BESIDE))
        yield folder
