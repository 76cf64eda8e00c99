"""The mixing desk in a browser: its pictures on a page of their own, all of it in Jupyter; see `browsing`."""

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

from nst_keras.widgets.before_after import png

CELLS = (
    "from nst_keras.widgets import MixingDesk\n\n"
    "desk = MixingDesk({images!r} + '/cat.jpg', {images!r} + '/impasto_night.jpg', size=256, iterations=40)\ndesk",
    "import numpy as np\n\nprint('stopped', desk.result.interrupted)",
    "np.savez('arrays.npz', image=desk.result.image, content=desk.result.content, "
    "**{{label: mask for painter in desk._masks.painters.values() for label, mask in painter.masks.items()}})\n"
    "print('sa' + 'ved')",
)


NAMES = "content weight", "style weight", "tv weight", "full size"


class Desk:
    """Hands and eyes on a desk in a page."""

    def __init__(self, page):
        self.page = page
        self.status = page.locator(".desk-status")

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


# A model as anywidget gives it to a module, with pictures of 300×900 pixels, above and below much else.
PAGE = """<!doctype html><style>{css}</style><div style="height: 2000px"></div>
<div class="mixing-desk" id="view" style="width: 500px"></div><div style="height: 2000px"></div>
<script type="module">
  {js}
  const picture = Uint8Array.from(atob("{picture}"), (letter) => letter.charCodeAt(0));
  const state = {{ before: picture, after: picture, description: "", work: [], losses: [], message: ["", false] }};
  const acts = {{}};
  const [on, off] = [(event, act) => (acts[event] = act), (event) => delete acts[event]];
  const model = {{ get: (name) => state[name], on, off }};
  window.put = (name, value) => {{ state[name] = value; acts[`change:${{name}}`](); }};
  const unmount = render({{ model, el: document.getElementById("view") }});
  window.unmount = () => {{ unmount(); return Object.keys(acts).length; }};
</script>"""


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1024, "height": 700})
    picture = base64.b64encode(png(np.full((900, 300, 3), 0.5, "float32"))).decode()
    css, js = ((ROOT / "nst_keras" / "widgets" / name).read_text() for name in ("desk.css", "before_after.js"))
    page.set_content(PAGE.format(css=css, js=js.replace("export default { render };", ""), picture=picture))
    page.wait_for_function("window.unmount && document.querySelector('img').complete")
    yield page
    page.close()


def test_a_portrait_leaves_room_for_what_is_said_below_it(page):
    before, after = (page.locator(f".before-after-{name}").bounding_box() for name in ("before", "after"))
    assert before == pytest.approx(after, abs=0.5)
    assert 300 < after["height"] < 0.6 * 700 and after["width"] == pytest.approx(after["height"] / 3, abs=1)
    page.evaluate("put('message', ['Painted.\\n' + 'A note.\\n'.repeat(11), false])")
    notes = page.locator(".desk-status")
    assert notes.get_attribute("role") == "status"
    assert notes.evaluate("box => box.clientHeight < 0.2 * innerHeight && box.scrollHeight > 1.5 * box.clientHeight"), (
        "they scroll"
    )
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("put('message', ['A mask is black.', true])")
    alert = page.get_by_role("alert").bounding_box()
    assert alert["y"] >= 0 and alert["y"] + alert["height"] < 701, "the page has scrolled to it"
    look(page, "desk_alert")
    assert page.evaluate("unmount()") == 0


def test_the_progress_bar_can_be_seen_and_says_how_long_it_takes(page):
    bar = page.get_by_role("progressbar", include_hidden=True)
    assert not bar.is_visible()
    page.evaluate("put('work', [null, 'preparing …'])")
    assert bar.bounding_box()["height"] >= 8 and bar.evaluate("bar => bar.position") == -1, "it moves to and fro"
    page.evaluate("put('work', [0.25, '25%, about 3 s left'])")
    assert bar.evaluate("bar => bar.value") == 0.25
    assert page.get_by_text("25%, about 3 s left").is_visible()
    page.evaluate("put('work', [])")
    assert not bar.is_visible()


def test_the_slider_uncovers_the_photograph(page):
    line = page.get_by_role("slider", name="Before and after")
    line.press("ArrowRight")
    line.press("PageUp")
    assert line.get_attribute("aria-valuetext") == "11 % of the photograph"
    shown = page.locator(".before-after-before").evaluate("image => getComputedStyle(image).clipPath")
    assert shown == "inset(0px 89% 0px 0px)"


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

    # Sliders say their names and values, not the logarithms
    said = {name: page.get_by_role("slider", name=name).get_attribute("aria-valuetext") for name in NAMES}
    assert said == {"content weight": "2.00", "style weight": "6.00", "tv weight": "4.50", "full size": "256"}

    # A slider moves, and the preview changes
    before, after = desk.changed_by(lambda: desk.slide("style weight", "PageUp", "PageUp"))
    assert before != after and pixels(before).shape == pixels(after).shape == (106, 160, 3)
    look(page, f"{folder.name}_preview")

    # The line between before and after
    line = page.get_by_label("Before and after")
    line.press("ArrowRight")
    assert line.get_attribute("aria-valuetext") == "1 % of the photograph"
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == len(CELLS)

    # Stop
    desk.press("Paint the full picture")
    page.get_by_text("s left").wait_for()
    desk.says("Painting, ")
    desk.press("Stop painting, and keep what there is")
    desk.says("Stopped after")
    desk.run_cell(1)
    page.get_by_text("stopped True", exact=True).wait_for()

    # A painted mask reaches the picture
    page.get_by_label("masks: each style in its place").check()
    stage = page.locator(".mask-painter canvas")
    stage.wait_for()
    page.get_by_label("black means").select_option("freeze: exactly the photograph")
    page.get_by_label("Size", exact=True).fill("150")
    box = stage.bounding_box()

    def paint():
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
        page.mouse.up()

    desk.slide("full size", "Home")  # the smallest, 64; it is in the kernel before the preview of the stroke comes
    before, after = desk.changed_by(paint)
    assert before != after
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

    # What is saved shows the last picture, without a kernel or widgets; a running desk is in its place
    assert not page.locator(".mixing-desk-still").is_visible()
    with page.expect_response(lambda response: response.request.method == "PUT" and "desk.ipynb" in response.url):
        page.keyboard.press("Control+s")
    saved = nbformat.read(folder / "desk.ipynb", as_version=4)
    still = saved.cells[0].outputs[-1].data["text/html"]
    alt, jpeg = re.search('<img alt="(.*?)" src="data:image/jpeg;base64,(.*?)"', still).groups()
    assert re.match("Painted after .*size=64", alt)
    html, _ = nbconvert.HTMLExporter().from_notebook_node(saved)
    assert jpeg in html
    strip = Image.open(io.BytesIO(base64.b64decode(jpeg)))
    assert strip.width == pytest.approx(2 * 240 * 600 / 400 + 240 * 4 / 3, abs=100), "photograph, style, picture"
    nbformat.write(saved, folder / "other_kernel.ipynb")
    page.goto(f"{address}{application}/{folder.name}/other_kernel.ipynb".replace("/desk/", "/other/"))
    page.locator(".mixing-desk-still img").wait_for()
    assert not page.get_by_text("model not found").is_visible()
    look(page, f"{folder.name}_without_a_kernel")
    context.close()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
