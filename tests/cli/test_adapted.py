"""A model that adapts to groups, from the command line: trained, named, evaluated, and asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from needs import BACKENDS
from safetensors.numpy import load_file

from cli.helpers import Command, Result
from isolet_nn.board.index import RunsIndex
from isolet_nn.board.table import Query, SettingsInUse, table_document
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import DataError
from isolet_nn.pages.comparison import comparison_document
from isolet_nn.pages.run import run_document
from isolet_nn.pages.sweep import sweep_document
from isolet_nn.plots import title_with
from isolet_nn.results.models import load_model
from isolet_nn.results.runs_frame import runs_frame
from isolet_nn.runs import execution
from isolet_nn.runs.card import card_of_run
from isolet_nn.runs.drawing import title_of
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.card import card_of_sweep
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.overview_drawing import title_of as sweep_title
from isolet_nn.tracking.content import content_of_run, content_of_sweep, content_of_trial

ADAPTED = "{by: group, subset: [2, 5], copies: 3}"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three kinds of rows, of twelve people who each have a mean and a spread of their own."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(12):
        shift, spread = 4 * rng.normal(size=2), 1 + rng.random(2)
        for number in range(9):
            kind = number % 3
            x = np.array([np.cos(2 * kind), np.sin(2 * kind)]) + 0.2 * rng.normal(size=2)
            rows.append([f"p{person}", *(shift + spread * x), "abc"[kind]])
    path = tmp_path_factory.mktemp("people") / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["person", "x", "y", "kind"], *rows])
    return path


@pytest.fixture(scope="module")
def config(people: Path) -> Path:
    path = people.with_name("adapted.yaml")
    path.write_text(
        f"""
name: adapted
dataset:
  name: csv
  path: people.csv
  group: person
  standardize: {ADAPTED}
  test: {{fraction: 0.3, by: group}}
  validation: {{fraction: 0.3, by: group}}
model: {{hidden_layers: [8], dropout: 0.1}}
optimizer: {{name: adam, learning_rate: 0.05}}
training: {{epochs: 7, batch_size: 16}}
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def run(config: Path) -> Run:
    return execution.train(config, runs_dir=config.parent / "runs")


def test_every_result_says_what_the_model_is_adapted_to(
    nn: Command, config: Path, run: Run
) -> None:
    trained = nn("train", config, "--runs-dir", config.parent / "more", "--epochs", 1)
    assert "adam, numpy, adapted to the person\n" in trained.err
    assert "adapted, epoch 1, adapted to the person" in " ".join(trained.out.split())
    assert trained.run.summary["adapted_to"] == "person"
    assert "test split, 36 rows, adapted to the person" in nn("eval", run.path).out
    assert json.loads(nn("eval", run.path, "--json").out)["adapted_to"] == "person"
    listed = json.loads(nn("runs", run.path.parent, "--json").out)
    assert [entry["adapted_to"] for entry in listed] == ["person"]
    table = nn("runs", run.path.parent).out
    assert "adapted" in table
    assert "person" in table
    plain = nn("train", config, "--runs-dir", config.parent / "plain", "--quiet", "--set",
               "dataset.standardize=true")  # fmt: skip
    assert "adapted_to" not in plain.run.summary
    assert "adapted_to" not in json.loads(nn("eval", plain.run.path, "--json").out)
    compared = nn("compare", run.path, plain.run.path).out
    assert "not the same task: some adapt to whose rows they are" in compared
    assert "adapted to the person" in compared
    assert "not the same task" not in nn("compare", run.path, trained.run.path).out


def swept_two_tasks(nn: Command, config: Path, name: str, *, seeds: int) -> Result:
    """A sweep of two settings, of which one adapts to a group."""
    sweep = config.with_name(f"{name}.yaml")
    sweep.write_text(
        f"name: {name}\nexperiment: adapted.yaml\nset: {{training.epochs: 1}}\nseeds: {seeds}\n"
        "list: [{dataset.standardize: {by: group}}, {dataset.standardize: true}]\n",
        encoding="utf-8",
    )
    return nn("sweep", sweep, "--workers", 1, "--runs-dir", config.parent / "sweeps")


def test_a_ranking_of_two_tasks_says_so(nn: Command, config: Path) -> None:
    done = swept_two_tasks(nn, config, "tasks", seeds=1)
    assert "Two tasks are ranked together here" in done.out
    summary = json.loads((Path(done.out.splitlines()[-1]) / "summary.json").read_text())
    tasks = [best.get("adapted_to") for best in summary["best"]]
    assert sorted(tasks, key=str) == [None, "person"]
    assert "some adapted to the person" in " ".join(done.out.split())
    folder = SweepFolder.open(done.out.splitlines()[-1])
    some = "some adapted to the person"
    assert sweep_document(folder.path, "s")["task"] == some
    assert some in card_of_sweep(folder).to_html()
    assert sweep_title(folder) == f"tasks, {some}"
    assert content_of_sweep(folder, at_work=False).parameters["task"] == some
    trials = [content_of_trial(folder, trial, (), 0.0).parameters for trial in range(2)]
    assert [told.get("task") for told in trials] == ["adapted to the person", None]


