"""Picture files that show themselves."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from isolet_nn.errors import printable
from isolet_nn.notebook.html import data_uri
from isolet_nn.system.files import read_bytes


class Pictures(tuple[Path, ...]):
    """The files of some pictures, which a notebook shows below each other."""

    __slots__ = ()

    def __new__(cls, paths: Iterable[Path]) -> Pictures:
        """Take the PNG files among some; an SVG beside one shows the same."""
        return super().__new__(cls, (path for path in paths if path.suffix == ".png"))

    def _repr_html_(self) -> str:
        return "\n".join(
            f'<img alt="{escape(printable(path.stem))}" style="max-width: 100%" '
            f'src="{data_uri(read_bytes(path))}">'
            for path in self
        )
