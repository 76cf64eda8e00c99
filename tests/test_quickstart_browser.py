"""A newcomer's first minutes: JupyterLab, the quickstart, Run All."""

import shutil

import nbformat
from browsing import SECONDS_FOR_JUPYTER, look
from conftest import ROOT

from nst_keras import load_image

SECONDS_FOR_ALL_CELLS = 300


def test_run_all_in_jupyterlab_makes_the_quickstarts_pictures(browser, jupyter):
    folder, address = jupyter
    notebooks = folder / "course" / "notebooks"
    notebooks.mkdir(parents=True)
    shutil.copytree(ROOT / "images", folder / "course" / "images")
    notebook = nbformat.read(ROOT / "notebooks" / "00_quickstart.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
        cell.source = cell.metadata.get("fast", cell.source)
    nbformat.write(notebook, notebooks / "00_quickstart.ipynb")

    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(1000 * SECONDS_FOR_JUPYTER)
    page.goto(f"{address}lab/workspaces/quickstart/tree/course/notebooks/00_quickstart.ipynb")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # in the status bar, once there is a connection
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last  # cells out of sight have no content in the page
    last.filter(has_text=f"[{len(code)}]:").wait_for(state="attached", timeout=1000 * SECONDS_FOR_ALL_CELLS)
    look(page, "quickstart")
    with page.expect_response(lambda reply: "/api/contents/" in reply.url and reply.request.method == "PUT"):
        page.keyboard.press("Control+s")
    page.close()
    assert load_image(folder / "course" / "out" / "mixed.png").shape[1] == 64

    outputs = [
        output
        for cell in nbformat.read(notebooks / "00_quickstart.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5