def test_a_comparison_of_settings_of_two_tasks_says_so(nn: Command, config: Path) -> None:
    done = swept_two_tasks(nn, config, "contest", seeds=3)
    compared = nn("compare", done.out.splitlines()[-1])
    said = " ".join(compared.out.split())
    assert "validation accuracy, some adapted to the person, 1 pair" in said
    assert "not the same task: some adapt to whose rows they are" in said


@pytest.fixture(scope="module")
def both(config: Path) -> Path:
    """A folder with two runs, of which one adapts and the other does not."""
    folder = config.parent / "both"
    for name, changes in {"apart": {}, "alike": {"dataset.standardize": True}}.items():
        changed = {"name": name, "training.epochs": 2, **changes}
        execution.train(load_experiment(config, changed), runs_dir=folder)
    return folder


def test_no_list_shows_a_score_of_an_adapted_model_as_if_it_were_of_the_usual_task(
    nn: Command, both: Path
) -> None:
    asked = json.loads(nn("runs", both, "--columns", "name,test_accuracy", "--json").out)
    assert {entry["name"]: entry["adapted_to"] for entry in asked} == {
        "apart": "person",
        "alike": None,
    }
    assert "person" in nn("runs", both, "--columns", "name,test_accuracy", "--format", "latex").out
    names = json.loads(nn("runs", both, "--columns", "name,seed", "--json").out)
    assert all("adapted_to" not in entry for entry in names)
    groups = json.loads(nn("runs", both, "--group", "dataset.name", "--json").out)
    assert sorted((group["by"]["adapted_to"], group["runs"]) for group in groups) == [
        ("", 1),
        ("person", 1),
    ]
    assert runs_frame(both, columns=["test_accuracy"]).columns.tolist() == [
        "test_accuracy",
        "adapted_to",
    ]
    board = RunsIndex(both).known().known
    for query in (Query(), Query(columns=("test_accuracy",)), Query(group=("dataset.name",))):
        document = table_document(board, query, 0.0, SettingsInUse())
        place = [column["name"] for column in document["columns"]].index("adapted_to")
        cells = {row["cells"][place] or "" for row in document["rows"]}
        assert cells == {"person", ""}


def test_pages_say_what_models_are_adapted_to(both: Path) -> None:
    apart, alike = (next(both.glob(f"*-{name}")) for name in ("apart", "alike"))
    assert run_document(apart, "r")["task"] == "adapted to the person"
    assert run_document(alike, "r")["task"] == ""
    compared = comparison_document([(apart, "a"), (alike, "b")])
    assert not compared["same_task"]
    assert [group["name"] for group in compared["groups"]] == [
        "adapted to the person: apart",
        "alike",
    ]
    tasks = next(row["values"] for row in compared["results"] if row["name"] == "adapted to")
    assert tasks == ["person", None]


def test_pictures_cards_and_trackers_say_what_a_model_is_adapted_to(both: Path) -> None:
    apart, alike = (Run.open(next(both.glob(f"*-{name}"))) for name in ("apart", "alike"))
    assert title_of(apart, ": test accuracy") == "apart: test accuracy, adapted to the person"
    assert title_of(alike, ": test accuracy") == "alike: test accuracy"
    assert "adapted to the person" in card_of_run(apart).to_html()
    assert "adapted" not in card_of_run(alike).to_html()
    assert content_of_run(apart).parameters["task"] == "adapted to the person"
    assert "task" not in content_of_run(alike).parameters


def test_a_title_keeps_the_task_where_a_name_is_long() -> None:
    title = title_with("a-name-" * 12, ": test accuracy 97.40 %, adapted to the speaker")
    assert title.endswith("…: test accuracy 97.40 %, adapted to the speaker")
    assert len(title) <= 60


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_trial_with_copies_has_the_bits_of_the_run_alone_and_of_one_that_was_stopped(
    config: Path, backend: str, tmp_path: Path
) -> None:
    from isolet_nn.sweeps.loading import load_sweep
    from isolet_nn.sweeps.sweep import sweep

    experiment = load_experiment(config, {"backend": backend})
    content = experiment.model_dump(mode="json")
    swept = sweep(
        load_sweep(
            {
                "name": "s",
                "experiment": content,
                "grid": {"optimizer.learning_rate": [0.05, 0.02]},
                "seeds": 2,
                "save_models": "all",
            }
        ),
        runs_dir=tmp_path,
        workers=1,
    )
    for trial, changes in enumerate(
        {"optimizer.learning_rate": rate, "seed": seed} for rate in (0.05, 0.02) for seed in (0, 1)
    ):
        alone = load_experiment(content, changes)
        steps = iter(range(10**6))
        run = execution.train(alone, runs_dir=tmp_path, should_stop=lambda: next(steps) > 9)  # noqa: B023
        assert run.summary["status"] == "interrupted"
        execution.resume(run.path)
        weights = load_file(run.path / "model.safetensors")
        of_trial = load_file(swept.path / "models" / f"trial-{trial}.safetensors")
        assert weights.keys() == of_trial.keys()
        for name, array in weights.items():
            np.testing.assert_array_equal(array, of_trial[name])


