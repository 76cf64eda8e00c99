"""Each formula of Novak & Nikulin against a plain NumPy derivation, on features of unequal sizes."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import correlations
from nst_keras.correlations import (
    Correlation,
    as_correlations,
    blurred,
    chain,
    geometric_content_weights,
    geometric_style_weights,
    shifted,
    style_sums,
    transposed_upsampling,
)
from nst_keras.losses import mean_gram_matrix, style_energy

LAYERS = {"a": (9, 7, 3), "b": (9, 7, 4), "c": (4, 3, 5), "d": (2, 1, 2)}  # after poolings that drop odd rows


@pytest.fixture
def features(rng):
    return {name: np.maximum(rng.normal(1, 1, size=shape), 0).astype("float32") for name, shape in LAYERS.items()}


def tensors(features):
    return {name: tf.constant(array[None]) for name, array in features.items()}


def upsampling_matrix(fine, coarse):
    """Bilinear interpolation with pixel centres at ½, clamped at the ends: (fine, coarse)."""
    matrix = np.zeros((fine, coarse))
    for i in range(fine):
        place = np.clip((i + 0.5) * coarse / fine - 0.5, 0, coarse - 1)
        low = int(place)
        matrix[i, low] += 1 - (place - low)
        matrix[i, min(low + 1, coarse - 1)] += place - low
    return matrix


def smoothing_matrix(size):
    matrix = np.zeros((size, size))
    for i in range(size):
        for j, weight in ((i - 1, 0.25), (i, 0.5), (i + 1, 0.25)):
            matrix[i, np.clip(j, 0, size - 1)] += weight
    return matrix


def by_hand(features, c, mask=None):
    """Σ T²(F + s)ᵀ blur(up(F' + s)) / ΣT², loop by loop, and the means of both factors."""
    first = features[c.layer].astype("float64") + c.shift
    second = first
    if c.deeper:
        deep = features[c.deeper].astype("float64") + c.shift
        rows, columns = (upsampling_matrix(first.shape[i], deep.shape[i]) for i in (0, 1))
        second = np.einsum("Hh,Ww,hwk->HWk", rows, columns, deep)
        for _ in range(c.blur):
            smooth = [smoothing_matrix(side) for side in second.shape[:2]]
            second = np.einsum("Hh,Ww,hwk->HWk", *smooth, second)
    weights = np.ones(first.shape[:2]) if mask is None else mask.astype("float64") ** 2
    total = np.zeros((first.shape[-1], second.shape[-1]))
    for i, j in np.ndindex(first.shape[:2]):
        total += weights[i, j] * np.outer(first[i, j], second[i, j])
    means = [np.einsum("hw,hwk->k", weights, maps) / weights.sum() for maps in (first, second)]
    return total / weights.sum(), *means


CORRELATIONS = [
    Correlation("a"),
    Correlation("c", shift=-1.0),
    Correlation("a", "b"),
    Correlation("b", "c", shift=-1.0),
    Correlation("a", "d", shift=0.3),
    Correlation("a", "c", blur=2),
    Correlation("b", "d", shift=-1.0, blur=3),
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("c", CORRELATIONS, ids=str)
def test_correlation_equals_its_formula(features, rng, c, masked):
    mask = rng.uniform(size=LAYERS[c.layer][:2]).astype("float32") if masked else None
    sums = style_sums(tensors(features), c, mask)
    expected, mean, other_mean = by_hand(features, c, mask)
    np.testing.assert_allclose(sums.matrix[0], expected, rtol=1e-5)
    cov = expected - np.outer(mean, other_mean)
    assert float(sums.energy) == pytest.approx((cov**2).sum() + 1e-3 * (expected**2).sum(), rel=1e-4)


@pytest.mark.parametrize("c", CORRELATIONS, ids=str)
def test_gradient_passes_central_differences(features, rng, c):
    """The five-point difference is exact for a polynomial of degree 4, which this loss is: no small step needed."""
    start, mask = tensors(features), rng.uniform(size=LAYERS[c.layer][:2]).astype("float32")
    target = rng.uniform(size=style_sums(start, c).matrix.shape).astype("float32")

    def loss(maps):
        return tf.reduce_sum(tf.square(style_sums(maps, c, mask).matrix - target))

    with tf.GradientTape() as tape:
        tape.watch(start)
        value = loss(start)
    gradient = tape.gradient(value, start)
    for name in c.layers:
        direction = rng.normal(size=start[name].shape).astype("float32")

        def at(step, name=name, direction=direction):
            return float(loss(start | {name: start[name] + step * direction}))

        expected = (8 * (at(0.5) - at(-0.5)) - (at(1.0) - at(-1.0))) / (12 * 0.5)
        assert float(tf.reduce_sum(gradient[name] * direction)) == pytest.approx(expected, rel=1e-3)


def test_a_white_mask_is_no_mask(features):
    for c in CORRELATIONS:
        white = np.ones(LAYERS[c.layer][:2], "float32")
        with_mask, without = (style_sums(tensors(features), c, mask).matrix for mask in (white, None))
        np.testing.assert_allclose(with_mask, without, rtol=1e-6)


def test_without_anything_it_is_the_gram_matrix(features):
    maps = tensors(features)["b"]
    sums = style_sums(tensors(features), Correlation("b"))
    np.testing.assert_array_equal(sums.matrix, mean_gram_matrix(maps))
    energy = style_energy(mean_gram_matrix(maps), tf.reduce_mean(maps, axis=(1, 2)))
    assert float(sums.energy) == pytest.approx(float(energy))


def test_pictures_add_up(features):
    """Two pictures of one style weigh by their positions: the sums of halves are those of the whole."""
    whole, c = tensors(features), Correlation("b", shift=-1.0)
    parts = style_sums({"b": whole["b"][:, :4]}, c) + style_sums({"b": whole["b"][:, 4:]}, c)
    np.testing.assert_allclose(parts.matrix, style_sums(whole, c).matrix, rtol=1e-5)
    assert float(parts.energy) == pytest.approx(float(style_sums(whole, c).energy), rel=1e-4)


@pytest.mark.parametrize(("fine", "coarse"), [((8, 6), (4, 3)), ((9, 7), (4, 3)), ((5, 5), (5, 5)), ((16, 3), (2, 1))])
def test_upsampling_and_its_transpose(rng, fine, coarse):
    """⟨up x, y⟩ = ⟨x, upᵀ y⟩ with TensorFlow's own resize as `up`; and the gradient of upᵀ is `up`."""
    x = tf.constant(rng.normal(size=(2, *coarse, 3)).astype("float32"))
    y = tf.constant(rng.normal(size=(2, *fine, 3)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(y)
        product = tf.reduce_sum(x * transposed_upsampling(y, coarse))
    up = tf.image.resize(x, fine)
    assert float(product) == pytest.approx(float(tf.reduce_sum(up * y)), rel=1e-4)
    np.testing.assert_allclose(tape.gradient(product, y), up, atol=1e-5)


def test_many_shapes_make_no_warnings(caplog):
    """TensorFlow warns of functions that are traced for every call; here there is one function for each shape."""
    for size in range(8, 24):
        transposed_upsampling(tf.ones((1, size, size, 3)), (size // 2, size // 2))
    assert not [record for record in caplog.records if "retracing" in record.message]


def test_blur_is_its_own_transpose_and_keeps_constants(rng):
    x, y = (tf.constant(rng.normal(size=(1, 5, 4, 2))) for _ in range(2))
    left, right = (float(tf.reduce_sum(p)) for p in (correlations.blur(x, 2) * y, x * correlations.blur(y, 2)))
    assert left == pytest.approx(right, rel=1e-12)
    np.testing.assert_allclose(correlations.blur(tf.ones((1, 5, 4, 2)), 3), 1.0, rtol=1e-6)


def test_geometric_weights():
    style = geometric_style_weights(["a", "b", "c"])
    assert [c.weight for c in style] == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert list(geometric_content_weights(["a", "b", "c"]).values()) == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    assert sum(c.weight for c in style) == pytest.approx(1)


def test_builders_combine():
    layers = ["a", "b", "c", "d"]
    assert [c.layers for c in chain(layers)] == [("a", "b"), ("b", "c"), ("c", "d")]
    everything = blurred(shifted(geometric_style_weights([*chain(layers), Correlation("a", "d")])), layers)
    assert [str(c) for c in everything] == [
        "a × b, shift -1, blur 1",
        "b × c, shift -1, blur 1",
        "c × d, shift -1, blur 1",
        "a × d, shift -1, blur 3",
    ]
    assert [c.weight for c in everything] == pytest.approx([8 / 15, 4 / 15, 2 / 15, 1 / 15])
    assert [c.shift for c in shifted(["color", "a"])] == [0.0, -1.0]


def test_a_blur_needs_the_order_of_all_layers():
    with pytest.raises(ValueError, match="order must list every layer that is correlated; it lacks b, c"):
        blurred(chain(["a", "b", "c"]), ["a"])


def test_lists_share_and_dictionaries_say():
    assert [c.weight for c in as_correlations(["a", Correlation("b", weight=3.0)])] == [0.25, 0.75]
    assert as_correlations([["a", "b", -1.0, 0, 1.0]]) == [Correlation("a", "b", -1.0)]
    weights = {"a": 0.125, "b": -1.0}
    assert {c.layer: c.weight for c in as_correlations(weights)} == weights
