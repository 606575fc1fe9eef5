"""What a program does before it imports anything that takes time.

So nothing but what every interpreter has loaded already is imported here.
"""

import os
import sys

INTERRUPTED_CODE = 130
"""Exit code after SIGINT or SIGTERM, as shells have it."""


def end_at_once(_number: int, _frame: object) -> None:
    """End while there is nothing to be saved (a signal handler)."""
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(INTERRUPTED_CODE)


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
