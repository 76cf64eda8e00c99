"""Write the map of the course into every notebook: one line under the title that shows the position in the course.

    python tools/course_map.py

The map is text, so that the outputs of the notebooks stay valid.
"""

import os

import nbformat
from run_notebooks import paths

PARTS = {
    "a first picture": ("00",),
    "what is compared": ("01", "02", "03"),
    "the method": ("04", "05"),
    "which style": ("06", "07", "08", "09"),
    "where, and in which colours": ("10", "11"),
    "faster, larger, more": ("12", "13", "14"),
    "exercises": ("exercises", "solutions"),
}


def course_map(path):
    """Return the map for the notebook at `path`: this notebook in bold, and links to all others."""
    steps = {other.stem.split("_")[0]: other for other in paths()}
    parts = []
    for part, keys in PARTS.items():
        links = [f"**{key}**" if steps[key] == path else _link(key, steps[key], path) for key in keys if key in steps]
        parts += [f"{part} {' '.join(links)}" if part not in steps else " ".join(links)] if links else []
    return "*Map:* " + " → ".join(parts)


def _link(key, path, start):
    return f"[{key}]({os.path.relpath(path, start.parent)})"


def main():
    for path in paths():
        notebook = nbformat.read(path, as_version=4)
        title, *rest = notebook.cells[0].source.split("\n\n")
        rest = [paragraph for paragraph in rest if not paragraph.startswith("*Map:*")]
        notebook.cells[0].source = "\n\n".join([title, course_map(path), *rest])
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
