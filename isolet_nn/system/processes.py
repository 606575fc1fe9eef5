"""How processes are started: out of reach of Ctrl-C, and of files that happen to lie about.

A new interpreter would search the current folder, and what PYTHONPATH names relative to it, while
it imports what it needs to hear from its parent where it should search.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isolet_nn.errors import ConfigError, counted
from isolet_nn.system.interrupts import held_interrupt, leave_interrupts_to_parent
from isolet_nn.system.machine import available_cores, machine_memory

_PARENT_SECONDS = 0.5
_PROCESS_BYTES = 64 * 1024**2
"""What a worker takes at least: Python, NumPy and this package, without what others share."""


def safe_environment() -> Mapping[str, str]:
    """Variables with which an interpreter finds nothing in the current folder."""
    names = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    absolute = [name for name in names if Path(name).is_absolute()]
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(absolute)}


def require_processes(count: int, key: str) -> None:
    """Refuse to start more processes than this machine's memory can hold.

    Raises
    ------
    ConfigError
        Naming `key`, under which the number was given.
    """
    memory = machine_memory()
    most = max(available_cores(), memory // _PROCESS_BYTES)
    if count > most:
        raise ConfigError(
            f"{key}: found {count}; allowed: at most {most}, for which the memory of this machine "
            f"({memory / 1e9:.1f} GB) has room; it has {counted(available_cores(), 'core')}"
        )


_one_starts = threading.RLock()
"""The environment that processes begin with is this process's, which its threads share."""


@contextmanager
def starting() -> Iterator[None]:
    """Start processes in the block, and what multiprocessing starts along with them."""
    with _one_starts:
        before = dict(os.environ)
        os.environ.update(safe_environment())
        try:
            with _somewhere(), held_interrupt():
                yield
        finally:
            for name in safe_environment():
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]


@contextmanager
def _somewhere() -> Iterator[None]:
    """Stand in a folder that exists: a process begins where its parent stands."""
    try:
        Path.cwd()
        is_removed = False
    except FileNotFoundError:
        is_removed = True
    if sys.platform == "win32" or not is_removed:
        yield
    else:
        removed = os.open(".", os.O_RDONLY)
        os.chdir("/")
        try:
            yield
        finally:
            os.fchdir(removed)
            os.close(removed)


def new_executor(processes: int, **variables: str) -> Any:
    """An executor of processes that end with this one, with more variables for each.

    The first task must be submitted in `starting`: only then are the processes started.
    """
    from joblib.externals.loky import ProcessPoolExecutor

    with starting():  # semaphores are made, and with them a process that will remove them
        return ProcessPoolExecutor(
            processes,
            initializer=_begin,
            initargs=(os.getpid(),),
            env={**safe_environment(), **variables},
        )


def _begin(parent: int) -> None:
    """Leave signals from the terminal to the parent; end when the parent is gone."""
    from joblib.externals.loky import process_executor

    # Else a process that has loaded PyTorch meanwhile would be taken for one that leaks, and ended.
    process_executor._USE_PSUTIL = False
    leave_interrupts_to_parent()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    if sys.platform == "win32":  # where the number of a parent stays what it was
        import _winapi

        handle = _winapi.OpenProcess(_winapi.SYNCHRONIZE, False, parent)
        _winapi.WaitForSingleObject(handle, _winapi.INFINITE)
    else:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
    os._exit(1)
