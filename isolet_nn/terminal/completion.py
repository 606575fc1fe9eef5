"""What the shell offers where a config, a data set, a run or a setting is asked for.

It runs at every press of the tab key, so nothing here loads numpy, and only settings and the names
of data sets load the config models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from isolet_nn.config.shipped import list_configs
from isolet_nn.config.tables import TABLE_SUFFIXES
from isolet_nn.system.folders import CONFIG, SWEEP


def complete_experiment(incomplete: str) -> list[str]:
    """Shipped experiments, YAML files, tables, and folders on the way to them."""
    endings = (".yaml", ".yml", *TABLE_SUFFIXES)
    return [*_shipped("train", incomplete), *_paths(incomplete, endings)]


def complete_sweep(incomplete: str) -> list[str]:
    """Shipped configs, of which experiments can be swept over seeds too, and YAML files."""
    names = [*_shipped("sweep", incomplete)]
    return [*names, *_paths(incomplete, (".yaml", ".yml"))]


def complete_config(incomplete: str) -> list[str]:
    """All shipped configs."""
    return [config.name for config in list_configs() if config.name.startswith(incomplete)]


def complete_run(incomplete: str) -> list[str]:
    """Run folders, and folders on the way to them."""
    return [*_paths(incomplete, holding=(CONFIG,))]


def complete_run_or_sweep(incomplete: str) -> list[str]:
    """Folders of runs and sweeps, and folders on the way to them."""
    return [*_paths(incomplete, holding=(CONFIG, SWEEP))]


def complete_sweep_folder(incomplete: str) -> list[str]:
    """Sweep folders, and folders on the way to them."""
    return [*_paths(incomplete, holding=(SWEEP,))]


def complete_dataset(incomplete: str) -> list[str]:
    """Names of data sets, tables, and folders on the way to them."""
    from isolet_nn.config.datasets import datasets_by_name

    names = [name for name in datasets_by_name() if name.startswith(incomplete)]
    return [*names, *_paths(incomplete, TABLE_SUFFIXES)]


def complete_setting(incomplete: str) -> list[str]:
    """Key paths of an experiment, ready for the value; after ``=`` the names that there are."""
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.config.section import Section, names_of, sections_of

    def settings(model: type[Section], path: str) -> Iterator[str]:
        for key, field in model.model_fields.items():
            sections = sections_of(field.annotation)
            for section in sections:
                yield from settings(section, f"{path}{key}.")
                yield from (f"{path}{key}={name}" for name in names_of(section))
            yield f"{path}{key}="
            if not sections:
                values = [v for v in get_args(field.annotation) if isinstance(v, str)]
                yield from (f"{path}{key}={value}" for value in values)

    found = dict.fromkeys(s for s in settings(Experiment, "") if s.startswith(incomplete))
    if "=" in incomplete:
        return [*found]
    return [*dict.fromkeys(f"{setting.partition('=')[0]}=" for setting in found)]


def _shipped(command: str, incomplete: str) -> Iterable[str]:
    return (
        config.name
        for config in list_configs()
        if config.command == command and config.name.startswith(incomplete)
    )


def _paths(
    incomplete: str, endings: tuple[str, ...] = (), holding: tuple[str, ...] = ()
) -> Iterator[str]:
    """Folders, and files of some endings, that a path begun so may mean."""
    parent, _, start = incomplete.rpartition("/")
    folder = Path(parent + "/" if parent or incomplete.startswith("/") else ".").expanduser()
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
            continue
        name = f"{incomplete[: len(incomplete) - len(start)]}{entry.name}"
        if entry.is_dir():
            yield name if any((entry / file).is_file() for file in holding) else f"{name}/"
        elif entry.suffix in endings:
            yield name
