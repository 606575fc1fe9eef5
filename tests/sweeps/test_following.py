"""A sweep that is read again and again is what it would be if it were opened anew."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from board.large_folders import QUICK, make_sweep

from isolet_nn.errors import RunError
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.following import FollowedSweep
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from isolet_nn.system.folders import JOURNAL
from sweeps.helpers import InlineWorkers

SPACE = {"optimizer.learning_rate": {"log_uniform": [1e-3, 1.0]}}


def require_as_opened(followed: SweepFolder) -> None:
    opened = SweepFolder.open(followed.path)
    for name in ("status", "metrics", "epochs", "seconds"):
        found, expected = (getattr(each.results, name) for each in (followed, opened))
        np.testing.assert_array_equal(found, expected)
    assert followed.results.errors == opened.results.errors


def test_it_takes_in_what_was_appended_whole_lines_only(tmp_path: Path) -> None:
    journal = make_sweep(tmp_path, (20, 30), 2, ended=1100).path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:900]))
    follower = FollowedSweep(journal.parent)
    first = follower.now()
    require_as_opened(first)
    for end in (950, 1050, 1101):
        with journal.open("ab") as file:
            file.write(lines[end - 1][:30])
        assert follower.now() is first
        with journal.open("rb+") as file:
            file.truncate(sum(map(len, lines[: journal.read_bytes().count(b"\n")])))
        with journal.open("ab") as file:
            file.write(b"".join(lines[journal.read_bytes().count(b"\n") : end]))
        assert follower.now() is first
        require_as_opened(first)
    assert len(first.results.errors) == 1


def test_a_search_is_read_anew_only_when_something_of_it_has_changed(tmp_path: Path) -> None:
    search = {"trials": 4, "batch": 2, "sampler": "random", "space": SPACE}
    config = load_sweep({"experiment": QUICK, "search": search})
    folder = sweep(config, runs_dir=tmp_path, workers=1, make_workers=InlineWorkers)
    follower = FollowedSweep(folder.path)
    first = follower.now()
    assert follower.now() is first
    resume_sweep(folder.path, trials=6, workers=1, make_workers=InlineWorkers)
    second = follower.now()
    assert (second.n_trials, follower.now() is second) == (6, True)
    require_as_opened(second)


def test_a_journal_that_is_another_is_read_anew(tmp_path: Path) -> None:
    journal = make_sweep(tmp_path, (3, 4), 2, ended=20).path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    follower = FollowedSweep(journal.parent)
    first = follower.now()
    journal.write_bytes(b"".join(lines[:5]))
    require_as_opened(follower.now())
    other = journal.with_name("other")
    other.write_bytes(b"".join(lines))
    other.replace(journal)
    assert follower.now() is not first
    require_as_opened(follower.now())


def test_damage_is_told_each_time_until_it_is_mended(tmp_path: Path) -> None:
    journal = make_sweep(tmp_path, (3, 4), 2, ended=20).path / JOURNAL
    whole = journal.read_bytes()
    follower = FollowedSweep(journal.parent)
    follower.now()
    with journal.open("ab") as file:
        file.write(b"{\n")
    for _ in range(2):
        with pytest.raises(RunError, match=r"trials\.jsonl:22: damaged"):
            follower.now()
    os.truncate(journal, len(whole))
    require_as_opened(follower.now())
