"""The configs that come with the package: each is described, valid, and runs.

They are run through the command line, as a user does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from needs import needs_torch
from sweeps.helpers import InlineWorkers
from typer.testing import CliRunner

from isolet_nn import sweep
from isolet_nn.cli.app import app
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import (
    ShippedConfig,
    configs_folder,
    copy_config,
    find_config,
    list_configs,
    resolve,
)
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.errors import ConfigError
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.loading import load_sweep

CONFIGS = {config.name: config for config in list_configs()}

EXPERIMENTS = {name: config for name, config in CONFIGS.items() if config.command == "train"}
SWEEPS = {name: config for name, config in CONFIGS.items() if config.command == "sweep"}

every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
NEED_TORCH = ("isolet-torch", "report/parity")


def _each(configs: dict[str, ShippedConfig]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "config",
        [
            pytest.param(config, id=name, marks=[needs_torch] if name in NEED_TORCH else [])
            for name, config in configs.items()
        ],
    )


every_experiment, every_sweep = _each(EXPERIMENTS), _each(SWEEPS)


def test_the_promised_configs_are_shipped() -> None:
    promised = {
        "quickstart",
        "isolet",
        "isolet-torch",
        "isolet-best",
        "isolet-best-seeds",
        "isolet-ensemble",
        "isolet-search",
        "isolet-search-2",
        "isolet-adapted",
        "isolet-adapted-ensemble",
        "isolet-adapted-ensemble-seeds",
        "isolet-adapted-search",
        "isolet-adapted-search-2",
        "isolet-adapted-seeds",
        "search/isolet",
        "xor",
        "moons",
        "spirals",
        "report/figure1_2_no_momentum",
        "report/figure3_4_momentum",
        "report/figure5_learning_rate_by_hidden",
        "report/figure6_epochs_by_batch_size",
        "report/figure7_hidden_layers_by_beta1",
        "report/figure8_optimizers",
        "report/figure6_carried_over",
        "report/parity",
        "report/other_data_sets",
    }
    assert promised <= CONFIGS.keys()


def test_every_file_in_the_folder_is_listed() -> None:
    files = [path for path in configs_folder().rglob("*") if path.is_file()]
    assert sorted(files) == sorted(config.path for config in CONFIGS.values())


@every_config
def test_a_shipped_config_opens_with_its_description(config: ShippedConfig) -> None:
    first_line = config.path.read_text(encoding="utf-8").splitlines()[0]
    assert first_line == f"# {config.description}"
    assert 20 < len(config.description) <= 100
    assert config.description.endswith(".")


@every_config
def test_a_shipped_config_is_commented_line_by_line(config: ShippedConfig) -> None:
    settings = [
        line
        for line in config.path.read_text(encoding="utf-8").splitlines()[1:]
        if line.strip() and not line.rstrip().endswith(":")
    ]
    assert [line for line in settings if not re.search(r" # \S", line)] == []


@every_experiment
def test_a_shipped_config_is_valid(config: ShippedConfig) -> None:
    experiment = load_experiment(config.path)
    assert re.fullmatch(r"[a-z0-9-]+", experiment.name)


@every_sweep
def test_every_trial_of_a_shipped_sweep_is_valid(config: ShippedConfig) -> None:
    swept = load_sweep(config.path)
    trials = make_trials(swept)
    of_figure = config.name.startswith("report/") and "/claim" not in config.name
    assert len(trials) >= (40 if of_figure else 5)
    assert swept.plot or not of_figure


@every_sweep
def test_a_shipped_sweep_is_not_taken_for_an_experiment(config: ShippedConfig) -> None:
    with pytest.raises(ConfigError, match="isolet-nn sweep"):
        load_experiment(config.path)


def test_only_the_carried_over_figure_is_neither_experiment_nor_sweep() -> None:
    others = CONFIGS.keys() - EXPERIMENTS.keys() - SWEEPS.keys()
    assert others == {"report/figure6_carried_over"}
    path = CONFIGS["report/figure6_carried_over"].path
    hint = r"isolet-nn reproduce report --figure 6"
    with pytest.raises(ConfigError, match=hint):
        load_experiment(path)
    with pytest.raises(ConfigError, match=hint):
        load_sweep(path)
    with pytest.raises(ConfigError, match=hint):
        load_sweep({"experiment": "report/figure6_carried_over"})


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
@every_sweep
def test_the_corners_of_a_shipped_sweep_run(config: ShippedConfig, tmp_path: Path) -> None:
    content = read_mapping(config.path)
    small = {"training.epochs": 1, "training.batch_size": 512}
    if "grid" in content:
        content["grid"] = {key: [values[0], values[-1]] for key, values in content["grid"].items()}
        content["grid"].pop("training.batch_size", None)
        if "training.epochs" in content["grid"]:
            content["grid"]["training.epochs"] = [small.pop("training.epochs"), 2]
    if "list" in content:
        corners = content["list"][:2][-1:] + content["list"][2:][-1:]  # the second, and the last
        content["list"] = [{**setting, **small} for setting in corners]
        content["list"][0]["training.batch_size"] = 256
        small = {}
    if "search" in content:
        content["search"]["trials"] = 2
    content["set"] = small
    content["seeds"] = 1
    content["plot"] = []
    folder = sweep(load_sweep(content), runs_dir=tmp_path, make_workers=InlineWorkers)
    summary = folder.summary
    if "search" in content:
        assert summary["completed"] + summary["pruned"] == folder.n_trials > 0
    else:
        assert summary["completed"] == summary["trials"] == len(make_trials(load_sweep(content)))


@pytest.mark.slow
@every_experiment
def test_a_shipped_config_runs(config: ShippedConfig, tmp_path: Path) -> None:
    command = ["train", config.name, "--epochs", "2", "--runs-dir", str(tmp_path)]
    if load_experiment(config.path).ensemble > 2:
        command += ["--set", "ensemble=2"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    (run,) = tmp_path.iterdir()
    assert run.name.endswith(load_experiment(config.path).name)
    assert '"completed"' in (run / "summary.json").read_text(encoding="utf-8")
    assert len((run / "metrics.csv").read_text(encoding="utf-8").splitlines()) >= 2
    assert (run / "model.safetensors").stat().st_size > 0


def test_the_report_figures_differ_in_momentum_and_name_only() -> None:
    without = load_experiment(CONFIGS["report/figure1_2_no_momentum"].path).model_dump()
    with_momentum = load_experiment(CONFIGS["report/figure3_4_momentum"].path).model_dump()
    assert without["optimizer"].pop("momentum") == 0.0
    assert with_momentum["optimizer"].pop("momentum") == 0.9
    assert without.pop("name") != with_momentum.pop("name")
    assert without == with_momentum


def test_isolet_torch_differs_from_isolet_in_name_and_backend_only() -> None:
    changed = {"name": "isolet-torch", "backend": "torch", "device": "cpu"}
    expected = load_experiment(CONFIGS["isolet"].path, overrides=changed)
    assert load_experiment(CONFIGS["isolet-torch"].path) == expected


@pytest.mark.parametrize("argument", ["quickstart", "quickstart.yaml"])
def test_a_shipped_config_is_found_by_name_from_anywhere(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve(argument) == CONFIGS["quickstart"].path
    assert find_config(argument) == CONFIGS["quickstart"].path


def test_an_existing_file_wins_over_a_shipped_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart.yaml").touch()
    assert resolve("quickstart.yaml") == Path("quickstart.yaml")
    assert resolve("quickstart") == CONFIGS["quickstart"].path


def test_a_folder_does_not_hide_a_shipped_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart").mkdir()
    assert resolve("quickstart") == CONFIGS["quickstart"].path


@pytest.mark.parametrize(
    ("argument", "nearest"),
    [
        ("quikstart", "quickstart"),
        ("figure3_4_momentum.yaml", "report/figure3_4_momentum"),
        ("elsewhere/configs/isolet.yaml", "isolet"),
    ],
)
def test_an_unknown_config_is_refused_with_the_nearest_name(argument: str, nearest: str) -> None:
    expected = f"{argument}: no such file, and no shipped config; did you mean {nearest}?"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        resolve(argument)


@pytest.mark.parametrize("name", ["", ".", "../pyproject", "/etc/hostname", "isolet/../quickstart"])
def test_a_name_reaches_nothing_outside_the_configs(name: str) -> None:
    assert find_config(name) is None


def test_a_copy_goes_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert copy_config("report/figure3_4_momentum") == Path("figure3_4_momentum.yaml")
    original = CONFIGS["report/figure3_4_momentum"].path
    assert Path("figure3_4_momentum.yaml").read_bytes() == original.read_bytes()


def test_a_copy_goes_into_a_folder_or_under_a_new_name(tmp_path: Path) -> None:
    original = CONFIGS["isolet"].path.read_bytes()
    assert copy_config("isolet", tmp_path) == tmp_path / "isolet.yaml"
    assert copy_config("isolet", tmp_path / "mine.yaml") == tmp_path / "mine.yaml"
    assert (tmp_path / "isolet.yaml").read_bytes() == original
    assert (tmp_path / "mine.yaml").read_bytes() == original


def test_a_copy_overwrites_nothing(tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("name: mine\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml: exists already"):
        copy_config("isolet", target)
    assert target.read_text(encoding="utf-8") == "name: mine\n"


def test_a_copy_to_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be written: No such file or directory"):
        copy_config("isolet", tmp_path / "missing" / "mine.yaml")


def test_a_copy_of_an_unknown_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean quickstart"):
        copy_config("quickstarts", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_finding_a_config_imports_nothing_heavy() -> None:
    code = (
        "import sys, isolet_nn.config.shipped as s; s.resolve('quickstart');"
        "sys.exit(bool({'numpy', 'pydantic', 'sklearn', 'matplotlib', 'torch'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
