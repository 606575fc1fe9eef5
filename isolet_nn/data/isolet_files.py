"""The files in which ISOLET is found: the package's own, or those in a folder, and their rows.

Compressed files and archives are read in memory, with a bound on what may come out of them, and
nothing in them decides where anything is written.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data import lzw
from isolet_nn.errors import DataError, short_repr
from isolet_nn.system.files import UnreadableFileError, open_file, read_bytes

PARTS = ("isolet1+2+3+4", "isolet5")
N_FEATURES = 617
N_LABELS = 26
N_TRAIN = 6238
N_TEST = 1559
# Features have four decimals: as whole ten-thousandths they fit into 16 bits without loss.
QUANTUM = 10_000

ARCHIVE = "isolet.zip"
SINGLE_FILE = "data.csv"
_SUFFIXES = ("", ".gz", ".Z")
# What is several times as large as ISOLET's is something else: its text has 40 MB, UCI's archive
# 9 MB, and it is 8000 lines of 5 KB.
MAX_BYTES = 100_000_000
_MAX_ARCHIVE_BYTES = 30_000_000
_MAX_LINES = 50_000
_MAX_LINE_BYTES = 50_000
# Rows parsed at a time, which bounds the memory and how much is read again to find an error.
_BLOCK = 512


@dataclass(frozen=True)
class Source:
    """Files that together hold ISOLET: an archive, UCI's single table, or one file a part.

    Without any, it is the data inside the package.
    """

    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return " and ".join(str(path) for path in self.paths) or "comes with isolet-nn"


EMBEDDED = Source(())

# What the standard library raises at damaged zip and gzip files, and our own reader at .Z files.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True, eq=False)
class IsoletRows:
    """The rows of one part, isolet1+2+3+4 or of isolet5.

    Attributes
    ----------
    where
        File (and archive member) the rows come from.
    rows
        (n, 618) int16: features in ten-thousandths, then the label 1 to 26.
    lines
        (n,) line of each row in the file, from 1.
    """

    where: str
    rows: NDArray[np.int16]
    lines: NDArray[np.int64]


def find(folder: Path) -> Source | None:
    """The files of ISOLET in a folder; uncompressed ones first, then the archive, then data.csv."""
    pair = [_first_file(folder, part) for part in PARTS]
    if pair[0] is not None and pair[1] is not None:
        return Source((pair[0], pair[1]))
    for name in (ARCHIVE, SINGLE_FILE):
        if (folder / name).is_file():
            return Source((folder / name,))
    return None


def what_is_missing(folder: Path) -> str:
    """Why :func:`find` found nothing in `folder`, and what it looked for."""
    wanted = (
        f"{ARCHIVE}, or {PARTS[0]}.data and {PARTS[1]}.data (as they are, .gz or .Z), "
        f"or UCI's {SINGLE_FILE}"
    )
    if not folder.exists():
        return f"{folder}: no such folder; it should hold {wanted}"
    if not folder.is_dir():
        return f"{folder}: is a file; give the folder that holds {wanted}"
    there = [path.name for part in PARTS if (path := _first_file(folder, part))]
    found = f"found only {there[0]}" if there else "found no ISOLET data"
    return f"{folder}: {found}; looked for {wanted}"


def read(source: Source) -> tuple[IsoletRows, IsoletRows]:
    """Read the training and the test part.

    Raises
    ------
    DataError
        If a file is damaged, or a line in it malformed: names file, line and value.
    """
    if source == EMBEDDED:
        return _read_embedded()
    if len(source.paths) == 2:
        texts = [(str(path), _read_file(path)) for path in source.paths]
    elif source.paths[0].name == SINGLE_FILE:
        return _read_single(source.paths[0])
    else:
        texts = read_archive(source.paths[0])
    train, test = (parse(_decompress(data, where), where) for where, data in texts)
    return train, test


def _read_embedded() -> tuple[IsoletRows, IsoletRows]:
    """The rows inside the package: little-endian int16, row by row, compressed with xz."""
    stored = resources.files("isolet_nn.data").joinpath("isolet.xz")
    try:
        data = lzma.decompress(stored.read_bytes())
        rows = np.frombuffer(data, "<i2").reshape(N_TRAIN + N_TEST, N_FEATURES + 1)
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise DataError(f"{stored}: {error}; install isolet-nn again") from None
    return _parts(IsoletRows(str(stored), rows.astype(np.int16), np.arange(1, len(rows) + 1)))


def read_archive(path: Path) -> list[tuple[str, bytes]]:
    """Name and content, still compressed, of both parts in UCI's archive, wherever in it they lie.

    Raises
    ------
    DataError
        If it is no zip file, damaged, or lacks a part.
    """
    try:
        with open_file(path, _MAX_ARCHIVE_BYTES) as file, zipfile.ZipFile(file) as archive:
            return [_read_member(archive, path, part) for part in PARTS]
    except UnreadableFileError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (RuntimeError, NotImplementedError) as error:
        # An encrypted member, or a compression this Python does not know.
        raise DataError(f"{path}: cannot be read: {error}") from None
    except _DAMAGES as error:
        raise DataError(f"{path}: damaged, or no zip archive: {error}") from None


def _first_file(folder: Path, part: str) -> Path | None:
    paths = (folder / f"{part}.data{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _read_file(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _read_member(archive: zipfile.ZipFile, path: Path, part: str) -> tuple[str, bytes]:
    members = {
        PurePosixPath(info.filename.replace("\\", "/")).name: info
        for info in reversed(archive.infolist())
        if not info.is_dir()
    }
    names = [f"{part}.data{suffix}" for suffix in _SUFFIXES]
    info = next((members[name] for name in names if name in members), None)
    if info is None:
        listing = ", ".join(map(short_repr, archive.namelist()[:8])) or "nothing"
        raise DataError(f"{path}: no member {', '.join(names)}; found {listing}")
    where = f"{path}({PurePosixPath(info.filename).name})"
    if info.file_size > MAX_BYTES:
        raise DataError(f"{where}: claims {info.file_size:,} bytes, this is not ISOLET")
    with archive.open(info) as member:
        return where, member.read(MAX_BYTES + 1)


def _decompress(data: bytes, where: str) -> bytes:
    """Undo .Z or .gz, recognised by the first bytes, not by the name."""
    try:
        if data.startswith(lzw.MAGIC):
            return lzw.decompress(data, MAX_BYTES)
        if data.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(MAX_BYTES + 1)
    except _DAMAGES as error:
        raise DataError(f"{where}: damaged: {error}") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"{where}: more than {MAX_BYTES:,} bytes, this is not ISOLET")
    return data


def _read_single(path: Path) -> tuple[IsoletRows, IsoletRows]:
    """UCI's data.csv: a line of column names, then all rows, the test part last."""
    return _parts(parse(_decompress(_read_file(path), str(path)), str(path), header=True))


