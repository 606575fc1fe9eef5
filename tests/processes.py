"""Processes that end with the test that started them."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any, AnyStr


class Process(subprocess.Popen[AnyStr]):
    """A process that a test that has failed kills, instead of waiting for its end.

    With ``start_new_session`` what it has started is killed with it.
    """

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        if kind is not None:
            with suppress(ProcessLookupError):
                leads_group = os.getpgid(self.pid) == self.pid
                (os.killpg if leads_group else os.kill)(self.pid, signal.SIGKILL)
        super().__exit__(kind, value, traceback)
