"""Files are written whole or not at all, and read only if they are files, up to a size.

A file is written under a temporary name in the same folder, flushed to the disk, and renamed.
What a user names may be a pipe that never says anything, or a device without an end: neither is
waited for.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from isolet_nn.errors import whole_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_RECORD_BYTES = 1 << 30
"""Size up to which a file of a run or sweep folder is read; a million epochs have 0.1 GB."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}

_SURROGATE = re.compile("[\ud800-\udfff]")
"""How Python keeps a byte of a path that is not UTF-8; JSON has it as an escape only."""


class UnreadableFileError(OSError):
    """A user named something that is no file, or is larger than any such file can be."""


def open_file(path: Path, limit: int = MAX_RECORD_BYTES) -> IO[bytes]:
    """Open a file for reading, without waiting for one that is none.

    Raises
    ------
    UnreadableFileError
        If it is no regular file, or holds more than `limit` bytes.
    OSError
        If it is missing or may not be read.
    """
    # Without O_NONBLOCK, opening a pipe waits for someone to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except ValueError as error:  # a zero byte in the name
        raise UnreadableFileError(errno.EINVAL, str(error), str(path)) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            reason = f"it is {_kind_of(status)}, not a file"
            raise UnreadableFileError(errno.EINVAL, reason, str(path))
        if status.st_size > limit:
            raise _too_large(path, limit)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Path, limit: int = MAX_RECORD_BYTES) -> bytes:
    """The content of a file; raises as :func:`open_file`."""
    with open_file(path, limit) as file:
        # Room is made before reading, and for the limit that takes several times as long.
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
        if len(content) > size:
            content += file.read(limit + 1 - len(content))
    if len(content) > limit:  # it has grown, or tells no size, as those in /proc
        raise _too_large(path, limit)
    return content


def read_text(path: Path, limit: int = MAX_RECORD_BYTES) -> str:
    """The content of a UTF-8 file, its ends of lines as they are; raises as :func:`open_file`.

    Raises
    ------
    UnicodeDecodeError
        If it is not UTF-8.
    """
    return read_bytes(path, limit).decode()


def _kind_of(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something else")


def why_not_written(path: Path) -> str | None:
    """Why no file can take this place: it is a folder or device itself, or has no folder."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    # A link that leads nowhere, or in a circle, is replaced.
    with contextlib.suppress(OSError):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return f"it is {_kind_of(status)}, not a file"
    return None


def _too_large(path: Path, limit: int) -> OSError:
    message = f"it holds more than {limit:,} bytes, the most that is read"
    return UnreadableFileError(errno.EFBIG, message, str(path))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it replaces `path`, on an error it is removed.

    The temporary name keeps the suffix of `path`, from which some writers tell the format.

    Raises
    ------
    UnreadableFileError
        If `path` is there and is no regular file: replacing a device or a pipe would destroy it.
    """
    if path.parent.is_dir() and (why := why_not_written(path)):
        raise UnreadableFileError(errno.EINVAL, why, str(path))
    prefix = f".{path.stem}-"
    with errors_name(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # Before it is renamed, or a crash could leave the name without the content.
            sync(temporary)
            # A temporary file is its owner's alone; others are to read the one that replaces it.
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


@contextlib.contextmanager
def errors_name(path: Path) -> Iterator[None]:
    """Let an operating system's error say that it happened to `path`; a full disk names no file."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a ``.npy`` file, whole or not at all.

    Given a real file, NumPy writes past Python and cannot tell why it failed, as on a full disk.
    """
    import numpy as np

    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.save(_Writer(file.write), array, allow_pickle=False)


@dataclass(frozen=True)
class _Writer:
    """All that NumPy needs of a file."""

    write: Callable[[bytes], int]


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all; a number that is not finite becomes null."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Indented JSON that ends its last line; a number that is not finite is null."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def parse_json(content: str | bytes) -> Any:
    """Parse JSON as the standard has it, which `json.loads` does not insist on.

    Raises
    ------
    ValueError
        If it is not UTF-8 or not JSON, says NaN or Infinity, has a number beyond those of a
        double, gives a key twice, or nests too deep.
    """
    text = content.decode() if isinstance(content, bytes) else content
    try:
        return _JSON.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"found {text}, which is not JSON")


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"found {text[:20]}, which is beyond the largest number")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {repeated!r} is given twice")
    return content


_JSON = json.JSONDecoder(
    parse_constant=_refuse_constant,
    parse_float=_parse_float,
    parse_int=whole_number,
    object_pairs_hook=_without_repeats,
)


def finite(value: Any) -> Any:
    """Copy JSON-like content with NaN and infinities, which JSON does not know, as None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and value - value != 0.0:
        return None
    return value


def cut_torn_line(path: Path) -> None:
    """Cut off what follows the last end of a line, which is what a crash leaves."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        position = end
        while position > 0:
            start = max(0, position - 4096)
            file.seek(start)
            newline = file.read(position - start).rfind(b"\n")
            if newline >= 0:
                position = start + newline + 1
                break
            position = start
        if position < end:
            file.truncate(position)


def sync(path: Path) -> None:
    """Force a file that may be written to the disk."""
    with path.open("r+b") as file:  # Windows refuses it for a file that is open for reading only
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Force the names in a folder to the disk; Windows does so by itself."""
    if sys.platform != "win32":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
