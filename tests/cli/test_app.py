"""The command line as a user meets it: what is printed where, messages, exit codes.

Here commands run inside the test's process, which is quick; test_cli_processes.py has what needs
real processes: signals, terminals, pipes.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from needs import needs_torch

from isolet_nn.cli import app as cli
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import list_configs
from isolet_nn.errors import IsoletNNError
from isolet_nn.runs import execution
from isolet_nn.runs.folder import Run

EVALUATION_KEYS = {
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "loss",
    "top3_accuracy",
    "n",
    "split",
    "classes",
    "confusion_matrix",
    "per_class",
    "per_speaker",
    "calibration",
}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def refusal(self, code: int = 2) -> str:
        """The message of a command that ended with `code` and printed nothing else."""
        assert (self.code, self.out) == (code, "")
        assert self.err.startswith("error: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("error: ").rstrip("\n")

    @property
    def run(self) -> Run:
        """The run whose folder is the last line printed."""
        return Run.open(self.out.splitlines()[-1])


Command = Callable[..., Result]


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
            patch.setattr(cli, "_debug", False)
            with pytest.raises(SystemExit) as end:
                cli.main()
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int | None)
        return Result(end.value.code or 0, captured.out, captured.err)

    return command


QUICK = ("quickstart", "--epochs", "2")


@pytest.fixture(scope="module")
def trained_on_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quickstart = next(config.path for config in list_configs() if config.name == "quickstart")
    experiment = load_experiment(quickstart, {"training.epochs": 2})
    return execution.train(experiment, runs_dir=tmp_path_factory.mktemp("trained")).path


@pytest.fixture
def digits_run(nn: Command, trained_on_digits: Path) -> Run:
    """A completed run of its own for each test, below the current folder."""
    return Run.open(shutil.copytree(trained_on_digits, Path("runs") / trained_on_digits.name))


def test_without_a_command_the_help_is_shown(nn: Command) -> None:
    result = nn()
    assert result.code == 2
    for name in ("train", "eval", "xor", "data", "configs", "schema"):
        assert f" {name} " in result.out + result.err


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("train",),
        ("eval",),
        ("xor",),
        ("data",),
        ("data", "show"),
        ("configs",),
        ("configs", "copy"),
        ("schema",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(nn: Command, command: tuple[str, ...], option: str) -> None:
    result = nn(*command, option)
    assert result.code == 0
    assert "Usage:" in result.out
    assert result.err == ""


def test_the_version_is_shown(nn: Command) -> None:
    import isolet_nn

    assert nn("--version") == Result(0, f"isolet-nn {isolet_nn.__version__}\n", "")


def test_a_mistyped_command_is_answered_with_the_nearest(nn: Command) -> None:
    result = nn("trian", "quickstart")
    assert result.code == 2
    assert "No such command 'trian'. Did you mean 'train'?" in result.err


# --- train


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
    last = result.run.metrics()[-1]
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
    assert message.startswith("model.hidden_layers: [100000000000], with ensemble: 1 and ")
    assert "GB of memory at least, and this machine has" in message


def test_an_unforeseen_error_is_one_line_and_its_traceback_comes_with_debug(
    nn: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("one by nought")

    monkeypatch.setattr("isolet_nn.runs.execution.train", fail)
    message = nn("train", *QUICK).refusal(1)
    assert message == "ZeroDivisionError: one by nought (--debug shows where)"
    with pytest.raises(ZeroDivisionError):
        nn("train", *QUICK, "--debug")
    with pytest.raises(ZeroDivisionError):
        nn("--debug", "train", *QUICK)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_place_that_may_not_be_written_to_is_a_mistake_of_the_user(
    nn: Command, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "not for you", "some/file")

    monkeypatch.setattr("isolet_nn.runs.execution.train", refuse)
    assert nn("train", *QUICK).refusal(2) == "some/file: not for you"


def test_debug_lets_an_error_of_the_user_through(nn: Command) -> None:
    with pytest.raises(IsoletNNError):
        nn("train", "nothing-like-it", "--debug")


def test_a_warning_is_one_line_without_the_place_in_the_code(
    nn: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn() -> list[object]:
        warnings.simplefilter("always")
        warnings.warn("the weather is bad", UserWarning, stacklevel=1)
        return []

    monkeypatch.setattr("isolet_nn.data.catalog.describe_all", warn)
    assert nn("data", "list", "--json").err == "warning: the weather is bad\n"


# --- configs that are wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "c.yaml: found an empty file, expected keys: an experiment has `dataset:`"),
        (b"- a\n- b\n", "c.yaml: found a list, expected keys"),
        (b"just words\n", "c.yaml: found a str, expected keys"),
        (b"name: [a\n", "c.yaml:2:1: not valid YAML: "),
        (b"seed: 1\nseed: 2\n", "c.yaml:2:1: not valid YAML: key 'seed' is given twice"),
        (b"\x89PNG\r\n\x1a\n", "c.yaml: not a YAML file: found byte 0x89 at position 0"),
        (b"name: caf\xe9\n", "c.yaml: not a YAML file: found byte 0xe9 at position 9"),
        (b"seed: 1\n", "c.yaml: dataset: missing, and there is no default"),
        (b"dataset: {name: csv}\n", "c.yaml: dataset.path: missing, and there is no default"),
        (b"dataset: {}\n", "c.yaml: dataset: the key `name` is missing; allowed: isolet, digits"),
        (b"dataset: {nmae: iris}\n", "c.yaml: dataset.nmae: unknown key; did you mean name?"),
        (b"dataset: iris\n", "c.yaml: dataset: found 'iris'; expected keys and values below it"),
        (b"!!python/object:os.system x\n", "c.yaml:1:1: not valid YAML: "),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(
    nn: Command, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    assert nn("train", "c.yaml").refusal().startswith(message)
    assert not (tmp_path / "runs").exists()


WRONG = """\
nmae: x
seed: two
dataset: {name: isolt}
model: {hidden_layers: 3, activation: rleu}
optimizer: {name: adam, learnin_rate: 3, momentum: 0.9}
training: {epochs: 0, batch_size: 1.5, schedule: cosin}
"""

WRONG_MESSAGE = """\
error: c.yaml: seed: found 'two'; it should be a valid integer
       c.yaml: dataset.name: found 'isolt'; allowed: isolet, digits, iris, wine, breast_cancer, \
