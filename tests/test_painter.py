"""The mask painter's Python side: what goes to the browser, and what is accepted from there."""

import base64
import io
import re
import zlib

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from scipy import ndimage

from nst_keras import MaskWarning, grow_mask, load_image, load_mask, resize_mask, save_mask, style_transfer
from nst_keras.image import to_pil
from nst_keras.masks.selections import select_ellipse, select_scribble
from nst_keras.widgets import MaskPainter, MaskPairPainter
from nst_keras.widgets import painter as painter_module
from nst_keras.widgets import still as still_module

SHAPE = 40, 60


@pytest.fixture
def image(rng):
    return rng.uniform(size=(*SHAPE, 3)).astype("float32")


def from_browser(painter, *levels):
    """Masks as the widget's comm delivers them: a list of memory views."""
    painter.set_state({"_packed": [memoryview(zlib.compress(array.tobytes())) for array in levels]})


def test_what_is_painted_arrives_in_its_own_mask(image, rng):
    painter = MaskPainter(image, ["sky", "land"])
    assert all((mask == 0).all() and mask.shape == SHAPE for mask in painter.masks.values())
    levels = rng.integers(0, 256, (2, *SHAPE), dtype="uint8")
    levels[:, 0], levels[:, 1] = 0, 255
    from_browser(painter, *levels)
    assert list(painter.masks) == ["sky", "land"]
    for mask, level in zip(painter.masks.values(), levels, strict=True):
        assert mask.dtype == np.float32
        np.testing.assert_array_equal(np.round(mask * 255), level)
        assert (mask[0] == 0).all() and (mask[1] == 1).all()


def test_masks_to_start_with_come_back_to_half_a_level(image, tmp_path):
    sky = np.linspace(0, 1, 2400, dtype="float32").reshape(SHAPE)
    kept = sky.copy()
    painter = MaskPainter(image, {"sky": sky, "cat": Image.new("L", SHAPE[::-1], 255)})
    np.testing.assert_allclose(painter.masks["sky"], sky, atol=0.5001 / 255)
    assert (painter.masks["cat"] == 1).all()
    np.testing.assert_array_equal(sky, kept)
    with pytest.warns(MaskWarning, match=r"masks\['sky'\] was resized from 60×40 to 120×80"):
        MaskPainter(np.zeros((80, 120, 3)), {"sky": sky})
    with pytest.raises(ValueError, match="proportions differ"):
        MaskPainter(np.zeros((40, 80, 3)), {"sky": sky})


def test_the_picture_is_sent_as_it_is_up_to_1600_pixels():
    picture = load_image(ROOT / "images" / "coffee.jpg")
    sent = Image.open(io.BytesIO(MaskPainter(picture)._picture))
    difference = np.asarray(sent, "float32") - np.asarray(to_pil(picture), "float32")
    assert np.sqrt(np.mean(difference**2)) < 5


def test_large_pictures_are_painted_small_and_their_masks_enlarged():
    shape = 1000, 2000
    mask = select_ellipse(shape, (900, 500), (500, 300))
    painter = MaskPainter(np.zeros((*shape, 3), "uint8"), {"cup": mask})
    assert Image.open(io.BytesIO(painter._picture)).size == (1600, 800)
    back = painter.masks["cup"]
    assert back.shape == shape
    inside = ndimage.maximum_filter(mask, 7) == ndimage.minimum_filter(mask, 7)
    np.testing.assert_array_equal(back[inside], mask[inside])
    np.testing.assert_allclose(back.mean(), mask.mean(), rtol=1e-3)
    from_browser(painter, np.full((800, 1600), 255, "uint8"))
    assert (painter.masks["cup"] == 1).all()


