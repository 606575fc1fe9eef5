"""What a board knows of a folder is what a list of it says, whatever happens to the folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from board.large_folders import make_sweep
from isolet_nn.board.index import RunsIndex
from isolet_nn.errors import RunError
from isolet_nn.results.columns import with_settings
from isolet_nn.results.labels import tag
from isolet_nn.results.listing import list_runs
from isolet_nn.system.folders import JOURNAL, locked
from isolet_nn.system.statuses import COMPLETED, DAMAGED, KILLED, RUNNING

Look = Callable[[], dict[str, Any]]


def copied(trained: Path, to: Path) -> list[Path]:
    return [shutil.copytree(run, to / run.name) for run in sorted(trained.iterdir())]


def test_it_knows_what_the_list_says(trained: Path, looks_at_once: None) -> None:
    listed = [replace(entry, age=0.0) for entry in with_settings(list_runs(trained))]
    known = RunsIndex(trained).known().known
    assert [each.entry for each in known.values()] == listed


def test_what_appears_changes_and_vanishes_is_seen(
    trained: Path, tmp_path: Path, looked: Look
) -> None:
    assert looked() == {}
    first, second, third = copied(trained, tmp_path)
    assert set(looked()) == {first.name, second.name, third.name}
    tag(second, ["good"])
    assert looked()[second.name].tags == ("good",)
    shutil.rmtree(first)
    third.rename(tmp_path / "other")
    assert set(looked()) == {second.name, "other"}
    (second / "summary.json").write_text("{")
    assert looked()[second.name].status == DAMAGED


def test_the_number_changes_with_what_is_known_and_not_otherwise(
    trained: Path, tmp_path: Path, looks_at_once: None
) -> None:
    copied(trained, tmp_path)
    index = RunsIndex(tmp_path)
    first = index.known().version
    (tmp_path / "not a run").mkdir()
    assert index.known().version == first
    tag(next(tmp_path.glob("2*")), ["good"])
    assert index.known().version != first


def test_the_newest_are_there_before_the_rest_is_read(
    trained: Path, tmp_path: Path, looks_at_once: None
) -> None:
    first, second, third = copied(trained, tmp_path)
    index = RunsIndex(tmp_path)
    looked = index.known(within=0.0)
    assert (list(looked.known), looked.unread) == ([third.name], 2)
    assert index.folder(first.name) == first  # whoever names one has not to wait for a look
    assert index.known(within=0.0).unread == 0
    assert list(index.known().known) == [third.name, second.name, first.name]


def test_what_changes_while_the_rest_is_read_is_seen_in_the_end(
    trained: Path, tmp_path: Path, looks_at_once: None
) -> None:
    first, second, third = copied(trained, tmp_path)
    index = RunsIndex(tmp_path)
    index.known(within=0.0)
    tag(third, ["good"])
    shutil.rmtree(first)
    assert index.known(within=0.0).unread == 0
    known = index.known().known
    assert list(known) == [third.name, second.name]
    assert known[third.name].entry.tags == ("good",)


def test_a_run_that_is_trained_shows_its_last_epoch_and_one_that_was_killed_is_called_so(
    trained: Path, tmp_path: Path, looked: Look
) -> None:
    run = copied(trained, tmp_path)[0]
    summary = (run / "summary.json").read_text().replace('"completed"', '"running"')
    (run / "summary.json").write_text(summary)
    metrics = (run / "metrics.csv").read_text()
    header, first, second = metrics.splitlines(keepends=True)
    with locked(run):
        (run / "metrics.csv").write_text(header + first)
        assert (looked()[run.name].status, looked()[run.name].epochs) == (RUNNING, 1)
        with (run / "metrics.csv").open("a") as file:
            file.write(second)
        assert looked()[run.name].epochs == 2
    assert looked()[run.name].status == KILLED


def test_trials_are_counted_as_they_end_and_a_line_is_read_once(
    tmp_path: Path, looked: Look
) -> None:
    sweep = make_sweep(tmp_path, (3, 4), 2, ended=8)
    name, journal = sweep.path.name, sweep.path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)

    def completed() -> int:
        return int(looked()[name].completed)

    journal.write_bytes(b"".join(lines[:6]))
    assert completed() == 5
    with journal.open("rb+") as file:
        file.seek(len(lines[0]))
        file.write(b"#")  # damages what was read already
    with journal.open("ab") as end:
        end.write(lines[6][:20])
    assert completed() == 5
    with journal.open("ab") as end:
        end.write(lines[6][20:])
    assert completed() == 6
    journal.write_bytes(b"".join(lines[:3]))
    assert completed() == 2


def test_what_leads_out_of_the_folder_is_a_row_that_says_so(
    trained: Path, tmp_path: Path, looks_at_once: None
) -> None:
    inside = tmp_path / "runs"
    inside.mkdir()
    run, other, _ = copied(trained, inside)
    outside = shutil.copytree(run, tmp_path / "outside")
    (inside / "all").symlink_to(outside)
    (run / "summary.json").unlink()
    (run / "summary.json").symlink_to(outside / "summary.json")
    (inside / "same").symlink_to(inside / other.name)
    index = RunsIndex(inside)
    known = index.known().known
    assert known["same"].entry.status == COMPLETED
    for name in ("all", run.name):
        assert known[name].entry.status == DAMAGED
        assert "leads out of the runs folder" in str(known[name].entry.problem)
        with pytest.raises(RunError, match="leads out"):
            index.folder(name)


def test_a_folder_that_is_gone_is_empty_until_it_is_back(
    trained: Path, tmp_path: Path, looks_at_once: None
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    index = RunsIndex(runs)
    assert len(index.known().known) == 3
    runs.rename(tmp_path / "elsewhere")
    assert index.known().known == {}
    (tmp_path / "elsewhere").rename(runs)
    assert len(index.known().known) == 3
