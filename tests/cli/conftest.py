"""The command in the test's process, and a run for it."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

from cli.helpers import Command, Result
from isolet_nn.cli import app as cli
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import list_configs
from isolet_nn.runs import execution
from isolet_nn.runs.folder import Run
from isolet_nn.terminal import endings


@pytest.fixture
def nn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """The command isolet-nn, run in an empty current folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Result:
        capsys.readouterr()
        with monkeypatch.context() as patch, warnings.catch_warnings():
            patch.setattr("sys.argv", ["isolet-nn", *map(str, arguments)])
            patch.setattr(endings, "_debug", False)
            with pytest.raises(SystemExit) as end:
                cli.main()
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int | None)
        return Result(end.value.code or 0, captured.out, captured.err)

    return command


@pytest.fixture(scope="module")
def trained_on_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quickstart = next(config.path for config in list_configs() if config.name == "quickstart")
    experiment = load_experiment(quickstart, {"training.epochs": 2})
    return execution.train(experiment, runs_dir=tmp_path_factory.mktemp("trained")).path


@pytest.fixture
def digits_run(nn: Command, trained_on_digits: Path) -> Run:
    """A completed run of its own for each test, below the current folder."""
    return Run.open(shutil.copytree(trained_on_digits, Path("runs") / trained_on_digits.name))
