"""The machine and the process: cores, memory, versions, processor and command line."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isolet_nn.version import __version__

_PACKAGES = ("numpy", "scikit-learn", "scipy", "safetensors", "pydantic", "matplotlib")


def has_torch() -> bool:
    """Whether PyTorch is installed; does not import it."""
    return find_spec("torch") is not None


def has_jax() -> bool:
    """Whether JAX is installed; does not import it."""
    return find_spec("jax") is not None


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def machine_memory() -> int:
    """Bytes of memory that this process can have: the machine's, or its container's if fewer.

    `sys.maxsize` where the system does not tell.
    """
    limits = [sys.maxsize]
    if sys.platform == "win32":
        import ctypes

        class Status(ctypes.Structure):
            _fields_ = (
                ("length", ctypes.c_ulong),
                ("load", ctypes.c_ulong),
                ("total", ctypes.c_ulonglong),
                ("others", ctypes.c_ulonglong * 6),
            )

        status = Status(length=ctypes.sizeof(Status))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        limits.append(int(status.total))
    else:
        with contextlib.suppress(ValueError, OSError):  # a name that this system does not know
            limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _CONTAINER_LIMITS:
        with contextlib.suppress(ValueError, OSError):  # not there, or "max"
            limits.append(int(path.read_text(encoding="ascii")))
    return min(limit for limit in limits if limit > 0)


def _process_status() -> bytes:
    """What Linux says of this process; nothing elsewhere."""
    try:
        return Path("/proc/self/status").read_bytes()
    except OSError:
        return b""


def peak_memory_bytes() -> int:
    """Largest memory of this process so far."""
    if sys.platform == "win32":
        import ctypes

        class Counters(ctypes.Structure):
            _fields_ = (
                ("size", ctypes.c_ulong),
                ("page_faults", ctypes.c_ulong),
                ("peak", ctypes.c_size_t),
                ("others", ctypes.c_size_t * 7),
            )

        kernel, counters = ctypes.windll.kernel32, Counters(size=ctypes.sizeof(Counters))
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        process = ctypes.c_void_p(kernel.GetCurrentProcess())
        kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size)
        return int(counters.peak)
    else:  # noqa: RET505
        import resource

        # Linux counts what the parent had in a process that it forks, but for this line.
        if found := re.search(rb"^VmHWM:\s*(\d+) kB", _process_status(), re.MULTILINE):
            return 1024 * int(found[1])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak


def describe_process(*more_packages: str) -> dict[str, Any]:
    """Describe versions, machine, linear algebra and command line of this process."""
    return {
        "isolet_nn": __version__,
        "git": _git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "packages": {name: _version(name) for name in (*_PACKAGES, *more_packages)},
        "linear_algebra": linear_algebra(),
        "command_line": sys.argv,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    """What the processor calls itself."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def linear_algebra() -> list[dict[str, Any]]:
    """The libraries of linear algebra that this process has loaded."""
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "architecture", "num_threads")
    return [{key: library.get(key) for key in keys} for library in threadpool_info()]


def _git_commit() -> dict[str, Any] | None:
    """Commit of the checkout the package runs from; None where it is installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "--no-optional-locks", "-C", str(root)]
    command += ["status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        status = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = status.stdout.splitlines()
    commits = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    return {
        "commit": commits[0] if commits else None,
        "modified": any(not line.startswith("#") for line in lines),
    }
