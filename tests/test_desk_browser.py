"""The mixing desk in Jupyter, in a browser; see `browsing`."""

import base64
import io
import re

import nbconvert
import nbformat
import numpy as np
import pytest
from browsing import SECONDS_FOR_JUPYTER, look, run_first_cell
from conftest import ROOT
from PIL import Image

CELLS = (
    "from nst_keras.widgets import MixingDesk\n\n"
    "desk = MixingDesk({images!r} + '/cat.jpg', {images!r} + '/impasto_night.jpg', size=256, iterations=40)\ndesk",
    "import numpy as np\n\nprint('stopped', desk.result.interrupted)",
    "np.savez('arrays.npz', image=desk.result.image, content=desk.result.content, "
    "**{{label: mask for painter in desk._painters.values() for label, mask in painter.masks.items()}})\n"
    "print('sa' + 'ved')",
)


class Desk:
    """Hands and eyes on a desk in a page."""

    def __init__(self, page):
        self.page = page
        self.status = page.locator("[role=status], [role=alert]").filter(has_text=re.compile(r"\S"))

    def says(self, pattern):
        self.status.filter(has_text=re.compile(pattern)).first.wait_for()

    def press(self, title):
        self.page.get_by_title(title).click()

    def picture(self):
        """The bytes of the picture that is shown."""
        script = "async image => Array.from(new Uint8Array(await (await fetch(image.src)).arrayBuffer()))"
        return bytes(self.page.locator("img.before-after-after").evaluate(script))

    def slide(self, name, *keys):
        """Move a slider's handle with keys."""
        row = self.page.locator(".widget-slider").filter(has_text=name)
        for key in keys:
            row.locator(".noUi-handle").press(key)

    def changed_by(self, act):
        """Do something, and wait for the next preview: the picture before it and after."""
        before = self.picture()
        address = self.page.locator("img.before-after-after").get_attribute("src")
        act()
        self.page.wait_for_function(
            "before => document.querySelector('img.before-after-after').src !== before", arg=address
        )
        self.says("Preview: ")
        return before, self.picture()

    def run_cell(self, number):
        self.page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(number).click()
        self.page.keyboard.press("Shift+Enter")


@pytest.mark.parametrize("application", ["lab/workspaces/desk/tree", "notebooks"], ids=["JupyterLab", "Notebook"])
def test_the_desk_works_in_jupyter(browser, jupyter, application):
    folder, address = jupyter
    cells = [nbformat.v4.new_code_cell(cell.format(images=str(ROOT / "images"))) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    folder = folder / f"desk_{application.replace('/', '_')}"
    folder.mkdir()
    nbformat.write(notebook, folder / "desk.ipynb")

    context = browser.new_context(viewport={"width": 1280, "height": 2000})
    page = context.new_page()
    page.set_default_timeout(1000 * SECONDS_FOR_JUPYTER)
    page.goto(f"{address}{application}/{folder.name}/desk.ipynb")
    run_first_cell(page)
    desk = Desk(page)
    desk.says("Preview: 160×106 pixels")

    # A slider moves, and the preview changes
    before, after = desk.changed_by(lambda: desk.slide("style weight", "PageUp", "PageUp"))
    assert before != after and pixels(before).shape == pixels(after).shape == (106, 160, 3)
    look(page, f"{folder.name}_preview")

    # The line between before and after
    line = page.get_by_label("Before and after")
    line.press("ArrowRight")
    assert line.get_attribute("aria-valuetext") == "5 % of the photograph"
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == len(CELLS)

    # Stop
    desk.press("Paint the full picture")
    desk.says("Painting, ")
    desk.press("Stop painting, and keep what there is")
    desk.says("Stopped after")
    desk.run_cell(1)
    page.get_by_text("stopped True", exact=True).wait_for()

    # A painted mask reaches the picture
    page.get_by_label("masks: each style in its place").check()
    stage = page.locator(".mask-painter canvas")
    stage.wait_for()
    page.get_by_label("black means").select_option("freeze")
    page.get_by_label("Size").fill("150")
    box = stage.bounding_box()

    def paint():
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
        page.mouse.up()

    before, after = desk.changed_by(paint)
    assert before != after
    desk.slide("full size", "Home")  # the smallest, 64
    desk.press("Paint the full picture")
    desk.says("Painted after")
    look(page, f"{folder.name}_painted")

    # Only what the mask covers is changed
    desk.run_cell(2)
    page.get_by_text("saved", exact=True).first.wait_for()
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        changed = np.abs(arrays["image"] - arrays["content"]).max(axis=-1)
        mask = np.asarray(Image.fromarray(arrays["style 1"]).resize(changed.shape[::-1], Image.Resampling.BOX))
    assert 0.05 < mask.mean() < 0.5
    assert changed[mask > 0.9].mean() > 0.05
    assert (changed[mask == 0] == 0).mean() > 0.95, "all but the rim, where the brush is soft"

    # What is saved shows the last picture, without a kernel or widgets
    with page.expect_response(lambda response: response.request.method == "PUT" and "desk.ipynb" in response.url):
        page.keyboard.press("Control+s")
    saved = nbformat.read(folder / "desk.ipynb", as_version=4)
    (output,) = (output for output in saved.cells[0].outputs if "image/jpeg" in output.data)
    assert re.match("Painted after .*size=64", output.metadata["image/jpeg"]["alt"])
    html, _ = nbconvert.HTMLExporter().from_notebook_node(saved)
    assert output.data["image/jpeg"] in html
    strip = Image.open(io.BytesIO(base64.b64decode(output.data["image/jpeg"])))
    assert strip.width == pytest.approx(2 * 240 * 600 / 400 + 240 * 4 / 3, abs=100), "photograph, style, picture"
    context.close()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
