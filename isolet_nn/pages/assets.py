"""Scripts and styles as a browser loads them: the package's own, and Plotly's."""

from __future__ import annotations

import importlib.util
import re
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
_PAGE_SCRIPT = "page.js"
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def base_style() -> Markup:
    """The look of all pages, for a template's ``<style>``."""
    from markupsafe import Markup

    return Markup(read_text(ASSETS / BASE_STYLE))  # noqa: S704 - a file of the package's own


def page_style() -> Markup:
    """The look of a page with views, for a template's ``<style>``."""
    from markupsafe import Markup

    return base_style() + Markup(read_text(ASSETS / STYLE))  # noqa: S704 - likewise


def page_script() -> Markup:
    """The module of a page that holds its documents, with all modules that it imports inside.

    Each becomes a function of its own, which gives back what the module exports.
    """
    from markupsafe import Markup

    modules: dict[str, str] = {}
    _add_module(_PAGE_SCRIPT, modules)
    main = modules.pop(_PAGE_SCRIPT)
    functions = [
        f"modules[{name!r}] = (() => {{\n{_EXPORT.sub('', text)}\n"
        f"return {{ {', '.join(_EXPORT.findall(text))} }};\n}})();"
        for name, text in modules.items()
    ]
    return Markup("\n".join(["const modules = {};", *functions, main]))  # noqa: S704 - likewise


def _add_module(name: str, modules: dict[str, str]) -> None:
    """Add a module behind those that it imports."""
    if name in modules:
        return
    text = read_text(ASSETS / name)
    for _, imported in _IMPORT.findall(text):
        _add_module(imported, modules)
    modules[name] = _IMPORT.sub(r"const \1 = modules['\2'];", text)


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
