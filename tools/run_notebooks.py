"""Run notebooks in a fresh kernel, and write their outputs into them.

    python tools/run_notebooks.py                     run all in full, and replace the committed outputs
    python tools/run_notebooks.py --fast -o FOLDER    run small variants, and write to FOLDER, as the tests do

Fast mode replaces the source of the cell tagged "parameters" by the source in its metadata under "fast". Figures are
stored as JPEG, so that a notebook stays below one megabyte. The metadata of a notebook record, under "outputs", which
code and which version of the package made its outputs; see `made_of`.
"""

import argparse
import base64
import hashlib
import io
import json
import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
VERSION = Path(__file__).parent.parent / "nst_keras" / "support" / "__init__.py"
JPEG_QUALITY = 85
WIDGET = "application/vnd.jupyter.widget-view+json"


def paths():
    """Return the notebooks of the course in order, then the exercises."""
    return [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("exercises/*.ipynb"))]


def made_of(notebook):
    """Return what the outputs depend on: {"code": hash of the code cells, "version": version of the package}.

    Text cells and the fast variant of the parameters are not included, so they can be changed without a run.
    """
    code = json.dumps([cell.source for cell in notebook.cells if cell.cell_type == "code"])
    version = re.search(r'__version__ = "(.+)"', VERSION.read_text())[1]
    return {"code": hashlib.sha256(code.encode()).hexdigest()[:16], "version": version}


def run(path, fast=False):
    """Execute the notebook at `path`, and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    if fast:
        parameters = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        if len(parameters) != 1 or "fast" not in parameters[0].metadata:
            raise ValueError(f'{path.name} must have one cell tagged "parameters", with "fast" in its metadata.')
        parameters[0].source = parameters[0].metadata["fast"]
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(path.parent)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        cell.outputs = [output for output in cell.get("outputs", []) if not _is_progress(output)]
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET, None)
            _store_as_jpeg(output.get("data", {}))
        if cell.cell_type != "code":
            cell.pop("outputs")
    notebook.metadata.pop("widgets", None)
    notebook.metadata["outputs"] = made_of(notebook)
    return notebook


def _is_progress(output):
    """Return whether an output is a progress bar, or a widget without a picture; neither helps a reader."""
    data = output.get("data", {})
    return output.get("name") == "stderr" or (WIDGET in data and not {"image/jpeg", "image/png"} & data.keys())


def _store_as_jpeg(data):
    if "image/png" not in data:
        return
    picture = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    data["image/jpeg"] = base64.b64encode(buffer.getvalue()).decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="such as 00_quickstart; default: all")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=NOTEBOOKS)
    options = parser.parse_args()
    if options.fast and options.output.resolve() == NOTEBOOKS.resolve():
        parser.error("--fast needs -o with another folder: its outputs are not to be committed")
    if unknown := set(options.names) - {path.stem for path in paths()}:
        parser.error(f"no such notebook: {', '.join(sorted(unknown))}")
    for path in paths():
        exercise = path.parent != NOTEBOOKS  # has no fast variant
        if (options.names and path.stem not in options.names) or (options.fast and exercise):
            continue
        started = time.perf_counter()
        notebook = run(path, options.fast)
        output = options.output / path.relative_to(NOTEBOOKS)
        output.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, output)
        print(f"{path.stem}: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
