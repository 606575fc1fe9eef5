"""Fonts for scripts that Matplotlib's own font lacks, such as Chinese, Japanese and Korean.

They are looked for only once a character was found missing, since that takes long.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from isolet_nn.errors import UNPRINTABLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontEntry

_MISSING = re.compile(r"Glyph (\d+) .*missing from")
_LIKELY = re.compile(r"cjk|unicode|noto sans|gothic|hei|fallback|unifont", re.IGNORECASE)
"""Names of fonts that have many scripts."""
_said: set[str] = set()
"""Characters that were said to have no font."""


def render_with_fonts(figure: Figure, render: Callable[[], None]) -> None:
    """Render a figure, with further fonts where characters have none in the usual one.

    What no installed font has is said once, in a warning; boxes stand in its place.
    """
    missing = _missing_in(render)
    if not missing:
        return
    families, lacking = _families_with(frozenset(missing))
    if families:
        from matplotlib.text import Text

        for text in figure.findobj(Text):
            text.set_fontfamily(["DejaVu Sans", *families])
        with _quiet_about_weights():
            _missing_in(render)
    if new := sorted(lacking - _said):
        _said.update(new)
        warnings.warn(
            f"no installed font has {' '.join(new)}, so pictures show boxes instead; Noto Sans CJK "
            "for instance has Chinese, Japanese and Korean",
            stacklevel=2,
        )


def _missing_in(render: Callable[[], None]) -> set[str]:
    """The characters that were found missing; other warnings are passed on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        render()
    missing = set()
    for warning in caught:
        if found := _MISSING.match(str(warning.message)):
            missing.add(chr(int(found[1])))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return {character for character in missing if not UNPRINTABLE.match(character)}


@contextlib.contextmanager
def _quiet_about_weights() -> Iterator[None]:
    """Do not let Matplotlib log that a further font is not there in bold."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@functools.cache
def _families_with(characters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Installed fonts that have some of the characters each, and what none of them has."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    families, lacking = _choose(fontManager.ttflist, characters)
    if lacking:  # a font may be newer than Matplotlib's list of them
        known = {entry.fname for entry in fontManager.ttflist}
        for path in sorted(set(findSystemFonts()) - known):
            with contextlib.suppress(Exception):  # whatever a damaged font raises, it is no help
                fontManager.addfont(path)
        families, lacking = _choose(fontManager.ttflist, characters)
    return families, lacking


def _choose(
    entries: Iterable[FontEntry], characters: frozenset[str]
) -> tuple[list[str], frozenset[str]]:
    from matplotlib.font_manager import get_font

    upright = [e for e in entries if e.style == "normal" and e.weight in (400, "normal")]
    families: list[str] = []
    lacking = characters
    for entry in sorted(upright, key=lambda e: (not _LIKELY.search(e.name), e.name, e.fname)):
        if not lacking:
            break
        if "Last Resort" in entry.name or entry.name in families:
            continue
        try:
            known = get_font(entry.fname).get_charmap()
        except (OSError, RuntimeError):
            continue
        if any(ord(character) in known for character in lacking):
            families.append(entry.name)
            lacking = frozenset(c for c in lacking if ord(c) not in known)
    return families, lacking
