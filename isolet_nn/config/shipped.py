"""The experiments that come with the package, to be run by name or copied and edited.

They lie in ``configs/`` inside an installed package, and at the top of a checkout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.system.folders import CONFIG, SWEEP

_PACKAGE = Path(__file__).resolve().parents[1]
_SUFFIX = ".yaml"


@dataclass(frozen=True)
class ShippedConfig:
    """A config that comes with the package."""

    name: str
    """Path below the configs folder without the ending, such as ``report/figure3_4_momentum``."""
    description: str
    """The file's first line, without the comment sign."""
    path: Path
    """The file."""
    command: str
    """What runs it: ``train``, ``sweep`` or ``reproduce report``."""


def configs_folder() -> Path:
    """The folder that holds the shipped configs."""
    installed = _PACKAGE / "configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def list_configs() -> list[ShippedConfig]:
    """All shipped configs by name, those at the top before those in folders."""
    folder = configs_folder()
    paths = sorted(folder.rglob(f"*{_SUFFIX}"), key=lambda path: (path.parent != folder, path))
    return [_read(path, folder) for path in paths]


def _read(path: Path, folder: Path) -> ShippedConfig:
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    return ShippedConfig(
        name=path.relative_to(folder).as_posix().removesuffix(_SUFFIX),
        description=first.removeprefix("#").strip(),
        path=path,
        command=_command(lines),
    )


def _command(lines: list[str]) -> str:
    """What runs a config of these lines, told by its keys at the top."""
    if said := re.search(r"^run_by:.*\n  command: ([\w ]*\w)", "\n".join(lines), re.M):
        return said[1]
    return "sweep" if any(line.startswith("experiment:") for line in lines) else "train"


def find_config(name: str) -> Path | None:
    """The shipped config called `name`, with or without ``.yaml``; None if there is none."""
    wanted = name.removesuffix(_SUFFIX)
    return next((config.path for config in list_configs() if config.name == wanted), None)


def shipped_config(name: str) -> Path:
    """The file of the shipped config called `name`, never a user's file of the same name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    found = find_config(name)
    if found is None:
        raise ConfigError(f"config: found {name!r}; no shipped config has this name")
    return found


def resolve(argument: str) -> Path:
    """The file that a CONFIG argument means: an existing file, else a shipped config.

    Raises
    ------
    ConfigError
        If it is neither; the message names the nearest shipped config.
    """
    path = Path(argument).expanduser()
    if path.exists() and not path.is_dir():
        return path
    shipped = find_config(argument)
    if shipped is None:
        problem = "is a folder" if path.is_dir() else "no such file"
        raise ConfigError(_unknown(argument, f"{problem}, and no shipped config"))
    return shipped


def copy_config(name: str, to: Path | None = None) -> Path:
    """Copy a shipped config for editing.

    Parameters
    ----------
    name
        As `list_configs` gives it.
    to
        File to write, or an existing folder to write into; None is the current folder.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    ConfigError
        If there is no such config, or the file exists (it is left as it was) or cannot be written.
    """
    source = find_config(name)
    if source is None:
        raise ConfigError(_unknown(name, "no shipped config of that name"))
    target = Path(source.name) if to is None else to.expanduser()
    if target.is_dir():
        target = target / source.name
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(source.read_text(encoding="utf-8"))
    except FileExistsError:
        raise ConfigError(f"{target}: exists already; remove it or give another name") from None
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from None
    return target


def _unknown(argument: str, problem: str) -> str:
    advice = _advice(argument)
    if advice is not None:
        return f"{argument}: {advice}"
    names = [config.name for config in list_configs()]
    stem = Path(argument).name.removesuffix(_SUFFIX)
    whole = "" if stem in names else suggestion(argument.removesuffix(_SUFFIX), names)
    hint = whole or suggestion(stem, names)
    listing = "`isolet-nn configs` lists the shipped ones"
    return f"{argument}: {problem}{hint} {listing}" if hint else f"{argument}: {problem}; {listing}"


def _advice(argument: str) -> str | None:
    """What to do instead, if the argument is a run, a sweep's folder, or a data set."""
    folder = Path(argument).expanduser()
    for kind, file, command in (("run", CONFIG, "train"), ("sweep", SWEEP, "sweep")):
        if (folder / file).is_file():
            return (
                f"the folder of a {kind}, not a config; `isolet-nn {command} --resume {argument}` "
                f"goes on with it, `isolet-nn {command} {folder / file}` begins it anew"
            )
    from isolet_nn.config.datasets import datasets_by_name

    dataset = datasets_by_name().get(argument)
    if dataset is None:
        return None
    configs = [config for config in list_configs() if argument in _datasets(config.path)]
    if not configs:
        setting = f"dataset.name={argument}"
        if dataset.needs is not None:
            setting = f"'dataset={{name: {argument}, {dataset.needs}}}'"
        command = f"isolet-nn train quickstart --set {setting}"
        return f"a data set, not a config; trained on by `{command}`"
    commands = [f"`isolet-nn {config.command} {config.name}`" for config in configs[:3]]
    return f"a data set, not a config; trained on by {', '.join(commands)}"


def _datasets(path: Path) -> list[str]:
    """Names of the data sets that a shipped config's text names."""
    return re.findall(r"^ *dataset: *\n +name: *(\w+)", path.read_text(encoding="utf-8"), re.M)
