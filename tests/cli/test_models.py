"""The commands predict and export: what they print, write and refuse."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from processes import Process
from typer.testing import CliRunner

from isolet_nn import load_experiment, load_model, sweep, train
from isolet_nn.cli.app import app
from isolet_nn.sweeps.loading import load_sweep


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty rows of two numbers, of which the sum decides on the class."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    points = np.random.default_rng(0).normal(size=(60, 2)).round(3)
    rows = [f"r{n},{x},{y},{'high' if x + y > 0 else 'low'}" for n, (x, y) in enumerate(points)]
    path.write_text("\n".join(["name,x,y,sum", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def experiment(table: Path) -> dict[str, object]:
    return {
        "dataset": {
            "name": "csv",
            "path": str(table),
            "label": "sum",
            "columns": {"drop": ["name"]},
            "validation": {"fraction": 0.2},
        },
        "model": {"hidden_layers": [4]},
        "training": {"epochs": 2, "batch_size": 16},
    }


@pytest.fixture(scope="module")
def run(experiment: dict[str, object], table: Path) -> Path:
    return train(load_experiment(experiment), runs_dir=table.parent / "runs").path


@pytest.fixture(scope="module")
def swept(experiment: dict[str, object], table: Path) -> Path:
    config = {"experiment": experiment, "seeds": 2, "save_models": "all"}
    return sweep(load_sweep(config), runs_dir=table.parent / "runs", workers=1).path


def invoke(*arguments: str | int | Path, given: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)], input=given)
    return result.exit_code, result.stdout, result.stderr + str(result.exception or "")


def test_predict_prints_a_table(run: Path, table: Path) -> None:
    code, out, err = invoke("predict", run, table, "--keep", "name", "--proba")
    assert code == 0
    assert "as the column 'sum' has it: " in err
    assert " of 60 rows" in err
    header, *rows = csv.reader(out.splitlines())
    assert header == ["name", "prediction", "probability_high", "probability_low"]
    assert [row[0] for row in rows] == [f"r{number}" for number in range(60)]


def test_predict_says_that_the_table_of_the_training_is_no_test(
    run: Path, swept: Path, table: Path, tmp_path: Path
) -> None:
    no_test = "the model was trained on this very table, so that is no test"
    copied, longer, unlabelled = (tmp_path / f"{name}.csv" for name in "abc")
    copied.write_bytes(table.read_bytes())
    longer.write_bytes(table.read_bytes() + b"one more,1,1,high\n")
    unlabelled.write_text("x,y\n1,2\n")
    for model, rows in ((run, table), (run, copied), (swept, table)):
        assert no_test in invoke("predict", model, rows)[2]
    for model, rows in ((run, longer), (run, unlabelled), (run / "model.safetensors", table)):
        code, _, err = invoke("predict", model, rows)
        assert (code, no_test in err) == (0, False)
    assert no_test not in invoke("predict", run, table, "--quiet")[2]


def test_predict_warns_of_categories_that_were_never_seen(tmp_path: Path) -> None:
    table = tmp_path / "towns.csv"
    rows = [f"{'Bonn' if n % 2 else 'Aix'},{n % 2}" for n in range(20)]
    table.write_text("\n".join(["town,class", *rows]) + "\n", encoding="utf-8")
    experiment = {
        "dataset": {"name": "csv", "path": str(table), "label": "class"},
        "training": {"epochs": 1},
    }
    trained = train(load_experiment(experiment), runs_dir=tmp_path / "runs").path
    code, _, messages = invoke("predict", trained, "-", given="town\nCork\nAix\n")
    assert code == 0
    assert messages.splitlines() == [
        "warning: column 'town': 1 of 2 rows have a category that the model never saw, and that "
        "tells it nothing"
    ]


def test_predict_writes_a_file_and_says_so(run: Path, table: Path, tmp_path: Path) -> None:
    code, out, err = invoke("predict", run, table, "-o", tmp_path / "out.csv")
    assert (code, out) == (0, "")
    assert f"written: {tmp_path / 'out.csv'}, 60 rows" in err
    _, printed, _ = invoke("predict", run, table)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == printed


def test_predict_reads_standard_input(run: Path) -> None:
    code, out, _ = invoke("predict", run, "-", given="y,x\n1,2\n-3,1\n")
    expected = load_model(run).predict(np.array([[2.0, 1.0], [1.0, -3.0]]))
    assert (code, out.split()) == (0, ["prediction", *expected])


def test_predict_takes_the_best_model_of_a_sweep_or_the_one_asked_for(
    swept: Path, table: Path
) -> None:
    _, _, err = invoke("predict", swept, table)
    assert "has the best validation accuracy" in err
    answers = {invoke("predict", swept, table, "--proba", "--trial", n)[1] for n in (0, 1)}
    assert len(answers) == 2
    assert invoke("predict", swept, table, "--proba", "--best")[1] in answers


def test_predict_ends_in_peace_where_nobody_reads_on(run: Path) -> None:
    command = [sys.executable, "-m", "isolet_nn", "predict", str(run), "-"]
    pipe = subprocess.PIPE
    with Process[bytes](command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x,y\n1,2\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"prediction\n"
        process.stdout.close()
        process.communicate(b"1,2\n" * 100_000)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (["-"], "x,z\n1,2\n", "standard input: has no column y; found x, z"),
        (["-"], "x,y\n1,\n", "row 1: column 'y': is missing"),
        (["-"], "x,y\n1,2,3\n", "standard input:2: found 3 cells, expected 2"),
        (["nothing.csv"], "", "nothing.csv: no such file"),
        (["-", "-o", "nowhere/out.csv"], "x,y\n1,2\n", "there is no folder nowhere"),
        (["-", "-o", "."], "x,y\n1,2\n", "is a folder, not a file"),
    ],
)
def test_what_predict_cannot_do_it_refuses(
    run: Path, arguments: list[str], given: str, message: str
) -> None:
    code, _, err = invoke("predict", run, *arguments, given=given)
    assert code != 0
    assert message in err


def test_a_model_that_is_not_there_is_refused(table: Path, tmp_path: Path) -> None:
    code, _, err = invoke("predict", tmp_path / "none", table)
    assert code != 0
    assert "no such file or folder" in err


def test_export_writes_a_graph_beside_the_model(run: Path, swept: Path, tmp_path: Path) -> None:
    code, out, _ = invoke("export", run, "--to", "onnx")
    assert (code, out.strip()) == (0, str(run / "model.onnx"))
    code, out, _ = invoke("export", swept, "--trial", 1)
    assert (code, out.strip()) == (0, str(swept / "trials" / "1" / "model.onnx"))
    code, out, _ = invoke("export", run, "-o", tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == (run / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "onyx"], "--to: found 'onyx'; allowed: onnx"),
        (["-o", "nowhere/m.onnx"], "there is no folder nowhere"),
        (["-o", "."], "is a folder"),
    ],
)
def test_what_export_cannot_do_it_refuses(run: Path, arguments: list[str], message: str) -> None:
    code, _, err = invoke("export", run, *arguments)
    assert code != 0
    assert message in err


@pytest.mark.skipif(os.name == "nt", reason="has no devices among its files")
@pytest.mark.parametrize("arguments", [["predict", "-"], ["export"]])
def test_a_device_is_not_replaced_by_a_file(
    run: Path, arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "out").symlink_to("/dev/zero")
    command, *others = arguments
    code, _, err = invoke(command, run, *others, "-o", tmp_path / "out", given="x,y\n1,2\n")
    assert code != 0
    assert "is a device, not a file" in err
    assert (tmp_path / "out").is_symlink()
