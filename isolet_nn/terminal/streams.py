"""Standard output and standard error: what is written there is safe for any terminal.

Names of classes, columns, folders and configs are other people's text. On its way to a stream,
and only there, whatever could move the cursor, change colours or reverse the order of letters is
escaped, as is what the stream cannot encode; files keep the text as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.constrain import Constrain
from rich.progress import Progress
from rich.segment import Segment
from rich.text import Text

from isolet_nn.errors import UNPRINTABLE, one_line, printable
from isolet_nn.system.files import json_text

_PIPE_WIDTH = 100_000
"""Columns of tables that do not go to a terminal: enough that nothing is cut or wrapped."""

_INTERRUPT_WIDTH = 2
"""Columns of ``^C``."""
_WHOLE = re.compile(r"\s*(?:`[^`]*`|(?<=with: )isolet-nn .*|\S)+")
"""What no line breaks: a word, or a command, which would not be one any more; and blanks before."""
_NARROW = 40
"""Columns of a terminal that can spare none."""


class SafeConsole(Console):
    """A console that takes text as text: no markup, no emoji, nothing unprintable."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Escape text before it is laid out, so that columns have the right widths."""
        return super().render_str(printable(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Escape what reaches the console as anything else than a plain string, too."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text), style)

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write lines that are laid out already: thousands at once, whatever their length."""
        self.file.write(printable("\n".join(lines)) + "\n")

    def _check_buffer(self) -> None:
        """Write what is ready; what Ctrl-C finds half written is not written once more later."""
        try:
            super()._check_buffer()
        except KeyboardInterrupt:
            # Rich clears its buffer after the write only, and the next print would repeat it.
            del self._buffer[:]
            raise


class ProgressLine(Progress):
    """A line that is drawn over itself until the work is done.

    It leaves room for the ``^C`` that a terminal shows: in a full line that would begin a new one,
    and the old one would stay.
    """

    def get_renderable(self) -> RenderableType:
        return Constrain(super().get_renderable(), line_width())


def line_width() -> int:
    """Columns of a line that is drawn over itself."""
    narrow = MESSAGES.width < _NARROW
    return MESSAGES.width - (0 if narrow else _INTERRUPT_WIDTH)


MESSAGES = SafeConsole(stderr=True)
RESULTS = SafeConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def print_line(text: object) -> None:
    """Print a result of one line, however long."""
    RESULTS.print(one_line(text), soft_wrap=True)


def print_message(text: object) -> None:
    """Print a line for a person, however long, to standard error."""
    MESSAGES.print(str(text), soft_wrap=True)


def is_agreed(question: str) -> bool:
    """Ask at the terminal, where only a yes is one."""
    MESSAGES.print(f"{question} [y/N] ", end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def print_error(message: str) -> None:
    """Print why the program ends to standard error, the lines below each other."""
    _print_labelled("error: ", message, "bold red")


def print_warning(message: object) -> None:
    """Print what a person should think of, to standard error."""
    _print_labelled("warning: ", str(message))


def _print_labelled(label: str, message: str, style: str = "") -> None:
    """Print lines below each other; at a terminal each goes on in as many as it needs."""
    indent, margin = " " * len(label), " " * (len(label) + 2)
    for number, line in enumerate(message.split("\n")):
        first, *others = lines_between_words(
            printable(line), MESSAGES.width - len(margin), MESSAGES
        )
        start = (indent, "") if number else (label, style)
        MESSAGES.print(Text.assemble(start, first), soft_wrap=True)
        for other in others:
            print_message(f"{margin}{other}")


def lines_between_words(text: str, width: int, console: Console) -> list[str]:
    """A line of text in lines for a terminal; a long word, and a command, stays in one.

    What goes to a file or a pipe stays one line.
    """
    if not console.is_terminal or console.width < _NARROW:
        return [text]
    lines = [""]
    for word in _WHOLE.findall(text):
        if lines[-1] and cell_len(lines[-1] + word) > width:
            lines.append(word.lstrip())
        else:
            lines[-1] += word
    return lines


def print_text(text: str) -> None:
    """Print text of many lines to standard output as it is, but for what is unprintable."""
    sys.stdout.write(printable(text))


def print_json(value: Any) -> None:
    """Print JSON; what is unprintable, or not in the stream's encoding, as an escape."""
    text = json_text(value)
    encoding = sys.stdout.encoding or "utf-8"
    if not encoding.lower().startswith("utf"):
        text = re.sub(r"[^\x00-\x7f]", _json_escape, text)
    sys.stdout.write(UNPRINTABLE.sub(_json_escape, text))


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(match[0])[1:-1]
