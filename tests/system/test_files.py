"""Files appear whole or not at all, and JSON holds nothing that JSON does not know."""

from __future__ import annotations

import json
import math
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.system import files
from isolet_nn.system.files import finite, whole_file, write_bytes, write_json, write_text


def refuse_constants(text: str) -> Any:
    raise AssertionError(f"{text} is not JSON")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: replaced(item) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(value=json_like)
def test_numbers_that_are_not_finite_become_null_and_all_else_stays(value: Any) -> None:
    assert finite(value) == replaced(value)
    text = files.json_text(value)
    assert json.loads(text, parse_constant=refuse_constants) == replaced(value)


def test_json_is_written_as_text_that_people_can_read(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Zürich", "loss": math.nan, "pair": (1, math.inf)})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text == (
        '{\n  "name": "Zürich",\n  "loss": null,\n  "pair": [\n    1,\n    null\n  ]\n}\n'
    )


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "grün\nzwei\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "grün\nzwei\r\n".encode()
    write_bytes(tmp_path / "b", b"\x00\xff")
    write_bytes(tmp_path / "b", b"\x01")
    assert (tmp_path / "b").read_bytes() == b"\x01"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")

    def write_half() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("ha")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_is_named(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_text(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught:
        write_text(path, "text")
    assert caught.value.filename == str(path)


def test_the_temporary_file_keeps_the_suffix_and_the_folder(tmp_path: Path) -> None:
    with whole_file(tmp_path / "loss.png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_a_file_written_plainly(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a", "text")
        (tmp_path / "b").write_text("text")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"}
    assert len(modes) == 1


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    contents = {b"a" * 300_000, b"b" * 200_000}
    write_bytes(path, b"a" * 300_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                write_bytes(path, content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {path.read_bytes() for _ in range(300)}
    finally:
        stop.set()
        writer.join()
    assert seen <= contents
