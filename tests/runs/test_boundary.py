"""The plane of a run of two features, at its end and by `plot --kind boundary`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_experiment
from sweeps.helpers import InlineWorkers

from isolet_nn import plots
from isolet_nn.errors import ConfigError
from isolet_nn.results.redraw import redraw
from isolet_nn.runs.execution import train
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.redraw import PlotChoice
from isolet_nn.sweeps.sweep import sweep

BOUNDARY = PlotChoice("boundary")
Drawn = list[tuple[tuple[Any, ...], dict[str, Any]]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """What boundaries are drawn of, instead of drawing them."""
    found: Drawn = []

    def draw(*arguments: Any, **options: Any) -> None:
        arguments[1].write_bytes(b"a plot")
        found.append((arguments, options))

    monkeypatch.setattr(plots, "plot_decision_boundary", draw)
    for name in ("plot_loss", "plot_accuracy", "plot_confusion_matrix"):
        monkeypatch.setattr(plots, name, lambda *_, **__: None)
    return found


def trained(runs_dir: Path, **dataset: Any) -> Run:
    return train(make_experiment(dataset=dataset, training__epochs=1), runs_dir=runs_dir)


def write_table(path: Path, header: str, *lines: str) -> str:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return str(path)


def test_a_run_of_two_features_ends_with_its_plane(tmp_path: Path, drawn: Drawn) -> None:
    run = trained(tmp_path, name="moons", rows=100, validation={"fraction": 0.2})
    (((network, path, parts, classes), options),) = drawn
    assert path == run.path / "plots" / "decision_boundary.png"
    assert {name: len(y) for name, (_, y) in parts.items()} == {
        "training rows": 64,
        "test rows": 20,
    }
    assert classes == ("upper", "lower")
    assert options["names"] == ("x1", "x2")
    points, labels = parts["test rows"]
    found = network(points)
    assert found.shape == (20, 2)
    hits = np.mean(found.argmax(axis=1) == labels)
    assert hits == pytest.approx(run.summary["metrics"]["test_accuracy"])
    redraw(run.path, BOUNDARY)
    assert np.array_equal(drawn[1][0][0](points), found)


def test_where_the_test_split_is_unread_the_plane_shows_validation_rows(
    tmp_path: Path, drawn: Drawn
) -> None:
    moons = {"name": "moons", "rows": 100, "validation": {"fraction": 0.2}}
    unread = make_experiment(dataset=moons, training__epochs=1, training__evaluate_test=False)
    train(unread, runs_dir=tmp_path)
    assert [*drawn[0][0][2]] == ["training rows", "validation rows"]


def test_a_table_of_one_s_own_has_its_plane_with_the_columns_names(
    tmp_path: Path, drawn: Drawn
) -> None:
    lines = [f"{k % 7},{k % 5 if k else ''},{'abc'[k % 3]},{k}" for k in range(30)]
    path = write_table(tmp_path / "t.csv", "width,height,kind,number", *lines)
    columns = {"drop": ["number"]}
    run = trained(tmp_path, name="csv", path=path, label="kind", columns=columns, missing="mean")
    (((network, _, parts, classes), options),) = drawn
    assert (options["names"], classes) == (("width", "height"), ("a", "b", "c"))
    rows = np.concatenate([points for points, _ in parts.values()])
    assert len(rows) == 30
    assert np.isnan(rows).sum() == 1
    assert network(np.zeros((4, 2))).shape == (4, 3)
    assert run.path / "plots" / "decision_boundary.png" in redraw(run.path)


@pytest.mark.parametrize(
    ("header", "lines", "why"),
    [
        ("x,y", ["1,a", "2,b", "3,a", "4,b"], "found 1 column, and a plane has two"),
        (
            "x,colour,y",
            ["1,red,a", "2,blue,b", "3,red,a", "4,blue,b"],
            "column 'colour' holds categories",
        ),
    ],
)
def test_other_tables_have_no_plane(
    tmp_path: Path, drawn: Drawn, header: str, lines: list[str], why: str
) -> None:
    path = write_table(tmp_path / "t.csv", header, *lines, *lines, *lines)
    run = trained(tmp_path, name="csv", path=path, label="y")
    assert drawn == []
    with pytest.raises(ConfigError, match=f"has no decision boundary to draw: {why}"):
        redraw(run.path, BOUNDARY)


def test_groups_that_have_scales_of_their_own_have_no_plane(tmp_path: Path, drawn: Drawn) -> None:
    lines = [f"{person},{n},{n * n},{'ab'[n % 2]}" for person in "pqr" for n in range(8)]
    path = write_table(tmp_path / "t.csv", "person,x,y,class", *lines)
    run = trained(
        tmp_path,
        name="csv",
        path=path,
        group="person",
        standardize={"by": "group"},
        test={"by": "group", "fraction": 0.3},
    )
    assert drawn == []
    with pytest.raises(ConfigError, match="each group has a scale of its own"):
        redraw(run.path, BOUNDARY)


def test_the_four_points_of_exclusive_or_are_one_part(tmp_path: Path, drawn: Drawn) -> None:
    trained(tmp_path, name="xor")
    ((_, _, parts, _), _) = drawn[0]
    assert [*parts] == ["points"]


def test_a_trial_of_a_sweep_has_its_plane(tmp_path: Path, drawn: Drawn) -> None:
    moons = {"dataset": {"name": "moons", "rows": 60}, "training": {"epochs": 1}}
    grid = {"model.hidden_layers": [[2], [4]]}
    folder = sweep(
        load_sweep({"experiment": moons, "grid": grid, "save_models": "all", "workers": 1}),
        runs_dir=tmp_path,
        make_workers=InlineWorkers,
    )
    assert drawn == []
    (path,) = redraw(folder.path / "trials" / "1", BOUNDARY)
    assert path == folder.path / "trials" / "1" / "plots" / "decision_boundary.png"
    assert path.exists()
