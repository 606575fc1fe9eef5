"""Text that holds a table: opened, decoded and divided into cells, all within bounds.

A text is read in pieces of whole lines, each divided at once (`csv_pieces`). What cannot be, such
as a quotation mark within a cell, is read line by line from there on.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import hashlib
import io
import os
import select
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from isolet_nn.errors import DataError
from isolet_nn.system.files import open_file

STANDARD_INPUT = "standard input"

_GZIP = b"\x1f\x8b"
_SAVE = "save it as a CSV file (or .csv.gz)"
_NO_TEXT = {
    b"PK\x03\x04": ("a zip archive or an Excel workbook", _SAVE),
    b"\x1f\x9d": ("compressed (.Z)", _SAVE),
    b"BZh": ("compressed (bzip2)", _SAVE),
    b"\xfd7zXZ": ("compressed (xz)", _SAVE),
    b"\x28\xb5\x2f\xfd": ("compressed (zstandard)", _SAVE),
    b"PAR1": ("a Parquet file", "give it a name that ends with .parquet"),
    b"\x89HDF": ("an HDF5 file", _SAVE),
    b"\x93NUMPY": ("a NumPy array", _SAVE),
}
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
# Encodings in which a byte below 128 is that character, and none else holds such a byte.
_LINEWISE = ("utf-8", "ascii", "iso8859", "cp125")

MAX_TEXT = 1 << 33
"""What a whole table may hold bounds the time that a small archive can ask for."""
_MAX_LINE = 1 << 24
_MAX_LINES = 100_000_000
_PIECE = 1 << 20
_SILENCE = 0.02
"""So many seconds nobody notices, but a program that writes a table does not need between rows."""
_BEGINNING = 1 << 16
_LINE_FEED = ord("\n")


@dataclass
class Text:
    """A text that is read once, from its beginning.

    Attributes
    ----------
    where
        What messages call it.
    file
        Its bytes, decompressed.
    encoding
        How its characters are written.
    is_stream
        Whether it may come bit by bit, so that somebody waits for the answer to each.
    is_bounded
        Whether it is refused if it is larger than a table in memory can be.
    on_disk, length
        The bytes as they are stored, and their number; None and 0 of a stream.
    line, size
        Number of lines and bytes that were read.
    """

    where: str
    file: io.BufferedReader
    encoding: str
    is_stream: bool = False
    is_bounded: bool = True
    on_disk: io.BufferedReader | None = None
    length: int = 0
    line: int = 0
    size: int = 0

    @property
    def share(self) -> float | None:
        """How much of the file was read, 0 to 1; None of a stream."""
        return self.on_disk.tell() / self.length if self.on_disk and self.length else None

    @property
    def is_linewise(self) -> bool:
        """Whether bytes can be divided into lines before they are decoded."""
        first = self.file.peek(_BEGINNING)[:_BEGINNING].removesuffix(b"\r")
        name = codecs.lookup(self.encoding).name
        return name.startswith(_LINEWISE) and first.count(b"\r") == first.count(b"\r\n")

    def lines(self) -> Iterator[str]:
        """The lines, decoded one by one; not those of a piece."""
        for line in iter(lambda: self.file.readline(_MAX_LINE + 1), b""):
            self._count(line, 1)
            yield self.decode(line, self.line)

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """The lines in pieces, and how many; they are counted when the next one is asked for."""
        read = self._arrived if self.is_stream else self.file.read
        for piece in iter(lambda: read(_PIECE), b""):
            if not piece.endswith(b"\n"):
                piece += self.file.readline(_MAX_LINE + 1)
            lines = lines_in(piece)
            yield piece, lines
            self._count(piece, lines)

    def _arrived(self, size: int) -> bytes:
        """About as many bytes, or fewer where a stream falls silent; none at its end."""
        chunks = [self.file.read1(size)]
        while chunks[-1] and sum(map(len, chunks)) < size and _goes_on(self.file):
            chunks.append(self.file.read1(size))
        return b"".join(chunks)

    def rest(self, piece: bytes = b"") -> Iterator[str]:
        """All lines from a piece on, divided after they were decoded."""
        source = _Chain(piece, self.file, self.line)
        encoding = "utf-8" if self.encoding == "utf-8-sig" and self.line else self.encoding
        with io.TextIOWrapper(cast(IO[bytes], source), encoding=encoding, newline="") as text:
            try:
                for line in iter(lambda: text.readline(_MAX_LINE + 1), ""):
                    self._count(line, 1)
                    yield line
            except UnicodeError as error:
                raise self._not_text(error, source.line) from None

    def decode(self, piece: bytes, first_line: int) -> str:
        """A piece that begins with the line of a number as characters."""
        encoding = "utf-8" if self.encoding == "utf-8-sig" and first_line > 1 else self.encoding
        try:
            return piece.decode(encoding)
        except UnicodeError as error:
            raise self._not_text(error, first_line) from None

    def _not_text(self, error: UnicodeError, first_line: int) -> DataError:
        """Say which line is not in the encoding, where lines can be told without decoding them."""
        at, found = "", f": {error}"
        is_wide = "16" in self.encoding or "32" in self.encoding
        if isinstance(error, UnicodeDecodeError) and not is_wide:
            line = first_line + error.object.count(b"\n", 0, error.start)
            at = f":{line}"
            found = f": found byte {error.object[error.start]:#04x}"
        return DataError(
            f"{self.where}{at}: not {self.encoding.removesuffix('-sig')} text{found}; name its "
            "encoding as dataset.encoding, for instance cp1252 (Windows) or utf-16"
        )

    def _count(self, text: str | bytes, lines: int) -> None:
        """Count what was read, within bounds."""
        self.line += lines
        self.size += len(text)
        if len(text) > _MAX_LINE:
            raise DataError(
                f"{self.where}:{self.line}: a line of more than {_MAX_LINE:,} characters"
            )
        if self.is_bounded and (self.size > MAX_TEXT or self.line > _MAX_LINES):
            raise DataError(
                f"{self.where}: holds more than {MAX_TEXT:,} characters or {_MAX_LINES:,} lines, "
                "the most that is read"
            )
        zero = "\0" if isinstance(text, str) else b"\0"
        if zero in text:  # type: ignore[operator]
            raise DataError(
                f"{self.where}:{self.line}: found a zero byte, which no text has; the file is "
                "damaged, or in another encoding (dataset.encoding: utf-16?)"
            )


def _goes_on(stream: io.BufferedReader) -> bool:
    """Whether more comes from a stream at once, as far as the operating system tells."""
    try:
        return bool(select.select([stream], [], [], _SILENCE)[0])
    except (OSError, ValueError):  # no file of the system's, or Windows, which asks only sockets
        return False


def lines_in(piece: bytes) -> int:
    """Number of line feeds; `bytes.count` takes several times as long."""
    return int(np.count_nonzero(np.frombuffer(piece, np.uint8) == _LINE_FEED))


class _Chain(io.BufferedIOBase):
    """A piece, and the rest of the file that it was taken from."""

    def __init__(self, piece: bytes, file: io.BufferedReader, line: int) -> None:
        self.piece, self.file = piece, file
        self.line = self.end = line + 1
        """Number of the line that what was read last begins in, and of that it ends in."""

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        chunk, self.piece = self.piece, b""
        chunk = chunk or self.file.read1(size)
        self.line, self.end = self.end, self.end + chunk.count(b"\n")
        return chunk


@contextlib.contextmanager
def open_text(
    source: Path | IO[bytes], encoding: str, *, is_bounded: bool = True
) -> Iterator[Text]:
    """Open a text file or stream, or gzip of one; its own mark of an encoding goes before another.

    Raises
    ------
    DataError
        If it is missing, no text, or not text in this encoding, also while it is read.
    """
    where = str(source) if isinstance(source, Path) else STANDARD_INPUT
    with contextlib.ExitStack() as stack, reading(where):
        if isinstance(source, Path):
            source = stack.enter_context(open_file(source, MAX_TEXT if is_bounded else 1 << 62))
            is_stream, length = False, os.fstat(source.fileno()).st_size
        else:
            is_stream, length = True, 0
        file = _buffered(source)
        on_disk = None if is_stream else file
        if file.peek(2).startswith(_GZIP):
            unzipped = stack.enter_context(gzip.GzipFile(fileobj=file))
            file, is_stream = io.BufferedReader(cast(Any, unzipped), _PIECE), False
        first = file.peek(6)
        for magic, (kind, remedy) in _NO_TEXT.items():
            if first.startswith(magic):
                raise DataError(f"{where}: is {kind}, expected text; {remedy}")
        told = (name for mark, name in _BYTE_ORDER_MARKS.items() if first.startswith(mark))
        yield Text(where, file, next(told, encoding), is_stream, is_bounded, on_disk, length)


@contextlib.contextmanager
def reading(where: str) -> Iterator[None]:
    """Say of a file that the operating system, or what decompresses it, cannot read it."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{where}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{where}: cannot be read: {reason}") from None


def _buffered(file: IO[bytes]) -> io.BufferedReader:
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(Any, file))


def rows_of(
    where: str, lines: Iterable[str], delimiter: str, before: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Number of the (last) line and cells of every row that is not blank.

    `before` is the number of lines before the first.
    """
    blanks = delimiter == " "  # several of them divide as one does
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=not blanks, strict=True)
    begun = 1
    try:
        for cells in reader:
            if blanks:
                cells = [cell for cell in cells if cell]
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield before + reader.line_num, cells
            begun = reader.line_num + 1
    except csv.Error as error:
        hint = ""
        if reader.line_num > begun or "unexpected end" in str(error):
            hint = f"; is a quotation mark that opens in line {before + begun} never closed?"
        raise DataError(f"{where}:{before + reader.line_num}: {error}{hint}") from None


def file_checksum(key: str, path: Path) -> str:
    """SHA-256 of a file, named by a key of the config; raises DataError if it cannot be read."""
    try:
        with open_file(path, MAX_TEXT) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except FileNotFoundError:
        raise DataError(f"{key}: {path}: no such file") from None
    except OSError as error:
        raise DataError(f"{key}: {path}: cannot be read: {error.strerror}") from None
