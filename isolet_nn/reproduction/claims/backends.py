"""Claim 7: PyTorch trains faster and more efficiently than the implementation by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isolet_nn.benchmarks.engines import Contestant, EngineName, Setting
from isolet_nn.reproduction.bars import PARITY_MARGIN, ROUNDED_AWAY
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import Evidence, differences
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.records import TimedTrainings
from isolet_nn.reproduction.rules import DASH, Verdict, below, not_run, paired_above, under
from isolet_nn.reproduction.tables import TextTable
from isolet_nn.reproduction.timing import Contests, seconds_of, timed_by
from isolet_nn.system.machine import has_torch

_TIMES, _PARITY = "times-by-backend", "parity"
_SETTINGS = (Setting(64, 32), Setting(256, 128))
"""The report's script, and a wider network with larger batches."""


def _contests(quick: bool) -> Contests:
    engines: tuple[EngineName, ...] = ("numpy", "torch") if has_torch() else ("numpy",)
    return [Contestant(engine, 1) for engine in engines], _SETTINGS[:1] if quick else _SETTINGS


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    times = evidence.measured(_TIMES, TimedTrainings)
    verdicts = {}
    for setting in _SETTINGS:
        label = f"time, {_name(setting)}"
        shares = [] if times is None else _shares(times, setting)
        if not shares:
            verdicts[label] = not_run("PyTorch takes less time")
            continue
        what = "how many times as long PyTorch takes as NumPy, over rounds of measurement,"
        verdicts[label] = below(shares, 1.0, what, unit="times")
    accuracy = differences(
        *(evidence.by_seed(_PARITY, {"backend": backend}) for backend in ("torch", "numpy"))
    )
    what = "PyTorch less NumPy with the same first weights and batches"
    at_no_cost = paired_above(accuracy, -PARITY_MARGIN, what)
    return {**verdicts, "accuracy": under(ROUNDED_AWAY, at_no_cost)}


def _name(setting: Setting) -> str:
    return f"617-{setting.hidden}-26, batch {setting.batch_size}"


def _shares(times: TimedTrainings, setting: Setting) -> list[float]:
    torch, numpy = (
        seconds_of(times, engine, setting.batch_size, setting.hidden)
        for engine in ("torch", "numpy")
    )
    return [own / of for own, of in zip(torch, numpy, strict=False)]


def _table(evidence: Evidence) -> TextTable:
    times = evidence.measured(_TIMES, TimedTrainings)
    rows = []
    for engine, label in (("numpy", "NumPy, from scratch"), ("torch", "PyTorch")):
        cells = []
        for setting in _SETTINGS:
            seconds = (
                []
                if times is None
                else seconds_of(times, engine, setting.batch_size, setting.hidden)
            )
            cells.append(f"{1000 * float(np.median(seconds)):.0f} ms" if seconds else DASH)
        reached = [*evidence.by_seed(_PARITY, {"backend": engine}).values()]
        accuracy = f"{np.mean(reached):.2f} %" if reached else DASH
        rows.append([label, *cells, accuracy, str(len(reached))])
    headings = [f"an epoch of {_name(setting)} (median)" for setting in _SETTINGS]
    return TextTable(
        ["implementation", *headings, "accuracy, 10 epochs of the first", "seeds"], rows
    )


BACKENDS = ReportClaim(
    number=7,
    name="backends",
    text="PyTorch trains faster and more efficiently than the implementation by hand.",
    runs="This project's NumPy network against a plain PyTorch loop (tensors in memory, fused "
    "Adam), each in a process of its own on one thread, in turn, round after round, on the clock. "
    "Faster is judged by the time, more efficient by whether that costs accuracy. The report's own "
    "code is not at hand.",
    judge=_judge,
    parts=(
        Part(
            _TIMES,
            ("claim7",),
            compares_backends=True,
            measure=timed_by(_contests, epochs={False: 3, True: 1}, rounds={False: 5, True: 3}),
            is_timed=True,
        ),
    ),
    others=(_PARITY,),
    table=_table,
)
