"""`isolet-nn train` as a user meets it: what is printed where, resuming, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import QUICK, Command
from isolet_nn.runs.folder import Run


def test_training_prints_progress_on_stderr_and_the_result_on_stdout(nn: Command) -> None:
    result = nn("train", *QUICK)
    assert result.code == 0
    first, second, *epochs = result.err.splitlines()
    assert first == "quickstart: 64-64-10, adam, numpy"
    assert second == "digits: 1295 training, 143 validation, 359 test rows"
    assert [line.split()[1] for line in epochs] == ["1/2", "2/2"]
    for part in ("loss ", "train ", "validation ", "test "):
        assert part in epochs[-1]
    *_, plots, folder = result.out.splitlines()
    assert plots == f"plots: {folder}/plots"
    assert "epoch" in result.out.splitlines()[0]
    assert folder.startswith("runs/")
    assert folder.endswith("-quickstart")


def test_the_table_shows_the_last_row_of_the_metrics(nn: Command) -> None:
    result = nn("train", *QUICK)
    last = result.run.history()[-1]
    for split in ("train", "validation", "test"):
        loss, accuracy = last[f"{split}_loss"], last[f"{split}_accuracy"]
        assert loss is not None
        assert accuracy is not None
        (line,) = (line for line in result.out.splitlines() if line.startswith(f"│ {split} "))
        assert f" {loss:.4f} " in line
        assert f" {100 * accuracy:.2f} % " in line


def test_quiet_training_prints_the_folder_only(nn: Command) -> None:
    result = nn("train", *QUICK, "--quiet")
    assert (result.code, result.err) == (0, "")
    assert len(result.out.splitlines()) == 1
    assert result.run.summary["status"] == "completed"


def test_options_change_the_experiment(nn: Command, tmp_path: Path) -> None:
    result = nn(
        *("train", "quickstart", "-q", "--seed", "7", "--epochs", "1", "--name", "mine"),
        *("--set", "optimizer.learning_rate=1e-3", "--set", "model.hidden_layers=[5, 4]"),
        *("--set", "training.shuffle=false", "--runs-dir", "elsewhere"),
    )
    experiment = result.run.experiment
    assert (experiment.seed, experiment.training.epochs, experiment.name) == (7, 1, "mine")
    assert experiment.optimizer.learning_rate == 1e-3
    assert experiment.model.hidden_layers == [5, 4]
    assert not experiment.training.shuffle
    assert result.out.startswith("elsewhere/")
    assert result.out.endswith("-mine\n")


def test_a_name_of_a_run_with_brackets_in_its_path_is_printed_as_it_is(nn: Command) -> None:
    result = nn("train", *QUICK, "--runs-dir", "a [bold] :smile: folder")
    assert result.out.splitlines()[-1].startswith("a [bold] :smile: folder/")
    assert result.out.splitlines()[-2].startswith("plots: a [bold] :smile: folder/")


def test_two_runs_at_once_have_folders_of_their_own(nn: Command) -> None:
    config = ("quickstart", "--epochs", "1", "--set", "model.hidden_layers=[]")
    folders = {nn("train", *config, "-q").run.path for _ in range(3)}
    assert len(folders) == 3


def test_a_run_is_repeated_from_its_own_config(nn: Command, digits_run: Run) -> None:
    again = nn("train", digits_run.path / "config.yaml", "-q").run
    for name in ("model.safetensors", "config.yaml", "confusion_matrix.csv"):
        assert (again.path / name).read_bytes() == (digits_run.path / name).read_bytes()


def test_diverging_training_says_why_and_exits_with_1(nn: Command) -> None:
    result = nn(
        *("train", *QUICK, "--set", "optimizer={name: sgd, learning_rate: 1.0e+30}"),
    )
    assert result.code == 1
    assert "error: training diverged: the training loss of epoch 1 is " in result.err
    assert "a smaller optimizer.learning_rate may help" in result.err
    assert result.run.summary["status"] == "failed"
    assert not (result.run.path / "model.safetensors").exists()


def test_a_network_too_large_for_the_memory_is_refused_in_words(nn: Command) -> None:
    message = nn("train", *QUICK, "--set", "model.hidden_layers=[100000000000]").refusal()
    assert message.startswith(
        "model.hidden_layers: hidden layers [100000000000], with ensemble: 1 and "
    )
    assert "GB of memory at least, and this machine has" in message


def test_a_folder_for_runs_that_cannot_be_made_is_named(nn: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert nn("train", *QUICK, "--runs-dir", "file").err.splitlines()[-1] == (
        "error: file: cannot make a folder here: File exists"
    )
    result = nn("train", *QUICK, "--runs-dir", "file/below")
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "error: file/below: cannot make a folder here: Not a directory"
    )


def test_a_completed_run_is_not_resumed(nn: Command, digits_run: Run) -> None:
    before = {path: path.read_bytes() for path in digits_run.path.rglob("*.*") if path.is_file()}
    message = nn("train", "--resume", digits_run.path).refusal()
    assert message == f"{digits_run.path}: the run is completed; there is nothing to resume"
    assert before == {p: p.read_bytes() for p in digits_run.path.rglob("*.*") if p.is_file()}


def test_a_diverged_run_is_not_resumed_and_says_why(nn: Command) -> None:
    run = nn("train", *QUICK, "--set", "optimizer={name: sgd, learning_rate: 1.0e+30}").run
    message = nn("train", "--resume", run.path).refusal()
    assert message.startswith(f"{run.path}: the run failed and left nothing to resume (training di")
    assert message.endswith(f"train anew from {run.path}/config.yaml")


@pytest.mark.parametrize("arguments", [("quickstart",), ("--seed", "3"), ("--set", "seed=3")])
def test_resume_takes_no_other_setting(
    nn: Command, digits_run: Run, arguments: tuple[str, ...]
) -> None:
    message = nn("train", "--resume", digits_run.path, *arguments).refusal()
    assert message.startswith("--resume goes on with the run's own config: give no other config")


@pytest.mark.parametrize("option", ["--resume", "--extend"])
def test_an_option_in_the_place_of_a_run_is_named(nn: Command, option: str) -> None:
    message = nn("train", option, "--epochs", "15").refusal()
    assert message == f"{option}: found --epochs, expected the folder of a run"


@pytest.mark.parametrize("command", [("train", "--resume"), ("eval",)], ids=["resume", "eval"])
def test_what_is_no_run_folder_is_refused_with_the_newest_run(
    nn: Command, digits_run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    newest = f"the newest run there is {digits_run.path}"
    (tmp_path / "file").touch()
    assert nn(*command, "runs/nope").refusal() == f"runs/nope: no such folder; {newest}"
    assert nn(*command, "runs").refusal() == (
        f"runs: is not a run folder: it has no config.yaml; {newest}"
    )
    assert nn(*command, "no/where").refusal() == "no/where: no such folder"
    assert nn(*command, "file").refusal() == "file: is a file, not a run folder"


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (("train", "--resume"), "`isolet-nn sweep --resume 'a sweep'` goes on with it"),
        (("eval",), "--best or --trial N chooses one of its trials"),
    ],
    ids=["resume", "eval"],
)
def test_a_sweeps_folder_is_no_runs_and_what_to_do_with_it_is_said(
    nn: Command, tmp_path: Path, command: tuple[str, ...], remedy: str
) -> None:
    (tmp_path / "a sweep").mkdir()
    (tmp_path / "a sweep" / "sweep.yaml").touch()
    assert nn(*command, "a sweep").refusal() == f"a sweep: is a sweep, not a run: {remedy}"


def test_a_run_another_process_works_on_is_not_resumed(nn: Command, digits_run: Run) -> None:
    digits_run.write_summary({"status": "running", "started": digits_run.summary["started"]})
    with digits_run.locked():
        message = nn("train", "--resume", digits_run.path).refusal()
    assert message.startswith(f"{digits_run.path}: another process is working on ")
