import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import directional_derivative

from nst_keras import (
    FORMULAS,
    Objective,
    Term,
    build_network,
    content_terms,
    resize,
    style_targets,
    style_terms,
    total_variation_term,
)
from nst_keras.correlations import Correlation
from nst_keras.losses import content_loss, mean_gram_matrix, style_energy, style_loss, total_variation_loss
from nst_keras.network import LAYERS
from nst_keras.networks.weights import compiled
from nst_keras.objective import Guide, balanced_terms, blended_targets

CONTENT_LAYERS, STYLE_LAYERS = ["block2_conv2"], ["color", "block3_conv1"]


@pytest.fixture(scope="module")
def network():
    return build_network("lite", CONTENT_LAYERS + STYLE_LAYERS)


@pytest.fixture(scope="module")
def content(photograph):
    return resize(photograph, (32, 48))


@pytest.fixture(scope="module")
def style(painting):
    return resize(painting, (40, 36))


@pytest.fixture(scope="module")
def objective(network, content, style):
    return make_objective(network, content, style)


def make_objective(network, content, style):
    terms = content_terms(network, content, CONTENT_LAYERS, 2.0)
    terms += style_terms(style_targets(network, style, STYLE_LAYERS), 30.0)
    terms.append(total_variation_term(5.0))
    return Objective(network, terms, (32, 48))


def test_terms_equal_the_losses_by_hand(objective, network, content, style, rng):
    image = rng.uniform(size=(32, 48, 3)).astype("float32")
    features, of_content, of_style = network(image[None]), network(content[None]), network(style[None])
    expected = {"content block2_conv2": 2 * content_loss(features["block2_conv2"], of_content["block2_conv2"])}
    for layer in STYLE_LAYERS:
        inside = slice(None) if layer == "color" else slice(1, -1)
        inner, of_inner = features[layer][:, inside, inside], of_style[layer][:, inside, inside]
        expected[f"style {layer}"] = 15 * style_loss(
            mean_gram_matrix(inner),
            mean_gram_matrix(of_inner),
            energy=style_energy(mean_gram_matrix(of_inner), tf.reduce_mean(of_inner, axis=(1, 2))),
        )
    expected["tv"] = 5 * total_variation_loss(image[None])
    terms = objective.terms(image)
    assert list(terms) == list(expected)
    for name, value in expected.items():
        assert terms[name] == pytest.approx(float(value), rel=1e-4)


def test_value_and_gradient_are_what_scipy_wants(objective, rng):
    x = rng.uniform(size=32 * 48 * 3)
    value, gradient = objective.value_and_gradient(x)
    assert isinstance(value, float)
    assert value == pytest.approx(sum(objective.terms(x).values()))
    assert gradient.dtype == np.float64
    assert gradient.shape == x.shape
    assert gradient.flags.c_contiguous
    assert objective.evaluate(x.reshape(32, 48, 3))[1].shape == (32, 48, 3)


@pytest.fixture
def network_in_float64():
    def set_dtype(dtype):
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)

    set_dtype("float64")
    yield build_network("lite", CONTENT_LAYERS + STYLE_LAYERS)
    set_dtype("float32")


def test_gradient_passes_central_differences(network_in_float64, content, style, rng):
    objective = make_objective(network_in_float64, content, style)
    x = rng.uniform(0.2, 0.8, size=32 * 48 * 3)
    for _ in range(3):
        direction = rng.normal(size=x.shape)
        expected = directional_derivative(lambda x: objective.value_and_gradient(x)[0], x, direction, 1e-8)
        assert objective.value_and_gradient(x)[1] @ direction == pytest.approx(expected, rel=1e-5)


def test_content_start_has_no_content_loss_and_no_content_gradient(network, content):
    terms = content_terms(compiled(network), content, CONTENT_LAYERS, 1.0)
    value, gradient = Objective(network, terms, content.shape).value_and_gradient(content)
    assert value == 0
    assert not gradient.any()


def test_one_trace_serves_all_calls(network, content, rng):
    traces = []

    def loss(image, features):
        traces.append(image.shape)
        return total_variation_loss(image)

    objective = Objective(network, [Term("tv", 1.0, loss)], content.shape)
    for _ in range(3):
        objective.value_and_gradient(rng.uniform(size=content.size))
        objective.terms(content)
    assert traces == [(1, 32, 48, 3)]


def test_an_objective_needs_terms_with_different_names(network):
    with pytest.raises(ValueError, match="at least one Term"):
        Objective(network, [], (32, 32))
    with pytest.raises(ValueError, match="different names; got tv, tv"):
        Objective(network, [total_variation_term(1.0), total_variation_term(2.0)], (32, 32))


