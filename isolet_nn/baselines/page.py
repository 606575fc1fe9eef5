"""What a comparison leaves: tables to cite, the wrong rows, and a page that needs nothing else."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from isolet_nn.baselines.fits import Division
from isolet_nn.baselines.folder import Baselines
from isolet_nn.baselines.mistakes import Mistakes
from isolet_nn.baselines.plots import draw_plots
from isolet_nn.baselines.scores import Line, TestRows, read_lines
from isolet_nn.baselines.tables import (
    agreement_table,
    candidate_table,
    error_table,
    pair_table,
    score_table,
    speaker_table,
)
from isolet_nn.notebook.html import data_uri, template_environment
from isolet_nn.pages.assets import base_style
from isolet_nn.system.files import read_bytes, write_text
from isolet_nn.system.folders import ENVIRONMENT, PLOTS, now, read_json
from isolet_nn.terminal import formats

PAGE, SCORES, CANDIDATES, ERRORS = "index.html", "baselines", "candidates.csv", "errors.csv"
_TEMPLATE = "page.html.jinja"
_WORST = 5
"""Speakers whose share of the errors is said."""


def write_results(folder: Path, content: Baselines, division: Division) -> None:
    """Write tables and page of what is through; nothing as long as no contestant is."""
    rows = TestRows.load(division)
    lines = read_lines(folder, content, rows)
    if not lines:
        return
    scores, mistakes = score_table(lines), Mistakes(lines, rows)
    for suffix, written in {
        "csv": formats.csv([scores]),
        "md": formats.markdown([scores]),
        "tex": formats.latex([scores]),
    }.items():
        write_text(folder / f"{SCORES}.{suffix}", written)
    write_text(folder / CANDIDATES, formats.csv([candidate_table(lines)]))
    write_text(folder / ERRORS, formats.csv([error_table(mistakes, mistakes.any_wrong())]))
    (folder / PLOTS).mkdir(exist_ok=True)
    context = {
        "content": content,
        "lines": lines,
        "scores": scores,
        "candidates": candidate_table(lines),
        "mistakes": mistakes,
        "pairs": pair_table(mistakes),
        "speakers": speaker_table(mistakes),
        "agreement": agreement_table(mistakes),
        "errors": error_table(mistakes, mistakes.of_network()),
        "findings": findings(mistakes),
        "pictures": {
            name: data_uri(read_bytes(path)) for name, path in draw_plots(folder, mistakes).items()
        },
        "environment": read_json(folder / ENVIRONMENT),
        "date": now(),
        "adapted": any(line.contestant.is_adapted for line in lines),
    }
    environment = template_environment(Path(__file__).parent)
    write_text(
        folder / PAGE, environment.get_template(_TEMPLATE).render(context, base_style=base_style())
    )


def findings(mistakes: Mistakes) -> dict[str, Any]:
    """What the page says of the errors in its sentences, by name."""
    wrong = mistakes.is_wrong[mistakes.network]
    pairs = mistakes.pairs()[:3]
    total = max(int(wrong.sum()), 1)
    n = len(mistakes.contestants)
    standard = mistakes.is_wrong[mistakes.of_standard_task]
    return {
        "network": mistakes.contestants[mistakes.network].label,
        "errors": int(wrong.sum()),
        "rows": len(wrong),
        "pairs": [" and ".join(pair.letters) for pair in pairs],
        "pair_share": sum(pair.counts[mistakes.network] for pair in pairs) / total,
        "worst": _WORST,
        "worst_share": float(mistakes.cumulative()[mistakes.network, :_WORST][-1]),
        "spotless": int((mistakes.by_speaker()[mistakes.network] == 0).sum()),
        "speakers": len(mistakes.speakers),
        "models": n,
        "in_all": int((mistakes.wrong_in == n).sum()),
        "of_standard_task": len(standard),
        "in_all_of_standard_task": int(standard.all(axis=0).sum()),
        "alone": int((wrong & (mistakes.wrong_in == 1)).sum()),
        "in_any": int((mistakes.wrong_in > 0).sum()),
    }


def to_json(lines: list[Line]) -> list[dict[str, Any]]:
    """The lines of the table, for programs."""
    return [
        {
            "model": line.contestant.name,
            "label": line.contestant.label,
            "settings": line.settings,
            "validation": asdict(line.validation),
            "test": asdict(line.test),
            "test_of_seeds": line.of_seeds,
            "difference": None if line.difference is None else asdict(line.difference),
            "errors": line.errors,
            "train_seconds": line.train_seconds,
            "predict_seconds": line.predict_seconds,
        }
        for line in lines
    ]
