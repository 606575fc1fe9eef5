"""The files of ISOLET: every form in which they may come, malformed, damaged and dangerous ones."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from isolet_nn.data import RawDataset, isolet_files, load_raw
from isolet_nn.errors import DataError

from .conftest import TEST, TRAIN, Isolet, changed, compressed, config

# Formats.


@pytest.mark.parametrize("suffix", ["", ".gz", ".Z"])
def test_two_files_are_read_plain_or_compressed(small: Path, suffix: str) -> None:
    plain = load_raw(config(small, verify=False))
    for part in (TRAIN, TEST):
        path = small / f"{part}.data"
        text = path.read_bytes()
        path.unlink()
        (small / f"{part}.data{suffix}").write_bytes(compressed(text, suffix))
    assert load_raw(config(small, verify=False)).checksum == plain.checksum


def test_each_file_may_be_compressed_in_its_own_way(small: Path) -> None:
    plain = load_raw(config(small, verify=False))
    path = small / f"{TEST}.data"
    (small / f"{TEST}.data.Z").write_bytes(compressed(path.read_bytes(), ".Z"))
    path.unlink()
    assert load_raw(config(small, verify=False)).checksum == plain.checksum


def zipped(small: Path, names: dict[str, str], suffix: str = "") -> Path:
    """Move both parts into isolet.zip, under other names."""
    with zipfile.ZipFile(small / "isolet.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("isolet.info", "something else")
        for part, name in names.items():
            path = small / f"{part}.data"
            archive.writestr(name, compressed(path.read_bytes(), suffix))
            path.unlink()
    return small


@pytest.mark.parametrize("suffix", ["", ".gz", ".Z"])
@pytest.mark.parametrize("prefix", ["", "isolet/", "deep/down/", "windows\\"])
def test_members_of_the_archive_are_found_compressed_or_not_and_in_any_folder(
    small: Path, suffix: str, prefix: str
) -> None:
    plain = load_raw(config(small, verify=False))
    zipped(small, {part: f"{prefix}{part}.data{suffix}" for part in (TRAIN, TEST)}, suffix)
    assert load_raw(config(small, verify=False)).checksum == plain.checksum


def test_the_single_csv_of_uci_is_isolet(isolet: Isolet, tmp_path: Path, raw: RawDataset) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    names = ",".join([*(f"attribute{i}" for i in range(1, 618)), "class"]) + "\n"
    rows = b"".join([*isolet.train, *isolet.test]).replace(b", ", b",")
    (folder / "data.csv").write_bytes(names.encode() + rows)
    assert load_raw(config(folder)).checksum == raw.checksum


def test_lines_of_the_single_csv_are_counted_with_the_header(
    isolet: Isolet, tmp_path: Path
) -> None:
    broken = isolet.train[2].replace(b", ", b", x", 1)
    (tmp_path / "data.csv").write_bytes(
        b"a," * 617 + b"class\r\n" + b"".join([*isolet.train[:2], broken])
    )
    with pytest.raises(DataError, match=r"data\.csv:4: value 2: found 'x"):
        load_raw(config(tmp_path))


@pytest.mark.parametrize("label", [b"7", b"7.", b"7.0000", b" 7.0 ", b"\t7"])
@pytest.mark.parametrize("comma", [b",", b" , ", b",\t"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"", b"\n\n \n"])
def test_blank_space_and_the_writing_of_the_label_do_not_matter(
    isolet: Isolet, label: bytes, comma: bytes, end: bytes
) -> None:
    cells = [cell.strip() for cell in isolet.train[0].split(b",")]
    part = isolet_files.parse(comma.join([*cells[:-1], label]) + end, "file")
    assert part.rows.shape == (1, 618)
    assert part.rows[0, 617] == 7
    assert part.rows[0, 0] == round(float(cells[0]) * 10_000)


# Malformed files.


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        (4, b"abc", "value 5: found 'abc', expected a number in [-1, 1] with up to four decimals"),
        (0, b"", "value 1: found ''"),
        (4, b"nan", "value 5: found 'nan'"),
        (4, b"inf", "value 5: found 'inf'"),
        (4, b"-inf", "value 5: found '-inf'"),
        (616, b"1.0001", "value 617: found '1.0001'"),
        (4, b"-2.0", "value 5: found '-2.0'"),
        (4, b"1e300", "value 5: found '1e300'"),
        (4, b"1.7e308", "value 5: found '1.7e308'"),
        (4, b"0.12345", "value 5: found '0.12345'"),
        (4, b"0.1_2", "value 5: found '0.1_2'"),
        (4, b"\xff", "value 5: found"),
        (4, b"0.1, 0.2", "found 619 values, expected 617 features and a label"),
        (617, b"0", "label: found '0', expected a whole number from 1 (A) to 26 (Z)"),
        (617, b"27.", "label: found '27.'"),
        (617, b"1.5", "label: found '1.5'"),
        (617, b"-3", "label: found '-3'"),
        (617, b"nan", "label: found 'nan'"),
        (617, b"A", "label: found 'A'"),
        (617, b"1, ", "found 619 values"),
    ],
)
def test_a_malformed_value_is_named_with_file_line_and_place(
    isolet: Isolet, column: int, cell: bytes, message: str
) -> None:
    lines = isolet.train[:600]
    lines[577] = changed(lines[577], column, cell)
    with pytest.raises(DataError, match=r"^folder/file:579: " + re.escape(message)):
        isolet_files.parse(b"\n" + b"".join(lines), "folder/file")


def test_a_line_cut_short_is_named(isolet: Isolet) -> None:
    text = b"".join(isolet.train[:3])[:-2000]
    with pytest.raises(DataError, match=r"^file:3: found \d+ values, expected 617"):
        isolet_files.parse(text, "file")


def test_rows_that_are_all_equally_short_are_refused() -> None:
    with pytest.raises(DataError, match="file:1: found 3 values"):
        isolet_files.parse(b"1, 2, 3\n" * 5, "file")


@pytest.mark.parametrize("text", [b"", b"\n \n"])
def test_an_empty_file_is_refused(text: bytes) -> None:
    with pytest.raises(DataError, match="file: holds no rows"):
        isolet_files.parse(text, "file")


def test_a_page_of_html_is_refused_with_its_first_line() -> None:
    with pytest.raises(DataError, match=r"file:1: found 1 values"):
        isolet_files.parse(b"<!doctype html>\n<html></html>", "file")


# Damaged and dangerous archives.


def test_a_damaged_archive_is_named(small: Path) -> None:
    zipped(small, {part: f"{part}.data" for part in (TRAIN, TEST)})
    path = small / "isolet.zip"
    content = path.read_bytes()
    for damaged in (content[:-100], content[: len(content) // 2], b"<html>", b""):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"isolet\.zip: damaged"):
            load_raw(config(small))
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0x10
    path.write_bytes(flipped)
    with pytest.raises(DataError, match=r"isolet\.zip: damaged"):
        load_raw(config(small))


@pytest.mark.parametrize("suffix", [".gz", ".Z"])
def test_a_damaged_compressed_file_is_named(small: Path, suffix: str) -> None:
    path = small / f"{TRAIN}.data"
    content = bytearray(compressed(path.read_bytes(), suffix))
    path.unlink()
    content[len(content) // 2 :] = b"\xff" * 50
    (small / f"{TRAIN}.data{suffix}").write_bytes(content)
    with pytest.raises(DataError, match=rf"{re.escape(TRAIN)}\.data\{suffix}: damaged"):
        load_raw(config(small))


def test_an_archive_without_a_part_says_what_it_holds(small: Path) -> None:
    zipped(small, {TRAIN: f"{TRAIN}.data"})
    (small / f"{TEST}.data").unlink()
    with pytest.raises(
        DataError, match=r"no member isolet5\.data, .*; found 'isolet\.info', 'isolet"
    ):
        load_raw(config(small))


def test_an_encrypted_archive_is_refused(small: Path) -> None:
    zipped(small, {part: f"{part}.data" for part in (TRAIN, TEST)})
    path = small / "isolet.zip"
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"isolet\.zip: cannot be read: .*encrypted"):
        load_raw(config(small))


@pytest.mark.parametrize("prefix", ["../", "../../../", "/", "/tmp/", "..\\..\\", "C:\\"])
def test_members_with_hostile_names_are_read_and_nothing_is_written(
    small: Path, own_cache: Path, tmp_path: Path, prefix: str
) -> None:
    zipped(small, {part: f"{prefix}{part}.data" for part in (TRAIN, TEST)})
    assert len(load_raw(config(small, verify=False)).y) == 156
    written = {path.name for path in tmp_path.rglob("*.data*")}
    assert not written
    assert not Path(f"/tmp/{TRAIN}.data").exists()
    assert {path.parent for path in own_cache.rglob("*") if path.is_file()} == {
        own_cache / "arrays"
    }


@pytest.mark.parametrize("suffix", ["", ".gz", ".Z"])
@pytest.mark.parametrize("archived", [False, True])
def test_a_file_that_grows_beyond_all_bounds_is_refused(
    small: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, archived: bool
) -> None:
    monkeypatch.setattr(isolet_files, "MAX_BYTES", 600_000)
    (small / f"{TRAIN}.data").write_bytes(b" " * 700_000)
    if archived:
        zipped(small, {part: f"{part}.data{suffix}" for part in (TRAIN, TEST)}, suffix)
    else:
        text = (small / f"{TRAIN}.data").read_bytes()
        (small / f"{TRAIN}.data").unlink()
        (small / f"{TRAIN}.data{suffix}").write_bytes(compressed(text, suffix))
    with pytest.raises(DataError, match=r"isolet1.*600,000 bytes|claims 700,000 bytes"):
        load_raw(config(small))
