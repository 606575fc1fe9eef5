"""A lesson's page: one file that needs nothing beside it, and may ask for nothing.

It holds its record compressed, which the browser unpacks (`assets/record.js`), its style and its
script; its content security policy lets nothing else run and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isolet_nn.notebook.html import template_environment
from isolet_nn.pages.assets import ASSETS
from isolet_nn.system.files import finite

_ASSETS = Path(__file__).parent / "assets"
_FOLDERS = (_ASSETS, ASSETS)


def render(
    template: str,
    record: dict[str, Any],
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    **context: Any,
) -> str:
    """Fill in a page.

    Parameters
    ----------
    template
        Its file in `assets`; it extends ``page.html.jinja``.
    record
        What the scripts get, as JSON: in them, ``await theRecord()``.
    styles, scripts
        Files in `assets`, here or of :mod:`isolet_nn.pages`, in their order. The scripts become
        one module: they see each other's names and import nothing.
    context
        What the template asks for.
    """
    style, script = _joined(styles), _joined(scripts)
    packed = zlib.compress(json.dumps(finite(record), separators=(",", ":")).encode(), 9)
    return (
        template_environment(_ASSETS)
        .get_template(template)
        .render(
            context,
            style=style,
            script=script,
            policy=_policy(style, script),
            packed=base64.b64encode(packed).decode("ascii"),
        )
    )


def _joined(names: Sequence[str]) -> str:
    paths = [next(p for folder in _FOLDERS if (p := folder / name).exists()) for name in names]
    texts = [path.read_text("utf-8") for path in paths]
    return "\n" + re.sub(r"^export (?=function|class|const)", "", "\n".join(texts), flags=re.M)


def _policy(style: str, script: str) -> str:
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_hash_of(style)}'; script-src '{_hash_of(script)}'"
    )


def _hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
