"""How far a search goes: it may be gone on with for more settings than its file asked for."""

from __future__ import annotations

from isolet_nn.errors import ConfigError, counted
from isolet_nn.sweeps.folder import SweepFolder, sweep_config
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.system.files import write_text
from isolet_nn.system.folders import SWEEP

_TRIALS = "search.trials"


def extend(folder: SweepFolder, trials: int, data_dir: str | None = None) -> None:
    """Let a search ask for so many settings in all; nothing is written yet.

    Raises
    ------
    ConfigError
        If it is no search, has asked for more already, or its time is up.
    """
    search, asked = folder.sweep.search, folder.asked
    if search is None or asked is None:
        raise ConfigError(
            f"--trials: {folder.path} is no search, whose settings follow from its file: put more "
            "into a file, and take over what is done here with --reuse"
        )
    if trials < asked.n_candidates:
        raise ConfigError(
            f"--trials: found {trials}, but {counted(asked.n_candidates, 'setting')} were asked "
            "for already"
        )
    spent = folder.earlier_summary.get("seconds", 0.0)
    if trials > asked.n_candidates and search.timeout is not None and spent >= search.timeout:
        raise ConfigError(
            f"--trials: {folder.path / SWEEP} gives the search {search.timeout:g} s "
            f"(search.timeout), and it has had {spent:.0f}: write more into it, or null"
        )
    where = {} if data_dir is None else {"dataset.dir": data_dir}
    folder.sweep = load_sweep(folder.path / SWEEP, {_TRIALS: trials} | where)


def keep_extent(folder: SweepFolder) -> None:
    """Write how far a search is to go, so that a resume goes as far; where data lies stays."""
    assert folder.sweep.search is not None
    file = folder.path / SWEEP
    write_text(file, sweep_config(load_sweep(file, {_TRIALS: folder.sweep.search.trials})))
