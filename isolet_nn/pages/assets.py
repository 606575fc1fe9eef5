"""Scripts and styles as a browser loads them: the package's own, and Plotly's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from isolet_nn.errors import BackendUnavailableError
from isolet_nn.system.files import read_text

if TYPE_CHECKING:
    from markupsafe import Markup

ASSETS = Path(__file__).parent / "assets"
"""Folder of the package's own: base.css, and ES modules that import each other by file name."""
BASE_STYLE, STYLE, SCRIPT = "base.css", "views.css", "views.js"
"""The look of all pages, that of charts and controls, and the module that draws a view."""


def base_style() -> Markup:
    """The look of all pages, for a template's ``<style>``."""
    from markupsafe import Markup

    return Markup(read_text(ASSETS / BASE_STYLE))  # noqa: S704 - a file of the package's own


def plotly_script() -> Path:
    """Plotly's script, as its Python package has it, which is not imported for that.

    Raises
    ------
    BackendUnavailableError
        If Plotly is not installed.
    """
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations or ()) if found else ():
        script = Path(folder, "package_data", "plotly.min.js")
        if script.is_file():
            return script
    raise BackendUnavailableError(
        "charts need Plotly, which is not installed: `pip install 'isolet-nn[board]'`"
    )
