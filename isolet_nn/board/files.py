"""Files of runs to be downloaded: regular ones, within the runs folder, never shown as a page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from isolet_nn.errors import RunError, short_repr
from isolet_nn.pages.reading import is_shown
from isolet_nn.system.files import open_file

_CHUNK = 1 << 18


def download(folder: Path, root: Path, path: str) -> StreamingResponse:
    """The file of a run by its path within the folder.

    Parameters
    ----------
    root
        The runs folder, which what is read has to lie in.

    Raises
    ------
    RunError
        If there is no such file, or it lies elsewhere.
    OSError
        If it cannot be read.
    """
    names = path.split("/")
    no_file = RunError(f"{short_repr(path)}: there is no such file in {folder.name}")
    for name in names:
        if not is_shown(name):
            raise no_file
    try:
        real = Path(os.path.realpath(folder.joinpath(*names), strict=True))
    except OSError:
        raise no_file from None
    if not (real.is_relative_to(os.path.realpath(root)) and real.is_file()):
        raise no_file
    file = open_file(real, limit=sys.maxsize - 1)
    size = os.fstat(file.fileno()).st_size
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(names[-1], safe='')}",
        "Content-Length": str(size),
        "Cache-Control": "no-store",
    }
    return _Download(file, size, headers)


class _Download(StreamingResponse):
    """A file, which is closed however the answer ends: before its first byte, if nobody waits."""

    def __init__(self, file: IO[bytes], size: int, headers: Mapping[str, str]) -> None:
        super().__init__(_pieces(file, size), 200, headers, "application/octet-stream")
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    """What the file held when it was opened: it may grow meanwhile."""
    while size > 0 and (piece := file.read(min(_CHUNK, size))):
        size -= len(piece)
        yield piece
