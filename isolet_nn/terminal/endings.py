"""How a command ends: exit codes, errors, and what to do next.

Nothing is imported up here that prints: what streams can do is settled first.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from isolet_nn.errors import IsoletNNError, OutputError
from isolet_nn.system import interrupts
from isolet_nn.system.start import INTERRUPTED_CODE
from isolet_nn.system.statuses import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from isolet_nn.runs.folder import Run
    from isolet_nn.sweeps.folder import SweepFolder

_debug = False
"""Whether somebody wants to see tracebacks."""


def set_debug(value: bool) -> None:
    """Show the traceback of an error from here on, if `value` (what `--debug` calls)."""
    global _debug
    _debug = _debug or value


def run_to_its_end(program: Callable[[], object]) -> None:
    """Run a program; errors a user can cause end it without a traceback."""
    warnings.showwarning = _say_warning
    try:
        try:
            program()
        finally:
            _write_out_results()
    except KeyboardInterrupt:
        exit_interrupted()
    except Exception as error:
        if interrupts.was_raised():
            exit_interrupted()
        if _debug:
            raise
        _exit_with(error)


def exit_as_run(run: Run) -> None:
    """Exit as the run ended, saying why and what to do."""
    from isolet_nn.terminal.streams import print_error

    summary = run.summary
    if summary["status"] == INTERRUPTED:
        exit_to_resume("train", run.path)
    if summary["status"] == FAILED:
        print_error(summary["error"])
        raise typer.Exit(1)


def exit_as_sweep(folder: SweepFolder) -> None:
    """Exit as the sweep ended; it failed only if none of its trials was completed."""
    from isolet_nn.terminal.streams import print_error

    summary = folder.summary
    if summary["status"] == INTERRUPTED:
        exit_to_resume("sweep", folder.path)
    if summary["completed"] == 0 and summary["trials"] > 0:  # a shard may have none to do
        print_error("no trial was completed")
        raise typer.Exit(1)


@contextmanager
def stopping(command: str, folder: Callable[[], Path | None]) -> Iterator[interrupts.StopSignal]:
    """Let a signal end the work in the block in an orderly way, a second one at once."""
    try:
        with interrupts.stop_signal() as stop:
            yield stop
    except KeyboardInterrupt:
        exit_to_resume(command, folder())
    except Exception:
        if not interrupts.was_raised():
            raise
        exit_to_resume(command, folder())


def exit_to_resume(command: str, folder: Path | None) -> NoReturn:
    """Exit as interrupted, saying how to go on in the folder if there is one already."""
    go_on = " before a folder was made"
    if folder is not None:
        go_on = f"; go on with: isolet-nn {command} --resume {shlex.quote(str(folder))}"
    exit_interrupted(f"interrupted{go_on}")


def exit_interrupted(message: str = "interrupted") -> NoReturn:
    """Say that the program was interrupted, and exit; one more Ctrl-C must not disturb that."""
    interrupts.ignore_interrupts()
    from isolet_nn.terminal.streams import print_message

    print_message(message)
    sys.exit(INTERRUPTED_CODE)


def _say_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    """Print a library's warning on lines of its own, without the place in its code."""
    from isolet_nn.terminal.streams import print_warning

    print_warning(message)


def say_os_error(error: OSError) -> str:
    """What the system says, and of which file."""
    what = error.strerror or str(error)
    return what if error.filename is None else f"{error.filename}: {what}"


def _is_refusal(error: Exception) -> bool:
    """Whether the user gave a place that this process may not write to, or cannot read from."""
    from isolet_nn.system.files import UnreadableFileError

    refusals = (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ELOOP,
        errno.EISDIR,
        errno.ENAMETOOLONG,
    )
    return isinstance(error, UnreadableFileError) or (
        isinstance(error, OSError) and error.errno in refusals
    )


def _say_unexpected(error: Exception) -> str:
    match error:
        case OSError() if _is_refusal(error):
            return say_os_error(error)
        case OSError():
            return f"{say_os_error(error)} (--debug shows where)"
        case MemoryError():
            return f"out of memory: {error}; a smaller network or training.batch_size needs less"
        case _:
            return f"{type(error).__name__}: {error} (--debug shows where)"


def _write_out_results() -> None:
    """Write what standard output still holds, so that a failure to is an error like any other."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, OutputError) as error:
        # What is held goes nowhere, or Python would try again when it ends, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def _exit_with(error: Exception) -> NoReturn:
    """Say what went wrong, and exit accordingly."""
    interrupts.ignore_interrupts()
    from isolet_nn.terminal.streams import print_error

    if isinstance(error, IsoletNNError):
        print_error(str(error))
        sys.exit(error.exit_code)
    print_error(_say_unexpected(error))
    sys.exit(2 if _is_refusal(error) else 1)
