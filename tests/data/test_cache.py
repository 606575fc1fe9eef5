from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isolet_nn.config.datasets import IsoletDataset
from isolet_nn.data import cache, load_raw
from isolet_nn.data.cache import ParsedData
from isolet_nn.errors import DataError

from .conftest import TRAIN

X = np.arange(5000, dtype=np.float64).reshape(100, 50)
Y = np.arange(100)


class Builder:
    """Builds an entry and counts how often."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self) -> ParsedData:
        self.built += 1
        return ParsedData({"x": X, "y": Y}, {"n_train": 6238, "classes": ["A", "B"]})

    def get(self, state: object = "first") -> ParsedData:
        entry = cache.get_or_build("set", ["identity"], state, self)
        np.testing.assert_array_equal(entry.arrays["x"], X)
        np.testing.assert_array_equal(entry.arrays["y"], Y)
        assert entry.facts == {"n_train": 6238, "classes": ["A", "B"]}
        return entry


@pytest.fixture
def builder() -> Builder:
    builder = Builder()
    builder.get()
    return builder


def only_file(folder: Path, pattern: str) -> Path:
    (path,) = (folder / "arrays").glob(pattern)
    return path


def test_what_was_built_is_mapped_from_the_disk_the_next_time(builder: Builder) -> None:
    entry = builder.get()
    assert builder.built == 1
    base: Any = entry.arrays["x"]
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    assert isinstance(base, mmap.mmap)
    assert not entry.arrays["x"].flags.writeable


def test_checksums_are_the_same_built_and_read(builder: Builder, own_cache: Path) -> None:
    read = builder.get()
    for path in (own_cache / "arrays").iterdir():
        path.unlink()
    built = builder.get()
    assert builder.built == 2
    assert built.checksums == read.checksums
    assert built.checksum == read.checksum
    assert read.checksums["x"] == cache.checksum(X)


def test_another_state_of_the_sources_is_built_anew_and_replaces_the_old(
    builder: Builder, own_cache: Path
) -> None:
    before = sorted(path.name for path in (own_cache / "arrays").iterdir())
    builder.get("second")
    builder.get("second")
    assert builder.built == 2
    assert sorted(path.name for path in (own_cache / "arrays").iterdir()) == before
    builder.get("first")
    assert builder.built == 3


def flip(position: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[position] ^= 4
        path.write_bytes(content)

    return damage


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def garble(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY" + os.urandom(500))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def pickle_it(path: Path) -> None:
    np.save(path, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)


def reshape(path: Path) -> None:
    np.save(path, np.load(path).reshape(-1)[:10])


@pytest.mark.parametrize("pattern", ["*.x.npy", "*.y.npy", "*.json"])
@pytest.mark.parametrize(
    "damage",
    [Path.unlink, truncate, garble, empty, flip(0), flip(9), flip(70), flip(-1)],
)
def test_a_damaged_entry_is_noticed_and_built_anew(
    builder: Builder, own_cache: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    path = only_file(own_cache, pattern)
    damage(path)
    builder.get()
    assert builder.built == 2
    builder.get()
    assert builder.built == 2


@pytest.mark.parametrize("position", range(8, 128, 5))
def test_no_damage_to_the_header_of_an_array_changes_what_is_read(
    builder: Builder, own_cache: Path, position: int
) -> None:
    flip(position)(only_file(own_cache, "*.x.npy"))
    builder.get()


@pytest.mark.parametrize("replace", [reshape, pickle_it])
def test_another_array_in_its_place_is_built_anew(
    builder: Builder, own_cache: Path, replace: Callable[[Path], None]
) -> None:
    replace(only_file(own_cache, "*.x.npy"))
    builder.get()
    assert builder.built == 2


@pytest.mark.parametrize("changed", [{"format": 0}, {"checksums": {}}, {"facts": {}}])
def test_facts_that_were_edited_are_not_believed(
    builder: Builder, own_cache: Path, changed: dict[str, Any]
) -> None:
    path = only_file(own_cache, "*.json")
    digest, body = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{digest}\n{json.dumps(json.loads(body) | changed)}\n", encoding="utf-8")
    builder.get()
    assert builder.built == 2


def test_an_older_format_is_built_anew(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_FORMAT", 1_000)
    builder.get()
    assert builder.built == 2


def test_a_folder_that_cannot_be_written_is_done_without(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    monkeypatch.setenv("ISOLET_NN_CACHE_DIR", str(blocked / "cache"))
    builder = Builder()
    builder.get()
    builder.get()
    assert builder.built == 2


def test_a_disk_that_fills_up_while_writing_is_done_without(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    builder = Builder()
    builder.get()
    assert builder.built == 1
    assert [path.suffix for path in (own_cache / "arrays").iterdir()] in ([], [".lock"])


def test_nothing_is_kept_when_building_fails(own_cache: Path) -> None:
    def fail() -> ParsedData:
        raise DataError("malformed")

    with pytest.raises(DataError, match="malformed"):
        cache.get_or_build("set", ["identity"], "first", fail)
    assert not list((own_cache / "arrays").glob("*.json"))
    Builder().get()


def test_the_cache_folder_is_the_users_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISOLET_NN_CACHE_DIR")
    assert cache.cache_folder().name == "isolet-nn"
    monkeypatch.setenv("ISOLET_NN_CACHE_DIR", "~/elsewhere")
    assert cache.cache_folder() == Path.home() / "elsewhere"


PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
from isolet_nn.data import cache
log, go = Path(sys.argv[1]), Path(sys.argv[2])

def build():
    with log.open("a") as file:
        file.write("built\\n")
    time.sleep(0.5)
    return cache.ParsedData({"x": np.arange(100_000)}, {"n": 1})

print("ready", flush=True)
while not go.exists():
    time.sleep(0.005)
entry = cache.get_or_build("set", [], [], build)
print(int(entry.arrays["x"].sum()), entry.checksum)
"""


def test_processes_that_want_the_same_at_once_build_it_once(
    own_cache: Path, tmp_path: Path
) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    command = [sys.executable, "-c", PROGRAM, str(log), str(go)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    go.touch()
    answers = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(answers) == 1
    assert answers.pop().startswith("4999950000 ")
    assert log.read_text() == "built\n"


def test_processes_that_cannot_lock_still_build_the_same(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError("no locks on this file system")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    builder = Builder()
    builder.get()
    builder.get()
    assert builder.built == 1


# The cache at work.


def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from isolet_nn.data import isolet_files

    seen: list[str] = []
    original = isolet_files.parse

    def parse(text: bytes, where: str, header: bool = False) -> isolet_files.IsoletRows:
        seen.append(where)
        return original(text, where, header)

    monkeypatch.setattr(isolet_files, "parse", parse)
    return seen


def test_isolet_is_parsed_once_and_again_when_a_file_changes(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = IsoletDataset(name="isolet", dir=str(small), verify=False)
    seen = parses(monkeypatch)
    first = load_raw(config)
    again = load_raw(config)
    assert len(seen) == 2
    assert again.checksum == first.checksum
    np.testing.assert_array_equal(again.x, first.x)
    path = small / f"{TRAIN}.data"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert len(load_raw(config).y) == len(first.y) - 1
    assert len(seen) == 4


def test_a_file_replaced_by_one_of_the_same_size_is_noticed(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = IsoletDataset(name="isolet", dir=str(small), verify=False)
    before = load_raw(config)
    path = small / f"{TRAIN}.data"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[1:], lines[0]]))
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert load_raw(config).checksum != before.checksum