def test_shares_are_the_gradients_shares(network, content, style, rng):
    """Whatever the formula and the size: the norms of the groups' gradients are as asked, where they are measured."""
    asked = {"content": 0.2, "style": 0.7, "tv": 0.1}
    for formula in FORMULAS:
        for shape in ((32, 48), (40, 60)):
            at = resize(content, shape)
            image = rng.uniform(size=at.shape).astype("float32")
            terms = content_terms(network, at, CONTENT_LAYERS, 3.0, formula=formula)
            terms += style_terms(style_targets(network, style, STYLE_LAYERS, formula=formula), 0.5)
            terms.append(total_variation_term(2.0, formula=formula))
            balanced = balanced_terms(network, terms, image, asked)
            for group, share in asked.items():
                of_group = [term for term in balanced if term.name.startswith(group)]
                _, gradient = Objective(network, of_group, shape).evaluate(image)
                assert np.linalg.norm(gradient) == pytest.approx(share, rel=1e-3)


@pytest.mark.parametrize("name", ["squeezenet1_1", "vgg16"])
def test_shares_hold_with_every_network(name, content, style, rng):
    content_layers, style_layers = (list(layers) for layers in LAYERS[name])
    network = build_network(name, [*content_layers, *style_layers], weights="random")
    terms = content_terms(network, content, content_layers, 1.0)
    terms += style_terms(style_targets(network, style, style_layers), 1.0)
    image = rng.uniform(size=content.shape).astype("float32")
    for group, share in {"content": 0.25, "style": 0.75}.items():
        balanced = balanced_terms(network, terms, image, {"content": 0.25, "style": 0.75})
        of_group = [term for term in balanced if term.name.startswith(group)]
        _, gradient = Objective(network, of_group, content.shape).evaluate(image)
        assert np.linalg.norm(gradient) == pytest.approx(share, rel=1e-3)


def test_frozen_pixels_have_no_gradient_and_no_part_in_shares(network, content, style, rng):
    frozen = np.zeros((32, 48), bool)
    frozen[:, 10:] = True
    terms = content_terms(network, content, CONTENT_LAYERS, 3.0)
    terms += style_terms(style_targets(network, style, STYLE_LAYERS), 0.5)
    image = rng.uniform(size=content.shape).astype("float32")
    free, held = (Objective(network, terms, content.shape, mask).evaluate(image)[1] for mask in (None, frozen))
    np.testing.assert_array_equal(held, np.where(frozen[..., None], 0, free))
    asked = {"content": 0.25, "style": 0.75}
    balanced = balanced_terms(network, terms, image, asked, frozen)
    for group, share in asked.items():
        of_group = [term for term in balanced if term.name.startswith(group)]
        _, gradient = Objective(network, of_group, content.shape).evaluate(image)
        assert np.linalg.norm(gradient[~frozen]) == pytest.approx(share, rel=1e-3)


def test_a_share_needs_a_gradient(network, content):
    terms = content_terms(compiled(network), content, CONTENT_LAYERS, 1.0)
    with pytest.raises(ValueError, match="the gradient of 'content' is 0"):
        balanced_terms(network, terms, content, {"content": 1.0})
    with pytest.raises(ValueError, match="the gradient of 'style' is 0"):
        balanced_terms(network, terms, content, {"style": 1.0})


def test_the_border_of_the_maps_is_no_style():
    layer, deeper = "block1_conv1", "block2_conv1"
    shapes = {layer: (6, 8), deeper: (3, 4), "color": (6, 8), "block5_conv1": (2, 3)}
    everywhere = Guide(None, "relative", False)
    inside = np.pad(np.ones((4, 6)), 1)
    np.testing.assert_array_equal(everywhere.mask(Correlation(layer), shapes), inside)
    np.testing.assert_array_equal(everywhere.mask(Correlation(layer, deeper), shapes), np.pad(np.ones((2, 4)), 2))
    assert everywhere.mask(Correlation("color"), shapes) is None  # the colours of an image have no padding
    assert everywhere.mask(Correlation("block5_conv1"), shapes) is None  # nothing would be left
    assert Guide(None, "gatys", False).mask(Correlation(layer), shapes) is None
    left, frame = np.tile([1.0, 1, 1, 0, 0, 0, 0, 0], (6, 1)), np.pad(np.zeros((4, 6)), 1, constant_values=1.0)
    np.testing.assert_array_equal(Guide(left, "relative", False).mask(Correlation(layer), shapes), left * inside)
    np.testing.assert_array_equal(Guide(frame, "relative", False).mask(Correlation(layer), shapes), frame)


