"""The mask painter in a browser, on a page of its own and in Jupyter; see `browsing`."""

import functools
import http.server
import io
import json
import re
import shutil
import threading

import nbconvert
import nbformat
import numpy as np
import pytest
from browsing import SECONDS_FOR_JUPYTER, look, run_first_cell
from conftest import ROOT
from PIL import Image
from scipy import ndimage

from nst_keras import feather_mask, grow_mask, shrink_mask
from nst_keras.masks.selections import select_flood, select_polygon
from nst_keras.widgets import MaskPainter

# A model as anywidget gives it to a module, filled with the widget's own state.
PAGE = """<!doctype html><link rel="stylesheet" href="painter.css"><div id="view" style="width: 640px"></div>
<script type="module">
  import painter from "./painter.js";
  const bytes = (numbers) => new DataView(new Uint8Array(numbers).buffer);
  const state = await (await fetch("state.json")).json();
  state._picture = bytes(state._picture);
  state._packed = state._packed.map(bytes);
  const listeners = {};
  const call = (event, ...values) => listeners[event]?.forEach((listener) => listener(...values));
  window.leaked = [];
  document.addEventListener("keydown", (event) => leaked.push(event.key));
  window.model = {
    saved: 0,
    asked: [],
    get: (name) => state[name],
    set(name, value) { state[name] = value; call(`change:${name}`); },
    save_changes() { this.saved += 1; },
    send(content, callbacks, buffers) {
      this.done = () => callbacks.iopub.status({ content: { execution_state: "idle" } });
      if (this.closed) throw new Error("Cannot send");
      if (content.how !== "hear") this.asked.push([content, buffers.map((buffer) => [...new Uint8Array(buffer)])]);
    },
    answer: (content, buffers) => call("msg:custom", content, buffers.map(bytes)),
    on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
    off: (event, listener) => listeners[event].delete(listener),
  };
  window.colorAt = (x, y) => {
    const canvas = document.querySelector("canvas");
    const scale = canvas.width / 160;
    return [...canvas.getContext("2d").getImageData(scale * x, scale * y, 1, 1).data].slice(0, 3);
  };
  window.unmount = await painter.render({ model, el: document.getElementById("view") });
</script>"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def address(tmp_path):
    """Where `tmp_path` is served, with the page in it."""
    for name in ("painter.js", "painter.css"):
        shutil.copy(ROOT / "nst_keras" / "widgets" / name, tmp_path)
    (tmp_path / "index.html").write_text(PAGE)
    handler = functools.partial(QuietHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Hand:
    """Mouse and buttons on a painter's page, in pixels of the picture."""

    def __init__(self, page, painter):
        self.page, self.stage = page, page.locator(".mask-painter canvas")
        self.width, self.height = Image.open(io.BytesIO(painter._picture)).size

    def at(self, x, y):
        box = self.stage.bounding_box()
        scale = min(box["width"] / self.width, box["height"] / self.height)
        left = box["x"] + (box["width"] - scale * self.width) / 2
        top = box["y"] + (box["height"] - scale * self.height) / 2
        return left + scale * x, top + scale * y

    def click(self, x, y):
        self.page.mouse.click(*self.at(x, y))

    def drag(self, *points):
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=3)
        self.page.mouse.up()

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def set(self, slider, value):
        self.page.get_by_label(slider).fill(str(value))

    def look(self, name):
        look(self.page, name)