BLACK = zlib.compress(bytes(40 * 60))


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (BLACK, "a list of 1 mask"),
        ({"mask": BLACK}, "a list of 1 mask.*; got dict"),
        ([], "a list of 1 mask.*; got 0"),
        ([BLACK, BLACK], "got 2"),
        (["text"], "send bytes.*not 'str'"),
        ([2400], "send bytes.*not 'int'"),
        ([[0] * 2400], "send bytes.*not 'list'"),
        ([None], "send bytes.*not 'NoneType'"),
        ([b"no zlib"], "compressed with zlib; got other data"),
        ([b""], "60×40 levels, 2400; got 0, or a broken end"),
        ([zlib.compress(bytes(2399))], "2400; got 2399"),
        ([zlib.compress(bytes(2401))], "2400; got more"),
        ([zlib.compress(bytes(10**8))], "2400; got more"),
        ([BLACK + b"more"], "2400; got more"),
        ([BLACK[:-2]], "a broken end"),
        ([BLACK[:-1] + b"x"], "got other data"),
        ([b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94."], "got other data"),
    ],
)
def test_other_data_than_masks_are_refused_and_change_nothing(image, packed, message):
    painter = MaskPainter(image)
    from_browser(painter, np.full(SHAPE, 128, "uint8"))
    with pytest.raises(ValueError, match=message):
        painter.set_state({"_packed": packed})
    np.testing.assert_allclose(painter.masks["mask"], 128 / 255)


def ask(painter, levels, **question):
    """What Python answers the browser: the message, and the mask in it or None."""
    answers = []
    painter.send = lambda *message: answers.append(message)
    levels = levels if isinstance(levels, list) else [levels]
    buffers = [memoryview(mask if isinstance(mask, bytes) else zlib.compress(mask)) for mask in levels]
    painter._handle_custom_msg(question, buffers)
    content, buffers = (*answers[0], [])[:2]
    shape = content.get("grid", SHAPE)
    masks = [np.frombuffer(zlib.decompress(mask), "uint8").reshape(shape) / 255 for mask in buffers]
    return content, *masks


def test_python_answers_with_the_mask_of_strokes_and_with_refined_masks():
    image = np.where(select_ellipse(SHAPE, (30, 20), (12, 12))[..., None] > 0.5, [0.9, 0.8, 0.2], [0.1, 0.2, 0.4])
    painter = MaskPainter(image.astype("float32"), ["disc", "rest"])
    strokes = np.zeros(SHAPE, "uint8")
    strokes[18:22, 28:32], strokes[:3], strokes[37:] = 1, 2, 255
    content, mask = ask(painter, strokes, how="select", label=1, asked=7, index=0)
    assert content == {"asked": 7, "index": 0}
    expected = select_scribble(image, strokes == 1, strokes > 1)
    np.testing.assert_allclose(mask, expected, atol=0.51 / 255)
    assert np.abs(expected - (image[..., 0] > 0.5)).mean() < 0.01
    _, grown = ask(painter, np.round(mask * 255).astype("uint8"), how="grow", pixels=3)
    np.testing.assert_allclose(grown, grow_mask(mask, 3), atol=1e-6)


def test_python_joins_and_erases_the_segments_at_points(monkeypatch):
    """No segment crosses the edge of two colours: all points of a half join exactly this half."""
    left = np.arange(60) < 24
    painter = MaskPainter(np.where(left[:, None], [0.9, 0.8, 0.2], [0.1, 0.2, 0.4]) * np.ones((*SHAPE, 1)), ["a", "b"])
    points = [[x + 0.5, y + 0.5] for y in range(40) for x in range(24)]
    grey = np.full(SHAPE, 51, "uint8")
    content, joined = ask(painter, grey, how="segments", points=points, erase=False, asked=7, index=1)
    assert content == {"asked": 7, "index": 1}
    np.testing.assert_array_equal(joined, np.where(left, 1, 0.2) * np.ones(SHAPE))
    _, erased = ask(painter, grey, how="segments", points=points, erase=True)
    np.testing.assert_array_equal(erased, np.where(left, 0, 0.2) * np.ones(SHAPE))
    _, one = ask(painter, BLACK, how="segments", points=[[23.9, 39.9]], erase=False)
    assert one[39, 23] == 1 and set(np.unique(one)) == {0, 1} and 10 < one.sum() < 200 and not one[:, 24:].any()

    monkeypatch.setattr(painter_module, "SEGMENTS_SIDE", 48)  # segments of a smaller copy, as of a large picture
    painter, mask = MaskPainter(painter._shown), np.zeros(SHAPE)
    for number in np.unique(painter._segments):
        point = np.ceil(np.argwhere(painter._segments == number)[0, ::-1] * 60 / 48).tolist()
        mask = ask(painter, np.round(mask * 255).astype("uint8"), how="segments", points=[point], erase=False)[1]
    np.testing.assert_allclose(mask, 1, atol=2 / 255, err_msg="one after another, they add up without a gap")


