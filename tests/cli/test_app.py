"""The command line as a whole: help, errors, warnings.

Here commands run inside the test's process, which is quick; test_processes.py has what needs real
processes: signals, terminals, pipes.
"""

from __future__ import annotations

import errno
import re
import warnings

import pytest

from cli.helpers import QUICK, Command, Result
from isolet_nn.errors import IsoletNNError


def test_without_a_command_the_help_is_shown(nn: Command) -> None:
    result = nn()
    assert result.code == 2
    for name in ("train", "eval", "xor", "data", "configs", "schema"):
        assert f" {name} " in result.out + result.err


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("train",),
        ("eval",),
        ("xor",),
        ("data",),
        ("data", "show"),
        ("configs",),
        ("configs", "copy"),
        ("schema",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(nn: Command, command: tuple[str, ...], option: str) -> None:
    result = nn(*command, option)
    assert result.code == 0
    assert "Usage:" in result.out
    assert result.err == ""


def test_the_version_is_shown(nn: Command) -> None:
    import isolet_nn

    assert nn("--version") == Result(0, f"isolet-nn {isolet_nn.__version__}\n", "")


def test_a_mistyped_command_is_answered_with_the_nearest(nn: Command) -> None:
    result = nn("trainn", "quickstart")
    assert result.code == 2
    assert "No such command 'trainn'. Did you mean 'train'?" in result.err


def test_help_shows_no_types_of_python(nn: Command) -> None:
    for command in (
        *((), ("train",), ("eval",), ("xor",), ("sweep",), ("plot",), ("runs",), ("compare",)),
        *(("bench",), ("bench", "train"), ("bench", "sweep"), ("bench", "overhead")),
        *(("reproduce", "report"), ("data",), ("data", "show"), ("data", "list")),
        *(("configs",), ("configs", "copy"), ("configs", "list"), ("schema",)),
    ):
        shown = nn(*command, "--help").out
        assert not re.search(r"<[a-z]|\bbool|\bint\b|\bstr\b|INTEGER|BOOLEAN|list\[", shown), shown


def test_an_option_that_is_given_twice_is_refused(nn: Command) -> None:
    message = nn("train", "quickstart", "--seed", 3, "--seed", 4).refusal()
    assert message == "--seed: given 2 times: give it once"


def test_an_unforeseen_error_is_one_line_and_its_traceback_comes_with_debug(
    nn: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("one by nought")

    monkeypatch.setattr("isolet_nn.runs.execution.train", fail)
    message = nn("train", *QUICK).refusal(1)
    assert message == "ZeroDivisionError: one by nought (--debug shows where)"
    with pytest.raises(ZeroDivisionError):
        nn("train", *QUICK, "--debug")
    with pytest.raises(ZeroDivisionError):
        nn("--debug", "train", *QUICK)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_place_that_may_not_be_written_to_is_a_mistake_of_the_user(
    nn: Command, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "not for you", "some/file")

    monkeypatch.setattr("isolet_nn.runs.execution.train", refuse)
    assert nn("train", *QUICK).refusal(2) == "some/file: not for you"


def test_debug_lets_an_error_of_the_user_through(nn: Command) -> None:
    with pytest.raises(IsoletNNError):
        nn("train", "nothing-like-it", "--debug")


def test_a_warning_is_one_line_without_the_place_in_the_code(
    nn: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn() -> list[object]:
        warnings.simplefilter("always")
        warnings.warn("the weather is bad", UserWarning, stacklevel=1)
        return []

    monkeypatch.setattr("isolet_nn.data.catalog.describe_all", warn)
    assert nn("data", "list", "--json").err == "warning: the weather is bad\n"