class Painting(Hand):
    """A painter in Python, and the page that paints for it."""

    def __init__(self, browser, address, folder, painter, **options):
        self.painter, self.saved, self.errors = painter, 0, []
        state = painter.get_state(["_picture", "_labels", "_layers", "_packed"])
        state |= {"_picture": list(state["_picture"]), "_packed": [list(mask) for mask in state["_packed"]]}
        (folder / "state.json").write_text(json.dumps(state))
        page = browser.new_page(viewport={"width": 800, "height": 900}, **options)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        super().__init__(page, painter)
        page.wait_for_function("window.unmount && document.querySelector('canvas').width > 300")

    def answer(self):
        """Let Python answer the one question that the page has asked."""
        self.page.wait_for_function("model.asked.length === 1")
        (content, buffers), answers = self.page.evaluate("model.asked.pop()"), []
        self.painter.send = lambda *message: answers.append(message)
        self.painter._handle_custom_msg(content, [memoryview(bytes(buffer)) for buffer in buffers])
        ((content, buffers),) = answers
        self.page.evaluate("([content, buffers]) => model.answer(content, buffers)", [content, [*map(list, buffers)]])

    def move(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def color(self, x, y):
        return self.page.evaluate("([x, y]) => colorAt(x, y)", [x, y])

    def masks(self):
        """The masks after one more edit, through the checks of what a browser sends."""
        self.saved += 1
        self.page.wait_for_function("count => model.saved === count", arg=self.saved)
        return self.masks_now()

    def masks_now(self):
        packed = self.page.evaluate("model.get('_packed').map(mask => Array.from(mask))")
        self.painter.set_state({"_packed": [bytes(mask) for mask in packed]})
        assert not self.errors
        return self.painter.masks


@pytest.fixture
def image():
    """A dark picture, 160×120, with a bright disc and, apart from it, a bright bar."""
    y, x = np.mgrid[:120, :160] + 0.5
    bright = (np.hypot(x - 50, y - 60) < 30) | ((x > 100) & (x < 120))
    return np.where(bright[..., None], [0.9, 0.8, 0.2], [0.1, 0.2, 0.4]).astype("float32")


@pytest.fixture
def painting(browser, address, tmp_path, image):
    painting = Painting(browser, address, tmp_path, MaskPainter(image, ["disc", "bar", "rest"]))
    yield painting
    painting.page.close()


def distance_to_line(x0, x1, y):
    ys, xs = np.mgrid[:120, :160] + 0.5
    return np.hypot(xs - np.clip(xs, x0, x1), ys - y)


@pytest.mark.parametrize("hardness", [0, 50, 100])
def test_brush_has_the_profile_that_it_says(painting, hardness):
    """1 up to hardness · radius, then linearly to 0 at the radius; an edge is never harder than a pixel."""
    painting.set("Size", 40)
    painting.set("Hardness %", hardness)
    painting.drag((40, 60), (120, 60))
    masks = painting.masks()
    painting.look(f"brush_{hardness}")
    distance = distance_to_line(40, 120, 60)
    expected = np.clip((20.5 - distance) / max(20 * (1 - hardness / 100), 1), 0, 1)
    assert np.abs(masks["disc"] - expected).mean() < 0.004
    assert np.abs(masks["disc"] - expected).max() < (0.03 if hardness < 100 else 0.3)  # a screen pixel is a quarter
    assert (masks["bar"] == 0).all() and (masks["rest"] == 0).all()


def test_erasing_undo_and_redo_with_buttons_and_keys(painting):
    painting.drag((20, 60), (140, 60))
    painted = painting.masks()["disc"]
    painting.press("Erase")
    painting.set("Size", 30)
    painting.set("Hardness %", 100)
    painting.drag((80, 20), (80, 100))
    erased = painting.masks()["disc"]
    painting.look("erase")
    gap = np.abs(np.arange(160) + 0.5 - 80)
    assert painted[60].max() == 1
    assert (erased[:, gap < 14] == 0).all()
    np.testing.assert_array_equal(erased[:, gap > 16], painted[:, gap > 16])

    painting.press("Undo")
    np.testing.assert_array_equal(painting.masks()["disc"], painted)
    painting.stage.press("Control+z")
    assert painting.masks()["disc"].max() == 0
    assert painting.page.get_by_role("button", name="Undo").is_disabled()
    painting.stage.press("Control+Shift+Z")
    np.testing.assert_array_equal(painting.masks()["disc"], painted)
    painting.stage.press("Control+y")
    np.testing.assert_array_equal(painting.masks()["disc"], erased)
    painting.stage.press("Control+z")
    painting.masks()
    painting.stage.press("2")
    painting.drag((5, 5), (10, 5))
    painting.masks()
    assert painting.page.get_by_role("button", name="Redo").is_disabled(), "a new edit ends what can be redone"


def test_polygons_are_those_of_select_polygon(painting):
    corners = [(30.5, 20), (130, 35), (100, 110), (20, 90)]
    painting.press("bar")
    painting.press("Polygon")
    for corner in [*corners, (150, 5)]:
        painting.click(*corner)
    painting.stage.press("Backspace")
    painting.page.mouse.move(*painting.at(60, 60))
    painting.look("polygon_open")
    painting.stage.press("Enter")
    masks = painting.masks()
    difference = np.abs(masks["bar"] - select_polygon((120, 160), corners))
    assert difference.mean() < 0.004 and difference.max() < 0.6
    assert (masks["disc"] == 0).all()

    painting.press("Erase")
    for corner in [(60, 50), (90, 50), (90, 80), (60.5, 50.5)]:  # the last is the first, nearly
        painting.click(*corner)
    assert painting.masks()["bar"][55, 85] == 0

    painting.press("disc")
    painting.press("Erase")
    for corner in corners[:-1]:
        painting.click(*corner)
    painting.page.mouse.dblclick(*painting.at(*corners[-1]))
    difference = np.abs(painting.masks()["disc"] - select_polygon((120, 160), corners))
    assert difference.mean() < 0.004 and difference.max() < 0.6


def test_shift_and_a_click_draw_a_line(painting):
    painting.set("Size", 10)
    painting.set("Hardness %", 100)
    painting.click(30, 60)
    painting.masks()
    painting.page.keyboard.down("Shift")
    painting.click(120, 60)
    masks = painting.masks()
    assert (masks["disc"][distance_to_line(30, 120, 60) < 4] == 1).all()
    assert (masks["disc"][distance_to_line(30, 120, 60) > 6] == 0).all()


def test_smart_strokes_select_the_disc_and_are_undone_one_by_one(painting, image):
    """Strokes of another mask, or with Shift or Erase, are outside. Python answers when both kinds are there."""
    painting.press("Smart")
    painting.set("Size", 6)
    painting.drag((40, 50), (60, 50), (50, 75))
    painting.page.get_by_text("Now, with Shift or Erase, a stroke outside disc.").wait_for()
    painting.page.keyboard.down("Shift")
    painting.drag((90, 10), (90, 110))
    painting.page.keyboard.up("Shift")
    painting.answer()
    disc = painting.masks()["disc"]
    painting.look("smart")
    truth = np.hypot(*(np.mgrid[:120, :160] + 0.5 - np.array([60, 50])[:, None, None])) < 30
    assert np.sum((disc > 0.5) & truth) / np.sum((disc > 0.5) | truth) > 0.97

    painting.press("bar")
    painting.drag((110, 10), (110, 110))
    painting.answer()
    bar = painting.masks()["bar"]
    assert np.abs(bar - ((image[..., 0] > 0.5) & ~truth)).mean() < 0.01
    painting.press("Undo")
    masks = painting.masks()
    assert (masks["bar"] == 0).all()
    np.testing.assert_array_equal(masks["disc"], disc)
    painting.press("Redo")
    np.testing.assert_array_equal(painting.masks()["bar"], bar)

    painting.drag((115, 60), (118, 60))
    painting.page.wait_for_function("model.asked.length === 1")
    painting.press("Undo")
    np.testing.assert_array_equal(painting.masks()["bar"], bar)
    painting.answer()
    painting.press("rest")
    painting.press("The rest")
    masks = painting.masks()
    np.testing.assert_array_equal(masks["bar"], bar, "an answer after Undo came too late")
    np.testing.assert_allclose(masks["rest"], 1 - np.maximum(masks["disc"], masks["bar"]), atol=1e-6)


def test_segments_are_joined_by_clicks_drags_and_keys_and_taken_away(painting):
    """A click before the answer to the last one asks for both. A click beside the picture asks nothing."""

    def points(count, erase):
        painting.page.wait_for_function("count => model.asked.at(-1)?.[0].points.length >= count", arg=count)
        asked, _ = painting.page.evaluate("model.asked.at(-1)")
        assert (asked["how"], asked["index"], asked["erase"]) == ("segments", 0, erase)
        return np.array(asked["points"])

    painting.stage.press("n")
    painting.click(110, 60)
    np.testing.assert_allclose(points(1, False), [(110, 60)], atol=0.3)
    painting.look("segments_asked")
    painting.click(110, 100)
    np.testing.assert_allclose(points(2, False), [(110, 60), (110, 100)], atol=0.3)
    painting.page.evaluate("model.asked.shift()")
    painting.answer()
    two, numbers = painting.masks()["disc"], painting.painter._segments
    np.testing.assert_array_equal(two, np.isin(numbers, [numbers[60, 110], numbers[100, 110]]))

    painting.page.keyboard.down("Shift")
    painting.click(110, 60)
    painting.page.keyboard.up("Shift")
    assert len(points(1, True)) == 1
    painting.answer()
    np.testing.assert_array_equal(painting.masks()["disc"], numbers == numbers[100, 110])
    painting.press("Undo")
    np.testing.assert_array_equal(painting.masks()["disc"], two)

    painting.drag((50, 40), (50, 80))
    assert len(points(2, False)) > 2
    painting.answer()
    dragged = painting.masks()["disc"]
    painting.look("segments")
    assert dragged[[40, 80], 50].min() == 1 and (dragged >= two).all() and np.sum(dragged - two) > 100
    painting.press("Undo")
    np.testing.assert_array_equal(painting.masks()["disc"], two)

    painting.page.get_by_label("Show").press("Tab")
    painting.move("Shift+ArrowLeft", "e", "Enter")
    np.testing.assert_allclose(points(1, True), [(70, 60)], atol=0.6)
    painting.page.evaluate("model.answer({asked: model.asked.pop()[0].asked, error: 'No segments.'}, [])")
    painting.page.get_by_text("No segments.").wait_for()
    np.testing.assert_array_equal(painting.masks_now()["disc"], two)
    painting.press("Zoom −")
    painting.click(-10, 60)
    assert painting.page.evaluate("model.asked") == []


def test_masks_are_refined(painting):
    painting.press("Fill")
    painting.click(50, 60)
    disc = painting.masks()["disc"]
    for name, refined in {"Grow": grow_mask, "Shrink": shrink_mask, "Feather": feather_mask}.items():
        painting.press(name)
        painting.answer()
        np.testing.assert_allclose(painting.masks()["disc"], refined(disc, 1), atol=0.51 / 255)
        painting.press("Undo")
        np.testing.assert_array_equal(painting.masks()["disc"], disc)
    painting.press("Invert")
    np.testing.assert_array_equal(painting.masks()["disc"], 1 - disc)
    painting.stage.press("Delete")
    assert (painting.masks()["disc"] == 0).all()


def test_fill_is_that_of_select_flood(painting, image):
    painting.press("Fill")
    for label, point in {"disc": (50, 60), "bar": (110, 10), "rest": (5, 5)}.items():
        painting.press(label)
        painting.click(*point)
        masks = painting.masks()
        np.testing.assert_array_equal(masks[label], select_flood(image, point, 0.1))
    painting.look("fill")
    assert (masks["rest"][:, 125:] == 0).all(), "the bar stands between"
    assert (
        painting.page.locator(".mask-painter-status")
        .inner_text()
        .startswith(f"disc: {100 * masks['disc'].mean():.1f} %")
    )


def test_a_fill_leaves_no_speckles(browser, address, tmp_path, image):
    for speckle in [(slice(60, 62), slice(45, 48)), (0, 0)]:
        image[speckle] = (0.5, 0.5, 0.5)
    image[20:40, 130:150] = (0.5, 0.5, 0.5)
    painting = Painting(browser, address, tmp_path, MaskPainter(image))
    painting.press("Fill")
    painting.click(5, 5)
    mask = painting.masks()["mask"]
    assert mask[0, 0] == 1 and (mask[20:40, 130:150] == 0).all()
    painting.click(50, 60)
    assert (painting.masks()["mask"][60:62, 45:48] == 1).all()
    painting.page.close()


def test_zoomed_and_moved_the_brush_paints_under_the_mouse(painting):
    painting.page.mouse.move(*painting.at(50, 40))
    painting.page.keyboard.down("Control")
    painting.page.mouse.wheel(0, -300)
    painting.page.keyboard.up("Control")
    painting.set("Size", 8)
    painting.look("zoomed")
    painting.click(50, 40)
    spot = painting.masks()["disc"]
    assert ndimage.center_of_mass(spot) == pytest.approx((39.5, 49.5), abs=0.3)
    painting.press("Move")
    painting.drag((50, 40), (90, 40))
    painting.press("Brush")
    painting.press("bar")
    painting.click(90, 40)
    np.testing.assert_allclose(painting.masks()["bar"], spot, atol=0.1)
    painting.press("Fit")
    painting.press("rest")
    painting.click(90, 40)
    assert ndimage.center_of_mass(painting.masks()["rest"]) == pytest.approx((39.5, 89.5), abs=0.3)


def test_a_painter_that_was_hidden_shows_the_whole_picture_again(painting):
    for display, width in [("none", 0), ("block", 640)]:
        painting.page.evaluate("display => document.getElementById('view').style.display = display", display)
        painting.page.wait_for_function("width => document.querySelector('canvas').width === width", arg=width)
    painting.click(90, 40)
    assert ndimage.center_of_mass(painting.masks()["disc"]) == pytest.approx((39.5, 89.5), abs=0.3)


def test_everything_is_reached_and_worked_with_keys_that_stay_inside(painting):
    names = painting.page.get_by_role("button").all_inner_texts()
    assert names[:8] == ["Brush", "Smart", "Polygon", "Segments", "Fill", "Move", "Erase", "Undo"]
    assert names[8:15] == ["Redo", "Zoom +", "Zoom −", "Fit", "disc", "bar", "rest"]
    assert names[15:] == ["Grow", "Shrink", "Feather", "Clear", "Invert", "The rest"]
    assert all(button.get_attribute("title") for button in painting.page.get_by_role("button").all())
    painting.drag((50, 40), (60, 40))
    painting.masks()
    painting.press("Brush")
    reached = []
    for _ in range(len(names) + 2):
        reached.append(painting.page.evaluate("document.activeElement.textContent"))
        painting.page.keyboard.press("Tab")
    assert set(names) - set(reached) == {"Redo"}, "which is disabled"
    for key, name in {
        "s": "Smart",
        "p": "Polygon",
        "n": "Segments",
        "f": "Fill",
        "m": "Move",
        "b": "Brush",
        "e": "Erase",
        "3": "rest",
    }.items():
        painting.stage.press(key)
        assert painting.page.get_by_role("button", name=name, exact=True).get_attribute("aria-pressed") == "true"
    size = painting.page.get_by_role("slider", name="Size", exact=True)
    before = int(size.input_value())
    for modifiers in (
        {},
        {"altKey": True},
        {"altKey": True, "ctrlKey": True},
    ):  # [ is AltGr 8 or Option 5 on some keyboards
        painting.stage.dispatch_event("keydown", {"key": "]", "bubbles": True, **modifiers})
        assert int(size.input_value()) > before
        painting.stage.dispatch_event("keydown", {"key": "[", "bubbles": True, **modifiers})
        assert int(size.input_value()) == before
    painting.stage.press(".")
    assert int(size.input_value()) > before
    painting.stage.press(",")
    assert int(size.input_value()) == before
    painting.page.get_by_role("button", name="disc").press("Enter")
    assert painting.page.get_by_role("button", name="disc").get_attribute("aria-pressed") == "true"
    assert painting.page.evaluate("leaked") == []


def test_keys_alone_paint_lines_polygons_and_fills(painting):
    """The cursor starts in the middle, at (80, 60); an arrow is one pixel of this small picture, with Shift ten."""
    painting.set("Size", 8)
    painting.set("Hardness %", 100)
    painting.page.get_by_label("Show").press("Tab")
    assert painting.page.evaluate("document.activeElement.matches('canvas:focus-visible')")
    painting.move("Shift+ArrowLeft", "ArrowUp", "ArrowUp", "ArrowRight")
    painting.look("keys")
    painting.move("Space")
    spot = painting.masks()["disc"]
    assert ndimage.center_of_mass(spot) == pytest.approx((57.5, 70.5), abs=0.1)
    painting.move("Shift+ArrowRight", "Shift+ArrowRight", "Shift+Enter")
    line = painting.masks()["disc"]
    assert (line[distance_to_line(71, 91, 58) < 3] == 1).all() and (line[distance_to_line(71, 91, 58) > 5] == 0).all()

    painting.move("2", "p", "Space", "Shift+ArrowRight", "Enter", "Shift+ArrowDown", "Space", "Enter")
    bar = painting.masks()["bar"]
    assert np.abs(bar - select_polygon((120, 160), [(91, 58), (101, 58), (101, 68)])).mean() < 0.002
    painting.move("3", "f", *["Shift+ArrowRight"] * 20, "Space")
    rest = painting.masks()["rest"]
    assert rest[60, 140] == 1 and rest[60, 10] == 0
    assert painting.page.evaluate("leaked") == []


def test_space_and_a_drag_move_the_picture_with_every_tool(painting):
    painting.press("Fill")
    painting.stage.focus()
    painting.page.keyboard.press("+")
    painting.page.keyboard.down("Space")
    painting.drag((50, 40), (90, 40))
    painting.page.keyboard.up("Space")
    assert painting.page.evaluate("model.saved") == 0
    painting.page.keyboard.press("b")
    painting.click(90, 40)
    row, column = ndimage.center_of_mass(painting.masks()["disc"])
    assert (row, column) == pytest.approx((60 - 20 / 1.5, 80 + (10 - 40) / 1.5), abs=1)


def test_a_mask_is_shown_as_a_layer_sees_it_with_the_findings(browser, address, tmp_path, image):
    """At 64 pixels, block5_conv1 has 4×3 positions; a position is 40 pixels of the picture wide."""
    painting = Painting(browser, address, tmp_path, MaskPainter(image, ["disc", "rest"], size=64))
    painting.set("Size", 20)
    painting.set("Hardness %", 100)
    painting.click(20, 20)
    spot = painting.masks()["disc"]
    assert painting.color(5, 5) == painting.color(150, 110)
    painting.page.get_by_label("Show").select_option("block5_conv1")
    painting.answer()
    status = painting.page.locator(".mask-painter-status")
    status.filter(has_text="block5_conv1 has 4×3 positions; disc is more than half white on 0.").wait_for()
    assert re.search(r"disc has regions that vanish: .*1 of 1 at block5_conv1 \(4×3\)", status.inner_text())
    painting.page.wait_for_function("JSON.stringify(colorAt(5, 5)) !== JSON.stringify(colorAt(150, 110))")
    painting.look("layer")
    assert painting.color(5, 5) == painting.color(35, 5) == painting.color(5, 35) != painting.color(45, 5)

    painting.press("Invert")
    painting.masks()
    painting.answer()
    status.filter(has_text="more than half white on 12.").wait_for()
    painting.page.get_by_label("Show").select_option("the mask alone")
    painting.page.wait_for_function("colorAt(150, 110).every((level, i) => level === [255, 127, 14][i])")
    painting.look("alone")
    assert painting.color(20, 20) == [0, 0, 0]
    np.testing.assert_allclose(painting.masks_now()["disc"], 1 - spot, atol=1e-6)
    painting.page.close()


def test_a_kernel_without_this_painter_is_told_in_a_banner(painting):
    """A restarted kernel is done with a message and has not answered; one that was shut down takes none."""
    banner = painting.page.get_by_role("alert")
    painting.drag((50, 40), (60, 40))
    painting.masks()
    painting.page.evaluate("model.answer({asked: 1}, []); model.done()")
    assert banner.inner_text() == ""
    painting.drag((50, 60), (60, 60))
    painting.masks()
    assert banner.inner_text() == "", "a kernel that is busy answers later"
    painting.page.evaluate("model.done()")
    assert banner.inner_text() == "No kernel: what you paint now is not kept. Run the cell again."
    painting.look("no_kernel")
    painting.page.evaluate("model.answer({asked: 2}, [])")
    assert banner.inner_text() == ""
    painting.page.evaluate("model.closed = true")
    painting.drag((50, 80), (60, 80))
    painting.page.get_by_text("No kernel").wait_for()
    assert not painting.errors


def test_fingers_paint_and_two_of_them_zoom(browser, address, tmp_path, image):
    painting = Painting(browser, address, tmp_path, MaskPainter(image), has_touch=True)
    painting.page.touchscreen.tap(*painting.at(80, 60))
    spot = painting.masks()["mask"]
    assert ndimage.center_of_mass(spot) == pytest.approx((59.5, 79.5), abs=0.3)

    fingers = painting.page.context.new_cdp_session(painting.page)
    for kind, points in [
        ("touchStart", [(60, 60)]),
        ("touchStart", [(60, 60), (100, 60)]),
        ("touchMove", [(40, 60), (120, 60)]),
        ("touchEnd", []),
    ]:
        places = [dict(zip("xy", painting.at(*point), strict=True), id=i) for i, point in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    np.testing.assert_array_equal(painting.masks()["mask"], spot)  # the first finger's spot is taken back
    painting.look("pinched")
    painting.set("Size", 4)
    painting.page.touchscreen.tap(*painting.at(40, 60))
    assert painting.masks()["mask"][60, 59:61].min() > 0.9, "twice as large about the middle"
    painting.page.close()


def test_what_another_view_paints_is_shown_and_a_closed_view_lets_go(painting):
    painting.drag((50, 40), (60, 40))
    painting.masks()
    painting.page.evaluate("model.set('_packed', model.get('_packed').toReversed())")
    painting.page.locator(".mask-painter-status", has_text=re.compile(r"disc: 0\.0 %.*rest: (?!0\.0)")).wait_for()
    assert painting.page.get_by_role("button", name="Undo").is_disabled()
    painting.page.evaluate("unmount(); model.set('_packed', [])")
    assert not painting.errors


@pytest.mark.parametrize("application", ["lab/workspaces/mask/tree", "notebooks"], ids=["JupyterLab", "Notebook"])
def test_a_mask_painted_in_jupyter_is_read_in_the_kernel(browser, jupyter, application):
    folder, address = jupyter
    picture = ROOT / "images" / "coffee.jpg"
    cells = [
        f"from nst_keras.widgets import MaskPainter\n\n(painter := MaskPainter({str(picture)!r}, ['cup', 'table']))",
        "import numpy as np\n\nnp.savez('painted.npz', **painter.masks)\nprint('sa' + 'ved')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    name = application.replace("/", "_")
    (folder / name).mkdir()
    nbformat.write(notebook, folder / name / "paint.ipynb")

    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(1000 * SECONDS_FOR_JUPYTER)
    page.goto(f"{address}{application}/{name}/paint.ipynb")
    run_first_cell(page)
    hand = Hand(page, MaskPainter(picture))
    hand.stage.wait_for()
    hand.press("Smart")
    hand.set("Size", 12)
    hand.drag((110, 150), (110, 270), (330, 350), (450, 220))
    page.keyboard.down("Shift")
    hand.drag((60, 100), (60, 300), (160, 390))
    hand.drag((490, 330), (500, 100), (400, 20))
    page.keyboard.up("Shift")
    page.locator(".mask-painter-status", has_text=re.compile("cup: [34]")).wait_for()
    hand.look(f"{name}_smart")
    page.mouse.click(*hand.at(300, 200), button="right")
    page.wait_for_timeout(300)
    assert page.locator(".lm-Menu:visible").count() == 0
    hand.press("Undo")
    hand.press("Undo")
    hand.press("Undo")
    page.locator(".mask-painter-status", has_text="cup: 0.0 %").wait_for()
    hand.press("Brush")
    hand.set("Size", 38)
    hand.press("table")
    hand.drag((200, 300), (400, 300))
    page.locator(".mask-painter-status", has_text=re.compile("table: [1-9]")).wait_for()
    for control in (hand.stage, page.get_by_role("button", name="Erase"), page.get_by_label("Size")):
        control.press("b")
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2, "for Jupyter, b means a new cell"
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Shift+Enter")
    page.get_by_text("saved", exact=True).wait_for()
    hand.look(name)
    hand.press("Undo")
    page.locator(".mask-painter-status", has_text="table: 0.0 %").wait_for()
    page.wait_for_function("/table: 0.0%/.test(document.querySelector('.mask-painter-still img').alt)")
    hand.press("Redo")
    page.locator(".mask-painter-status", has_text=re.compile("table: [1-9]")).wait_for()

    # A kernel that is started again does not know the painter; what was saved shows the masks without it
    page.wait_for_function("/table: [1-9]/.test(document.querySelector('.mask-painter-still img').alt)")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(1).click()
    with page.expect_response(lambda response: response.request.method == "PUT" and "paint.ipynb" in response.url):
        page.keyboard.press("Control+s")
    saved = nbformat.read(folder / name / "paint.ipynb", as_version=4)
    html, _ = nbconvert.HTMLExporter().from_notebook_node(saved)
    assert re.search(r'class="mask-painter-still"><img alt="cup: 0.0%, table: [1-9]', html)
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    page.keyboard.press("0")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    hand.drag((200, 100), (300, 100))
    page.get_by_text("No kernel: what you paint now is not kept. Run the cell again.").wait_for()
    hand.look(f"{name}_no_kernel")
    assert not page.locator(".mask-painter-still").is_visible()
    page.reload()
    page.locator(".mask-painter-still img").wait_for()
    hand.look(f"{name}_reopened")
    page.get_by_text("model not found").wait_for(state="attached")
    assert not page.get_by_text("model not found").is_visible()
    page.close()

    with np.load(folder / name / "painted.npz", allow_pickle=False) as masks:
        assert masks["table"].shape == masks["cup"].shape == (400, 600)
        assert (masks["cup"] == 0).all()
        assert (masks["table"][300, 205:395] == 1).all()
        rows, columns = np.nonzero(masks["table"])
        assert rows.min() > 270 and rows.max() < 330 and columns.min() > 170 and columns.max() < 430
