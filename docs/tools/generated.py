"""The parts of the documentation that are made from the code.

``python -m tools.generated`` writes them; with ``--check`` it says what is not current.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from isolet_nn.config.experiment import Experiment
from isolet_nn.sweeps.config import Sweep
from tools.architecture import architecture_picture, architecture_table
from tools.command_reference import command_reference
from tools.config_reference import config_reference

ROOT = Path(__file__).parents[2]
START, END = "<!-- generated: start -->", "<!-- generated: end -->"
_NOTE = "<!-- Made from the code by `make format`. -->"

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/config.md": lambda: config_reference(Experiment),
    "docs/reference/sweep.md": lambda: config_reference(Sweep),
    "docs/reference/commands.md": command_reference,
    "docs/contributing/architecture.md": architecture_table,
}
"""What stands between the markers of a page."""
FILES: Mapping[str, Callable[[], str]] = {
    "docs/images/architecture.svg": architecture_picture,
}
"""Whole files."""


def generated() -> dict[Path, str]:
    """What each file should hold."""
    pages = {ROOT / name: _page(ROOT / name, make()) for name, make in PAGES.items()}
    return pages | {ROOT / name: make() for name, make in FILES.items()}


def _page(path: Path, made: str) -> str:
    return between_markers(path.read_text(encoding="utf-8"), made, str(path))


def between_markers(text: str, made: str, source: str) -> str:
    """Copy a page with `made` between its markers; `source` names it in the message.

    Raises
    ------
    ValueError
        If the two markers are not there, once each and in order.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end) or START in rest or END in before + after:
        raise ValueError(f"{source}: expected one {START} and, below it, one {END}")
    return f"{before}{START}\n{_NOTE}\n\n{made}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write what is not current, or with ``--check`` name it; the exit code."""
    stale = {
        path: text
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if "--check" in arguments:
            sys.stderr.write(f"{path.relative_to(ROOT)}: not current; run `make format`\n")
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