def test_python_answers_with_what_a_layer_sees_of_a_mask_and_with_its_findings(image):
    """The 40×60 picture is painted at 64 pixels, 43×64: block5_conv1 has 2×4 positions, block2_conv1 21×32."""
    painter = MaskPainter(image, ["sky", "moon"], size=64)
    moon = select_ellipse(SHAPE, (20, 14), (3, 3))
    levels = [np.round(mask * 255).astype("uint8") for mask in (1 - moon, moon)]
    content, mask = ask(painter, levels, how="see", layer="block5_conv1", asked=3, index=1)
    assert (content["asked"], content["index"], content["layer"], content["grid"]) == (3, 1, "block5_conv1", (2, 4))
    np.testing.assert_allclose(mask, resize_mask(resize_mask(moon, (43, 64)), (2, 4)), atol=0.01)
    assert content["found"].startswith("block5_conv1 has 4×2 positions; moon is more than half white on 0.\n– moon has")
    assert re.search(r"moon has regions that vanish: .*1 of 1 at block5_conv1 \(4×2\)", content["found"])
    content, mask = ask(painter, levels, how="see", layer="block2_conv1", asked=3, index=0)
    assert mask.shape == (21, 32) and mask.min() < 0.5
    assert "invert" not in content["found"], "the moon is another mask"
    content, _ = ask(painter, [np.zeros(SHAPE, "uint8")] * 2, how="see", layer="block5_conv1", index=0)
    assert content["found"].endswith("Nothing is painted yet.")
    assert ask(painter, [], how="hear", asked=5) == ({"asked": 5, "index": None},)


@pytest.mark.parametrize(
    ("levels", "question", "message"),
    [
        (bytes(2400), {"how": "select", "label": 1}, "inside has no stroke"),
        (bytes(2399), {"how": "grow", "pixels": 1}, "send bytes|compressed with zlib"),
        (BLACK, {"how": "save", "pixels": 1}, "save"),
        (BLACK, {"pixels": 1}, "how"),
        (BLACK, {"how": "see", "index": 0, "layer": "block6_conv1"}, "block6"),
        (BLACK, {"how": "see", "index": 1, "layer": "block5_conv1"}, "range"),
        (BLACK, {"how": "see", "index": "0", "layer": "block5_conv1"}, "indices"),
        ([], {"how": "grow", "pixels": 1}, "range"),
        (BLACK, {"how": "segments", "points": [[60, 5]], "erase": 0}, r"points must be \(x, y\) in the picture, 60×40"),
        (BLACK, {"how": "segments", "points": [[5, 5], [5, -0.1]], "erase": 0}, r"got \[\[5.0, 5.0\], \[5.0, -0.1\]\]"),
        (BLACK, {"how": "segments", "points": [[5, float("nan")]], "erase": 0}, "points must"),
        (BLACK, {"how": "segments", "points": [[5, 10**400]], "erase": 0}, "too large"),
        (BLACK, {"how": "segments", "points": [5, 5], "erase": 0}, "points must"),
        (BLACK, {"how": "segments", "points": [], "erase": 0}, "points must"),
        (BLACK, {"how": "grow", "pixels": "1"}, "pixels must be a finite number"),
    ],
)
def test_what_python_cannot_answer_is_told_and_changes_nothing(image, levels, question, message):
    painter = MaskPainter(image)
    levels = zlib.compress(levels) if len(levels) == 2400 else levels
    (content,) = ask(painter, levels, **question)
    assert re.search(message, content["error"])
    assert (painter.masks["mask"] == 0).all()