def _parts(whole: IsoletRows) -> tuple[IsoletRows, IsoletRows]:
    """Training and test part of all rows, the test part last."""
    return (
        IsoletRows(whole.where, whole.rows[:N_TRAIN], whole.lines[:N_TRAIN]),
        IsoletRows(whole.where, whole.rows[N_TRAIN:], whole.lines[N_TRAIN:]),
    )


def parse(text: bytes, where: str, header: bool = False) -> IsoletRows:
    """Parse lines of 617 features and a label.

    Parameters
    ----------
    text
        Content of a file: numbers separated by commas and any blank space.
    where
        What to call the file in messages.
    header
        Whether the first line may hold column names.

    Raises
    ------
    DataError
        At the first line that is malformed, with its number and the value.
    """
    lines = _split_lines(text, where)
    numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
    if header and numbers and not _is_number(lines[numbers[0] - 1].split(b",")[0].decode("latin1")):
        numbers = numbers[1:]
    if not numbers:
        raise DataError(f"{where}: holds no rows")
    blocks = [
        _parse_block(lines, numbers[start : start + _BLOCK], where)
        for start in range(0, len(numbers), _BLOCK)
    ]
    return IsoletRows(where, np.concatenate(blocks), np.array(numbers))


def _split_lines(text: bytes, where: str) -> list[bytes]:
    # Counted before a list is made of them, which takes fifty times a short line's memory.
    if text.count(b"\n") + text.count(b"\r") > 2 * _MAX_LINES:
        raise DataError(f"{where}: more than {_MAX_LINES:,} lines, this is not ISOLET")
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > _MAX_LINE_BYTES:
            raise DataError(
                f"{where}:{number}: a line of {len(line):,} characters, this is not ISOLET"
            )
    return lines


def _parse_block(lines: list[bytes], numbers: list[int], where: str) -> NDArray[np.int16]:
    """The rows in lines `numbers` (from 1), as :class:`IsoletRows` has them."""
    rows = [lines[number - 1] for number in numbers]
    try:
        values = np.loadtxt(rows, delimiter=",", comments=None, ndmin=2, encoding="latin1")
        quantised = _quantise(values)
    except ValueError:
        quantised = None
    if quantised is None:
        # Something is wrong; this pass is slow, and says what.
        checked = [_parse_line(row, f"{where}:{n}") for row, n in zip(rows, numbers, strict=True)]
        quantised = np.array(checked, dtype=np.int16)
    return quantised


def _quantise(values: NDArray[np.float64]) -> NDArray[np.int16] | None:
    """(n, 618) numbers as they are kept, or None if any of them is not as ISOLET's are."""
    if values.shape[1] != N_FEATURES + 1:
        return None
    labels = values[:, -1]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not good
        scaled = values[:, :-1] * QUANTUM
        rounded = np.rint(scaled)
        # Comparisons with NaN are false, so that NaN fails each of these.
        good = (
            np.all(np.abs(rounded) <= QUANTUM)
            and np.all(np.abs(scaled - rounded) < 1e-6)
            and np.all(labels == np.rint(labels))
            and np.all((labels >= 1) & (labels <= N_LABELS))
        )
    if not good:
        return None
    return np.column_stack([rounded.astype(np.int16), labels.astype(np.int16)])


def _parse_line(line: bytes, where: str) -> list[int]:
    cells = [cell.strip() for cell in line.decode("latin1").split(",")]
    if len(cells) != N_FEATURES + 1:
        raise DataError(
            f"{where}: found {len(cells)} values, expected {N_FEATURES} features and a label"
        )
    row = []
    for column, cell in enumerate(cells[:-1], 1):
        value = float(cell) * QUANTUM if _is_number(cell) else np.nan
        if not (abs(value) <= QUANTUM and abs(value - round(value)) < 1e-6):
            raise DataError(
                f"{where}: value {column}: found {cell[:40]!r}, expected a number in [-1, 1] with "
                "up to four decimals"
            )
        row.append(round(value))
    label = float(cells[-1]) if _is_number(cells[-1]) else np.nan
    if label not in range(1, N_LABELS + 1):
        raise DataError(
            f"{where}: label: found {cells[-1][:40]!r}, expected a whole number from 1 (A) to "
            f"{N_LABELS} (Z)"
        )
    return [*row, int(label)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
