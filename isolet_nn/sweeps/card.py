"""What a notebook shows of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isolet_nn.config.key_paths import flat
from isolet_nn.config.metrics import adapted_text, in_words
from isolet_nn.errors import counted
from isolet_nn.notebook.cards import Card, value_text
from isolet_nn.sweeps.drawing import first_picture
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.scores import MeanScore
from isolet_nn.system.files import read_bytes

if TYPE_CHECKING:
    from isolet_nn.sweeps.distributions import Setting
    from isolet_nn.sweeps.outer_scores import NestedScore

_LARGEST_PICTURE = 120_000
"""Bytes of a picture that is shown: one of a large grid would swell the notebook."""


def card_of_sweep(folder: SweepFolder) -> Card:
    """Settings, the best of them with their scores, and the first picture of a sweep."""
    headings, rows = _best(folder)
    picture = first_picture(folder)
    is_small = picture is not None and picture.stat().st_size <= _LARGEST_PICTURE
    errors = folder.errors.values()
    return Card(
        title=f"{folder.sweep.name}: {folder.earlier_summary.get('status', 'not begun')}",
        facts=_facts(folder),
        headings=headings,
        rows=rows,
        problem=f"{counted(len(errors), 'trial')} failed: {next(iter(errors))}" if errors else "",
        pictures={picture.stem: read_bytes(picture)} if picture is not None and is_small else {},
        settings={
            key: value_text(value)
            for key, value in flat(folder.sweep.model_dump(mode="json")).items()
        },
    )


def _facts(folder: SweepFolder) -> list[str]:
    counts = {state: folder.count(state) for state in folder.states}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    found = folder.nested
    nested = [] if found is None else [nested_text(found[1])]
    return [
        f"{counted(folder.n_own, 'trial')}: {told}",
        f"ranked by {in_words(folder.metric)}{adapted_text(*set(folder.trial_table.tasks))}",
        *nested,
        str(folder.path),
    ]


def nested_text(found: NestedScore) -> str:
    """What the outer folds say together."""
    score = MeanScore(found.mean, found.deviation, found.low, found.high)
    return (
        f"{in_words(found.score)} over {counted(found.n, 'outer fold')}, of settings chosen "
        f"without them: {score.text(found.score)}"
    )


def _best(folder: SweepFolder) -> tuple[list[str], list[list[str]]]:
    """The best settings: a row each, with a column a metric."""
    best = folder.best()
    if not best:
        return [], []
    metrics = list(best[0].scores)
    rows = [
        [
            _setting_text(of.setting),
            str(of.n),
            *(of.scores[m].text(m) if m in of.scores else "" for m in metrics),
        ]
        for of in best
    ]
    return ["setting", "trials", *map(in_words, metrics)], rows


def _setting_text(setting: Setting) -> str:
    return ", ".join(f"{key}={value_text(value)}" for key, value in setting.items()) or "as it is"
