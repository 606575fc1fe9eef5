"""Claim 5: excellent after one epoch, and the speed of learning differs much with the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isolet_nn.benchmarks.engines import Contestant, Setting
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.claims.small_batches import BATCHES
from isolet_nn.reproduction.evidence import BATCH, EPOCHS, Evidence
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.records import TimedTrainings
from isolet_nn.reproduction.report import ROUNDING, load_report
from isolet_nn.reproduction.rules import DASH, Verdict, above, below, not_run, under
from isolet_nn.reproduction.tables import TextTable
from isolet_nn.reproduction.timing import seconds_of, timed_by

MUCH = 2.0
"""How many times as long the slowest batch size is to take, for the speed to differ much."""
FAST = 0.5
"""Share of the time of the report's script, 10 epochs of batches of 32, that is fast."""
_TIMES, _SCRIPT, _PRAISED = "times-by-batch", 32, 256
_NUMPY = Contestant("numpy", 1)
_SIZES = {False: (2, 4, 16, 32, 64, 128, 256, 1024, 8192), True: (16, 32, 256, 8192)}


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    column = np.array(load_report().grids["figure6"].cells)[:, 0]
    least = float(column.min())
    excellent = (
        f"After one epoch figure 6 has {least:g} % or more in every row, rounded, and the report "
        "calls that excellent."
    )
    verdicts = {}
    sizes = dict.fromkeys(trial.settings[BATCH] for trial in evidence.trials(BATCHES))
    for size, epochs in [*((size, 1) for size in sizes), (_PRAISED, 5)]:
        reached = [*evidence.by_seed(BATCHES, {BATCH: size, EPOCHS: epochs}).values()]
        label = f"batch {size}, {epochs} epoch{'s' * (epochs > 1)}"
        what = "the mean over seeds"
        verdicts[label] = under(excellent, above(reached, least - ROUNDING, what, unit="%"))
    return {**verdicts, **_speed(evidence)}


def _speed(evidence: Evidence) -> dict[str, Verdict]:
    times = evidence.measured(_TIMES, TimedTrainings)
    if times is None:
        return {"time by batch size": not_run("the speed differs with the batch")}
    by_size = {size: seconds_of(times, "numpy", size) for size in _sizes(times)}
    medians = {size: float(np.median(seconds)) for size, seconds in by_size.items()}
    slow, quick = (by_size[pick(medians, key=medians.__getitem__)] for pick in (max, min))
    shares = [
        5 * own / (10 * of) for own, of in zip(by_size[_PRAISED], by_size[_SCRIPT], strict=True)
    ]
    return {
        "slowest batch size against fastest": above(
            [own / of for own, of in zip(slow, quick, strict=True)],
            MUCH,
            "how many times as long an epoch takes, over rounds of measurement,",
            unit="times",
        ),
        f"batch {_PRAISED}, 5 epochs": under(
            f"Fast is {FAST:g} of the time of the report's script, 10 epochs of batches of "
            f"{_SCRIPT}.",
            below(shares, FAST, "the share over rounds of measurement", unit="of that time"),
        ),
    }


def _sizes(times: TimedTrainings) -> list[int]:
    return list(dict.fromkeys(training.batch_size for training in times.trainings))


def _table(evidence: Evidence) -> TextTable:
    times = evidence.measured(_TIMES, TimedTrainings)
    sizes: Sequence[int] = sorted(
        {trial.settings[BATCH] for trial in evidence.trials(BATCHES)}
        | set([] if times is None else _sizes(times))
    )
    rows = []
    for size in sizes:
        cells = []
        for epochs in (1, 2, 5, 10):
            reached = [*evidence.by_seed(BATCHES, {BATCH: size, EPOCHS: epochs}).values()]
            cells.append(f"{np.mean(reached):.1f} %" if reached else DASH)
        seconds = [] if times is None else seconds_of(times, "numpy", size)
        time = f"{1000 * float(np.median(seconds)):.0f} ms" if seconds else DASH
        rows.append([str(size), *cells, time])
    headings = [f"{epochs} epoch{'s' * (epochs > 1)}" for epochs in (1, 2, 5, 10)]
    return TextTable(["batch size", *headings, "time of an epoch (median)"], rows)


_measure_times = timed_by(
    lambda quick: ([_NUMPY], [Setting(128, size) for size in _SIZES[quick]]),
    epochs={False: 1, True: 1},
    rounds={False: 3, True: 3},
)

ONE_EPOCH = ReportClaim(
    number=5,
    name="one-epoch",
    text="Results are excellent after a single epoch already; batch size 256 with 5 epochs is "
    "excellent and fast; the speed of learning differs much with the batch size.",
    runs="Fresh networks of 128 neurons, Adam at 0.001, as for claim 4; and one process on one "
    "thread that trains an epoch of each batch size in turn, round after round, on the clock.",
    judge=_judge,
    parts=(Part(_TIMES, ("claim5",), measure=_measure_times, is_timed=True),),
    others=(BATCHES,),
    table=_table,
)
