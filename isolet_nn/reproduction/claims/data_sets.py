"""Claim 12: other data sets, all judged by one protocol.

On each data set the network learns if its balanced accuracy closes at least half of the gap that
chance, 1 / classes, leaves to 100 %. Over all of them its hidden layer is to be worth something:
with it the balanced accuracy is higher than without, seeds and test parts being the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isolet_nn.config.key_paths import canonical
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_raw
from isolet_nn.plots import short_text
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.evidence import LAYERS, Evidence, differences
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.rules import DASH, Verdict, above, not_run, ranked_above, under
from isolet_nn.reproduction.tables import TextTable, signed, spread

DATASET = "dataset"
LEARNT = 50.0
"""Percent of the gap between chance and 100 % that is to be closed."""
_PART = "data-sets"
_OWN_BAR = (
    "The report proposes this and claims nothing, so the bar is ours: half of what chance leaves."
)


def _data_sets(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """The sections of the data sets that were trained on, by their names in text."""
    trials = evidence.trials(_PART)
    sections = {canonical(t.settings[DATASET]): t.settings[DATASET] for t in trials}
    return {_label(section): section for section in sections.values()}


def _label(section: Mapping[str, Any]) -> str:
    """Such as ``moons, noise 0.4``."""
    rest = [f"{key} {short_text(value)}" for key, value in section.items() if key != "name"]
    return ", ".join([str(section["name"]), *rest])


def _n_classes(section: Mapping[str, Any]) -> int:
    return len(load_raw(load_experiment({"dataset": dict(section)}).dataset).classes)


def _balanced(evidence: Evidence, section: object, layers: list[int]) -> dict[int, float]:
    where = {DATASET: section, LAYERS: layers}
    return evidence.by_seed(_PART, where, "balanced_accuracy")


def _gap_closed(evidence: Evidence, section: Mapping[str, Any]) -> list[float]:
    """Percent of the gap between chance and 100 % that the network closes, by seed."""
    chance = 100.0 / _n_classes(section)
    balanced = _balanced(evidence, section, [64]).values()
    return [100.0 * (value - chance) / (100.0 - chance) for value in balanced]


def _judge(evidence: Evidence) -> Mapping[str, Verdict]:
    sections = _data_sets(evidence)
    if not sections:
        return {"other data sets": not_run("the network learns other data sets")}
    what = "the share of the gap between chance and 100 % that its balanced accuracy closes"
    learnt = {
        name: under(_OWN_BAR, above(_gap_closed(evidence, section), LEARNT, what, unit="%"))
        for name, section in sections.items()
    }
    gains = [np.mean(of) for section in sections.values() if (of := _gains(evidence, section))]
    of_layer = ranked_above(
        [float(gain) for gain in gains],
        "the gain in balanced accuracy by the hidden layer",
        "data sets",
    )
    return {**learnt, "a hidden layer against none": of_layer}


def _gains(evidence: Evidence, section: object) -> list[float]:
    """What the hidden layer adds on the same test parts, by seed."""
    return differences(*(_balanced(evidence, section, layers) for layers in ([64], [])))


def _table(evidence: Evidence) -> TextTable:
    rows = []
    for name, section in _data_sets(evidence).items():
        gains = _gains(evidence, section)
        gain = signed(float(np.mean(gains)), 1) if gains else DASH
        of = [*_balanced(evidence, section, [64]).values()]
        without = [*_balanced(evidence, section, []).values()]
        linear = f"{np.mean(without):.1f} %" if without else DASH
        mean, *_ = spread(of)
        rows.append([name, str(_n_classes(section)), mean, linear, gain, str(len(of))])
    return TextTable(
        [
            *("data set", "classes", "balanced accuracy (95 % interval)"),
            *("without hidden layer", "gain", "seeds"),
        ],
        rows,
    )


DATA_SETS = ReportClaim(
    number=12,
    name="data-sets",
    text="Future work: the same kind of network on other data sets.",
    runs="One protocol for ten sets, four of scikit-learn's and six made by a formula, noisy ones "
    "and ones of unequal classes among them: a hidden layer of 64 or none, Adam at 0.001, batch "
    "size 32, 200 epochs; every seed draws a fifth of the rows to test on. Sets of OpenML are "
    "judged by the same config.",
    judge=_judge,
    parts=(
        Part(
            _PART,
            ("claim12",),
            "report/claim12_data_sets",
            quick=None,
            on_isolet=False,
            takes_over=("other-data-sets",),
        ),
    ),
    table=_table,
)
