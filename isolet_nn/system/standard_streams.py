"""Standard output and standard error as a command writes to them, whatever they lead to.

They may be closed, full, of a narrow encoding, or have a reader that has left.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from isolet_nn.errors import OutputError


def open_closed_streams() -> None:
    """Let output go nowhere where the caller closed the stream (``>&-``).

    Its number is taken too, for worker processes as well, lest another file gets it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


class _Output(io.TextIOWrapper):
    """A standard stream that escapes what its encoding lacks, instead of failing."""

    @classmethod
    def instead_of(cls, stream: io.TextIOWrapper) -> Self:
        """What takes a stream's place."""
        return cls(
            stream.detach(),
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )


class _Results(_Output):
    """Standard output: an error names it, unless its reader has left."""

    def write(self, text: str) -> int:
        with _named():
            return super().write(text)

    def flush(self) -> None:
        with _named():
            super().flush()


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: cannot be written: {error.strerror}") from error


class _Messages(_Output):
    """Standard error: where it cannot be written, the work goes on in silence."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self._fall_silent()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._fall_silent()

    def _fall_silent(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def settle_streams() -> None:
    """Let standard output and standard error be written without surprises.

    Whoever put a stream of another class in their place, as notebooks and tests do, keeps it.
    """
    if type(sys.stdout) is io.TextIOWrapper:
        sys.stdout = _Results.instead_of(sys.stdout)
    if type(sys.stderr) is io.TextIOWrapper:
        sys.stderr = _Messages.instead_of(sys.stderr)
