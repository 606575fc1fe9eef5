"""Parts that run side by side: who begins when, what they share, and that results are the same."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sweeps.helpers import (
    InlineWorkers,
    kill,
    result_table,
    stop_after,
    wait_until,
    worker_pids,
)

from isolet_nn.config.key_paths import with_overrides
from isolet_nn.errors import IsoletNNError
from isolet_nn.reproduction import run as reproduction
from isolet_nn.reproduction.console import PrintedProgress
from isolet_nn.reproduction.parts import Choice, Part, sweep_of
from isolet_nn.reproduction.selection import PARTS
from isolet_nn.reproduction.side_by_side import SideBySide, Turn
from isolet_nn.runs.identity import identity_of
from isolet_nn.runs.status_file import read_status
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.workers import shared_processes

pytestmark = pytest.mark.usefixtures("without_pictures")

LIMIT = 60.0
"""Seconds after which what does not come is given up."""


def parts(*names: str, **options: Any) -> list[Part]:
    return [Part(name, (), **options) for name in names]


class Stage:
    """Runs parts that end when they are told to."""

    def __init__(self, *, overlaps: bool = True) -> None:
        self.begun: list[str] = []
        self.turns: dict[str, Turn] = {}
        self.may_end: dict[str, threading.Event] = {}
        self.side_by_side = SideBySide(self.begin, self.run, overlaps=overlaps)

    def begin(self, part: Part) -> bool:
        self.may_end[part.name] = threading.Event()
        self.begun.append(part.name)
        return True

    def run(self, turn: Turn) -> bool:
        self.turns[turn.part.name] = turn
        assert self.may_end[turn.part.name].wait(LIMIT)
        return True

    def has_begun(self, *names: str) -> bool:
        """Whether these are begun, once they are, and after another look no more."""
        wait_until(lambda: len(self.turns) >= len(names))
        time.sleep(0.1)
        return self.begun == [*names]


def playing(stage: Stage, of: list[Part]) -> threading.Thread:
    thread = threading.Thread(target=stage.side_by_side.run, args=(of,))
    thread.start()
    return thread


def test_a_part_begins_when_the_one_before_it_passes_its_turn_on_or_ends() -> None:
    stage = Stage()
    thread = playing(stage, parts("a", "b", "c"))
    assert stage.has_begun("a")
    stage.turns["a"].pass_on()
    assert stage.has_begun("a", "b")
    stage.may_end["b"].set()
    assert stage.has_begun("a", "b", "c")
    for name in ("a", "c"):
        stage.may_end[name].set()
    thread.join(LIMIT)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("second", "overlaps"),
    [
        (Part("b", (), is_timed=True), True),
        (Part("b", (), choice=Choice("a", "optimizer.name")), True),
        (Part("b", (), takes_over=("a",)), True),
        (Part("b", ()), False),
    ],
)
def test_what_needs_another_part_or_rest_waits_for_its_end(second: Part, overlaps: bool) -> None:
    stage = Stage(overlaps=overlaps)
    thread = playing(stage, [*parts("a"), second])
    assert stage.has_begun("a")
    stage.turns["a"].pass_on()
    assert stage.has_begun("a")
    stage.may_end["a"].set()
    assert stage.has_begun("a", "b")
    stage.may_end["b"].set()
    thread.join(LIMIT)


def test_what_rests_on_a_part_at_work_is_passed_over_until_that_has_ended() -> None:
    stage = Stage()
    tuned = Part("tuned", (), choice=Choice("rates", "optimizer.name"))
    thread = playing(stage, [*parts("rates"), tuned, *parts("c")])
    assert stage.has_begun("rates")
    stage.turns["rates"].pass_on()
    assert stage.has_begun("rates", "c")
    stage.turns["c"].pass_on()
    stage.may_end["rates"].set()
    assert stage.has_begun("rates", "c", "tuned")
    for name in ("c", "tuned"):
        stage.may_end[name].set()
    thread.join(LIMIT)


def test_what_one_part_raises_ends_the_others_and_is_raised() -> None:
    stopped: list[str] = []

    def run(turn: Turn) -> bool:
        turn.pass_on()
        if turn.part.name == "b":
            raise IsoletNNError("no space left")
        wait_until(side_by_side.has_failed)
        stopped.append(turn.part.name)
        return False

    side_by_side = SideBySide(lambda _: True, run, overlaps=True)
    with pytest.raises(IsoletNNError, match="no space left"):
        side_by_side.run(parts("a", "b"))
    assert stopped == ["a"]


def test_nothing_begins_after_a_part_that_was_stopped() -> None:
    begun: list[str] = []

    def run(turn: Turn) -> bool:
        begun.append(turn.part.name)
        return False

    assert not SideBySide(lambda _: True, run, overlaps=True).run(parts("a", "b"))
    assert begun == ["a"]


def test_trainings_that_are_taken_over_are_the_very_same() -> None:
    def trainings(part: Part) -> set[str]:
        trials = make_trials(sweep_of(part, quick=False, data_dir=None))
        all_of_them = map(trials.make_experiment, range(len(trials)))
        return {json.dumps(identity_of(one), sort_keys=True) for one in all_of_them}

    by_name = {part.name: part for part in PARTS}
    taking = [part for part in PARTS if part.takes_over]
    assert {"batch-sizes", "few-neurons", "data-sets"} <= {part.name for part in taking}
    for part in taking:
        for name in part.takes_over:
            assert PARTS.index(by_name[name]) < PARTS.index(part)
            assert trainings(part) & trainings(by_name[name]), f"{part.name} has none of {name}"


def test_what_is_timed_comes_first_while_nothing_else_is_at_work() -> None:
    timed = [part.is_timed for part in PARTS]
    assert timed == sorted(timed, reverse=True)
    assert any(timed)


@pytest.mark.slow
def test_processes_are_shared_by_all_and_replaced_when_they_die() -> None:
    with shared_processes(1) as processes:
        (slot,) = processes._slots
        assert processes.call(os.getpid, should_stop=lambda: True) is None
        assert slot.executor is None, "nothing begins for what is to stop"
        first = processes.call(os.getpid)
        assert processes.call(os.getpid) == first
        with processes.one_resting():
            assert processes.free() == 0
        assert processes.free() == 1
        assert first is not None
        kill(first)
        wait_until(lambda: slot.executor._flags.broken)
        second = processes.call(os.getpid)
        assert second not in (None, first), "it died while it had nothing to do"
        with pytest.raises(IsoletNNError, match="a worker process died"):
            processes.call(os._exit, 3)
        assert processes.call(os.getpid) not in (None, second)
        assert processes.call(time.sleep, LIMIT, should_stop=stop_after(1)) is None
        assert processes.call(abs, -7) == 7
    wait_until(lambda: not worker_pids(os.getpid()))


def small_sweeps(part: Part, **options: Any) -> Sweep:
    """The other data sets cut down to small ones, in any sweep."""
    sweep = sweep_of(part, **options)
    experiment = with_overrides(sweep.experiment, {"training.epochs": 5})
    names = [{"name": "iris"}, {"name": "wine"}]
    grid = {"dataset": names} if part.name == "data-sets" else {"dataset.name": ["iris", "wine"]}
    return sweep.model_copy(update={"experiment": experiment, "grid": grid, "seeds": [0, 1, 2]})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reproduction of two sweeps, one of which has the other's trainings, and exclusive or."""
    whole = [replace(part, quick={}) for part in PARTS if part.name in WANTED]
    monkeypatch.setattr("isolet_nn.reproduction.run.parts_of", lambda *_, **__: whole)
    monkeypatch.setattr("isolet_nn.reproduction.run.sweep_of", small_sweeps)
    monkeypatch.setattr("isolet_nn.reproduction.exclusive_or.SEEDS", {True: 4})


