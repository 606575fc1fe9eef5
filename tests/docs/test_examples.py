"""The examples of README and documentation do what they say they do."""

from __future__ import annotations

from pathlib import Path

import pytest
from needs import in_full, needs_torch
from tools.examples import follow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_FULL_ONLY = {"docs/pictures.md", "docs/explanations/speed.md", "docs/explanations/isolation.md"}
"""Their commands are other pages', with other numbers."""


def _pages() -> list[Path]:
    names = [page for page in PAGES if page.relative_to(ROOT).as_posix() not in IN_FULL_ONLY]
    return in_full(few=names, many=PAGES)


def _parameter(page: Path) -> object:
    text = page.read_text(encoding="utf-8")
    uses_torch = "--backend torch" in text or "import torch" in text
    name = page.relative_to(ROOT).as_posix()
    return pytest.param(page, id=name, marks=[needs_torch] if uses_torch else [])


@pytest.mark.slow
@pytest.mark.parametrize("page", [_parameter(page) for page in _pages()])
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path, in_full(few=False, many=True))
