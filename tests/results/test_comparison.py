"""Comparing runs: configs, results, data, and the picture."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from isolet_nn import Run, plots, train
from isolet_nn.cli.app import app
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.plots import Band
from isolet_nn.results.comparison import (
    Comparison,
    bands_over_seeds,
    compare,
    draw_comparison,
    names_without_dates,
)
from isolet_nn.system.files import write_json
from isolet_nn.terminal import comparisons, layouts, printer
from isolet_nn.terminal.comparisons import print_comparison
from isolet_nn.terminal.streams import SafeConsole
from isolet_nn.training.progress import Row

EXPERIMENT = {
    "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
    "model": {"hidden_layers": [8]},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "training": {"epochs": 3, "batch_size": 32},
}
PNG = b"\x89PNG"

BEGUN = {"format": 1, "status": "running", "started": "2026-01-01T00:00:00+00:00"}


def make_run(folder: Path, **changes: Any) -> Path:
    overrides = {key.replace("__", "."): value for key, value in changes.items()}
    return train(load_experiment(EXPERIMENT, overrides), runs_dir=folder).path


def dated(run: Path, second: int) -> Path:
    """A run whose folder says that it was begun in this second, whenever it was."""
    name = run.name.split("-", 2)[2].partition("-")[0]
    return run.rename(run.with_name(f"20260101-0000{second:02}-{name}"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs that differ in this and that."""
    folder = tmp_path_factory.mktemp("comparison") / "runs"
    steps = iter([False] * 10 + [True])
    stopped = load_experiment(EXPERIMENT, {"training.epochs": 9})
    usual = dated(make_run(folder), 1)
    return {
        "usual": usual,
        "again": shutil.copytree(usual, folder / "again"),
        "another seed": dated(make_run(folder, seed=1, name="renamed"), 2),
        "adam": dated(make_run(folder, optimizer={"name": "adam"}, training__epochs=5), 3),
        "xor": dated(
            make_run(folder / "others", dataset={"name": "xor"}, training__batch_size=4), 4
        ),
        "stopped": dated(train(stopped, runs_dir=folder, should_stop=lambda: next(steps)).path, 5),
    }


