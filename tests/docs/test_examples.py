"""The examples of README and documentation do what they say they do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.examples import follow

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
IN_FULL = "ISOLET_NN_DOCS_IN_FULL" in os.environ


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path, IN_FULL)
