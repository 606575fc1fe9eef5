"""The first lines of the command, before anything is imported that takes time.

From here on Ctrl-C ends the program without a traceback, and Python files in the current folder
are not taken for the libraries that they are named after. So nothing but what every interpreter
has loaded already is imported above.
"""

import _signal  # what `signal` is made of
import os
import sys

INTERRUPTED = 130
"""Exit code after SIGINT or SIGTERM, as shells have it."""


def main() -> None:
    """Run the command line."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, end_at_once)
    leave_current_folder()
    from isolet_nn.cli import main as run
    from isolet_nn.interrupts import ignore_interrupts

    try:
        run()
    finally:
        ignore_interrupts()


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
    program = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    names = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    searched = {os.path.abspath(name) for name in names if not os.path.isabs(name)}
    if sys.modules["__main__"].__spec__ is not None and not sys.flags.safe_path:
        searched.add(sys.path[0])
    sys.path[:] = [name for name in sys.path if name == program or name not in searched]
