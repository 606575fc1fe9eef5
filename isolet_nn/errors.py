"""The errors a user can cause or must hear of, each with the exit code it ends the program with.

Everything raised on purpose anywhere in the package derives from :class:`IsoletNNError`; the
command line prints its message without a traceback. Below them is what messages are made of.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
import reprlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class IsoletNNError(Exception):
    """The work failed for a reason the message explains (exit code 1)."""

    exit_code = 1


class Kind(Enum):
    """What is wrong with a place in a config."""

    FOUND = "found {}"
    """A value that is not allowed there."""
    UNKNOWN_KEY = "unknown key"
    MISSING = "missing, and there is no default"
    NAMELESS = "the key `name` is missing"
    RULE = "{}"
    """A rule that is broken, in the rule's own words."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a config: made where it is met, and worded here.

    Attributes
    ----------
    found
        What was found, as a config file would spell it; of a broken rule, all that is to be said.
    path
        Key path of the place; empty for the whole.
    kind
        What is wrong with it.
    allowed
        What may stand there, or what to do.
    hint
        The nearest allowed name, as `suggestion` asks about it.
    origin
        What to look at to mend it, as the message begins: ``FILE: ``, ``--set ``, ``--epochs: ``.
    setting
        The first setting of a sweep that has the problem, if not all have it.
    also
        Key paths that have as much part in it: what is set from outside of these is to blame.
    """

    found: str = ""
    path: str = ""
    kind: Kind = Kind.RULE
    allowed: str = ""
    hint: str = ""
    origin: str = ""
    setting: str = ""
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        allowed = f"; {self.allowed}" if self.allowed else ""
        setting = f" (with {self.setting})" if self.setting else ""
        wrong = self.kind.value.format(self.found)
        return without_credentials(f"{self.origin}{path}{wrong}{allowed}{self.hint}{setting}")

    def at(self, origin: str) -> Problem:
        """The same problem, with `origin` before what is known of where it comes from."""
        return replace(self, origin=f"{origin}{self.origin}")


class ConfigError(IsoletNNError):
    """The command line or a config file is wrong (exit code 2)."""

    exit_code = 2

    def __init__(self, *problems: str | Problem) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(map(str, self.problems)))


class ParameterError(ConfigError, ValueError):
    """A parameter of an estimator is wrong; scikit-learn's users expect a ValueError."""


class DataError(IsoletNNError):
    """Data given by the user is missing, malformed or not what it claims to be (exit code 2)."""

    exit_code = 2


class DownloadError(IsoletNNError):
    """A data set could not be fetched (exit code 1)."""


class RunError(IsoletNNError):
    """A run folder is missing, incomplete or does not fit what is asked of it (exit code 2)."""

    exit_code = 2


class BackendUnavailableError(IsoletNNError):
    """The chosen backend or device is not installed here, or no cluster answers (exit code 2)."""

    exit_code = 2


class OutOfMemoryError(IsoletNNError):
    """There was not enough memory for what was asked (exit code 1)."""


class DivergedError(IsoletNNError):
    """A network's answers are no finite numbers (exit code 1)."""


class OutputError(IsoletNNError):
    """What was to be printed could not be (exit code 1)."""


class ClusterError(IsoletNNError):
    """A cluster answers no more, or runs another version of this package (exit code 1)."""


class TrackingError(IsoletNNError):
    """A tracker does not answer, refuses what it is sent, or is not installed (exit code 1)."""


class Problems:
    """Problems met one after another, to be told at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, problems: Iterable[Problem]) -> None:
        """Remember problems."""
        self.found += problems

    @contextmanager
    def collected(self, origin: str = "") -> Iterator[None]:
        """Remember what a :class:`ConfigError` out of the block says, after `origin`."""
        try:
            yield
        except ConfigError as error:
            self.add(problem.at(origin) for problem in error.problems)

    def refuse(self) -> None:
        """Raise a :class:`ConfigError` if there are problems, naming each once."""
        if self.found:
            raise ConfigError(*{str(problem): problem for problem in self.found}.values())


@contextmanager
def problems_at(origin: str) -> Iterator[None]:
    """Put `origin` before each problem of a :class:`ConfigError` that comes out of the block."""
    problems = Problems()
    with problems.collected(origin):
        yield
    problems.refuse()


_CREDENTIALS = re.compile(r"(?<=://)\S+@")


def without_credentials(text: str) -> str:
    """The text with ``***`` for the user's name and password in the addresses in it."""
    return _CREDENTIALS.sub("***@", text)


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that `word` abbreviates, as lr, or the most similar, if any is similar."""
    names = list(allowed)
    abbreviated = [name for name in names if len(word) > 1 and word.lower() == _initials(name)]
    matches = abbreviated or difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return matches[0] if matches else None


def _initials(name: str) -> str:
    """Of the last part of a key path: lr of optimizer.learning_rate."""
    return "".join(part[:1] for part in name.rpartition(".")[2].split("_"))


def suggestion(word: object, allowed: Iterable[str]) -> str:
    """``"; did you mean NAME?"``, or nothing when no allowed name is similar."""
    match = nearest(word, allowed) if isinstance(word, str) else None
    return f"; did you mean {match}?" if match else ""


def counted(number: int, noun: str) -> str:
    """``1 trial``, ``2 trials``, ``2 classes``, ``2 epochs``."""
    ending = "es" if noun.endswith(("s", "x")) else "s"
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{ending}"


def rounded(value: Any) -> Any:
    """A setting for a person to read: its numbers with four significant digits."""
    if isinstance(value, float):
        short = float(f"{value:.4g}")
        return short if math.isfinite(short) else value  # rounding up may leave the range
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


class _ShortRepr(reprlib.Repr):
    """Values in the words of a config file, no more of them than a message shows."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple = 8, 60, 60, 60
        self.maxstring = self.maxother = self.maxlong = 60

    def repr_bool(self, value: bool, _level: int) -> str:
        return str(value).lower()

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:  # reprlib's own sorts
        if level <= 0 and value:
            return "{...}"
        shown = itertools.islice(value.items(), self.maxdict)
        parts = (f"{self.repr1(k, level - 1)}: {self.repr1(v, level - 1)}" for k, v in shown)
        return "{" + ", ".join(parts) + "}"

    def repr_NoneType(self, _value: None, _level: int) -> str:  # noqa: N802 - reprlib's name
        return "null"


def short_repr(value: object) -> str:
    """A value as a config file would spell it, cut where it is long."""
    text = _ShortRepr().repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_MOST_DIGITS = 300
"""A double has no more before its point, and Python reads no more than 4,300."""


def whole_number(text: str) -> int:
    """The whole number that a text of digits is.

    Raises
    ------
    ValueError
        If it is longer than any that has a use.
    """
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"found a number of {len(text)} digits; at most {_MOST_DIGITS} are read")
    return int(text)


UNPRINTABLE = re.compile(
    "["
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but for tab and line feed
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that reorder what is shown
    r"\u2028\u2029"  # line breaks that hardly any program shows as such
    r"\ud800-\udfff"  # bytes of a path that are not UTF-8
    "]"
)


def printable(text: str) -> str:
    r"""The text with ``\x1b`` and its like spelled out; a byte that is no text as ``\xff``."""
    return UNPRINTABLE.sub(lambda match: _spelled(ord(match[0])), text)


def one_line(text: object) -> str:
    r"""The text in a single line, a line feed in it as ``\n``."""
    return printable(str(text)).replace("\n", "\\n")


def _spelled(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a path that it cannot decode
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
