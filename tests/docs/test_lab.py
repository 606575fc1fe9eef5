"""The laboratory: its sheet, its configs and its solution belong together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.examples import Block, read_blocks

LAB = Path(__file__).parents[2] / "docs" / "lab"
SHEET, SOLUTION = (read_blocks(LAB / name) for name in ("sheet.md", "solution.md"))
BLANK = "___"


def _configs(blocks: list[Block]) -> dict[str, str]:
    return {block.title: block.text for block in blocks if block.title}


def _commands(blocks: list[Block]) -> set[str]:
    text = "\n".join(block.text for block in blocks if block.language == "console")
    return set(re.findall(r"^\$ (.+)$", text, re.M))


def test_the_configs_of_the_sheet_are_files_too() -> None:
    files = {path.name: path.read_text("utf-8").rstrip() for path in LAB.glob("configs/*.yaml")}
    assert files == _configs(SHEET)


@pytest.mark.parametrize("name", _configs(SHEET))
def test_the_solution_fills_in_the_blanks_and_changes_nothing_else(name: str) -> None:
    blanks, filled = _configs(SHEET)[name], _configs(SOLUTION)[name]
    assert BLANK in blanks
    assert BLANK not in filled
    pairs = list(zip(blanks.splitlines(), filled.splitlines(), strict=True))
    for with_blank, line in pairs:
        pattern = re.escape(with_blank).replace(BLANK, r"\S.*?")
        # Comments are aligned, so the space before one may be another.
        assert re.fullmatch(re.sub(r"(\\ )+(?=\\#)", r"\\s+", pattern), line)


def test_what_the_sheet_leaves_to_the_reader_is_run_by_the_solution() -> None:
    left = _commands([block for block in SHEET if not block.directive.is_run])
    run = _commands([block for block in SOLUTION if block.directive.is_run])
    assert len(left) == len(_configs(SHEET))
    assert left <= run
