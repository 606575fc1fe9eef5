"""Make the pictures of the documentation anew, by the commands of the pages that show them.

``python -m tools.pictures`` takes some minutes. Colours are reduced, so that files stay small.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tools.examples import follow

_DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    _DOCS / "pictures.md",
    *(_DOCS / "guides" / name for name in ("comparing.md", "learning-rate.md")),
)
_PICTURE = re.compile(r"^<!-- picture: (.+) -->\n!\[[^]]*\]\(([^)]+)\)$", re.M)
_COLOURS, _WIDTH = 256, 1000


def read_pictures(page: Path) -> dict[Path, str]:
    """Pictures that a page's commands make: the file that is shown, and the one that is made."""
    found = _PICTURE.findall(page.read_text(encoding="utf-8"))
    return {(page.parent / shown).resolve(): made for made, shown in found}


def make_pictures(page: Path) -> None:
    """Follow a page in full, and take over its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        session = follow(page, Path(folder), in_full=True)
        for shown, made in read_pictures(page).items():
            _reduce(Path(folder) / session.renamed(made), shown)
            sys.stdout.write(f"{shown}\n")


def _reduce(source: Path, target: Path) -> None:
    with Image.open(source) as image:
        flat = image.convert("RGB")
        if flat.width > _WIDTH:
            flat = flat.resize((_WIDTH, round(flat.height * _WIDTH / flat.width)))
        flat.quantize(_COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    for path in PAGES:
        make_pictures(path)
