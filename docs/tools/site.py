"""Build the documentation into ``site/``, strictly: what is broken ends it with exit code 1.

Zensical checks the links between pages, and their anchors. This adds what it does not: every page
is in the navigation, pictures are there, and the Markdown files at the top lead somewhere too.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)(?:#[^)\s]*)?\)")


def lost_pages(root: Path = ROOT) -> list[str]:
    """Pages that the navigation lacks, and those that it names in vain."""
    settings = tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))
    named = set(_pages(settings["project"]["nav"]))
    there = {path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md")}
    lost = [f"docs/{page}: not in the navigation of zensical.toml" for page in there - named]
    return sorted(lost + [f"zensical.toml: there is no docs/{page}" for page in named - there])


def broken_links(root: Path = ROOT) -> list[str]:
    """Relative links, to pictures too, that lead nowhere."""
    return [
        f"{path.relative_to(root)}: there is no {target}"
        for path in sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])
        for target in _LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(part)


def main() -> int:
    """Check and build; the exit code."""
    problems = lost_pages() + broken_links()
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    # With what an earlier build kept, pages that have not changed are not checked again.
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if built.returncode != 0:
        sys.stderr.write(built.stdout + built.stderr.partition("Traceback")[0])
    return 1 if problems or built.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
