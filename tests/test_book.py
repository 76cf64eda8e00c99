"""Tests of the book: no warnings, no broken links, nothing loaded from other sites, pages that fit a phone."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from conftest import ROOT

import nst_keras
from nst_keras import explore, feedforward, studio, widgets

sys.path.insert(0, str(ROOT / "tools"))
from run_notebooks import paths


class Page(HTMLParser):
    """Collect the links of a page, the files it loads, and the anchors in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.places = [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places |= {attributes.get("id"), attributes.get("name")}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        elif loaded := attributes.get("href" if tag == "link" else "src"):
            self.loaded.append(loaded)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-c", "docs", "-d", folder / "doctrees"]
    command += ["--quiet", "--fail-on-warning", "--keep-going", ".", folder / "html"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # a warning fails; TensorFlow's notices on stderr do not
    return folder / "html"


@pytest.fixture(scope="module")
def pages(book):
    return {path: Page(path) for path in book.rglob("*.html")}


def test_the_makefile_builds_it_as_the_test_does():
    command = re.search(r"-m sphinx (.*)", (ROOT / "Makefile").read_text())[1]
    assert command == "-c docs -d out/doctrees --quiet --fail-on-warning --keep-going . out/book"


def test_links_lead_somewhere_and_nothing_comes_from_elsewhere(pages):
    for path, page in pages.items():
        for target in page.links + page.loaded:
            parts = urlsplit(target)
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc:
                assert target not in page.loaded, f"{path.name} loads {target}"
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert file.exists(), f"{path.name}: {target}"
            if parts.fragment and file in pages:
                assert unquote(parts.fragment) in pages[file].places, f"{path.name}: {target}"


def test_every_notebook_is_in_it_with_its_pictures(book, pages):
    for path in paths():
        page = pages[(book / path.relative_to(ROOT)).with_suffix(".html")]
        pictures = 0
        for cell in nbformat.read(path, as_version=4).cells:
            pictures += sum("image/jpeg" in output.get("data", {}) for output in cell.get("outputs", []))
            pictures += cell.source.count(".jpg)") if cell.cell_type == "markdown" else 0
        assert len([source for source in page.loaded if source.endswith(".jpg")]) == pictures


INTERNALS = {"networks", "masks", "large", "results", "results.runs", "studio", "studio.command", "feedforward.command"}


def test_every_module_is_on_a_page_of_functions_or_internal():
    """A folder without names of its own is internal; the page of the widgets shows both classes."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md")]
    listed = re.findall(r"automodule:: nst_keras\.([\w.]+)", "".join(texts))
    package = ROOT / "nst_keras"
    files = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")]
    modules = {".".join(file.parts).removesuffix(".__init__") for file in files} - {"__init__", "__main__"}
    public = {name for name in modules if not name.startswith(("widgets.", "support"))}
    assert sorted(listed) == sorted(public - INTERNALS)


def test_everything_public_is_on_the_pages_of_functions(pages):
    places = set().union(*(page.places for path, page in pages.items() if path.parent.name == "api"))
    shown = {place.split(".")[-1] for place in places if place and place.startswith("nst_keras.")}
    for package in (nst_keras, explore, feedforward, studio, widgets):
        public = {name for name in package.__all__ if callable(getattr(package, name))}
        assert public <= shown, package.__name__


def test_pages_fit_a_phone_and_a_desktop(book, pages, browser):
    page = browser.new_page()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for path in pages.keys() - {book / "index.html"}:  # it redirects
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path.name} at {width} pixels"
    page.close()


def test_ten_slides_each_fill_the_screen_and_the_worksheet_takes_two_pages(book, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto((book / "docs" / "slides.html").as_uri())
    assert page.evaluate("[...document.querySelectorAll('section')].map(slide => slide.offsetHeight)") == [720] * 10
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    for slide in range(1, 10):
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"Math.round(scrollY) === {720 * slide}")
    page.goto((book / "docs" / "worksheet.html").as_uri())
    assert len(re.findall(rb"/Type /Page\b", page.pdf(prefer_css_page_size=True))) == 2
    page.close()
