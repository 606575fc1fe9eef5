"""The examples of a page of documentation: read, run from top to bottom, and compared.

`docs/contributing/documentation.md` says how they are written.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest import mock

import yaml

RUN_LANGUAGES = ("console", "python", "yaml")
SHOWN_LANGUAGES = ("bibtex", "csv", "json", "text", "toml")
_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\s*$")
_DIRECTIVE = re.compile(r"^<!-- run: (.+) -->$")
_FOLDER = re.compile(r"runs/\d{8}-\d{6}-[A-Za-z0-9._-]*[A-Za-z0-9]")
_DATED = len("runs/20261123-082033-")
_SECONDS_TO_END = 600.0
_OURS = re.compile(r"isolet-nn [^|&;<>$*?~#\\`]+")
"""What needs no shell."""


@dataclass(frozen=True)
class Directive:
    """What a comment before a block says of it."""

    with_options: str = ""
    numbers_differ: bool = False
    exit_code: int = 0
    only_ci: bool = False
    is_run: bool = True

    @classmethod
    def parse(cls, text: str) -> Directive:
        """Read the text of a ``run`` comment."""
        word, _, rest = text.partition(" ")
        if text == "ci":
            return cls(only_ci=True)
        if text == "numbers differ":
            return cls(numbers_differ=True)
        if word == "with" and rest:
            return cls(with_options=rest)
        if word == "exit" and rest.isdigit():
            return cls(exit_code=int(rest))
        if word == "not," and rest:
            return cls(is_run=False)
        raise ValueError(f"unknown directive: run: {text}")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    title: str = ""
    directive: Directive = Directive()
    output: str = ""
    """What a block of Python prints: the text block that follows it."""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read_blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order.

    Raises
    ------
    ValueError
        If a block's language is neither run nor known to be shown only, or a comment is not
        understood.
    """
    blocks: list[Block] = []
    directive, near = Directive(), False
    begun: tuple[int, str, str] | None = None
    body: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if begun is not None:
            if line != "```":
                body.append(line)
                continue
            start, language, title = begun
            text = "\n".join(body)
            if language == "text" and blocks and blocks[-1].language == "python" and near:
                blocks[-1] = _with_output(blocks[-1], text)
            elif language in RUN_LANGUAGES:
                blocks.append(Block(page, start, language, text, title, directive))
            elif language not in SHOWN_LANGUAGES and not (
                language == "sh" and not directive.is_run
            ):
                raise ValueError(f"{page}:{start}: a block of {language or 'no language'}")
            directive, begun, body, near = Directive(), None, [], True
        elif fence:
            begun = (number, fence[1], fence[2] or "")
        elif comment := _DIRECTIVE.match(line):
            directive = Directive.parse(comment[1])
        elif line:
            near = False
    return blocks


def _with_output(block: Block, output: str) -> Block:
    return Block(
        block.page, block.line, block.language, block.text, block.title, block.directive, output
    )


class MismatchError(AssertionError):
    """An example that does not do what its page says."""


