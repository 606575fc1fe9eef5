"""`isolet-nn sweep` as a user meets it: output, messages and exit codes."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sweeps.helpers import (
    IRIS,
    InlineWorkers,
    is_alive,
    model_bytes,
    result_table,
    run,
    start,
    stop_after,
    wait_until,
    worker_pids,
)

from isolet_nn.cli import app as cli
from isolet_nn.config.loading import parse_overrides
from isolet_nn.sweeps.folder import SweepFolder, trial_config
from isolet_nn.sweeps.loading import _split_own, load_sweep
from isolet_nn.sweeps.sweep import resume_sweep, sweep

pytestmark = pytest.mark.usefixtures("without_pictures")

SEVERAL: dict[str, Any] = {
    "set": {"dataset.split_seed": 0},
    "grid": {"training.epochs": [1, 2], "optimizer.learning_rate": [0.1, 0.01]},
    "seeds": 2,
}

Sweeper = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nn_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Sweeper:
    """`isolet-nn sweep` in this process, in an empty current folder: code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["isolet-nn", "sweep", *map(str, arguments)])
            patch.setattr("warnings.showwarning", None)
            with pytest.raises(SystemExit) as end:
                cli.main()
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int | None)
        return end.value.code or 0, captured.out, captured.err

    return command


def write_sweep(path: Path, experiment: Mapping[str, Any] | str | None = IRIS, **keys: Any) -> Path:
    """A sweep's file; JSON is YAML."""
    path.write_text(json.dumps({"experiment": experiment, **keys}), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "several.yaml", **SEVERAL)


def in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command train in the test's process."""
    inner = sweep

    def inline(*arguments: Any, **options: Any) -> SweepFolder:
        return inner(*arguments, **{**options, "make_workers": InlineWorkers})

    monkeypatch.setattr("isolet_nn.sweeps.sweep.sweep", inline)


def test_a_dry_run_prints_the_plan_and_makes_nothing(nn_sweep: Sweeper, file: Path) -> None:
    code, out, _ = nn_sweep(file, "--dry-run", "--workers", 3)
    assert code == 0
    assert "8 trials, 8 of them to be done" in out
    assert "4 trainings in 4 cohorts for 3 workers" in out
    assert "estimated work:" in out
    assert "8 trials read off one training each, since they differ in epochs only" in out
    assert "8 trials not stacked: each would take long, or workers would have nothing to do" in out
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


def test_a_dry_run_of_a_stopped_sweep_plans_what_is_left(
    nn_sweep: Sweeper, file: Path, tmp_path: Path
) -> None:
    folder = sweep(
        load_sweep(file),
        runs_dir=tmp_path / "runs",
        workers=1,
        make_workers=InlineWorkers,
        should_stop=stop_after(2),
    )
    pending = folder.summary["pending"]
    assert 0 < pending < 8
    before = (folder.path / "trials.jsonl").read_bytes()
    code, out, _ = nn_sweep("--resume", folder.path, "--dry-run")
    assert code == 0
    assert f"8 trials, {pending} of them to be done" in out
    assert (folder.path / "trials.jsonl").read_bytes() == before


