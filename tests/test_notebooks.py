import ast
import sys

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from run_notebooks import NOTEBOOKS, run

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_runs_from_a_fresh_kernel(path):
    notebook = run(path, fast=True)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any("image/jpeg" in output.get("data", {}) for cell in code for output in cell.outputs)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_is_committed_with_pictures_and_small(path):
    assert path.stat().st_size <= 1_000_000
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code), "run tools/run_notebooks.py"
    assert any("image/jpeg" in output.get("data", {}) for cell in code for output in cell.outputs)
    assert sum(len(cell.source.splitlines()) for cell in code) <= 150
    for cell in code:
        assert len(cell.source.splitlines()) <= 15
        ast.parse(cell.source)
