"""What is made of a sweep's journal for others to read: tables, pictures and the summary."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import with_overrides
from isolet_nn.config.problems import validate
from isolet_nn.runs.records import FORMAT
from isolet_nn.sweeps.drawing import draw_plots
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.outer_scores import write_outer_folds
from isolet_nn.sweeps.scores import SettingScore, write_settings
from isolet_nn.sweeps.search.outcomes import write_study
from isolet_nn.sweeps.table import write_trials
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import OUTER_FOLDS, SETTINGS, SUMMARY, TABLE, now
from isolet_nn.system.statuses import RUNNING


def write_results(folder: SweepFolder) -> None:
    """Write the tables and the pictures of a sweep, as far as it is; a shard has no pictures."""
    own = None if folder.shard is None else folder.shard.trials.tolist()
    write_trials(folder.path / TABLE, folder.trial_table, folder.results, folder.outer, own)
    write_settings(folder.path / SETTINGS, folder.trial_table, folder.results, folder.metric)
    if folder.outer is not None:
        write_outer_folds(folder.path / OUTER_FOLDS, folder.outer)
    if folder.asked is not None:
        write_study(folder, folder.asked)
    if folder.shard is None:
        draw_plots(folder)


def write_summary(folder: SweepFolder, status: str, started: str, seconds: float) -> None:
    """Say how far a sweep is.

    Parameters
    ----------
    status
        ``running``, ``completed`` or ``interrupted``.
    started
        When it was begun, ISO 8601.
    seconds
        The time it was worked on, resumes included.
    """
    nested = folder.nested
    write_json(
        folder.path / SUMMARY,
        {
            "format": FORMAT,
            "status": status,
            "started": started,
            "ended": None if status == RUNNING else now(),
            "seconds": seconds,
            "trials": folder.n_own,
            **{state: folder.count(state) for state in folder.states},
            "reused": folder.n_reused,
            "ranked_by": folder.metric,
            "overruled": folder.overruled,
            "best": [_ranked(folder, score) for score in folder.best()],
            **({} if nested is None else {"nested": asdict(nested[1])}),
        },
    )


def _ranked(folder: SweepFolder, score: SettingScore) -> dict[str, Any]:
    """A setting and its scores; and whose own rows standardise them, where they do."""
    content = with_overrides(folder.sweep.experiment, score.setting)
    group = validate(Experiment, content, "a setting").dataset.adapted_to
    return asdict(score) | ({} if group is None else {"adapted_to": group})
