from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.data import lzw

from .conftest import Isolet, compress_z

LIMIT = 10**6

texts = st.one_of(
    st.binary(max_size=2000),
    st.lists(st.sampled_from([b"abc", b"0.1234, ", b"a", b"\n"]), max_size=1500).map(b"".join),
    st.integers(0, 5000).map(lambda n: b"a" * n),
)


@given(texts, st.integers(10, 16), st.sampled_from([0, 1, 7, 8, 300, 600]))
def test_what_was_compressed_comes_back(text: bytes, max_bits: int, clear_every: int) -> None:
    assert lzw.decompress(compress_z(text, max_bits, clear_every), LIMIT) == text


def test_a_text_that_fills_the_table_comes_back() -> None:
    text = b"".join(b"%d;" % (i * i) for i in range(20_000))
    assert lzw.decompress(compress_z(text, 12), LIMIT) == text
    assert lzw.decompress(compress_z(text, 16), LIMIT) == text


@pytest.mark.skipif(shutil.which("gzip") is None, reason="gzip can read .Z files, too")
def test_gzip_reads_the_same_from_what_these_tests_compress(tmp_path: Path) -> None:
    text = b"".join(b"%d;" % (i * i) for i in range(20_000))
    for clear_every in (0, 777):
        path = tmp_path / "text.Z"
        path.write_bytes(compress_z(text, 12, clear_every))
        assert subprocess.run(["gzip", "-dc", path], capture_output=True).stdout == text


def test_rows_of_isolet_come_back(isolet: Isolet) -> None:
    text = b"".join(isolet.test[:50])
    assert lzw.decompress(compress_z(text), 10**7) == text


@pytest.mark.parametrize("data", [b"", b"\x1f\x9d", b"\x1f\x8b\x90abc", b"A,B,C"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="1f 9d"):
        lzw.decompress(data, LIMIT)


def test_an_unknown_code_width_is_refused() -> None:
    with pytest.raises(ValueError, match="width 17"):
        lzw.decompress(b"\x1f\x9d\x91abc", LIMIT)


def test_nothing_comes_out_of_nothing() -> None:
    assert lzw.decompress(b"\x1f\x9d\x90", LIMIT) == b""


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged: code 511"):
        lzw.decompress(b"\x1f\x9d\x90\xff\xff\xff\xff", LIMIT)


@given(st.binary(max_size=300))
def test_any_bytes_either_decompress_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert len(lzw.decompress(b"\x1f\x9d\x90" + data, LIMIT)) <= LIMIT


def test_more_than_the_limit_never_comes_out() -> None:
    bomb = compress_z(b"a" * 100_000)
    assert len(bomb) < 1000
    with pytest.raises(ValueError, match="larger than 9,999 bytes"):
        lzw.decompress(bomb, 9_999)
