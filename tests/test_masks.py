"""Masks and selections: files, sizes, shapes in closed form, and operations against independent oracles."""

import sys
import warnings

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage, special
from skimage import draw, morphology, segmentation

from nst_keras import (
    MaskWarning,
    combine_masks,
    feather_mask,
    grow_mask,
    invert_mask,
    load_image,
    load_mask,
    losses,
    partition_masks,
    resize_mask,
    save_mask,
    shrink_mask,
)
from nst_keras.image import LUMINANCE, luminance
from nst_keras.masks.selections import (
    linear_gradient,
    radial_gradient,
    select_brightness,
    select_color,
    select_ellipse,
    select_flood,
    select_polygon,
)

sys.path.insert(0, str(ROOT / "tools"))
import make_masks

SHAPE = 60, 80


def masks_of(*shape):
    return arrays(np.float32, shape, elements=st.floats(0, 1, width=32))


@pytest.fixture
def soft(rng):
    return ndimage.gaussian_filter(rng.uniform(size=SHAPE), 2).astype("float32")


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".gif", ".jpg", ".webp"])
def test_grey_files_of_every_type_are_loaded_as_they_are(tmp_path, suffix):
    levels = np.repeat(np.arange(0, 240, 3, dtype="uint8")[None], 60, axis=0)
    Image.fromarray(levels).save(tmp_path / f"mask{suffix}")
    mask = load_mask(tmp_path / f"mask{suffix}")
    assert (mask.dtype, mask.shape) == (np.float32, SHAPE)
    np.testing.assert_allclose(mask, levels / 255, atol=1e-7 if suffix in (".png", ".bmp", ".tiff", ".gif") else 0.02)


def test_saved_masks_come_back(soft, tmp_path):
    soft[0], soft[1] = 0, 1
    path = tmp_path / "mask.png"
    save_mask(soft, path)
    loaded = load_mask(path)
    np.testing.assert_allclose(loaded, soft, atol=0.5001 / 255)
    np.testing.assert_array_equal(loaded[:2], soft[:2])
    assert np.abs(loaded - soft).max() > 0.2 / 255
    with Image.open(path) as picture:
        assert picture.mode == "L"


def test_orientation_transparency_palettes_and_bits(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    upright = np.zeros(SHAPE, "uint8")
    upright[:20] = 255
    Image.fromarray(np.rot90(upright)).save(tmp_path / "side.png", exif=exif)
    np.testing.assert_array_equal(load_mask(tmp_path / "side.png"), upright / np.float32(255))
    Image.new("LA", (40, 40), (255, 51)).save(tmp_path / "alpha.png")
    np.testing.assert_allclose(load_mask(tmp_path / "alpha.png"), 0.2)
    cut_out = Image.new("RGBA", (40, 40), (10, 20, 30, 255))
    assert (load_mask(cut_out.getchannel("A")) == 1).all()
    Image.new("1", (40, 40), 1).save(tmp_path / "bits.png")
    Image.new("P", (40, 40), 3).save(tmp_path / "palette.gif")
    assert (load_mask(tmp_path / "bits.png") == 1).all()
    assert load_mask(tmp_path / "palette.gif").shape == (40, 40)


def test_colour_becomes_luminance_with_a_note():
    picture = np.zeros((40, 40, 3), "float32")
    picture[:, 20:] = 0.2, 0.6, 1
    with pytest.warns(MaskWarning, match=r"sky is in colour; .* 0\.00 to 0\.53.*select_color"):
        mask = load_mask(picture, name="sky")
    np.testing.assert_allclose(mask[:, 20:], 0.2 * 0.299 + 0.6 * 0.587 + 0.114, rtol=1e-6)


def test_luminance_keeps_grey_levels_exactly():
    levels = np.linspace(0, 1, 1600, dtype="float32").reshape(40, 40)
    np.testing.assert_array_equal(luminance(np.repeat(levels[..., None], 3, axis=-1)), levels)
    assert sum(LUMINANCE) == pytest.approx(1)
    assert LUMINANCE == losses.LUMINANCE


def test_masks_of_another_size_are_resized_with_a_note_and_of_other_proportions_refused(tmp_path, soft):
    save_mask(soft, tmp_path / "mask.png")
    with pytest.warns(MaskWarning, match=r"mask\.png' was resized from 80×60 to 40×30 pixels"):
        small = load_mask(tmp_path / "mask.png", (30, 40, 3))
    np.testing.assert_array_equal(small, resize_mask(load_mask(tmp_path / "mask.png"), (30, 40)))
    with pytest.warns(MaskWarning, match="resized"):
        assert load_mask(np.ones((300, 451)), (43, 64)).shape == (43, 64)  # 42.6 rows, rounded
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load_mask(soft, SHAPE), soft)
    for shape in ((60, 60), (80, 60), (60, 84)):
        with pytest.raises(ValueError, match=rf"80×60 pixels, its image {shape[1]}×{shape[0]}: the proportions"):
            load_mask(tmp_path / "mask.png", shape)


