import numpy as np
import pytest
import tensorflow as tf
from conftest import directional_derivative
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nst_keras.formulas import FORMULAS
from nst_keras.losses import content_loss, gram_matrix, mean_gram_matrix, style_energy, style_loss, total_variation_loss


@pytest.fixture
def features(rng):
    """As behind a ReLU: about half of the values are 0. Float64, for exact comparisons."""
    return tf.constant(np.maximum(rng.normal(size=(1, 5, 7, 4)), 0))


@pytest.fixture
def other(rng):
    return tf.constant(np.maximum(rng.normal(size=(1, 5, 7, 4)), 0))


def test_gram_matrix_equals_the_sum_over_positions(features):
    values, expected = features.numpy()[0], np.zeros((4, 4))
    for position in values.reshape(-1, 4):
        expected += np.outer(position, position)
    np.testing.assert_allclose(gram_matrix(features)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(mean_gram_matrix(features)[0], expected / 35, rtol=1e-12)


def test_gram_matrix_is_symmetric_and_positive_semidefinite(features):
    gram = gram_matrix(features)[0].numpy()
    np.testing.assert_array_equal(gram, gram.T)
    assert np.linalg.eigvalsh(gram).min() > -1e-12


def test_gram_matrix_forgets_places_and_the_mean_forgets_size(features, rng):
    flat = features.numpy().reshape(35, 4)
    shuffled = tf.constant(rng.permutation(flat).reshape(1, 5, 7, 4))
    np.testing.assert_allclose(gram_matrix(shuffled), gram_matrix(features), rtol=1e-12)
    tiled = tf.tile(features, (1, 2, 3, 1))
    np.testing.assert_allclose(mean_gram_matrix(tiled), mean_gram_matrix(features), rtol=1e-12)


@given(arrays("float64", (1, 3, 4, 5), elements=st.floats(0, 1e3)), st.floats(0.01, 100))
def test_gram_matrix_of_any_features(features, scale):
    gram = gram_matrix(tf.constant(features))[0].numpy()
    assert np.linalg.eigvalsh(gram).min() >= -1e-9 * max(1, np.trace(gram))
    np.testing.assert_allclose(gram_matrix(tf.constant(scale * features))[0], scale**2 * gram, rtol=1e-9, atol=1e-200)


def test_gram_matrix_treats_images_of_a_batch_apart(features, other):
    both = gram_matrix(tf.concat([features, other], axis=0))
    np.testing.assert_allclose(both[0], gram_matrix(features)[0])
    np.testing.assert_allclose(both[1], gram_matrix(other)[0])


def test_weights_of_0_and_1_choose_positions(features, other):
    """A matrix or a loss with such weights is that of the chosen positions alone."""
    weights = np.zeros((5, 7))
    weights[1:4, 2:6] = 1
    (ours, theirs), weights = (maps[:, 1:4, 2:6] for maps in (features, other)), tf.constant(weights)
    np.testing.assert_allclose(gram_matrix(features, weights=weights), gram_matrix(ours))
    np.testing.assert_allclose(gram_matrix(features, other, weights=weights), gram_matrix(ours, theirs))
    np.testing.assert_allclose(content_loss(features, other, weights=weights), content_loss(ours, theirs))


def test_values_known_in_closed_form():
    ones, zeros = tf.ones((1, 3, 4, 2)), tf.zeros((1, 3, 4, 2))
    assert float(content_loss(zeros, ones, formula="gatys")) == 12.0
    assert float(content_loss(zeros, ones)) == pytest.approx(1.0)
    gram_of_ones, gram_of_zeros = mean_gram_matrix(ones), mean_gram_matrix(zeros)
    assert float(style_loss(gram_of_zeros, gram_of_ones, formula="gatys")) == 4 / 16
    assert float(style_loss(gram_of_zeros, gram_of_ones, energy=8.0)) == pytest.approx(0.5)
    board = np.indices((6, 8)).sum(0)[None, ..., None] % 2
    grey, red = tf.constant(board * [1.0, 1.0, 1.0]), tf.constant(board * [1.0, 0.0, 0.0])

    def variation(c):  # of 48 pixels, 35 have two differences ±c, 12 have one, and the last has none
        lengths = np.sqrt([2 * c**2 + 0.01**2, c**2 + 0.01**2]) - 0.01
        return (35 * lengths[0] + 12 * lengths[1]) / 48

    assert float(total_variation_loss(grey)) == pytest.approx(variation(1))
    assert float(total_variation_loss(grey, form="squared")) == 3 * (6 * 7 + 5 * 8)
    color = [variation(c) for c in (0.701, 0.299, 0.299)]
    assert float(total_variation_loss(red)) == pytest.approx(variation(0.299) + 3 * np.mean(color))
    crop = 3 * 5 * 7  # channels and positions that have a neighbour to the right and one below
    assert float(total_variation_loss(grey, form="neural-style")) == crop
    assert float(total_variation_loss(grey, form="keras")) == pytest.approx(crop * 2**1.25)
    flat = tf.ones((1, 3, 4, 3))
    assert float(total_variation_loss(flat)) == pytest.approx(0.0, abs=1e-8)


def test_the_relative_variation_prefers_no_direction():
    y, x = np.mgrid[-32:32, -32:32]
    edges = [x, (x + y) / np.sqrt(2), (2 * x + y) / np.sqrt(5)]  # one edge, in three directions
    fading = np.exp(-(x**2 + y**2) / 200)  # so that it ends before the border
    pictures = [(fading * np.clip(edge / 8 + 0.5, 0, 1))[None, ..., None] * np.ones(3) for edge in edges]
    straight, *turned = (float(total_variation_loss(tf.constant(picture))) for picture in pictures)
    assert turned == pytest.approx([straight] * 2, rel=0.02)


def test_the_relative_variation_is_a_mean_over_the_batch(rng):
    images = tf.constant(rng.uniform(size=(2, 6, 7, 3)))
    alone = [float(total_variation_loss(images[i : i + 1])) for i in range(2)]
    assert float(total_variation_loss(images)) == pytest.approx(np.mean(alone))


def test_weights_of_positions_are_factors_of_the_products(features, other, rng):
    weights = rng.uniform(size=features.shape[1:3])
    expected = np.einsum("nhwi,hw,nhwj->nij", features, weights, features)
    np.testing.assert_allclose(gram_matrix(features, weights=tf.constant(weights)), expected)
    expected = np.einsum("nhwi,hw,nhwj->nij", features, weights, other)
    np.testing.assert_allclose(gram_matrix(features, other, weights=tf.constant(weights)), expected)


@pytest.mark.parametrize("formula", FORMULAS)
def test_losses_are_zero_at_their_target_and_finite_at_an_empty_one(features, formula):
    assert float(content_loss(features, features, formula=formula)) == 0
    gram = mean_gram_matrix(features)
    options = {"energy": energy_of(features), "positions": 35, "pixels": 140, "formula": formula}
    assert float(style_loss(gram, gram, **options)) == 0
    assert np.isfinite(float(content_loss(features, 0 * features, formula=formula)))
    assert np.isfinite(float(style_loss(gram, 0 * gram, **options | {"energy": energy_of(0 * features)})))


def test_between_two_layers_the_product_of_their_channels_stands_for_n_squared():
    gram = tf.ones((1, 2, 8))
    for formula, divisor in {"gatys": 4 * 16, "gatys-code": 16**2, "neural-style": 16**2, "johnson": 16}.items():
        assert float(style_loss(gram, 0 * gram, formula=formula)) == pytest.approx(16 / divisor)


def energy_of(features):
    return style_energy(mean_gram_matrix(features), tf.reduce_mean(features, axis=(1, 2)))


def test_style_energy_is_that_of_the_covariance(features):
    flat = features.numpy().reshape(35, 4)
    expected = (np.cov(flat.T, bias=True) ** 2).sum() + 1e-3 * ((flat.T @ flat / 35) ** 2).sum()
    assert float(energy_of(features)) == pytest.approx(expected)
    gram = mean_gram_matrix(features)
    with pytest.raises(ValueError, match="needs energy="):
        style_loss(gram, gram)
    with pytest.raises(ValueError, match="needs pixels="):
        style_loss(gram, gram, positions=35, formula="keras")


def test_gradients_are_those_of_the_paper(features, other):
    """Gatys et al. 2015, equations 2 and 6, with their zeros where the feature, behind a ReLU, is not positive."""
    before_relu = tf.constant(np.where(features.numpy() > 0, features.numpy(), -1.0))
    target = mean_gram_matrix(other)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(before_relu)
        after = tf.nn.relu(before_relu)
        content = content_loss(after, other, formula="gatys")
        style = style_loss(mean_gram_matrix(after), target, formula="gatys")
    f, p = features.numpy(), other.numpy()
    np.testing.assert_allclose(tape.gradient(content, before_relu), np.where(f > 0, f - p, 0), atol=1e-12)
    flat, positions, channels = f.reshape(-1, 4), 35, 4
    difference = (gram_matrix(features) - gram_matrix(other)).numpy()[0]
    paper = (flat @ difference).reshape(f.shape) / (channels**2 * positions**2)
    np.testing.assert_allclose(tape.gradient(style, before_relu), np.where(f > 0, paper, 0), atol=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
def test_gradients_pass_central_differences(features, other, rng, formula):
    target = mean_gram_matrix(other[:, :3])  # another size than the image's
    sizes = {"energy": 3.0, "positions": 35, "pixels": 140}
    losses = {
        "content": lambda x: content_loss(x, other, formula=formula),
        "style": lambda x: style_loss(mean_gram_matrix(x), target, **sizes, formula=formula),
        "tv": lambda x: total_variation_loss(x[..., :3], form=FORMULAS[formula].total_variation),
    }
    for loss in losses.values():
        with tf.GradientTape() as tape:
            tape.watch(features)
            value = loss(features)
        direction = rng.normal(size=features.shape)
        expected = directional_derivative(lambda x, loss=loss: float(loss(tf.constant(x))), features, direction, 1e-5)
        assert float(tf.reduce_sum(tape.gradient(value, features) * direction)) == pytest.approx(expected, rel=1e-6)


def test_an_unknown_formula_or_form_is_named():
    with pytest.raises(ValueError, match=r"relative, gatys, .*; got 'gaty'. Did you mean 'gatys'"):
        content_loss(tf.ones((1, 2, 2, 1)), tf.ones((1, 2, 2, 1)), formula="gaty")
    with pytest.raises(ValueError, match=r"form must be one of relative, squared, .*; got 'gatys'"):
        total_variation_loss(tf.ones((1, 2, 2, 3)), form="gatys")
