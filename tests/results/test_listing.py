"""The list of runs: what it says of each, sorting and filtering, and folders that are damaged."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from isolet_nn import sweep, train
from isolet_nn.cli.app import app
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.columns import COLUMNS
from isolet_nn.results.filters import filter_entries, parse_filter, sort_entries
from isolet_nn.results.listing import Entry, list_runs, read_entry
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import locked
from isolet_nn.terminal import layouts, lists
from isolet_nn.terminal.lists import print_entries
from isolet_nn.terminal.streams import SafeConsole
from isolet_nn.terminal.words import ago

EXPERIMENT = {
    "name": "wine-run",
    "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [4]},
    "training": {"epochs": 3, "batch_size": 32},
}


ENDED = {
    "format": 1,
    "status": "completed",
    "started": "2026-01-01T00:00:00+00:00",
    "ended": "2026-01-01T00:00:01+00:00",
    "seconds": 1.0,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a completed, an interrupted and a failed run, and a sweep, in this order."""
    folder = tmp_path_factory.mktemp("listing") / "runs"
    train(load_experiment(EXPERIMENT), runs_dir=folder)
    steps = iter([False] * 6 + [True])
    stopped = load_experiment(EXPERIMENT, {"name": "stopped"})
    train(stopped, runs_dir=folder, should_stop=lambda: next(steps))
    wild = {"name": "wild", "optimizer": {"name": "sgd", "learning_rate": 1e30}}
    train(load_experiment(EXPERIMENT, wild), runs_dir=folder)
    content = {
        "name": "grid",
        "experiment": EXPERIMENT,
        "grid": {"model.hidden_layers": [[2], [8]]},
        "seeds": 2,
    }
    sweep(load_sweep(content), runs_dir=folder, workers=1)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be damaged."""
    return shutil.copytree(made, tmp_path / "runs")


def named(entries: list[Entry], name: str) -> Entry:
    (entry,) = [entry for entry in entries if entry.name == name]
    return entry


def change_summary(folder: str | Path, **changes: Any) -> None:
    path = Path(folder) / "summary.json"
    content = json.loads(path.read_text()) | changes
    write_json(path, {key: value for key, value in content.items() if value is not ...})


def make_entry(**changes: Any) -> Entry:
    values: dict[str, Any] = {"folder": "f", "kind": "run", "status": "completed", "age": 1.0}
    return Entry(**values | changes)


def test_a_completed_run_is_listed_with_its_figures(made: Path) -> None:
    entry = named(list_runs(made), "wine-run")
    summary = json.loads((Path(entry.folder) / "summary.json").read_text())
    assert (entry.kind, entry.status, entry.epochs) == ("run", "completed", 3)
    assert entry.test_accuracy == summary["metrics"]["test_accuracy"]
    assert entry.validation_accuracy == summary["metrics"]["validation_accuracy"]
    assert entry.seconds == summary["seconds"]
    assert entry.problem is None
    assert 0 <= entry.age < 600


def test_a_sweep_is_listed_with_its_trials_and_the_figures_of_its_best_setting(made: Path) -> None:
    entry = named(list_runs(made), "grid")
    best = json.loads((Path(entry.folder) / "summary.json").read_text())["best"][0]
    assert (entry.kind, entry.status, entry.epochs) == ("sweep", "completed", None)
    assert (entry.trials, entry.completed, entry.failed) == (4, 4, 0)
    assert entry.test_accuracy == best["scores"]["test_accuracy"]["mean"]
    assert entry.validation_accuracy == best["scores"]["validation_accuracy"]["mean"]
    assert entry.best_setting == best["setting"]
    table = (Path(entry.folder) / "trials.csv").read_text(encoding="utf-8")
    size = best["setting"]["model.hidden_layers"]
    rows = csv.DictReader(io.StringIO(table))
    of_best = [row for row in rows if json.loads(row["model.hidden_layers"]) == size]
    for metric in ("validation_loss", "test_loss", "train_loss", "train_accuracy"):
        mean = sum(float(row[metric]) for row in of_best) / 2
        assert getattr(entry, metric) == pytest.approx(mean, rel=1e-12)
    assert filter_entries([entry], ["validation_loss>0.01"]) == [entry]


def test_interrupted_and_failed_runs_say_so(made: Path) -> None:
    entries = list_runs(made)
    assert named(entries, "stopped").status == "interrupted"
    wild = named(entries, "wild")
    assert wild.status == "failed"
    assert "diverged" in (wild.problem or "")


def test_the_newest_comes_first(copied: Path) -> None:
    for number, name in enumerate(["stopped", "grid", "wine-run", "wild"]):
        entry = named(list_runs(copied), name)
        change_summary(entry.folder, started=f"2026-01-0{number + 1}T12:00:00+00:00")
    assert [entry.name for entry in list_runs(copied)] == ["wild", "wine-run", "grid", "stopped"]


def test_other_folders_and_files_are_left_out(copied: Path) -> None:
    before = len(list_runs(copied))
    (copied / "notes").mkdir()
    (copied / "notes" / "text.md").write_text("nothing to see")
    (copied / "20260101-120000-benchmark").mkdir()
    (copied / "20260101-120000-benchmark" / "environment.json").write_text("{}")
    (copied / "comparison.png").write_bytes(b"")
    assert len(list_runs(copied)) == before


def test_a_run_whose_process_is_dead_is_killed_and_shows_how_far_it_came(copied: Path) -> None:
    folder = named(list_runs(copied), "wine-run").folder
    change_summary(folder, status="running", metrics=..., epochs=..., seconds=...)
    (Path(folder) / ".lock").touch()
    with (Path(folder) / "metrics.csv").open("a") as file:
        file.write("4,0.1,0.")
    entry = read_entry(Path(folder))
    rows = (Path(folder) / "metrics.csv").read_text().splitlines()
    assert entry is not None
    assert (entry.status, entry.epochs, entry.seconds) == ("killed", 3, None)
    assert repr(entry.test_accuracy) in rows[3].split(",")


def test_a_run_that_somebody_works_on_is_running_and_asking_does_not_wait(copied: Path) -> None:
    entries = list_runs(copied)
    with (
        locked(Path(named(entries, "wine-run").folder)),
        locked(Path(named(entries, "stopped").folder)),
        locked(Path(named(entries, "grid").folder)),
    ):
        change_summary(named(entries, "wine-run").folder, status="running")
        change_summary(named(entries, "grid").folder, status="running")
        begun = time.monotonic()
        statuses = {entry.name: entry.status for entry in list_runs(copied)}
        assert time.monotonic() - begun < 5
    assert statuses["wine-run"] == statuses["grid"] == "running"
    assert statuses["stopped"] == "running", "it was resumed, and its summary is still the old one"


def test_a_killed_sweep_shows_the_trials_in_its_journal(copied: Path) -> None:
    folder = Path(named(list_runs(copied), "grid").folder)
    change_summary(folder, status="running", completed=0, failed=0, best=[], ended=None)
    journal = folder / "trials.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    failed = json.dumps({**json.loads(lines[2]), "status": "failed"}) + "\n"
    journal.write_text("".join([*lines[:3], failed, lines[3][:20]]))
    entry = read_entry(folder)
    assert entry is not None
    assert (entry.status, entry.trials, entry.completed, entry.failed) == ("killed", 4, 1, 1)
    assert entry.test_accuracy is None


def no_summary(folder: Path) -> None:
    (folder / "summary.json").unlink()


def half_a_summary(folder: Path) -> None:
    (folder / "summary.json").write_text('{"status": "comp')


def strange_summary(folder: Path) -> None:
    (folder / "summary.json").write_text('{"status": "completed", "metrics": [1]}')


def no_status(folder: Path) -> None:
    change_summary(folder, status=...)


def text_for_a_number(folder: Path) -> None:
    change_summary(folder, metrics={"test_accuracy": "high"})


def no_config(folder: Path) -> None:
    (folder / "config.yaml").unlink()


def empty_config(folder: Path) -> None:
    (folder / "config.yaml").write_text("")


def binary_config(folder: Path) -> None:
    (folder / "config.yaml").write_bytes(b"\xff\xfe\x00")


def nothing_left(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_summary, "summary.json: no such file"),
        (half_a_summary, "summary.json: damaged: Unterminated"),
        (strange_summary, "summary.json: is of an earlier format"),
        (no_status, "summary.json: damaged: status: missing"),
        (text_for_a_number, "summary.json: damaged: metrics.test_accuracy: found 'high'"),
        (no_config, "config.yaml: no such file"),
        (empty_config, "config.yaml: damaged"),
        (binary_config, "config.yaml: damaged"),
        (nothing_left, "config.yaml: no such file"),
    ],
)
def test_a_damaged_folder_is_listed_with_what_is_wrong(
    copied: Path, damage: Callable[[Path], None], message: str
) -> None:
    before = list_runs(copied)
    folder = named(before, "wine-run").folder
    damage(Path(folder))
    after = list_runs(copied)
    (entry,) = [entry for entry in after if entry.folder == folder]
    assert entry.status == "damaged"
    assert (entry.problem or "").startswith(message)
    assert math.isfinite(entry.age)
    assert {e.folder for e in after} == {e.folder for e in before}


def test_a_folder_that_is_none_or_is_a_run_itself_is_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="absent: no such folder; runs lie in"):
        list_runs(tmp_path / "absent")
    with pytest.raises(RunError, match="give the folder it lies in"):
        list_runs(list_runs(made)[0].folder)


@pytest.mark.parametrize(
    ("expressions", "fitting"),
    [
        (["status=completed"], "acd"),
        (["status!=completed"], "b"),
        (["name~ISO"], "ad"),
        (["folder~runs/b"], "b"),
        (["test_accuracy>95%"], "a"),
        (["test_accuracy>95"], "a"),
        (["test_accuracy>=95"], "ac"),
        (["test_accuracy=95%"], "c"),
        (["test_accuracy>1"], ""),
        (["test_loss<0.5"], "a"),
        (["test_accuracy >= 0.95"], "ac"),
        (["test_accuracy<0.95"], "b"),
        (["test_accuracy!=0.95"], "abd"),
        (["age<2h"], "ab"),
        (["age > 1 d"], "d"),
        (["kind=run", "epochs<=10"], "a"),
        (["trials=36"], "c"),
        (["kind=sweep", "name~isolet"], ""),
        ([], "abcd"),
    ],
)
def test_filters_keep_the_entries_that_fit_all_of_them(
    expressions: list[str], fitting: str
) -> None:
    entries = [
        make_entry(
            folder="runs/a", name="isolet", test_accuracy=0.96, test_loss=0.1, epochs=10, age=60.0
        ),
        make_entry(folder="runs/b", status="failed", test_accuracy=0.5, epochs=99, age=3600.0),
        make_entry(folder="runs/c", kind="sweep", test_accuracy=0.95, trials=36, age=7200.0),
        make_entry(folder="runs/d", name="my-isolet", age=2e5),
    ]
    kept = filter_entries(entries, expressions)
    assert [entry.folder[-1] for entry in kept] == list(fitting)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("status", "expected for instance status=completed"),
        ("=completed", "expected for instance"),
        ("test_acuracy>0.9", "no column 'test_acuracy'; .*did you mean test_accuracy"),
        ("status=complete", "found 'complete'; allowed: .*did you mean completed"),
        ("status<completed", "status can be compared by = != ~"),
        ("epochs~3", "epochs can be compared by = != < <= > >="),
        ("epochs>many", "'many' is no number"),
        ("epochs>1e", "'1e' is no number"),
        ("epochs>", "'' is no number"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        filter_entries([make_entry()], [expression])


@pytest.mark.parametrize(
    ("expression", "reading"),
    [
        ("test_accuracy>97", "test_accuracy>97: read as 97 %"),
        ("validation_accuracy <= 0.975", "validation_accuracy<=0.975: read as 97.5 %"),
        ("test_accuracy>97%", None),
        ("test_loss>97", None),
    ],
)
def test_how_a_bare_accuracy_was_read_is_said(expression: str, reading: str | None) -> None:
    assert parse_filter(expression).reading == reading


@pytest.mark.parametrize(
    ("expressions", "fitting"),
    [
        (["optimizer.name=adam"], ["wine-run", "wine-sweep"]),
        (["optimizer.name!=adam"], ["stopped"]),
        (["optimizer.learning_rate<0.01", "kind=run"], ["wine-run"]),
        (["optimizer.learning_rate=5e-1"], ["wine-sweep"]),
        (["model.hidden_layers=[4]"], ["stopped", "wine-run", "wine-sweep"]),
        (["optimizer.name~SG"], ["stopped"]),
        (["optimizer.momentum>=0"], ["stopped"]),
        (["training.early_stopping=null", "seed=0.0"], ["stopped", "wine-run", "wine-sweep"]),
        (["training.shuffle=1"], []),
        (["status=failed", "seed=0"], []),
    ],
)
def test_settings_are_filtered_by_those_of_a_sweep_are_its_best(
    tmp_path: Path, expressions: list[str], fitting: list[str]
) -> None:
    base = {"name": "wine", "model": {"hidden_layers": [4]}}
    for name, optimizer in (("stopped", "sgd"), ("wine-run", "adam")):
        (tmp_path / name).mkdir()
        section = {"name": optimizer, "learning_rate": 0.1 if name == "stopped" else 1e-3}
        section |= {"momentum": 0.0} if optimizer == "sgd" else {}
        settings = {"early_stopping": None, "shuffle": True}
        write_yaml(
            tmp_path / name / "config.yaml",
            {**base, "name": name, "optimizer": section, "training": settings, "seed": 0},
        )
        ended = ENDED | {"epochs": 1, "metrics": {}}
        write_json(tmp_path / name / "summary.json", ended)
    swept = tmp_path / "wine-sweep"
    swept.mkdir()
    experiment = {**base, "optimizer": {"name": "sgd", "momentum": 0.9}, "seed": 0}
    experiment["training"] = {"early_stopping": None}
    write_yaml(swept / "sweep.yaml", {"name": "wine-sweep", "experiment": experiment})
    best = {"setting": {"optimizer": {"name": "adam", "learning_rate": 0.5}}, "scores": {}}
    counts = dict.fromkeys(("trials", "completed", "failed", "pending"), 1)
    of_sweep = {"ranked_by": "test_accuracy", "best": [best | {"n": 1}]}
    write_json(swept / "summary.json", ENDED | counts | of_sweep)
    kept = filter_entries(list_runs(tmp_path), expressions)
    assert sorted(entry.name or "" for entry in kept) == fitting


def write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def test_an_unknown_setting_is_named_with_the_nearest(made: Path) -> None:
    with pytest.raises(ConfigError, match=r"no column 'learning_rate'; .*optimizer\.learning_rate"):
        filter_entries(list_runs(made), ["learning_rate>0.1"])
    with pytest.raises(ConfigError, match=r"did you mean model\.hidden_layers"):
        sort_entries(list_runs(made), "model.hiden_layers")
    with pytest.raises(ConfigError, match=r"did you mean optimizer\.learning_rate\?"):
        sort_entries(list_runs(made), "lr")


def test_a_damaged_config_has_no_settings_and_hides_no_other_run(copied: Path) -> None:
    entries = list_runs(copied)
    folder = Path(named(entries, "wine-run").folder)
    (folder / "config.yaml").write_text("name: wine-run\n{")
    (folder / "environment.json").write_text("[")
    kept = filter_entries(list_runs(copied), ["seed=0"])
    assert kept
    assert "wine-run" not in [entry.name for entry in kept]


def test_sorting_by_a_setting_puts_high_numbers_first_and_missing_ones_last() -> None:
    entries = [
        make_entry(folder=name, settings=settings)
        for name, settings in [
            ("a", {"optimizer.momentum": 0.5}),
            ("b", {}),
            ("c", {"optimizer.momentum": 0.9}),
        ]
    ]
    kept = sort_entries(entries, "optimizer.momentum")
    assert [entry.folder for entry in kept] == ["c", "a", "b"]


def test_what_is_asked_for_gets_a_column(made: Path) -> None:
    asked = ["--filter", "kind=run", "--sort", "test_loss", "--filter", "model.hidden_layers~["]
    listed = CliRunner().invoke(app, ["runs", str(made), *asked])
    heading = " ".join(listed.stdout.splitlines()[:2]).split()
    assert "loss" in heading
    assert "layers" in " ".join(heading)
    bare = CliRunner().invoke(app, ["runs", str(made), "--filter", "test_accuracy>1e-9"])
    assert "read as 1e-07 %" in bare.stderr


def test_sorting_puts_high_numbers_first_and_missing_ones_last() -> None:
    entries = [
        make_entry(folder="c", test_accuracy=0.5, age=3.0),
        make_entry(folder="a", age=2.0),
        make_entry(folder="b", test_accuracy=0.9, age=1.0),
    ]

    def order(column: str) -> str:
        return "".join(entry.folder for entry in sort_entries(entries, column))

    assert order("test_accuracy") == "bca"
    assert order("folder") == "abc"
    assert order("age") == "bac"
    assert order("status") == "cab", "equal ones keep their order"


def test_of_those_without_a_value_the_failed_and_damaged_come_last() -> None:
    statuses = {"a": "failed", "b": "running", "c": "damaged", "d": "completed", "e": "killed"}
    entries = [make_entry(folder=name, status=status) for name, status in statuses.items()]
    kept = sort_entries([*entries, make_entry(folder="f", test_loss=0.5)], "test_loss")
    assert "".join(entry.folder for entry in kept) == "fbdeac"


def test_every_column_can_be_sorted_by_and_others_are_refused(made: Path) -> None:
    entries = list_runs(made)
    for column in COLUMNS:
        assert len(sort_entries(entries, column)) == len(entries)
    with pytest.raises(ConfigError, match=r"--sort: no column 'epoch'.*did you mean epochs"):
        sort_entries(entries, "epoch")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5.0, "now"),
        (0.4, "now"),
        (1.0, "1 s ago"),
        (59.9, "59 s ago"),
        (60.0, "1 min ago"),
        (3 * 60.0, "3 min ago"),
        (3600.0, "1 h ago"),
        (47 * 3600.0, "47 h ago"),
        (48 * 3600.0, "2 days ago"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert ago(seconds) == text


def test_columns_without_values_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    entry = make_entry(folder="runs/a", test_accuracy=0.9567, epochs=40, age=180.0)
    print_entries([entry, replace(entry, folder="runs/b", test_accuracy=1.0)])
    assert capsys.readouterr().out.splitlines() == [
        "                     test",
        "kind  status     accuracy  epochs        age  folder",
        "run   completed   95.67 %      40  3 min ago  runs/a",
        "run   completed  100.00 %      40  3 min ago  runs/b",
    ]


@pytest.mark.parametrize("asked", [[], ["seconds"]])
@pytest.mark.parametrize("width", [64, 80, 200])
def test_a_narrow_terminal_lacks_columns_rather_than_the_end_of_a_folder(
    monkeypatch: pytest.MonkeyPatch, width: int, asked: list[str]
) -> None:
    screen = SafeConsole(file=io.StringIO(), width=width, force_terminal=True, no_color=True)
    for module in (lists, layouts):
        monkeypatch.setattr(module, "RESULTS", screen)
    entry = make_entry(
        folder="runs/20261126-125500-a-long-name", test_accuracy=0.9567, epochs=40, seconds=2.0
    )
    print_entries([replace(entry, age=180.0, validation_accuracy=0.9)], asked)
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert lines[-1].endswith("  runs/20261126-125500-a-long-name")
    assert "95.67 %" in lines[-1]
    assert ("seconds" in lines[-2]) == (bool(asked) or width == 200)
    assert ("age" in lines[-2]) == (width == 200)


def test_the_command_lists_sorts_filters_and_prints_json(made: Path) -> None:
    listed = CliRunner().invoke(app, ["runs", str(made)])
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) == 2 + 4
    asked = ["--filter", "kind=run", "--filter", "status!=failed", "--sort", "name", "--json"]
    entries = json.loads(CliRunner().invoke(app, ["runs", str(made), *asked]).stdout)
    assert [entry["name"] for entry in entries] == ["stopped", "wine-run"]
    assert set(entries[0]) == {*COLUMNS, "best_setting"}


def test_an_empty_list_is_said_on_standard_error(tmp_path: Path) -> None:
    nothing = CliRunner().invoke(app, ["runs", str(tmp_path)])
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "no runs" in nothing.stderr
    assert CliRunner().invoke(app, ["runs", str(tmp_path), "--json"]).stdout == "[]\n"


def test_listing_loads_no_numerical_library(made: Path) -> None:
    code = (
        "import sys; from isolet_nn.cli.app import app; app(standalone_mode=False); "
        "assert not {'numpy', 'yaml', 'matplotlib', 'torch'} & set(sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-c", code, "runs", str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
