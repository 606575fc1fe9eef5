"""HTML that needs nothing beside it: templates with all text escaped, and pictures inside."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def template_environment(folder: Path) -> Environment:
    """What fills in the templates of a folder; a name that has no value is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def data_uri(png: bytes) -> str:
    """A PNG as a URI that holds its bytes."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
