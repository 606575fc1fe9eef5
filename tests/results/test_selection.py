"""A trial of a sweep is a run like any other, for every command that takes one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from isolet_nn import load_experiment, load_run, sweep, train
from isolet_nn.cli.app import app
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.comparison import compare
from isolet_nn.results.selection import best_trial
from isolet_nn.runs.execution import evaluate
from isolet_nn.sweeps.loading import load_sweep

EXPERIMENT = {
    "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [4]},
    "training": {"epochs": 2, "batch_size": 32},
}
RATES = [0.001, 0.05]
CHANGES = {"save_models": "all", "save_curves": "full"}


def swept(folder: Path, experiment: Any = EXPERIMENT, **keys: Any) -> Path:
    config = {"experiment": experiment, "grid": {"optimizer.learning_rate": RATES}, "seeds": 2}
    return sweep(load_sweep(config | CHANGES | keys), runs_dir=folder, workers=1).path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tmp_path_factory.mktemp("trials"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of a sweep, to be changed."""
    return shutil.copytree(made, tmp_path / "sweep")


@pytest.fixture
def bare(folder: Path) -> Path:
    """The sweep without models and curves, as if it had kept none."""
    shutil.rmtree(folder / "models")
    (folder / "curves.csv").unlink()
    return folder


def invoke(*arguments: str | int | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr + str(result.exception or "")


def test_a_trial_has_the_model_scores_and_curve_of_the_run_that_it_is(
    made: Path, tmp_path: Path
) -> None:
    trial = load_run(made / "trials" / "2")
    alone = train(trial.experiment, runs_dir=tmp_path)
    assert evaluate(trial).to_json() == evaluate(alone).to_json()
    assert trial.data_checksum == alone.data_checksum
    ours, theirs = trial.summary, alone.summary
    assert [ours[key] for key in ("status", "epochs")] == [
        theirs[key] for key in ("status", "epochs")
    ]
    # A sweep measures the scores that it is asked for; the end of a run measures all.
    assert ours["metrics"] == {name: theirs["metrics"][name] for name in ours["metrics"]}
    assert [row["test_loss"] for row in trial.history()] == [
        row["test_loss"] for row in alone.history()
    ]


def test_eval_of_a_trial_leaves_its_tables_in_the_trials_own_folder(folder: Path) -> None:
    code, out, _ = invoke("eval", folder, "--trial", 1, "--json")
    assert (code, json.loads(out)["split"]) == (0, "test")
    names = {path.name for path in (folder / "trials" / "1").rglob("*.*")}
    assert {"confusion_matrix.csv", "calibration.csv", "confusion_matrix.png"} <= names


def test_the_best_trial_is_the_best_of_the_validation_split(folder: Path) -> None:
    best = best_trial(folder)
    accuracies = [
        load_run(folder / "trials" / str(n)).summary["metrics"]["validation_accuracy"]
        for n in range(4)
    ]
    assert best.trial == accuracies.index(max(accuracies))
    assert not best.is_biased
    code, _, err = invoke("plot", folder, "--best", "--kind", "weights")
    assert code == 0
    assert f"trial {best.trial} has the best validation accuracy" in err
    assert (folder / "trials" / str(best.trial) / "plots" / "weights.png").is_file()


def test_a_best_trial_that_the_test_set_chose_is_told_to_be_one(tmp_path: Path) -> None:
    experiment = EXPERIMENT | {"dataset": {"name": "wine"}}
    path = swept(tmp_path, experiment, save_models="best")
    best = best_trial(path)
    assert best.is_biased
    assert "the test set chose the trial" in str(best)
    assert load_run(best.path).model().classes


def test_trials_are_compared_with_each_other_and_with_runs(folder: Path, tmp_path: Path) -> None:
    run = train(load_run(folder / "trials" / "0").experiment, runs_dir=tmp_path)
    comparison = compare([folder / "trials" / "0", folder / "trials" / "3", run.path])
    assert len(comparison.runs) == 3
    assert comparison.same_data
    assert list(comparison.config) == ["seed", "optimizer.learning_rate"]
    code, out, _ = invoke("compare", folder, "--trial", 0, "--trial", 3)
    assert code == 0
    assert out.endswith(f"{folder / 'trials' / 'comparison.png'}\n")
    code, out, _ = invoke("compare", folder, run.path, "--best", "--test", "--json")
    assert code == 0
    assert len(json.loads(out)["tests"]) == 1


def test_plot_draws_the_curves_of_a_trial(folder: Path) -> None:
    code, out, _ = invoke("plot", folder, "--trial", 3, "--kind", "curves")
    assert code == 0
    drawn = [folder / "trials" / "3" / "plots" / name for name in ("loss.png", "accuracy.png")]
    assert out.split() == [str(path) for path in drawn]
    assert all(path.is_file() for path in drawn)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "--trial", "1"], "kept no model of trial 1, as save_models is all"),
        (["plot", "--trial", "1", "--kind", "curves"], "kept no curve of trial 1, as save_curves"),
    ],
)
def test_what_a_sweep_did_not_keep_can_be_trained_alone(
    bare: Path, arguments: list[str], message: str
) -> None:
    command, *options = arguments
    code, _, err = invoke(command, bare, *options)
    assert code != 0
    assert message in err
    assert f"isolet-nn sweep --resume {bare} --print-trial 1 > trial-1.yaml" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trial", "4"], "found trial 4; allowed: the sweep's trials are 0 to 3"),
        (["--trial", "-1"], "--trial: found -1"),
        (["--trial", "1", "--best"], "give one of them"),
        ([], "--best or --trial N chooses one of its trials"),
    ],
)
def test_a_choice_that_is_none_is_refused(made: Path, arguments: list[str], message: str) -> None:
    code, _, err = invoke("eval", made, *arguments)
    assert code != 0
    assert message in err


@pytest.mark.parametrize("option", [["--trial", "0"], ["--best"]])
@pytest.mark.parametrize("command", ["eval", "plot", "compare"])
def test_options_that_choose_a_trial_need_a_sweep(
    command: str, option: list[str], tmp_path: Path
) -> None:
    run = train(load_experiment(EXPERIMENT), runs_dir=tmp_path)
    code, _, err = invoke(command, run.path, *option)
    assert code != 0
    assert f"{option[0]} is for a sweep's folder" in err


def test_a_trial_that_has_not_ended_or_has_failed_says_so(folder: Path) -> None:
    journal = folder / "trials.jsonl"
    header, *lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["trial"] not in (0, 1)]
    failed = {"trial": 1, "status": "failed", "epochs": 0, "seconds": 0.0, "error": "it diverged"}
    journal.write_text(header + "".join(kept) + json.dumps(failed) + "\n", encoding="utf-8")
    (folder / "models" / "trial-1.safetensors").unlink()
    with pytest.raises(RunError, match="trial 0 has not ended; end the sweep with"):
        load_run(folder / "trials" / "0")
    with pytest.raises(RunError, match="the trial failed: it diverged"):
        load_run(folder / "trials" / "1").model()


@pytest.mark.parametrize("name", ["x", "-1", "12345678901", "1.5"])
def test_an_address_names_a_number(made: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="expected the number of a trial"):
        load_run(made / "trials" / name)