@pytest.fixture
def copies(folders: dict[str, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Two runs that a test may change."""
    one, other = (shutil.copytree(folders[name], tmp_path / name) for name in ("usual", "adam"))
    return one, other


def test_only_settings_that_differ_are_shown(folders: dict[str, Path]) -> None:
    usual, adam = folders["usual"], folders["adam"]
    config = compare([usual, adam]).config
    assert config["training.epochs"] == {usual.name: 3, adam.name: 5}
    assert config["optimizer.name"] == {usual.name: "sgd", adam.name: "adam"}
    assert config["optimizer.momentum"] == {usual.name: 0.9}, "adam has no momentum"
    assert set(config["optimizer.beta1"]) == {adam.name}
    assert {key.split(".")[0] for key in config} == {"optimizer", "training"}


def test_equal_configs_have_no_differences(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = compare([folders["usual"], folders["again"]])
    assert comparison.config == {}
    print_comparison(comparison)
    assert "the configs are equal" in capsys.readouterr().out


def test_results_stand_side_by_side_as_the_summaries_have_them(folders: dict[str, Path]) -> None:
    comparison = compare([folders["usual"], folders["adam"], folders["stopped"]])
    for label, run in comparison.runs.items():
        summary = run.summary
        for name, value in summary["metrics"].items():
            assert comparison.results[name][label] == value
        for name in ("status", "epochs", "seconds", "best_validation_epoch", "parameters"):
            assert comparison.results[name][label] == summary[name]


def test_a_killed_run_is_compared_by_what_it_came_to(copies: tuple[Path, Path]) -> None:
    one, other = copies
    write_json(one / "summary.json", BEGUN)
    results = compare([one, other]).results
    last = Run.open(one).history()[-1]
    assert results["status"][one.name] == "killed"
    assert results["epochs"][one.name] == 3
    assert results["test_accuracy"][one.name] == last["test_accuracy"]
    assert results["parameters"][one.name] is None


def test_runs_of_different_data_are_said_not_to_be_comparable(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare([folders["usual"], folders["adam"]]).same_data
    comparison = compare([folders["usual"], folders["xor"]])
    assert not comparison.same_data
    print_comparison(comparison)
    printed = capsys.readouterr().out
    assert "not comparable" in printed
    assert all(str(checksum) in printed for checksum in comparison.checksums.values())


def test_runs_are_called_by_their_folders_below_the_one_they_share(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, xor = folders["usual"], folders["xor"]
    comparison = compare([usual, xor])
    assert list(comparison.runs) == [usual.name, f"others/{xor.name}"]
    assert comparison.folder == usual.parent
    monkeypatch.chdir(usual)
    assert list(compare([".", f"../{folders['adam'].name}"]).runs) == [
        usual.name,
        folders["adam"].name,
    ]


def test_the_picture_lies_beside_the_runs_unless_told_otherwise(
    copies: tuple[Path, Path], tmp_path: Path
) -> None:
    comparison = compare(copies)
    usual = draw_comparison(comparison)
    assert usual == tmp_path / "comparison.png"
    assert usual.read_bytes().startswith(PNG)
    elsewhere = draw_comparison(comparison, tmp_path / "adam" / "curves.svg")
    assert elsewhere is not None
    assert "<svg" in elsewhere.read_text()
    with pytest.raises(ConfigError, match=r"ends in \.png or \.svg"):
        draw_comparison(comparison, tmp_path / "curves.pdf")
    with pytest.raises(ConfigError, match=r"there is no folder .*new"):
        draw_comparison(comparison, tmp_path / "new" / "curves.svg")
    assert not (tmp_path / "new").exists()


def test_the_same_comparison_gives_the_same_picture(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    chosen = [folders["usual"], folders["adam"], folders["stopped"]]
    pictures = [draw_comparison(compare(chosen), tmp_path / f"{n}.png") for n in range(2)]
    one, other = (picture.read_bytes() for picture in pictures if picture)
    assert one == other


def test_runs_that_differ_in_seed_and_name_only_are_one_group(folders: dict[str, Path]) -> None:
    names = {name: path.name for name, path in folders.items()}
    chosen = ["usual", "adam", "another seed", "again"]
    comparison = compare([folders[name] for name in chosen])
    assert comparison.groups == [
        [names["usual"], names["another seed"]],
        [names["adam"]],
        [names["again"]],
    ], "a seed that comes twice is no second sample"
    assert comparison.to_json()["groups"] == comparison.groups


def test_a_group_is_one_line_with_a_band_and_the_picture_says_what_it_is(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    keep = plots.plot_line_panels
    monkeypatch.setattr(
        plots, "plot_line_panels", lambda *given, **options: drawn.append((given, options))
    )
    usual, other, adam = (folders[name] for name in ("usual", "another seed", "adam"))
    draw_comparison(compare([usual, other, adam]), tmp_path / "a.png")
    ((panels, path), options) = drawn[0]
    for metric, lines in panels.items():
        assert list(lines) == [f"2 seeds: {usual.name}, ...", adam.name]
        band, single = lines.values()
        both = [[row[metric] or 0 for row in Run.open(run).history()] for run in (usual, other)]
        assert band.x == [1, 2, 3]
        assert band.mean == pytest.approx(np.mean(both, axis=0))
        assert band.low == np.min(both, axis=0).tolist()
        assert band.high == np.max(both, axis=0).tolist()
        assert single.low is None
    assert "band from the lowest to the highest" in options["note"]
    keep(panels, path, **options)
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
    draw_comparison(compare([usual, adam]), tmp_path / "b.png")
    assert drawn[1][1]["note"] == "", "without a band there is nothing to explain"


def test_bands_leave_out_epochs_that_some_run_lacks() -> None:
    def history(*losses: float | None) -> list[Row]:
        return [{"epoch": epoch, "test_loss": loss} for epoch, loss in enumerate(losses, 1)]

    histories = [history(1.0, None, 3.0, 4.0), history(2.0, 2.0, 5.0), history(6, 1, math.nan), []]
    bands = bands_over_seeds(histories, ["test_loss", "test_accuracy"])
    assert bands["test_loss"] == Band([1], [3.0], [1.0], [6.0])
    assert bands["test_accuracy"] == Band([], [], [], [])
    assert bands_over_seeds(histories[:1], ["test_loss"])["test_loss"] == Band(
        [1, 3, 4], [1.0, 3.0, 4.0]
    )
    assert bands_over_seeds([], ["test_loss"])["test_loss"] == Band([], [])


def test_the_mean_over_seeds_is_printed_with_its_range(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = compare([folders["usual"], folders["another seed"], folders["adam"]])
    print_comparison(comparison)
    values = [
        Run.open(folders[name]).summary["metrics"]["test_accuracy"]
        for name in ("usual", "another seed")
    ]
    low, high = 100 * min(values), 100 * max(values)
    assert (
        f"2 seeds: {folders['usual'].name}, ...: test accuracy {(low + high) / 2:.2f} % "
        f"on average, {low:.2f} % to {high:.2f} %"
    ) in capsys.readouterr().out


def test_runs_without_an_epoch_have_no_picture(copies: tuple[Path, Path]) -> None:
    for run in copies:
        (run / "metrics.csv").unlink()
    assert draw_comparison(compare(copies)) is None


def test_runs_that_left_the_test_set_unread_are_compared_on_validation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path, seed=seed, training__evaluate_test=False) for seed in (0, 1)]
    comparison = compare(runs)
    assert comparison.split == "validation"
    print_comparison(comparison)
    assert "validation accuracy" in capsys.readouterr().out
    picture = draw_comparison(comparison, tmp_path / "picture.svg")
    assert picture is not None
    assert "validation accuracy" in picture.read_text()


def on_terminal(
    monkeypatch: pytest.MonkeyPatch, comparison: Comparison, width: int = 80
) -> list[str]:
    """The lines that a terminal of so many columns shows."""
    screen = SafeConsole(width=width, force_terminal=True, no_color=True, file=io.StringIO())
    for module in (comparisons, layouts, printer):
        monkeypatch.setattr(module, "RESULTS", screen)
    print_comparison(comparison)
    assert isinstance(screen.file, io.StringIO)
    return re.sub(r"\x1b\[\d*m", "", screen.file.getvalue()).splitlines()


@pytest.mark.parametrize("n", [5, 22])
def test_many_runs_are_rows_that_no_terminal_cuts_or_wraps(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    names = [f"20260101-0000{number:02}-rate-{number}" for number in range(n)]
    runs = [shutil.copytree(folders["usual"], tmp_path / name) for name in names]
    for number, run in enumerate(runs):
        config = run / "config.yaml"
        text = config.read_text().replace("learning_rate: 0.1", f"learning_rate: {number + 1}e-4")
        config.write_text(text.replace("momentum: 0.9", f"momentum: {(number + 1) / 100:.4g}"))
    comparison = compare(runs)
    lines = on_terminal(monkeypatch, comparison)
    assert max(map(len, lines)) <= 80
    settings = lines[: lines.index("results") - 1]
    assert settings[1].split() == ["optimizer.", "optimizer."]
    assert settings[2].split() == ["run", "learning_rate", "momentum"]
    assert len(settings) == 3 + n
    for number, line in enumerate(settings[3:]):
        assert line.split() == [
            f"rate-{number}",
            json.dumps(round((number + 1) * 1e-4, 6)),
            json.dumps((number + 1) / 100),
        ]
    assert "all runs: status completed, epochs 3, parameters 139" in lines


def test_a_terminal_has_scores_in_the_same_words_as_everywhere(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = on_terminal(monkeypatch, compare([folders["usual"], folders["adam"]]))
    words = "\n".join(lines[lines.index("results") :]).split()
    assert {"F1", "ROC", "AUC", "Matthews"} <= set(words)
    assert not {"f1", "roc", "auc", "matthews"} & set(words)


def test_in_a_pipe_every_key_is_whole_and_every_run_one_line(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [folders[name] for name in ("usual", "adam", "xor", "stopped")]
    print_comparison(compare(chosen))
    lines = capsys.readouterr().out.splitlines()
    heading = lines[1].split()
    assert {"optimizer.momentum", "dataset.name", "training.epochs"} <= set(heading)
    assert len([line for line in lines if line.startswith(folders["usual"].name)]) == 2


def test_dates_leave_the_names_that_are_different_without_them() -> None:
    labels = ["20260101-000000-one", "20260101-000001-two", "20260102-000000-two", "others/mine"]
    assert list(names_without_dates(labels).values()) == ["one", *labels[1:]]
    assert names_without_dates(["a/20260101-000000-one"]) == {"a/20260101-000000-one": "a/one"}


def test_names_that_leave_no_room_are_said_once_and_numbered(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [shutil.copytree(folders["usual"], tmp_path / (letter * 60)) for letter in "ab"]
    lines = on_terminal(monkeypatch, compare(runs))
    assert lines[:2] == [f"  1  {'a' * 60}", f"  2  {'b' * 60}"]
    assert max(map(len, lines)) <= 80


def test_one_run_twice_or_alone_is_no_comparison(folders: dict[str, Path]) -> None:
    usual = folders["usual"]
    for chosen in ([usual], [usual, usual / "plots" / ".."]):
        with pytest.raises(ConfigError, match="two different runs"):
            compare(chosen)


def test_what_is_no_run_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        compare([folders["usual"], tmp_path / "absent"])
    (tmp_path / "sweep.yaml").touch()
    with pytest.raises(RunError, match="is a sweep, not a run"):
        compare([folders["usual"], tmp_path])


def test_the_command_prints_the_picture_last(copies: tuple[Path, Path]) -> None:
    printed = CliRunner().invoke(app, ["compare", *map(str, copies)])
    assert printed.exit_code == 0
    assert printed.stdout.splitlines()[-1] == str(copies[0].parent / "comparison.png")
    assert "optimizer.momentum" in printed.stdout
    assert "best_validation_epoch" in printed.stdout


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("curves.pdf", "a picture's name ends in .png or .svg"),
        ("new/curves.png", "there is no folder new"),
        ("folder.png", "it is a folder, not a file"),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    refused = CliRunner().invoke(app, ["compare", "not", "read", "-o", output])
    assert isinstance(refused.exception, ConfigError)
    assert refused.exception.exit_code == 2
    assert str(refused.exception) == f"--output {output}: {message}"
    assert refused.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_the_picture_of_runs_given_by_relative_paths_is_named_by_one(
    copies: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (path.name for path in copies)
    monkeypatch.chdir(tmp_path)
    assert compare([one, other]).folder == Path()
    printed = CliRunner().invoke(app, ["compare", one, other])
    assert printed.stdout.splitlines()[-1] == "comparison.png"
    monkeypatch.chdir(one)
    assert compare([".", f"../{other}"]).folder == Path("..")
    assert compare([".", copies[1]]).folder == tmp_path


def test_the_command_prints_one_json_object(copies: tuple[Path, Path], tmp_path: Path) -> None:
    picture = tmp_path / "overlaid.png"
    arguments = ["compare", *map(str, copies), "--json", "-o", str(picture)]
    content = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert content["picture"] == str(picture)
    assert content["same_data"] is True
    assert content["config"]["optimizer.momentum"] == {"usual": 0.9}
    assert content["results"]["epochs"] == {"usual": 3, "adam": 5}
    assert list(content["runs"]) == ["usual", "adam"]
