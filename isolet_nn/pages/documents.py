"""Documents by name: what a browser asks a source for.

A name is a kind and the paths that it is of, as a relative URL has them:
``run?of=20261126-101500-isolet``, ``run?of=20261126-120000-rates/trials/17``,
``comparison?of=A&of=B``, ``sweep?of=S``, ``search?of=S``, ``importance?of=S``. Which folder a path
means is the source's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, quote

from isolet_nn.pages.comparison import comparison_document
from isolet_nn.pages.run import run_document
from isolet_nn.pages.search import importance_document, search_document
from isolet_nn.pages.shapes import Document
from isolet_nn.pages.sweep import sweep_document
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder

__all__ = [
    "KINDS",
    "comparison_document",
    "document_name",
    "importance_document",
    "make_document",
    "parse_name",
    "run_document",
    "search_document",
    "sweep_document",
]

Named = tuple[Path, str]
"""A folder, and the path by which a document calls it."""

_OF_ONE: dict[str, Callable[[Path, str, OpenSweep], Document]] = {
    "run": run_document,
    "sweep": sweep_document,
    "search": search_document,
    "importance": importance_document,
}
KINDS = (*_OF_ONE, "comparison")


def make_document(
    kind: str,
    of: Sequence[Named],
    open_sweep: OpenSweep = SweepFolder.open,
) -> Document:
    """The document of a kind, of one folder or, for a comparison, of several.

    What is damaged is said in the document; an error is raised for nothing that lies on a disk.

    Parameters
    ----------
    open_sweep
        Reads a sweep, for those who remember what they have read of it.

    Raises
    ------
    ValueError
        If there is no such kind, or it is of another number of folders.
    """
    if kind == "comparison":
        return comparison_document(of, open_sweep)
    if kind not in _OF_ONE or len(of) != 1:
        raise ValueError(f"no document {kind} of {len(of)} folders")
    return _OF_ONE[kind](*of[0], open_sweep)


def document_name(kind: str, *paths: str) -> str:
    """The name of a document."""
    return f"{kind}?{'&'.join(f'of={quote(path, safe=_PLAIN)}' for path in paths)}"


_PLAIN = "!'()*~"
"""What JavaScript's encodeURIComponent leaves as it is, and Python does not."""


def parse_name(name: str) -> tuple[str, list[str]]:
    """The kind and the paths of a document.

    Raises
    ------
    ValueError
        If it is no such name.
    """
    kind, _, query = name.partition("?")
    paths = parse_qs(query, errors="strict", max_num_fields=1000).get("of", [])
    if kind not in KINDS or not paths:
        raise ValueError(f"no name of a document: {name[:60]!r}")
    return kind, paths
