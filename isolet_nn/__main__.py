"""The command ``isolet-nn``, also as ``python -m isolet_nn``.

From its first lines on Ctrl-C ends the program without a traceback, and Python files in the current
folder are not taken for the libraries that they are named after.
"""

import _signal  # what `signal` is made of; loaded by every interpreter

from isolet_nn.system.start import end_at_once, leave_current_folder


def main() -> None:
    """Run the command line."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, end_at_once)
    leave_current_folder()
    from isolet_nn.cli.app import main as run
    from isolet_nn.system.interrupts import ignore_interrupts

    try:
        run()
    finally:
        ignore_interrupts()


if __name__ == "__main__":
    main()
