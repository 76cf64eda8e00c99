import ast
import re
import sys

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from course_map import course_map
from run_notebooks import NOTEBOOKS, made_of, paths, run

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_runs_from_a_fresh_kernel(path):
    notebook = run(path, fast=True)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any("image/jpeg" in output.get("data", {}) for cell in code for output in cell.outputs)


def test_a_readers_own_figures_are_shown_after_the_packages(tmp_path):
    """Matplotlib sets itself up for notebooks with the first figure; that must not be undone with the style of ours."""
    first = "import numpy as np\nfrom nst_keras import plot_images\nplot_images({'grey': np.zeros((4, 4, 3))})"
    cells = [
        nbformat.v4.new_code_cell(source) for source in (first, "import matplotlib.pyplot as plt\nplt.plot([1, 2])")
    ]
    cells[0].metadata.update({"tags": ["parameters"], "fast": first})
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "figures.ipynb")
    for cell in run(tmp_path / "figures.ipynb", fast=True).cells:
        assert sum("image/jpeg" in output.get("data", {}) for output in cell.outputs) == 1


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_committed_outputs_are_of_this_code_and_this_version(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.get("outputs") == made_of(notebook), f"stale: python tools/run_notebooks.py {path.stem}"


def test_outputs_are_stale_when_code_changes_not_when_text_does():
    notebook = nbformat.read(PATHS[0], as_version=4)
    before = made_of(notebook)
    notebook.cells[0].source += "mended"
    notebook.cells[1].metadata["fast"] += "\nsmall = 32"
    assert (notebook.cells[0].cell_type, made_of(notebook)) == ("markdown", before)
    notebook.cells[1].source += "\nsmall = 32"
    assert made_of(notebook) != before


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_notebook_begins_with_the_map_a_goal_and_a_time(path):
    title, line, *rest = nbformat.read(path, as_version=4).cells[0].source.split("\n\n")
    assert title.startswith("# ")
    assert line == course_map(path), "python tools/course_map.py"
    assert all(f"**{word}:**" in "".join(rest) for word in ("Goal", "Time"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_ends_with_questions_things_to_try_sources_and_the_next_step(path):
    end = nbformat.read(path, as_version=4).cells[-1].source
    pattern = r"## Summary\n\n(.+)## Questions\n\n(.+)<details><summary>Answers</summary>\n\n(.+)</details>\n\n"
    summary, questions, answers, tries, source, following = re.search(
        pattern + r"\*\*Try next:\*\*\n\n(.+)\n\n\*\*Source:\*\* (.+)\n\n\*\*Next:\*\* (.+)$", end, re.DOTALL
    ).groups()
    assert summary.startswith("- ")
    for numbered in (questions, answers):
        assert re.findall(r"^\d+(?=\. )", numbered, re.MULTILINE) == ["1", "2", "3"]
    assert len(re.findall("^- ", tries, re.MULTILINE)) == 3
    assert "https://arxiv.org/abs/" in source and "`nst_keras/" in source
    for other in PATHS[PATHS.index(path) + 1 :][:1]:
        assert f"({other.name})" in following


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_links_in_notebooks_lead_somewhere(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for target in re.findall(r"\]\(([^\s()#]+[./][^\s()#]+)", cell.source if cell.cell_type == "markdown" else ""):
            assert target.startswith("https://") or (path.parent / target).exists(), target


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_decimal_numbers_in_the_text_are_printed_by_the_notebook(path):
    """Numbers of headings (a paper's sections), and numbers read off a figure ("about 0.3"), need not be printed."""
    notebook = nbformat.read(path, as_version=4)
    shown = {float(number) for number in re.findall(r"\d+\.?\d*(?:e[-+]?\d+)?", " ".join(printed(notebook)))}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(
                r"<details>.*</details>|\]\(.*?\)|arxiv\S+|`[^`]*`", "", cell.source, flags=re.DOTALL | re.IGNORECASE
            )
            text = re.sub(r"(?i)\b(about|sections?) [\d.]+(( to|,| and| or) [\d.]+)*", "", text)
            for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]\w)", text):
                half_a_digit = 0.501 * 10.0 ** -len(number.partition(".")[2])
                assert any(abs(float(number) - value) <= half_a_digit for value in shown), f"{number}: {cell.source}"


def printed(notebook):
    """Yield headings, code and the texts of outputs."""
    for cell in notebook.cells:
        yield cell.source if cell.cell_type == "code" else " ".join(re.findall("^#.*", cell.source, re.MULTILINE))
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


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