# How many rows are known.


def test_the_curve_ends_with_the_evaluation_itself(nn: Command, run: Run) -> None:
    curve = json.loads(nn("eval", run.path, "--known", "1,4,99", "--json").out)
    assert [point["known"] for point in curve["points"]] == [1, 4, None]
    assert curve["points"][-1]["mean"] == json.loads(nn("eval", run.path, "--json").out)["accuracy"]
    assert (curve["largest"], curve["n"], curve["adapted_to"]) == (9, 36, "person")
    for point in curve["points"]:
        assert point["low"] <= point["mean"] <= point["high"]
    shown = nn("eval", run.path, "--known", "1,4", "--split", "validation")
    assert "adapted to the person" in " ".join(shown.out.split())
    table = (run.path / "known_rows_validation.csv").read_text().splitlines()
    assert table[0] == "known,mean,low,high"
    assert [line.split(",")[0] for line in table[1:]] == ["1", "4", "9"]
    assert (run.path / "plots" / "known_rows_validation.png").exists()


@pytest.mark.parametrize("known", ["0", "1,two", "", "-3"])
def test_what_is_no_number_of_rows_is_refused(nn: Command, run: Run, known: str) -> None:
    refused = nn("eval", run.path, f"--known={known}")
    assert refused.code == 2
    assert "--known: found" in refused.err


def test_a_model_that_does_not_adapt_has_no_such_curve(nn: Command, digits_run: Run) -> None:
    refused = nn("eval", digits_run.path, "--known", "5")
    assert refused.code == 2
    assert "standardises all rows alike" in refused.err


# New rows.


def test_predictions_are_those_of_eval_in_any_order_and_with_any_name_of_the_column(
    nn: Command, people: Path, run: Run, tmp_path: Path
) -> None:
    frame = pd.read_csv(people)
    model = load_model(run.path)
    expected = model.predict_proba(frame)
    assert nn("predict", run.path, people, "--proba", "-o", "p.csv").code == 0
    written = pd.read_csv("p.csv")
    np.testing.assert_allclose(written.iloc[:, 1:].to_numpy(), expected, rtol=1e-6)
    shuffled = frame.sample(frac=1, random_state=0).rename(columns={"person": "who"})
    shuffled.to_csv(tmp_path / "s.csv", index=False)
    told = nn("predict", run.path, "s.csv", "--group", "who", "--keep", "who")
    assert "adapted to the person" in told.err
    assert [line.split(",")[1] for line in told.out.splitlines()[1:]] == model.predict(
        shuffled, groups=shuffled["who"]
    ).tolist()
    by_array = model.predict_proba(frame[["x", "y"]].to_numpy(), groups=frame["person"])
    np.testing.assert_array_equal(by_array, expected)


def test_the_rows_of_one_person_do_not_depend_on_who_else_is_in_the_table(
    people: Path, run: Run
) -> None:
    frame, model = pd.read_csv(people), load_model(run.path)
    own = frame[frame["person"] == "p3"]
    whole = model.predict_proba(frame)[frame["person"] == "p3"]
    np.testing.assert_allclose(model.predict_proba(own), whole, rtol=1e-6)


def test_what_is_missing_or_of_no_use_for_groups_is_said(
    nn: Command, people: Path, run: Run, digits_run: Run, tmp_path: Path
) -> None:
    frame = pd.read_csv(people)
    frame.drop(columns="person").to_csv(tmp_path / "nobody.csv", index=False)
    refused = nn("predict", run.path, "nobody.csv")
    assert refused.code == 2
    assert "has no column person" in refused.err
    assert "--group names the column that says which rows belong together" in refused.err
    frame.loc[4, "person"] = ""
    frame.to_csv(tmp_path / "gap.csv", index=False)
    assert "row 5: column 'person': the value is missing" in nn("predict", run.path, "gap.csv").err
    assert "is a feature of the model" in nn("predict", run.path, people, "--group", "x").err
    alike = nn("predict", digits_run.path, people, "--group", "person")
    assert "the model standardises all rows alike" in alike.err
    exported = nn("export", run.path)
    assert exported.code == 2
    assert "as it answers for each row by itself" in exported.err


def test_a_model_in_python_says_what_it_lacks(people: Path, run: Run) -> None:
    frame, model = pd.read_csv(people), load_model(run.path)
    x = frame[["x", "y"]].to_numpy()
    with pytest.raises(DataError, match="say which belong together with groups"):
        model.predict(x)
    with pytest.raises(DataError, match="found 2 groups of 108 rows"):
        model.predict(x, groups=["a", "b"])
    x[5, 1] = np.nan
    with pytest.raises(DataError, match="row 5: column 'y': is missing"):
        model.predict(x, groups=frame["person"])
    x[5, 1] = 1e300
    with pytest.raises(DataError, match=r"row 5: column 'y': found 1e\+300, which is too large"):
        model.predict(x, groups=frame["person"])