@dataclass
class Session:
    """A reader who follows a page in an empty folder."""

    folder: Path
    in_full: bool = False
    """Whether what is only run in CI is run, and nothing is shortened."""
    names: dict[str, str] = field(default_factory=dict)
    """What the page's run folders are called here."""
    variables: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def follow(self, block: Block) -> None:
        """Do what a block says, and compare.

        Raises
        ------
        MismatchError
            If it does something else.
        """
        skipped = block.directive.only_ci and not self.in_full
        if skipped or not block.directive.is_run:
            return
        if block.language == "yaml":
            self._take(block)
        elif block.language == "python":
            self._run_python(block)
        else:
            for command, expected, is_last in _commands(block.text):
                self._run_command(block, command, expected, is_last)

    def _take(self, block: Block) -> None:
        if block.title:
            (self.folder / block.title).write_text(block.text + "\n", encoding="utf-8")
        with contextlib.chdir(self.folder):
            if not block.directive.exit_code:
                validate_config(block.text, self.folder)
            elif not is_refused(block.text, self.folder):
                raise MismatchError(f"{block}: the config loads, which it should not")

    def _run_python(self, block: Block) -> None:
        code = compile(self.renamed(block.text), str(block), "exec")
        printed = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            exec(code, self.variables)  # noqa: S102 - that is what the page is for
        self._compare(block, "python", block.output, printed.getvalue())

    def _run_command(self, block: Block, command: str, expected: str, is_last: bool) -> None:
        directive = block.directive
        line = self.renamed(command)
        if directive.with_options and not self.in_full and line.startswith("isolet-nn "):
            line += f" {directive.with_options}"
        before, interrupted, after = expected.partition("^C\n")
        if not self.in_full and not interrupted and _OURS.fullmatch(line):
            output, code = _execute_here(line, self.folder)
        else:
            output, code = _execute(line, self.folder, before if interrupted else None)
        self._compare(block, line, before + after, output)
        wanted = 130 if interrupted else directive.exit_code if is_last else 0
        if code != wanted:
            raise MismatchError(f"{block}: {line}: exit code {code}, not {wanted}\n{output}")

    def _compare(self, block: Block, what: str, expected: str, actual: str) -> None:
        self._learn_names(expected, actual)
        shortened = bool(block.directive.with_options) and not self.in_full
        differ = block.directive.numbers_differ or shortened
        if not _agree(_plain_lines(self.renamed(expected)), _plain_lines(actual), differ):
            raise MismatchError(f"{block}: {what}\n--- the page\n{expected}\n--- here\n{actual}")

    def _learn_names(self, expected: str, actual: str) -> None:
        """A folder that is new on the page is the one of its name that is new here."""
        new = [name for name in _FOLDER.findall(actual) if name not in self.names.values()]
        for theirs in _FOLDER.findall(expected):
            # Of two that are made within a second, the later one has a suffix.
            alike = re.compile(re.escape(theirs[_DATED:]) + r"(-\d+)?")
            ours = (name for name in new if alike.fullmatch(name[_DATED:]))
            if theirs not in self.names and (found := next(ours, None)):
                self.names[theirs] = found

    def renamed(self, text: str) -> str:
        """A text of the page with the run folders' names as they are here."""
        return _FOLDER.sub(lambda match: self.names.get(match[0], match[0]), text)


def is_refused(text: str, folder: Path) -> bool:
    """Whether a config does not load, as one with blanks to fill in."""
    from isolet_nn.errors import ConfigError

    try:
        validate_config(text, folder)
    except ConfigError:
        return True
    return False


def validate_config(text: str, folder: Path) -> None:
    """Load a config as a page shows it: an experiment, a sweep, or some keys of one."""
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.config.loading import load_experiment
    from isolet_nn.sweeps.config import Sweep
    from isolet_nn.sweeps.grid import make_trials
    from isolet_nn.sweeps.loading import load_sweep

    shown = yaml.safe_load(text)
    path = folder / "shown.yaml"
    if shown.keys() <= Experiment.model_fields.keys():
        path.write_text(yaml.safe_dump({"dataset": {"name": "digits"}} | shown), encoding="utf-8")
        load_experiment(path)
    else:
        assert shown.keys() <= {*Sweep.model_fields, "set"}
        path.write_text(text, encoding="utf-8")
        make_trials(load_sweep(path))