def test_wrong_masks_are_refused_with_the_reason(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    for source, message in [
        ("missing.png", "sky 'missing.png': there is no such file"),
        (tmp_path / "text.png", r"sky .*text\.png.*cannot be read"),
        (np.full(SHAPE, 255.0), "divide by 255"),
        (np.full(SHAPE, np.nan), "NaN"),
        (Image.new("L", (8000, 8000)), "more than 50 megapixels"),
    ]:
        with pytest.raises(ValueError, match=message):
            load_mask(source, name="sky")
    for mask, message in [
        (np.zeros(SHAPE, "uint8"), r"got uint8, shape \(60, 80\)\. load_mask"),
        (np.zeros((*SHAPE, 3)), r"shape \(60, 80, 3\)"),
        (np.full(SHAPE, 1.5), "got 1.5 to 1.5"),
        (np.full(SHAPE, np.nan), "no NaN"),
    ]:
        for use in (invert_mask, lambda mask: resize_mask(mask, (30, 40)), lambda mask: grow_mask(mask, 2)):
            with pytest.raises(ValueError, match=message):
                use(mask)
    with pytest.raises(ValueError, match=r"must end in \.png"):
        save_mask(np.zeros(SHAPE), tmp_path / "mask.jpg")
    save_mask(np.zeros(SHAPE), tmp_path / "mask.png")
    with pytest.raises(ValueError, match="one of the input pictures"):
        save_mask(np.zeros(SHAPE), tmp_path / "mask.png", inputs=[tmp_path / "mask.png"])


def test_resizing_by_a_whole_number_is_the_mean_of_blocks(soft):
    blocks = soft.reshape(15, 4, 20, 4).mean((1, 3))
    np.testing.assert_allclose(resize_mask(soft, (15, 20)), blocks, atol=1e-6)


@given(masks_of(13, 17), st.integers(1, 13), st.integers(1, 17))
def test_resizing_is_the_mean_over_the_area_for_any_size(mask, height, width):
    """The oracle takes every pixel apart into height × width equal ones, so that blocks are whole."""
    fine = np.repeat(np.repeat(mask.astype("float64"), height, axis=0), width, axis=1)
    means = fine.reshape(height, 13, width, 17).mean((1, 3))
    np.testing.assert_allclose(resize_mask(mask, (height, width)), means, atol=1e-6)


def test_white_and_black_stay_exact_at_any_size():
    for shape in ((60, 80), (59, 77), (7, 9), (100, 300), (100, 20)):
        assert (resize_mask(np.ones(SHAPE), shape) == 1).all()
        assert (resize_mask(np.zeros(SHAPE), shape) == 0).all()
    enlarged = resize_mask(select_polygon(SHAPE, [(0, 0), (40, 0), (40, 60), (0, 60)]), (180, 240))
    assert 0 < enlarged[90, 120] < 1, "no stairs"
    with pytest.raises(ValueError, match=r"shape must be \(height, width\)"):
        resize_mask(np.ones(SHAPE), (0, 80))


@given(st.floats(3, 25), st.floats(3, 25), st.floats(30, 50), st.floats(28, 32))
def test_ellipse_has_its_area_and_place(a, b, x, y):
    mask = select_ellipse(SHAPE, (x, y), (a, b))
    assert mask.sum() == pytest.approx(np.pi * a * b, rel=0.005)
    row, column = ndimage.center_of_mass(mask)
    assert (column + 0.5, row + 0.5) == pytest.approx((x, y), abs=0.02)


def test_polygon_in_closed_form():
    mask = select_polygon((6, 8), [(1.25, 1), (4, 1), (4, 3.5), (1.25, 3.5)])
    across, down = np.array([0, 0.75, 1, 1, 0, 0, 0, 0]), np.array([0, 1, 1, 0.5, 0, 0])
    np.testing.assert_allclose(mask, down[:, None] * across, atol=0.005)
    assert (select_polygon((6, 8), [(-99, -99), (99, -99), (99, 99), (-99, 99)]) == 1).all()
    corners = np.array([(12.3, 3), (70, 18.5), (55, 57), (20, 44)])
    ours = select_polygon(SHAPE, corners) > 0.5
    assert (ours != draw.polygon2mask(SHAPE, corners[:, ::-1] - 0.5)).sum() <= 5


def test_gradients_in_closed_form():
    gradient = linear_gradient((4, 10), (2, 0), (8, 0))
    np.testing.assert_allclose(gradient, np.tile(np.clip((np.arange(10) - 1.5) / 6, 0, 1), (4, 1)), atol=1e-6)
    np.testing.assert_allclose(
        linear_gradient((10, 10), (10, 10), (0, 0)).diagonal(), 0.95 - 0.1 * np.arange(10), atol=1e-6
    )
    disc = radial_gradient((21, 31), (15.5, 10.5), 10)
    assert disc[10, 15] == 1
    np.testing.assert_allclose(disc[10, 15:27], np.clip(1 - np.arange(12) / 10, 0, 1), atol=1e-6)
    assert disc[13, 19] == pytest.approx(0.5)  # 3, 4, 5


def test_selections_by_colour_and_brightness():
    picture = np.zeros((40, 40, 3), "float32")
    picture[:, 10:] = 0.6, 0.3, 0.1
    picture[:, 20:] = 0.6, 0.3, 0.4  # √(0.3² / 3) away
    distance = 0.3 / np.sqrt(3)
    color = (0.6, 0.3, 0.1)
    columns = lambda mask: mask[0, [0, 10, 20]].tolist()  # noqa: E731
    assert columns(select_color(picture, color, 0.1)) == [0, 1, 0]
    assert columns(select_color(picture, color, 0.2)) == [0, 1, 1]
    assert columns(select_color(picture, color, distance, softness=0.1)) == pytest.approx([0, 1, 0.5], abs=1e-5)
    bright = float(np.dot((0.6, 0.3, 0.4), LUMINANCE))
    assert columns(select_brightness(picture, bright - 0.01)) == [0, 0, 1]
    soft = select_brightness(picture, bright, softness=0.2)
    assert columns(soft) == pytest.approx([0, 0.5 - 0.3 * 0.114 / 0.2, 0.5], abs=1e-5)
    assert (select_brightness(np.ones((40, 40, 3)), 1) == 1).all()


def test_flood_selects_what_is_connected(rng):
    picture = np.ones((40, 50, 3), "float32")
    picture[:, 20:22] = 0
    picture[5:10, 30:35] = 0.95
    assert select_flood(picture, (3, 39.9), 0.1).sum() == 40 * 20
    assert select_flood(picture, (32, 7), 0.01).sum() == 25
    assert select_flood(picture, (32, 7), 0.1)[:, 22:].all()
    picture = np.round(rng.uniform(size=(40, 50))).astype("float32")
    for x, y in ((0, 0), (20, 30), (49, 39)):
        flooded = segmentation.flood(picture, (y, x), connectivity=1)
        np.testing.assert_array_equal(select_flood(picture, (x, y), 0.5), flooded)


def test_flood_takes_a_file():
    assert 0.3 < select_flood(ROOT / "images" / "rocket.jpg", (500, 150), 0.15).mean() < 0.9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: select_polygon(SHAPE, [(0, 0), (1, 1)]), "at least three"),
        (lambda: select_polygon(SHAPE, [(0, 0), (1, 1), (2,)]), r"points\[2\] must be 2 finite numbers"),
        (lambda: select_polygon((60.0, 80), [(0, 0), (1, 1), (2, 0)]), "shape must be"),
        (lambda: select_ellipse(SHAPE, (0, 0), (5, 0)), "radii must be a finite number above 0; got 0"),
        (lambda: select_ellipse(SHAPE, (0, np.nan), (5, 5)), "center must be 2 finite numbers"),
        (lambda: linear_gradient(SHAPE, (3, 3), (3, 3)), "different points"),
        (lambda: radial_gradient(SHAPE, (3, 3), -1), "radius must be a finite number above 0; got -1"),
        (lambda: select_color(np.ones((40, 40)), "red", 0.1), "color must be 3 finite numbers; got 'red'"),
        (lambda: select_color(np.ones((40, 40)), (1, 0, 0), -0.1), "tolerance must be .* at least 0; got -0.1"),
        (lambda: select_brightness(np.ones((40, 40)), 0.5, softness="much"), "softness must be"),
        (lambda: select_flood(np.ones((40, 50)), (50, 3), 0.1), r"in the image, 50×40 pixels; got \(50, 3\)"),
        (lambda: feather_mask(np.ones(SHAPE), np.inf), "pixels must be a finite number"),
        (lambda: grow_mask(np.ones(SHAPE), True), "pixels must be a finite number"),
        (lambda: combine_masks([np.ones(SHAPE)], "xor"), "how must be .* got 'xor'"),
        (lambda: combine_masks([], "union"), "at least one mask"),
        (lambda: combine_masks([np.ones(SHAPE), np.ones((8, 9))], "union"), r"masks\[0\] is 80×60 .* masks\[1\] 9×8"),
        (lambda: partition_masks([np.zeros(SHAPE)]), "must not all be black"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("pixels", [0, 1, 2.5, 7, 100])
def test_growing_a_hard_mask_is_a_threshold_of_the_distance(rng, pixels):
    hard = (rng.uniform(size=SHAPE) > 0.995).astype("float32")
    distance = ndimage.distance_transform_edt(1 - hard)
    np.testing.assert_array_equal(grow_mask(hard, pixels), distance <= pixels)


def test_growing_and_shrinking_a_soft_mask_is_grey_morphology(soft):
    disc = morphology.disk(4)
    np.testing.assert_array_equal(grow_mask(soft, 4), ndimage.grey_dilation(soft, footprint=disc, mode="nearest"))
    eroded = ndimage.grey_erosion(soft, footprint=disc, mode="nearest")
    np.testing.assert_allclose(shrink_mask(soft, 4), eroded, atol=1e-6)


@given(masks_of(12, 15), st.floats(0, 6))
def test_growing_and_shrinking_enclose_the_mask(mask, pixels):
    grown, shrunk = grow_mask(mask, pixels), shrink_mask(mask, pixels)
    assert (shrunk <= mask + 1e-6).all()
    assert (mask <= grown).all()
    assert (shrink_mask(grown, pixels) >= mask - 1e-6).all()  # closing fills
    assert (grow_mask(shrunk, pixels) <= mask + 1e-6).all()  # opening removes
    np.testing.assert_allclose(grow_mask(mask, 0), mask)


def test_feathering_is_the_integral_of_a_gaussian_and_stays_away_from_elsewhere():
    half = select_polygon(SHAPE, [(0, 0), (40, 0), (40, 60), (0, 60)])
    soft = feather_mask(half, 3)
    assert soft.mean() == pytest.approx(half.mean(), abs=1e-6)
    np.testing.assert_array_equal(soft[:, :27], 1)
    np.testing.assert_array_equal(soft[:, 53:], 0)
    np.testing.assert_allclose(soft[30], special.ndtr((40 - (np.arange(80) + 0.5)) / 3), atol=0.002)
    spot = select_ellipse(SHAPE, (40, 30), (8, 8))
    assert feather_mask(spot, 4).sum() == pytest.approx(spot.sum(), rel=1e-5)
    np.testing.assert_array_equal(feather_mask(spot, 0), spot)


@given(masks_of(6, 7), masks_of(6, 7), masks_of(6, 7))
def test_combinations_obey_the_laws_of_sets(a, b, c):
    union, intersection = combine_masks([a, b, c], "union"), combine_masks([a, b, c], "intersection")
    np.testing.assert_array_equal(union, np.maximum(np.maximum(a, b), c))
    inverted = [invert_mask(mask) for mask in (a, b, c)]
    np.testing.assert_allclose(invert_mask(union), combine_masks(inverted, "intersection"), atol=1e-6)
    np.testing.assert_allclose(invert_mask(intersection), combine_masks(inverted, "union"), atol=1e-6)
    without = combine_masks([a, b, c], "difference")
    np.testing.assert_allclose(without, np.minimum(a, 1 - np.maximum(b, c)), atol=1e-6)
    np.testing.assert_array_equal(combine_masks([a], "difference"), a)


@given(masks_of(3, 6, 7))
def test_partitions_sum_to_one(masks):
    if masks.sum(axis=0).max() < 0.05:
        masks[1, 2, 3] = 1
    parts = partition_masks(list(masks))
    np.testing.assert_allclose(np.sum(parts, axis=0), 1, atol=1e-6)
    assert np.min(parts) >= 0
    for once, twice in zip(parts, partition_masks(parts), strict=True):
        np.testing.assert_allclose(once, twice, atol=1e-6)


def test_partitions_share_overlaps_and_close_gaps():
    left, right = np.zeros((2, *SHAPE), "float32")
    left[:, :30], right[:, 25:30], right[:, 60:] = 1, 0.5, 1
    left[:, 50] = 0.04  # what JPEG makes of black
    one, other = partition_masks([left, right])
    np.testing.assert_allclose(one[:, 25:30], 2 / 3, atol=1e-6)
    assert (other[:, 45:] == 1).all()  # nearer to the right one
    np.testing.assert_allclose(other[:, 30:44], 1 / 3, atol=1e-6)  # as the pixel beside the gap


def test_nothing_changes_its_inputs(soft):
    kept = soft.copy()
    for use in (
        invert_mask,
        lambda mask: grow_mask(mask, 3),
        lambda mask: shrink_mask(mask, 3),
        lambda mask: feather_mask(mask, 2),
        lambda mask: combine_masks([mask], "union"),
        lambda mask: partition_masks([mask])[0],
        lambda mask: resize_mask(mask, SHAPE),
        load_mask,
    ):
        result = use(soft)
        assert result.dtype == np.float32
        result[:] = 0.5
        np.testing.assert_array_equal(soft, kept)


def test_bundled_masks_belong_to_their_pictures_and_are_written_down():
    text = (ROOT / "masks" / "README.md").read_text()
    paths = sorted((ROOT / "masks").glob("*.png"))
    sums = {}
    for path in paths:
        assert f"`{path.name}`" in text
        picture = path.stem.split("_")[0]
        mask = load_mask(path)
        assert mask.shape == load_image(ROOT / "images" / f"{picture}.jpg").shape[:2]
        assert (mask.min(), mask.max()) == (0, 1)
        sums[picture] = sums.get(picture, 0) + mask
    assert set(sums) == {"astronaut", "cat", "coffee", "landscape", "rocket"}
    for total in sums.values():
        assert np.abs(total - 1).max() <= 2.01 / 255
    assert text.count(".png`") == len(paths)
    assert sum(path.stat().st_size for path in paths) < 100_000


def test_bundled_masks_are_what_their_tool_makes(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_masks.py", "cat", "rocket", "-o", str(tmp_path)])
    make_masks.main()
    made = sorted(tmp_path.iterdir())
    assert len(made) == 4
    for path in made:
        np.testing.assert_allclose(load_mask(path), load_mask(ROOT / "masks" / path.name), atol=1.01 / 255)
