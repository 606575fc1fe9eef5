"""The package as others get it: what is in it, and that it works where there is no checkout.

The wheel is installed into an environment of its own and trains there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import in_full
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from isolet_nn.config.shipped import list_configs

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, without settings of this environment; its output."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _build(kind: str, folder: Path) -> Path:
    _run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_and_the_configs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "isolet_nn").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    configs = {f"isolet_nn/configs/{config.name}.yaml" for config in list_configs()}
    assert found == package | configs
    assert {"isolet_nn/py.typed", "isolet_nn/data/isolet.xz"} <= found


def test_the_wheel_names_the_licences_of_the_code_and_of_the_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.partition(".dist-info/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if "/licenses/" in name or name.endswith("/METADATA")
        }
    assert "License-Expression: MIT AND CC-BY-4.0\n" in texts["METADATA"]
    assert "MIT License" in texts["licenses/LICENSE"]
    for words in (
        "Cole, R. and Fanty, M. (1994). ISOLET",
        "https://doi.org/10.24432/C51G69",
        "https://creativecommons.org/licenses/by/4.0/",
        "re-encoded, its values unchanged",
    ):
        assert words in texts["licenses/isolet_nn/data/isolet.LICENSE"]


def test_the_source_archive_holds_what_is_needed_to_build_and_test(tmp_path: Path) -> None:
    with tarfile.open(_build("sdist", tmp_path)) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "constraints.txt", "Makefile", "README.md", "LICENSE"} <= found
    assert {"configs/quickstart.yaml", "isolet_nn/config/shipped.py"} <= found
    assert {"tests/test_packaging.py", "docs/tools/examples.py"} <= found
    assert {"isolet_nn/data/isolet.xz", "isolet_nn/data/isolet.LICENSE"} <= found
    assert not [name for name in found if name.startswith(("runs/", ".venv/", ".ci/"))]


@pytest.mark.slow
def test_the_installed_wheel_trains_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    venv.create(tmp_path / "env")
    install = ("-m", "pip", "--python", scripts / "python", "install", "--quiet")
    if in_full(few=True, many=False):  # the dependencies are those of this environment
        _run(sys.executable, *install, "--no-deps", wheel, cwd=tmp_path)
        (packages,) = (tmp_path / "env").rglob("site-packages")
        (packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    else:
        _run(sys.executable, *install, "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)

    empty = tmp_path / "empty"
    empty.mkdir()
    listing = _run(scripts / "isolet-nn", "configs", cwd=empty)
    assert [config.name for config in list_configs() if config.name not in listing] == []

    output = _run(scripts / "isolet-nn", "train", "isolet", "--epochs", "2", cwd=empty)
    assert [path.name for path in empty.iterdir()] == ["runs"]
    (run,) = (empty / "runs").iterdir()
    assert output.rstrip().endswith(run.name)
    assert {"config.yaml", "metrics.csv", "summary.json", "model.safetensors", "plots"} <= {
        path.name for path in run.iterdir()
    }


def _requirements() -> Iterator[Requirement]:
    project = PYPROJECT["project"]
    for group in (project["dependencies"], *project["optional-dependencies"].values()):
        yield from map(Requirement, group)


def test_the_tested_version_of_every_dependency_is_within_its_range() -> None:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[canonicalize_name(name)] = version
    missing = [str(r) for r in _requirements() if canonicalize_name(r.name) not in pins]
    assert missing == []
    outside = [
        str(r) for r in _requirements() if pins[canonicalize_name(r.name)] not in r.specifier
    ]
    assert outside == []


def test_the_first_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^make (\w+)", readme, re.M)
    assert commands[:2] == ["train", "test"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(commands) <= set(targets)
