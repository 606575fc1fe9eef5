"""A progress bar below the cell of a notebook.

It is HTML that replaces itself, which every notebook shows; bars made of widgets need a package in
the kernel, another in the program that shows the notebook, and leave nothing in a saved one.
"""

from __future__ import annotations

from html import escape
from typing import Any

from isolet_nn.errors import one_line

NOTEBOOK_SECONDS = 0.2
"""Between two states: each is a message to the browser."""


class NotebookBar:
    """A bar and words beside it, which are replaced until the work is done."""

    _shown: Any = None

    def show(self, share: float, text: str) -> None:
        """Show that a share (0 to 1) of the work is done, and how far that is in words."""
        from IPython.display import display

        words = one_line(text.replace("\n", "; "))
        html = (
            f'<progress value="{min(max(share, 0.0), 1.0):.3f}" max="1" '
            f'style="vertical-align: middle"></progress> {escape(words)}'
        )
        content = {"text/plain": words, "text/html": html}
        if self._shown is None:
            self._shown = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._shown.update(content, raw=True)