def test_the_browser_cannot_change_picture_or_labels(image):
    painter = MaskPainter(image, ["sky"])
    for name, value in [("_labels", [{"name": "../../sky", "color": "red"}]), ("_picture", b"")]:
        with pytest.raises(ValueError, match="masks only"):
            painter.set_state({name: value})
    assert painter.labels == ("sky",)
    assert painter._labels[0]["name"] == "sky"


def test_masks_are_saved_under_their_labels_and_inputs_kept(image, tmp_path):
    painter = MaskPainter(image, ["sky", "far land"])
    from_browser(painter, *np.full((2, *SHAPE), [[[0]], [[200]]], "uint8"))
    paths = painter.save(tmp_path / "new" / "masks")
    assert paths == [tmp_path / "new" / "masks" / name for name in ("sky.png", "far land.png")]
    np.testing.assert_allclose(load_mask(paths[1]), 200 / 255)

    again = MaskPainter(image, {"new": load_mask(paths[1]), "sky": str(paths[0])})
    before = paths[0].read_bytes()
    with pytest.raises(ValueError, match="one of the input pictures"):
        again.save(paths[0].parent)
    assert (paths[0].read_bytes(), len(list(paths[0].parent.iterdir()))) == (before, 2)
    to_pil(image).save(tmp_path / "picture.png")
    with pytest.raises(ValueError, match="one of the input pictures"):
        MaskPainter(tmp_path / "picture.png", ["picture"]).save(tmp_path)


def test_masks_are_kept_in_a_folder_and_found_there_by_the_next_painter(image, tmp_path):
    folder = tmp_path / "kept"
    painter = MaskPainter(image, {"sky": np.full(SHAPE, 0.2), "land": np.zeros(SHAPE)}, folder=folder)
    assert not folder.exists()
    sky = np.full(SHAPE, 51, "uint8")
    land = sky * 4
    from_browser(painter, sky, land)
    assert [path.name for path in folder.iterdir()] == ["land.png"], "sky has not changed"
    again = MaskPainter(image, {"sky": np.full(SHAPE, 0.2), "land": np.zeros(SHAPE)}, folder=folder)
    np.testing.assert_allclose(again.masks["land"], 0.8)
    np.testing.assert_allclose(again.masks["sky"], 0.2)
    from_browser(again, sky, land // 2)
    np.testing.assert_allclose(load_mask(folder / "land.png"), 102 / 255)


def test_a_folder_keeps_inputs_and_says_when_it_cannot_save(image, tmp_path):
    save_mask(np.full(SHAPE, 0.4), tmp_path / "sky.png")
    with pytest.raises(ValueError, match="one of the input pictures"):
        MaskPainter(image, {"sky": tmp_path / "sky.png"}, folder=tmp_path)
    (tmp_path / "file").write_text("no folder")
    painter = MaskPainter(image, folder=tmp_path / "file")
    told = []
    painter.send = told.append
    from_browser(painter, np.full(SHAPE, 9, "uint8"))
    assert "could not be saved in the folder" in told[0]["error"]
    np.testing.assert_allclose(painter.masks["mask"], 9 / 255)
    with pytest.raises(ValueError, match="size must be a whole number of at least"):
        MaskPainter(image, size=0)


class Handle:
    """What IPython's `display` returns with `display_id`, and all that was shown."""

    def __init__(self):
        self.shown = []

    def __call__(self, data, **options):
        self.shown.append(data)
        return self

    update = __call__


def pictures(html):
    return [
        (alt, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))), "float32") / 255)
        for alt, data in re.findall(r'<img alt="(.*?)" src="data:image/jpeg;base64,(.*?)">', html)
    ]