def test_every_trials_config_can_be_printed(nn_sweep: Sweeper, file: Path) -> None:
    config = load_sweep(file, {"model.dropout": 0.25})
    for trial in (0, 7):
        code, out, err = nn_sweep(file, "--set", "model.dropout=0.25", "--print-trial", trial)
        assert (code, err) == (0, "")
        assert out == trial_config(config, trial)
        assert "dropout: 0.25" in out
    for trial in (8, -1):
        code, out, err = nn_sweep(file, "--print-trial", trial)
        assert (code, out) == (2, "")
        assert f"trial {trial}: there are trials 0 to 7" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which sweep?"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
        (["several.yaml", "--set", "training.epochs=3"], "--set training.epochs: the sweep varies"),
        (["several.yaml", "--set", "training.epoch=3"], "did you mean epochs?"),
        (["several.yaml", "--set", "seed=3"], "seeds are given by the key `seeds`"),
        (["several.yaml", "--save-models", "bset"], "did you mean best?"),
        (["several.yaml", "--name", "a/b"], "name: found 'a/b'"),
        (["several.yaml", "--force"], "--retry-failed and --force go with --resume"),
        (["several.yaml", "--retry-failed"], "--retry-failed and --force go with --resume"),
        (
            ["several.yaml", "--trials", "9"],
            "--trials goes with --resume; a new search takes --set",
        ),
        (["--resume", "nowhere"], "nowhere: no such folder"),
        (["--resume", "."], "no sweep.yaml in it, so not a sweep folder"),
        (["several.yaml", "--resume", "x"], "--resume goes on with the sweep's own config"),
        (["--resume", "x", "--set", "seed=1"], "--resume goes on with the sweep's own config"),
        (["wrong.yaml"], "optimizer.learning_rat: unknown key; did you mean learning_rate?"),
        (["wrong.yaml"], "modl: unknown key; did you mean model?"),
        (["experiment.yaml"], "isolet-nn train"),
        (["broken.yaml"], "broken.yaml:2:1: not valid YAML"),
        (["lost.yaml"], "lost.csv"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    nn_sweep: Sweeper, file: Path, arguments: list[str], message: str
) -> None:
    here = file.parent
    write_sweep(
        here / "wrong.yaml", grid={"optimizer.learning_rat": [1], "modl.hidden_layers": [[2]]}
    )
    (here / "experiment.yaml").write_text("dataset: {name: iris}\n", encoding="utf-8")
    (here / "broken.yaml").write_text("experiment: [\n", encoding="utf-8")
    write_sweep(here / "lost.yaml", {"dataset": {"name": "csv", "path": "lost.csv"}})
    code, out, err = nn_sweep(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert not (here / "runs").exists()


def test_results_go_to_stdout_with_the_folder_last_and_messages_to_stderr(
    nn_sweep: Sweeper, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_process(monkeypatch)
    code, out, err = nn_sweep(file, "--name", "mine", "--save-models", "all", "--verbose")
    assert code == 0
    path = Path(out.splitlines()[-1])
    assert path.name.endswith("-mine")
    assert "best settings by test accuracy" in out
    assert "This ranking saw the test set" in out
    assert "8 trials: 8 completed, 0 failed, 0 pending" in out
    assert len(model_bytes(path)) == 8
    assert "8 trials in 4 trainings" in err
    assert "begun: trials" in err
    assert "8/8 trials" in err


def test_with_a_validation_split_the_test_set_only_stands_beside(
    nn_sweep: Sweeper, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_process(monkeypatch)
    _, out, _ = nn_sweep(file, "--set", "dataset.validation={fraction: 0.2}")
    assert "best settings by validation accuracy" in out
    assert "test_accuracy" in out
    assert "This ranking saw the test set" not in out


def test_a_search_by_folds_is_planned_printed_and_ranked_without_the_test_set(
    nn_sweep: Sweeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_process(monkeypatch)
    file = write_sweep(tmp_path / "search.yaml", **SEVERAL, cross_validation={"folds": 5})
    _, out, _ = nn_sweep(file, "--dry-run")
    assert "40 trials, 40 of them to be done" in out
    assert "20 trainings" in out
    _, out, _ = nn_sweep(file, "--print-trial", 39)
    assert "    folds: 5\n    fold: 4\n    repeat: 0\n    by: rows\n" in out
    assert "evaluate_test: false" in out
    _, out, _ = nn_sweep(file)
    title = (
        "best settings by validation accuracy, mean +- standard deviation over 5 folds x 2 seeds"
    )
    assert title in " ".join(out.split())
    assert "test_accuracy" not in out
    assert "This ranking saw the test set" not in out
    assert "settings.csv" in out


def test_quiet_prints_the_folder_only(
    nn_sweep: Sweeper, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_process(monkeypatch)
    code, out, err = nn_sweep(file, "--quiet", "--runs-dir", "elsewhere")
    assert (code, err) == (0, "")
    assert Path(out.strip()).parent == Path("elsewhere")
    assert len(out.splitlines()) == 1


def test_a_sweep_of_failures_only_has_failed(
    nn_sweep: Sweeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_process(monkeypatch)
    file = write_sweep(
        tmp_path / "bad.yaml",
        set={"optimizer": {"name": "sgd", "learning_rate": 1e38}},
        seeds=2,
    )
    code, out, err = nn_sweep(file)
    assert code == 1
    assert "error: no trial was completed" in err
    assert "2 trials: 0 completed, 2 failed, 0 pending" in out
    assert "failed: training diverged" in out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sweep_in_order_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    keys: dict[str, Any] = {
        "set": {"training.batch_size": 4},
        "grid": {"training.epochs": [2, 150]},
        "seeds": 2,
    }
    file = write_sweep(tmp_path / "a.yaml", **keys)
    process = start("sweep", file, "--runs-dir", tmp_path / "runs", "--workers", "1")
    wait_until(lambda: worker_pids(process.pid))
    workers = worker_pids(process.pid)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    wait_until(lambda: not any(map(is_alive, workers)), seconds=5)
    command = shlex.split(err.splitlines()[-1].partition("go on with: ")[2])
    assert command[:3] == ["isolet-nn", "sweep", "--resume"]
    path = Path(command[3])
    assert (path / "trials.csv").is_file()
    assert SweepFolder.open(path).summary["status"] == "interrupted"
    assert not (path / ".data").exists()
    assert "4 pending" in out

    again = run(*command[1:], "--workers", "1")
    assert again.returncode == 0, again.stderr
    undisturbed = sweep(load_sweep(file), runs_dir=tmp_path, make_workers=InlineWorkers)
    assert result_table(path) == result_table(undisturbed)
    assert model_bytes(path) == model_bytes(undisturbed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("experiment: quickstart\ngrid: {training.epoch: [1]}", "training.epoch: unknown key"),
        ("experiment: quickstart\ngrid: {training.epochs: [1, 1]}", "grid.training.epochs: 1 is "),
        ("experiment: quikstart", "experiment: quikstart: no such file"),
        (
            "experiment: quickstart\nseeds: 100000000000",
            "seeds: found 100000000000; allowed: a list",
        ),
        ("experiment: quickstart\nseeds: -1", "seeds: found -1; allowed: a list of seeds, or how"),
        ("experiment: quickstart\nset: {model.foo: 2}", "set: model.foo: unknown key"),
        (
            "experiment: quickstart\nset: {model.hidden_layers.0: 2}",
            "set: model.hidden_layers.0: model.hidden_layers is [64], which can only be set as a",
        ),
    ],
)
def test_problems_of_a_sweep_name_its_file(
    nn_sweep: Sweeper, tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content, encoding="utf-8")
    code, _, err = nn_sweep(file)
    assert code == 2
    assert f"{file}: {message}" in err


def test_a_setting_of_the_command_line_that_is_wrong_is_named_as_such(
    nn_sweep: Sweeper, file: Path
) -> None:
    code, _, err = nn_sweep(file, "--set", "foo=1", "--dry-run")
    assert (code, "--set foo: unknown key" in err) == (2, True)


OWN = """\
name: mine
experiment: {dataset: {name: iris}, model: {hidden_layers: [3]}, training: {epochs: 2}}
grid: {training.epochs: [1, 2], optimizer.learning_rate: [0.1, 0.2]}
plot: {kind: heatmap, x: training.epochs, y: optimizer.learning_rate}
"""


@pytest.fixture
def own_keys(tmp_path: Path) -> Path:
    file = tmp_path / "own.yaml"
    file.write_text(OWN, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        (["seeds=2"], "seeds", [0, 1]),
        (["seeds=[5, 010]"], "seeds", [5, 10]),
        (["workers=3"], "workers", 3),
        (["name=other"], "name", "other"),
        (["save_models=none"], "save_models", "none"),
        (["grid.optimizer.learning_rate=[0.5]"], "grid.optimizer.learning_rate", [0.5]),
        (["grid.model.dropout=[0, 0.5]"], "grid.model.dropout", [0, 0.5]),
        (["grid={training.epochs: [3]}", "plot=[]"], "grid", {"training.epochs": [3]}),
        (["plot.kind=boxplot", "plot.y=null"], "plot.0.kind", "boxplot"),
        (["plot.0.value=test_loss"], "plot.0.value", "test_loss"),
        (["cross_validation.folds=3"], "cross_validation.folds", 3),
        (["cross_validation={folds: 3}"], "cross_validation.by", "rows"),
        (["grid=null", "plot=[]", "list=[{seeds: 1}]"], None, "seeds: unknown key"),
        (["experiment.name=trial"], "experiment.name", "trial"),
        (["experiment.seed=4"], None, "seeds are given by the key `seeds`"),
        (["experiment.model.dropout=0.5"], "experiment.model.dropout", 0.5),
        (["set.model.dropout=0.5"], "experiment.model.dropout", 0.5),
        (["experiment=quickstart"], "experiment.dataset.name", "digits"),
        (
            ["grid=null", "random.trials=2", "random.space.training.epochs={integers: [1, 9]}",
             "plot=[]"],
            "random.space.training.epochs",
            {"integers": [1, 9]},
        ),
        (["worker=2"], None, "--set worker: unknown key; did you mean workers?"),
        (["grit.seed=2"], None, "--set grit: unknown key; did you mean grid?"),
        (["seeds=2", "seeds=3"], None, "--set seeds: found 2 and 3: give one of them"),
        (["seeds=[1", "model.dropout=3", "worker=2"], None, "--set model.dropout: found 3; it sho"),
        (["model.dropout=0.1", "experiment.model.dropout=0.2"], None, "found 0.1 and 0.2: give"),
        (["plot.1.kind=line"], None, "plot.1"),
        (["seeds=0"], None, "--set seeds: found 0; allowed: a list of seeds, or how many"),
        (["grid.training.epochs=3"], None, "--set grid.training.epochs: found 3; it should be a v"),
    ],
)  # fmt: skip
def test_the_keys_of_a_sweep_itself_can_be_set_in_any_order(
    own_keys: Path,
    nn_sweep: Sweeper,
    settings: list[str],
    key: str | None,
    value: Any,
) -> None:
    for order in (settings, settings[::-1]):
        if key is None:
            command = [part for setting in order for part in ("--set", setting)]
            code, out, err = nn_sweep(own_keys, "--dry-run", *command)
            assert (code, out) == (2, "")
            assert value in err
            continue
        found: Any = load_sweep(own_keys, parse_overrides(order)).model_dump(mode="json")
        for part in _split_own(key):
            found = found[int(part)] if isinstance(found, list) else found[part]
        assert found == value


def test_a_set_of_a_file_says_where_a_key_of_the_sweep_belongs(
    own_keys: Path, nn_sweep: Sweeper
) -> None:
    own_keys.write_text(OWN + "set: {seeds: 3, name: trial}\n", encoding="utf-8")
    _, _, err = nn_sweep(own_keys, "--dry-run")
    assert "set: seeds: a key of the sweep itself, which stands beside `set`, not in it" in err
    own_keys.write_text(OWN + "set: {name: trial}\n", encoding="utf-8")
    assert load_sweep(own_keys).experiment["name"] == "trial"


def test_options_of_a_sweep_that_contradict_a_setting_are_named(
    own_keys: Path, nn_sweep: Sweeper
) -> None:
    _, _, err = nn_sweep(
        *(own_keys, "--dry-run", "--name", "a", "--set", "name=b", "--workers", "2"),
        *("--set", "workers=3", "--save-models", "all", "--set", "save_models=best"),
    )
    assert [line.strip() for line in err.splitlines()] == [
        "error: --name: found 'a', but --set name='b': give one of them",
        "--save-models: found 'all', but --set save_models='best': give one of them",
        "--workers: found 2, but --set workers=3: give one of them",
    ]


def test_all_problems_of_a_sweep_are_told_at_once(own_keys: Path, nn_sweep: Sweeper) -> None:
    own_keys.write_text(
        OWN.replace("[1, 2]", "[1, 0]").replace("epochs: 2}", "epochs: 2, mixup: -1}")
        + "sead: 3\nset: {model.drop: 1, training: 3, training.epochs: 4}\nseeds: [1, 1]\n",
        encoding="utf-8",
    )
    code, _, err = nn_sweep(own_keys, "--set", "optimizer.nmae=sgd", "--set", "x", "--dry-run")
    assert code == 2
    lines = [line.strip().removeprefix("error: ") for line in err.splitlines()]
    for part in ("--set x: exp", "sead: unknown", "set: training.epochs: ", "model.drop: unknown",
                 "seeds: a seed is given twice", "--set optimizer.nmae: unknown"):  # fmt: skip
        assert any(part in line for line in lines), (part, lines)
    own_keys.write_text(OWN.replace("[1, 2]", "[1, 0]") + "seeds: [1, 1]\n", encoding="utf-8")
    _, _, err = nn_sweep(own_keys, "--dry-run")
    assert "seeds: a seed is given twice" in err
    assert "training.epochs: found 0; it should be greater than or equal to 1 (with" in err


def test_shards_are_run_and_merged(
    nn_sweep: Sweeper, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = resume_sweep
    monkeypatch.setattr(
        "isolet_nn.sweeps.sharding.resume_sweep",
        lambda *of, **options: inner(*of, **{**options, "make_workers": InlineWorkers}),
    )
    code, out, _ = nn_sweep(file, "--shard", "1/2", "--into", "all", "--dry-run")
    assert (code, out.splitlines()[0]) == (0, "4 trials, 4 of them to be done")
    assert not Path("all").exists()
    code, out, _ = nn_sweep(file, "--shard", "1/2", "--into", "all")
    assert code == 0
    assert "shard 1/2; once all 2 shards are done: isolet-nn sweep --merge all" in out
    assert out.splitlines()[-1] == "all/shard-1-of-2"
    code, out, err = nn_sweep("--merge", "all")
    assert (code, out) == (2, "")
    assert (
        "2/2 is missing: isolet-nn sweep all/shard-1-of-2/sweep.yaml --shard 2/2 --into all" in err
    )
    assert nn_sweep(file, "--shard", "2/2", "--into", "all", "--quiet")[0] == 0
    code, out, _ = nn_sweep("--merge", "all")
    assert code == 0
    assert "8 trials: 8 completed, 0 failed, 0 pending" in out
    single = ("--set", "grid=null", "--set", "list=[{}]", "--set", "seeds=1", "--into", "one")
    codes = [nn_sweep(file, "--shard", f"{n}/2", *single, "--quiet")[0] for n in (1, 2)]
    assert codes == [0, 0]  # one of them has nothing to do


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["F", "--shard", "0/8", "--into", "all"], "--shard: found '0/8'; allowed: NUMBER/OF"),
        (["F", "--shard", "9/8", "--into", "all"], "--shard: found '9/8'; allowed: NUMBER/OF"),
        (["F", "--shard", "1/8"], "--shard and --into go together"),
        (["F", "--into", "all"], "--shard and --into go together"),
        (["--resume", "all", "--shard", "1/8", "--into", "all"], "--shard does not go with"),
        (["--merge"], "which shards?"),
        (["--merge", "nowhere"], "nowhere: no such folder"),
        (["--merge", "all", "--workers", "2"], "--workers does not go with --merge"),
        (["F", "all"], "give one (folders go with --reuse and --merge)"),
        (["F", "--reuse", "nowhere"], "nowhere: no such folder"),
        (["F", "--reuse", "--cluster", "local:1"], "--reuse does not go with --cluster"),
        (["--resume", "all", "F"], "--resume goes on with the sweep's own config"),
    ],
)
def test_shards_that_cannot_be_meant_are_refused(
    nn_sweep: Sweeper, file: Path, arguments: list[str], found: str
) -> None:
    code, out, err = nn_sweep(*(str(file) if word == "F" else word for word in arguments))
    assert (code, out) == (2, "")
    assert found in " ".join(err.split())
    assert not Path("all").exists()


def test_what_was_done_before_is_taken_over_and_counted(
    nn_sweep: Sweeper, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WorkersHere(InlineWorkers):
        pass

    for module in ("sweep", "header", "reuse"):
        monkeypatch.setattr(f"isolet_nn.sweeps.{module}.LocalWorkers", WorkersHere)
    inner = sweep
    monkeypatch.setattr(
        "isolet_nn.sweeps.sweep.sweep",
        lambda *of, **options: inner(*of, **{**options, "make_workers": WorkersHere}),
    )
    code, out, err = nn_sweep(file, "--reuse")
    assert code == 0
    assert "0 trials are taken over" in err
    earlier = out.splitlines()[-1]
    code, out, err = nn_sweep(file, "--reuse", "--dry-run")
    assert (code, out.splitlines()[0]) == (0, "8 trials, 0 of them to be done")
    assert "8 trials are taken over from 1 folder" in err
    (Path(earlier) / "summary.json").write_text("{", encoding="utf-8")
    code, out, err = nn_sweep(file, "--reuse", earlier)
    assert code == 0
    assert f"left aside: {earlier}: {earlier}/summary.json: damaged" in " ".join(err.split())
    code, out, err = nn_sweep(file, "--reuse", "runs")
    assert code == 0
    assert "8 trials: 8 completed, 0 failed, 0 pending; 8 of them taken over" in out
