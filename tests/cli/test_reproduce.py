"""`isolet-nn reproduce report` as a user meets it: output, messages and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path
from typing import Any

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


def outcomes(folder: Path) -> Any:
    """What became of the data sets and of exclusive or: all that is the same in every run."""
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    return verdicts["conclusions"][5], verdicts["figures"]["xor"]


@pytest.mark.slow
def test_a_reproduction_killed_again_and_again_ends_with_the_same_verdicts(tmp_path: Path) -> None:
    figures = ("--figure", "xor", "--figure", "data", "--quick", "--workers", "1", "--quiet")
    whole = run(*COMMAND, *figures, cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr

    moments = (
        ("*/reproduction.yaml", 1),
        ("*/*-report-xor/metrics.csv", 1),
        ("*/xor.json", 1),
        ("*/*-other-data-sets/trials.jsonl", 1),
        ("*/*-other-data-sets/trials.jsonl", 8),
        ("*/*-other-data-sets/summary.json", 1),
    )
    runs = tmp_path / "killed"
    arguments: tuple[str, ...] = (*figures, "--runs-dir", str(runs))
    for pattern, lines in moments:
        process = start(*COMMAND, *arguments, cwd=tmp_path)
        wait_until(
            lambda pattern=pattern, lines=lines: any(  # type: ignore[misc]
                path.read_bytes().count(b"\n") >= lines for path in runs.glob(pattern)
            ),
            60,
        )
        process.kill()
        process.communicate(timeout=60)
        (folder,) = runs.iterdir()
        arguments = ("--resume", str(folder), "--workers", "1", "--quiet")
    done = run(*COMMAND, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert outcomes(folder) == outcomes(tmp_path / whole.stdout.strip())


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