def test_a_painter_leaves_a_picture_of_its_masks_that_follows_them(monkeypatch):
    monkeypatch.setattr(still_module, "display", handle := Handle())
    painter = MaskPainter(np.zeros((*SHAPE, 3)), ["sky", "land"])
    from_browser(painter, *np.zeros((2, *SHAPE), "uint8"))
    assert not handle.shown, "it is not shown yet"
    painter._ipython_display_()
    widget, still = handle.shown
    assert "application/vnd.jupyter.widget-view+json" in widget and "run the cell" in widget["text/plain"]
    ((alt, black),) = pictures(still["text/html"])
    assert alt == "sky: 0.0%, land: 0.0%" and black.max() < 0.05
    land = np.zeros(SHAPE, "uint8")
    land[20:] = 255
    from_browser(painter, 0 * land, land)
    ((alt, picture),) = pictures(handle.shown[-1]["text/html"])
    assert alt == "sky: 0.0%, land: 50.0%"
    assert picture[:18].max() < 0.2 and picture[24:36, 10:50, 2].min() > 0.2, "blue on the land"
    assert picture[20, 10:50, 2].mean() > 1.5 * picture[30, 10:50, 2].mean(), "with an outline"


def test_a_pair_of_painters_makes_arguments_of_style_transfer(image, rng, monkeypatch, tmp_path):
    """The same labels on photograph and painting; a label that is black on the painting takes all of it."""
    painting = rng.uniform(size=(50, 50, 3)).astype("float32")
    pair = MaskPairPainter(image, painting, {"sky": np.ones(SHAPE), "land": np.zeros(SHAPE)}, folder=tmp_path)
    photograph, style = pair.children
    with pytest.raises(ValueError, match=r"land is black on the photograph\. Paint where it goes"):
        pair.settings  # noqa: B018
    assert pair.titles == ("photograph", "painting") and style.labels == ("sky", "land")
    from_browser(photograph, *np.full((2, *SHAPE), [[[255]], [[51]]], "uint8"))
    its_sky = np.zeros((50, 50), "uint8")
    its_sky[:20] = 255
    style.set_state({"_packed": [memoryview(zlib.compress(level)) for level in (its_sky, 0 * its_sky)]})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")) == [
        "painting/sky.png",
        "photograph/land.png",
    ]
    settings = pair.settings
    np.testing.assert_allclose(settings["masks"][1], 0.2)
    np.testing.assert_array_equal(settings["style_masks"][0], its_sky / 255)
    assert settings["style_masks"][1] is None and settings["style"] == [painting] * 2
    result = style_transfer(image, **settings, size=64, iterations=1)
    assert len(result.styles) == 2

    monkeypatch.setattr(still_module, "display", handle := Handle())
    pair._ipython_display_()
    assert [alt for alt, _ in pictures(handle.shown[1]["text/html"])] == [
        "sky: 100.0%, land: 20.0%",
        "sky: 40.0%, land: 0.0%",
    ]
    from_browser(photograph, *np.zeros((2, *SHAPE), "uint8"))
    assert pictures(handle.shown[2]["text/html"])[0][0] == "sky: 0.0%, land: 0.0%"


@pytest.mark.parametrize("label", ["", "../sky", "a/b", "a\\b", "con:", ".hidden", "sky.", " sky", 3, None])
def test_labels_that_are_no_file_names_are_refused(image, label):
    with pytest.raises(ValueError, match=r"masks must have labels that can be file names"):
        MaskPainter(image, [label])


def test_labels_must_be_there_and_distinct(image):
    for masks in ([], {}, ["sky", "sky"], ["sky", "Sky"]):
        with pytest.raises(ValueError, match="at least one label, and no label twice"):
            MaskPainter(image, masks)
    assert MaskPainter(image, "sky").labels == ("sky",)
    assert MaskPainter(image).labels == ("mask",)


def test_many_masks_have_colours(image):
    painter = MaskPainter(image, [f"mask {i}" for i in range(10)])
    colors = [label["color"] for label in painter._labels]
    assert all(len(color) == 7 and color.startswith("#") for color in colors)
    assert len(set(colors)) == 8
    assert resize_mask(painter.masks["mask 9"], (4, 6)).max() == 0
