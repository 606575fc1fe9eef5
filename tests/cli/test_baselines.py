"""`isolet-nn reproduce baselines` as a user meets it: output, messages and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import pytest
from baselines.helpers import ThisProcess, go_on_with, known_of
from sweeps.helpers import start, wait_until

from cli.helpers import Command
from isolet_nn.runs.status_file import read_status

COMMAND = ("reproduce", "baselines")
SMALL = (*COMMAND, "--quick", "--model", "nearest-neighbours")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "svn"], "did you mean svm?"),
        (["--resume", "nowhere"], "nowhere: no such folder"),
        (["--resume", ".", "--quick"], "--resume goes on with the models it began with"),
        (["--json", "--format", "csv"], "--format goes with tables, and --json prints none"),
        (["--data-dir", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    arguments: list[str], message: str, nn: Command, tmp_path: Path
) -> None:
    assert message in nn(*COMMAND, *arguments).refusal()
    assert list(tmp_path.iterdir()) == []


def test_the_table_is_printed_for_people_and_for_programs(
    nn: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.baselines.run.Processes", ThisProcess)
    printed = nn(*SMALL)
    assert printed.code == 0, printed.err
    assert "k nearest neighbours" in printed.out
    assert "5 of 5: nearest-neighbours/setting-" in printed.err
    folder = printed.out.splitlines()[-1]
    answer = json.loads(nn(*COMMAND, "--resume", folder, "--json").out)
    assert answer["folder"] == folder
    (model,) = answer["models"]
    assert model["test"]["low"] < model["test"]["estimate"] < model["test"]["high"]
    assert model["settings"]["weights"] == "distance"
    assert nn(*COMMAND, "--resume", folder, "--quiet").out == f"{folder}\n"


@pytest.mark.slow
def test_a_comparison_interrupted_and_killed_ends_with_the_same_answers(
    tmp_path: Path, nn: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(*SMALL, "--workers", "1", cwd=tmp_path)
    wait_until(lambda: list(tmp_path.glob("runs/*/fits/*/*.json")), 120)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    found = re.search(r"go on with: isolet-nn (reproduce baselines --resume .*)", err)
    assert found is not None, err
    (folder,) = (tmp_path / "runs").iterdir()
    assert read_status(folder).status == "interrupted"
    done = len(list(folder.glob("fits/*/*.json")))

    process = start(*shlex.split(found[1]), "--workers", "1", cwd=tmp_path)
    wait_until(lambda: len(list(folder.glob("fits/*/*.json"))) > done, 120)
    process.kill()
    process.communicate(timeout=120)

    monkeypatch.setattr("isolet_nn.baselines.run.Processes", ThisProcess)
    go_on_with(folder)
    whole = nn(*SMALL, "--quiet").out.strip()
    assert known_of(folder) == known_of(Path(whole))
