"""Reading what may be damaged, and numbers as documents have them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from isolet_nn.config.metrics import measure_name, measure_of
from isolet_nn.errors import IsoletNNError, printable
from isolet_nn.pages.shapes import Column, File, Metrics, Number
from isolet_nn.plots import in_words

ReadT = TypeVar("ReadT")
PointT = TypeVar("PointT")

_MOST_FILES, _DEEPEST = 200, 3
_RESERVED = frozenset('\\:*?"<>|')
"""What stands in no name that isolet-nn gives, and leads elsewhere on Windows."""
_DIGITS = 6
"""Of numbers in a document: more than a chart can show."""


class Problems:
    """What cannot be read, in the words of the errors."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def read(self, reading: Callable[[], ReadT], otherwise: ReadT) -> ReadT:
        """What is read; `otherwise`, and a problem, where that fails for a reason of the folder."""
        try:
            return reading()
        except IsoletNNError as error:
            self.add(str(error))
        except OSError as error:
            self.add(f"{error.filename}: cannot be read: {error.strerror or error}")
        except UnicodeError as error:
            self.add(f"damaged: {error}")
        return otherwise

    def add(self, text: str) -> None:
        """Remember a problem, once."""
        shown = printable(text)
        if shown not in self.found:
            self.found.append(shown)


def number(value: float | None) -> Number:
    """A number with as many digits as are of use; None where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}") if abs(value) < 1e300 else value


def numbers(values: Iterable[float | None]) -> Column:
    """Several numbers."""
    return [number(value) for value in values]


def metrics_shown(names: Iterable[str]) -> Metrics:
    """How metrics are shown, by name."""
    found: Metrics = {}
    for name in names:
        measure = measure_of(name)
        split, _, rest = name.partition("_")
        words = measure.words if rest != measure_name(name) else f"{split} {measure.words}"
        found[name] = {
            "label": words,
            "percent": measure.in_percent,
            "greater_is_better": measure.greater_is_better,
        }
    return found


def thinned(points: Sequence[PointT], most: int) -> Sequence[PointT]:
    """No more than so many of some points, evenly spread, the last of them always."""
    if len(points) <= most:
        return points
    step = -(-len(points) // most)
    return points[(len(points) - 1) % step :: step]


def title_of(name: str) -> str:
    """A name that is a slug, as words."""
    return printable(in_words(name))


def is_shown(name: str) -> bool:
    """Whether a file or a folder of that name is shown, and can be downloaded.

    Hidden ones are locks and files that are still being written; others have no address.
    """
    return name[:1] not in ("", ".") and name.isprintable() and not _RESERVED & set(name)


def files_in(folder: Path) -> list[File]:
    """The files of a folder and of those in it that are shown; links are left out."""
    found: list[File] = []
    for root, folders, names in os.walk(folder):
        inside = Path(root).relative_to(folder)
        depth = len(inside.parts)
        folders[:] = [] if depth >= _DEEPEST else sorted(filter(is_shown, folders))
        for name in sorted(names):
            path = Path(root, name)
            if len(found) == _MOST_FILES:
                return found
            if is_shown(name) and path.is_file() and not path.is_symlink():
                where = (inside / name).as_posix()
                found.append({"name": where, "bytes": path.lstat().st_size})
    return found
