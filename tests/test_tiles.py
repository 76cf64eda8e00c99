"""Seen in tiles, an image has the values and the gradient that it has as a whole."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from nst_keras import (
    FORMULAS,
    Correlation,
    Objective,
    Term,
    blurred,
    build_network,
    chain,
    content_terms,
    losses,
    resize,
    shifted,
    style_targets,
    style_terms,
    style_transfer,
    total_variation_loss,
    total_variation_term,
)
from nst_keras.large import tiles
from nst_keras.large.tiles import TiledNetwork, TiledObjective
from nst_keras.masks.basics import resize_mask
from nst_keras.network import LAYERS
from nst_keras.objective import balanced_terms

CONVOLUTIONS = ["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1"]
STYLE_LAYERS = ["color", "block1_conv2", "block3_conv1"]
SHAPE = 61, 83  # odd: poolings leave out a row and a column
CORRELATIONS = {
    "Gram": STYLE_LAYERS,
    "shifted chain": shifted(chain(CONVOLUTIONS)),
    "blurred chain": blurred(shifted(chain(CONVOLUTIONS)), CONVOLUTIONS),
    "across two poolings": [Correlation("block1_conv1", "block3_conv1", blur=3), "block2_conv1"],
}


@pytest.fixture(scope="module")
def network():
    return build_network("lite", ["color", *CONVOLUTIONS])


@pytest.fixture
def terms_of(photograph, painting, rng):
    """A function that makes terms of all groups; its targets are seen in tiles, too."""
    pictures = resize(painting, (33, 51)), resize(photograph, (50, 32))
    masks = [rng.uniform(size=SHAPE).astype("float32") for _ in pictures]

    def make(network, shape, tile, *, layers=STYLE_LAYERS, content_layers=("block2_conv2",), masked=False, **choices):
        content, see = resize(photograph, shape), network if tile is None else TiledNetwork(network, tile)
        formula = choices.get("formula", "relative")
        terms = content_terms(
            see, content, list(content_layers), 2.0, formula=formula, mask=masks[0] if masked else None
        )
        for number, (picture, mask) in enumerate(list(zip(pictures, masks, strict=True))[: 2 if masked else 1]):
            style_masks, classic = [resize_mask(mask, picture.shape)] if masked else None, choices.get("classic", False)
            targets = style_targets(see, picture, layers, style_masks, formula=formula, classic=classic)
            terms += style_terms(targets, 30.0, name=f"style {number}", mask=mask if masked else None)
        return [*terms, total_variation_term(5.0, formula=formula)]

    return make


def assert_equal_to_whole(network, terms_of, shape, tile, rng, *, frozen=None, **choices):
    image = rng.uniform(size=(*shape, 3)).astype("float32")
    whole = Objective(network, terms_of(network, shape, None, **choices), shape, frozen)
    tiled = TiledObjective(network, terms_of(network, shape, tile, **choices), shape, frozen, tile=tile)
    (values, gradient), (of_tiles, gradient_of_tiles) = (objective.evaluate(image) for objective in (whole, tiled))
    assert of_tiles == pytest.approx(values, rel=1e-4)
    np.testing.assert_allclose(gradient_of_tiles, gradient, rtol=1e-4, atol=1e-4 * np.abs(gradient).mean())
    return gradient_of_tiles


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_formula(network, terms_of, formula, rng):
    assert_equal_to_whole(network, terms_of, SHAPE, 48, rng, formula=formula, layers=["block2_conv1"])


@pytest.mark.parametrize("formula", ["relative", "johnson", "keras", "neural-style"])
def test_total_variation_alone(network, formula, rng):
    """Here nothing but the differences' own neighbours asks for a margin."""
    assert_equal_to_whole(network, lambda *_: [total_variation_term(1.0, formula=formula)], SHAPE, 32, rng)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("layers", CORRELATIONS.values(), ids=CORRELATIONS)
def test_every_correlation_with_soft_masks(network, terms_of, layers, masked, rng):
    assert_equal_to_whole(network, terms_of, SHAPE, 32, rng, layers=layers, masked=masked)


@pytest.mark.parametrize(("shape", "tile"), [((64, 64), 32), ((63, 50), 40), ((83, 35), 17)])
def test_every_size(network, terms_of, shape, tile, rng):
    assert_equal_to_whole(network, terms_of, shape, tile, rng)


def test_classic_masks(network, terms_of, rng):
    assert_equal_to_whole(network, terms_of, SHAPE, 32, rng, masked=True, classic=True)


def test_frozen_pixels(network, terms_of, rng):
    frozen = rng.uniform(size=SHAPE) < 0.3
    gradient = assert_equal_to_whole(network, terms_of, SHAPE, 32, rng, frozen=frozen)
    assert not gradient[frozen].any()
    assert gradient[~frozen].all()


@pytest.mark.parametrize("name", ["lite", "squeezenet1_1"])
def test_default_layers_of_networks(name, terms_of, rng):
    """Also where poolings take three pixels, and reach over the border."""
    content_layers, layers = LAYERS[name]
    network = build_network(name, [*content_layers, *layers], weights=None if name == "lite" else "random")
    assert_equal_to_whole(network, terms_of, (205, 150), 80, rng, layers=list(layers), content_layers=content_layers)


