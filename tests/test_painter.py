"""The mask painter's Python side: what goes to the browser, and what is accepted from there."""

import io
import re
import zlib

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from scipy import ndimage

from nst_keras import MaskWarning, grow_mask, load_image, load_mask, resize_mask
from nst_keras.image import to_pil
from nst_keras.masks.selections import select_ellipse, select_scribble
from nst_keras.widgets import MaskPainter

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
    painter._handle_custom_msg(question, [memoryview(levels if isinstance(levels, bytes) else zlib.compress(levels))])
    ((content, buffers),) = answers
    masks = [np.frombuffer(zlib.decompress(mask), "uint8").reshape(SHAPE) / 255 for mask in buffers]
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


@pytest.mark.parametrize(
    ("levels", "question", "message"),
    [
        (bytes(2400), {"how": "select", "label": 1}, "inside has no stroke"),
        (bytes(2399), {"how": "grow", "pixels": 1}, "send bytes|compressed with zlib"),
        (BLACK, {"how": "save", "pixels": 1}, "save"),
        (BLACK, {"pixels": 1}, "how"),
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
