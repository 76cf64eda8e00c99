"""Selections by strokes: overlap with masks drawn by hand, the rules for parts and holes, and what is refused."""

import runpy

import numpy as np
import pytest
from conftest import ROOT

from nst_keras import MaskWarning, load_image, load_mask, resize, resize_mask
from nst_keras.masks.selections import select_ellipse, select_scribble, select_segments

SHAPE = 120, 160
BENCHMARK = runpy.run_path(str(ROOT / "benchmarks" / "scribbles.py"))


def overlap(one, other):
    return np.sum((one > 0.5) & (other > 0.5)) / np.sum((one > 0.5) | (other > 0.5))


def spot(*center, shape=SHAPE):
    return select_ellipse(shape, center, (4, 4)) > 0.5


@pytest.fixture
def discs():
    """Two yellow discs, the left one with a blue hole, on a blue ground with noise."""
    left, right = (select_ellipse(SHAPE, center, (30, 30)) for center in [(45, 60), (120, 60)])
    hole = select_ellipse(SHAPE, (45, 60), (10, 10))
    yellow = np.maximum(left - hole, right)[..., None]
    noise = np.random.default_rng(3).normal(0, 0.02, (*SHAPE, 3))
    picture = np.clip(yellow * [0.9, 0.8, 0.2] + (1 - yellow) * [0.1, 0.2, 0.4] + noise, 0, 1)
    return picture.astype("float32"), left, right, hole


@pytest.mark.parametrize("name", ["cat", "coffee", "astronaut", "rocket"])
def test_six_strokes_select_the_subject_of_a_photograph(name):
    image = load_image(ROOT / "images" / f"{name}.jpg")
    width, *strokes = BENCHMARK["STROKES"][name]
    assert sum(map(len, strokes)) <= 6
    inside, outside = (BENCHMARK["drawn"](lines, width, image.shape[:2]) for lines in strokes)
    mask = select_scribble(image, inside, outside)
    assert mask.dtype == np.float32 and mask.shape == image.shape[:2] and mask.min() == 0 and mask.max() == 1
    assert (mask[inside] == 1).all() and (mask[outside] == 0).all()
    assert overlap(mask, load_mask(ROOT / "masks" / f"{name}_subject.png")) > 0.92


def test_parts_and_holes_without_a_stroke(discs):
    """A part needs a stroke inside, a hole a stroke outside, or it is left out, or filled."""
    picture, left, right, hole = discs
    kept = picture.copy()
    assert overlap(select_scribble(picture, spot(28, 60), spot(80, 10)), left) > 0.97
    both = select_scribble(picture, spot(28, 60) | spot(120, 60), spot(80, 10) | spot(45, 60))
    assert overlap(both, np.maximum(left - hole, right)) > 0.97
    np.testing.assert_array_equal(picture, kept)


def test_strokes_may_be_soft_masks_of_another_size_and_a_single_pixel(discs):
    picture, left, *_ = discs
    inside, outside = np.zeros(SHAPE, "float32"), np.zeros(SHAPE, "float32")
    inside[60, 28], outside[10, 80] = 0.6, 1
    inside[10, 81] = 0.5  # not above 0.5
    assert overlap(select_scribble(picture, inside, outside), left) > 0.97
    large = resize(picture, (480, 640))
    with pytest.warns(MaskWarning, match="inside was resized from 160×120 to 640×480"):
        mask = select_scribble(large, spot(28, 60), spot(320, 40, shape=(480, 640)))
    assert overlap(mask, resize_mask(left, (480, 640))) > 0.97


@pytest.mark.parametrize(
    ("inside", "outside", "message"),
    [
        (np.zeros(SHAPE), spot(80, 10), "inside has no stroke.*Draw at least one"),
        (spot(28, 60), np.zeros(SHAPE, bool), "outside has no stroke"),
        (spot(28, 60), spot(34, 60), r"must not share pixels; they share \d+"),
        (np.ones((120, 120), bool), spot(80, 10), "inside is 120×120 pixels.*proportions differ"),
        (spot(28, 60), "strokes.png", "outside 'strokes.png': there is no such file"),
    ],
)
def test_strokes_that_say_nothing_are_refused(discs, inside, outside, message):
    with pytest.raises(ValueError, match=message):
        select_scribble(discs[0], inside, outside)


def test_a_picture_of_one_colour_has_no_edge():
    with pytest.raises(ValueError, match=r"one colour.*select_polygon"):
        select_scribble(np.full((*SHAPE, 3), 0.4), spot(28, 60), spot(80, 10))


def test_segments_add_up_to_1_and_find_the_parts_of_a_picture(discs):
    picture, left, right, hole = discs
    masks = select_segments(picture, 2)
    assert all(mask.dtype == np.float32 and mask.shape == SHAPE for mask in masks)
    np.testing.assert_allclose(np.sum(masks, axis=0), 1, atol=1e-6)
    assert overlap(masks[1], np.maximum(left - hole, right)) > 0.97
    for mask, again in zip(masks, select_segments(picture, 2), strict=True):
        np.testing.assert_array_equal(mask, again)


@pytest.mark.parametrize("count", [1, 65, 2.0, "3", None])
def test_a_number_of_segments_that_makes_no_sense_is_refused(count):
    with pytest.raises(ValueError, match="count must be a whole number from 2 to 64; got"):
        select_segments(np.zeros((*SHAPE, 3)), count)
