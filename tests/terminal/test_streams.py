"""Other people's text on its way to a terminal: escaped there, and only there."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

from isolet_nn.errors import one_line, printable
from isolet_nn.terminal import streams
from isolet_nn.terminal.streams import SafeConsole

NASTY = "\x1b[2J\x1b]0;title\x07[red]x[/] \u202egnp.exe\x9b31m\r"
"""Clears the screen, names the window, is Rich's markup, reverses letters."""


@given(st.text(st.characters()))
def test_text_that_is_shown_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert not any(
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in _BIDI
        for c in shown
        if c not in "\t\n"
    )
    assert "\n" not in one_line(text)


_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_text_without_control_characters_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("cell", [NASTY, Text(NASTY)], ids=["text", "rich text"])
def test_no_way_through_a_console_leaves_control_characters(cell: str | Text) -> None:
    written = io.StringIO()
    console = SafeConsole(file=written, width=200)
    console.print(cell)
    table = Table(Column(header=cell), title=cell)
    table.add_row(cell)
    console.print(table)
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & {*written.getvalue()}
    if isinstance(cell, str):
        spelled = r"\x1b[2J\x1b]0;title\x07[red]x[/] \u202egnp.exe\x9b31m"
        assert written.getvalue().count(spelled) == 4


def test_a_table_with_escaped_text_keeps_its_columns_in_line() -> None:
    written = io.StringIO()
    table = Table("a", "b")
    table.add_row("\x1b[31m", "1")
    table.add_row("plain", "2")
    SafeConsole(file=written, width=80).print(table)
    assert len({len(line) for line in written.getvalue().splitlines()}) == 1


def test_a_line_that_ctrl_c_finds_just_written_is_not_written_twice() -> None:
    class Interrupted(io.StringIO):
        def flush(self) -> None:
            if self.getvalue() == "one\n":
                raise KeyboardInterrupt

    written = Interrupted()
    stream = SafeConsole(file=written, width=80)
    with pytest.raises(KeyboardInterrupt):
        stream.print("one")
    stream.print("two")
    assert written.getvalue() == "one\ntwo\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_json_is_read_back_from_any_encoding(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = {NASTY: ["ö", "字", "😀", "\udcff", "\x7f", "\u2028"]}
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    streams.print_json(value)
    stream.flush()
    shown = raw.getvalue().decode(encoding)
    assert printable(shown) == shown
    assert json.loads(shown) == value


# --- every command, as a process


ONE_AFTER_ANOTHER = """
import json, os, sys
from isolet_nn.cli.app import main
if __name__ == "__main__":
    for line in sys.stdin:
        sys.argv = ["isolet-nn", *json.loads(line)]
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, b"\\0")
        os.write(1, b"\\0%d\\n" % code)
"""
"""The command in one process, with arguments from standard input."""


