"""Text files that hold a table: opened, decoded and divided into cells, all within bounds."""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from isolet_nn.errors import DataError
from isolet_nn.system.files import open_file

_GZIP = b"\x1f\x8b"
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x9d": "compressed (.Z)",
    b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ": "compressed (xz)",
    b"\x28\xb5\x2f\xfd": "compressed (zstandard)",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
}
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}

# What a table may hold bounds the time and memory that a small archive can ask for.
MAX_TEXT = 1 << 30
_MAX_LINE = 1 << 24
_MAX_LINES = 10_000_000


@contextlib.contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a text file, or a .gz of one; its own mark of an encoding goes before `encoding`.

    Raises
    ------
    DataError
        If it is missing, no text, or not text in this encoding, also while it is read.
    """
    try:
        encoding = _encoding_of(path, encoding)
        with io.TextIOWrapper(_open_binary(path), encoding=encoding, newline="") as file:
            try:
                yield file
            except UnicodeError as error:
                raise DataError(_not_text(path, encoding, error)) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason}") from None


def _open_binary(path: Path) -> IO[bytes]:
    """Open a file, decompressing .gz (told by its first bytes)."""
    file = open_file(path, MAX_TEXT)
    if file.read(2) == _GZIP:
        file.close()
        return cast(IO[bytes], gzip.open(path))
    file.seek(0)
    return file


def _encoding_of(path: Path, given: str) -> str:
    """The encoding that a file's first bytes tell, else the given one.

    Raises
    ------
    DataError
        If they tell that it is no text.
    """
    with _open_binary(path) as file:
        first = file.read(6)
    for magic, kind in _NO_TEXT.items():
        if first.startswith(magic):
            raise DataError(f"{path}: is {kind}, expected text; save it as a CSV file (or .csv.gz)")
    told = (name for mark, name in _BYTE_ORDER_MARKS.items() if first.startswith(mark))
    return next(told, given)


def _not_text(path: Path, encoding: str, error: UnicodeError) -> str:
    """Say which line is not in the encoding, where lines can be told without decoding them."""
    remedy = "name its encoding as dataset.encoding, for instance cp1252 (Windows) or utf-16"
    if "16" in encoding or "32" in encoding:
        return f"{path}: not {encoding} text: {error}; {remedy}"
    with _open_binary(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as bad:
                found = f"{bad.object[bad.start]:#04x}"
                return f"{path}:{number}: not {encoding} text: found byte {found}; {remedy}"
    return f"{path}: not {encoding} text: {error}; {remedy}"


def rows_of(path: Path, file: IO[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the (last) line and cells of every row that is not blank."""
    blanks = delimiter == " "  # several of them divide as one does
    reader = csv.reader(
        _lines(path, file), delimiter=delimiter, skipinitialspace=not blanks, strict=True
    )
    begun = 1
    try:
        for cells in reader:
            if blanks:
                cells = [cell for cell in cells if cell]
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield reader.line_num, cells
            begun = reader.line_num + 1
    except csv.Error as error:
        hint = ""
        if reader.line_num > begun or "unexpected end" in str(error):
            hint = f"; is a quotation mark that opens in line {begun} never closed?"
        raise DataError(f"{path}:{reader.line_num}: {error}{hint}") from None


def _lines(path: Path, file: IO[str]) -> Iterator[str]:
    """The lines of a text, within bounds."""
    size = 0
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE + 1), ""), 1):
        size += len(line)
        if len(line) > _MAX_LINE:
            raise DataError(f"{path}:{number}: a line of more than {_MAX_LINE:,} characters")
        if size > MAX_TEXT or number > _MAX_LINES:
            raise DataError(
                f"{path}: holds more than {MAX_TEXT:,} characters or {_MAX_LINES:,} lines, the "
                "most that is read"
            )
        if "\0" in line:
            raise DataError(
                f"{path}:{number}: found a zero byte, which no text has; the file is damaged, or "
                "in another encoding (dataset.encoding: utf-16?)"
            )
        yield line


def file_checksum(key: str, path: Path) -> str:
    """SHA-256 of a file, named by a key of the config; raises DataError if it cannot be read."""
    try:
        with open_file(path, MAX_TEXT) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except FileNotFoundError:
        raise DataError(f"{key}: {path}: no such file") from None
    except OSError as error:
        raise DataError(f"{key}: {path}: cannot be read: {error.strerror}") from None
