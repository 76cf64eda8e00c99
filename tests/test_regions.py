"""Masks in a transfer: what acts where, in each mode."""

import json
from unittest import mock

import numpy as np
import pytest
from conftest import ROOT
from scipy import special

from nst_keras import (
    FORMULAS,
    MaskWarning,
    Objective,
    build_network,
    load_image,
    load_mask,
    resize,
    resize_mask,
    save_image,
    save_mask,
    style_targets,
    style_terms,
    style_transfer,
)
from nst_keras.color import before_transfer
from nst_keras.correlations import chain, shifted
from nst_keras.image import cut_margin
from nst_keras.masks.regions import Regions, load_regions
from nst_keras.support.waves import EDGE
from nst_keras.transfer import MARGIN

QUICK = {"size": 64, "iterations": 8}
SHAPE = (48, 64)
LAYERS = ["color", "block1_conv1", "block2_conv1", "block3_conv1"]


@pytest.fixture(scope="module")
def content(photograph):
    return resize(photograph, SHAPE)


@pytest.fixture(scope="module")
def left():
    mask = np.zeros(SHAPE, "float32")
    mask[:, :32] = 1
    return mask


@pytest.fixture(scope="module")
def network():
    return build_network("lite", [*LAYERS, "block2_conv2"])


@pytest.mark.parametrize("layers", [LAYERS, shifted(chain(LAYERS[1:])), {"block1_conv1": 2.0, "block3_conv1": -1.0}])
@pytest.mark.parametrize("formula", ["relative", "gatys", "keras"])
def test_a_white_mask_is_no_mask(network, content, painting, rng, layers, formula):
    """The same loss and gradient, with plain, shifted and chained statistics; "classic" has no border to leave out."""
    image, style = rng.uniform(size=content.shape), resize(painting, SHAPE)
    white = np.ones(SHAPE, "float32")
    for classic in (False, True):
        whole = FORMULAS[formula]._replace(border=0) if classic else FORMULAS[formula]
        with mock.patch.dict(FORMULAS, {formula: whole}):
            plain = style_terms(style_targets(network, style, layers, formula=formula), 6.0)
            expected = Objective(network, plain, SHAPE).value_and_gradient(image)
        targets = style_targets(network, style, layers, [white], formula=formula, classic=classic)
        terms = style_terms(targets, 6.0, mask=white)
        value, gradient = Objective(network, terms, SHAPE).value_and_gradient(image)
        assert value == pytest.approx(expected[0], rel=1e-5)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-3, atol=1e-5 * np.abs(expected[1]).max())


def test_black_is_out_of_reach(network, content, painting, left):
    """No gradient where the mask is black, further from its edge than the network sees."""
    targets = style_targets(network, resize(painting, SHAPE), ["color", "block1_conv1"])
    objective = Objective(network, style_terms(targets, 1.0, mask=left), SHAPE)
    gradient = objective.evaluate(content)[1]
    assert not gradient[:, 34:].any()
    assert gradient[:, :30].any()


def test_a_guided_target_is_that_of_the_cropped_style(network, painting):
    """Of a style-space mask: the statistics are those of the part alone, but for what layers see across its edge."""
    style = resize(painting, (40, 80))
    mask = np.zeros((40, 80), "float32")
    mask[:, :40] = 1
    (guided,) = style_targets(network, style, ["color"], [mask]).values()
    (cropped,) = style_targets(network, style[:, :40], ["color"]).values()
    np.testing.assert_allclose(guided.matrix, cropped.matrix, rtol=1e-4)
    assert float(guided.energy) == pytest.approx(float(cropped.energy), rel=1e-3)


def test_each_region_takes_its_own_style(content, painting, photograph, left):
    """By the colours' Gram matrix, each half is nearer to the style whose mask is white there."""
    other = 1 - photograph
    result = style_transfer(
        content, [painting, other], size=64, iterations=40, scales=1, masks=[left, 1 - left], style_weight=50
    )
    color = build_network("lite", ["color"])
    own = [style_targets(color, resize(style, SHAPE), ["color"]) for style in (painting, other)]
    for half, mine, theirs in ((result.image[:, :32], *own), (result.image[:, 32:], *own[::-1])):
        (matrix,) = (target.matrix for target in style_targets(color, half.copy(), ["color"]).values())
        distance = [float(np.square(matrix - next(iter(t.values())).matrix).sum()) for t in (mine, theirs)]
        assert distance[0] < 0.5 * distance[1]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gradient-descent"])
