"""The notebooks of the documentation run from the first cell to the last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from needs import in_full

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted(DOCS.rglob("*.ipynb"))
SHORT = [path for path in NOTEBOOKS if path.parent.name == "notebooks"]
"""The others train longer than the suite can wait for."""


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(notebook))


@pytest.mark.parametrize("path", in_full(few=SHORT, many=NOTEBOOKS), ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_nothing_on_standard_error(path: Path, tmp_path: Path) -> None:
    notebook = read(path)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", timeout=300, resources=resources).execute()
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    shown = [o.data.get("text/html", "") for o in outputs if "data" in o]
    assert any('<progress value="1.000"' in html for html in shown)
    assert any("isolet-nn-card" in html for html in shown)
    assert sum("data:image/png" in html for html in shown) > 1
