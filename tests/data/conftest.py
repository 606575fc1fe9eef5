"""What the tests of the data sets share: ISOLET as files, pieces of it, caches of their own."""

from __future__ import annotations

import functools
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from isolet_nn.config.datasets import IsoletDataset
from isolet_nn.config.holdouts import SpeakerFold, SpeakerHoldout
from isolet_nn.data import RawDataset, isolet_files, load_raw

TRAIN, TEST = isolet_files.PARTS


@dataclass(frozen=True)
class Isolet:
    """The archive's two files, line by line, and a folder that holds them."""

    folder: Path
    train: list[bytes]
    test: list[bytes]


@pytest.fixture(scope="session")
def isolet(tmp_path_factory: pytest.TempPathFactory) -> Isolet:
    folder = tmp_path_factory.mktemp("isolet")
    train, test = (_lines(part.rows) for part in isolet_files.read(isolet_files.EMBEDDED))
    for name, lines in ((TRAIN, train), (TEST, test)):
        (folder / f"{name}.data").write_bytes(b"".join(lines))
    return Isolet(folder, train, test)


def _lines(rows: NDArray[np.int16]) -> list[bytes]:
    """The rows as the archive writes them: ``-0.2080, 0.3480, ..., 1.``."""
    decimals = {value: f"{value / 10_000:.4f}, " for value in range(-10_000, 10_001)}
    return [
        f"{''.join(map(decimals.__getitem__, row[:-1]))}{row[-1]}.\n".encode()
        for row in rows.tolist()
    ]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache folder, and no data folder named in the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ISOLET_NN_CACHE_DIR", str(folder))
    monkeypatch.delenv("ISOLET_NN_DATA_DIR", raising=False)
    return folder


@pytest.fixture
def warm_cache(
    own_cache: Path, cache_of_the_session: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The session's cache folder, so that real ISOLET is parsed once for all of these tests."""
    monkeypatch.setenv("ISOLET_NN_CACHE_DIR", str(cache_of_the_session))
    return cache_of_the_session


@pytest.fixture
def small(isolet: Isolet, tmp_path: Path) -> Path:
    """A folder with the first 104 training rows and 52 test rows of ISOLET."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / f"{TRAIN}.data").write_bytes(b"".join(isolet.train[:104]))
    (folder / f"{TEST}.data").write_bytes(b"".join(isolet.test[:52]))
    return folder


class _Codes:
    """Codes packed as compress packs them: a width holds for a multiple of 8 codes."""

    def __init__(self, max_bits: int) -> None:
        self.max_bits, self.width, self.since_clear = max_bits, 9, 0
        self.group: list[int] = []
        self.packed = bytearray([0x1F, 0x9D, 0x80 | max_bits])

    def add(self, code: int) -> None:
        # The reader's table has 257 entries, and one more after each code but the first.
        if 256 + max(self.since_clear, 1) >= 1 << self.width and self.width < self.max_bits:
            self.end_group()
            self.width += 1
        self.group.append(code)
        self.since_clear += 1

    def clear(self) -> None:
        self.add(256)
        self.end_group()
        self.width, self.since_clear = 9, 0

    def end_group(self, pad: bool = True) -> None:
        codes = self.group + [0] * (-len(self.group) % 8 if pad else 0)
        number = sum(code << (self.width * i) for i, code in enumerate(codes))
        self.packed += number.to_bytes(-(-len(codes) * self.width // 8), "little")
        self.group = []


@functools.lru_cache
def compress_z(data: bytes, max_bits: int = 16, clear_every: int = 0) -> bytes:
    """What the program compress could have written; clears its table every so many codes."""
    codes = _Codes(max_bits)
    fresh = {bytes([value]): value for value in range(256)}
    table, string = dict(fresh), b""
    for position in range(len(data)):
        byte = data[position : position + 1]
        if string + byte in table:
            string += byte
            continue
        codes.add(table[string])
        if len(table) + 1 < 1 << max_bits:
            table[string + byte] = len(table) + 1
        string = byte
        if codes.since_clear == clear_every:
            codes.clear()
            table = dict(fresh)
    if string:
        codes.add(table[string])
    codes.end_group(pad=False)
    return bytes(codes.packed)


def compressed(text: bytes, suffix: str) -> bytes:
    """The content of a file with this suffix."""
    if suffix == ".gz":
        return gzip.compress(text)
    return compress_z(text) if suffix == ".Z" else text


def config(
    folder: Path | None, verify: bool = True, validation: SpeakerHoldout | SpeakerFold | None = None
) -> IsoletDataset:
    return IsoletDataset(
        name="isolet",
        dir=None if folder is None else str(folder),
        verify=verify,
        validation="none" if validation is None else validation,
    )


@pytest.fixture
def raw(warm_cache: Path) -> RawDataset:
    return load_raw(config(None))


def folder_with(tmp_path: Path, train: list[bytes], test: list[bytes]) -> Path:
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / f"{TRAIN}.data").write_bytes(b"".join(train))
    (folder / f"{TEST}.data").write_bytes(b"".join(test))
    return folder


def changed(line: bytes, column: int, cell: bytes) -> bytes:
    cells = line.strip().split(b", ")
    cells[column] = cell
    return b", ".join(cells) + b"\n"
