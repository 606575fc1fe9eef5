"""Damaged tables and archives are refused as data, in bounded time and memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn.config.datasets import CsvDataset, IsoletDataset
from isolet_nn.data import csv_text, isolet_files, load_raw, lzw
from isolet_nn.errors import DataError

from .conftest import compress_z

if os.name == "nt":
    pytest.skip("limits no process", allow_module_level=True)
assert sys.platform != "win32"  # for mypy

TRAIN, TEST = isolet_files.PARTS
SHEET = b'\xef\xbb\xbfx,"y, or z",kind\r\n' + b"".join(
    b'%d.5,"-%de-3",%s\n' % (i, i, [b"cat", b'"d""og"'][i % 2]) for i in range(30)
)
ROW = b", ".join([b"0.1234"] * 617 + [b"1."]) + b"\n"


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """What a bad disk or a broken download makes of a file."""
    places = st.integers(0, len(content) - 1)
    flips = st.lists(st.tuples(places, st.integers(1, 255)), min_size=1, max_size=8)

    def flip(changes: list[tuple[int, int]]) -> bytes:
        flipped = bytearray(content)
        for place, bits in changes:
            flipped[place] ^= bits
        return bytes(flipped)

    return st.one_of(
        places.map(lambda end: content[:end]),
        places.map(lambda begin: content[begin:]),
        flips.map(flip),
        st.tuples(places, st.binary(max_size=40)).map(
            lambda cut: content[: cut[0]] + cut[1] + content[cut[0] :]
        ),
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda random: content[:20] + random),
    )


def zip_of(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"folder/{name}", content)
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples: each replaces the file of the one before."""
    return tmp_path_factory.mktemp("damaged")


@settings(max_examples=300)
@given(content=damaged(SHEET) | damaged(gzip.compress(SHEET, mtime=0)), header=st.booleans())
def test_a_damaged_table_is_read_or_refused(folder: Path, content: bytes, header: bool) -> None:
    (folder / "table.csv").write_bytes(content)
    with contextlib.suppress(DataError):
        load_raw(CsvDataset(name="csv", path=str(folder / "table.csv"), header=header))


@settings(max_examples=100)
@given(content=damaged(SHEET.decode("utf-8-sig").encode("utf-16")))
def test_a_damaged_table_of_wide_characters_is_read_or_refused(
    folder: Path, content: bytes
) -> None:
    (folder / "table.csv").write_bytes(content)
    config = CsvDataset(name="csv", path=str(folder / "table.csv"), encoding="utf-16")
    with contextlib.suppress(DataError):
        load_raw(config)


@settings(max_examples=150)
@given(
    content=damaged(zip_of({f"{TRAIN}.data": ROW, f"{TEST}.data.gz": gzip.compress(ROW, mtime=0)}))
    | damaged(zip_of({f"{TRAIN}.data": ROW, f"{TEST}.data": ROW}, zipfile.ZIP_BZIP2))
    | damaged(zip_of({f"{TRAIN}.data": ROW, f"{TEST}.data": ROW}, zipfile.ZIP_LZMA))
)
def test_a_damaged_archive_is_read_or_refused(folder: Path, content: bytes) -> None:
    (folder / "isolet.zip").write_bytes(content)
    source = isolet_files.find(folder)
    assert source is not None
    with contextlib.suppress(DataError):
        isolet_files.read(source)


@settings(max_examples=150)
@given(content=damaged(gzip.compress(ROW, mtime=0)) | damaged(compress_z(ROW)) | damaged(ROW))
def test_a_damaged_part_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    here = tmp_path_factory.getbasetemp() / "parts"
    here.mkdir(exist_ok=True)
    for part in (TRAIN, TEST):
        (here / f"{part}.data").write_bytes(content)
    source = isolet_files.find(here)
    assert source is not None
    with contextlib.suppress(DataError):
        isolet_files.read(source)


# What is small on the disk and would be large in memory.

MB = 1 << 20
READ = """
import sys
from isolet_nn.config.datasets import CsvDataset, IsoletDataset
from isolet_nn.data import load_raw
from isolet_nn.errors import DataError
kind, path = sys.argv[1:]
config = (
    CsvDataset(name="csv", path=path) if kind == "csv" else IsoletDataset(name="isolet", dir=path)
)
try:
    load_raw(config)
except DataError as error:
    print(error)
"""


def gzip_of(block: bytes, times: int) -> bytes:
    """A small gzip file of large content."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as file:
        for _ in range(times):
            file.write(block)
    return out.getvalue()


def refusal_in_two_gigabytes(kind: str, path: Path) -> str:
    """What a process of its own says to a file, if it needs neither much memory nor much time."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (40, 40))

    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", READ, kind, str(path)],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "times", "message"),
    [
        (b"1" * MB, 200, "a line of more than 16,777,216 characters"),
        (b'"' + b"\n" * (MB - 1), 200, "is a quotation mark that opens in line 1 never closed?"),
    ],
)
def test_a_table_that_swells_is_refused(
    block: bytes, times: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_bytes(gzip_of(block, times))
    assert message in refusal_in_two_gigabytes("csv", tmp_path / "table.csv")


@pytest.mark.parametrize("bound", ["MAX_TEXT", "_MAX_LINES"])
def test_a_table_is_read_up_to_its_bounds_and_not_beyond(
    bound: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "table.csv").write_bytes(gzip.compress(b"x,y\n1,a\n2,b\n" + b"\n" * 97))
    config = CsvDataset(name="csv", path=str(folder / "table.csv"))
    monkeypatch.setattr(csv_text, bound, {"MAX_TEXT": 109, "_MAX_LINES": 100}[bound])
    assert len(load_raw(config).y) == 2
    (folder / "table.csv").write_bytes(gzip.compress(b"x,y\n1,a\n2,b\n" + b"\n" * 98))
    with pytest.raises(DataError, match=r"holds more than .* characters or .* lines"):
        load_raw(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip_of(b"\n" * MB, 90), "more than 50,000 lines, this is not ISOLET"),
        (gzip_of(b"1," * (MB // 2), 90), "a line of 94,371,840 characters, this is not ISOLET"),
        (gzip_of(b"1" * MB, 300), "more than 100,000,000 bytes, this is not ISOLET"),
    ],
    ids=["lines", "a line", "bytes"],
)
def test_isolet_that_swells_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    members = {f"{part}.data.gz": content for part in (TRAIN, TEST)}
    (tmp_path / "isolet.zip").write_bytes(zip_of(members))
    assert message in refusal_in_two_gigabytes("isolet", tmp_path)


def test_an_archive_of_a_great_many_members_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "isolet.zip").open("wb") as file:
        file.truncate(31_000_000)
    with pytest.raises(DataError, match="it holds more than 30,000,000 bytes"):
        load_raw(IsoletDataset(name="isolet", dir=str(tmp_path)))


def test_names_in_an_archive_are_cut_and_escaped(tmp_path: Path) -> None:
    (tmp_path / "isolet.zip").write_bytes(zip_of({"a\x1b[31m" + "b" * 60_000: b""}))
    with pytest.raises(DataError, match=r"no member .*; found 'folder/a\\x1b\[31mbbb") as caught:
        load_raw(IsoletDataset(name="isolet", dir=str(tmp_path)))
    assert len(str(caught.value)) < 500


def test_a_code_table_that_is_emptied_again_and_again_is_refused() -> None:
    empties = b"".join((0x100).to_bytes(9, "little") for _ in range(30_000))
    with pytest.raises(ValueError, match="empties its table more than 20,000 times"):
        lzw.decompress(b"\x1f\x9d\x90" + empties, MB)
