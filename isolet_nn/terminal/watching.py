"""A list of runs that is shown anew again and again, until somebody has seen enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from isolet_nn.errors import ConfigError, counted
from isolet_nn.terminal.layouts import lines_of
from isolet_nn.terminal.lists import columns_table, entries_table
from isolet_nn.terminal.streams import RESULTS, SafeConsole

if TYPE_CHECKING:
    from isolet_nn.results.listing import Entry

_SECONDS = 2.0
"""Between two looks; a folder of which a look takes long is left alone for longer."""
_SHARE = 3.0
"""Times that a look takes, to the next one."""


def watch(
    read: Callable[[], Sequence[Entry]],
    columns: Callable[[Sequence[Entry]], Sequence[str]] | None,
    screen: SafeConsole = RESULTS,
) -> None:
    """Show entries, as many as there is room for, until Ctrl-C; then once more, to stay.

    Parameters
    ----------
    columns
        Which are shown of some entries; None chooses.

    Raises
    ------
    ConfigError
        If nobody looks: standard output is no terminal.
    """
    if not screen.is_terminal:
        raise ConfigError("--watch shows a list at a terminal; for programs there is --json")
    shown = ""
    try:
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            while True:
                begun = time.monotonic()
                shown = _text(read(), columns, screen)
                live.update(Text(shown, no_wrap=True, overflow="crop"), refresh=True)
                time.sleep(max(_SECONDS, _SHARE * (time.monotonic() - begun)))
    except KeyboardInterrupt:
        screen.write_lines(shown.split("\n"))


def _text(
    entries: Sequence[Entry],
    columns: Callable[[Sequence[Entry]], Sequence[str]] | None,
    screen: SafeConsole,
) -> str:
    """The first of the entries as a table, and below it how many more there are."""
    if not entries:
        return "no runs"
    room = max(1, screen.height - 4)  # two lines of headings, one below, one for the cursor
    first = entries[:room]
    if columns is None:
        table = entries_table(first, (), screen.width)
    else:
        table = columns_table(first, columns(first))
    more = len(entries) - len(first)
    below = [f"and {counted(more, 'other')}"] if more else []
    return "\n".join([*lines_of(table), *below])