def test_the_border_of_a_deeper_layer_is_whole_where_pooling_drops_a_row():
    """One position of 4 covers up to three of 9."""
    correlation, shapes = Correlation("block2_conv1", "block3_conv1"), {"block2_conv1": (9, 12), "block3_conv1": (4, 6)}
    inside = np.pad(np.ones((3, 6)), 3)
    np.testing.assert_array_equal(Guide(None, "relative", False).mask(correlation, shapes), inside)


def test_content_layers_share_the_weight_or_have_their_own(network, content):
    for layers, expected in (
        (["color", "block2_conv2"], [1.5, 1.5]),
        ({"color": 2.0, "block2_conv2": -0.5}, [6, -1.5]),
    ):
        assert [term.weight for term in content_terms(network, content, layers, 3.0)] == expected


def test_a_mask_chooses_the_content_that_counts(network, content, rng):
    """The loss is that of the white half alone, its divisor, too."""
    left = np.zeros((32, 48), "float32")
    left[:, :24] = 1
    (term,) = content_terms(network, content, ["color"], 1.0, mask=left)
    image = rng.uniform(size=(1, 32, 48, 3)).astype("float32")
    features, target = (network(picture)["color"] for picture in (image, content[None]))
    expected = content_loss(features[:, :, :24], target[:, :, :24])
    assert float(term.loss(image, {"color": features})) == pytest.approx(float(expected), rel=1e-5)


def test_features_at_the_border_do_not_change_the_style_loss(network, style, rng):
    (term,) = style_terms(style_targets(network, style, ["block3_conv1"]), 1.0)
    image = tf.constant(rng.uniform(size=(1, 32, 48, 3)).astype("float32"))
    features = network(image)["block3_conv1"].numpy()
    before = float(term.loss(image, {"block3_conv1": tf.constant(features)}))
    features[:, [0, -1]] = features[:, :, [0, -1]] = 1e3
    assert float(term.loss(image, {"block3_conv1": tf.constant(features)})) == pytest.approx(before)


def test_blended_targets_and_summed_losses_have_the_same_gradient(network, content, style, photograph, rng):
    """Σ ρ (G − A_r)² and (G − Σ ρ A_r)² differ by a constant, where the divisor does not depend on the style."""
    shares = 0.3, 0.7
    targets = [
        style_targets(network, picture, STYLE_LAYERS, formula="gatys")
        for picture in (style, resize(photograph, (36, 50)))
    ]
    summed = [
        term
        for number, (target, share) in enumerate(zip(targets, shares, strict=True))
        for term in style_terms(target, share, name=f"style {number}")
    ]
    blended = style_terms(blended_targets(targets, shares), 1.0)
    image = rng.uniform(size=(32, 48, 3))
    gradients = [Objective(network, terms, (32, 48)).evaluate(image)[1] for terms in (summed, blended)]
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-5 * np.abs(gradients[0]).max())


def test_blended_targets_have_matrices_and_energies_of_all_styles(network, style):
    """In any order; the energies of a picture and of its darker half differ."""
    targets = [style_targets(network, picture, STYLE_LAYERS) for picture in (style, style / 2)]
    blended, mirrored = blended_targets(targets, (0.3, 0.7)), blended_targets(targets[::-1], (0.7, 0.3))
    for c in targets[0]:
        bright, dark = (float(target[c].energy) for target in targets)
        assert dark < 0.8 * bright
        assert float(blended[c].energy) == pytest.approx(0.3 * bright + 0.7 * dark, rel=1e-5)
        assert float(mirrored[c].energy) == pytest.approx(float(blended[c].energy), rel=1e-5)
        matrix = 0.3 * targets[0][c].matrix + 0.7 * targets[1][c].matrix
        np.testing.assert_allclose(blended[c].matrix, matrix, rtol=1e-5)
        np.testing.assert_allclose(mirrored[c].matrix, matrix, rtol=1e-5)


def test_several_pictures_are_one_style(network, style):
    alone, twice = (style_targets(network, pictures, STYLE_LAYERS) for pictures in (style, [style, style]))
    halves = style_targets(network, [style[:16], style[16:]], ["color"])
    for c in alone:
        np.testing.assert_allclose(alone[c].matrix, twice[c].matrix, rtol=1e-5)
    np.testing.assert_allclose(next(iter(halves.values())).matrix, next(iter(alone.values())).matrix, rtol=1e-5)
