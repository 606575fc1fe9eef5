"""What a program does before it imports anything that takes time.

So nothing but what every interpreter has loaded already is imported here.
"""

import io
import os
import sys

INTERRUPTED = 130
"""Exit code after SIGINT or SIGTERM, as shells have it."""


def end_at_once(_number: int, _frame: object) -> None:
    """End while there is nothing to be saved (a signal handler)."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def leave_current_folder() -> None:
    """Import nothing from the current folder, unless the package itself lies there.

    Python searches it after ``python -m``, and for an empty or relative name in PYTHONPATH.
    """
    try:
        os.getcwd()
    except OSError:  # it was removed, and nothing can be imported from it
        return
    program = os.path.abspath(os.path.join(__file__, "..", "..", ".."))
    names = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    searched = {os.path.abspath(name) for name in names if not os.path.isabs(name)}
    if sys.modules["__main__"].__spec__ is not None and not sys.flags.safe_path:
        searched.add(sys.path[0])
    sys.path[:] = [name for name in sys.path if name == program or name not in searched]


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


def escape_what_cannot_be_encoded() -> None:
    """Let a character that a standard stream's encoding lacks be escaped instead of fatal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
