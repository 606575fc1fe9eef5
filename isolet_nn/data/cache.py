"""Parsed arrays are kept on disk and memory-mapped on the next start, so that parsing runs once.

An entry is used only if its sources are unchanged and its bytes are those that were written;
anything else is rebuilt, and a cache folder that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.system.files import open_file, read_text, write_array, write_text

CACHE_VARIABLE = "ISOLET_NN_CACHE_DIR"

# Part of every entry; raised when the meaning of what is kept changes.
_FORMAT = 3
_LOCK_SECONDS = 600.0


@dataclass(frozen=True, eq=False)
class ParsedData:
    """Arrays by name, and facts about them that JSON can hold."""

    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]
    checksums: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each array's bytes, in C order; filled in when they are kept."""

    @property
    def checksum(self) -> str:
        """SHA-256 over all arrays and facts."""
        return _digest(json.dumps([self.checksums, self.facts], sort_keys=True))


def cache_folder() -> Path:
    """The user's cache folder of this package, or the one ISOLET_NN_CACHE_DIR names."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("isolet-nn", appauthor=False)


def file_state(path: Path) -> list[Any]:
    """What changes when a file does: its place, size and time of modification."""
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]


def get_or_build(
    name: str,
    identity: Any,
    state: Any,
    build: Callable[[], ParsedData],
    folder: Path | None = None,
) -> ParsedData:
    """Take parsed data from the cache, or build and keep it.

    Parameters
    ----------
    name
        Name of the data set, for people who look into the folder.
    identity
        What is asked for (JSON values). There is one entry for each.
    state
        The sources' state (JSON values); an entry built from another state is rebuilt.
    build
        Parses the sources. Runs once when several processes ask at the same time.
    folder
        Where entries lie; by default ``arrays`` in the cache folder.

    Returns
    -------
    ParsedData
        With read-only, memory-mapped arrays if it comes from the disk.
    """
    folder = cache_folder() / "arrays" if folder is None else folder
    stem = f"{name}-{_digest(json.dumps(identity))[:16]}"
    parsed = _load(folder, stem, state)
    if parsed is not None:
        return parsed
    with lock(folder / f"{stem}.lock"):
        parsed = _load(folder, stem, state)  # another process may have built it meanwhile
        if parsed is None:
            parsed = with_checksums(build())
            # Not being able to keep it (read-only folder, full disk) costs time, nothing else.
            with contextlib.suppress(OSError):
                parsed = _store(folder, stem, state, parsed)
    return parsed


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file; where locks do not work or one is held for ages, go on without."""
    import filelock

    held = filelock.FileLock(path, timeout=_LOCK_SECONDS)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, NotImplementedError, filelock.Timeout):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held)
        yield


def with_checksums(parsed: ParsedData) -> ParsedData:
    """The same data with contiguous arrays and their checksums filled in."""
    arrays = {name: np.ascontiguousarray(array) for name, array in parsed.arrays.items()}
    checksums = {name: checksum(array) for name, array in arrays.items()}
    return ParsedData(arrays, parsed.facts, checksums)


def checksum(array: NDArray[Any]) -> str:
    """SHA-256 of the bytes of a C-contiguous array."""
    return hashlib.sha256(array.reshape(-1).view(np.uint8).data).hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def release(array: NDArray[Any]) -> None:
    """Let go of the memory of an array that is mapped; what is asked for again comes from the file.

    Without it the pages of a file count as the process's own as long as it lives.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if sys.platform != "win32" and isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


def _store(folder: Path, stem: str, state: Any, parsed: ParsedData) -> ParsedData:
    """Keep it; what is returned is mapped, so that the memory of `parsed` can go."""
    for name, array in parsed.arrays.items():
        write_array(folder / f"{stem}.{name}.npy", array)
    body = json.dumps(
        {"format": _FORMAT, "state": state, "facts": parsed.facts, "checksums": parsed.checksums}
    )
    # Its own digest in the first line shows damage to the facts; written last, it ends the entry.
    write_text(folder / f"{stem}.json", f"{_digest(body)}\n{body}\n")
    arrays = {name: _map_array(folder / f"{stem}.{name}.npy") for name in parsed.arrays}
    return ParsedData(arrays, parsed.facts, parsed.checksums)


def _load(folder: Path, stem: str, state: Any) -> ParsedData | None:
    """What is kept, or None if it is missing, stale or damaged in any way."""
    try:
        digest, body = read_text(folder / f"{stem}.json").splitlines()
        if digest != _digest(body):
            return None
        record: Mapping[str, Any] = json.loads(body)
        if record["format"] != _FORMAT or record["state"] != state:
            return None
        arrays = {name: _map_array(folder / f"{stem}.{name}.npy") for name in record["checksums"]}
        # 10 ms for ISOLET's 10 MB, against results from bits that flipped on the disk.
        if any(checksum(array) != record["checksums"][name] for name, array in arrays.items()):
            return None
        for array in arrays.values():
            release(array)
    except Exception:  # the damaged header of a .npy file fails in a dozen ways
        return None
    return ParsedData(arrays, record["facts"], record["checksums"])


def _map_array(path: Path) -> NDArray[Any]:
    open_file(path).close()
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
