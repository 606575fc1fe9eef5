"""What a command printed and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from isolet_nn.runs.folder import Run


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def refusal(self, code: int = 2) -> str:
        """The message of a command that ended with `code` and printed nothing else."""
        assert (self.code, self.out) == (code, "")
        assert self.err.startswith("error: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("error: ").rstrip("\n")

    @property
    def run(self) -> Run:
        """The run whose folder is the last line printed."""
        return Run.open(self.out.splitlines()[-1])


Command = Callable[..., Result]


QUICK = ("quickstart", "--epochs", "2")
