"""One made-up reproduction for all tests that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reproduction.made_up import make_reproduction


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished quick reproduction that gave the report's numbers, with its page."""
    return make_reproduction(tmp_path_factory.mktemp("made-up"), with_page=True)