WANTED = ("xor", "other-data-sets", "data-sets")


def reproduced(runs_dir: Path, **options: Any) -> Path:
    folder = reproduction.begin(quick=True, runs_dir=runs_dir, figures=["xor"])
    reproduction.go_on(folder, **options)
    assert read_status(folder).status == "completed"
    return folder


def tables(folder: Path) -> dict[str, Any]:
    """Results by part, but for times and what they were taken over from."""
    found: dict[str, Any] = {"xor": json.loads((folder / "xor.json").read_text()) | {"run": None}}
    for path in folder.glob("*/trials.csv"):
        rows = result_table(path.parent)
        found[path.parent.name.split("-", 2)[2]] = [
            {key: value for key, value in row.items() if key != "reused_from"} for row in rows
        ]
    return found


def has_results(folder: Path) -> bool:
    """Whether a trial of a part has ended: a journal has more than its header."""
    return any(path.read_bytes().count(b"\n") > 1 for path in folder.glob("*/trials.jsonl"))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_side_by_side_on_shared_processes_results_are_the_same_after_a_stop_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = reproduced(tmp_path / "shared", workers=2, observer=PrintedProgress(quiet=False))
    alone = reproduced(tmp_path / "alone", workers=1, make_workers=InlineWorkers)
    assert tables(shared) == tables(alone)
    stopped = reproduction.begin(quick=True, runs_dir=tmp_path / "stopped", figures=["xor"])
    reproduction.go_on(stopped, workers=2, should_stop=lambda: has_results(stopped))
    assert read_status(stopped).status == "interrupted"
    reproduction.go_on(stopped, workers=2)
    assert tables(stopped) == tables(alone)
    (journal,) = (shared.glob("*-data-sets/trials.jsonl"),)
    taken = [path.read_text().count("-other-data-sets") for path in journal]
    assert sum(taken) == 6, "the trainings with a hidden layer were taken over"
    assert "3 of 3: data-sets" in capsys.readouterr().err
    wait_until(lambda: not worker_pids(os.getpid()))
