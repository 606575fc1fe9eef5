"""The page of results: one HTML file that needs nothing else, and the verdicts as JSON."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.notebook.html import data_uri, template_environment
from isolet_nn.pages.assets import base_style
from isolet_nn.reproduction import tables
from isolet_nn.reproduction.carried_over import FILE as CARRIED_OVER_FILE
from isolet_nn.reproduction.claim_sections import claim_sections
from isolet_nn.reproduction.evidence import BATCH, BETA1, EPOCHS, LAYERS, RATE, Cells, Evidence
from isolet_nn.reproduction.folder import open_reproduction
from isolet_nn.reproduction.parts import CARRIED_OVER, FEW_NEURONS
from isolet_nn.reproduction.plots import draw_plots
from isolet_nn.reproduction.report import Report, load_report
from isolet_nn.reproduction.rules import effect_text
from isolet_nn.reproduction.verdicts import Claim, claims, conclusions, figures
from isolet_nn.system.files import read_bytes, write_json, write_text
from isolet_nn.system.folders import now
from isolet_nn.system.machine import available_cores, describe_process

PAGE, VERDICTS, TABLES = "index.html", "verdicts.json", "tables"
_TEMPLATE = "page.html.jinja"
_GRIDS = {
    "figure5": (LAYERS, RATE, "hidden neurons \\ learning rate"),
    "figure6": (BATCH, EPOCHS, "batch size \\ epochs"),
    "figure7": (BETA1, LAYERS, "beta1 \\ hidden layers"),
}


def concluded(folder: Path) -> tuple[list[Claim], list[Claim]]:
    """The report's conclusions and its claims, judged by what is in a reproduction's folder."""
    report, evidence = load_report(), Evidence(folder)
    return conclusions(report, evidence), claims(evidence)


def write_page(folder: Path) -> None:
    """Write page, tables, pictures and verdicts of a reproduction's folder."""
    report, evidence = load_report(), Evidence(folder)
    of_report, of_figures = conclusions(report, evidence), figures(report, evidence)
    of_text = claims(evidence)
    write_json(
        folder / VERDICTS,
        {
            "conclusions": [
                {"number": number, **claim.to_json()} for number, claim in enumerate(of_report, 1)
            ],
            "claims": [
                {"number": number, **claim.to_json()} for number, claim in enumerate(of_text, 1)
            ],
            "figures": {name: claim.to_json() for name, claim in of_figures.items()},
        },
    )
    grids = _grids(report, evidence)
    _write_tables(folder / TABLES, grids)
    context = _tables(report, evidence, grids) | {
        "conclusions": of_report,
        "claims": claim_sections(evidence, of_text),
        "figures": of_figures,
        "pictures": {
            name: data_uri(read_bytes(path)) for name, path in draw_plots(report, evidence).items()
        },
        "xor": evidence.xor(),
        "xor_report": report.xor,
        "left_out": _left_out(evidence, report),
        "reproduction": open_reproduction(folder),
        "counts": Counter(claim.outcome for claim in of_report),
        "claim_counts": Counter(claim.outcome for claim in of_text),
        "environment": describe_process("torch"),
        "cores": available_cores(),
        "date": now(),
        "seeds": _seeds(evidence),
    }
    write_text(folder / PAGE, render(context))


def render(context: dict[str, Any]) -> str:
    """Fill in the template."""
    environment = template_environment(Path(__file__).parent)
    environment.filters["anchor"] = lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower())
    environment.filters["effect"] = effect_text
    return environment.get_template(_TEMPLATE).render(context, base_style=base_style())


def _grids(report: Report, evidence: Evidence) -> dict[str, tuple[Cells, str, str, str]]:
    """Each grid with the key paths of its rows and columns, and what its corner says."""
    grids = {
        part: (evidence.cells(part, report.grids[part]), *about) for part, about in _GRIDS.items()
    }
    grids[CARRIED_OVER] = (evidence.carried_over(report.grids["figure6"]), *_GRIDS["figure6"])
    return grids


def _write_tables(folder: Path, grids: dict[str, tuple[Cells, str, str, str]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, (cells, row_key, column_key, _) in grids.items():
        tables.write_grid(folder / f"{name}.csv", cells, row_key, column_key)


def _tables(
    report: Report, evidence: Evidence, grids: dict[str, tuple[Cells, str, str, str]]
) -> dict[str, Any]:
    return {
        "grids": {
            name: tables.grid_table(cells, corner) for name, (cells, _, _, corner) in grids.items()
        },
        "curves": {part: tables.curve_table(report, evidence, part) for part in report.curves},
        "boxes": tables.box_table(report, evidence),
        "parity": tables.parity_table(evidence),
        "data_sets": tables.data_table(evidence),
        "layers": tables.layers_table(grids["figure7"][0]),
    }


def _seeds(evidence: Evidence) -> dict[str, int]:
    """How many seeds each sweep has had so far."""
    names = (
        *("figures1-2", "figures3-4", *_GRIDS, FEW_NEURONS),
        *("figure8", "parity", "other-data-sets"),
    )
    return {name: len({trial.seed for trial in evidence.trials(name)}) for name in names}


def _left_out(evidence: Evidence, report: Report) -> dict[str, list[int]]:
    """Batch sizes and epochs of figure 6 that the carried-over network does not pass through."""
    path = evidence.path(CARRIED_OVER)
    grid = report.grids["figure6"]
    if path is None:
        return {"batch_sizes": [], "epochs": []}
    section = read_mapping(path / CARRIED_OVER_FILE)["carried_over"]
    return {
        "batch_sizes": [int(b) for b in grid.rows if b not in section["batch_sizes"]],
        "epochs": [int(e) for e in grid.columns if e not in section["epochs"]],
    }
