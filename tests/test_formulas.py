"""Each formula against its source, written down again in NumPy as the source has it: 0…255 pixels, its own Gram."""

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.formulas import FORMULAS, LayerSize
from nst_keras.losses import content_loss, mean_gram_matrix, style_energy, style_loss, total_variation_loss

HEIGHT, WIDTH, CHANNELS = 6, 5, 4
POSITIONS, PIXELS = HEIGHT * WIDTH, 4 * HEIGHT * WIDTH  # a layer behind one pooling
VGG19_CHANNELS = 64, 128, 256, 512, 512


def raw_gram(features):
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat


def covariance(features):
    return np.cov(features.reshape(-1, features.shape[-1]).T, bias=True)


def differences(image):
    return np.diff(image, axis=1), np.diff(image, axis=0)


def cropped(image):
    dx, dy = differences(image)
    return dx[:-1], dy[:, :-1]


def mean_length(image):
    dx, dy = np.zeros_like(image), np.zeros_like(image)
    dx[:, :-1], dy[:-1] = differences(image)
    return (np.sqrt(dx**2 + dy**2 + 1e-4) - 0.01).mean()


def relative_variation(image):
    luminance = (image @ [0.299, 0.587, 0.114])[..., None]
    return mean_length(luminance) + 3 * mean_length(image - luminance)


def squared_variation(image):
    return sum((difference**2).sum() for difference in differences(image))


CONTENT = {  # content weight · content loss, from features F and P
    "relative": lambda f, p: 2 * ((f - p) ** 2).sum() / (p**2).sum(),
    "gatys": lambda f, p: 0.5 * ((f - p) ** 2).sum(),
    "gatys-code": lambda f, p: ((f - p) ** 2).mean(),
    "keras": lambda f, p: 2.5e-8 * ((f - p) ** 2).sum(),
    "neural-style": lambda f, p: 5 * ((f - p) ** 2).mean(),
    "johnson": lambda f, p: ((f - p) ** 2).sum() / (POSITIONS * CHANNELS),
    "cs231n": lambda f, p: 6e-2 * ((f - p) ** 2).sum(),
}
STYLE = {  # style weight at one layer · style loss, from features F and S of the style
    "relative": lambda f, s: (
        6
        * ((raw_gram(f) / POSITIONS - raw_gram(s) / POSITIONS) ** 2).sum()
        / ((covariance(s) ** 2).sum() + 1e-3 * ((raw_gram(s) / POSITIONS) ** 2).sum())
    ),
    "gatys": lambda f, s: 1e3 * ((raw_gram(f) - raw_gram(s)) ** 2).sum() / (4 * CHANNELS**2 * POSITIONS**2),
    "gatys-code": lambda f, s: (
        5 * 1e3 / CHANNELS**2 * ((raw_gram(f) / POSITIONS - raw_gram(s) / POSITIONS) ** 2).mean()
    ),
    "keras": lambda f, s: 1e-6 * ((raw_gram(f) - raw_gram(s)) ** 2).sum() / (4 * 3**2 * PIXELS**2),
    "neural-style": lambda f, s: 5 * 100 * ((raw_gram(f) / f.size - raw_gram(s) / s.size) ** 2).mean(),
    "johnson": lambda f, s: 4 * 5 * ((raw_gram(f) / f.size - raw_gram(s) / s.size) ** 2).sum(),
    "cs231n": lambda f, s: 4 * 1e3 * ((raw_gram(f) / f.size - raw_gram(s) / s.size) ** 2).sum(),
}
VARIATION = {  # TV weight · total variation, from an image in [0, 1]
    "relative": lambda x: 4.5 * relative_variation(x),
    "gatys": lambda x: 0.0,
    "gatys-code": lambda x: 0.0,
    "keras": lambda x: 1e-6 * (sum(d**2 for d in cropped(255 * x)) ** 1.25).sum(),
    "neural-style": lambda x: 1e-3 * 0.5 * sum((d**2).sum() for d in cropped(255 * x)),
    "johnson": lambda x: 1e-6 * squared_variation(255 * x),
    "cs231n": lambda x: 2e-2 * squared_variation(x / 0.226),
}


@pytest.fixture
def maps(rng):
    """Features of the generated image, and a target's, as behind a ReLU."""
    return np.maximum(rng.normal(1, 2, size=(2, HEIGHT, WIDTH, CHANNELS)), 0)


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_and_its_weights_equal_their_source(name, maps, rng):
    formula = FORMULAS[name]
    f, target = (tf.constant(features[None]) for features in maps)
    content = formula.content_weight * content_loss(f, target, formula=name)
    assert float(content) == pytest.approx(CONTENT[name](*maps), rel=1e-6)
    gram = mean_gram_matrix(target)
    energy = style_energy(gram, tf.reduce_mean(target, axis=(1, 2)))
    loss = style_loss(mean_gram_matrix(f), gram, energy=energy, positions=POSITIONS, pixels=PIXELS, formula=name)
    assert float(formula.style_weight * loss) == pytest.approx(STYLE[name](*maps), rel=1e-6)
    image = rng.uniform(size=(7, 9, 3))
    variation = total_variation_loss(tf.constant(image[None]), form=formula.total_variation)
    assert float(formula.tv_weight * variation) == pytest.approx(VARIATION[name](image), rel=1e-6)


def hidden_weights(name):
    """What the divisors of a formula make each of VGG19's five style layers weigh, compared with the paper's."""

    def layers():
        for depth, channels in enumerate(VGG19_CHANNELS):
            yield LayerSize(channels=channels, positions=512**2 / 4**depth, pixels=512**2)

    return np.array([FORMULAS["gatys"].style(layer) / FORMULAS[name].style(layer) for layer in layers()])


def test_hidden_layer_weightings():
    np.testing.assert_allclose(hidden_weights("gatys"), 1)
    np.testing.assert_allclose(hidden_weights("keras"), [455.1, 113.8, 28.44, 7.111, 0.4444], rtol=1e-3)
    for name in ("gatys-code", "neural-style"):
        np.testing.assert_allclose(hidden_weights(name) / hidden_weights(name)[-1], [64, 16, 4, 1, 1])
    for name in ("johnson", "cs231n"):
        np.testing.assert_allclose(hidden_weights(name), 4)


def test_the_table_is_complete():
    for formula in FORMULAS.values():
        assert formula.features in ("raw", "rescaled", "any")
        assert formula.published
        assert formula.source


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ValueError, match=r"formula must be one of relative, .*; got 'neural_style'. Did you mean 'neu"):
        style_loss(tf.ones((1, 2, 2)), tf.ones((1, 2, 2)), formula="neural_style")
    with pytest.raises(ValueError, match="formula must be"):
        content_loss(tf.ones((1, 2, 2, 3)), tf.ones((1, 2, 2, 3)), formula=None)