def _commands(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each command of a console block, what it prints, and whether it is the last."""
    parts = re.split(r"^\$ ", text, flags=re.M)[1:]
    for number, part in enumerate(parts, 1):
        command, _, output = part.partition("\n")
        yield command, output, number == len(parts)


class _Printed(io.BytesIO):
    """What both streams print, and what stays when they end."""

    def close(self) -> None:
        """Stay."""


def _execute_here(command: str, folder: Path) -> tuple[str, int]:
    """What isolet-nn prints, and its exit code, without the second that its imports take."""
    from isolet_nn.cli.app import main

    printed = _Printed()
    out, err = (io.TextIOWrapper(printed, "utf-8", write_through=True) for _ in range(2))
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, {"COLUMNS": "100"}),
        mock.patch.object(sys, "argv", shlex.split(command)),
        mock.patch.object(sys, "stdin", io.StringIO()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    return printed.getvalue().decode(), code if isinstance(code, int) else 1


def _execute(command: str, folder: Path, before_interrupt: str | None) -> tuple[str, int]:
    """What a command prints, and its exit code; Ctrl-C comes when so much has been printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-c", command],  # noqa: S607 - as a reader's shell finds it
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        printed = "" if before_interrupt is None else _interrupted(process, before_interrupt)
        rest, _ = process.communicate(timeout=_SECONDS_TO_END)
    return printed + rest, process.returncode


def _interrupted(process: subprocess.Popen[str], before: str) -> str:
    """Send Ctrl-C when a command has printed what a page says that it does; what it printed."""
    assert process.stdout is not None
    wanted, lines = _plain_lines(before), list[str]()
    for line in process.stdout:
        lines.append(line)
        if _agree(wanted, _plain_lines("".join(lines)), numbers_differ=True):
            process.send_signal(signal.SIGINT)
            break
    return "".join(lines)


def _plain_lines(text: str) -> list[str]:
    """Lines without what differs from one run to the next, and from one width to another."""
    return [_plain(line) for line in text.splitlines() if line.strip()]


def _plain(line: str) -> str:
    for pattern, word in _ASIDE:
        line = pattern.sub(word, line)
    return line.strip()


_NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_ASIDE = [
    (re.compile(r"\b\d{8}-\d{6}\b"), "DATE"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[+:.\d]*"), "DATE"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "CHECKSUM"),
    (re.compile(r"\b\d+:\d\d(:\d\d)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min|h)\b"), "TIME"),
    (re.compile(r"([━─┳┏┓╇┡┩└┘┴┼┬])[━─┳┏┓╇┡┩└┘┴┼┬]*"), "─"),
    (re.compile(r"\s+"), " "),
]


def _agree(expected: Sequence[str], actual: Sequence[str], numbers_differ: bool) -> bool:
    """Whether lines are as expected, where ``...`` stands for any number of lines."""

    @cache
    def agree_from(i: int, j: int) -> bool:
        if i == len(expected):
            return j == len(actual)
        if expected[i] == "...":
            return any(agree_from(i + 1, k) for k in range(j, len(actual) + 1))
        return (
            j < len(actual)
            and _line_agrees(expected[i], actual[j], numbers_differ)
            and agree_from(i + 1, j + 1)
        )

    return agree_from(0, 0)


def _line_agrees(expected: str, actual: str, numbers_differ: bool) -> bool:
    """Whether a line is as expected, up to last digits; ``...`` at its end stands for the rest."""
    beginning = expected.removesuffix("...")
    pattern = "".join(
        _NUMBER.pattern if number else re.escape(part)
        for number, part in zip(itertools.cycle((False, True)), _NUMBER.split(beginning))
    )
    match = re.match(pattern + ("" if beginning != expected else "$"), actual)
    if match is None:
        return False
    pairs = zip(_NUMBER.findall(beginning), match.groups(), strict=True)
    return numbers_differ or all(_close(theirs, ours) for theirs, ours in pairs)


def _close(expected: str, actual: str) -> bool:
    if "." in expected or "." in actual:
        return math.isclose(float(expected), float(actual), rel_tol=0.05, abs_tol=0.02)
    return expected == actual


def follow(page: Path, folder: Path, in_full: bool = False) -> Session:
    """Follow a whole page in an empty folder.

    Raises
    ------
    MismatchError
        At the first example that does not do what the page says.
    """
    session = Session(folder, in_full)
    for block in read_blocks(page):
        session.follow(block)
    return session
