"""`isolet-nn reproduce report` as a user meets it: output, messages and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
from needs import in_full
from sweeps.helpers import run, start, wait_until

from cli.helpers import Command

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
    arguments: list[str], message: str, nn: Command, tmp_path: Path
) -> None:
    assert message in nn(*COMMAND, *arguments).refusal()
    assert list(tmp_path.iterdir()) == []


def outcomes(folder: Path) -> Any:
    """What became of the data sets and of exclusive or: all that is the same in every run."""
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    return verdicts["conclusions"][5], verdicts["figures"]["xor"]


SMALL = """
import sys
from isolet_nn.cli.app import main
from isolet_nn.reproduction import run
def cut(part, sweep_of=run.sweep_of, **options):
    sweep = sweep_of(part, **options)
    return sweep.model_copy(update={"grid": {"dataset.name": ["iris", "wine"]}, "seeds": [0, 1]})
run.sweep_of = cut
run.SEEDS = {False: 4, True: 4}
if __name__ == "__main__":
    main()
"""
"""The command with two of the other data sets, two seeds each, and few of exclusive or."""


@pytest.fixture
def small(tmp_path: Path) -> dict[str, Any]:
    """How `start` and `run` get a small reproduction in an empty folder."""
    program, folder = tmp_path / "small.py", tmp_path / "empty"
    program.write_text(SMALL, encoding="utf-8")
    folder.mkdir()
    return {"program": (str(program),), "cwd": folder}


@pytest.mark.slow
def test_a_reproduction_killed_again_and_again_ends_with_the_same_verdicts(
    small: dict[str, Any], tmp_path: Path
) -> None:
    figures = ("--figure", "xor", "--figure", "data", "--quick", "--workers", "1", "--quiet")
    whole = run(*COMMAND, *figures, **small)
    assert whole.returncode == 0, whole.stderr

    moments = in_full(
        few=(
            ("*/*-report-xor/metrics.csv", 1),
            ("*/*-other-data-sets/trials.jsonl", 1),
            ("*/*-other-data-sets/summary.json", 1),
        ),
        many=(
            ("*/reproduction.yaml", 1),
            ("*/*-report-xor/metrics.csv", 1),
            ("*/xor.json", 1),
            ("*/*-other-data-sets/trials.jsonl", 1),
            ("*/*-other-data-sets/trials.jsonl", 3),
            ("*/*-other-data-sets/summary.json", 1),
        ),
    )
    runs = tmp_path / "killed"
    arguments: tuple[str, ...] = (*figures, "--runs-dir", str(runs))
    for pattern, lines in moments:
        process = start(*COMMAND, *arguments, **small)
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
    done = run(*COMMAND, *arguments, **small)
    assert done.returncode == 0, done.stderr
    assert outcomes(folder) == outcomes(small["cwd"] / whole.stdout.strip())


@pytest.mark.slow
def test_an_interrupted_reproduction_exits_130_and_says_how_to_go_on(
    small: dict[str, Any],
) -> None:
    here = small["cwd"]
    process = start(*COMMAND, "--figure", "data", "--workers", "1", **small)
    wait_until(lambda: list(here.glob("runs/*/*-other-data-sets/trials.jsonl")), 60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = re.search(r"go on with: isolet-nn (reproduce report --resume .*)", err)
    assert found is not None, err
    (folder,) = (here / "runs").iterdir()
    assert (folder / "index.html").is_file()

    done = run(*shlex.split(found[1]), **small)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(folder.relative_to(here))
    assert "6. Future work: other data sets." in done.stdout
    (journal,) = folder.glob("*-other-data-sets/trials.jsonl")
    trials = re.findall(r'^{"trial": (\d+)', journal.read_text(encoding="utf-8"), re.M)
    assert sorted(map(int, trials)) == [*range(4)], "each trial was run once"
