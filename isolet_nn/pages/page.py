"""One HTML file that shows runs or a sweep in any browser, with all that it needs inside."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from isolet_nn.errors import ConfigError, RunError, printable
from isolet_nn.notebook.html import template_environment
from isolet_nn.pages.assets import page_script, page_style, plotly_script
from isolet_nn.pages.comparison import MOST_RUNS
from isolet_nn.pages.documents import Named, document_name, make_document
from isolet_nn.pages.shapes import Document
from isolet_nn.pages.sweep import sweep_document
from isolet_nn.results.listing import read_entry
from isolet_nn.results.selection import is_sweep
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.sweeps.trial import trial_address, trial_at
from isolet_nn.system.files import finite, read_text, why_not_written, write_text
from isolet_nn.system.folders import now
from isolet_nn.version import __version__

MOST_BYTES = 3_000_000
"""Of a page, Plotly included: what can be sent by mail."""
_TEMPLATE = "page.html.jinja"
_MOST_TRIALS, _MOST_SETTINGS = 20, 10
"""Trials that a sweep's page has as well, those of its best settings."""


@dataclass(frozen=True)
class _Packed:
    """A text, and how a page holds it: deflated, in base64."""

    text: str
    deflated: str

    @classmethod
    def of(cls, text: str) -> _Packed:
        return cls(text, base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii"))


def write_page(folders: Sequence[Path], output: Path | None = None) -> Path:
    """Write a page of a run, of a sweep, or of several runs side by side; return its file.

    A comparison's page has its runs in it too, and a sweep's the trials of its best settings, as
    far as there is room.

    Parameters
    ----------
    folders
        A run, a trial or a sweep; or several runs and trials.
    output
        An HTML file in a folder there is; it is replaced. If None, ``page.html`` in the folder of
        the run or the sweep; for several runs ``comparison.html`` in the current folder.

    Raises
    ------
    ConfigError
        If the file is no HTML file or cannot be written, if a sweep is given beside others, or a
        run twice.
    RunError
        If a folder is neither a run nor a sweep, or there is more to show than a page holds.
    BackendUnavailableError
        If Plotly is not installed.
    """
    if output is not None:
        _require_page_path(output)
    open_sweep = functools.cache(SweepFolder.open)
    of = _named(folders, open_sweep)
    if output is None:
        output = folders[0] / "page.html" if len(folders) == 1 else Path("comparison.html")
        output.parent.mkdir(exist_ok=True, parents=True)  # of a trial there may be none
    plotly = _Packed.of(read_text(plotly_script()))
    documents: dict[str, Document] = {}
    for name, document in _documents(of, open_sweep):
        page = _html(documents | {name: document}, plotly)
        if len(page) <= MOST_BYTES:
            documents[name], html = document, page
        elif not documents:
            raise RunError(
                f"{output}: would hold {len(page):,} bytes, and a page holds {MOST_BYTES:,} at "
                "most: give fewer runs"
            )
    write_text(output, html)
    return output


def _require_page_path(output: Path) -> None:
    """Refuse a file that no page can be written to.

    Raises
    ------
    ConfigError
        If its name does not end in .html, or it cannot be written.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--output {output}: a page's name ends in .html")
    if why := why_not_written(output):
        raise ConfigError(f"--output {output}: {why}")


def _named(folders: Sequence[Path], open_sweep: OpenSweep) -> list[Named]:
    """The folders, each with the path that its document has: from the one all of them lie in."""
    paths = [Path(os.path.abspath(folder)) for folder in folders]  # noqa: PTH100 - links stay
    for folder, path in zip(folders, paths, strict=True):
        if trial_at(path, open_sweep) is None and read_entry(path) is None:
            raise RunError(f"{folder}: {_why_nothing(path)}")
        if len(paths) > 1 and is_sweep(path):
            raise ConfigError(
                f"{folder}: is a sweep, and a page has one alone; --trial or --best chooses one "
                "of its trials to stand beside others"
            )
        if paths.count(path) > 1:
            raise ConfigError(f"{folder}: is given twice")
    if len(paths) > MOST_RUNS:
        raise ConfigError(f"found {len(paths)} runs; a page compares {MOST_RUNS} at most")
    common = Path(os.path.commonpath([path.parent for path in paths]))
    return [(path, printable(path.relative_to(common).as_posix())) for path in paths]


def _why_nothing(path: Path) -> str:
    if path.is_dir():
        return "is neither a run nor a sweep"
    return "is a file; give the folder of a run or a sweep" if path.exists() else "no such folder"


def _documents(of: Sequence[Named], open_sweep: OpenSweep) -> Iterator[tuple[str, Document]]:
    """The documents of a page, what it shows first before all others."""
    if len(of) > 1:
        yield (
            document_name("comparison", *(path for _, path in of)),
            make_document("comparison", of, open_sweep),
        )
    elif is_sweep(of[0][0]):
        yield from _documents_of_sweep(of[0], open_sweep)
        return
    for folder, path in of:
        yield document_name("run", path), make_document("run", [(folder, path)], open_sweep)


def _documents_of_sweep(of: Named, open_sweep: OpenSweep) -> Iterator[tuple[str, Document]]:
    folder, path = of
    sweep = sweep_document(folder, path, open_sweep)
    yield document_name("sweep", path), sweep
    for kind in ("search", "importance"):
        yield document_name(kind, path), make_document(kind, [of], open_sweep)
    best = [row["trials"] for row in sweep["settings"][:_MOST_SETTINGS] if row["n"]]
    in_turn = [n for of_each in zip_longest(*best) for n in of_each if n is not None]
    for trial in in_turn[:_MOST_TRIALS]:
        address = trial_address(folder, trial)
        called = trial_address(Path(path), trial).as_posix()
        yield document_name("run", called), make_document("run", [(address, called)], open_sweep)


def _html(documents: dict[str, Document], plotly: _Packed) -> str:
    """The page; what is in it is deflated, and unpacked by the browser."""
    first = next(iter(documents.values()))
    title = f"{len(first['runs'])} runs" if first["kind"] == "comparison" else ""
    if first["kind"] in ("run", "sweep"):
        title = first["name"]
    script = page_script()
    return (
        template_environment(Path(__file__).parent)
        .get_template(_TEMPLATE)
        .render(
            title=title,
            policy=_policy([script, plotly.text]),
            style=page_style(),
            script=script,
            plotly=plotly.deflated,
            documents=_Packed.of(json.dumps(finite(documents), separators=(",", ":"))).deflated,
            version=__version__,
            date=now(),
        )
    )


def _policy(scripts: Sequence[str]) -> str:
    """What the page may do: run these scripts, and reach nothing.

    Plotly sets styles by attribute, which only ``unsafe-inline`` allows.
    """
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in scripts)
    allowed = " ".join(f"'sha256-{each.decode('ascii')}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
