"""`isolet-nn runs`: columns, groups, tags, notes and the trash, on folders that are made up."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import Command
from isolet_nn import runs_frame
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.columns import COLUMNS
from isolet_nn.results.filters import filter_entries, sort_entries
from isolet_nn.results.groups import group_entries, sort_groups
from isolet_nn.results.listing import list_runs
from isolet_nn.results.trash import delete
from isolet_nn.runs.identity import identity_of
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import locked
from isolet_nn.terminal.streams import SafeConsole
from isolet_nn.terminal.watching import watch

ENDED = {
    "format": 1,
    "status": "completed",
    "started": "2026-01-01T00:00:00+00:00",
    "ended": "2026-01-01T00:00:01+00:00",
    "seconds": 1.5,
    "epochs": 3,
}


def make_run(name: str, accuracy: float | None, rate: float, seed: int = 0, **more: Any) -> Path:
    folder = Path("runs") / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"name: {json.dumps(name)}\n", encoding="utf-8")
    optimizer = {"name": "adam", "learning_rate": rate}
    training = {"epochs": 3, "checkpoint_seconds": seed}
    experiment = {"name": name, "seed": seed, "optimizer": optimizer, "training": training}
    write_json(folder / "environment.json", {"experiment": experiment | more})
    metrics = {} if accuracy is None else {"test_accuracy": accuracy, "validation_loss": rate}
    write_json(folder / "summary.json", ENDED | {"metrics": metrics})
    return folder


@pytest.fixture
def made(nn: Command) -> Command:
    """The command in a folder with five runs, of two learning rates."""
    for seed, accuracy in enumerate((0.90, 0.92, None)):
        make_run(f"slow-{seed}", accuracy, 0.01, seed)
    for seed, accuracy in enumerate((0.95, 0.97)):
        make_run(f"fast-{seed}", accuracy, 0.1, seed)
    return nn


def test_only_the_columns_that_are_asked_for_are_shown_in_their_order(made: Command) -> None:
    asked = ("--columns", "name, optimizer.learning_rate,test_accuracy", "--sort", "name")
    lines = made("runs", *asked).out.splitlines()
    assert [line.split() for line in lines[-2:]] == [
        ["slow-1", "0.01", "92.00", "%"],
        ["slow-2", "0.01"],
    ]
    (first, *_) = json.loads(made("runs", "runs", *asked, "--json").out)
    assert first == {"name": "fast-0", "optimizer.learning_rate": 0.1, "test_accuracy": 0.95}
    rows = list(csv.DictReader(io.StringIO(made("runs", *asked, "--format", "csv").out)))
    assert rows[0] == {
        "name": "fast-0",
        "optimizer.learning_rate": "0.1",
        "test_accuracy": "0.95",
    }
    frame = runs_frame(columns=["name", "optimizer.learning_rate"], sort="name")
    assert frame.iloc[0].to_dict() == {"name": "fast-0", "optimizer.learning_rate": 0.1}
    assert frame.index[0] == "runs/fast-0"
    assert list(runs_frame().columns) == [c for c in COLUMNS if c != "folder"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--columns", "optimizer.lerning_rate"), "did you mean optimizer.learning_rate"),
        (("--columns", "test_accurracy"), "did you mean test_accuracy"),
        (("--columns", "name,,status"), "expected names with commas between them"),
        (("--columns", "name,name"), "name is given twice"),
        (("--group", "optimizer.nam"), "did you mean optimizer.name"),
        (("--group", "setting"), "did you mean settings"),
        (("absent",), "absent: no such folder; runs lie in"),
        (("--group", "name", "--columns", "status"), "status is not a number"),
        (("--group", "settings,name"), "give it alone, or key paths"),
        (("--group", "name", "--sort", "test_acuracy"), "did you mean test_accuracy"),
        (("--reverse",), "--reverse goes with --sort"),
        (("--watch",), "--watch shows a list at a terminal"),
        (("--watch", "--json"), "drop --group, --json and --format"),
        (("--filter", "tags>good"), "tags can be compared by = != ~"),
    ],
)
def test_what_makes_no_sense_is_refused(
    made: Command, arguments: tuple[str, ...], message: str
) -> None:
    assert message in made("runs", *arguments).refusal()


def test_lowest_comes_first_where_that_is_asked_for() -> None:
    entries = [_entry(loss) for loss in (0.5, None, 0.1, 0.9)]
    kept = sort_entries(entries, "test_loss", reverse=True)
    assert [entry.test_loss for entry in kept] == [0.1, 0.5, 0.9, None]


def _entry(loss: float | None) -> Any:
    from isolet_nn.results.listing import Entry

    return Entry(folder="f", kind="run", status="completed", age=1.0, test_loss=loss)


@pytest.mark.parametrize("group", ["optimizer.learning_rate", "settings"])
def test_groups_have_mean_deviation_and_count_over_seeds(made: Command, group: str) -> None:
    text = made("runs", "--group", group, "--columns", "test_accuracy").out.splitlines()
    assert [line.split() for line in text[-2:]] == [
        ["0.01", "3", "91.00", "+-", "1.41", "%", "(2)"],
        ["0.1", "2", "96.00", "+-", "1.41", "%"],
    ]
    groups = json.loads(made("runs", "--group", group, "--json").out)
    assert groups[1]["by"] == {"optimizer.learning_rate": 0.1}
    assert groups[1]["means"]["test_accuracy"] == {
        "n": 2,
        "mean": pytest.approx(0.96),
        "deviation": pytest.approx(0.01414, rel=1e-3),
    }
    best_first = made("runs", "--group", group, "--sort", "test_accuracy", "--format", "csv").out
    rates = [row["optimizer.learning_rate"] for row in csv.DictReader(io.StringIO(best_first))]
    assert rates == ["0.1", "0.01"]


def test_a_group_tells_apart_settings_that_some_runs_do_not_have(made: Command) -> None:
    make_run("other", 0.5, 0.1, model={"dropout": None})
    groups = group_entries(list_runs(), ["model.dropout"])
    assert [(group.by, group.runs) for group in groups] == [
        ({"model.dropout": ""}, 5),
        ({"model.dropout": None}, 1),
    ]
    assert sort_groups(groups, "validation_accuracy") == groups, "where nobody has a number"


@pytest.mark.parametrize(
    "asked",
    [
        ("--sort", "seed"),
        ("--sort", "optimizer.learning_rate"),
        ("--columns", "name,seed"),
        ("--group", "seed"),
        ("--group", "settings", "--sort", "test_accuracy"),
    ],
)
def test_a_filter_that_leaves_nothing_says_that_whatever_is_asked_of_the_rest(
    made: Command, asked: tuple[str, ...]
) -> None:
    nothing = made("runs", "--filter", "status=failed", *asked)
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err.endswith("runs: no runs that fit\n")
    assert json.loads(made("runs", "--filter", "status=failed", *asked, "--json").out) == []
    assert made("runs", *asked).code == 0


def test_tags_and_a_note_are_kept_shown_filtered_by_and_taken_away(made: Command) -> None:
    before = {path.name for path in Path("runs/fast-0").iterdir()}
    said = made("runs", "tag", "runs/fast-0", "runs/slow-0", "good", "wide", "good")
    assert (said.code, said.out) == (0, "")
    assert "runs/fast-0: tags good, wide" in said.err
    made("runs", "tag", "runs/fast-0", "best")
    made("runs", "note", "runs/fast-0", "the [red]one[/red]\x1b[31m to keep")
    assert "good, wide, best" in (listed := made("runs").out)
    assert r"the [red]one[/red]\x1b[31m to keep" in listed

    def fitting(expression: str) -> list[str]:
        return sorted(str(entry.name) for entry in filter_entries(list_runs(), [expression]))

    assert fitting("tags=good") == ["fast-0", "slow-0"]
    assert fitting("tags~ES") == ["fast-0"]
    assert fitting("tags!=good") == ["fast-1", "slow-1", "slow-2"]
    assert fitting("note~KEEP") == ["fast-0"]
    refused = made("runs", "untag", "runs/slow-0", "goood").refusal()
    assert "has no tag 'goood'; its tags: good, wide; did you mean good?" in refused
    made("runs", "untag", "runs/fast-0", "runs/slow-0", "good", "wide")
    assert fitting("tags=good") == []
    made("runs", "untag", "runs/fast-0", "best")
    made("runs", "note", "runs/fast-0", "")
    assert {path.name for path in Path("runs/fast-0").iterdir()} == before


def test_tags_are_no_part_of_what_a_run_was(made: Command) -> None:
    content = json.loads(Path("runs/fast-0/environment.json").read_text())["experiment"]
    assert "tags" not in identity_of(content)
    made("runs", "tag", "runs/fast-0", "good")
    assert json.loads(Path("runs/fast-0/environment.json").read_text())["experiment"] == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tag", "runs/fast-0"), "which tags?"),
        (("tag", "runs/absent", "good"), "runs/absent: is no run or sweep"),
        (("tag", "runs/fast-0", "runs/absent", "good"), "is no run or sweep, and no tag either"),
        (("tag", "runs/fast-0", "two words"), "without blanks, commas and slashes"),
        (("tag", "runs/fast-0", "\x1b[31m"), r"found '\x1b[31m'"),
        (("note", "runs", "text"), "runs: is no run or sweep"),
        (("delete", "runs/absent"), "runs/absent: no such folder"),
        (("delete", "runs"), "runs: is no run or sweep"),
        (("delete", "runs/fast-0"), "--yes deletes without a question"),
    ],
)
def test_what_cannot_be_done_to_a_run_is_refused(
    made: Command, arguments: tuple[str, ...], message: str
) -> None:
    assert message in made("runs", *arguments).refusal()
    assert len(list_runs()) == 5


def test_damaged_labels_are_told_and_hide_neither_their_run_nor_others(made: Command) -> None:
    before = {entry.folder: entry for entry in list_runs()}
    Path("runs/fast-0/labels.json").write_text('{"tags": "good"}')
    after = {entry.folder: entry for entry in list_runs()}
    assert after.keys() == before.keys()
    entry = after["runs/fast-0"]
    assert (entry.problem or "").startswith("labels.json: is of an earlier format")
    assert (entry.problem or "").endswith("wrote it, or remove it, and tag the folder anew")
    assert replace(entry, age=0.0, problem=None) == replace(before["runs/fast-0"], age=0.0)
    assert entry.status == "completed"


def test_deleting_moves_a_run_into_the_trash_from_which_it_can_be_moved_back(
    made: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["n\n", "y\n"])

    class Asked(io.StringIO):
        def isatty(self) -> bool:
            return True

    for code, left in ((1, 5), (0, 3)):
        monkeypatch.setattr("sys.stdin", Asked(next(answers)))
        done = made("runs", "delete", "runs/fast-0", "runs/slow-0/")
        assert "Move 2 folders to the trash?" in done.err
        assert (done.code, len(list_runs())) == (code, left)
    where = [Path("runs/.trash/fast-0"), Path("runs/.trash/slow-0")]
    assert done.out.splitlines() == [str(path.absolute()) for path in where]
    assert {entry.name for entry in list_runs("runs/.trash")} == {"fast-0", "slow-0"}
    make_run("fast-0", 0.5, 0.1)
    assert made("runs", "delete", "--yes", "runs/fast-0").out.endswith(".trash/fast-0-2\n")
    assert "is in the trash already" in made("runs", "delete", "-y", str(where[0])).refusal()
    where[0].rename("runs/fast-0")
    assert len(list_runs()) == 4
    monkeypatch.chdir("runs/fast-0")
    assert made("runs", "delete", "--yes", ".").out.endswith(".trash/fast-0\n")


def test_nothing_is_deleted_that_is_in_use_or_a_link_or_leads_out(
    made: Command, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    Path("runs/slow-0").rename(elsewhere)
    Path("runs/link").symlink_to(elsewhere)
    with locked(Path("runs/fast-0")):
        refusal = made("runs", "delete", "--yes", "runs/fast-1", "runs/fast-0", "runs/link")
    assert "runs/fast-0: a process is working on it" in refusal.refusal()
    assert "runs/link: is a link, which is left alone" in refusal.err
    assert "fast-1" not in refusal.err
    assert Path("runs/fast-1").is_dir()
    Path("runs/.trash").symlink_to(tmp_path)
    with pytest.raises(RunError, match=r"\.trash: is a link, and nothing is moved out of"):
        delete(Path("runs/fast-1"))
    assert (elsewhere / "summary.json").exists()


def test_hostile_names_reach_the_terminal_escaped_only(made: Command) -> None:
    folder = make_run("\x1b[31m[red]\u202e", 0.5, 0.1)
    for arguments in ((), ("--columns", "name,folder"), ("--group", "name")):
        printed = made("runs", *arguments).out
        assert "\x1b" not in printed
        assert "\u202e" not in printed
        assert "[red]" in printed
    assert "[red]" in made("runs", "tag", folder, "good").err
    assert r"\x1b" in made("runs", "delete", "--yes", folder).out


def test_folders_in_the_way_of_a_command_are_listed_by_a_path(made: Command) -> None:
    Path("runs").rename("tag")
    by_path, by_command = (made("runs", *a).out for a in (["./tag"], ["list", "tag"]))
    assert len(by_path.splitlines()) == len(by_command.splitlines()) == 7


def test_watching_shows_the_list_anew_until_ctrl_c(
    made: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    screen = SafeConsole(file=written, width=80, height=7, force_terminal=True, no_color=True)
    looks = iter(range(2))

    def sleep(seconds: float) -> None:
        assert seconds >= 2.0
        if next(looks):
            raise KeyboardInterrupt

    monkeypatch.setattr("isolet_nn.terminal.watching.time.sleep", sleep)
    watch(list_runs, None, screen)
    shown = written.getvalue()
    assert "and 2 others" in shown
    assert shown.count("slow-2") == 3, "two looks, and what stays"


def test_a_config_error_names_the_option() -> None:
    with pytest.raises(ConfigError, match=r"--sort: no column 'x'"):
        sort_entries([_entry(0.5)], "x")
