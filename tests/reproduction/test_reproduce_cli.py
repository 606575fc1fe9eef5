"""`isolet-nn reproduce report` as a user meets it: output, messages and exit codes."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest
from sweeps.helpers import run, start, wait_until

COMMAND = ("reproduce", "report")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--figure", "9"], "--figure: found '9'; allowed: 1, 2, 3, 4, 5, 6, 7, 8, xor, parity"),
        (["--figure", "party"], "did you mean parity?"),
        (["--resume", "nowhere"], "nowhere: no such folder"),
        (["--resume", "."], "no reproduction.yaml in it, so no reproduction"),
        (["--resume", ".", "--quick"], "--resume goes on with the figures it began with"),
        (["--figure", "5", "--data-dir", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = run(*COMMAND, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_interrupted_reproduction_exits_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = start(*COMMAND, "--figure", "data", "--workers", "1", cwd=tmp_path)
    wait_until(lambda: list(tmp_path.glob("runs/*/*-other-data-sets/trials.jsonl")), 60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = re.search(r"go on with: isolet-nn (reproduce report --resume .*)", err)
    assert found is not None, err
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "index.html").is_file()

    done = run(*shlex.split(found[1]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(folder.relative_to(tmp_path))
    assert "6. Future work: other data sets." in done.stdout
    (journal,) = folder.glob("*-other-data-sets/trials.jsonl")
    trials = re.findall(r'^{"trial": (\d+)', journal.read_text(encoding="utf-8"), re.M)
    assert sorted(map(int, trials)) == [*range(40)], "each trial was run once"
