"""Settings of Sphinx: `make book` builds out/book from README, notebooks, documents and docstrings, without a network.

Sphinx reads the files at their places in the repository, so that links between them work there and in the book.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

project = "nst_keras"
author = "the authors of nst_keras"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/**.md",
    "images/README.md",
    "masks/README.md",
    "benchmarks/README.md",
    "tests/README.md",
    "notebooks/**.ipynb",
    "nst_keras/weights/README.md",
]
exclude_patterns = ["**/.ipynb_checkpoints"]

nb_execution_mode = "off"  # the committed outputs are shown; tools/run_notebooks.py makes them
nb_ipywidgets_js = {}  # otherwise every page loads scripts from other sites
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a text may begin with a small heading, as in docs/gallery.md

add_module_names = False  # the headings have them
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
default_role = "code"  # as in Markdown: `name`
smartquotes = False  # keeps x' as it is, because it is a name
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False  # otherwise the name of a returned value links to any attribute of that name
napoleon_use_param = False  # otherwise words such as "image" in a type link to any function of that name

html_theme = "furo"
html_title = "nst_keras"
html_theme_options = {"navigation_with_keys": True}
html_additional_pages = {"index": "to_index.html"}
templates_path = ["."]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


def setup(app):
    app.connect("autodoc-process-docstring", to_restructured_text, priority=400)
    app.connect("html-page-context", page_for_a_class)


def to_restructured_text(app, what, name, obj, options, lines):
    """Convert docstrings, which are written as plain text: tables become list-tables, and |x| is no substitution."""
    texts = []
    for line in lines:
        if set(line) == {"|", "-"}:
            continue
        if not line.startswith("|"):
            texts.append(re.sub(r"\|(\S[^|`]*)\|", r"\\|\1\\|", line))
            continue
        if not (texts and texts[-1].startswith("     - ")):
            texts += [".. list-table::", "   :header-rows: 1", ""]
        first, *others = line.strip("|").split("|")
        texts += [f"   * - {first.strip()}", *(f"     - {cell.strip()}" for cell in others)]
    lines[:] = texts


def page_for_a_class(app, page, *others):
    """Return the template of the slides and of the worksheet, which have no menus; the theme's for other pages."""
    return {"docs/slides": "slides.html", "docs/worksheet": "worksheet.html"}.get(page)