@pytest.mark.parametrize(("shape", "tile"), [((61, 83), 20), ((96, 64), 32), ((150, 33), 45)])
def test_features_are_those_of_the_whole(network, photograph, shape, tile):
    """Every position belongs to one tile, and none is left out."""
    image = resize(photograph, shape)
    maps, expected = TiledNetwork(network, tile)(image[None]), network(image[None])
    for layer in STYLE_LAYERS:
        np.testing.assert_allclose(maps[layer], expected[layer], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("fine", "coarse"), [((8, 6), (4, 3)), ((9, 7), (4, 3))])
def test_a_tile_enlarges_as_the_whole(rng, fine, coarse):
    """Rows 4 and below come from rows 1 and below of the coarse map; the crop's first row misses its neighbour."""
    features = rng.normal(size=(1, *coarse, 3)).astype("float32")
    whole = tf.image.resize(features, fine)
    maps = {"fine": tf.zeros((1, fine[0] - 4, fine[1], 1)), "coarse": tf.constant(features[:, 1:])}
    strides = {"fine": (1, 1), "coarse": (4, 1)}
    tile = tiles.Tile({"fine": fine, "coarse": coarse}, strides, maps, tf.constant([4, 0]), None)
    np.testing.assert_allclose(tile.enlarged("fine", "coarse")[:, 1:], whole[:, 5:], atol=1e-5)


def test_shares_hold_in_tiles(network, terms_of, rng):
    image, asked = rng.uniform(size=(*SHAPE, 3)).astype("float32"), {"content": 0.2, "style": 0.7, "tv": 0.1}
    kinds = {None: Objective, 32: partial(TiledObjective, tile=32)}
    of_both = [
        balanced_terms(network, terms_of(network, SHAPE, tile), image, asked, objective=kind)
        for tile, kind in kinds.items()
    ]
    for whole, tiled in zip(*of_both, strict=True):
        assert tiled.name == whole.name
        assert tiled.weight == pytest.approx(whole.weight, rel=1e-4)


def test_a_gradient_outlives_the_next(network, terms_of, rng):
    objective = TiledObjective(network, terms_of(network, SHAPE, 32), SHAPE, tile=32)
    image = tf.constant(rng.uniform(size=(*SHAPE, 3)), tf.float32)
    _, gradient = objective.evaluate(image)
    before = gradient.numpy().copy()
    objective.evaluate(1 - image)
    np.testing.assert_array_equal(gradient, before)


def test_two_traces_serve_all_tiles_and_no_array_grows_with_the_image(network, terms_of, monkeypatch):
    """Apart from what is kept of the whole: the image, its gradient and the content's features."""
    kept, graphs = {"Placeholder", "ReadVariableOp"}, []
    original = losses.variation_summands

    def watched(image, form, shape):
        graphs.append(tf.compat.v1.get_default_graph())
        return original(image, form, shape)

    for module in (losses, tiles):
        monkeypatch.setattr(module, "variation_summands", watched)

    def graphs_of(shape, tile):
        graphs.clear()
        terms, kind = terms_of(network, shape, tile), Objective if tile is None else partial(TiledObjective, tile=tile)
        objective = kind(network, terms, shape)
        for _ in range(2):
            objective.evaluate(np.zeros((*shape, 3), "float32"))
        return list(graphs)

    def largest(graphs):
        outputs = [y for graph in graphs for op in graph.get_operations() if op.type not in kept for y in op.outputs]
        return max(np.prod(y.shape.as_list(), dtype=int) for y in outputs if y.shape.is_fully_defined())

    small, large, whole = (graphs_of(*case) for case in (((64, 96), 32), ((128, 192), 32), ((128, 192), None)))
    assert [len(graphs) for graphs in (small, large, whole)] == [2, 2, 1]
    assert largest(small) == largest(large) < largest(whole) / 4


def test_what_cannot_be_tiled_is_refused(network, photograph):
    plain = Term("mine", 1.0, lambda image, features: total_variation_loss(image))
    with pytest.raises(ValueError, match=r"tile: the loss of term 'mine' must be one that nst_keras\.objective makes"):
        TiledObjective(network, [plain], SHAPE, tile=32)
    image = keras.Input((None, None, 3))
    own = keras.Model(image, {"last": kl.UpSampling2D()(image)})
    with pytest.raises(ValueError, match=r"tile: this network cannot see an image in tiles.*UpSampling2D"):
        style_transfer(photograph, photograph, network=own, content_layers=["last"], style_layers=["last"], tile=64)
    with pytest.raises(ValueError, match="tile must be a whole number of at least 32; got 8"):
        style_transfer(photograph, photograph, tile=8)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-float32"])
def test_style_transfer_in_tiles_paints_the_same_picture(photograph, painting, optimizer):
    choices = {"size": 72, "iterations": 2, "style_layers": STYLE_LAYERS, "content_layers": ["block2_conv2"]}
    whole, tiled = (
        style_transfer(photograph, painting, optimizer=optimizer, tile=tile, **choices) for tile in (None, 32)
    )
    assert tiled.settings["tile"] == 32
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-2)
    assert tiled.history[-1].total == pytest.approx(whole.history[-1].total, rel=1e-3)
