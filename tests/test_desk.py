"""The mixing desk without a browser: what is painted when, what is kept, and what gives the same picture."""

import datetime
import io
import re
import threading

import numpy as np
import pytest
from conftest import ROOT
from ipywidgets import FileUpload, Widget
from PIL import Image
from test_painter import from_browser

from nst_keras import load_image, resize, save_image, style_transfer
from nst_keras.image import to_pil
from nst_keras.masks.basics import resize_mask
from nst_keras.widgets import MixingDesk, desk, parts, still
from nst_keras.widgets.before_after import strip
from nst_keras.widgets.parts import keep_upload, named, starting_paths

SHAPE = 48, 64


@pytest.fixture
def pictures(tmp_path, monkeypatch, photograph, painting):
    """A folder with three pictures, in the working folder; previews of it are as small as they can be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(desk, "PREVIEW_SIZE", 48)
    (tmp_path / "pictures").mkdir()
    named = {"cat": photograph, "night": painting, "sea": load_image(ROOT / "images" / "woodblock_sea.jpg")}
    for name, picture in named.items():
        save_image(resize(picture, SHAPE), tmp_path / "pictures" / f"{name}.png")
    return tmp_path / "pictures"


@pytest.fixture
def make(pictures):
    """Makes desks, and waits for them at the end: no test runs beside another's thread."""
    made = []

    def make(content="pictures/cat.png", styles="pictures/sea.png", **settings):
        made.append(MixingDesk(content, styles, **{"pictures": "pictures", "size": 64, "iterations": 2} | settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        one.wait()
    Widget.close_all()


def says(one):
    one.wait()
    return one._view.message[0]


def upload(one, name, data):
    """What the browser does with a picture that is uploaded."""
    (widget,) = (w for column in one.children[0].children for w in column.children if isinstance(w, FileUpload))
    kind = {"type": "image/png", "size": len(data), "last_modified": datetime.datetime.now()}
    widget.value = [{"name": name, "content": memoryview(data)} | kind]


def seen(one):
    """The picture that the browser shows."""
    one.wait()
    return np.asarray(Image.open(io.BytesIO(one._view.after)).convert("RGB"))


def painted(*arguments, **settings):
    return np.asarray(to_pil(style_transfer(*arguments, iterations=2, **settings).image))


def test_a_preview_that_runs_is_finished_and_one_job_with_the_newest_values_waits(make):
    one, running, go_on, done = make(), threading.Event(), threading.Event(), []
    one.wait()

    def preview():
        done.append(one.controls["style_weight"].value)
        running.set()
        go_on.wait(60)

    one._preview = preview
    one._end_preview.clear()
    for weight in (7, 8, 9, 10):
        one.controls["style_weight"].value = weight
        assert running.wait(60)
    assert not one.wait(0) and not one._end_preview.is_set()
    go_on.set()
    assert one.wait(60)
    assert done == [7, 10]


def test_painting_gets_its_turn_and_is_ended_by_stop_alone(make):
    one, running, done = make(), threading.Event(), []
    one.wait()

    def long(*mix):
        running.set()
        done.append(mix[-1].wait(60))

    one._paint = long
    one.paint()
    assert running.wait(60)
    assert one._view.work == [None, "preparing …"]
    one._preview = lambda: done.append("preview")
    one._changed()
    one._paint = lambda *mix: done.append(("next", mix[-1].is_set()))
    one.paint()
    assert done == []
    one.stop()
    assert one.wait(60)
    assert done == [True, ("next", True), "preview"], "a preview that waits comes after the pictures"


def picture_file(level):
    data = io.BytesIO()
    Image.new("RGB", (40, 40), (level, 0, 0)).save(data, "PNG")
    return data.getvalue()


def test_nothing_that_is_kept_is_overwritten(tmp_path, monkeypatch):
    folder = tmp_path / "new" / "folder"
    one, two, three = map(picture_file, (1, 2, 3))
    names = [keep_upload(data, folder, "a.png").name for data in (one, two, one, two, three)]
    assert names == ["a.png", "a_2.png", "a.png", "a_2.png", "a_3.png"]
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == [one, two, three]

    def full_disk(path, data):
        raise OSError("no space left")

    monkeypatch.setattr(parts, "write_file", full_disk)
    with pytest.raises(OSError, match="no space"):
        keep_upload(picture_file(4), folder, "a.png")
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a b.png", "a_b.png"), ("../../a.png", "a.png"), ("C:\\x\\a.png", "a.png"), (".a", "a"), ("..", "picture")],
)
def test_uploads_are_read_before_they_are_kept_and_stay_in_the_folder(tmp_path, name, kept):
    data = picture_file(0)
    path = keep_upload(data, tmp_path / "folder", name)
    assert (path, path.read_bytes()) == (tmp_path / "folder" / kept, data)
    with pytest.raises(ValueError, match=r"^upload 'b\.png': cannot be read as PNG"):
        keep_upload(data[:40], tmp_path / "folder", "b.png")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [kept]


def test_pictures_to_choose_from_are_named_without_ambiguity(pictures):
    assert starting_paths("pictures/cat.png", "pictures/sea.png", "pictures") == (
        ["pictures/cat.png", "pictures/sea.png"],
        ["pictures/cat.png", "pictures/sea.png", "pictures/night.png"],
    )
    given = str(pictures / "night.png")  # as it was given, and not twice
    assert starting_paths(given, "pictures/cat.png", pictures) == (
        [given, "pictures/cat.png"],
        [given, "pictures/cat.png", str(pictures / "sea.png")],
    )
    assert named(["a/x_y.png", "b/z.png", "c/z.jpg"]) == [
        ("x y", "a/x_y.png"),
        ("b/z.png", "b/z.png"),
        ("c/z.jpg", "c/z.jpg"),
    ]


def test_the_strip_has_the_pictures_and_all_of_the_text(rng):
    colors = np.asarray([[0.9, 0.1, 0.1], [0.1, 0.2, 0.9]])
    pictures = [np.tile(color, (40, 60, 1)) for color in colors]
    short, long = (np.asarray(Image.open(io.BytesIO(strip(pictures, "words " * n)))) / 255 for n in (1, 60))
    assert short.shape[1] == long.shape[1] == 2 * 360 + 6
    np.testing.assert_allclose(short[10:230, 10:350].mean((0, 1)), colors[0], atol=0.02)
    np.testing.assert_allclose(short[10:230, 376:716].mean((0, 1)), colors[1], atol=0.02)
    dark = long[245:].min(-1) < 0.5
    assert dark[-18:].any() and not dark[:, -5:].any(), "the last line is there, and no line is cut off"


def test_previews_follow_the_controls_and_are_runs_of_their_own(make):
    one = make()
    assert "Preview: 48×36 pixels" in says(one)
    weights = {"content_weight": 2.0, "style_weight": 6.0, "tv_weight": 4.5}
    np.testing.assert_array_equal(seen(one), painted("pictures/cat.png", "pictures/sea.png", size=48))
    one.controls["style_weight"].value = 50.123
    first = seen(one)
    weights["style_weight"] = 50.1  # as it is read
    np.testing.assert_array_equal(first, painted("pictures/cat.png", "pictures/sea.png", size=48, **weights))
    one.controls["style_weight"].value = 1
    assert (seen(one) != first).any()
    one.controls["style_weight"].value = 50.1
    np.testing.assert_array_equal(seen(one), first, "where the slider came from does not show")


def test_the_settings_of_a_result_make_the_same_picture_to_the_bit(make, tmp_path):
    """Two styles, one uploaded; masks, painted and frozen; colour; a setting without a control."""
    styles = ["pictures/night.png", "pictures/cat.png"]
    one = make(styles=styles, style_scale=0.8, mask_mode="freeze")
    upload(one, "my sea.png", (tmp_path / "pictures" / "sea.png").read_bytes())
    assert "desk/my_sea.png can be chosen now" in one._view.message[0]
    assert [menu.value for menu in one._menus.values()] == ["pictures/cat.png", *styles]
    one._menus["style 2"].value = "desk/my_sea.png"
    one._shares[0].value, one._shares[1].value = 1, 0.3
    one._masks.switch.value = True
    levels = np.zeros((2, *SHAPE), "uint8")
    levels[0, :, :30], levels[1, 10:, 30:] = 255, 77
    from_browser(one._masks.painters["pictures/cat.png"], *levels)
    one.controls["preserve_color"].value = "chroma-swap"
    one.controls["color_strength"].value = 0.35
    one.paint()
    assert "Painted after" in says(one)

    masks = list(one._masks.painters["pictures/cat.png"].masks.values())
    styles = ["pictures/night.png", "desk/my_sea.png"]
    result = style_transfer("pictures/cat.png", styles, **one.result.settings | {"masks": masks})
    np.testing.assert_array_equal(result.image, one.result.image)
    assert {path.rsplit("/")[-1] for path in one.result.inputs} == {"cat.png", "night.png", "my_sea.png"}
    assert result.settings["style_weights"] == pytest.approx([1 / 1.3, 0.3 / 1.3])
    assert result.settings["style_scale"] == 0.8
    black = resize(np.repeat((levels.max(0) == 0)[..., None], 3, -1).astype("float32"), result.image.shape) == 1
    changed = np.abs(result.image - result.content)
    assert black.any() and changed[~black].max() > 0.05
    # chroma-swap touches frozen pixels only by rounding: their colours are the content's already
    assert changed[black].max() < 1e-6


def test_masks_count_as_soon_as_something_is_painted(make):
    one = make(styles=["pictures/night.png", "pictures/sea.png"])
    unmasked = seen(one)
    one._masks.switch.value = True
    np.testing.assert_array_equal(seen(one), unmasked)
    painter = one._masks.painters["pictures/cat.png"]
    mask = np.zeros(SHAPE, "uint8")
    mask[:, :20] = 255
    from_browser(painter, mask, 255 - mask)
    assert (seen(one) != unmasked).any()
    from_browser(painter, mask, 0 * mask)
    assert "The mask of style 2 is black everywhere" in says(one)
    assert one._view.message[1], "it is an alert"
    one._masks.switch.value = False
    assert "Preview: 48×36" in says(one)


def test_what_was_painted_comes_back_with_its_photograph(make):
    one = make(styles=["pictures/night.png", "pictures/sea.png"])
    one._masks.switch.value = True
    levels = np.random.default_rng(5).integers(0, 256, (2, *SHAPE), dtype="uint8")
    from_browser(one._masks.painters["pictures/cat.png"], *levels)
    one._menus["content"].value = "pictures/night.png"
    assert one._masks.painters["pictures/night.png"].masks["style 2"].max() == 0
    one._menus["content"].value = "pictures/cat.png"
    masks = one._masks.painters["pictures/cat.png"].masks
    assert one._masks.children[2] is one._masks.painters["pictures/cat.png"]
    assert list(masks) == ["style 1", "style 2"]
    np.testing.assert_array_equal(np.round(masks["style 1"] * 255), levels[0])
    np.testing.assert_array_equal(np.round(masks["style 2"] * 255), levels[1])


def test_stop_keeps_what_there_is_and_a_preview_waits_for_the_switch(make, monkeypatch):
    monkeypatch.setattr(desk, "FRAME_SECONDS", 0)
    one, begun = make(iterations=100_000), threading.Event()
    one.wait()
    one._view.observe(lambda change: change.new and change.new[0] and begun.set(), "work")
    one.paint()
    assert one._buttons["Paint"].disabled and not one._buttons["Stop"].disabled
    assert begun.wait(60)
    one.controls["tv_weight"].value = 1
    assert one._view.switch.value == "Full picture"
    one.stop()
    assert "Stopped after" in says(one)
    assert one.result.interrupted and 0 < len(one.result.history) < 100_000
    assert one.result.image.shape == (48, 64, 3)
    full = seen(one)
    np.testing.assert_array_equal(full, to_pil(one.result.image))
    one._view.switch.value = "Preview"
    assert says(one) == "Preview: 48×36 pixels." and "tv_weight=1.0" in one._view.description
    assert not one._buttons["Paint"].disabled and one._buttons["Stop"].disabled


def test_what_goes_wrong_is_said_in_words(make, pictures, monkeypatch):
    one = make()
    one.wait()
    upload(one, "<b>x</b>.png", b"no picture")
    assert one._view.message[1] and "cannot be read as PNG" in says(one)
    assert one._menus["content"].value == "pictures/cat.png"
    (pictures / "night.png").unlink()
    one._menus["style 1"].value = "pictures/night.png"
    assert "there is no such file" in says(one)
    one.paint()
    assert "there is no such file" in says(one) and not one._buttons["Paint"].disabled
    assert one.result is None

    def out_of_memory(*pictures, **settings):
        raise MemoryError("too large")

    monkeypatch.setattr(desk, "style_transfer", out_of_memory)
    one._menus["style 1"].value = "pictures/sea.png"
    assert "MemoryError: too large" in says(one)


def test_a_picture_stands_for_the_desk_where_there_are_no_widgets(make, monkeypatch):
    outputs, updates = [], []

    class Handle:
        def update(self, data, raw):
            updates.append(data)

    def display(data, raw, metadata=None, display_id=False):
        outputs.append(data)
        return Handle() if display_id else None

    monkeypatch.setattr(still, "display", display)
    one = make()
    one.wait()
    one._ipython_display_()
    assert outputs[0]["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    assert "run the cell" in outputs[0]["text/plain"]
    assert set(outputs[1]) == {"text/html", "text/plain"}, "JupyterLab would prefer a widget, also one that is gone"
    one.controls["tv_weight"].value = 30
    one.wait()
    (updated,) = updates
    assert "tv_weight=30" in updated["text/html"] and "tv_weight=30" not in outputs[1]["text/html"]
    jpegs = [re.search('base64,([^"]+)', data["text/html"])[1] for data in (outputs[1], updated)]
    assert jpegs[0] != jpegs[1]


def test_the_full_picture_comes_back_by_the_switch(make):
    one, works = make(), []
    one.wait()
    assert one._view.switch.disabled and one._buttons["Keep"].disabled
    one.keep()
    assert one._view.message == ["there is no full picture yet: Paint makes one.", True]
    one._view.observe(lambda change: works.append(change.new), "work")
    one.paint()
    assert says(one).startswith("Painted after")
    assert works[0] == [None, "preparing …"] and works[-1] == []
    assert works[1][0] == 0.5 and re.fullmatch(r"50%, about \d+ s left", works[1][1])
    full, job = seen(one), one._job
    one.controls["size"].value = 80
    assert one._job is job, "the size is not that of a preview"
    one.controls["content_weight"].value = 2.0000000000000004
    assert one._job is job, "a browser sends this back where 2.0 is shown"
    np.testing.assert_array_equal(seen(one), full)
    one.controls["style_weight"].value = 50
    assert one._view.switch.value == "Preview"
    assert says(one) == "Preview: 48×36 pixels." and seen(one).shape != full.shape
    one._view.switch.value = "Full picture"
    np.testing.assert_array_equal(seen(one), full)
    assert says(one).startswith("Painted after")


def test_the_curve_of_the_loss_grows_with_the_frames_and_a_preview_hides_it(make, monkeypatch):
    monkeypatch.setattr(desk, "FRAME_SECONDS", 0)
    one, sent = make(iterations=3), []
    one.wait()
    one._view.observe(lambda change: sent.append(change.new), "losses")
    one.paint()
    one.wait()
    totals = [step.total for step in one.result.history]
    assert sent == [totals[:1], totals[:2], totals] and len(totals) == 3
    one._view.switch.value = "Preview"
    assert one._view.losses == []
    one._view.switch.value = "Full picture"
    assert one._view.losses == totals
    monkeypatch.setattr(desk, "FRAME_SECONDS", 1e9)
    sent.clear()
    one.controls["style_weight"].value = 50
    one.paint()
    one.wait()
    again = [step.total for step in one.result.history]
    assert sent == [[], totals, again] and again != totals, "without frames, the curve of before stays until the end"


def test_a_picture_is_kept_with_its_masks_and_loaded_with_its_settings(make, tmp_path):
    options = {"styles": ["pictures/night.png", "pictures/sea.png"], "mask_mode": "freeze"}
    one = make(**options)
    one._masks.switch.value = True
    levels = np.zeros((2, *SHAPE), "uint8")
    levels[0, :, :40], levels[1, 10:, 30:] = 255, 77
    from_browser(one._masks.painters["pictures/cat.png"], *levels)
    one.controls["style_weight"].value = 500
    one._shares[0].value = 0.1
    one.paint()
    one.wait()
    one.controls["style_weight"].value = 6
    one.keep()
    assert says(one) == "The full picture, 64×48 pixels, is kept in desk/run_1." and one._buttons["Keep"].disabled
    files = sorted((tmp_path / "desk" / "run_1" / "masks").iterdir())
    again = style_transfer("pictures/cat.png", options["styles"], **one.result.settings | {"masks": files})
    np.testing.assert_array_equal(again.image, one.result.image)
    assert one._view.switch.value == "Full picture", "the message stays there, with the picture that it is about"
    one.paint()
    one.wait()
    one.keep()
    assert says(one).endswith("run_2.") and len(list((tmp_path / "desk").iterdir())) == 2

    other = make("pictures/sea.png", ["pictures/cat.png"] * 2, iterations=3, style_weight=1)
    other._runs.value = "desk/run_1"
    first, *notes, last = says(other).split("\n")
    assert first == "Loaded from desk/run_1: 64×48 pixels." and last == "Not taken over: iterations=2."
    assert [note.replace("style", "mask") for note in notes] == [n.replace("style", "mask") for n in other.result.notes]
    assert notes[0].startswith("style 2 keeps few positions"), "as the painter calls it"
    np.testing.assert_array_equal(other.result.image, again.image)
    np.testing.assert_array_equal(seen(other), to_pil(again.image))
    assert other._view.switch.value == "Full picture" and not other._view.switch.disabled
    assert other.controls["style_weight"].value == pytest.approx(500) and other.controls["mask_mode"].value == "freeze"
    assert [share.value for share in other._shares] == again.settings["style_weights"]
    paths = [menu.value for menu in other._menus.values()]
    assert [path.rsplit("/")[-1] for path in paths] == ["cat.png", "night.png", "sea.png"]
    for one_mask, level in zip(other._masks.painters[paths[0]].masks.values(), levels, strict=True):
        np.testing.assert_array_equal(np.round(one_mask * 255), level)

    from_browser(other._masks.painters[paths[0]], *levels[::-1])
    other.load("desk/run_2")
    assert says(other).endswith("Not taken over: iterations=2, its masks.")
    np.testing.assert_array_equal(np.round(other._masks.painters[paths[0]].masks["style 1"] * 255), levels[1])


def test_masks_of_a_large_photograph_are_painted_on_a_copy(make, photograph):
    save_image(resize(photograph, (1000, 1650)), "large.png")
    one = make("large.png", size=64)
    one._masks.switch.value = True
    painter = one._masks.painters["large.png"]
    assert painter._shape == painter._painted_shape == (970, 1600)
    assert "on a copy of 1600×970 pixels; the photograph has 1650×1000" in one._masks.children[0].value
    level = np.zeros((970, 1600), "uint8")
    level[:, :700] = 255
    from_browser(painter, level)
    one.paint()
    one.wait()
    mask = resize_mask(painter.masks["style 1"], (1000, 1650))
    again = style_transfer("large.png", "pictures/sea.png", **one.result.settings | {"masks": [mask]})
    np.testing.assert_array_equal(one.result.image, again.image)


def test_what_a_layer_sees_of_the_masks_depends_on_the_full_size(make):
    one = make(styles=["pictures/night.png", "pictures/sea.png"])
    one._masks.switch.value = True
    painter = one._masks.children[-1]
    assert painter.size == one.controls["size"].value
    one.controls["size"].value = 640
    assert painter.size == 640


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": np.zeros((40, 40, 3))}, "must be paths of pictures; got ndarray.*save_image"),
        ({"content": "nothing.png"}, "content 'nothing.png': there is no such file"),
        ({"styles": ["pictures/cat.png", "nothing.png"]}, "style 'nothing.png': there is no such file"),
        ({"styles": []}, "styles must be at least one path; got none"),
        ({"iteration": 3}, "iteration is not a setting of the desk. Did you mean 'iterations'"),
        ({"callback": print}, "callback is not a setting"),
        ({"shares": {"style": 1}}, "shares is not a setting"),
        ({"size": 7}, "size must be a whole number of at least 32"),
        ({"tv_weight": 0}, "tv_weight must be a finite number above 0"),
        ({"masks": [np.ones(SHAPE)]}, "masks is not a setting"),
    ],
)
def test_a_desk_that_cannot_be_is_refused_at_once(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