def test_frozen_pixels_are_the_contents(content, painting, left, tmp_path, monkeypatch, optimizer):
    """Exactly, in the saved file, in callbacks and wherever the optimiser looks, where the content is grey; also from
    noise, over two scales, with colours preserved. Where scipy's L-BFGS looks, black and white are moved by EDGE.
    """
    evaluate, looks, steps = Objective.evaluate, [], []

    def watched(objective, x):
        canvas = np.array(x, "float32").reshape(objective.shape)
        looks.append(cut_margin(canvas, MARGIN))
        return evaluate(objective, x)

    monkeypatch.setattr(Objective, "evaluate", watched)
    result = style_transfer(
        content,
        painting,
        size=192,
        iterations=6,
        masks=[left],
        mask_mode="freeze",
        init="noise",
        optimizer=optimizer,
        preserve_color="luminance",
        callback=steps.append,
    )
    result.save(tmp_path / "frozen.png")
    save_image(result.content, tmp_path / "content.png")
    frozen, original = (load_image(tmp_path / f"{name}.png") for name in ("frozen", "content"))
    np.testing.assert_array_equal(frozen[:, 99:], original[:, 99:])  # the mask's edge is enlarged, too
    assert np.abs(frozen[:, :90] - original[:, :90]).mean() > 0.02
    grey = before_transfer(result.content, [painting], "luminance")[0]
    moved = EDGE + 1e-6 if optimizer == "lbfgs" else 0
    for images, expected, atol in (([step.image for step in steps], result.content, 0), (looks, grey, moved)):
        assert {image.shape[1] for image in images} == {96, 192}
        for image in images:
            right = image.shape[1] * 33 // 64
            expected_there = resize(expected, image.shape)[:, right:]
            np.testing.assert_allclose(image[:, right:], expected_there, rtol=0, atol=atol)


def test_only_what_is_exactly_black_in_every_mask_is_frozen():
    """The black of a JPEG, such as 0.02, is not."""
    masks = [np.float32([[0, 0, 1, 1e-4, 0.02, 0.049]] * 2), np.float32([[0, 1, 0, 0, 0, 0]] * 2)]
    frozen = Regions(masks, [[None], [None]], "freeze", ["a", "b"]).frozen((2, 6))
    np.testing.assert_array_equal(frozen, [[True, False, False, False, False, False]] * 2)


def test_blending_keeps_the_content_away_from_the_edge(content, painting, left):
    """In callbacks, too."""
    steps = []
    guided = style_transfer(content, painting, **QUICK, masks=[left], mask_mode="guided")
    blended = style_transfer(content, painting, **QUICK, masks=[left], mask_mode="blend", callback=steps.append)
    assert len(steps) == QUICK["iterations"]
    for image in (blended.image, *(step.image for step in steps)):
        np.testing.assert_allclose(image[:, 36:], blended.content[:, 36:], atol=1e-6)
    np.testing.assert_allclose(blended.image[:, :28], guided.image[:, :28], atol=1e-6)
    assert np.abs(guided.image[:, 36:] - guided.content[:, 36:]).max() > 0.01


def test_the_edge_of_blending_is_the_integral_of_a_gaussian_of_a_hundredth_of_the_longer_side():
    mask = np.zeros((60, 200), "float32")
    mask[:, :100] = 1
    white = np.ones((60, 200, 3), "float32")
    image = Regions([mask], [[None]], "blend", ["left"]).finished(white, 0 * white)
    share = special.ndtr((100 - (np.arange(200) + 0.5)) / 2)
    np.testing.assert_allclose(image, np.broadcast_to(share[:, None], image.shape), atol=0.005)


