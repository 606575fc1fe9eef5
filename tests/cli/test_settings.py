"""What is wrong with a config, an option or a setting is told before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import QUICK, Command, Result
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import IsoletNNError


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
xor, moons, spirals, csv, openml; did you mean isolet?
       c.yaml: model.hidden_layers: found 3; it should be a valid list, such as [3]
       c.yaml: model.activation.name: found 'rleu'; allowed: relu, sigmoid, tanh, gelu, \
silu, leaky_relu, elu; did you mean relu?
       c.yaml: optimizer.learnin_rate: unknown key; did you mean learning_rate?
       c.yaml: optimizer.momentum: unknown key; allowed: learning_rate, beta1, beta2, epsilon, \
name, weight_decay
       c.yaml: training.epochs: found 0; it should be greater than or equal to 1
       c.yaml: training.batch_size: found 1.5; it should be a valid integer
       c.yaml: training.schedule.name: found 'cosin'; allowed: constant, step, cosine, one_cycle, \
reduce_on_plateau; did you mean cosine?
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
