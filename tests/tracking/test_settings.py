"""Which trackers hear of a run, and that they are no part of what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment

from isolet_nn.config.loading import load_experiment
from isolet_nn.config.tracking import Mlflow, TensorBoard
from isolet_nn.config.user_settings import UserSettings, user_settings
from isolet_nn.errors import ConfigError
from isolet_nn.runs.identity import identity_of
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.header import make_header
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.tracking.settings import trackers_of, tracking_of_sweep

BOARD, PLAIN = TensorBoard(name="tensorboard"), Mlflow(name="mlflow")
OURS = Mlflow(name="mlflow", uri="http://ours:5000", experiment="letters")
MINE = Mlflow(name="mlflow", uri="http://mine:5000")


def own(*trackers: Any) -> UserSettings:
    return UserSettings(tracking=list(trackers))


@pytest.mark.parametrize(
    ("of_file", "settings", "chosen", "expected"),
    [
        (None, UserSettings(), None, []),
        (None, own(MINE, BOARD), None, [MINE, BOARD]),
        ([BOARD], own(MINE), None, [BOARD]),
        ([], own(MINE), None, []),
        ([BOARD], own(MINE), ["mlflow"], [MINE]),
        ([BOARD], own(MINE), [], []),
        ([PLAIN], own(MINE), None, [MINE]),
        ([OURS], own(MINE), None, [OURS]),
        ([OURS.model_copy(update={"uri": None})], own(MINE), ["mlflow"],
         [OURS.model_copy(update={"uri": "http://mine:5000"})]),
        (None, UserSettings(), ["tensorboard", "mlflow"], [BOARD, PLAIN]),
    ],
)  # fmt: skip
def test_the_command_line_says_which_before_the_file_and_the_file_before_the_user(
    of_file: Any, settings: UserSettings, chosen: Any, expected: Any
) -> None:
    assert trackers_of(of_file, settings, chosen) == expected


def test_a_users_settings_are_read_from_a_file_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOLET_NN_CONFIG_DIR", str(tmp_path))
    assert user_settings() == UserSettings()
    file = tmp_path / "settings.yaml"
    file.write_text("tracking: {name: mlflow, uri: http://mine:5000}", encoding="utf-8")
    assert user_settings() == own(MINE)
    file.write_text("trackin: [mlflow]", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"settings.yaml: trackin: unknown key; .*tracking"):
        user_settings()


@pytest.mark.parametrize(
    ("tracking", "message"),
    [
        (["tensorbord"], "tracking.0.name: found 'tensorbord'; .* did you mean tensorboard"),
        ([{"uri": "x"}], "tracking.0: the key `name` is missing; allowed: tensorboard, mlflow"),
        ([{"name": "mlflow", "url": "x"}], "tracking.0.url: unknown key; did you mean uri"),
        (["mlflow", {"name": "mlflow"}], "tracking: mlflow is given twice"),
    ],
)
def test_a_wrong_tracker_is_refused_with_what_is_allowed(tracking: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_experiment(tracking=tracking)


@pytest.mark.parametrize(
    "tracking",
    [
        [{"name": "mlflow", "uri": "http://me:secret@host:5000"}],
        [{"name": "mlflow", "uri": "http://me:sec@ret@host"}],
        [{"name": "mlflow", "uri": "http://me:se/secret@host"}],
        {"name": "mlflow", "uri": "postgresql://me:secret@host/db"},
        [{"name": "http://me:secret@host"}],
        "http://me:secret@host",
        [{"uri": "http://me:secret@host"}],
        [{"name": "mlflow", "uri": ["http://me:secret@host"]}],
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(tracking: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        make_experiment(tracking=tracking)
    assert "secret" not in str(refused.value)
    assert "sec@" not in str(refused.value)


def test_trackers_are_no_part_of_an_experiment_s_or_a_sweep_s_identity() -> None:
    plain, tracked = make_experiment(), make_experiment(tracking=["tensorboard"])
    assert plain != tracked
    assert identity_of(plain) == identity_of(tracked)
    content = {"experiment": {"dataset": {"name": "iris"}}, "seeds": 2}
    within = {"experiment": {"dataset": {"name": "iris"}, "tracking": ["mlflow"]}, "seeds": 2}
    headers = [
        make_header(sweep, make_trials(sweep), DataSource())
        for sweep in map(load_sweep, (content, content | {"tracking": "mlflow"}, within))
    ]
    assert headers[0] == headers[1] == headers[2]
    with pytest.raises(ConfigError, match=r"grid\.tracking: no result depends on it"):
        load_sweep(content | {"grid": {"tracking": [[], ["mlflow"]]}})


def test_a_config_keeps_its_trackers_when_it_is_written(tmp_path: Path) -> None:
    from isolet_nn.config.yaml_files import dump_yaml

    tracked = make_experiment(tracking=["tensorboard", OURS.model_dump()])
    file = tmp_path / "config.yaml"
    file.write_text(dump_yaml(tracked), encoding="utf-8")
    assert load_experiment(file).tracking == [BOARD, OURS]


def test_a_search_that_has_no_trial_yet_is_tracked_as_its_experiment_says(tmp_path: Path) -> None:
    experiment = {"dataset": {"name": "iris", "validation": {"fraction": 0.2}}}
    search = {"trials": 3, "space": {"optimizer.learning_rate": {"log_uniform": [0.001, 0.1]}}}
    content = {"experiment": {**experiment, "tracking": ["tensorboard"]}, "search": search}
    sweep = load_sweep(content)
    folder = SweepFolder.create(tmp_path, sweep, make_trials(sweep))
    assert tracking_of_sweep(folder) == [BOARD]
