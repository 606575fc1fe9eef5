"""What can be run: shipped configs with what is changed in them, and what is measured besides.

A quick reproduction keeps the settings of every training and leaves out cells and seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isolet_nn.config.shipped import shipped_config
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.system.machine import has_torch

CARRIED_OVER, FEW_NEURONS, XOR = "figure6-carried-over", "few-neurons", "xor"


@dataclass(frozen=True)
class Measuring:
    """How something is measured that is no sweep.

    Attributes
    ----------
    folder
        The reproduction's.
    quick
        Whether less is measured.
    data_dir
        Folder of the ISOLET files.
    computing
        Backend and device of all of it, where given.
    should_stop
        Asked again and again.
    call
        Gives what a function returns for arguments, computed in a process that is free; None where
        it was stopped. Several threads may call.
    """

    folder: Path
    quick: bool
    data_dir: str | None
    computing: Mapping[str, Any]
    should_stop: Callable[[], bool]
    call: Callable[..., Any]


Measure = Callable[[Measuring], Mapping[str, Any] | None]
"""Gives what is kept of it as JSON, or None where it was stopped."""


@dataclass(frozen=True)
class Choice:
    """Settings that are chosen by the validation split of another part.

    Attributes
    ----------
    part
        Where they were tried.
    by
        Key path of which each value gets its own best.
    """

    part: str
    by: str


@dataclass(frozen=True)
class Part:
    """One run, sweep or measurement of the reproduction.

    Attributes
    ----------
    name
        Part of its folder's name, or the name of its file.
    figures
        What ``--figure`` calls it.
    config
        A shipped config.
    changes
        Keys of the sweep file that differ; grids are merged key by key.
    quick
        The same for a quick reproduction, on top; None: that leaves it out.
    on_isolet
        Whether it needs ISOLET's files.
    compares_backends
        Whether it is left aside where one backend computes all.
    choice
        Where its settings come from; those in its config are what was chosen when it was written.
    takes_over
        Parts that have some of its very trainings, which are not repeated.
    measure
        What is done instead of running its config.
    is_timed
        Whether it measures times, and nothing else may run meanwhile.
    """

    name: str
    figures: tuple[str, ...]
    config: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] | None = field(default_factory=dict)
    on_isolet: bool = True
    compares_backends: bool = False
    choice: Choice | None = None
    takes_over: tuple[str, ...] = ()
    measure: Measure | None = None
    is_timed: bool = False

    @property
    def file(self) -> str:
        """Where what was measured is kept."""
        return f"{self.name}.json"

    @property
    def after(self) -> set[str]:
        """Parts that have to be at their end before it begins."""
        return {*self.takes_over} | ({self.choice.part} if self.choice else set())


def sweep_of(
    part: Part,
    *,
    quick: bool,
    data_dir: str | None,
    computing: Mapping[str, Any] | None = None,
    settings: Sequence[Mapping[str, Any]] | None = None,
) -> Sweep:
    """The sweep that a part runs.

    A config that describes one experiment is what the sweep varies. Without PyTorch the parity is
    run on NumPy alone. `computing` is the backend and the device of all of it, `settings` the list
    of its settings, where given.
    """
    file = read_mapping(shipped_config(part.config))
    content: dict[str, Any] = file if "experiment" in file else {"experiment": part.config}
    if isinstance(content["experiment"], str):
        content["experiment"] = str(shipped_config(content["experiment"]))
    content |= {"name": part.name, "save_models": "none"}
    for changes in (part.changes, (part.quick or {}) if quick else {}):
        grid = {**content.get("grid", {}), **changes.get("grid", {})}
        content = {**content, **changes, **({"grid": grid} if grid else {})}
    if settings is not None:
        content["list"] = [dict(setting) for setting in settings]
    if "backend" in content.get("grid", {}) and not has_torch():
        content["grid"]["backend"] = ["numpy"]
    given = {"dataset.dir": data_dir} if data_dir is not None and part.on_isolet else {}
    return load_sweep(content, {**given, **(computing or {})})