xor, csv, openml; did you mean isolet?
       c.yaml: model.hidden_layers: found 3; it should be a valid list
       c.yaml: model.activation: found 'rleu'; allowed: relu, sigmoid, tanh; did you mean relu?
       c.yaml: optimizer.learnin_rate: unknown key; did you mean learning_rate?
       c.yaml: optimizer.momentum: unknown key; allowed: learning_rate, beta1, beta2, epsilon, \
name, weight_decay
       c.yaml: training.epochs: found 0; it should be greater than or equal to 1
       c.yaml: training.batch_size: found 1.5; it should be a valid integer
       c.yaml: training.schedule.name: found 'cosin'; allowed: constant, step, cosine, one_cycle; \
did you mean cosine?
       c.yaml: nmae: unknown key; did you mean name?
"""


def test_all_problems_of_a_config_are_told_at_once(nn: Command, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(WRONG, encoding="utf-8")
    assert nn("train", "c.yaml") == Result(2, "", WRONG_MESSAGE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "which config? Give a YAML file, or a name that `isolet-nn configs` lists"),
        (("missing.yaml",), "missing.yaml: no such file, and no shipped config; `isolet-nn"),
        (("quikstart",), "quikstart: no such file, and no shipped config; did you mean quickst"),
        ((".",), ".: is a folder, and no shipped config; `isolet-nn configs` lists"),
        ((*QUICK, "--set", "nonsense"), "--set nonsense: expected key.path=value, for instance"),
        ((*QUICK, "--set", "=3"), "--set =3: expected key.path=value, for instance"),
        ((*QUICK, "--set", "seed=[1"), "--set seed:1:3: not valid YAML: "),
        ((*QUICK, "--set", "seed=-1"), "--set seed: found -1; it should be greater than or"),
        ((*QUICK, "--set", "a.b.c=3"), "--set a: unknown key; allowed: name, seed, backend"),
        (
            (*QUICK, "--set", "optimizer.learning_rat=1"),
            "--set optimizer.learning_rat: unknown key; did you mean learning_rate?",
        ),
        (
            (*QUICK, "--set", "optimizer.learning_rate=abc"),
            "--set optimizer.learning_rate: found 'abc'; it should be a valid number",
        ),
        (
            (*QUICK, "--set", "optimizer.learning_rate=.nan"),
            "--set optimizer.learning_rate: found nan; it should be ",
        ),
        (
            (*QUICK, "--set", "model.hidden_layers=[3,x]"),
            "--set model.hidden_layers.1: found 'x'; it should be a valid integer",
        ),
        (("quickstart", "--epochs", "0"), "--epochs: training.epochs: found 0; it should be gre"),
        ((*QUICK, "--name", "a/b"), "--name: name: found 'a/b'; allowed: at most 80 letters, "),
        ((*QUICK, "--name", ""), "--name: name: found ''; allowed: at most 80 letters, digits"),
        ((*QUICK, "--name", ".."), "--name: name: found '..'; allowed: at most 80 letters, dig"),
        (
            (*QUICK, "--backend", "torhc"),
            "--backend: found 'torhc'; allowed: numpy, torch; did you mean torch?",
        ),
        ((*QUICK, "--backend", "jax"), "--backend: found 'jax'; allowed: numpy, torch"),
        (("isolet", "--data-dir", "nowhere"), "dataset.dir: "),
        ((*QUICK, "--data-dir", "."), "--data-dir: dataset.dir: unknown key"),
    ],
)
def test_a_wrong_command_line_of_train_is_refused(
    nn: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert nn("train", *arguments).refusal().startswith(message)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("text", ["x", "1.5", "0x10", "1_000", "1:30", "", "on", "[1", "1e3"])
@pytest.mark.parametrize(("option", "key"), [("--seed", "seed"), ("--epochs", "training.epochs")])
def test_an_option_for_a_setting_is_read_and_refused_as_the_setting_is(
    nn: Command, option: str, key: str, text: str
) -> None:
    by_option = nn("train", "quickstart", option, text).refusal()
    by_setting = nn(
        "train", "quickstart", "--set", f"{key}='{text}'" if not text else f"{key}={text}"
    )
    found = by_option.partition(": ")[2].removeprefix(f"{key}: ")
    assert found.partition(":")[2] in by_setting.refusal()


def test_an_option_for_a_setting_reads_numbers_as_the_setting_does(nn: Command) -> None:
    quick = ("train", "quickstart", "-q", "--set", "model.hidden_layers=[3]")
    by_option = nn(*quick, "--seed", "010", "--epochs", "01").run.experiment
    by_setting = nn(*quick, "--set", "seed=010", "--set", "training.epochs=01").run.experiment
    assert by_option == by_setting
    assert (by_option.seed, by_option.training.epochs) == (10, 1)


def test_options_and_settings_that_contradict_each_other_are_named(nn: Command) -> None:
    message = nn(
        *("train", "quickstart", "--seed", 3, "--set", "seed=4", "--set", "nonsense"),
        *("--name", "a", "--set", "name=b", "--set", "training.mixup=x", "--epochs", 0),
    ).refusal()
    assert [line.strip() for line in message.splitlines()] == [
        "--set nonsense: expected key.path=value, for instance training.epochs=5",
        "--seed: found 3, but --set seed=4: give one of them",
        "--name: found 'a', but --set name='b': give one of them",
        "--epochs: training.epochs: found 0; it should be greater than or equal to 1",
        "--set training.mixup: found 'x'; it should be a valid number",
    ]


def test_a_setting_and_its_option_may_say_the_same(nn: Command) -> None:
    run = nn("train", *QUICK, "-q", "--seed", "3", "--set", "seed=03").run
    assert run.experiment.seed == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("bench", "train", "--rounds", 10**12),
            "--rounds: found 1000000000000",
        ),
        (
            ("bench", "train", "--hidden", 0),
            "--hidden: found 0",
        ),
        (
            ("bench", "train", "--hidden", 10**30),
            "--hidden: found 1000000000000000000000000000000",
        ),
        (("bench", "train", "--batch-size", 10**30), "--batch-size: found 10000000000000000000000"),
        (
            ("bench", "train", "--epochs", 10**30),
            "--epochs: found 1000000000000000000000000000000",
        ),
        (("bench", "train", "--threads", 10**9), "--threads: found 1000000000"),
        (("bench", "sweep", "--threads", 10**9), "--threads: found 1000000000"),
        (
            ("bench", "sweep", "--rounds", 0),
            "--rounds: found 0",
        ),
        (("bench", "overhead", "--trials", 10**12), "--trials: found 1000000000000"),
        (("reproduce", "report", "--workers", 10**9), "--workers: found 1000000000"),
        (
            ("sweep", "quickstart", "--workers", "0x2"),
            "--workers: found '0x2'",
        ),
        (
            ("sweep", "quickstart", "--workers", 1.5),
            "--workers: found 1.5",
        ),
    ],
)
def test_a_count_out_of_bounds_is_refused(
    nn: Command, arguments: tuple[object, ...], message: str
) -> None:
    assert nn(*arguments).refusal().startswith(message)


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


# --- resume


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


@pytest.mark.parametrize("command", [("train", "--resume"), ("eval",)], ids=["resume", "eval"])
def test_a_sweeps_folder_is_no_runs_and_what_it_is_for_is_said(
    nn: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "a sweep").mkdir()
    (tmp_path / "a sweep" / "sweep.yaml").touch()
    assert nn(*command, "a sweep").refusal() == (
        "a sweep: is a sweep, not a run: `isolet-nn plot 'a sweep'` draws its results, "
        "`isolet-nn sweep --resume 'a sweep'` goes on with it"
    )


def test_a_run_another_process_works_on_is_not_resumed(nn: Command, digits_run: Run) -> None:
    digits_run.write_summary({"status": "running", "started": digits_run.summary["started"]})
    with digits_run.locked():
        message = nn("train", "--resume", digits_run.path).refusal()
    assert message.startswith(f"{digits_run.path}: another process is working on ")


# --- eval


def test_of_few_classes_three_guesses_are_no_score(nn: Command, tmp_path: Path) -> None:
    settings = ["dataset={name: iris, validation: {fraction: 0.2}}", "training.epochs=2"]
    options = [option for setting in settings for option in ("--set", setting)]
    trained = nn("train", "quickstart", *options, "--runs-dir", tmp_path)
    assert "best validation loss in epoch" in trained.out
    evaluated = nn("eval", trained.out.splitlines()[-1])
    assert "accuracy" in evaluated.out
    assert "top-3" not in evaluated.out


def test_the_best_epoch_is_said_of_what_early_stopping_watches(nn: Command, tmp_path: Path) -> None:
    settings = ["training.early_stopping={metric: validation_accuracy}", "training.epochs=2"]
    options = [option for setting in settings for option in ("--set", setting)]
    trained = nn("train", "quickstart", *options, "--runs-dir", tmp_path)
    assert "best validation accuracy in epoch" in trained.out


def test_eval_prints_accuracy_classes_and_confused_pairs(nn: Command, digits_run: Run) -> None:
    result = nn("eval", digits_run.path)
    assert result.code == 0
    accuracy = digits_run.summary["metrics"]["test_accuracy"]
    assert result.out.startswith("test split, 359 rows\n")
    assert f"accuracy       {100 * accuracy:.2f} %  (95 % interval " in result.out
    assert "calibration    expected error " in result.out
    for heading in ("top-3 accuracy", "by class", "precision", "most confused", "taken for"):
        assert heading in result.out
    assert result.err.splitlines() == [
        f"written: {digits_run.path}/{name}"
        for name in (
            "confusion_matrix.csv",
            "calibration.csv",
            "plots/confusion_matrix.png",
            "plots/reliability.png",
        )
    ]


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_eval_prints_json_of_a_split_on_stdout(nn: Command, digits_run: Run, split: str) -> None:
    result = nn("eval", digits_run.path, "--split", split, "--json")
    evaluation = json.loads(result.out)
    assert evaluation.keys() == EVALUATION_KEYS
    assert evaluation["split"] == split
    assert evaluation["n"] == {"test": 359, "validation": 143, "train": 1295}[split]
    assert evaluation["accuracy_low"] < evaluation["accuracy"] < evaluation["accuracy_high"]
    assert evaluation["accuracy"] <= evaluation["top3_accuracy"] <= 1.0
    assert evaluation["classes"] == list("0123456789")
    matrix = evaluation["confusion_matrix"]
    assert sum(map(sum, matrix)) == evaluation["n"]
    right = sum(row[index] for index, row in enumerate(matrix))
    assert evaluation["accuracy"] == right / evaluation["n"]
    assert [score["name"] for score in evaluation["per_class"]] == evaluation["classes"]
    assert evaluation["per_speaker"] == []
    if split != "train":
        final = digits_run.summary["metrics"]
        assert evaluation["accuracy"] == final[f"{split}_accuracy"]
        assert evaluation["loss"] == pytest.approx(final[f"{split}_loss"], rel=1e-6)


def test_eval_of_another_split_leaves_the_test_splits_files_alone(
    nn: Command, digits_run: Run
) -> None:
    table = digits_run.path / "confusion_matrix.csv"
    before = table.read_bytes()
    result = nn("eval", digits_run.path, "--split", "train")
    assert f"{digits_run.path}/confusion_matrix_train.csv" in result.err
    assert table.read_bytes() == before


@needs_torch
@pytest.mark.parametrize(("trained", "other"), [("numpy", "torch"), ("torch", "numpy")])
def test_a_model_of_one_backend_evaluates_with_the_other(
    nn: Command, trained: str, other: str
) -> None:
    run = nn("train", *QUICK, "-q", "--backend", trained).run
    own, others = (
        json.loads(nn("eval", run.path, "--json", "--backend", backend).out)
        for backend in (trained, other)
    )
    assert others["confusion_matrix"] == own["confusion_matrix"]
    assert others["loss"] == pytest.approx(own["loss"], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "tset"), "--split: found 'tset'; allowed: test, validation, train; did you"),
        (("--split", "scaler"), "--split: found 'scaler'; allowed: test, validation, train"),
        (("--backend", "nunpy"), "--backend: found 'nunpy'; allowed: numpy, torch; did you mean"),
    ],
)
def test_a_wrong_option_of_eval_is_refused(
    nn: Command, digits_run: Run, arguments: tuple[str, ...], message: str
) -> None:
    assert nn("eval", digits_run.path, *arguments).refusal().startswith(message)


def test_eval_of_a_split_the_data_does_not_have_says_which_there_are(nn: Command) -> None:
    run = nn("train", *QUICK, "-q", "--set", "dataset.validation=none").run
    assert nn("eval", run.path, "--split", "validation").refusal() == (
        f"{run.path}: its data has no validation split, as dataset.validation is none; "
        "it has test and train"
    )


@pytest.mark.parametrize("size", [0, 3, 2000])
def test_eval_of_a_damaged_model_names_the_file(nn: Command, digits_run: Run, size: int) -> None:
    model = digits_run.path / "model.safetensors"
    model.write_bytes(model.read_bytes()[:size])
    message = nn("eval", digits_run.path).refusal()
    assert message.startswith(f"{model}: damaged, or not written by isolet-nn: ")


def test_eval_of_a_pickle_under_the_models_name_is_refused(nn: Command, digits_run: Run) -> None:
    model = digits_run.path / "model.safetensors"
    model.write_bytes(b"cos\nsystem\n(S'touch pickled'\ntR.")
    message = nn("eval", digits_run.path).refusal()
    assert message.startswith(f"{model}: damaged, or not written by isolet-nn: ")
    assert not Path("pickled").exists()


@pytest.mark.parametrize(
    ("status", "rest"),
    [("interrupted", "; end it with: isolet-nn train --resume {run}"), ("failed", "")],
)
def test_eval_of_a_run_without_a_model_says_how_the_run_ended(
    nn: Command, digits_run: Run, status: str, rest: str
) -> None:
    model = digits_run.path / "model.safetensors"
    model.unlink()
    digits_run.write_summary(digits_run.summary | {"status": status})
    expected = f"{model}: no such file; the run is {status}{rest.format(run=digits_run.path)}"
    assert nn("eval", digits_run.path).refusal() == expected


@pytest.mark.parametrize("name", ["environment.json", "config.yaml"])
def test_eval_names_a_damaged_file_of_the_run(nn: Command, digits_run: Run, name: str) -> None:
    (digits_run.path / name).write_text("{", encoding="utf-8")
    assert nn("eval", digits_run.path).refusal().startswith(str(digits_run.path / name))


def test_eval_on_other_data_than_the_run_was_trained_on_is_refused(
    nn: Command, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    lines = [f"{i},{(7 * i) % 11},{'ab'[i % 2]}" for i in range(40)]
    table.write_text("\n".join(["x,y,label", *lines]), encoding="utf-8")
    config = tmp_path / "own.yaml"
    config.write_text("dataset: {name: csv, path: table.csv}\ntraining: {epochs: 1}\n")
    run = nn("train", config, "-q").run
    table.write_text("\n".join(["x,y,label", *lines, "3,4,a"]), encoding="utf-8")
    message = nn("eval", run.path).refusal()
    assert message.startswith(f"{run.path}: the data is not what the run was trained on: checksum")
    table.unlink()
    assert nn("eval", run.path).refusal() == f"dataset.path: {table}: no such file"


def test_eval_shows_its_result_also_where_it_cannot_write(
    nn: Command, digits_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "runs/x/confusion_matrix.csv")

    monkeypatch.setattr("isolet_nn.runs.drawing.write_evaluation", refuse)
    result = nn("eval", digits_run.path, "--json")
    assert result.code == 0
    assert json.loads(result.out)["n"] == 359
    assert result.err == "not written: runs/x/confusion_matrix.csv: Permission denied\n"


# --- real ISOLET


@needs_torch
@pytest.mark.slow
def test_isolet_is_learned_and_evaluated_by_class_and_speaker(nn: Command) -> None:
    trained = nn("train", "isolet", "--epochs", "12")
    assert trained.code == 0, trained.err
    assert trained.err.splitlines()[1] == "isolet: 4991 training, 1247 validation, 1559 test rows"
    run = trained.run
    evaluation = json.loads(nn("eval", run.path, "--json").out)
    assert evaluation.keys() == EVALUATION_KEYS
    assert evaluation["n"] == 1559
    assert evaluation["accuracy"] == run.summary["metrics"]["test_accuracy"]
    assert 0.945 < evaluation["accuracy"] < 0.975
    assert evaluation["accuracy_high"] - evaluation["accuracy_low"] < 0.025
    assert evaluation["classes"] == list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    speakers = evaluation["per_speaker"]
    assert len({speaker["speaker"] for speaker in speakers}) == 30
    assert sum(speaker["n"] for speaker in speakers) == 1559
    shown = nn("eval", run.path, "--backend", "torch").out
    assert "lowest accuracy by speaker" in shown
    assert f"accuracy       {100 * evaluation['accuracy']:.2f} %" in shown


# --- data


def test_data_list_names_every_data_set_an_experiment_can_name(nn: Command) -> None:
    result = nn("data", "list")
    assert (result.code, result.err) == (0, "")
    infos = json.loads(nn("data", "list", "--json").out)
    names = [info["name"] for info in infos]
    assert names == ["isolet", "digits", "iris", "wine", "breast_cancer", "xor", "csv", "openml"]
    for info in infos:
        (line,) = (line for line in result.out.splitlines() if line.startswith(f"│ {info['name']}"))
        assert info["description"] in line


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [
        ("digits", 1797, 64, 10),
        ("iris", 150, 4, 3),
        ("wine", 178, 13, 3),
        ("breast_cancer", 569, 30, 2),
        ("xor", 4, 2, 2),
    ],
)
@pytest.mark.parametrize("command", ["show", "fetch"])
def test_a_bundled_data_set_is_shown(
    nn: Command, command: str, name: str, rows: int, features: int, classes: int
) -> None:
    info = json.loads(nn("data", command, name, "--json").out)
    assert (info["rows"], info["features"], len(info["classes"])) == (rows, features, classes)
    lines = nn("data", command, name).out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    shown = dict(line.split("  ", 1) for line in lines)
    assert shown["name"].strip() == name
    assert shown["rows"].strip() == str(rows)
    assert shown["checksum"].strip() == info["checksum"]


def test_isolet_is_shown_with_its_verdict(nn: Command) -> None:
    for command in ("show", "fetch"):
        info: dict[str, Any] = json.loads(nn("data", command, "isolet", "--json").out)
        assert info["source"] == "comes with isolet-nn"
        assert (info["rows"], info["train_rows"], info["test_rows"]) == (7797, 6238, 1559)
        assert (info["group_name"], info["groups"]) == ("speaker", 150)
        assert info["verdict"].startswith("genuine")
        assert len(info["part_checksums"]) == 2


def test_a_csv_table_is_shown(nn: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y,label\n1,2,[b]a[/b]\n3,4,:b:\n", encoding="utf-8")
    result = nn("data", "show", "csv", "--set", "path=t.csv")
    assert result.code == 0
    assert "[b]a[/b]" in result.out
    assert ":b:" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("isloet",), "dataset.name: found 'isloet'; allowed: isolet, digits, iris, wine, "),
        (("csv",), "dataset.path: missing, and there is no default"),
        (("openml",), "dataset: give exactly one of data_id and data_name"),
        (("csv", "--set", "path=t.csv", "--set", "lable=3"), "--set dataset.lable: unknown key"),
        (("csv", "--set", "path=no.csv"), "/no.csv: no such file"),
        (("isolet", "--data-dir", "no"), "no: no such folder; it should hold isolet.zip, or "),
        (("isolet", "--data-dir", "."), ": found no ISOLET data; looked for isolet.zip, or"),
        (("digits", "--data-dir", "."), "--data-dir: dataset.dir: unknown key"),
    ],
)
@pytest.mark.parametrize("command", ["show", "fetch"])
def test_a_wrong_data_set_is_refused(
    nn: Command, command: str, arguments: tuple[str, ...], message: str
) -> None:
    assert message in nn("data", command, *arguments).refusal()


# --- configs and schema


@pytest.mark.parametrize("command", [("configs",), ("configs", "list")], ids=" ".join)
def test_configs_are_listed_with_one_line_each(nn: Command, command: tuple[str, ...]) -> None:
    result = nn(*command)
    assert (result.code, result.err) == (0, "")
    lines = [line.split(None, 1) for line in result.out.splitlines()]
    for config in list_configs():
        assert [config.name, config.description] in lines


def test_a_config_is_copied_edited_and_run(nn: Command, tmp_path: Path) -> None:
    assert nn("configs", "copy", "quickstart", "mine.yaml") == Result(0, "mine.yaml\n", "")
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("epochs: 20", "epochs: 1"), encoding="utf-8")
    assert nn("train", "mine.yaml", "-q").run.experiment.training.epochs == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("isolet", "there.yaml"), "there.yaml: exists already; remove it or give another name"),
        (("isolet", "no/where.yaml"), "no/where.yaml: cannot be written: No such file or dir"),
        (("isolt",), "isolt: no shipped config of that name; did you mean isolet? `isolet-nn con"),
    ],
)
def test_a_config_that_cannot_be_copied_is_refused(
    nn: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "there.yaml").write_text("mine", encoding="utf-8")
    assert nn("configs", "copy", *arguments).refusal().startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["there.yaml"]
    assert (tmp_path / "there.yaml").read_text(encoding="utf-8") == "mine"


def test_the_schema_knows_every_section_of_an_experiment(nn: Command) -> None:
    schema = json.loads(nn("schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    complete = load_experiment({"dataset": {"name": "iris"}}).model_dump(mode="json")
    assert schema["properties"].keys() == complete.keys()


# --- what else a name may be


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("train", "digits"),
            "digits: a data set, not a config; trained on by `isolet-nn tra",
        ),
        (
            ("sweep", "wine"),
            "wine: a data set, not a config; trained on by `isolet-nn ",
        ),
        (
            ("train", "csv"),
            "--set 'dataset={name: csv, path: FILE}'`",
        ),
        (("train", "isolet-search"), "describes a sweep; `isolet-nn sweep "),
        (("sweep", "isolet"), "describes one experiment; `isolet-nn train "),
    ],
)
def test_what_is_no_config_of_a_command_is_told_by_what_it_is(
    nn: Command, arguments: tuple[str, ...], message: str
) -> None:
    assert message in nn(*arguments).refusal()


def test_a_run_folder_is_no_config(nn: Command, tmp_path: Path) -> None:
    for file, command in (("config.yaml", "train"), ("sweep.yaml", "sweep")):
        folder = tmp_path / command
        folder.mkdir()
        (folder / file).touch()
        for asked in ("train", "sweep"):
            message = nn(asked, folder).refusal()
            assert f"`isolet-nn {command} --resume {folder}` goes on with it" in message
            assert f"`isolet-nn {command} {folder / file}` begins it anew" in message


def test_functions_know_shipped_configs_as_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolet_nn import load_sweep

    monkeypatch.chdir(tmp_path)
    assert load_experiment("quickstart").name == "quickstart"
    assert load_sweep("isolet-search").name == "isolet-search"
    with pytest.raises(IsoletNNError, match="digits: a data set, not a config"):
        load_experiment("digits")
    for name in ("quickstart", "isolet-search"):  # a file of that name wins
        Path(name).write_text("name: mine\nexperiment: {dataset: {name: iris}}\n")
    assert load_sweep("isolet-search").name == load_sweep(Path("quickstart")).name == "mine"
    with pytest.raises(IsoletNNError, match="quickstart: describes a sweep"):
        load_experiment("quickstart")


def test_help_shows_no_types_of_python(nn: Command) -> None:
    for command in (
        *((), ("train",), ("eval",), ("xor",), ("sweep",), ("plot",), ("runs",), ("compare",)),
        *(("bench",), ("bench", "train"), ("bench", "sweep"), ("bench", "overhead")),
        *(("reproduce", "report"), ("data",), ("data", "show"), ("data", "list")),
        *(("configs",), ("configs", "copy"), ("configs", "list"), ("schema",)),
    ):
        shown = nn(*command, "--help").out
        assert not re.search(r"<[a-z]|\bbool|\bint\b|\bstr\b|INTEGER|BOOLEAN|list\[", shown), shown


def test_an_option_that_is_given_twice_is_refused(nn: Command) -> None:
    message = nn("train", "quickstart", "--seed", 3, "--seed", 4).refusal()
    assert message == "--seed: given 2 times: give it once"