def test_the_classic_method_binarises_and_does_not_renormalise(network, content, painting, left):
    """Its Gram matrix is the guided one times the share of the picture that is white."""
    style = resize(painting, SHAPE)
    soft = np.clip(left, 0.5, 0.6)  # a half is black
    classic = load_regions([soft], None, "classic", content, [[style]])
    np.testing.assert_array_equal(classic.masks[0], left)
    np.testing.assert_array_equal(classic.style_masks[0][0], left)
    (as_published,) = style_targets(network, style, ["color"], [left], classic=True).values()
    (guided,) = style_targets(network, style, ["color"], [left]).values()
    np.testing.assert_allclose(as_published.matrix, guided.matrix / 2, rtol=1e-5)


def test_masks_of_another_size_and_from_files(content, painting, left, tmp_path):
    small = resize_mask(left, (36, 48))
    with pytest.warns(MaskWarning, match="resized from 48×36 to 64×48"):
        result = style_transfer(content, painting, **QUICK, masks=[small])
    assert result.settings["masks"] == ["a picture"]
    save_mask(left, tmp_path / "left.png")
    from_file = style_transfer(content, painting, **QUICK, masks=[tmp_path / "left.png"])
    np.testing.assert_array_equal(from_file.image, style_transfer(content, painting, **QUICK, masks=[left]).image)
    again = style_transfer(content, painting, **json.loads(json.dumps(from_file.settings)))
    np.testing.assert_array_equal(from_file.image, again.image)
    with pytest.raises(ValueError, match="one of the input pictures"):
        from_file.save(tmp_path / "left.png")


def test_findings_are_noted(content, painting, left):
    result = style_transfer(content, [painting, painting], **QUICK, masks=[left, left])
    assert any("overlap" in note for note in result.notes)
    assert any("gap" in note for note in result.notes)


def test_masks_of_one_name_are_told_apart(content, painting, left, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_mask(left, tmp_path / folder / "region.png")
    masks = [tmp_path / folder / "region.png" for folder in ("a", "b")]
    notes = style_transfer(content, [painting, painting], size=64, iterations=1, masks=masks).notes
    assert any("region 1 and region 2 overlap" in note for note in notes)


def test_a_mask_called_background_may_be_one(painting):
    """The rule on polarity knows masks by the names of their files."""
    cup = ROOT / "images" / "coffee.jpg"
    background = ROOT / "masks" / "coffee_background.png"
    from_file, from_array = (
        style_transfer(cup, painting, size=64, iterations=1, scales=1, masks=[mask]).notes
        for mask in (background, load_mask(background))
    )
    assert not any("use invert_mask" in note for note in from_file)
    assert any(note.startswith("mask 1") and "use invert_mask" in note for note in from_array)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"masks": "left.png"}, r"masks must be a list with one mask for each of 1 style\(s\); got str"),
        ({"masks": []}, "got 0"),
        ({"masks": [np.zeros(SHAPE, "float32")]}, r"masks\[0\] is black everywhere"),
        ({"masks": [np.ones((48, 48), "float32")]}, r"masks\[0\] is 48×48 pixels, its image 64×48"),
        (
            {"masks": [np.full(SHAPE, 0.4, "float32")], "mask_mode": "classic"},
            "above 0.5 .* is black everywhere",
        ),
        ({"masks": [None]}, r"masks\[0\] must be a mask; got None"),
        ({"mask_mode": "freeze"}, 'mask_mode="freeze" needs masks'),
        ({"mask_mode": "frozen", "masks": [np.ones(SHAPE, "float32")]}, "mask_mode must be one of guided, blend"),
        ({"masks": [np.ones(SHAPE, "float32")], "combine": "targets"}, 'combine="targets" makes one style of all'),
        ({"style_masks": [[None, None]]}, r"style_masks\[0\] must hold a mask for each of 1 pictures; got 2"),
    ],
)
def test_wrong_masks_are_named(content, painting, arguments, message):
    with pytest.raises(ValueError, match=message):
        style_transfer(content, painting, **QUICK, **arguments)


def test_a_freeze_that_freezes_nothing_is_said():
    """JPEG makes of black 0.02, and every pixel may then move."""
    network, grey = build_network("lite", ["block1_conv1"]), np.full((40, 60), 0.02, "float32")
    grey[:, 30:] = 1.0
    black = np.where(grey < 0.05, 0, grey)
    notes = [Regions([mask], [[None]], "freeze", ["sky"]).notes(network, (40, 60)) for mask in (grey, black)]
    assert [any("freezes nothing" in note for note in each) for each in notes] == [True, False]