class Commands:
    """Runs commands one after another in one process, as starting takes most of the time."""

    def __init__(self, folder: Path, encoding: str) -> None:
        program = folder / f"program-{encoding}.py"
        program.write_text(ONE_AFTER_ANOTHER, encoding="utf-8")
        messages = folder / f"messages-{encoding}"
        with messages.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                cwd=folder,
                env={**os.environ, "PYTHONIOENCODING": encoding},
            )
        self._messages = messages.open("rb")

    def run(self, *arguments: object) -> tuple[int, bytes, bytes]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([*map(str, arguments)]).encode() + b"\n")
        self._process.stdin.flush()
        lines = [self._process.stdout.readline()]
        while not (last := re.search(rb"\0(\d+)\n$", lines[-1])):
            assert lines[-1], f"{arguments}: ended the process"
            lines.append(self._process.stdout.readline())
        err, end = self._messages.read(), b"\0"
        assert err.endswith(end)
        return int(last[1]), b"".join(lines)[: -len(last[0])], err.removesuffix(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._messages.close()


@pytest.fixture(params=["utf-8", "ascii"])
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def commands(encoding: str, nasty: Path) -> Iterator[Commands]:
    with Commands(nasty, encoding) as running:
        yield running


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, a config and a sweep whose names are all nasty, and their runs."""
    folder = tmp_path_factory.mktemp("nasty")
    classes = [f'"{NASTY}"', "[/]", "[bold]ö"]
    lines = ['"a\x1b[31m","[/b]",label']
    lines += [f"{i % 7},{i * i % 11},{classes[i % 3]}" for i in range(60)]
    (folder / "t.csv").write_text("\n".join(lines), encoding="utf-8", newline="")
    dataset = {"name": "csv", "path": "t.csv", "label": "label"}
    experiment = {"dataset": dataset, "model": {"hidden_layers": [3]}, "training": {"epochs": 2}}
    (folder / "e\x1b[2J[red].yaml").write_text(json.dumps(experiment), encoding="utf-8")
    swept = {"experiment": experiment, "seeds": 2}
    (folder / "s\x1b[2J.yaml").write_text(json.dumps(swept), encoding="utf-8")
    return folder


BAD = (b"\x1b", b"\x07", b"\x9b", b"\r", "\u202e".encode(), "\x9b".encode())


@pytest.mark.slow
def test_no_command_prints_control_characters_or_stumbles_over_an_encoding(
    encoding: str, commands: Commands, nasty: Path
) -> None:
    def printed(*arguments: object) -> tuple[int, str]:
        code, out, err = commands.run(*arguments)
        for piece in BAD[:4] if encoding == "ascii" else (*BAD[:2], *BAD[3:]):
            assert piece not in out + err, arguments
        assert b"Traceback" not in err
        return code, (out + err).decode(encoding)

    runs = f"runs-{encoding}-\x1b[31m[/]"
    assert printed("train", "e\x1b[2J[red].yaml", "--runs-dir", runs)[0] == 0
    (first,) = (nasty / runs).iterdir()
    second = shutil.copytree(first, nasty / runs / "second\x1b[2J")
    code, shown = printed("eval", first)
    assert code == 0
    assert r"\x1b[2J" in shown
    assert "[red]x[/]" in shown
    assert printed("eval", first, "--json")[0] == 0
    assert printed("runs", runs)[0] == 0
    assert printed("runs", runs, "--json")[0] == 0
    assert printed("compare", first, second)[0] == 0
    assert printed("plot", first)[0] == 0
    code, shown = printed("data", "show", "csv", "--set", "path=t.csv", "--set", "label=label")
    assert code == 0
    assert printed("sweep", "s\x1b[2J.yaml", "--runs-dir", runs, "--workers", "1")[0] == 0
    assert printed("sweep", "s\x1b[2J.yaml", "--dry-run")[0] == 0
    for wrong in (
        ("train", "no\x1b[2Jsuch.yaml"),
        ("train", "e\x1b[2J[red].yaml", "--set", "a\x1b[31m=[/]"),
        ("train", "quickstart", "--no\x1b[2J"),
        ("tr\x1b[2Jain",),
        ("train", "quickstart", "--seed", "\x1b[2J"),
        ("runs", "no\x1b[2Jfolder"),
    ):
        assert printed(*wrong)[0] == 2


def test_json_has_null_for_a_number_that_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    streams.print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": "é"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": [None, 1.5], "c": "é"}
    assert "é" in out


def messages_at(width: int, monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> io.StringIO:
    """Where messages go from here on: a terminal of so many columns, or a file."""
    screen = io.StringIO()
    console = SafeConsole(file=screen, width=width, force_terminal=is_terminal, no_color=True)
    monkeypatch.setattr(streams, "MESSAGES", console)
    return screen


COMMAND = "`isolet-nn data show 'a table.csv' --label 'last column'`"
MESSAGE = f"no/such/folder: no run is there that can be read, nor a sweep; {COMMAND} shows more\nb"


def test_a_terminal_breaks_errors_between_words_and_never_in_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = messages_at(66, monkeypatch, is_terminal=True)
    streams.print_error(MESSAGE)
    streams.print_warning("/" + "long/" * 20 + " is 名" * 20)
    text = re.sub(r"\x1b\[\d*(;\d+)*m", "", screen.getvalue())
    lines = text.splitlines()
    assert lines[:4] == [
        "error: no/such/folder: no run is there that can be read, nor a",
        "         sweep;",
        f"         {COMMAND}",
        "         shows more",
    ]
    assert lines[4] == "       b"
    assert lines[5] == "warning: /" + "long/" * 20
    assert all(cell_len(line) <= 66 for line in lines[6:])
    assert " ".join(text.split()).endswith(" ".join(["is 名"] * 20))


@pytest.mark.parametrize("width", [20, 80])
def test_an_error_that_goes_to_a_file_has_its_lines_alone(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    screen = messages_at(width, monkeypatch, is_terminal=False)
    streams.print_error(MESSAGE)
    first, second = MESSAGE.split("\n")
    assert screen.getvalue() == f"error: {first}\n       {second}\n"
