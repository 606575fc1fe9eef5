"""Everything that a reproduction runs, and what of it a figure or a claim needs."""

from __future__ import annotations

from collections.abc import Iterable

from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.reproduction.claims import CLAIMS
from isolet_nn.reproduction.figure_parts import FIGURE_PARTS
from isolet_nn.reproduction.parts import Part

_NAMED = (*FIGURE_PARTS, *(part for claim in CLAIMS for part in claim.parts))
PARTS = (*(p for p in _NAMED if p.is_timed), *(p for p in _NAMED if not p.is_timed))
"""In the order in which they are run: what is timed before there is anything to wait for, and what
settings are chosen from before they are used."""
_CLAIMS = {claim.option: claim for claim in CLAIMS}
FIGURES = (*"12345678", "xor", "parity", "data", *_CLAIMS)
"""What ``--figure`` may name: the report's figures, what its conclusions need besides, claims."""


def parts_of(
    figures: Iterable[str], backend: str | None = None, *, quick: bool = False
) -> list[Part]:
    """The parts that figures and claims need; all of them if none is named.

    Where one backend computes all, those that compare backends are left aside; and a quick
    reproduction leaves out what takes long.

    Raises
    ------
    ConfigError
        If there is no such figure or claim.
    """
    wanted = list(figures)
    for name in wanted:
        if name not in FIGURES:
            hint = suggestion(name, FIGURES)
            raise ConfigError(f"--figure: found {name!r}; allowed: {', '.join(FIGURES)}{hint}")
    claims = [_CLAIMS[name] for name in wanted if name in _CLAIMS]
    needed = {part.name for part in PARTS if not wanted or set(part.figures) & {*wanted}}
    needed |= {name for claim in claims for name in claim.needs}
    parts = [part for part in PARTS if part.name in needed]
    parts = [part for part in parts if backend is None or not part.compares_backends]
    if not parts:
        raise ConfigError(
            f"--figure: {', '.join(wanted)} compares the backends: give no --backend with it"
        )
    parts = [part for part in parts if not quick or part.quick is not None]
    if not parts:
        raise ConfigError(f"--figure: {', '.join(wanted)} takes long: give no --quick with it")
    return parts
